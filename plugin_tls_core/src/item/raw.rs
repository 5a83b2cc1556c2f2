//! The static that the macros emit, and the binary's list of them.
//!
//! ```text
//!                     registered: at connection,          touched:
//!                     or on first access                  the host has built the value
//!   word of a thread-local    unresolved ──────────────────────────────────────────────► where the slot is
//!   word of a static          null ────────────────────────────────────────────────────► the value's address
//!   handle                    null ───────────────────────► the host's name for this copy
//! ```
//!
//! Before that, the item's constructor describes the copy when the binary is loaded: it tells the static what it is a copy
//! of, and adds it to the binary's list, whether the binary ever uses the item or not. An access that comes earlier calls
//! the constructor itself.
//!
//! # Orderings
//!
//! - The list: see [`List`]. `describe` writes the description before it adds the item.
//! - `handle`: written with Release after the host has set up the copy, and read with Acquire by the access that passes it
//!   to the host.
//! - The word of a static: the host writes it with Release after it has built the value, and `value` reads it with Acquire.
//! - The word of a thread-local is a number that leads to a slot of the reading thread: see `plugin_tls_abi::row`.

use std::ffi::c_void;
use std::marker::PhantomData;
use std::ptr::{self, NonNull};
use std::sync::OnceLock;
use std::sync::atomic::AtomicPtr;
use std::sync::atomic::Ordering::{Acquire, Release};

use plugin_tls_abi::row::{self, Word};
use plugin_tls_abi::table::{
    Build, DescribeShape, DropValue, ItemDescriptor, KIND_STATIC, KIND_THREAD_LOCAL, LayoutScheme,
};
use plugin_tls_abi::text::Str;

use super::text::Text;
use crate::list::{Linked, List};

/// An item's copy, whatever its type.
///
/// What it is a copy of is not in the static from the start: an address that code computes costs a binary 7 bytes, one in
/// a static 32, because the loader has to relocate it.
#[derive(Debug)]
pub struct RawItem {
    /// See the module. Each access reads it, and the host writes it through [`ItemDescriptor::word`].
    word: AtomicPtr<()>,
    /// Written by this binary when the host has registered the copy.
    pub(crate) handle: AtomicPtr<c_void>,
    /// The next one in the binary's list.
    next: AtomicPtr<RawItem>,
    description: OnceLock<Description>,
}

/// What a copy is a copy of.
#[derive(Debug)]
struct Description {
    ty: DescribeType,
    /// A `fn() -> T`.
    initializer: fn(),
    text: Text,
    /// The compiler's name of a function or type of the item: see [`RawItem::path`].
    here: &'static str,
}

/// Describes an item's type. It is one function, because the address of each in a static would cost a binary 32 bytes: see
/// [`RawItem`].
pub(super) type DescribeType = fn() -> TypeDescription;

/// What is the same for all items of one type and kind.
#[derive(Debug)]
pub(super) struct TypeDescription {
    pub(super) kind: u32,
    pub(super) size: usize,
    pub(super) align: usize,
    /// The size of the `Option` of the type.
    pub(super) option_size: usize,
    pub(super) type_id: [u8; 16],
    pub(super) type_name: &'static str,
    /// The type's layout and the scheme that it is described in; null and null without one.
    pub(super) layout: (*const c_void, *const LayoutScheme),
    pub(super) shape: Option<DescribeShape>,
    pub(super) build: Build,
    pub(super) drop: Option<DropValue>,
}

/// A copy that knows its type.
pub trait Item {
    /// The item's type.
    type Value: 'static;
    /// [`ItemDescriptor::kind`].
    const KIND: u32;

    /// The copy, whatever its type.
    fn raw(&'static self) -> &'static RawItem;
}

/// What a probe has found for the layout of `T`.
///
/// # Safety
///
/// `layout` returns a layout of `T`, or of a type within `T`, and a static scheme that says which and whose `compare`
/// takes such layouts; or null and null.
pub unsafe trait Layout<T> {
    /// The layout and its scheme.
    fn layout() -> (*const c_void, *const LayoutScheme);
}

/// There is no layout.
#[derive(Debug)]
pub struct NoLayout;

// SAFETY: it returns null and null.
unsafe impl<T> Layout<T> for NoLayout {
    fn layout() -> (*const c_void, *const LayoutScheme) {
        (ptr::null(), ptr::null())
    }
}

impl Linked for RawItem {
    fn next(&self) -> &AtomicPtr<Self> {
        &self.next
    }
}

/// The binary's list.
static ITEMS: List<RawItem> = List::new();

/// The items of this binary, whether it ever uses them or not.
pub(crate) fn all() -> impl Iterator<Item = &'static RawItem> {
    ITEMS.iter()
}

