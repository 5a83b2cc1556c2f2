//! [`LocalKey`]: std's, over a shared item.
//!
//! Where this crate is built with debug assertions, an access that fails panics at the caller's place. Elsewhere the panic
//! names the item, but its place is in this crate, as std's is in std: each access would need a static, a relocation and
//! an argument for it.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::ptr::{self, NonNull};

use crate::connection;
use crate::error::AccessError;
use crate::item::{Item, LocalItem};

/// A thread-local that host and plugins share. [`thread_local!`](crate::thread_local) declares such keys.
///
/// It has the whole interface of [`std::thread::LocalKey`] and behaves like it. Whichever binary touches the item first
/// on a thread, all binaries see the same value at the same address there.
///
/// ```
/// use std::cell::RefCell;
///
/// plugin_tls_core::thread_local! {
///     static TAGS: RefCell<Vec<String>> = RefCell::default();
/// }
///
/// TAGS.with_borrow_mut(|tags| tags.push("slow".to_owned()));
/// assert_eq!(TAGS.take(), ["slow"]);
/// ```
pub struct LocalKey<T: 'static> {
    /// A static. It is no reference, because 1.85 has no references to statics with interior mutability in constants.
    item: *const LocalItem<T>,
    constructor: extern "C" fn(),
}

// SAFETY: the pointer is used as a shared reference only, and a `LocalItem` can be shared between threads.
unsafe impl<T: 'static> Send for LocalKey<T> {}
// SAFETY: a shared key only gives out what it points to, a `LocalItem`, which can be shared between threads.
unsafe impl<T: 'static> Sync for LocalKey<T> {}

