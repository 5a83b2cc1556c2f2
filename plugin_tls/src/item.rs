//! An item's copy in this binary: the static that the macros emit.
//!
//! ```text
//!                     registered: at connection,          touched:
//!                     or on first access                  the host has built the value
//!   word of a thread-local    unresolved ──────────────────────────────────────────────► where the slot is (`row`)
//!   word of a static          null ────────────────────────────────────────────────────► the value's address
//!   handle                    null ───────────────────────► the host's name for this copy
//! ```
//!
//! Before that, the item's constructor declares it when the binary is loaded: what it is a copy of, and that there is such
//! a copy, whether the binary ever uses it or not. The first access does so if it comes earlier.

use std::any::Any;
use std::ffi::c_void;
use std::iter;
use std::marker::PhantomData;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::{self, NonNull};
use std::sync::OnceLock;
use std::sync::atomic::AtomicPtr;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use crate::abi::{self, DropValue, ItemDecl, Status, Str};
use crate::binary;
use crate::error::AccessError;
use crate::layout::Text;
use crate::row;

/// An item's copy, whatever its type.
///
/// What it is a copy of is not in the static from the start: an address that code computes costs a binary 7 bytes, one in
/// a static 32, for the loader has to relocate it.
#[derive(Debug)]
pub struct RawItem {
    /// See the module. Read by each access, written by the host through [`ItemDecl::word`].
    word: AtomicPtr<()>,
    /// Written by this binary when the host has registered the copy.
    pub(crate) handle: AtomicPtr<c_void>,
    /// The next one in the binary's list.
    next: AtomicPtr<RawItem>,
    declared: OnceLock<Declared>,
}

/// What a copy is a copy of.
#[derive(Debug)]
struct Declared {
    ty: &'static TypeInfo,
    /// A `fn() -> T`.
    initializer: fn(),
    text: Text,
    /// The name of the type whose path tells the item's: see [`RawItem::path`].
    here: &'static str,
}

/// What is the same for all items of one type and kind.
#[derive(Debug)]
pub(crate) struct TypeInfo {
    kind: u32,
    size: usize,
    align: usize,
    layout: fn() -> *const c_void,
    type_id: fn() -> [u8; 16],
    type_name: fn() -> &'static str,
    build: abi::Build,
    drop: Option<DropValue>,
}

impl TypeInfo {
    pub(crate) const fn of<I: Item>(layout: fn() -> *const c_void) -> Self {
        TypeInfo {
            kind: I::KIND,
            size: size_of::<I::Value>(),
            align: align_of::<I::Value>(),
            layout,
            type_id: type_id::<I::Value>,
            type_name: std::any::type_name::<I::Value>,
            build: build::<I::Value>,
            drop: if mem::needs_drop::<I::Value>() { Some(drop_value::<I::Value>) } else { None },
        }
    }
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
        Attempt { initializer: item.declared().initializer, given, payload: None, message: String::new() }
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
        // SAFETY: `initializer` was a `fn() -> T` (see `declare`, and `T` is the item's type: the caller's word).
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

/// A copy that knows its type.
pub trait Item {
    /// The item's type.
    type Value: 'static;
    /// [`ItemDecl::kind`].
    const KIND: u32;

    /// The copy, whatever its type.
    fn raw(&'static self) -> &'static RawItem;
}

/// The binary's items: the last one that was declared.
static LAST: AtomicPtr<RawItem> = AtomicPtr::new(ptr::null_mut());

/// The items of this binary, whether it ever uses them or not.
pub(crate) fn all() -> impl Iterator<Item = &'static RawItem> {
    // Acquire: pairs with the Release in `declare`, which follows all that belongs to the item.
    let item = |pointer: &AtomicPtr<RawItem>| -> Option<&'static RawItem> {
        // SAFETY: null, or a static that `declare` was called with.
        unsafe { pointer.load(Acquire).as_ref() }
    };
    iter::successors(item(&LAST), move |previous| item(&previous.next))
}

/// Tells a copy what it is a copy of, and adds it to the binary's list. Nothing happens the second time.
///
/// Each item's constructor is a jump to this function, whose arguments fit into registers and which cannot unwind.
///
/// # Safety
///
/// - `ty` is that of the item, and `initializer` is a `fn() -> T` for it;
/// - `text` is the pointer of a [`Text`], and `here` is a `str` of `here_length` bytes.
pub(crate) unsafe extern "C" fn declare(
    item: &'static RawItem,
    ty: &'static TypeInfo,
    initializer: *const (),
    text: *const u8,
    here: *const u8,
    here_length: usize,
) {
    // SAFETY: the caller's word.
    let declared = unsafe {
        Declared {
            ty,
            initializer: mem::transmute::<*const (), fn()>(initializer),
            text: Text::from_ptr(text),
            here: std::str::from_utf8_unchecked(std::slice::from_raw_parts(here, here_length)),
        }
    };
    if item.declared.set(declared).is_err() {
        return;
    }
    let this = ptr::from_ref(item).cast_mut();
    let mut last = LAST.load(Relaxed);
    loop {
        // Relaxed: the item is not in the list yet.
        item.next.store(last, Relaxed);
        // Release: see `all`.
        match LAST.compare_exchange_weak(last, this, Release, Relaxed) {
            Ok(_) => return,
            Err(now) => last = now,
        }
    }
}

