//! Opens the benchmarks' host as a dynamic library, which is the host then: no thread-local of it has a constant distance
//! from the thread pointer. The library is in the folder of this executable.

use std::env::consts::{DLL_PREFIX, DLL_SUFFIX};
use std::process::ExitCode;

use libloading::Library;

fn main() -> anyhow::Result<ExitCode> {
    let path = std::env::current_exe()?.with_file_name(format!("{DLL_PREFIX}bench_host{DLL_SUFFIX}"));
    // SAFETY: it is the library of this package, whose initializers may run here. It is never closed.
    let library = std::mem::ManuallyDrop::new(unsafe { Library::new(&path) }?);
    // SAFETY: the library exports a function of this name and type.
    let main = unsafe { library.get::<extern "C" fn() -> bool>(b"bench_host_main") }?;
    Ok(if main() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
