//! An item's copy in this binary: the static that the macros emit.
//!
//! ```text
//!                     registered: at connection,          touched:
//!                     or on first access                  the host has built the value
//!   word of a thread-local    unresolved ───────────────► where the slot is (`row`) ─── (stays)
//!   word of a static          null ──────────────────────────────────────────────────► the value's address
//!   handle                    null ─────────────────────► the host's name for this copy
//! ```

use std::any::Any;
use std::ffi::c_void;
use std::marker::PhantomData;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::{self, NonNull};
#[cfg(feature = "plugin")]
use std::sync::atomic::Ordering::Release;
use std::sync::atomic::{AtomicPtr, Ordering::Acquire};

use crate::abi::{self, DropValue, ItemDecl, Status, Str};
use crate::binary;
use crate::error::AccessError;
use crate::layout::Described;
use crate::row;

/// An item's copy, whatever its type.
#[derive(Debug)]
pub struct RawItem {
    /// See the module. Read by each access, written by the host through [`ItemDecl::word`].
    word: AtomicPtr<()>,
    /// Written by this binary when the host has registered the copy.
    pub(crate) handle: AtomicPtr<c_void>,
    ty: &'static TypeInfo,
    /// A `fn() -> T`.
    initializer: fn(),
    describe: fn() -> Described,
    /// See [`crate::key::Declaration::read`].
    pub(crate) text: &'static str,
    kind: u32,
}

/// What is the same for all items of one type.
#[derive(Debug)]
struct TypeInfo {
    size: usize,
    align: usize,
    type_id: fn() -> [u8; 16],
    type_name: fn() -> &'static str,
    build: abi::Build,
    drop: Option<DropValue>,
}

struct Of<T>(PhantomData<T>);

impl<T: 'static> Of<T> {
    const INFO: &'static TypeInfo = &TypeInfo {
        size: size_of::<T>(),
        align: align_of::<T>(),
        type_id: type_id::<T>,
        type_name: std::any::type_name::<T>,
        build: build::<T>,
        drop: if mem::needs_drop::<T>() { Some(drop_value::<T>) } else { None },
    };
}

fn type_id<T: 'static>() -> [u8; 16] {
    // SAFETY: a `TypeId` is 16 bytes without padding on every compiler that this crate supports (`transmute` checks the
    // size); they are compared as bytes and never turned back.
    unsafe { mem::transmute(std::any::TypeId::of::<T>()) }
}

/// One try to build a value in this binary; the host passes it through to [`build`].
pub(crate) struct Attempt {
    initializer: fn(),
    /// An `Option<T>` to take the value from; null to call the initializer.
    given: *mut (),
    /// What the initializer panicked with. It never leaves the binary.
    pub(crate) payload: Option<Box<dyn Any + Send>>,
    /// What the store has to say, if the attempt comes to nothing.
    pub(crate) message: String,
}

impl Attempt {
    /// `given` is null, or an `Option` of the item's type that nothing else uses while the attempt lives: whoever passes
    /// the attempt to [`build`] vouches for it.
    pub(crate) fn new(item: &RawItem, given: *mut ()) -> Self {
        Attempt { initializer: item.initializer, given, payload: None, message: String::new() }
    }
}

/// # Safety
///
/// - `destination` is writable, and has the size and alignment of `T`;
/// - `attempt` is an [`Attempt`] for an item of this binary with the type `T`, and nothing else uses it.
unsafe extern "C" fn build<T>(destination: *mut u8, attempt: *mut c_void) -> Status {
    // SAFETY: the caller's word.
    let attempt = unsafe { &mut *attempt.cast::<Attempt>() };
    let (initializer, given) = (attempt.initializer, attempt.given.cast::<Option<T>>());
    // Unwind safety: nothing of what the initializer may have left half-done is ours, and the panic goes on.
    let built = catch_unwind(AssertUnwindSafe(|| {
        // SAFETY: `given` is null or an `Option<T>` that the accessor lends for the attempt (see `Attempt::new`).
        if let Some(value) = unsafe { given.as_mut() }.and_then(Option::take) {
            return value;
        }
        // SAFETY: `initializer` was a `fn() -> T` (see `RawItem::new`, and `T` is the item's type: the caller's word).
        let initializer = unsafe { mem::transmute::<fn(), fn() -> T>(initializer) };
        initializer()
    }));
    match built {
        Ok(value) => {
            // SAFETY: the caller's word.
            unsafe { destination.cast::<T>().write(value) };
            abi::OK
        }
        Err(payload) => {
            attempt.payload = Some(payload);
            abi::PANICKED
        }
    }
}

/// # Safety
///
/// `value` is a valid `T` that nothing uses any more.
unsafe extern "C" fn drop_value<T>(value: *mut u8) {
    let guard = AbortOnUnwind;
    // SAFETY: the caller's word.
    unsafe { value.cast::<T>().drop_in_place() };
    mem::forget(guard);
}

/// The word of a copy that is not registered.
const fn unresolved(kind: u32) -> *mut () {
    if kind == abi::KIND_THREAD_LOCAL { ptr::without_provenance_mut(row::UNRESOLVED) } else { ptr::null_mut() }
}

/// std aborts when the destructor of a thread-local panics, with this message.
struct AbortOnUnwind;

impl Drop for AbortOnUnwind {
    fn drop(&mut self) {
        eprintln!("fatal runtime error: thread local panicked on drop, aborting");
        std::process::abort();
    }
}

