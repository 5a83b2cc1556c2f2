//! What `lazy_static!` items have in common.

use std::ops::Deref;
use std::ptr;

use crate::connection;
use crate::item::{Item, StaticItem};

/// Implemented by each type that [`lazy_static!`](crate::lazy_static) declares.
///
/// ```
/// plugin_tls_core::lazy_static! {
///     static ref NAMES: Vec<String> = vec!["a".to_owned()];
/// }
///
/// fn warm_up(item: &impl plugin_tls_core::LazyStatic) {
///     plugin_tls_core::initialize(item);
/// }
///
/// warm_up(&NAMES);
/// ```
pub trait LazyStatic: Deref {
    #[doc(hidden)]
    fn initialize(lazy: &Self) {
        let _value: &Self::Target = lazy;
    }
}

/// Initializes a `lazy_static!` item now, if it is not initialized yet.
///
/// # Panics
///
/// As the item's first use.
///
/// ```
/// plugin_tls_core::lazy_static! {
///     static ref NAMES: Vec<String> = vec!["a".to_owned()];
/// }
///
/// plugin_tls_core::initialize(&NAMES);
/// ```
pub fn initialize<T: LazyStatic>(lazy: &T) {
    LazyStatic::initialize(lazy);
}

impl<T: Sync + 'static> StaticItem<T> {
    /// The value, which is built if need be.
    ///
    /// # Panics
    ///
    /// If the initializer panics or has panicked, if the item needs itself, if the binary is a plugin that is not
    /// connected, or if verification refused the item.
    #[inline]
    #[doc(hidden)]
    pub fn get(&'static self, constructor: extern "C" fn()) -> &'static T {
        match self.value() {
            // SAFETY: the store wrote the address of a value that was built for this item. The value is `Sync`, never
            // moves, and is dropped by unsafe calls only, whose callers guarantee that nothing refers to it.
            Some(value) => unsafe { value.as_ref() },
            None => self.find_or_build(constructor),
        }
    }

    #[cold]
    #[inline(never)]
    fn find_or_build(&'static self, constructor: extern "C" fn()) -> &'static T {
        let raw = self.raw();
        raw.ensure_described(constructor);
        // SAFETY: no value is given, which is allowed.
        match unsafe { connection::access(raw, ptr::null_mut()) } {
            // SAFETY: as in `get`: the store returns the address of the item's value.
            Ok(value) => unsafe { value.cast::<T>().as_ref() },
            Err(refusal) => refusal.panic(raw),
        }
    }
}