/// Tells a copy what it is a copy of, and adds it to the binary's list. Nothing happens the second time.
///
/// Each item's constructor is a jump to this function. Its arguments fit into registers, and it cannot unwind.
///
/// # Safety
///
/// - `ty` is a [`DescribeType`] for the item's type `T` and kind, and `initializer` is a `fn() -> T`.
/// - `text` comes from [`Text::address`], and `here` points to a `&'static str` of `here_length` bytes.
pub(super) unsafe extern "C" fn describe(
    item: &'static RawItem,
    ty: *const (),
    initializer: *const (),
    text: *const u8,
    here: *const u8,
    here_length: usize,
) {
    // SAFETY: the caller guarantees that `ty` is a `DescribeType`, that the initializer is a function, that the text has an
    // end, and that `here` and its length are those of a `str` that lives as long as the binary.
    let description = unsafe {
        Description {
            ty: std::mem::transmute::<*const (), DescribeType>(ty),
            initializer: std::mem::transmute::<*const (), fn()>(initializer),
            text: Text::from_ptr(text),
            here: std::str::from_utf8_unchecked(std::slice::from_raw_parts(here, here_length)),
        }
    };
    if item.description.set(description).is_ok() {
        ITEMS.add(item);
    }
}

/// The word of a copy that is not registered.
const fn unresolved(kind: u32) -> *mut () {
    if kind == KIND_THREAD_LOCAL { Word::UNRESOLVED.as_ptr() } else { ptr::null_mut() }
}

impl RawItem {
    const fn new(kind: u32) -> Self {
        RawItem {
            word: AtomicPtr::new(unresolved(kind)),
            handle: AtomicPtr::new(ptr::null_mut()),
            next: AtomicPtr::new(ptr::null_mut()),
            description: OnceLock::new(),
        }
    }

    /// Calls the item's constructor, unless it has run: an access can come before the constructors' turn.
    pub(crate) fn ensure_described(&'static self, constructor: extern "C" fn()) {
        if self.description.get().is_none() {
            constructor();
        }
    }

    fn description(&self) -> &Description {
        self.description.get().expect("an item is described before it is accessed or found in the list")
    }

    /// The copy as the host gets to see it.
    pub(crate) fn descriptor(&'static self) -> ItemDescriptor {
        let Description { ty, text, .. } = self.description();
        let ty = ty();
        let (layout, scheme) = ty.layout;
        ItemDescriptor {
            text: Str::new(text.get()),
            path: Str::new(self.path()),
            type_name: Str::new(ty.type_name),
            type_id: ty.type_id,
            layout,
            scheme,
            shape: ty.shape,
            size: ty.size,
            align: ty.align,
            option_size: ty.option_size,
            drop: ty.drop,
            word: (&raw const self.word).cast(),
            item: ptr::from_ref(self).cast(),
            kind: ty.kind,
            reserved: 0,
        }
    }

    /// Resets the copy to what it was before it was registered.
    pub(crate) fn disconnect(&self) {
        self.word.store(unresolved((self.description().ty)().kind), Release);
        self.handle.store(ptr::null_mut(), Release);
    }

    /// The item's path as the compiler prints it, with the item's name at its end.
    pub(crate) fn path(&self) -> &'static str {
        let here = self.description().here;
        if !self.is_thread_local() {
            return here;
        }
        // `crate::module::function::NAME::__tls_…`. By a character, because a search for text takes longer to set up.
        here.rsplit_once(':').map_or(here, |(item, _)| item.trim_end_matches(':'))
    }

    pub(crate) fn is_thread_local(&self) -> bool {
        (self.description().ty)().kind == KIND_THREAD_LOCAL
    }

    /// Builds a value of the item's type: see [`Build`].
    pub(crate) fn build(&self) -> Build {
        (self.description().ty)().build
    }

    /// A `fn() -> T` for the item's type `T`.
    pub(super) fn initializer(&self) -> fn() {
        self.description().initializer
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
    pub const NEW: Self = LocalItem { raw: RawItem::new(KIND_THREAD_LOCAL), ty: PhantomData };

    /// The calling thread's value, if it is there.
    #[inline]
    pub(crate) fn value(&'static self) -> Option<NonNull<T>> {
        // SAFETY: it is the word of this copy.
        unsafe { row::value(&self.raw.word) }.map(NonNull::cast)
    }
}

impl<T: 'static> Item for LocalItem<T> {
    type Value = T;
    const KIND: u32 = KIND_THREAD_LOCAL;

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
    pub const NEW: Self = StaticItem { raw: RawItem::new(KIND_STATIC), ty: PhantomData };

    /// The value, if it is there.
    #[inline]
    pub(crate) fn value(&'static self) -> Option<NonNull<T>> {
        NonNull::new(self.raw.word.load(Acquire).cast())
    }
}

impl<T: Sync + 'static> Item for StaticItem<T> {
    type Value = T;
    const KIND: u32 = KIND_STATIC;

    #[inline]
    fn raw(&'static self) -> &'static RawItem {
        &self.raw
    }
}