impl RawItem {
    const fn new<T: 'static>(
        kind: u32,
        text: &'static str,
        initializer: fn() -> T,
        describe: fn() -> Described,
    ) -> Self {
        RawItem {
            word: AtomicPtr::new(unresolved(kind)),
            handle: AtomicPtr::new(ptr::null_mut()),
            ty: Of::<T>::INFO,
            // SAFETY: function pointers have one size; it is turned back before it is called, in `build`.
            initializer: unsafe { mem::transmute::<fn() -> T, fn()>(initializer) },
            describe,
            text,
            kind,
        }
    }

    /// The copy as the host gets to see it.
    pub(crate) fn declare(&'static self) -> ItemDecl {
        let Described { path, layout } = (self.describe)();
        ItemDecl {
            text: Str::new(self.text),
            path: Str::new(path),
            type_name: Str::new((self.ty.type_name)()),
            type_id: (self.ty.type_id)(),
            layout,
            size: self.ty.size,
            align: self.ty.align,
            drop: self.ty.drop,
            word: (&raw const self.word).cast(),
            item: ptr::from_ref(self).cast(),
            kind: self.kind,
            reserved: 0,
        }
    }

    /// As if the copy had never been registered.
    #[cfg(feature = "plugin")]
    pub(crate) fn forget(&self) {
        // Release, both: the same as when they were set.
        self.word.store(unresolved(self.kind), Release);
        self.handle.store(ptr::null_mut(), Release);
    }

    /// Type and path for messages: they cost nothing until then.
    pub(crate) fn path(&'static self) -> &'static str {
        (self.describe)().path
    }

    pub(crate) fn is_thread_local(&self) -> bool {
        self.kind == abi::KIND_THREAD_LOCAL
    }

    pub(crate) fn build(&self) -> abi::Build {
        self.ty.build
    }
}

/// A copy of a `thread_local!` item.
#[derive(Debug)]
pub struct LocalItem<T: 'static> {
    raw: RawItem,
    ty: PhantomData<fn() -> T>,
}

impl<T: 'static> LocalItem<T> {
    #[doc(hidden)]
    pub const fn new(text: &'static str, initializer: fn() -> T, describe: fn() -> Described) -> Self {
        LocalItem { raw: RawItem::new(abi::KIND_THREAD_LOCAL, text, initializer, describe), ty: PhantomData }
    }

    #[doc(hidden)]
    pub const fn raw(&self) -> &RawItem {
        &self.raw
    }

    /// The calling thread's value, if it is there.
    #[inline]
    pub(crate) fn get(&'static self) -> Option<NonNull<T>> {
        // SAFETY: it is the word of this copy.
        unsafe { row::value(&self.raw.word) }.map(NonNull::cast)
    }

    /// The calling thread's value, which is built if need be: from `given`, or by the initializer.
    ///
    /// # Panics
    ///
    /// Where [`try_build`](Self::try_build) does, and where it is an error.
    #[cold]
    #[inline(never)]
    #[track_caller]
    pub(crate) fn build(&'static self, given: Option<&mut Option<T>>) -> NonNull<T> {
        let given = given.map_or(ptr::null_mut(), |given| ptr::from_mut(given).cast());
        // SAFETY: `given` is null or borrowed for the call.
        match unsafe { binary::access(&self.raw, given) } {
            Ok(value) => value.cast(),
            Err(refusal) => refusal.panic(&self.raw),
        }
    }

    /// The calling thread's value, which is built if need be.
    ///
    /// # Panics
    ///
    /// If the initializer does, or if the item needs itself.
    #[cold]
    #[inline(never)]
    #[track_caller]
    pub(crate) fn try_build(&'static self) -> Result<NonNull<T>, AccessError> {
        // SAFETY: null is allowed.
        unsafe { binary::access(&self.raw, ptr::null_mut()) }.map(NonNull::cast).map_err(|refusal| refusal.error)
    }
}

/// A copy of a `lazy_static!` item.
#[derive(Debug)]
pub struct StaticItem<T: Sync + 'static> {
    raw: RawItem,
    ty: PhantomData<fn() -> T>,
}

impl<T: Sync + 'static> StaticItem<T> {
    #[doc(hidden)]
    pub const fn new(text: &'static str, initializer: fn() -> T, describe: fn() -> Described) -> Self {
        StaticItem { raw: RawItem::new(abi::KIND_STATIC, text, initializer, describe), ty: PhantomData }
    }

    #[doc(hidden)]
    pub const fn raw(&self) -> &RawItem {
        &self.raw
    }

    /// The value, which is built if need be.
    ///
    /// # Panics
    ///
    /// If the initializer panics or has panicked, if the item needs itself, if the binary is a plugin that is not
    /// connected, or if verification refused the item.
    #[inline]
    #[doc(hidden)]
    pub fn get(&'static self) -> &'static T {
        // Acquire: pairs with the Release of the host, which follows the value's initialization.
        let value = self.raw.word.load(Acquire).cast::<T>();
        if value.is_null() {
            return self.build();
        }
        // SAFETY: the host stores the address of a value that was built for this item; it is `Sync`, never moves, and
        // is dropped by unsafe calls only, whose callers see to it that nobody refers to it.
        unsafe { &*value }
    }

    #[cold]
    #[inline(never)]
    fn build(&'static self) -> &'static T {
        // SAFETY: null is allowed.
        match unsafe { binary::access(&self.raw, ptr::null_mut()) } {
            // SAFETY: as in `get`.
            Ok(value) => unsafe { value.cast::<T>().as_ref() },
            Err(refusal) => refusal.panic(&self.raw),
        }
    }
}

/// An entry in the binary's list of its own items, which `inventory` collects before `main` or within `dlopen`.
#[derive(Debug)]
pub struct Registration(pub(crate) &'static RawItem);

impl Registration {
    #[doc(hidden)]
    pub const fn new(item: &'static RawItem) -> Self {
        Registration(item)
    }
}

inventory::collect!(Registration);
