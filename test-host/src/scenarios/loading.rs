//! Which files can be loaded, how others are refused, and what a loaded plugin reports.

use std::error::Error;
use std::ffi::c_void;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Barrier;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::atomic::{AtomicBool, AtomicU16, AtomicU32, AtomicU64, AtomicUsize};
use std::thread;

use libloading::Library;
use plugin_tls::host::{LoadError, LoadErrorKind, Plugin, PluginState, snapshot};
use tempfile::TempDir;
use test_plan::Compilers;
use test_stable_api::Operation::{AddCount, AddTotal, CountAddress, HasName, PushName, TotalAddress};
use test_stable_api::run;

use crate::bench::{Bench, is_mapped};
use crate::scenario::Scenario;
use crate::stable::StableItems;

const GROUP: &str = "loading";

fn scenario(name: &str, summary: &str, run: fn(&Bench)) -> Scenario {
    Scenario::new(GROUP, name, summary, run).compilers(Compilers::Any)
}

pub fn scenarios() -> Vec<Scenario> {
    Vec::from([
        scenario("missing_file", "a path without a file is NotFound", missing_file),
        scenario("folder", "a folder is NotAFile", folder),
        scenario(
            "unreadable_path",
            "a path that has a file as a folder is Unreadable; the error has the system's message",
            unreadable_path,
        ),
        scenario("file_that_is_not_a_library", "the system's loader refuses a text file and an empty file", no_library),
        scenario("library_that_is_not_a_plugin", "a library without export_plugin! is NotAPlugin", no_plugin),
        scenario("unresolved_symbol", "a library with an unresolved symbol is refused when it is loaded", unresolved),
        scenario(
            "later_major_version",
            "a plugin with another major version of the contract is AbiMajor",
            later_contract,
        ),
        scenario(
            "damaged_entry",
            "an entry with a wrong magic number, a short size or a null function is DamagedEntry",
            damaged_entry,
        ),
        scenario(
            "library_that_needs_a_plugin",
            "a library without export_plugin! is NotAPlugin, even if a library that it needs is a plugin",
            needs_a_plugin,
        ),
        scenario(
            "file_that_is_not_whole",
            "a plugin's file that was cut off is refused, whatever its length; the system's loader is not asked",
            cut_off,
        ),
        scenario(
            "file_that_is_replaced_meanwhile",
            "a file that is replaced by another whole file while it is loaded is not said to be damaged",
            replaced_meanwhile,
        ),
        scenario(
            "plugin_that_refuses",
            "a plugin whose connect function fails is Refused, with the plugin's message",
            plugin_that_refuses,
        ),
        scenario(
            "properties_of_a_plugin",
            "a plugin has a name, a path and a state; a missing symbol is NoSymbol",
            what_a_plugin_tells,
        ),
        scenario(
            "same_file_twice",
            "loading the same file again returns another handle to the same plugin",
            same_file_twice,
        ),
        scenario(
            "same_file_on_many_threads",
            "threads that load one file at the same time get handles to one plugin",
            same_file_at_once,
        ),
        scenario("copy_of_a_file", "a copy with another name is another plugin, which shares values", copy_of_a_file),
        scenario(
            "relative_path",
            "relative paths and bare file names are relative to the current folder",
            relative_path,
        ),
        scenario("dropped_plugin", "a plugin that is dropped stays mapped, and its values stay valid", dropped_plugin),
        scenario(
            "refused_file_that_is_replaced",
            "a refused file can be replaced by a valid plugin, which then loads",
            fixed_file,
        ),
    ])
}

/// Loads a file that must be refused. Asserts that the error names the path as it was given and that nothing stays
/// mapped.
#[track_caller]
fn refused(path: &Path) -> LoadError {
    let before = snapshot();
    // SAFETY: there is no such file, or it is a file of this workspace or a text file.
    let error = unsafe { Plugin::load(path) }.expect_err("this must not load");
    assert_eq!(error.path(), path);
    let text = error.to_string();
    assert!(text.contains(&*path.to_string_lossy()), "the error names the file: {text}");
    assert_eq!(snapshot(), before, "nothing is registered");
    if cfg!(target_os = "linux") {
        assert!(!is_mapped(path), "nothing stays mapped");
    }
    error
}