impl RawItem {
    const fn new(kind: u32) -> Self {
        RawItem {
            word: AtomicPtr::new(unresolved(kind)),
            handle: AtomicPtr::new(ptr::null_mut()),
            next: AtomicPtr::new(ptr::null_mut()),
            declared: OnceLock::new(),
        }
    }

    /// Sees to it that the item is declared, with its constructor: an access can come before the constructors' turn.
    fn ensure_declared(&'static self, constructor: extern "C" fn()) {
        if self.declared.get().is_none() {
            constructor();
        }
    }

    fn declared(&self) -> &Declared {
        self.declared.get().expect("an item is declared before it is accessed or found in the list")
    }

    /// The copy as the host gets to see it.
    pub(crate) fn declare(&'static self) -> ItemDecl {
        let Declared { ty, text, .. } = self.declared();
        ItemDecl {
            text: Str::new(text.get()),
            path: Str::new(self.path()),
            type_name: Str::new((ty.type_name)()),
            type_id: (ty.type_id)(),
            layout: (ty.layout)(),
            size: ty.size,
            align: ty.align,
            drop: ty.drop,
            word: (&raw const self.word).cast(),
            item: ptr::from_ref(self).cast(),
            kind: ty.kind,
            reserved: 0,
        }
    }

    /// As if the copy had never been registered.
    #[cfg(feature = "plugin")]
    pub(crate) fn forget(&self) {
        // Release, both: the same as when they were set.
        self.word.store(unresolved(self.declared().ty.kind), Release);
        self.handle.store(ptr::null_mut(), Release);
    }

    /// The item's path as the compiler prints it, with the item's name at its end.
    pub(crate) fn path(&self) -> &'static str {
        let here = self.declared().here;
        if !self.is_thread_local() {
            return here;
        }
        // `crate::module::function::NAME::__tls_…`. By a character: a search for text takes longer to set up.
        here.rsplit_once(':').map_or(here, |(item, _)| item.trim_end_matches(':'))
    }

    pub(crate) fn is_thread_local(&self) -> bool {
        self.declared().ty.kind == abi::KIND_THREAD_LOCAL
    }

    pub(crate) fn build(&self) -> abi::Build {
        self.declared().ty.build
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
    #[allow(clippy::declare_interior_mutable_const, reason = "one value for many statics")]
    pub const NEW: Self = LocalItem { raw: RawItem::new(abi::KIND_THREAD_LOCAL), ty: PhantomData };

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
    #[cfg_attr(debug_assertions, track_caller)]
    pub(crate) fn build(&'static self, constructor: extern "C" fn(), given: Option<&mut Option<T>>) -> NonNull<T> {
        self.raw.ensure_declared(constructor);
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
    #[cfg_attr(debug_assertions, track_caller)]
    pub(crate) fn try_build(&'static self, constructor: extern "C" fn()) -> Result<NonNull<T>, AccessError> {
        self.raw.ensure_declared(constructor);
        // SAFETY: null is allowed.
        unsafe { binary::access(&self.raw, ptr::null_mut()) }.map(NonNull::cast).map_err(|refusal| refusal.error)
    }
}

impl<T: 'static> Item for LocalItem<T> {
    type Value = T;
    const KIND: u32 = abi::KIND_THREAD_LOCAL;

    #[inline]
    fn raw(&'static self) -> &'static RawItem {
        &self.raw
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
    #[allow(clippy::declare_interior_mutable_const, reason = "one value for many statics")]
    pub const NEW: Self = StaticItem { raw: RawItem::new(abi::KIND_STATIC), ty: PhantomData };

    /// The value, which is built if need be.
    ///
    /// # Panics
    ///
    /// If the initializer panics or has panicked, if the item needs itself, if the binary is a plugin that is not
    /// connected, or if verification refused the item.
    #[inline]
    #[doc(hidden)]
    pub fn get(&'static self, constructor: extern "C" fn()) -> &'static T {
        // Acquire: pairs with the Release of the host, which follows the value's initialization.
        let value = self.raw.word.load(Acquire).cast::<T>();
        if value.is_null() {
            return self.build(constructor);
        }
        // SAFETY: the host stores the address of a value that was built for this item; it is `Sync`, never moves, and
        // is dropped by unsafe calls only, whose callers see to it that nobody refers to it.
        unsafe { &*value }
    }

    #[cold]
    #[inline(never)]
    fn build(&'static self, constructor: extern "C" fn()) -> &'static T {
        self.raw.ensure_declared(constructor);
        // SAFETY: null is allowed.
        match unsafe { binary::access(&self.raw, ptr::null_mut()) } {
            // SAFETY: as in `get`.
            Ok(value) => unsafe { value.cast::<T>().as_ref() },
            Err(refusal) => refusal.panic(&self.raw),
        }
    }
}

impl<T: Sync + 'static> Item for StaticItem<T> {
    type Value = T;
    const KIND: u32 = abi::KIND_STATIC;

    #[inline]
    fn raw(&'static self) -> &'static RawItem {
        &self.raw
    }
}
