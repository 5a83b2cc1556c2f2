//! Loading plugins.

use std::ffi::c_void;
use std::path::Path;
use std::ptr;
use std::sync::Arc;

use libloading::Library;
use plugin_tls_abi::header::{Header, HeaderError, MAJOR};
use plugin_tls_abi::table::{ENTRY_SYMBOL, Entry, OK};
use plugin_tls_abi::text::Sink;
use plugin_tls_core::__private::{is_host, use_own_store};
use plugin_tls_store::allocator::while_loading;
use plugin_tls_store::api::Load;
use plugin_tls_store::records::Trust;

use super::error::{LoadError, LoadErrorKind};
use super::file::{self, FileMark};
use super::loaded::{Image, LOADED, Loaded};
use super::plugin::{Plugin, name_of};

/// Whether plugins for this platform take over what their own std leaves behind.
const PLATFORM_TAKES_OVER: bool =
    cfg!(all(target_os = "linux", target_env = "gnu", any(target_arch = "x86_64", target_arch = "aarch64")));

impl Plugin {
    /// Loads the library at `path`, connects it to this binary's store and verifies every item that it declares.
    ///
    /// An item that other binaries have too must be proven to have the same type there.
    /// [`options`](Self::options) can accept less.
    ///
    /// # Errors
    ///
    /// [`LoadError`]: if the file is not a plugin or cannot be loaded, or if an item of it cannot be shared; then the
    /// library is closed again, and nothing of it is registered.
    ///
    /// # Safety
    ///
    /// - The library's constructors and destructors run: they must be sound to run here and now.
    /// - The library's `plugin_tls_entry`, if it has one, comes from `export_plugin!`.
    /// - What host and plugin share beyond the items of this crate is as the caller of [`get`](Self::get) says.
    ///
    /// ```
    /// use plugin_tls::host::Plugin;
    ///
    /// // SAFETY: there is no such file, so nothing of it runs.
    /// match unsafe { Plugin::load("plugins/libgreeter.so") } {
    ///     Ok(plugin) => println!("loaded {}", plugin.name()),
    ///     Err(error) => println!("{error}"),
    /// }
    /// ```
    pub unsafe fn load(path: impl AsRef<Path>) -> Result<Plugin, LoadError> {
        // SAFETY: the caller guarantees what is asked without options.
        unsafe { Plugin::options().load(path) }
    }

    /// Options for loading a plugin. They start with the defaults of [`load`](Self::load).
    ///
    /// ```
    /// use plugin_tls::host::Plugin;
    ///
    /// // SAFETY: there is no such file, so nothing of it runs.
    /// let outcome = unsafe { Plugin::options().load("plugins/libgreeter.so") };
    /// assert!(outcome.is_err());
    /// ```
    #[must_use]
    pub fn options() -> LoadOptions {
        LoadOptions { accept_unproven: false, trust_types: false }
    }
}

/// How a plugin is loaded: from [`Plugin::options`].
///
/// ```
/// use plugin_tls::host::{LoadError, Plugin};
///
/// fn load(path: &str) -> Result<Plugin, LoadError> {
///     let mut options = Plugin::options();
///     // SAFETY: the plugins of this program are built from the same sources as the program.
///     unsafe { options.accept_unproven(true) };
///     // SAFETY: a library of our own, whose constructors may run here.
///     unsafe { options.load(path) }
/// }
/// # assert!(load("no-such-plugin.so").is_err());
/// ```
#[derive(Clone, Debug)]
pub struct LoadOptions {
    accept_unproven: bool,
    trust_types: bool,
}

