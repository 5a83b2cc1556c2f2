//! `lazy_static!` accepts what lazy_static 1.5 accepts, and its items behave in the same way.

#![allow(unreachable_pub, reason = "visibilities are part of the grammar")]

use std::cell::Cell;
use std::collections::HashMap;
use std::fmt::Debug;
use std::ops::Deref;
use std::panic::{AssertUnwindSafe, catch_unwind, panic_any};
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Barrier, Mutex, RwLock, mpsc};
use std::thread;
use std::time::Duration;

use plugin_tls::LazyStatic;

fn message_of<R>(f: impl FnOnce() -> R) -> String {
    let payload = catch_unwind(AssertUnwindSafe(f)).err().expect("it panics");
    match payload.downcast::<String>() {
        Ok(text) => *text,
        Err(payload) => (*payload.downcast::<&str>().expect("a panic with a text")).to_owned(),
    }
}

plugin_tls::lazy_static! {}
plugin_tls::lazy_static!();

plugin_tls::lazy_static! {
    /// Documented.
    pub static ref NUMBER: u32 = times_two(3);

    /** In a block. */
    static ref ARRAY: [Box<u32>; 3] = [Box::new(1), Box::new(2), Box::new(3)];

    /// A reference, to be dereferenced twice.
    static ref TEXT: &'static str = "hello";

    static ref MAP: HashMap<u32, &'static str> = {
        let mut map = HashMap::new();
        map.insert(1, "one");
        map.insert(2, "two");
        map
    };

    // Depends on the others.
    static ref SUM: usize = MAP.len() + ARRAY.len() + TEXT.len();

    static ref UNIT: () = ();

    #[cfg(not(test))]
    static ref ABSENT: NoSuchType = no_such_function();

    #[cfg(test)]
    #[doc = "Present."]
    static ref PRESENT: u32 = 1;
    #[cfg(not(test))]
    static ref PRESENT: u64 = 2;
}

fn times_two(value: u32) -> u32 {
    value * 2
}

#[test]
fn items_dereference_to_their_values() {
    assert_eq!(&**TEXT, "hello");
    assert_eq!(*NUMBER, 6);
    assert_eq!(*ARRAY[1], 2);
    assert_eq!(MAP.get(&2), Some(&"two"));
    assert_eq!(*SUM, 10);
    let () = *UNIT;
    let present: u32 = *PRESENT;
    assert_eq!(present, 1);
    let reference: &'static HashMap<u32, &'static str> = &MAP;
    assert!(std::ptr::eq(reference, MAP.deref()));
    assert_eq!(TEXT.len(), 5, "methods of the value are the item's");
    assert_eq!(ARRAY.iter().map(|value| **value).sum::<u32>(), 6, "also those of a slice");
}

mod visible {
    plugin_tls::lazy_static! {
        pub static ref FOO: Box<u32> = Box::new(0);
        pub(crate) static ref CRATE: Box<u32> = Box::new(1);
        pub(super) static ref PARENT: Box<u32> = Box::new(2);
        static ref BAR: Box<u32> = Box::new(98);
    }

    pub mod inner {
        plugin_tls::lazy_static! {
            pub(in crate::visible) static ref BAZ: Box<u32> = Box::new(42);
            pub(in super::super) static ref UP: Box<u32> = Box::new(43);
            pub(self) static ref BAG: Box<u32> = Box::new(37);
        }

        pub fn sub_test() {
            assert_eq!((**BAZ, **BAG), (42, 37));
        }
    }

    pub fn test() {
        assert_eq!((**FOO, **BAR, **inner::BAZ), (0, 98, 42));
    }
}

#[test]
fn all_visibilities_are_accepted() {
    assert_eq!((**visible::FOO, **visible::CRATE, **visible::PARENT, **visible::inner::UP), (0, 1, 2, 43));
    visible::test();
    visible::inner::sub_test();
}

/// An item's type has the item's name.
mod types {
    plugin_tls::lazy_static! {
        #[derive(Copy, Clone, Debug, PartialEq)]
        /// With derives.
        pub static ref DERIVING: Vec<u8> = vec![1];
        #[derive(Debug)]
        #[allow(dead_code)]
        pub static ref PRINTED: u8 = 1;
        pub static ref X: String = "x".to_owned();
    }
}

