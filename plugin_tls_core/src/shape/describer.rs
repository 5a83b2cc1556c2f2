//! Writing the shape of a type.

#![forbid(unsafe_code)]

use std::any::TypeId;

use plugin_tls_abi::shape::{ALIGN, BUILD, Kind, OPTION_SIZE, SIZE, TYPE_ID, VERSION, Writer};
use plugin_tls_abi::table::DescribeShape;

/// A type whose structure two binaries can compare.
///
/// Host and plugin share an item if they are proven to mean the same type. Where the build of the crate that defines the
/// type proves it, nothing has to be done. A shape proves it also where the builds differ: after an edit of something
/// else, in another profile or in another workspace. `#[derive(Shape)]` implements the trait for a struct, an enum or a
/// union, and `#[shape]` on a trait implements it for the trait's objects. Types of std implement it. There is no other way
/// to implement it.
///
/// The macros that declare items find the implementation by themselves.
///
/// The host compares names, sizes, alignments, the offsets and types of fields, the variants of enums and the methods of
/// traits. If they differ, it refuses the plugin and names the field that differs.
///
/// ```
/// use std::cell::RefCell;
/// use plugin_tls_core::Shape;
///
/// #[derive(Shape)]
/// pub struct User {
///     name: String,
///     age: u8,
/// }
///
/// #[derive(Shape)]
/// pub struct Session {
///     user: User,
///     hooks: Vec<Box<dyn Hook>>,
/// }
///
/// #[plugin_tls_core::shape]
/// pub trait Hook {
///     fn call(&self, user: &User) -> bool;
/// }
///
/// plugin_tls_core::thread_local! {
///     pub static SESSIONS: RefCell<Vec<Session>> = RefCell::default();
/// }
/// # SESSIONS.with_borrow(|sessions| assert!(sessions.is_empty()));
/// ```
pub trait Shape: 'static {
    #[doc(hidden)]
    fn __plugin_tls_shape(describer: &mut Describer);
}

/// What a probe has found for the shape of `T`.
pub trait Found<T: ?Sized> {
    /// Describes the type.
    const DESCRIBE: Describe;
    /// Describes the type in a text of its own, if it has a shape.
    const WRITE: Option<DescribeShape>;
}

/// Describes a type: see [`Shape`].
#[derive(Debug)]
pub struct Describer {
    writer: Writer,
    /// The types that have a node, with its number, sorted.
    seen: Vec<(TypeId, usize)>,
}

/// Describes one type.
pub(super) type Describe = fn(&mut Describer);

/// Sizes of a type: the type's own, its alignment, and that of its `Option`.
type Sizes = [usize; 3];

fn sizes<T>() -> Sizes {
    [size_of::<T>(), align_of::<T>(), size_of::<Option<T>>()]
}

/// The shape of the type that `describe` describes.
pub(crate) fn text_of(describe: Describe) -> String {
    let mut describer = Describer { writer: Writer::new(), seen: Vec::new() };
    describe(&mut describer);
    describer.writer.into_text()
}

/// The shape of `T`.
pub fn shape_text<T: Shape + ?Sized>() -> String {
    text_of(T::__plugin_tls_shape)
}

impl Describer {
    /// Begins the node of a type. Where the type has a node, writes a reference to it and returns `false`: then nothing may
    /// be added to it.
    pub(super) fn begin(&mut self, id: TypeId, kind: Kind, name: &str) -> bool {
        match self.seen.binary_search_by(|(seen, _)| seen.cmp(&id)) {
            Ok(place) => {
                self.writer.reference(self.seen[place].1);
                false
            }
            Err(place) => {
                let node = self.writer.open(kind, name);
                self.seen.insert(place, (id, node));
                true
            }
        }
    }

    /// Describes a type that is made of one other. Many types are, and one call is less code than three.
    pub(super) fn wrapper(&mut self, id: TypeId, kind: Kind, name: &str, label: &str, describe: Describe) {
        if self.begin(id, kind, name) {
            self.child(label, describe);
            self.end();
        }
    }

    /// Begins the node of a type that users define. `text` has the module's path, the type's name, the compatible version of
    /// its crate, and the build of its crate, with a NUL byte between two of them.
    fn begin_derived(&mut self, id: TypeId, kind: Kind, text: &str, sizes: Option<Sizes>) -> bool {
        let mut parts = text.splitn(4, '\0');
        let mut part = || parts.next().unwrap_or_default();
        let (module, name, version, build) = (part(), part(), part(), part());
        let begins = self.begin(id, kind, &[module, "::", name].concat());
        if begins {
            self.writer.fact(VERSION, version);
            self.writer.fact(BUILD, build);
            for (label, size) in [SIZE, ALIGN, OPTION_SIZE].into_iter().zip(sizes.into_iter().flatten()) {
                self.writer.number_fact(label, size);
            }
        }
        begins
    }