impl LoadOptions {
    /// Accepts items whose types nothing proves to be the same, if the same compiler built both sides and the types have
    /// the same name. [`snapshot`](fn@super::snapshot) marks them as unproven. What is known to differ is still refused, and
    /// so are types that rely on statics of their crates.
    ///
    /// # Safety
    ///
    /// Until it is unloaded, each item of a plugin that is loaded with this option has the type that the same item has in
    /// other binaries, if the types have the same name: with the same layout and the same meaning of its bytes. The same
    /// goes for the types that it consists of.
    ///
    /// ```
    /// let mut options = plugin_tls::host::Plugin::options();
    /// // SAFETY: the plugins of this program are built from the same sources as the program.
    /// unsafe { options.accept_unproven(true) };
    /// ```
    pub unsafe fn accept_unproven(&mut self, accept: bool) -> &mut Self {
        self.accept_unproven = accept;
        self
    }

    /// Accepts items on the host's word, as long as nothing is known to differ. It includes
    /// [`accept_unproven`](Self::accept_unproven), and it also accepts types with other names, from other compilers, types
    /// that rely on statics of their crates, and several items that are written alike.
    ///
    /// # Safety
    ///
    /// Until it is unloaded, each item of a plugin that is loaded with this option has the type that the same item has in
    /// other binaries: with the same layout and the same meaning of its bytes, and so have the types that it consists of.
    /// None of them relies on statics of which each binary has its own. Items of one function or constant that are written
    /// alike stand in the same order.
    ///
    /// ```
    /// let mut options = plugin_tls::host::Plugin::options();
    /// // SAFETY: all types that the plugins of this program share are `#[repr(C)]` and never change.
    /// unsafe { options.trust_types(true) };
    /// ```
    pub unsafe fn trust_types(&mut self, trust: bool) -> &mut Self {
        self.trust_types = trust;
        self
    }

    fn trust(&self) -> Trust {
        match (self.trust_types, self.accept_unproven) {
            (true, _) => Trust::Types,
            (false, true) => Trust::SameNames,
            (false, false) => Trust::Nothing,
        }
    }

    /// Loads the library at `path` with these options.
    ///
    /// # Errors
    ///
    /// As [`Plugin::load`].
    ///
    /// # Safety
    ///
    /// As [`Plugin::load`], and what the options ask for.
    ///
    /// ```
    /// use plugin_tls::host::Plugin;
    ///
    /// // SAFETY: there is no such file, so nothing of it runs.
    /// let outcome = unsafe { Plugin::options().load("plugins/libgreeter.so") };
    /// assert!(outcome.is_err());
    /// ```
    pub unsafe fn load(&self, path: impl AsRef<Path>) -> Result<Plugin, LoadError> {
        let path = path.as_ref();
        // SAFETY: the caller guarantees what `load` asks.
        unsafe { load(path, self) }.map_err(|kind| LoadError::new(path, kind))
    }
}