#[test]
fn attributes_apply_to_the_items_type() {
    fn is_copy<T: Copy + Clone + Debug + PartialEq + 'static>(_: &T) {}

    is_copy(&types::DERIVING);
    let copy = types::DERIVING;
    assert_eq!(copy, types::DERIVING);
    assert_eq!(*copy, [1]);
    assert!(std::ptr::eq(&*copy, &*types::DERIVING), "all copies are the one value");
    assert!(format!("{:?}", types::PRINTED).starts_with("PRINTED"));
}

#[test]
fn an_items_type_can_be_named() {
    struct Holder {
        text: &'static types::X,
        owned: types::DERIVING,
    }

    fn length<T: LazyStatic + Deref<Target = String>>(item: &T) -> usize {
        plugin_tls::initialize(item);
        item.len()
    }

    fn unsized_length(text: &str, bytes: &[u8]) -> usize {
        text.len() + bytes.len()
    }

    let holder = Holder { text: &types::X, owned: types::DERIVING };
    assert_eq!((length(holder.text), length(&types::X)), (1, 1));
    assert_eq!(unsized_length(&types::X, &holder.owned), 2, "by coercion");
    let object: &dyn Deref<Target = String> = &types::X;
    assert_eq!(object.deref(), "x");
}

/// Items with the names of types and traits that are in scope.
mod shadowing {
    #[derive(Copy, Clone)]
    pub struct Value;
    #[derive(Copy, Clone)]
    #[allow(non_camel_case_types)]
    pub struct Option(u32);

    plugin_tls::lazy_static! {
        pub static ref ITEM: Value = Value;
        #[allow(non_upper_case_globals)]
        pub static ref String: u32 = 1;
        pub static ref Vec: ::std::vec::Vec<Option> = ::std::vec::Vec::from([Option(1)]);
        #[allow(non_upper_case_globals)]
        pub static ref lower: Option = Option(2);
        pub static ref r#type: u8 = 3;
        pub static ref T: u8 = 4;
        pub static ref LAZY: u8 = 5;
        pub static ref Target: u8 = 6;
        pub static ref Deref: u8 = 7;
    }

    impl Option {
        pub fn value(self) -> u32 {
            self.0
        }
    }
}