#[track_caller]
fn says(error: &LoadError, words: &str) {
    let source = error.source().map(ToString::to_string).unwrap_or_default();
    let text = error.to_string();
    assert!(source.is_empty() || !text.contains(&source), "a report that shows sources would say it twice: {text}");
    let text = format!("{text}\n{source}");
    assert!(text.contains(words), "the error contains {words:?}: {text}");
}

fn temporary_folder() -> TempDir {
    tempfile::tempdir().expect("a temporary folder can be made")
}

/// A copy of the plugin `test-plugin-NAME` in `folder`.
fn copy(bench: &Bench, name: &str, folder: &Path, file: &str) -> PathBuf {
    let to = folder.join(file);
    fs::copy(bench.path(name), &to).expect("the plugin can be copied");
    to
}

fn missing_file(_: &Bench) {
    let folder = temporary_folder();
    let error = refused(&folder.path().join("no-such-plugin.so"));
    assert!(matches!(error.kind(), LoadErrorKind::NotFound), "{error:?}");
    assert!(error.source().is_none());
    assert!(error.mismatches().is_empty());
    says(&error, "no such file");
}

fn folder(_: &Bench) {
    let folder = temporary_folder();
    let error = refused(folder.path());
    assert!(matches!(error.kind(), LoadErrorKind::NotAFile), "{error:?}");
    assert!(error.source().is_none());
    says(&error, "name the library itself");
}

fn unreadable_path(_: &Bench) {
    let folder = temporary_folder();
    let file = folder.path().join("a-file");
    fs::write(&file, "text").expect("the folder is writable");
    let error = refused(&file.join("plugin.so"));
    if cfg!(windows) {
        // Windows reports that there is no such file.
        assert!(matches!(error.kind(), LoadErrorKind::NotFound), "{error:?}");
        return;
    }
    assert!(matches!(error.kind(), LoadErrorKind::Unreadable { .. }), "{error:?}");
    let source = error.source().expect("the error has the system's error as its source");
    assert!(source.is::<std::io::Error>());
    says(&error, &source.to_string());
}

fn no_library(_: &Bench) {
    let folder = temporary_folder();
    for (name, content) in [("text.so", "not a library, only text\n".repeat(100)), ("empty.so", String::new())] {
        let file = folder.path().join(name);
        fs::write(&file, content).expect("the folder is writable");
        let error = refused(&file);
        assert!(matches!(error.kind(), LoadErrorKind::Open { .. }), "{error:?}");
        assert!(error.source().expect("the error has the loader's error as its source").is::<libloading::Error>());
        says(&error, "the system's loader refused it");
    }
}

#[cfg(target_os = "linux")]
fn cut_off(bench: &Bench) {
    let folder = temporary_folder();
    let whole = fs::read(bench.path("first")).expect("the plugin can be read");
    let file = folder.path().join("cut.so");
    for length in [70, 600, 4096, 100_000] {
        fs::write(&file, &whole[..length]).expect("the folder is writable");
        let error = refused(&file);
        assert!(matches!(error.kind(), LoadErrorKind::DamagedFile { .. }), "{length} bytes: {error:?}");
        says(&error, "build or copy it again");
    }
    // Headers that speak of program headers beyond the end of the file.
    let mut changed = whole.clone();
    changed[32..40].copy_from_slice(&(whole.len() as u64 * 2).to_le_bytes());
    fs::write(&file, changed).expect("the folder is writable");
    assert!(matches!(refused(&file).kind(), LoadErrorKind::DamagedFile { .. }));
    // A dynamic segment that is not part of what is loaded: the system's loader would read there all the same.
    let mut changed = whole.clone();
    let headers = (64..).step_by(56).take(usize::from(whole[56]));
    let dynamic = { headers }.find(|&at| whole[at..at + 4] == 2_u32.to_le_bytes()).expect("a plugin has one");
    changed[dynamic + 8..dynamic + 16].copy_from_slice(&(1_u64 << 40).to_le_bytes());
    fs::write(&file, changed).expect("the folder is writable");
    says(&refused(&file), "its dynamic segment is not part of what is loaded");
    // A file for a machine that does not exist.
    let mut changed = whole.clone();
    changed[18..20].copy_from_slice(&0xbeef_u16.to_le_bytes());
    fs::write(&file, changed).expect("the folder is writable");
    says(&refused(&file), "it is built for another machine (number 48879 of ELF, 64 bits)");
}

