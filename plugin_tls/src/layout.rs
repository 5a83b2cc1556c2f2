//! What only the place of the declaration knows: the item's path, and whether its type has an `abi_stable` layout.
//!
//! `Probe::<T>::new().__plugin_tls_describe(..)` finds the method of `Probe` itself where `T: StableAbi`, and behind
//! `Probe`'s deref the one of [`NoLayout`] everywhere else. The choice is made where `T` is concrete, and no trait needs to
//! be in scope. The method has a name that no user's trait has, which could come first.

use std::ffi::c_void;
use std::marker::PhantomData;
use std::ops::Deref;

/// What [`Probe`] finds.
#[derive(Clone, Copy, Debug)]
pub struct Described {
    /// The path of the item as the compiler prints it, with the item's name at its end.
    pub(crate) path: &'static str,
    /// A `&'static TypeLayout`, or null.
    pub(crate) layout: *const c_void,
}

/// Finds the layout of `T`.
#[derive(Debug)]
pub struct Probe<T>(NoLayout, PhantomData<fn() -> T>);

/// What is behind a [`Probe`] of a type without layout.
#[derive(Debug)]
pub struct NoLayout(());

impl<T> Probe<T> {
    #[doc(hidden)]
    #[must_use]
    pub fn new() -> Self {
        Probe(NoLayout(()), PhantomData)
    }
}

impl<T> Default for Probe<T> {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(feature = "abi_stable")]
impl<T: abi_stable::StableAbi> Probe<T> {
    #[doc(hidden)]
    #[must_use]
    pub fn __plugin_tls_describe(&self, path: &'static str) -> Described {
        let layout: &'static abi_stable::type_layout::TypeLayout = <T as abi_stable::StableAbi>::LAYOUT;
        Described { path, layout: std::ptr::from_ref(layout).cast() }
    }
}

impl NoLayout {
    #[doc(hidden)]
    #[must_use]
    pub fn __plugin_tls_describe(&self, path: &'static str) -> Described {
        Described { path, layout: std::ptr::null() }
    }
}

impl<T> Deref for Probe<T> {
    type Target = NoLayout;

    fn deref(&self) -> &NoLayout {
        &self.0
    }
}

/// The version of `abi_stable` whose layouts this binary has, as far as they can be compared; empty without.
pub(crate) const LAYOUTS: &str = if cfg!(feature = "abi_stable") { "0.11" } else { "" };

/// The path of a `thread_local!` item, from a closure inside of its static: the closure's type is
/// `crate::module::function::NAME::{{closure}}::__PLUGIN_TLS_ITEM_…::{{closure}}::{{closure}}`.
#[doc(hidden)]
#[must_use]
pub fn here_in_static<F>(_: &F) -> &'static str {
    let key = before_last(std::any::type_name::<F>(), "__PLUGIN_TLS_ITEM_");
    // The closure that the key holds.
    before_last(key, "{")
}

/// What is before the last segment of `path` that starts with `start`; all of it if there is none.
fn before_last<'a>(path: &'a str, start: &str) -> &'a str {
    // Byte by byte: it is done for each item when a binary is loaded, and a search for text, as in `rsplit_once`, takes
    // longer to set up.
    let colons = path.bytes().enumerate().rev().filter(|(_, byte)| *byte == b':');
    let mut segments = colons.map(|(colon, _)| path.split_at(colon + 1));
    let found = segments.find(|(_, segment)| segment.starts_with(start));
    found.and_then(|(before, _)| before.strip_suffix("::")).unwrap_or(path)
}

/// The path of a `lazy_static!` item, which is that of its type.
#[doc(hidden)]
#[must_use]
pub fn here_at_type<T>() -> &'static str {
    std::any::type_name::<T>()
}
