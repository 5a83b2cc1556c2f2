//! The test host as an executable.

#![forbid(unsafe_code)]

fn main() -> std::process::ExitCode {
    test_host::main()
}