/// A library that needs a plugin, and is none itself.
#[cfg(target_os = "linux")]
fn needs_a_plugin(bench: &Bench) {
    let folder = temporary_folder();
    let file = folder.path().join("wrapper.so");
    let plugin = bench.path("stable-items");
    let mut link = std::process::Command::new("cc");
    link.args(["-shared", "-Wl,--no-as-needed", "-o"]).arg(&file).arg(&plugin).arg("-Wl,-rpath");
    link.arg(format!("-Wl,{}", plugin.parent().expect("a folder").display()));
    let linked = link.output().expect("there is a C linker");
    assert!(linked.status.success(), "{}", String::from_utf8_lossy(&linked.stderr));
    let error = refused(&file);
    assert!(matches!(error.kind(), LoadErrorKind::NotAPlugin), "{error:?}");
    // The plugin itself still loads, and is not said to have changed.
    assert_eq!(StableItems::load(&plugin).run(AddCount, 2), 2);
    assert!(matches!(refused(&file).kind(), LoadErrorKind::NotAPlugin));
}

#[cfg(target_os = "linux")]
fn replaced_meanwhile(_: &Bench) {
    let folder = temporary_folder();
    // Two libraries, one of which has segments that end behind the end of the other.
    let files = [1, 200_000].map(|bytes| {
        let [source, library] = ["c", "so"].map(|extension| folder.path().join(format!("{bytes}.{extension}")));
        fs::write(&source, format!("char data[{bytes}] = {{1}};")).expect("the folder can be written to");
        let link = std::process::Command::new("cc").args(["-shared", "-o"]).args([&library, &source]).output();
        let linked = link.expect("there is a C linker");
        assert!(linked.status.success(), "{}", String::from_utf8_lossy(&linked.stderr));
        library
    });
    let (path, next) = (folder.path().join("now.so"), folder.path().join("next.so"));
    fs::copy(&files[0], &path).expect("the library can be copied");
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            for file in files.iter().cycle().take_while(|_| !done.load(SeqCst)) {
                fs::copy(file, &next).expect("the library can be copied");
                fs::rename(&next, &path).expect("the copy can be renamed");
            }
        });
        let load = |_| {
            // SAFETY: neither library has initializers.
            unsafe { Plugin::load(&path) }.expect_err("neither is a plugin")
        };
        let others = |error: &LoadError| !matches!(error.kind(), LoadErrorKind::NotAPlugin);
        let wrong: Vec<_> = (0..2000).map(load).filter(others).collect();
        done.store(true, SeqCst);
        assert!(wrong.is_empty(), "{} of 2000, the first: {}", wrong.len(), wrong[0]);
    });
}

#[cfg(not(target_os = "linux"))]
fn replaced_meanwhile(_: &Bench) {}

#[cfg(not(target_os = "linux"))]
fn needs_a_plugin(_: &Bench) {}

#[cfg(not(target_os = "linux"))]
fn cut_off(_: &Bench) {}

fn no_plugin(bench: &Bench) {
    let error = refused(&bench.path("not-a-plugin"));
    assert!(matches!(error.kind(), LoadErrorKind::NotAPlugin), "{error:?}");
    assert!(error.source().is_none());
    says(&error, "plugin_tls::export_plugin!()");
}

