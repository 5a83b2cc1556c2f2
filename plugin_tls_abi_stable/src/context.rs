//! [`Context`]: that of `plugin_tls_core` as a `StableAbi` type.

use abi_stable::StableAbi;
use plugin_tls_core::ConnectError;

/// A host's store, to be part of an `abi_stable` root module.
///
/// ```
/// use abi_stable::StableAbi;
/// use abi_stable::std_types::{RResult, RString};
/// use plugin_tls_abi_stable::Context;
///
/// /// What a plugin's root module exports.
/// #[repr(C)]
/// #[derive(StableAbi)]
/// pub struct Plugin {
///     pub connect: extern "C" fn(Context) -> RResult<(), RString>,
/// }
///
/// extern "C" fn connect(context: Context) -> RResult<(), RString> {
///     // SAFETY: the host that made the context outlives this plugin.
///     unsafe { context.initialize() }.map_err(|error| RString::from(error.to_string())).into()
/// }
///
/// assert!((Plugin { connect }.connect)(Context::get()).is_ok());
/// ```
#[repr(transparent)]
#[derive(Clone, Copy, Debug, StableAbi)]
pub struct Context {
    #[sabi(unsafe_opaque_field)]
    context: plugin_tls_core::Context,
}

impl Context {
    /// See [`plugin_tls_core::Context::get`].
    ///
    /// ```
    /// println!("{:?}", plugin_tls_abi_stable::Context::get());
    /// ```
    #[must_use]
    pub fn get() -> Self {
        plugin_tls_core::Context::get().into()
    }

    /// See [`plugin_tls_core::Context::initialize`].
    ///
    /// # Errors
    ///
    /// [`ConnectError`], with nothing changed.
    ///
    /// # Safety
    ///
    /// As [`plugin_tls_core::Context::initialize`]: the context comes from a binary that stays mapped for as long as this
    /// one.
    ///
    /// ```
    /// use plugin_tls_abi_stable::Context;
    ///
    /// // SAFETY: the context is this binary's own.
    /// assert!(unsafe { Context::get().initialize() }.is_ok());
    /// ```
    pub unsafe fn initialize(self) -> Result<(), ConnectError> {
        // SAFETY: the caller guarantees what is asked of the context.
        unsafe { self.context.initialize() }
    }
}

/// ```
/// let stable: plugin_tls_abi_stable::Context = plugin_tls_core::Context::get().into();
/// println!("{stable:?}");
/// ```
impl From<plugin_tls_core::Context> for Context {
    fn from(context: plugin_tls_core::Context) -> Self {
        Context { context }
    }
}

/// ```
/// let context: plugin_tls_core::Context = plugin_tls_abi_stable::Context::get().into();
/// println!("{context:?}");
/// ```
impl From<Context> for plugin_tls_core::Context {
    fn from(context: Context) -> Self {
        context.context
    }
}
