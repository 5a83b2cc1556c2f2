//! The benchmarks' host as an executable.

#![forbid(unsafe_code)]

fn main() -> anyhow::Result<()> {
    bench_host::main()
}
