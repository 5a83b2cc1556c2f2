//! Functions that scenarios use to load plugins and to run operations in them.

use std::env::consts::{DLL_PREFIX, DLL_SUFFIX};
use std::ffi::c_void;
use std::ops::Deref;
use std::path::{Path, PathBuf};

use libloading::Library;
use plugin_tls::Context;
use plugin_tls::host::{LoadError, Plugin};
use test_api::probe::{Operations, Probe, Write};

/// The folder with the plugins.
pub struct Bench {
    plugins: PathBuf,
}

/// A loaded plugin and its operations.
pub struct Loaded {
    pub plugin: Plugin,
    operations: Operations,
}

impl Deref for Loaded {
    type Target = Operations;

    fn deref(&self) -> &Operations {
        &self.operations
    }
}

impl Loaded {
    pub fn new(plugin: Plugin, operations: Operations) -> Self {
        Loaded { plugin, operations }
    }

    /// A copy of the operations, which other threads can use while the plugin is loaded.
    pub fn operations(&self) -> Operations {
        self.operations
    }
}

impl Bench {
    pub fn new(plugins: PathBuf) -> Self {
        Bench { plugins }
    }

    /// The file of the plugin `test-plugin-NAME`.
    pub fn path(&self, name: &str) -> PathBuf {
        let name = name.replace('-', "_");
        self.plugins.join(format!("{DLL_PREFIX}test_plugin_{name}{DLL_SUFFIX}"))
    }

    /// Loads the plugin `test-plugin-NAME`.
    pub fn try_load(&self, name: &str) -> Result<Plugin, LoadError> {
        // SAFETY: the file is a plugin of this workspace, and its initializers may run here.
        unsafe { Plugin::load(self.path(name)) }
    }

    /// Loads a plugin that has operations and must load.
    pub fn load(&self, name: &str) -> Loaded {
        self.load_from(&self.path(name))
    }

    /// Loads a plugin, or a copy of one, that has operations and must load.
    pub fn load_from(&self, path: &Path) -> Loaded {
        // SAFETY: the file is a plugin of this workspace, and its initializers may run here.
        let plugin = unsafe { Plugin::load(path) }.unwrap_or_else(|error| panic!("{error}"));
        // SAFETY: `export_operations!` exports `probe` with the type `Probe`.
        let probe = unsafe { plugin.get::<Probe>(b"probe") }.map(|symbol| *symbol);
        let probe = probe.unwrap_or_else(|error| panic!("{error}"));
        // SAFETY: `export_operations!` exports `probe`. Scenarios use the operations only while the plugin is loaded.
        Loaded { plugin, operations: unsafe { Operations::new(probe) } }
    }

    /// Opens the library `test-plugin-NAME` without connecting it. The library is never closed.
    pub fn open(&self, name: &str) -> (&'static Library, Operations) {
        // SAFETY: the file is a library of this workspace, and its initializers may run here.
        let library = unsafe { Library::new(self.path(name)) }.unwrap_or_else(|error| panic!("{error}"));
        // SAFETY: `export_operations!` exports `probe` with the type `Probe`, and the library is never closed.
        let operations =
            unsafe { Operations::new(*library.get::<Probe>(b"probe").expect("the library has operations")) };
        (Box::leak(Box::new(library)), operations)
    }

    /// Opens the library `test-plugin-NAME` in a namespace of its own, without connecting it. It is never closed.
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    pub fn open_in_a_namespace(&self, name: &str) -> Operations {
        use std::ffi::CString;
        use std::os::unix::ffi::OsStrExt;

        let path = CString::new(self.path(name).as_os_str().as_bytes()).expect("the path has no zero");
        // SAFETY: the file is a library of this workspace, and its initializers may run here.
        let library = unsafe { libc::dlmopen(libc::LM_ID_NEWLM, path.as_ptr(), libc::RTLD_NOW) };
        assert!(!library.is_null(), "the library can be loaded");
        // SAFETY: the handle is that of a library that is open, and the name is a C string.
        let probe = unsafe { libc::dlsym(library, c"probe".as_ptr()) };
        assert!(!probe.is_null(), "the library has operations");
        // SAFETY: `export_operations!` exports `probe` with the type `Probe`, and the library is never closed.
        unsafe { Operations::new(std::mem::transmute::<*mut c_void, Probe>(probe)) }
    }