fn unresolved(bench: &Bench) {
    if !cfg!(target_os = "linux") {
        // Other linkers reject such a library.
        return;
    }
    let error = refused(&bench.path("unresolved"));
    assert!(matches!(error.kind(), LoadErrorKind::Open { .. }), "{error:?}");
    assert!(error.source().is_some());
    says(&error, "test_plugin_undefined_symbol");
}

fn later_contract(bench: &Bench) {
    let error = refused(&bench.path("future-abi"));
    assert!(matches!(error.kind(), LoadErrorKind::AbiMajor { host: 1, plugin: 99, .. }), "{error:?}");
    assert!(error.source().is_none());
    says(&error, "version 99");
    says(&error, "version 1:");
    says(&error, "build both with versions of plugin_tls that share the major version");
}

/// The entry of the library `damaged-entry`.
#[repr(C)]
struct Entry {
    magic: AtomicU64,
    major: AtomicU16,
    minor: AtomicU16,
    size: AtomicU32,
    connect: AtomicUsize,
    disconnect: AtomicUsize,
    takes_over: AtomicU64,
}

/// Opens `damaged-entry`, changes its entry in memory, and then loads it.
#[track_caller]
fn refused_with(bench: &Bench, change: impl FnOnce(&Entry)) -> LoadError {
    let path = bench.path("damaged-entry");
    // SAFETY: the file is a library of this workspace, without initializers.
    let library = unsafe { Library::new(&path) }.unwrap_or_else(|error| panic!("{error}"));
    // SAFETY: the library exports a static with this name and the layout of `Entry`.
    let entry = unsafe { &**library.get::<*const Entry>(b"plugin_tls_entry").expect("the library has an entry") };
    entry.magic.store(u64::from_le_bytes(*b"plug_tls"), SeqCst);
    change(entry);
    // SAFETY: `damaged-entry` has no code that could run.
    let error = unsafe { Plugin::load(&path) }.expect_err("this must not load");
    assert_eq!(error.path(), path);
    says(&error, &path.to_string_lossy());
    drop(library);
    if cfg!(target_os = "linux") {
        assert!(!is_mapped(&path), "the host does not keep the plugin mapped");
    }
    error
}

fn damaged_entry(bench: &Bench) {
    let magic = refused(&bench.path("damaged-entry"));
    assert!(matches!(magic.kind(), LoadErrorKind::DamagedEntry { .. }), "{magic:?}");
    assert!(magic.source().is_none());
    says(&magic, "is not what `plugin_tls::export_plugin!()` makes");
    says(&magic, "0x0123456789abcdef");

    let short = refused_with(bench, |entry| entry.size.store(8, SeqCst));
    assert!(matches!(short.kind(), LoadErrorKind::DamagedEntry { .. }), "{short:?}");
    says(&short, "8 bytes");

    for function in
        [|entry: &Entry| &entry.connect, |entry: &Entry| &entry.disconnect] as [fn(&Entry) -> &AtomicUsize; 2]
    {
        let null = refused_with(bench, |entry| function(entry).store(0, SeqCst));
        assert!(matches!(null.kind(), LoadErrorKind::DamagedEntry { .. }), "{null:?}");
        says(&null, "lacks a function");
    }

    let older = refused_with(bench, |entry| entry.major.store(0, SeqCst));
    assert!(matches!(older.kind(), LoadErrorKind::AbiMajor { plugin: 0, .. }), "{older:?}");
}