/// # Safety
///
/// As [`LoadOptions::load`].
unsafe fn load(path: &Path, options: &LoadOptions) -> Result<Plugin, LoadErrorKind> {
    let table = use_own_store();
    if !is_host() {
        return Err(LoadErrorKind::NotTheHost);
    }
    // SAFETY: the caller guarantees that the library's constructors may run. Dropping the library on an error closes it:
    // nothing of it has been kept by then.
    let (library, mark) = unsafe { open(path) }?;
    // SAFETY: the caller guarantees that a symbol of this name comes from `export_plugin!`.
    let entry = unsafe { find_entry(&library, path) }?;
    let (Some(connect), Some(disconnect)) = (entry.connect, entry.disconnect) else {
        return Err(LoadErrorKind::DamagedEntry { what: "it lacks a function".to_owned() });
    };
    let address = ptr::from_ref(entry).addr();
    let mut all = LOADED.lock();
    if let Some(loaded) = all.get(&address) {
        if loaded.file != mark {
            return Err(LoadErrorKind::OldImage);
        }
        // The same library: `library` is a second handle of the system's to it, which is closed here.
        let mut handles = loaded.handles();
        handles.live += 1;
        if let Image::Mapped { connected: Some(connected), .. } = handles.image {
            plugin_tls_store::store().revive(connected.binary);
        }
        drop(handles);
        return Ok(Plugin::new(Arc::clone(loaded), path));
    }
    let mut load = Load { name: name_of(path), trust: options.trust(), ..Load::default() };
    let mut reason = String::new();
    let sink = Sink::new(&mut reason);
    // SAFETY:
    // - The table is this binary's own. A binary that loads plugins is not unmapped while they are.
    // - `load` and the sink are alive for the call, and nothing else uses them meanwhile.
    let status =
        unsafe { connect(ptr::from_ref(table).cast(), (&raw mut load).cast::<c_void>(), (&raw const sink).cast()) };
    if !load.mismatches.is_empty() {
        return Err(LoadErrorKind::Rejected { mismatches: load.mismatches });
    }
    if load.other_allocator {
        return Err(LoadErrorKind::OtherAllocator);
    }
    if status != OK {
        return Err(LoadErrorKind::Refused { reason });
    }
    let taken_over = !PLATFORM_TAKES_OVER || entry.takes_over.is_some_and(|takes_over| takes_over() != 0);
    let loaded = Arc::new(Loaded::new(address, mark, disconnect, taken_over, library, load.connected));
    all.insert(address, Arc::clone(&loaded));
    Ok(Plugin::new(loaded, path))
}

/// Opens the library at `path`. The mark is that of the file that was opened: if it is replaced meanwhile, the new one
/// is opened.
///
/// # Safety
///
/// The library's constructors may run.
unsafe fn open(path: &Path) -> Result<(Library, FileMark), LoadErrorKind> {
    let mut mark = file::mark(path)?;
    loop {
        // SAFETY: the caller guarantees that the library's constructors may run.
        let open = || unsafe { file::open(path) }.map_err(|source| LoadErrorKind::Open { source });
        let library = file::check(path, &mark).and_then(|()| while_loading(open));
        let now = file::mark(path)?;
        // An error that comes from a look at two files says nothing about either.
        if now == mark {
            return Ok((library?, mark));
        }
        mark = now;
    }
}

/// The entry of a plugin, if this binary can work with it.
///
/// # Safety
///
/// A symbol of the entry's name, or one that starts with it, is a static of type [`Entry`]. What it holds is checked.
unsafe fn find_entry(library: &Library, path: &Path) -> Result<&'static Entry, LoadErrorKind> {
    // SAFETY: the caller guarantees that the symbol is a static; its address is only kept.
    let find = |name: &str| unsafe { library.get::<*const Entry>(name.as_bytes()) }.map(|symbol| *symbol).ok();
    // The system looks into the libraries that this one needs, too.
    let find = |name: &str| find(name).filter(|entry| file::is_in_image_of(entry.cast(), path));
    let others = || {
        // Crates that are libraries as well have entries with longer names. All lead to the same functions.
        let prefix = format!("{ENTRY_SYMBOL}_");
        file::exported_symbols(path, &prefix).iter().find_map(|name| find(name))
    };
    let entry = find(ENTRY_SYMBOL).or_else(others).ok_or(LoadErrorKind::NotAPlugin)?;
    // SAFETY: the caller guarantees that it is an entry, and the header comes first in every version.
    let header = unsafe { entry.cast::<Header>().read_unaligned() };
    header.check::<Entry>().map_err(|error| match error {
        HeaderError::Magic(magic) => LoadErrorKind::DamagedEntry { what: format!("it starts with {magic:#018x}") },
        HeaderError::Major(plugin) => LoadErrorKind::AbiMajor { host: MAJOR, plugin },
        HeaderError::Size { found, .. } => LoadErrorKind::DamagedEntry { what: format!("it has {found} bytes") },
    })?;
    // SAFETY: the header says that it is an entry of this major version, at least as long as this binary knows it. It lives
    // as long as the library.
    Ok(unsafe { &*entry })
}