#[test]
fn items_may_have_the_names_of_types_and_traits() {
    let shadowing::Value = *shadowing::ITEM;
    assert_eq!(*shadowing::String, 1);
    assert_eq!((shadowing::Vec.len(), shadowing::Vec[0].value()), (1, 1));
    assert_eq!(shadowing::lower.value(), 2);
    assert_eq!(
        [*shadowing::r#type, *shadowing::T, *shadowing::LAZY, *shadowing::Target, *shadowing::Deref],
        [3, 4, 5, 6, 7]
    );
}

#[test]
fn items_may_be_declared_in_functions() {
    fn first() -> u32 {
        plugin_tls::lazy_static!(static ref SAME: u32 = 1;);
        *SAME
    }
    fn second() -> u32 {
        plugin_tls::lazy_static! {
            static ref SAME: u32 = { let two = 2; return two; };
        }
        *SAME
    }
    fn generic<T>(_: T) -> u32 {
        plugin_tls::lazy_static![static ref COUNT: AtomicU32 = AtomicU32::new(0);];
        COUNT.fetch_add(1, SeqCst)
    }
    assert_eq!((first(), second(), generic(1_u8), generic("text")), (1, 2, 0, 1));

    let in_closure = || {
        plugin_tls::lazy_static! {
            // In a block of their own, many at once.
            static ref INNER: Vec<u8> = vec![1];
            static ref OUTER: usize = INNER.len();
        }
        *OUTER
    };
    assert_eq!(in_closure(), 1);
}

macro_rules! declare {
    ($($(#[$attribute:meta])* $visibility:vis $name:ident: $ty:ty = $initializer:expr),* $(,)?) => {
        plugin_tls::lazy_static! {
            $($(#[$attribute])* $visibility static ref $name: $ty = $initializer;)*
        }
    };
}

declare! {
    /// From a macro.
    #[derive(Debug)]
    pub FROM_MACRO: Vec<Vec<u8>> = vec![vec![1]],
    BOXED: Box<dyn Fn(u8) -> Box<dyn Iterator<Item = u8>> + Send + Sync> = Box::new(|end| Box::new(0..end)),
}

#[test]
fn users_macros_may_declare_items() {
    assert_eq!(FROM_MACRO[0][0], 1);
    assert_eq!(BOXED(3).sum::<u8>(), 3);
    assert!(format!("{FROM_MACRO:?}").starts_with("FROM_MACRO"));
}

plugin_tls::lazy_static! {
    static ref FUNCTION: fn(u32) -> u32 = times_two;
    static ref BORROWING: for<'a> fn(&'a str) -> &'a str = |text| text.trim();
    static ref CALLBACK: fn(&str) -> usize = str::len;
    static ref ARRAY_OF_FUNCTIONS: [fn(u32) -> u32; 1 + 1] = [times_two, |value| value + 1];
    static ref ADJACENT: Vec<Vec<u8>>= vec![vec![]];
    static ref OBJECT: Box<dyn Fn() -> Vec<u8> + Send + Sync> = Box::new(|| vec![1]);
    static ref LOCK: RwLock<Option<&'static (dyn Fn(u8) -> u8 + Sync)>> = RwLock::new(None);
    static ref BLOCK: u32 = { 1 } + 1;
    static ref CONST_BLOCK: u32 = const { 2 } + 1;
    static ref STRUCTURE: Config<'static> = Config { name: "a" };
    static ref POINTER: MarkedSync = MarkedSync(std::ptr::null());
}

struct Config<'a> {
    name: &'a str,
}

/// `Sync`, but not `Send`.
struct MarkedSync(*const u8);
// SAFETY: no code dereferences the pointer, so any thread may read it.
unsafe impl Sync for MarkedSync {}

#[test]
fn all_forms_of_types_and_initializers_are_accepted() {
    assert_eq!((FUNCTION(2), BORROWING(" a "), CALLBACK("abc")), (4, "a", 3));
    assert_eq!((ARRAY_OF_FUNCTIONS[1])(2), 3);
    assert_eq!((ADJACENT.len(), OBJECT()), (1, vec![1]));
    *LOCK.write().unwrap() = Some(&|value| value + 1);
    assert_eq!(LOCK.read().unwrap().map(|function| function(1)), Some(2));
    assert_eq!((*BLOCK, *CONST_BLOCK, STRUCTURE.name), (2, 3, "a"));
    assert!(POINTER.0.is_null());
}

#[test]
fn values_that_are_not_send_are_shared() {
    assert!(thread::spawn(|| POINTER.0.is_null()).join().unwrap());
}

#[test]
fn the_initializer_runs_on_first_use() {
    static RUNS: AtomicUsize = AtomicUsize::new(0);
    plugin_tls::lazy_static! {
        static ref USED: usize = RUNS.fetch_add(1, SeqCst);
        static ref INITIALIZED: usize = RUNS.fetch_add(10, SeqCst);
        static ref UNUSED: usize = RUNS.fetch_add(100, SeqCst);
    }
    let _references_do_not_use_the_items = (&USED, &INITIALIZED, &UNUSED);
    assert_eq!(RUNS.load(SeqCst), 0);
    assert_eq!((*USED, *USED, RUNS.load(SeqCst)), (0, 0, 1));
    plugin_tls::initialize(&INITIALIZED);
    assert_eq!(RUNS.load(SeqCst), 11);
    plugin_tls::initialize(&INITIALIZED);
    LazyStatic::initialize(&INITIALIZED);
    assert_eq!((*INITIALIZED, RUNS.load(SeqCst)), (1, 11));
}

#[test]
fn the_initializer_runs_once_for_all_threads() {
    const THREADS: usize = 16;
    static RUNS: AtomicUsize = AtomicUsize::new(0);
    plugin_tls::lazy_static! {
        static ref SLOW: Mutex<Vec<usize>> = {
            RUNS.fetch_add(1, SeqCst);
            thread::sleep(Duration::from_millis(50));
            Mutex::new(Vec::new())
        };
    }
    let barrier = Arc::new(Barrier::new(THREADS));
    let threads = (0..THREADS).map(|number| {
        let barrier = Arc::clone(&barrier);
        thread::spawn(move || {
            barrier.wait();
            SLOW.lock().unwrap().push(number);
            std::ptr::from_ref(&*SLOW).addr()
        })
    });
    let threads: Vec<_> = threads.collect();
    let mut addresses: Vec<_> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
    addresses.dedup();
    assert_eq!((RUNS.load(SeqCst), addresses.len(), SLOW.lock().unwrap().len()), (1, 1, THREADS));
}

#[test]
fn a_panicking_initializer_poisons_the_item() {
    #[derive(Debug, PartialEq)]
    struct Custom(usize);
    static RUNS: AtomicUsize = AtomicUsize::new(0);
    plugin_tls::lazy_static! {
        static ref POISONED: u32 = panic_any(Custom(RUNS.fetch_add(1, SeqCst)));
        static ref DEPENDS: u32 = *POISONED;
    }
    let payload = catch_unwind(|| *DEPENDS).unwrap_err();
    assert_eq!(payload.downcast_ref(), Some(&Custom(0)), "the payload is the initializer's own");
    for _ in 0..2 {
        let message = message_of(|| *POISONED);
        assert!(message.contains("poisoned"), "{message}");
        let message = message_of(|| plugin_tls::initialize(&DEPENDS));
        assert!(message.contains("poisoned"), "{message}");
    }
    let elsewhere = thread::spawn(|| message_of(|| *POISONED)).join().unwrap();
    assert!(elsewhere.contains("poisoned"), "{elsewhere}");
    assert_eq!(RUNS.load(SeqCst), 1);
}

#[test]
fn threads_that_wait_for_a_panicking_initializer_panic_too() {
    plugin_tls::lazy_static! {
        static ref SLOW: u32 = {
            BUILDING.wait();
            thread::sleep(Duration::from_millis(50));
            panic!("in the initializer")
        };
        static ref BUILDING: Barrier = Barrier::new(2);
    }
    let builder = thread::spawn(|| message_of(|| *SLOW));
    BUILDING.wait();
    let waiter = within_a_minute(|| message_of(|| *SLOW));
    assert_eq!(builder.join().unwrap(), "in the initializer");
    assert!(waiter.contains("poisoned"), "{waiter}");
}

mod recursive {
    plugin_tls::lazy_static! {
        pub static ref A: u32 = *B;
        pub static ref B: u32 = *C;
        pub static ref C: u32 = *A;
        pub static ref ITSELF: u32 = *ITSELF;
    }
}

#[test]
fn an_item_that_needs_itself_panics_with_the_chain() {
    let message = message_of(|| *recursive::ITSELF);
    assert!(message.contains("`lazy_static::recursive::ITSELF` -> `lazy_static::recursive::ITSELF`"), "{message}");
    let message = message_of(|| *recursive::B);
    let chain = ["B", "C", "A", "B"].map(|name| format!("`lazy_static::recursive::{name}`")).join(" -> ");
    assert!(message.contains(&chain), "{message}");
}

/// Runs `f` on a thread. Fails if `f` does not return within a minute.
fn within_a_minute<R: Send + 'static>(f: impl FnOnce() -> R + Send + 'static) -> R {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || sender.send(f()));
    receiver.recv_timeout(Duration::from_secs(60)).expect("it ends without a deadlock")
}

#[test]
fn threads_that_need_each_others_items_panic_with_the_cycle() {
    plugin_tls::lazy_static! {
        static ref BOTH_STARTED: Barrier = Barrier::new(2);
        static ref LEFT: u32 = { BOTH_STARTED.wait(); *RIGHT };
        static ref RIGHT: u32 = { BOTH_STARTED.wait(); *LEFT };
    }
    let messages = within_a_minute(|| {
        let left = thread::spawn(|| message_of(|| *LEFT));
        let right = thread::spawn(|| message_of(|| *RIGHT));
        [left.join().unwrap(), right.join().unwrap()]
    });
    let cycles: Vec<_> = messages.iter().filter(|message| message.contains(" -> ")).collect();
    assert_eq!(cycles.len(), 1, "one of them closes the cycle, the other one's item is poisoned then: {messages:?}");
    assert!(cycles[0].contains("::LEFT`") && cycles[0].contains("::RIGHT`"), "{messages:?}");
}

#[test]
fn longer_cycles_through_thread_locals_are_found_too() {
    plugin_tls::lazy_static! {
        static ref ALL_STARTED: Barrier = Barrier::new(3);
        static ref FIRST: u32 = { ALL_STARTED.wait(); TO_SECOND.with(|value| *value) };
        static ref SECOND: u32 = { ALL_STARTED.wait(); *THIRD };
        static ref THIRD: u32 = { ALL_STARTED.wait(); *FIRST };
    }
    plugin_tls::thread_local!(static TO_SECOND: u32 = *SECOND);
    let messages = within_a_minute(|| {
        let threads = [
            thread::spawn(|| message_of(|| *FIRST)),
            thread::spawn(|| message_of(|| *SECOND)),
            thread::spawn(|| message_of(|| *THIRD)),
        ];
        threads.map(|thread| thread.join().unwrap())
    });
    let cycles: Vec<_> = messages.iter().filter(|message| message.contains(" -> ")).collect();
    assert_eq!(cycles.len(), 1, "{messages:?}");
    for name in ["FIRST", "SECOND", "THIRD"] {
        assert!(cycles[0].contains(&format!("::{name}`")), "{messages:?}");
    }
}

#[test]
fn threads_may_wait_for_each_other_without_a_cycle() {
    plugin_tls::lazy_static! {
        static ref STARTED: Barrier = Barrier::new(2);
        static ref BASE: u32 = { STARTED.wait(); thread::sleep(Duration::from_millis(20)); 1 };
        static ref ABOVE: u32 = { STARTED.wait(); *BASE + 1 };
    }
    let values = within_a_minute(|| {
        let base = thread::spawn(|| *BASE);
        let above = thread::spawn(|| *ABOVE);
        (base.join().unwrap(), above.join().unwrap())
    });
    assert_eq!(values, (1, 2));
}

#[test]
fn an_initializer_may_wait_for_a_thread() {
    plugin_tls::lazy_static! {
        static ref FROM_THREAD: u32 = thread::spawn(|| *OTHER + 1).join().unwrap();
        static ref OTHER: u32 = 1;
    }
    assert_eq!(within_a_minute(|| *FROM_THREAD), 2);
}

#[test]
fn statics_outlive_the_thread_that_built_them() {
    struct OnDrop;
    impl Drop for OnDrop {
        fn drop(&mut self) {
            DROPPED.fetch_add(1, SeqCst);
        }
    }
    static DROPPED: AtomicUsize = AtomicUsize::new(0);
    plugin_tls::lazy_static!(static ref VALUE: (OnDrop, Vec<u8>) = (OnDrop, vec![7]););
    let address = thread::spawn(|| VALUE.1.as_ptr().addr()).join().unwrap();
    assert_eq!((VALUE.1.as_ptr().addr(), VALUE.1[0], DROPPED.load(SeqCst)), (address, 7, 0));
}

#[test]
fn destructors_of_thread_locals_may_use_statics() {
    struct Report(Cell<u32>, mpsc::Sender<u32>);
    impl Drop for Report {
        fn drop(&mut self) {
            self.1.send(self.0.get() + *BUILT_AT_THE_END).unwrap();
        }
    }
    plugin_tls::lazy_static!(static ref BUILT_AT_THE_END: u32 = 40;);
    plugin_tls::thread_local!(static REPORT: Cell<Option<Report>> = const { Cell::new(None) });
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || REPORT.set(Some(Report(Cell::new(2), sender)))).join().unwrap();
    assert_eq!(receiver.recv(), Ok(42));
}

#[test]
fn alignment_and_size_are_kept() {
    #[repr(align(4096))]
    struct Page(AtomicU32);
    struct Empty;
    plugin_tls::lazy_static! {
        static ref PAGE: Page = Page(AtomicU32::new(1));
        static ref EMPTY: Empty = Empty;
        static ref BIG: [u64; 8192] = [1; 8192];
    }
    assert_eq!((std::ptr::from_ref(&*PAGE).addr() % 4096, PAGE.0.load(SeqCst)), (0, 1));
    let Empty = *EMPTY;
    assert_eq!(BIG.iter().sum::<u64>(), 8192);
}
