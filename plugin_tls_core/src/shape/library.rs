//! Shapes of std's types. Their arguments decide the rest: one compiler has one std.

#![forbid(unsafe_code)]

use std::any::TypeId;

use plugin_tls_abi::shape::Kind;

use super::describer::{Describer, Shape};

/// `path::Type;`
macro_rules! types {
    ($($path:path;)*) => {$(
        impl Shape for $path {
            fn __plugin_tls_shape(describer: &mut Describer) {
                if describer.begin(TypeId::of::<Self>(), Kind::Std, stringify!($path)) {
                    describer.end();
                }
            }
        }
    )*};
}

/// `path::Type<Argument: "label", ...>;`, each label with further bounds in parentheses.
macro_rules! generic_types {
    ($($root:ident $(:: $path:ident)+ < $($name:ident: $label:literal $(($($bound:tt)*))?),+ >;)*) => {$(
        impl<$($name: Shape $(+ $($bound)*)?),+> Shape for $root $(:: $path)+<$($name),+> {
            fn __plugin_tls_shape(describer: &mut Describer) {
                let name = concat!(stringify!($root), $("::", stringify!($path)),+);
                describe_arguments!(describer, Kind::Std, name, $($name $label)+);
            }
        }
    )*};
}

/// Describes a type by its arguments.
macro_rules! describe_arguments {
    ($describer:ident, $kind:expr, $name:expr, $argument:ident $label:literal) => {
        $describer.wrapper(TypeId::of::<Self>(), $kind, $name, $label, $argument::__plugin_tls_shape)
    };
    ($describer:ident, $kind:expr, $name:expr, $($argument:ident $label:literal)*) => {
        if $describer.begin(TypeId::of::<Self>(), $kind, $name) {
            $($describer.child($label, $argument::__plugin_tls_shape);)*
            $describer.end();
        }
    };
}

types! {
    std::alloc::Layout;
    std::alloc::System;
    std::any::TypeId;
    std::cmp::Ordering;
    std::collections::hash_map::DefaultHasher;
    std::collections::hash_map::RandomState;
    std::ffi::CStr;
    std::ffi::CString;
    std::ffi::OsStr;
    std::ffi::OsString;
    std::fmt::Error;
    std::fs::File;
    std::io::Error;
    std::io::ErrorKind;
    std::io::Stderr;
    std::io::Stdin;
    std::io::Stdout;
    std::marker::PhantomPinned;
    std::net::IpAddr;
    std::net::Ipv4Addr;
    std::net::Ipv6Addr;
    std::net::SocketAddr;
    std::net::SocketAddrV4;
    std::net::SocketAddrV6;
    std::net::TcpListener;
    std::net::TcpStream;
    std::net::UdpSocket;
    std::num::ParseFloatError;
    std::num::ParseIntError;
    std::ops::RangeFull;
    std::path::Path;
    std::path::PathBuf;
    std::string::FromUtf8Error;
    std::string::String;
    std::str::Utf8Error;
    std::sync::Barrier;
    std::sync::Condvar;
    std::sync::Once;
    std::task::Waker;
    std::thread::Thread;
    std::thread::ThreadId;
    std::time::Duration;
    std::time::Instant;
    std::time::SystemTime;
}

macro_rules! atomics {
    ($($width:literal: $($name:ident)*;)*) => {$($(
        #[cfg(target_has_atomic = $width)]
        types! { std::sync::atomic::$name; }
    )*)*};
}

atomics! {
    "8": AtomicBool AtomicI8 AtomicU8;
    "16": AtomicI16 AtomicU16;
    "32": AtomicI32 AtomicU32;
    "64": AtomicI64 AtomicU64;
    "ptr": AtomicIsize AtomicUsize;
}

macro_rules! non_zero {
    ($($number:ty)*) => {$(
        impl Shape for std::num::NonZero<$number> {
            fn __plugin_tls_shape(describer: &mut Describer) {
                let (id, name) = (TypeId::of::<Self>(), "std::num::NonZero");
                describer.wrapper(id, Kind::Std, name, "", <$number>::__plugin_tls_shape);
            }
        }
    )*};
}

non_zero! { i8 i16 i32 i64 i128 isize u8 u16 u32 u64 u128 usize }

// What has one value has an empty label: a path leads through it.
generic_types! {
    std::boxed::Box<T: "" (?Sized)>;
    std::cell::Cell<T: "" (?Sized)>;
    std::cell::LazyCell<T: "", F: "[initializer]">;
    std::cell::OnceCell<T: "">;
    std::cell::RefCell<T: "" (?Sized)>;
    std::cell::UnsafeCell<T: "" (?Sized)>;
    std::cmp::Reverse<T: "">;
    std::collections::BTreeMap<K: "[key]", V: "[value]">;
    std::collections::BTreeSet<T: "[item]">;
    std::collections::BinaryHeap<T: "[item]">;
    std::collections::HashMap<K: "[key]", V: "[value]", S: "[hasher]">;
    std::collections::HashSet<T: "[item]", S: "[hasher]">;
    std::collections::LinkedList<T: "[item]">;
    std::collections::VecDeque<T: "[item]">;
    std::hash::BuildHasherDefault<H: "[hasher]">;
    std::marker::PhantomData<T: "[type]" (?Sized)>;
    std::mem::ManuallyDrop<T: "" (?Sized)>;
    std::mem::MaybeUninit<T: "">;
    std::num::Saturating<T: "">;
    std::num::Wrapping<T: "">;
    std::ops::Bound<T: "">;
    std::ops::ControlFlow<B: "[break]", C: "[continue]">;
    std::ops::Range<T: "[bound]">;
    std::ops::RangeFrom<T: "[bound]">;
    std::ops::RangeInclusive<T: "[bound]">;
    std::ops::RangeTo<T: "[bound]">;
    std::ops::RangeToInclusive<T: "[bound]">;
    std::option::Option<T: "">;
    std::pin::Pin<P: "">;
    std::ptr::NonNull<T: "" (?Sized)>;
    std::rc::Rc<T: "" (?Sized)>;
    std::rc::Weak<T: "" (?Sized)>;
    std::result::Result<T: "[ok]", E: "[error]">;
    std::sync::Arc<T: "" (?Sized)>;
    std::sync::LazyLock<T: "", F: "[initializer]">;
    std::sync::Mutex<T: "" (?Sized)>;
    std::sync::OnceLock<T: "">;
    std::sync::RwLock<T: "" (?Sized)>;
    std::sync::Weak<T: "" (?Sized)>;
    std::sync::mpsc::Receiver<T: "[item]">;
    std::sync::mpsc::Sender<T: "[item]">;
    std::sync::mpsc::SyncSender<T: "[item]">;
    std::task::Poll<T: "">;
    std::thread::JoinHandle<T: "[result]">;
    std::vec::Vec<T: "[item]">;
}

#[cfg(target_has_atomic = "ptr")]
generic_types! {
    std::sync::atomic::AtomicPtr<T: "">;
}

impl<B: ?Sized + ToOwned + Shape> Shape for std::borrow::Cow<'static, B>
where
    B::Owned: Shape,
{
    fn __plugin_tls_shape(describer: &mut Describer) {
        if describer.begin(TypeId::of::<Self>(), Kind::Std, "std::borrow::Cow") {
            describer.child("", B::__plugin_tls_shape);
            describer.child("[owned]", B::Owned::__plugin_tls_shape);
            describer.end();
        }
    }
}