    /// Opens the library `test-plugin-by-hand` without connecting it.
    pub fn open_by_hand(&self) -> ByHand {
        self.open_for_connection("by-hand")
    }

    /// Opens a library that exports `connect`, without connecting it.
    pub fn open_for_connection(&self, name: &str) -> ByHand {
        let (library, operations) = self.open(name);
        // SAFETY: the library exports `connect` with the type `Connect`.
        let connect = unsafe { *library.get::<Connect>(b"connect").expect("the library can be connected") };
        ByHand { operations, connect }
    }
}

type Connect = unsafe extern "C" fn(Context, Write, *mut c_void) -> u32;

/// A library that receives its context through an exported function.
pub struct ByHand {
    operations: Operations,
    connect: Connect,
}

impl Deref for ByHand {
    type Target = Operations;

    fn deref(&self) -> &Operations {
        &self.operations
    }
}

impl ByHand {
    /// Passes `context` to the library. An error is the debug form of the library's `ConnectError`, a line break and
    /// its display form.
    ///
    /// # Safety
    ///
    /// The safety conditions of `Context::initialize` apply.
    pub unsafe fn connect(&self, context: Context) -> Result<(), String> {
        let mut reason = String::new();
        // SAFETY: the caller passes a context that `Context::initialize` accepts. `append` accepts a `String`, and
        // `reason` is one that nothing else uses during the call.
        match unsafe { (self.connect)(context, append, (&raw mut reason).cast()) } {
            0 => Ok(()),
            _ => Err(reason),
        }
    }
}

type Load = unsafe extern "C" fn(*const u8, usize, Write, *mut c_void) -> Option<Probe>;

/// Loads the plugin `test-plugin-NAME` through a host library.
pub fn load_through(library: &Library, bench: &Bench, name: &str) -> Result<Operations, String> {
    let path = bench.path(name);
    let path = path.to_str().expect("the path is text");
    let mut reason = String::new();
    // SAFETY: the library exports `load` with this type. The path and the reason live until the call returns, the file
    // is a plugin of this workspace, and `append` accepts a `String`.
    let probe = unsafe {
        let load = library.get::<Load>(b"load").expect("the library loads plugins");
        load(path.as_ptr(), path.len(), append, (&raw mut reason).cast())
    };
    // SAFETY: `export_operations!` exports `probe`, and the library never unloads the plugin.
    probe.map(|probe| unsafe { Operations::new(probe) }).ok_or(reason)
}

/// Appends text of a library to a string.
///
/// # Safety
///
/// `to` must point to a `String` that nothing else uses. `text` must point to `length` readable bytes.
pub unsafe extern "C" fn append(to: *mut c_void, text: *const u8, length: usize) {
    // SAFETY: the caller guarantees that `text` has `length` readable bytes, and that `to` is a `String` that nothing
    // else uses.
    unsafe {
        let text = std::slice::from_raw_parts(text, length);
        (*to.cast::<String>()).push_str(&String::from_utf8_lossy(text));
    }
}

/// Whether the code of a file is mapped into this process. Panics on systems without `/proc`.
pub fn is_mapped(path: &Path) -> bool {
    let maps = std::fs::read_to_string("/proc/self/maps").expect("the process's memory map can be read");
    assert!(maps.contains("test-host"), "the memory map names files");
    let file = path.file_name().expect("a file").to_string_lossy().into_owned();
    // Only executable mappings count, because std maps the files of libraries to read symbols for backtraces.
    maps.lines().any(|line| line.ends_with(&file) && line.split(' ').nth(1).is_some_and(|rights| rights.contains('x')))
}

/// Runs an operation in the host.
pub fn host(name: &str, argument: u64) -> test_api::Outcome {
    test_api::probe::run(&[], name, argument)
}