fn plugin_that_refuses(bench: &Bench) {
    /// Takes the reason of a plugin.
    #[repr(C)]
    struct Sink {
        write: unsafe extern "C" fn(to: *mut c_void, text: Text),
        to: *mut c_void,
    }

    #[repr(C)]
    struct Text {
        pointer: *const u8,
        length: usize,
    }

    unsafe extern "C" fn refuse(_table: *const c_void, _load: *mut c_void, report: *const c_void) -> u32 {
        let reason = "I do not want to";
        // SAFETY: the loader passes a sink, and the text lives until `write` returns.
        unsafe {
            let sink = &*report.cast::<Sink>();
            (sink.write)(sink.to, Text { pointer: reason.as_ptr(), length: reason.len() });
        }
        2
    }

    let error = refused_with(bench, |entry| entry.connect.store((refuse as *const ()).addr(), SeqCst));
    assert!(matches!(error.kind(), LoadErrorKind::Refused { .. }), "{error:?}");
    says(&error, "I do not want to");
}

fn what_a_plugin_tells(bench: &Bench) {
    let path = bench.path("stable-items");
    let plugin = StableItems::load(&path).plugin;
    assert_eq!(plugin.name(), path.file_name().expect("a file"));
    assert_eq!(plugin.path(), path);
    assert_eq!(plugin.state(), PluginState::Live);
    let debug = format!("{plugin:?}");
    assert!(debug.contains(plugin.name()) && debug.contains("Live"), "{debug}");

    for symbol in [&b"no_such_function"[..], b"no_such_function\0"] {
        // SAFETY: there is no such function, so the type does not matter.
        let error = unsafe { plugin.get::<extern "C" fn()>(symbol) }.expect_err("there is no such function");
        assert!(
            matches!(error.kind(), LoadErrorKind::NoSymbol { symbol, .. } if symbol == "no_such_function"),
            "{error:?}"
        );
        assert_eq!(error.path(), path);
        assert!(error.source().expect("the error has the loader's error as its source").is::<libloading::Error>());
        says(&error, &path.to_string_lossy());
        says(&error, "`no_such_function`");
    }
    // The plugin links libc, whose symbols it does not export.
    // SAFETY: the symbol is not used.
    let error = unsafe { plugin.get::<extern "C" fn()>(b"getpid") }.expect_err("it is a symbol of another library");
    if cfg!(target_os = "linux") {
        says(&error, "a library that the plugin needs has a symbol of this name");
    }
}

/// The number of binaries whose copy of the item is registered.
fn copies(item: &str) -> usize {
    let snapshot = snapshot();
    let item = snapshot.items().iter().find(|row| row.path == item);
    item.unwrap_or_else(|| panic!("{snapshot}")).binaries.len()
}

fn same_file_twice(bench: &Bench) {
    let path = bench.path("stable-items");
    let first = StableItems::load(&path);
    assert_eq!(first.run(AddCount, 2), 2);
    assert_eq!(first.run(AddTotal, 1), 1001);
    assert_eq!(first.own_calls(), 1);
    assert_eq!(first.plain_calls(), 1);
    let registered = snapshot();

    // Another path to the same file gives the same plugin.
    let (folder, file) = (path.parent().expect("a folder"), path.file_name().expect("a file"));
    for path in [path.clone(), folder.join(".").join(file)] {
        let again = StableItems::load(&path);
        assert_eq!(again.plugin.path(), path);
        assert_eq!(again.run(CountAddress, 0), first.run(CountAddress, 0));
        assert_eq!(again.run(TotalAddress, 0), first.run(TotalAddress, 0));
        assert_eq!(again.run(AddCount, 0), 2, "no initializer ran again");
        assert_eq!(again.run(AddTotal, 0), 1001, "no initializer ran again");
        let calls = first.plain_calls();
        assert_eq!(again.plain_calls(), calls + 1, "it is the same image");
        assert_eq!(snapshot(), registered, "nothing is registered twice");
    }
    assert_eq!(first.own_calls(), 2);
    assert_eq!(copies("test_stable_api::COUNT"), 2, "one copy of the host and one of the plugin");
}