impl<T: 'static> LocalKey<T> {
    #[doc(hidden)]
    pub const fn __new(item: &'static LocalItem<T>, constructor: extern "C" fn()) -> Self {
        LocalKey { item, constructor }
    }

    #[inline]
    fn item(&self) -> &'static LocalItem<T> {
        // SAFETY: `__new` got the pointer as a reference that lives as long as the program.
        unsafe { &*self.item }
    }

    /// Calls `f` with the calling thread's value, which is built first if need be.
    ///
    /// # Panics
    ///
    /// If the value is not accessible (see [`AccessErrorReason`](crate::AccessErrorReason)), if the initializer panics,
    /// or if it needs the item itself.
    ///
    /// ```
    /// plugin_tls_core::thread_local!(static NAME: String = String::from("worker"));
    ///
    /// assert_eq!(NAME.with(|name| name.len()), 6);
    /// ```
    #[inline]
    #[cfg_attr(debug_assertions, track_caller)]
    pub fn with<F, R>(&'static self, f: F) -> R
    where
        F: FnOnce(&T) -> R,
    {
        let item = self.item();
        let value = match item.value() {
            Some(value) => value,
            None => find_or_build(item, self.constructor, None),
        };
        // SAFETY:
        // - The pointer is that of the calling thread's value of this item, so it is a valid `T`.
        // - The value lives until its thread ends, or until the thread calls an unsafe function whose caller guarantees
        //   that no reference is left. This call runs on that thread, and it has not returned.
        f(unsafe { value.as_ref() })
    }

    /// Like [`with`](Self::with), with an error where the value is not accessible.
    ///
    /// # Errors
    ///
    /// [`AccessError`] if the thread has dropped its value, if the binary is a plugin that is not connected, or if the
    /// item was refused.
    ///
    /// # Panics
    ///
    /// If the initializer panics, or if it needs the item itself.
    ///
    /// ```
    /// plugin_tls_core::thread_local!(static NAME: String = String::from("worker"));
    ///
    /// assert_eq!(NAME.try_with(|name| name.len()), Ok(6));
    /// ```
    #[inline]
    #[cfg_attr(debug_assertions, track_caller)]
    pub fn try_with<F, R>(&'static self, f: F) -> Result<R, AccessError>
    where
        F: FnOnce(&T) -> R,
    {
        let item = self.item();
        let value = match item.value() {
            Some(value) => value,
            None => try_find_or_build(item, self.constructor)?,
        };
        // SAFETY: as in `with`: it is this thread's value, and no reference to it outlives this call.
        Ok(f(unsafe { value.as_ref() }))
    }

    /// Calls `f` with `value` and the thread's value, or, if the thread had none, with `None` and `value` in its new place.
    #[inline]
    #[cfg_attr(debug_assertions, track_caller)]
    fn initialize_with<R>(&'static self, value: T, f: impl FnOnce(Option<T>, &T) -> R) -> R {
        let item = self.item();
        let mut given = Some(value);
        let value = match item.value() {
            Some(value) => value,
            None => find_or_build(item, self.constructor, Some(&mut given)),
        };
        // SAFETY: as in `with`: it is this thread's value, and no reference to it outlives this call.
        f(given, unsafe { value.as_ref() })
    }
}

impl<T: 'static> LocalKey<Cell<T>> {
    /// Sets or initializes the value. Where there was none, the initializer does not run.
    ///
    /// # Panics
    ///
    /// If the value is not accessible.
    ///
    /// ```
    /// use std::cell::Cell;
    ///
    /// plugin_tls_core::thread_local!(static REQUEST: Cell<u64> = panic!("outside of a request"));
    ///
    /// REQUEST.set(7);
    /// assert_eq!(REQUEST.get(), 7);
    /// ```
    #[inline]
    #[cfg_attr(debug_assertions, track_caller)]
    pub fn set(&'static self, value: T) {
        self.initialize_with(Cell::new(value), |unused, cell| {
            if let Some(unused) = unused {
                cell.set(unused.into_inner());
            }
        });
    }

    /// A copy of the value.
    ///
    /// # Panics
    ///
    /// As [`with`](Self::with).
    ///
    /// ```
    /// use std::cell::Cell;
    ///
    /// plugin_tls_core::thread_local!(static DEPTH: Cell<u32> = const { Cell::new(1) });
    ///
    /// assert_eq!(DEPTH.get(), 1);
    /// ```
    #[inline]
    #[cfg_attr(debug_assertions, track_caller)]
    pub fn get(&'static self) -> T
    where
        T: Copy,
    {
        self.with(Cell::get)
    }

    /// Takes the value, leaving the default.
    ///
    /// # Panics
    ///
    /// As [`with`](Self::with).
    ///
    /// ```
    /// use std::cell::Cell;
    ///
    /// plugin_tls_core::thread_local!(static PENDING: Cell<Option<u32>> = const { Cell::new(Some(1)) });
    ///
    /// assert_eq!(PENDING.take(), Some(1));
    /// assert_eq!(PENDING.take(), None);
    /// ```
    #[inline]
    #[cfg_attr(debug_assertions, track_caller)]
    pub fn take(&'static self) -> T
    where
        T: Default,
    {
        self.with(Cell::take)
    }

    /// Replaces the value, and returns the old one. Runs the initializer where there was none.
    ///
    /// # Panics
    ///
    /// As [`with`](Self::with).
    ///
    /// ```
    /// use std::cell::Cell;
    ///
    /// plugin_tls_core::thread_local!(static DEPTH: Cell<u32> = const { Cell::new(1) });
    ///
    /// assert_eq!(DEPTH.replace(2), 1);
    /// ```
    #[inline]
    #[cfg_attr(debug_assertions, track_caller)]
    pub fn replace(&'static self, value: T) -> T {
        self.with(|cell| cell.replace(value))
    }
}

impl<T: Copy + 'static> LocalKey<Cell<T>> {
    /// Replaces the value by what `f` makes of it.
    ///
    /// # Panics
    ///
    /// As [`with`](Self::with).
    ///
    /// ```
    /// use std::cell::Cell;
    ///
    /// plugin_tls_core::thread_local!(static DEPTH: Cell<u32> = const { Cell::new(1) });
    ///
    /// DEPTH.update(|depth| depth + 1);
    /// assert_eq!(DEPTH.get(), 2);
    /// ```
    #[inline]
    #[cfg_attr(debug_assertions, track_caller)]
    pub fn update(&'static self, f: impl FnOnce(T) -> T) {
        self.with(|cell| cell.set(f(cell.get())));
    }
}

impl<T: 'static> LocalKey<RefCell<T>> {
    /// Calls `f` with a shared borrow of the value.
    ///
    /// # Panics
    ///
    /// If the value is mutably borrowed; as [`with`](Self::with).
    ///
    /// ```
    /// use std::cell::RefCell;
    ///
    /// plugin_tls_core::thread_local!(static TAGS: RefCell<Vec<u8>> = RefCell::new(vec![1]));
    ///
    /// assert_eq!(TAGS.with_borrow(|tags| tags.len()), 1);
    /// ```
    #[inline]
    #[cfg_attr(debug_assertions, track_caller)]
    pub fn with_borrow<F, R>(&'static self, f: F) -> R
    where
        F: FnOnce(&T) -> R,
    {
        self.with(|cell| f(&cell.borrow()))
    }

    /// Calls `f` with a mutable borrow of the value.
    ///
    /// # Panics
    ///
    /// If the value is borrowed; as [`with`](Self::with).
    ///
    /// ```
    /// use std::cell::RefCell;
    ///
    /// plugin_tls_core::thread_local!(static TAGS: RefCell<Vec<u8>> = RefCell::default());
    ///
    /// TAGS.with_borrow_mut(|tags| tags.push(2));
    /// assert_eq!(TAGS.take(), [2]);
    /// ```
    #[inline]
    #[cfg_attr(debug_assertions, track_caller)]
    pub fn with_borrow_mut<F, R>(&'static self, f: F) -> R
    where
        F: FnOnce(&mut T) -> R,
    {
        self.with(|cell| f(&mut cell.borrow_mut()))
    }

    /// Sets or initializes the value. Where there was none, the initializer does not run.
    ///
    /// # Panics
    ///
    /// If the value is borrowed, or not accessible.
    ///
    /// ```
    /// use std::cell::RefCell;
    ///
    /// plugin_tls_core::thread_local!(static USER: RefCell<String> = panic!("nobody is logged in"));
    ///
    /// USER.set("root".to_owned());
    /// assert_eq!(USER.take(), "root");
    /// ```
    #[inline]
    #[cfg_attr(debug_assertions, track_caller)]
    pub fn set(&'static self, value: T) {
        self.initialize_with(RefCell::new(value), |unused, cell| {
            if let Some(unused) = unused {
                *cell.borrow_mut() = unused.into_inner();
            }
        });
    }

    /// Takes the value, leaving the default.
    ///
    /// # Panics
    ///
    /// If the value is borrowed; as [`with`](Self::with).
    ///
    /// ```
    /// use std::cell::RefCell;
    ///
    /// plugin_tls_core::thread_local!(static TAGS: RefCell<Vec<u8>> = RefCell::new(vec![1]));
    ///
    /// assert_eq!(TAGS.take(), [1]);
    /// assert!(TAGS.take().is_empty());
    /// ```
    #[inline]
    #[cfg_attr(debug_assertions, track_caller)]
    pub fn take(&'static self) -> T
    where
        T: Default,
    {
        self.with(RefCell::take)
    }

    /// Replaces the value, and returns the old one. Runs the initializer where there was none.
    ///
    /// # Panics
    ///
    /// If the value is borrowed; as [`with`](Self::with).
    ///
    /// ```
    /// use std::cell::RefCell;
    ///
    /// plugin_tls_core::thread_local!(static TAGS: RefCell<Vec<u8>> = RefCell::new(vec![1]));
    ///
    /// assert_eq!(TAGS.replace(vec![2]), [1]);
    /// ```
    #[inline]
    #[cfg_attr(debug_assertions, track_caller)]
    pub fn replace(&'static self, value: T) -> T {
        self.with(|cell| cell.replace(value))
    }
}

impl<T: 'static> fmt::Debug for LocalKey<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalKey").finish_non_exhaustive()
    }
}

/// The calling thread's value, which is built if need be: from `given`, or by the initializer.
///
/// # Panics
///
/// If the initializer does, if the item needs itself, or if the value is not accessible.
#[cold]
#[inline(never)]
#[cfg_attr(debug_assertions, track_caller)]
fn find_or_build<T>(
    item: &'static LocalItem<T>,
    constructor: extern "C" fn(),
    given: Option<&mut Option<T>>,
) -> NonNull<T> {
    let raw = item.raw();
    raw.ensure_described(constructor);
    let given = given.map_or(ptr::null_mut(), |given| ptr::from_mut(given).cast());
    // SAFETY: `given` is null, or an `Option` of the item's type that is mutably borrowed for this call.
    match unsafe { connection::access(raw, given) } {
        Ok(value) => value.cast(),
        Err(refusal) => refusal.panic(raw),
    }
}

/// The calling thread's value, which is built if need be.
///
/// # Panics
///
/// If the initializer does, or if the item needs itself.
#[cold]
#[inline(never)]
#[cfg_attr(debug_assertions, track_caller)]
fn try_find_or_build<T>(item: &'static LocalItem<T>, constructor: extern "C" fn()) -> Result<NonNull<T>, AccessError> {
    let raw = item.raw();
    raw.ensure_described(constructor);
    // SAFETY: no value is given, which is allowed.
    unsafe { connection::access(raw, ptr::null_mut()) }.map(NonNull::cast).map_err(|refusal| refusal.error)
}