    /// Begins the node of a struct: see `begin_derived`.
    #[inline]
    pub fn begin_struct<T: 'static>(&mut self, text: &str) -> bool {
        self.begin_derived(TypeId::of::<T>(), Kind::Struct, text, Some(sizes::<T>()))
    }

    /// Begins the node of a union: see `begin_derived`.
    #[inline]
    pub fn begin_union<T: 'static>(&mut self, text: &str) -> bool {
        self.begin_derived(TypeId::of::<T>(), Kind::Union, text, Some(sizes::<T>()))
    }

    /// Begins the node of an enum: see `begin_derived`.
    #[inline]
    pub fn begin_enum<T: 'static>(&mut self, text: &str) -> bool {
        self.begin_derived(TypeId::of::<T>(), Kind::Enum, text, Some(sizes::<T>()))
    }

    /// Begins the node of a trait object: see `begin_derived`.
    #[inline]
    pub fn begin_trait<T: ?Sized + 'static>(&mut self, text: &str) -> bool {
        self.begin_derived(TypeId::of::<T>(), Kind::Trait, text, None)
    }

    /// Describes `T` as `Base` with more auto traits.
    pub fn trait_with<T: ?Sized + 'static, Base: ?Sized + Shape>(&mut self, template: &str) {
        self.wrapper(TypeId::of::<T>(), Kind::Builtin, template, "", Base::__plugin_tls_shape);
    }

    /// Describes a type without shape.
    pub(super) fn leaf(&mut self, id: TypeId, name: &str, bytes: [u8; 16], sizes: Option<[usize; 2]>) {
        if self.begin(id, Kind::Leaf, name) {
            let digit = |bits: u8| char::from_digit(u32::from(bits), 16).unwrap_or_default();
            let digits: String = bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect();
            self.writer.fact(TYPE_ID, &digits);
            for (label, size) in [SIZE, ALIGN].into_iter().zip(sizes.into_iter().flatten()) {
                self.writer.number_fact(label, size);
            }
            self.end();
        }
    }

    /// A fact about the node that is open. Facts precede children.
    pub fn fact(&mut self, label: &str, value: &str) {
        self.writer.fact(label, value);
    }

    /// As [`fact`](Self::fact), with a number, a truth value or a character.
    pub fn value_fact(&mut self, label: &str, value: impl ToString) {
        self.writer.fact(label, &value.to_string());
    }

    /// As [`fact`](Self::fact), with a number of elements.
    pub(super) fn number_fact(&mut self, label: &str, value: usize) {
        self.writer.number_fact(label, value);
    }

    /// A child of the node that is open, at an offset.
    #[inline]
    pub fn field<T: ?Sized, F: Found<T>>(&mut self, label: &str, offset: usize, _ty: F) {
        self.child_at(label, offset, F::DESCRIBE);
    }

    fn child_at(&mut self, label: &str, offset: usize, describe: Describe) {
        self.writer.child(label, Some(offset));
        describe(self);
    }

    /// A child of the node that is open.
    #[inline]
    pub fn part<T: ?Sized, F: Found<T>>(&mut self, label: &str, _ty: F) {
        self.child(label, F::DESCRIBE);
    }

    /// A child of the node that is open.
    pub(super) fn child(&mut self, label: &str, describe: Describe) {
        self.writer.child(label, None);
        describe(self);
    }

    /// Begins a variant of the enum that is open. Its fields, as parts, and [`end`](Self::end) follow.
    pub fn begin_variant(&mut self, name: &str) {
        self.begin_part(Kind::Variant, "::", name);
    }

    /// Begins a method of the trait that is open. Facts, arguments and result as parts, and [`end`](Self::end) follow.
    pub fn begin_method(&mut self, name: &str) {
        self.begin_part(Kind::Method, "::", name);
    }

    fn begin_part(&mut self, kind: Kind, separator: &str, name: &str) {
        self.writer.child(&[separator, name].concat(), None);
        self.writer.open(kind, name);
    }

    /// Ends the node that is open.
    pub fn end(&mut self) {
        self.writer.close();
    }
}
