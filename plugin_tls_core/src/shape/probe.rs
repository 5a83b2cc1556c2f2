//! Whether a type has a shape.
//!
//! `ShapeProbe::<T>::NEW.__plugin_tls_find()` finds a method of `ShapeProbe` itself where `T` implements [`Shape`], behind
//! its deref that of [`SizedProbe`] where `T` is sized, and behind the deref of that one the method of [`UnsizedProbe`]
//! everywhere else. The method has a name that no user's trait has, which could come first.

use std::any::{TypeId, type_name};
use std::marker::PhantomData;
use std::ops::Deref;

use plugin_tls_abi::table::DescribeShape;
use plugin_tls_abi::text::Sink;

use super::describer::{Describe, Found, Shape, text_of};

/// Finds the shape of `T`.
#[derive(Debug)]
pub struct ShapeProbe<T: ?Sized>(SizedProbe<T>);

/// Finds none, for a type that is sized.
#[derive(Debug)]
pub struct SizedProbe<T: ?Sized>(UnsizedProbe<T>);

/// Finds none.
#[derive(Debug)]
pub struct UnsizedProbe<T: ?Sized>(PhantomData<T>);

/// The type has a shape.
#[derive(Debug)]
pub struct HasShape<T: ?Sized>(PhantomData<T>);

/// The type has none and is sized.
#[derive(Debug)]
pub struct SizedLeaf<T: ?Sized>(PhantomData<T>);

/// The type has none.
#[derive(Debug)]
pub struct UnsizedLeaf<T: ?Sized>(PhantomData<T>);

impl<T: ?Sized> ShapeProbe<T> {
    /// The probe.
    pub const NEW: Self = ShapeProbe(SizedProbe(UnsizedProbe(PhantomData)));
}

impl<T: Shape + ?Sized> ShapeProbe<T> {
    /// What there is for `T`.
    #[inline]
    #[must_use]
    pub fn __plugin_tls_find(&self) -> HasShape<T> {
        HasShape(PhantomData)
    }
}

impl<T: ?Sized> Deref for ShapeProbe<T> {
    type Target = SizedProbe<T>;

    #[inline]
    fn deref(&self) -> &SizedProbe<T> {
        &self.0
    }
}

impl<T: 'static> SizedProbe<T> {
    /// What there is for `T`.
    #[inline]
    #[must_use]
    pub fn __plugin_tls_find(&self) -> SizedLeaf<T> {
        SizedLeaf(PhantomData)
    }
}

impl<T: ?Sized> Deref for SizedProbe<T> {
    type Target = UnsizedProbe<T>;

    #[inline]
    fn deref(&self) -> &UnsizedProbe<T> {
        &self.0
    }
}

impl<T: ?Sized + 'static> UnsizedProbe<T> {
    /// What there is for `T`.
    #[inline]
    #[must_use]
    pub fn __plugin_tls_find(&self) -> UnsizedLeaf<T> {
        UnsizedLeaf(PhantomData)
    }
}

impl<T: Shape + ?Sized> Found<T> for HasShape<T> {
    const DESCRIBE: Describe = T::__plugin_tls_shape;
    const WRITE: Option<DescribeShape> = Some(write::<T>);
}

impl<T: 'static> Found<T> for SizedLeaf<T> {
    const DESCRIBE: Describe = |describer| {
        describer.leaf(TypeId::of::<T>(), type_name::<T>(), id::<T>(), Some([size_of::<T>(), align_of::<T>()]))
    };
    const WRITE: Option<DescribeShape> = None;
}

impl<T: ?Sized + 'static> Found<T> for UnsizedLeaf<T> {
    const DESCRIBE: Describe = |describer| describer.leaf(TypeId::of::<T>(), type_name::<T>(), id::<T>(), None);
    const WRITE: Option<DescribeShape> = None;
}

fn id<T: ?Sized + 'static>() -> [u8; 16] {
    bytes_of(TypeId::of::<T>())
}

/// The bytes of a `TypeId`, to be compared with those of other binaries.
pub(crate) fn bytes_of(id: TypeId) -> [u8; 16] {
    // SAFETY: a `TypeId` is 16 bytes without padding on every compiler that this crate supports, and `transmute` checks
    // the size. The bytes are compared, and never turned back into a `TypeId`.
    unsafe { std::mem::transmute(id) }
}

/// [`DescribeShape`] for `T`.
///
/// # Safety
///
/// `report` is a usable sink.
unsafe extern "C" fn write<T: Shape + ?Sized>(report: *const Sink) {
    // SAFETY: the caller guarantees that the sink is usable.
    unsafe { write_text(T::__plugin_tls_shape, &*report) }
}

/// # Safety
///
/// `report` is a usable sink.
unsafe fn write_text(describe: Describe, report: &Sink) {
    let text = text_of(describe);
    // SAFETY: the caller guarantees that the sink is usable.
    unsafe { report.write(&text) }
}
