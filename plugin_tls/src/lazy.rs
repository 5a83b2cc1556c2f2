//! What `lazy_static!` items have in common.

use std::ops::Deref;

/// Implemented by each type that [`lazy_static!`](crate::lazy_static) declares.
///
/// ```
/// plugin_tls::lazy_static! {
///     static ref NAMES: Vec<String> = vec!["a".to_owned()];
/// }
///
/// fn warm_up(item: &impl plugin_tls::LazyStatic) {
///     plugin_tls::initialize(item);
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
/// plugin_tls::lazy_static! {
///     static ref NAMES: Vec<String> = vec!["a".to_owned()];
/// }
///
/// plugin_tls::initialize(&NAMES);
/// ```
pub fn initialize<T: LazyStatic>(lazy: &T) {
    LazyStatic::initialize(lazy);
}