fn same_file_at_once(bench: &Bench) {
    let path = bench.path("stable-items");
    let together = Barrier::new(8);
    let addresses: Vec<_> = thread::scope(|scope| {
        let load = || {
            together.wait();
            StableItems::load(&path).run(TotalAddress, 0)
        };
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(load)).collect();
        threads.into_iter().map(|thread| thread.join().expect("the thread loads the plugin")).collect()
    });
    assert_eq!(addresses, [run(TotalAddress, 0); 8]);
    assert_eq!(copies("test_stable_api::TOTAL"), 2, "one copy of the host and one of the plugin");
    assert_eq!(copies("test_plugin_stable_items::OWN"), 1);
}

fn copy_of_a_file(bench: &Bench) {
    let folder = temporary_folder();
    let original = StableItems::load(bench.path("stable-items"));
    let copied = StableItems::load(copy(bench, "stable-items", folder.path(), "a-copy.so"));
    assert_eq!(copied.plugin.name(), "a-copy.so");
    assert_eq!((original.plain_calls(), copied.plain_calls()), (1, 1), "two images");
    assert_eq!((original.own_calls(), copied.own_calls()), (1, 1), "each image has its own items");
    assert_eq!(original.run(AddCount, 1), 1);
    assert_eq!(copied.run(AddCount, 1), 2);
    assert_eq!(original.run(TotalAddress, 0), copied.run(TotalAddress, 0));
    assert_eq!(copies("test_plugin_stable_items::OWN"), 1);
    assert_eq!(copies("test_stable_api::COUNT"), 3);
}

fn relative_path(bench: &Bench) {
    let folder = temporary_folder();
    fs::create_dir(folder.path().join("plugins")).expect("the folder is writable");
    copy(bench, "stable-items", folder.path(), "bare-name.so");
    copy(bench, "stable-items", &folder.path().join("plugins"), "relative.so");
    std::env::set_current_dir(folder.path()).expect("the folder can be entered");

    for path in ["bare-name.so", "plugins/relative.so", "./plugins/../bare-name.so"] {
        let plugin = StableItems::load(path);
        assert_eq!(plugin.plugin.path(), Path::new(path), "the path is reported as it was given");
        assert_eq!(plugin.run(CountAddress, 0), run(CountAddress, 0));
    }
    let error = refused(Path::new("no-such-plugin.so"));
    assert!(matches!(error.kind(), LoadErrorKind::NotFound), "{error:?}");
    // The system's loader would search its own folders for a bare name.
    // SAFETY: the current folder has no such file, so no code of it runs.
    let error = unsafe { Plugin::load("libc.so.6") }.expect_err("only the system's folders have this file");
    assert!(matches!(error.kind(), LoadErrorKind::NotFound), "{error:?}");
}

fn dropped_plugin(bench: &Bench) {
    let path = bench.path("stable-items");
    let first = StableItems::load(&path);
    assert_eq!(first.run(PushName, 7), 1);
    assert_eq!(first.own_calls(), 1);
    assert_eq!(first.plain_calls(), 1);
    let registered = snapshot();
    drop(first);

    if cfg!(target_os = "linux") {
        assert!(is_mapped(&path));
    }
    assert_eq!(snapshot(), registered);
    assert_eq!(run(HasName, 7), 1, "memory that the plugin allocated is still valid");
    let again = StableItems::load(&path);
    assert_eq!(again.own_calls(), 2, "the value that the plugin built is still there");
    assert_eq!(again.plain_calls(), 2, "the plugin is the same image");
}

fn fixed_file(bench: &Bench) {
    let folder = temporary_folder();
    for rejected in ["not-a-plugin", "future-abi", "damaged-entry"] {
        let file = format!("{rejected}.so");
        let path = copy(bench, rejected, folder.path(), &file);
        refused(&path);
        refused(&path);
        copy(bench, "stable-items", folder.path(), &file);
        assert_eq!(StableItems::load(&path).run(CountAddress, 0), run(CountAddress, 0));
    }
    assert_eq!(copies("test_stable_api::COUNT"), 4);
}
