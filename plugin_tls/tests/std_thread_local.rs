//! Items of `thread_local!` behave like those of std.

use std::cell::{Cell, RefCell, UnsafeCell};
use std::collections::HashSet;
use std::error::Error;
use std::panic::{AssertUnwindSafe, catch_unwind, panic_any};
use std::process::{Command, Output};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::Duration;

use plugin_tls::{AccessError, AccessErrorReason, LocalKey};

/// The text that `f` panics with.
fn message_of<R>(f: impl FnOnce() -> R) -> String {
    let payload = catch_unwind(AssertUnwindSafe(f)).err().expect("it panics");
    match payload.downcast::<String>() {
        Ok(text) => *text,
        Err(payload) => (*payload.downcast::<&str>().expect("a panic with a text")).to_owned(),
    }
}

/// Runs `f` on a new thread, and waits until the thread has ended and has dropped its thread-locals.
fn on_thread<R: Send + 'static>(f: impl FnOnce() -> R + Send + 'static) -> R {
    thread::spawn(f).join().expect("the thread does not panic")
}

/// Everything that was sent. Waits until all senders are dropped.
fn received<T>(receiver: &Receiver<T>) -> Vec<T> {
    let next = || match receiver.recv_timeout(Duration::from_secs(60)) {
        Ok(value) => Some(value),
        Err(RecvTimeoutError::Disconnected) => None,
        Err(RecvTimeoutError::Timeout) => panic!("a value was not dropped"),
    };
    std::iter::from_fn(next).collect()
}

/// Runs a test of this file in a process of its own, because the test ends its process.
fn in_child(test: &str) -> Output {
    Command::new(std::env::current_exe().unwrap())
        .args([test, "--exact", "--nocapture"])
        .env("PLUGIN_TLS_CHILD", test)
        .output()
        .unwrap()
}

fn is_child(test: &str) -> bool {
    std::env::var_os("PLUGIN_TLS_CHILD").is_some_and(|child| child == *test)
}

/// Sends its name when it is dropped.
struct Reporter(&'static str, Sender<&'static str>);

impl Drop for Reporter {
    fn drop(&mut self) {
        let _ = self.1.send(self.0);
    }
}

#[test]
fn functions_have_items_of_their_own() {
    fn square() -> i32 {
        plugin_tls::thread_local!(static SAME: Cell<i32> = Cell::new(2));
        SAME.set(SAME.get() * SAME.get());
        SAME.get()
    }
    fn cube() -> i32 {
        plugin_tls::thread_local!(static SAME: Cell<i32> = Cell::new(3));
        SAME.set(SAME.get().pow(3));
        SAME.get()
    }
    assert_eq!((square(), cube(), square()), (4, 27, 16));
}

#[test]
fn each_thread_has_its_own_value() {
    plugin_tls::thread_local! {
        static LAZY: Cell<u32> = Cell::new(1);
        static CONSTANT: Cell<u32> = const { Cell::new(1) };
    }
    for key in [&LAZY, &CONSTANT] {
        key.set(2);
        on_thread(|| {
            assert_eq!(key.get(), 1);
            key.set(3);
        });
        assert_eq!(key.get(), 2);
        assert_eq!(on_thread(|| key.get()), 1);
    }
}

#[test]
fn the_value_stays_where_it_is() {
    plugin_tls::thread_local!(static VALUE: u64 = 1);
    plugin_tls::thread_local!(static OTHERS: RefCell<Vec<u64>> = RefCell::default());
    let address = || VALUE.with(|value| std::ptr::from_ref(value).addr());
    let first = address();
    OTHERS.with_borrow_mut(|others| others.extend(0..1000));
    assert_eq!(address(), first);
    assert_ne!(on_thread(move || VALUE.with(|value| std::ptr::from_ref(value).addr())), first);
}

#[test]
fn initializers_run_on_first_access_and_once() {
    static RUNS: AtomicUsize = AtomicUsize::new(0);
    plugin_tls::thread_local!(static COUNTED: usize = RUNS.fetch_add(1, SeqCst));
    on_thread(|| ());
    assert_eq!(RUNS.load(SeqCst), 0);
    assert_eq!([(); 3].map(|()| COUNTED.with(|value| *value)), [0; 3]);
    assert_eq!(on_thread(|| [(); 3].map(|()| COUNTED.with(|value| *value))), [1; 3]);
    assert_eq!(RUNS.load(SeqCst), 2);
}

#[test]
fn cells_are_used_without_with() {
    plugin_tls::thread_local! {
        static LAZY: Cell<i32> = Cell::new(1);
        static CONSTANT: Cell<i32> = const { Cell::new(1) };
        static OWNING: Cell<Option<String>> = Cell::new(Some("a".to_owned()));
    }
    for key in [&LAZY, &CONSTANT] {
        assert_eq!(key.get(), 1);
        assert_eq!(key.replace(2), 1);
        assert_eq!(key.take(), 2);
        assert_eq!(key.get(), 0);
        key.set(3);
        assert_eq!(key.get(), 3);
    }
    assert_eq!(OWNING.replace(None).as_deref(), Some("a"));
    OWNING.set(Some("b".to_owned()));
    assert_eq!((OWNING.take().as_deref(), OWNING.take()), (Some("b"), None));
}

#[test]
fn ref_cells_are_used_without_with() {
    plugin_tls::thread_local! {
        static LAZY: RefCell<Vec<u8>> = RefCell::new(vec![1]);
        static CONSTANT: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
    }
    CONSTANT.set(vec![1]);
    for key in [&LAZY, &CONSTANT] {
        assert_eq!(key.with_borrow(Vec::len), 1);
        assert_eq!(
            key.with_borrow_mut(|values| {
                values.push(2);
                values.len()
            }),
            2
        );
        assert_eq!(key.replace(vec![3]), [1, 2]);
        assert_eq!(key.take(), [3]);
        key.with_borrow(|values| assert!(values.is_empty()));
        key.set(vec![4]);
        assert_eq!(key.with(|cell| cell.take()), [4]);
    }
}

#[test]
fn a_borrowed_ref_cell_panics() {
    plugin_tls::thread_local!(static VALUES: RefCell<Vec<u8>> = RefCell::new(vec![1]));
    let message = VALUES.with_borrow(|_| message_of(|| VALUES.with_borrow_mut(Vec::clear)));
    assert!(message.contains("already borrowed"), "{message}");
    let message = VALUES.with_borrow_mut(|_| message_of(|| VALUES.with_borrow(Vec::len)));
    assert!(message.contains("already mutably borrowed"), "{message}");
    let message = VALUES.with_borrow(|_| message_of(|| VALUES.set(Vec::new())));
    assert!(message.contains("already borrowed"), "{message}");
    assert_eq!(VALUES.take(), [1], "a panic in `with` leaves the value as it is");
}

#[test]
fn set_does_not_run_the_initializer() {
    plugin_tls::thread_local! {
        static CELL: Cell<u32> = panic!("not set");
        static REF_CELL: RefCell<String> = panic!("not set");
    }
    CELL.set(1);
    REF_CELL.set("a".to_owned());
    assert_eq!(CELL.get(), 1);
    assert_eq!(REF_CELL.take(), "a");
    on_thread(|| {
        assert_eq!(message_of(|| CELL.get()), "not set");
        assert_eq!(message_of(|| CELL.replace(1)), "not set");
        assert_eq!(message_of(|| REF_CELL.take()), "not set");
        CELL.set(2);
        assert_eq!(CELL.get(), 2);
    });
}

#[test]
fn set_drops_only_the_previous_value() {
    static DROPPED: AtomicUsize = AtomicUsize::new(0);
    struct Counts(usize);
    impl Drop for Counts {
        fn drop(&mut self) {
            DROPPED.fetch_add(self.0, SeqCst);
        }
    }
    plugin_tls::thread_local! {
        static CELL: Cell<Counts> = Cell::new(Counts(1));
        static REF_CELL: RefCell<Counts> = RefCell::new(Counts(10));
    }
    let dropped_at_the_end = on_thread(|| {
        CELL.set(Counts(100));
        REF_CELL.set(Counts(1000));
        assert_eq!(DROPPED.load(SeqCst), 0, "the given values are the first ones");
        CELL.set(Counts(0));
        assert_eq!(DROPPED.load(SeqCst), 100);
        REF_CELL.set(Counts(10_000));
        assert_eq!(DROPPED.load(SeqCst), 1100);
        10_000
    });
    assert_eq!(DROPPED.load(SeqCst), 1100 + dropped_at_the_end);
}

#[test]
fn values_are_dropped_when_their_thread_ends() {
    plugin_tls::thread_local! {
        static LAZY: RefCell<Option<Reporter>> = RefCell::new(None);
        static CONSTANT: RefCell<Option<Reporter>> = const { RefCell::new(None) };
        static UNTOUCHED: Reporter = panic!("never built");
    }
    for key in [&LAZY, &CONSTANT] {
        let (sender, receiver) = channel();
        on_thread(move || key.set(Some(Reporter("dropped", sender))));
        assert_eq!(received(&receiver), ["dropped"]);
    }
    let _ = &UNTOUCHED;
}

#[test]
fn values_are_dropped_when_their_thread_panics() {
    plugin_tls::thread_local!(static VALUE: RefCell<Option<Reporter>> = RefCell::new(None));
    let (sender, receiver) = channel();
    let outcome = thread::spawn(move || {
        VALUE.set(Some(Reporter("dropped", sender)));
        panic!("for this test");
    })
    .join();
    assert!(outcome.is_err());
    assert_eq!(received(&receiver), ["dropped"]);
}

#[test]
fn the_last_created_value_is_dropped_first() {
    plugin_tls::thread_local! {
        static A: RefCell<Option<Reporter>> = RefCell::new(None);
        static B: RefCell<Option<Reporter>> = const { RefCell::new(None) };
        static C: RefCell<Option<Reporter>> = RefCell::new(None);
        static D: RefCell<Option<Reporter>> = const { RefCell::new(None) };
    }
    let order = |keys: [(&'static LocalKey<RefCell<Option<Reporter>>>, &'static str); 4]| {
        let (sender, receiver) = channel();
        on_thread(move || {
            for (key, name) in keys {
                key.set(Some(Reporter(name, sender.clone())));
            }
        });
        received(&receiver).concat()
    };
    assert_eq!(order([(&A, "A"), (&B, "B"), (&C, "C"), (&D, "D")]), "DCBA");
    assert_eq!(order([(&D, "D"), (&A, "A"), (&C, "C"), (&B, "B")]), "BCAD");
}

#[test]
fn a_value_that_an_initializer_uses_is_dropped_later() {
    plugin_tls::thread_local! {
        static SENDER: RefCell<Option<Sender<&'static str>>> = const { RefCell::new(None) };
        static BASE: Reporter = Reporter("base", SENDER.with_borrow(|sender| sender.clone().unwrap()));
        static DERIVED: Reporter = BASE.with(|base| Reporter("derived", base.1.clone()));
    }
    let (sender, receiver) = channel();
    on_thread(|| {
        SENDER.set(Some(sender));
        DERIVED.with(|derived| assert_eq!(derived.0, "derived"));
    });
    assert_eq!(received(&receiver), ["derived", "base"]);
}

/// Calls a function when it is dropped.
struct OnDrop<F: Fn()>(F);

impl<F: Fn()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}

type BoxedOnDrop = OnDrop<Box<dyn Fn()>>;

fn on_drop(f: impl Fn() + 'static) -> RefCell<Option<BoxedOnDrop>> {
    RefCell::new(Some(OnDrop(Box::new(f))))
}

#[test]
fn destructors_may_use_other_items() {
    plugin_tls::thread_local! {
        static OTHER: Cell<u32> = Cell::new(0);
        static WITH_DESTRUCTOR: RefCell<String> = RefCell::new("other".to_owned());
        static USER: RefCell<Option<BoxedOnDrop>> = const { RefCell::new(None) };
    }
    let (sender, receiver) = channel();
    on_thread(move || {
        OTHER.set(1);
        WITH_DESTRUCTOR.with(|_| ());
        USER.set(
            on_drop(move || {
                WITH_DESTRUCTOR.with_borrow_mut(|text| text.push_str(" used"));
                sender.send((OTHER.get(), WITH_DESTRUCTOR.with_borrow(String::clone))).unwrap();
            })
            .into_inner(),
        );
    });
    assert_eq!(received(&receiver), [(1, "other used".to_owned())]);
}

#[test]
fn destructors_may_create_values() {
    // The destructor of each value creates the next value.
    plugin_tls::thread_local! {
        static FIRST: RefCell<Option<BoxedOnDrop>> = const { RefCell::new(None) };
        static SECOND: RefCell<Option<BoxedOnDrop>> = const { RefCell::new(None) };
        static THIRD: RefCell<Option<Reporter>> = const { RefCell::new(None) };
        static WITHOUT_DESTRUCTOR: Cell<u32> = Cell::new(7);
    }
    let (sender, receiver) = channel();
    on_thread(move || {
        FIRST.set(
            on_drop(move || {
                assert_eq!(WITHOUT_DESTRUCTOR.get(), 7);
                sender.send("first").unwrap();
                let sender = sender.clone();
                SECOND.set(
                    on_drop(move || {
                        sender.send("second").unwrap();
                        THIRD.set(Some(Reporter("third", sender.clone())));
                    })
                    .into_inner(),
                );
            })
            .into_inner(),
        );
    });
    assert_eq!(received(&receiver), ["first", "second", "third"]);
}

#[test]
fn an_access_to_a_dropped_value_is_an_error() {
    plugin_tls::thread_local! {
        static EARLY: RefCell<Option<BoxedOnDrop>> = const { RefCell::new(None) };
        static LATE: RefCell<String> = RefCell::new("late".to_owned());
    }
    let (sender, receiver) = channel();
    on_thread(move || {
        EARLY.set(
            on_drop(move || {
                sender.send(("LATE", LATE.try_with(|_| ()))).unwrap();
                sender.send(("EARLY itself", EARLY.try_with(|_| ()))).unwrap();
            })
            .into_inner(),
        );
        LATE.with(|_| ());
    });
    let outcomes = received(&receiver);
    assert_eq!(outcomes.len(), 2);
    for (item, outcome) in outcomes {
        assert_eq!(outcome.map_err(|error| error.reason()), Err(AccessErrorReason::Destroyed), "{item}");
    }
}

#[test]
fn an_access_to_a_dropped_value_panics_with_stds_message() {
    plugin_tls::thread_local! {
        static EARLY: RefCell<Option<BoxedOnDrop>> = const { RefCell::new(None) };
        static CELL: Cell<Box<u8>> = Cell::new(Box::new(1));
        static REF_CELL: RefCell<String> = RefCell::new("late".to_owned());
    }
    let (sender, receiver) = channel();
    on_thread(move || {
        EARLY.set(
            on_drop(move || {
                let attempts: [fn(); 9] = [
                    || CELL.with(|_| ()),
                    || CELL.set(Box::new(2)),
                    || drop(CELL.replace(Box::new(2))),
                    || drop(CELL.take()),
                    || REF_CELL.with_borrow(|_| ()),
                    || REF_CELL.with_borrow_mut(|_| ()),
                    || REF_CELL.set(String::new()),
                    || drop(REF_CELL.take()),
                    || drop(REF_CELL.replace(String::new())),
                ];
                for attempt in attempts {
                    sender.send(message_of(attempt)).unwrap();
                }
            })
            .into_inner(),
        );
        CELL.with(|_| ());
        REF_CELL.with(|_| ());
    });
    let messages = received(&receiver);
    assert_eq!(messages.len(), 9);
    for message in messages {
        let sentence = "cannot access a Thread Local Storage value during or after destruction: AccessError";
        assert!(message.starts_with(sentence), "{message}");
        assert!(message.contains("CELL"), "it names the item: {message}");
    }
}

#[test]
#[cfg_attr(
    not(debug_assertions),
    ignore = "without debug assertions an access does not pass on the line, because that costs code"
)]
fn an_access_that_fails_panics_at_the_callers_line() {
    const THIS: &str = "an_access_that_fails_panics_at_the_callers_line";
    const FIRST_LINE: u32 = line!();
    plugin_tls::thread_local! {
        static EARLY: RefCell<Option<BoxedOnDrop>> = const { RefCell::new(None) };
        static ITSELF: u32 = ITSELF.with(|value| *value);
    }
    if is_child(THIS) {
        let late = || {
            let _ = catch_unwind(|| EARLY.with(|_| ()));
        };
        on_thread(move || EARLY.set(on_drop(late).into_inner()));
        let _ = catch_unwind(|| ITSELF.with(|_| ()));
        return;
    }
    let stderr = String::from_utf8(in_child(THIS).stderr).unwrap();
    for line in [FIRST_LINE + 3, FIRST_LINE + 7] {
        assert!(stderr.contains(&format!("{}:{line}:", file!())), "line {line}:\n{stderr}");
    }
}

#[test]
fn destructors_may_use_values_without_a_destructor() {
    plugin_tls::thread_local! {
        static EARLY: RefCell<Option<BoxedOnDrop>> = const { RefCell::new(None) };
        static LATE: Cell<u32> = Cell::new(1);
        static LATE_CONSTANT: Cell<u32> = const { Cell::new(1) };
        static FRESH: Cell<u32> = Cell::new(1);
    }
    let (sender, receiver) = channel();
    on_thread(move || {
        EARLY.set(
            on_drop(move || sender.send([&LATE, &LATE_CONSTANT, &FRESH].map(LocalKey::get)).unwrap()).into_inner(),
        );
        LATE.set(2);
        LATE_CONSTANT.set(3);
    });
    assert_eq!(received(&receiver), [[2, 3, 1]]);
}

#[test]
fn access_is_an_error_after_the_last_value_was_dropped() {
    plugin_tls::thread_local! {
        static WITH_DESTRUCTOR: RefCell<Vec<u8>> = RefCell::new(vec![1]);
        static UNTOUCHED: RefCell<Vec<u8>> = RefCell::new(vec![2]);
    }
    // The thread uses it before the first of our items, so its destructor runs after those of our items.
    thread_local!(static STD: RefCell<Option<BoxedOnDrop>> = const { RefCell::new(None) });
    let (sender, receiver) = channel();
    on_thread(move || {
        STD.set(
            on_drop(move || {
                for key in [&WITH_DESTRUCTOR, &UNTOUCHED] {
                    let outcome = key.try_with(|values| values.borrow().len());
                    sender.send(outcome.map_err(|error| error.reason())).unwrap();
                }
            })
            .into_inner(),
        );
        assert_eq!(WITH_DESTRUCTOR.take(), [1]);
    });
    assert_eq!(received(&receiver), [Err(AccessErrorReason::Destroyed); 2]);
}

#[test]
fn initializers_and_destructors_may_use_stds_thread_locals() {
    thread_local!(static STD: RefCell<Vec<&'static str>> = RefCell::new(vec!["std"]));
    plugin_tls::thread_local! {
        static OURS: RefCell<Vec<&'static str>> = RefCell::new(STD.with_borrow(Vec::clone));
        static LAST: RefCell<Option<BoxedOnDrop>> = const { RefCell::new(None) };
    }
    let (sender, receiver) = channel();
    on_thread(move || {
        OURS.with_borrow_mut(|values| values.push("ours"));
        LAST.set(on_drop(move || sender.send((OURS.take(), STD.try_with(|_| ()).is_ok())).unwrap()).into_inner());
    });
    assert_eq!(received(&receiver)[0].0, ["std", "ours"]);
}

#[test]
fn an_initializer_runs_again_after_a_panic() {
    #[derive(Debug, PartialEq)]
    struct Custom(u32);
    plugin_tls::thread_local! {
        static TRIES: Cell<u32> = const { Cell::new(0) };
        static FLAKY: String = {
            TRIES.set(TRIES.get() + 1);
            if TRIES.get() < 3 {
                panic_any(Custom(TRIES.get()));
            }
            format!("built on try {}", TRIES.get())
        };
        static OUTER: String = FLAKY.with(|flaky| format!("outer {flaky}"));
    }
    let payload = catch_unwind(|| FLAKY.with(|_| ())).unwrap_err();
    assert_eq!(payload.downcast_ref(), Some(&Custom(1)), "the payload is the initializer's own");
    let payload = catch_unwind(|| OUTER.try_with(|_| ())).unwrap_err();
    assert_eq!(payload.downcast_ref(), Some(&Custom(2)), "through another initializer, and not as an `AccessError`");
    assert_eq!(OUTER.with(String::clone), "outer built on try 3");
    assert_eq!((FLAKY.with(String::clone), TRIES.get()), ("built on try 3".to_owned(), 3));
}

#[test]
fn a_panicking_initializer_drops_what_it_has_built() {
    static DROPPED: AtomicUsize = AtomicUsize::new(0);
    struct Counts;
    impl Drop for Counts {
        fn drop(&mut self) {
            DROPPED.fetch_add(1, SeqCst);
        }
    }
    fn fail() -> Counts {
        panic!("half-way")
    }
    plugin_tls::thread_local!(static PANICS: [Counts; 2] = [Counts, fail()]);
    assert_eq!(message_of(|| PANICS.with(|_| ())), "half-way");
    assert_eq!(DROPPED.load(SeqCst), 1);
}

mod recursive {
    plugin_tls::thread_local! {
        pub(crate) static A: u32 = B.with(|value| *value);
        pub(crate) static B: u32 = C.with(|value| *value);
        pub(crate) static C: u32 = A.with(|value| *value);
        pub(crate) static ITSELF: u32 = ITSELF.with(|value| *value);
        pub(crate) static BEFORE: u32 = A.with(|value| *value);
        pub(crate) static THROUGH_STATIC: u32 = *STATIC;
    }
    plugin_tls::lazy_static! {
        pub(crate) static ref STATIC: u32 = THROUGH_STATIC.with(|value| *value);
    }
}

#[test]
fn an_item_that_needs_itself_panics_with_the_chain() {
    use recursive::{A, B, BEFORE, ITSELF, THROUGH_STATIC};

    let chain = |key: &'static LocalKey<u32>| {
        let message = message_of(|| key.with(|value| *value));
        let quoted = message.split('`').skip(1).step_by(2);
        let names: Vec<_> = quoted.map(|path| path.rsplit("::").next().unwrap().to_owned()).collect();
        assert!(message.contains(&["`std_thread_local::recursive::", &names[0], "`"].concat()), "{message}");
        names.join(" -> ")
    };
    assert_eq!(chain(&ITSELF), "ITSELF -> ITSELF");
    assert_eq!(chain(&A), "A -> B -> C -> A");
    assert_eq!(chain(&B), "B -> C -> A -> B", "it is not remembered which one was first");
    assert_eq!(chain(&BEFORE), "A -> B -> C -> A");
    assert_eq!(chain(&THROUGH_STATIC), "THROUGH_STATIC -> STATIC -> THROUGH_STATIC");
    assert!(message_of(|| ITSELF.try_with(|_| ())).contains("ITSELF"));
}

/// A thousand items, each of which needs the next one.
mod deep {
    use std::cell::Cell;

    use plugin_tls::LocalKey;

    plugin_tls::thread_local! {
        pub(crate) static HIGHEST: Cell<usize> = const { Cell::new(0) };
        pub(crate) static LOWEST: Cell<usize> = const { Cell::new(usize::MAX) };
    }

    /// Initializers find the next item through this table. The compiler does not follow more than about sixty
    /// initializers that name each other; the same is true of std's macro.
    static ITEMS: [[[&LocalKey<usize>; 10]; 10]; 10] =
        [h0::ALL, h1::ALL, h2::ALL, h3::ALL, h4::ALL, h5::ALL, h6::ALL, h7::ALL, h8::ALL, h9::ALL];

    pub(crate) fn item(number: usize) -> &'static LocalKey<usize> {
        ITEMS[number / 100][number / 10 % 10][number % 10]
    }

    /// Counts the items from this one to the last. Records the addresses of the stack that are in use.
    fn count_from(number: usize) -> usize {
        let here = std::ptr::from_ref(&number).addr();
        HIGHEST.set(HIGHEST.get().max(here));
        LOWEST.set(LOWEST.get().min(here));
        if number == 999 { 1 } else { 1 + item(number + 1).with(|count| *count) }
    }

    macro_rules! ten {
        ($base:expr => $($name:ident $number:literal)*) => {
            plugin_tls::thread_local! {
                $(static $name: usize = crate::deep::count_from(10 * ($base) + $number);)*
            }
            pub(crate) const ALL: [&plugin_tls::LocalKey<usize>; 10] = [$(&$name),*];
        };
    }
    macro_rules! hundred {
        ($base:expr => $($module:ident $number:literal)*) => {
            $(mod $module {
                ten!(10 * $base + $number => I0 0 I1 1 I2 2 I3 3 I4 4 I5 5 I6 6 I7 7 I8 8 I9 9);
            })*
            pub(crate) const ALL: [[&plugin_tls::LocalKey<usize>; 10]; 10] = [$($module::ALL),*];
        };
    }
    macro_rules! thousand {
        ($($module:ident $number:literal)*) => {
            $(mod $module {
                hundred!($number => t0 0 t1 1 t2 2 t3 3 t4 4 t5 5 t6 6 t7 7 t8 8 t9 9);
            })*
        };
    }
    thousand!(h0 0 h1 1 h2 2 h3 3 h4 4 h5 5 h6 6 h7 7 h8 8 h9 9);
}

#[test]
fn a_thousand_initializers_may_be_nested() {
    // std's default. Builds without optimizations need about 1750 bytes for each level.
    let thread = thread::Builder::new().stack_size(2 << 20);
    let outcome = thread.spawn(|| {
        assert_eq!(deep::item(0).with(|count| *count), 1000);
        (deep::HIGHEST.get() - deep::LOWEST.get()) / 999
    });
    let per_level = outcome.unwrap().join().unwrap();
    println!("{per_level} bytes of stack per level");
    assert!(per_level < 1900, "{per_level} bytes of stack per level");
}

#[test]
fn many_threads_at_once_have_their_own_values() {
    const THREADS: usize = 50;
    static BUILT: AtomicUsize = AtomicUsize::new(0);
    static DROPPED: AtomicUsize = AtomicUsize::new(0);
    struct Own(Cell<usize>);
    impl Drop for Own {
        fn drop(&mut self) {
            DROPPED.fetch_add(1, SeqCst);
        }
    }
    plugin_tls::thread_local! {
        static OWN: Own = Own(Cell::new(BUILT.fetch_add(1, SeqCst)));
        static SUM: Cell<usize> = const { Cell::new(0) };
    }
    let barrier = Arc::new(Barrier::new(THREADS));
    let threads: Vec<_> = (0..THREADS)
        .map(|number| {
            let barrier = Arc::clone(&barrier);
            thread::spawn(move || {
                barrier.wait();
                let first = OWN.with(|own| own.0.replace(1000 + number));
                for _ in 0..1000 {
                    SUM.set(SUM.get() + number);
                }
                barrier.wait();
                let address = OWN.with(|own| std::ptr::from_ref(own).addr());
                assert_eq!((OWN.with(|own| own.0.get()), SUM.get()), (1000 + number, 1000 * number));
                // No thread ends before all have their addresses: a value that is dropped frees its address.
                barrier.wait();
                (first, address)
            })
        })
        .collect();
    let outcomes: Vec<_> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
    assert_eq!(outcomes.iter().map(|outcome| outcome.0).collect::<HashSet<_>>(), (0..THREADS).collect());
    assert_eq!(outcomes.iter().map(|outcome| outcome.1).collect::<HashSet<_>>().len(), THREADS);
    assert_eq!(DROPPED.load(SeqCst), THREADS);
}

#[test]
fn zero_sized_types_work() {
    static BUILT: AtomicUsize = AtomicUsize::new(0);
    static DROPPED: AtomicUsize = AtomicUsize::new(0);
    struct Empty;
    impl Drop for Empty {
        fn drop(&mut self) {
            DROPPED.fetch_add(1, SeqCst);
        }
    }
    #[repr(align(64))]
    struct AlignedEmpty;
    plugin_tls::thread_local! {
        static UNIT: () = { BUILT.fetch_add(1, SeqCst); };
        static EMPTY: Empty = { BUILT.fetch_add(10, SeqCst); Empty };
        static ALIGNED: AlignedEmpty = AlignedEmpty;
        static ARRAY: [u64; 0] = [];
    }
    on_thread(|| {
        for _ in 0..2 {
            UNIT.with(|()| ());
            EMPTY.with(|_| ());
            ALIGNED.with(|value| assert_eq!(std::ptr::from_ref(value).addr() % 64, 0));
            ARRAY.with(|array| assert!(array.is_empty()));
        }
        assert_eq!(DROPPED.load(SeqCst), 0);
    });
    assert_eq!((BUILT.load(SeqCst), DROPPED.load(SeqCst)), (11, 1));
}

#[test]
fn over_aligned_types_are_aligned() {
    #[repr(align(4096))]
    struct Page(Cell<u8>);
    #[repr(align(128))]
    struct Lines(Box<u8>);
    plugin_tls::thread_local! {
        static LAZY: Page = Page(Cell::new(1));
        static CONSTANT: Page = const { Page(Cell::new(2)) };
        static OWNING: Lines = Lines(Box::new(3));
    }
    let check = || {
        for (key, expected) in [(&LAZY, 1), (&CONSTANT, 2)] {
            key.with(|page| assert_eq!((std::ptr::from_ref(page).addr() % 4096, page.0.get()), (0, expected)));
        }
        OWNING.with(|lines| assert_eq!((std::ptr::from_ref(lines).addr() % 128, *lines.0), (0, 3)));
    };
    check();
    on_thread(check);
}

#[test]
fn large_types_work() {
    const KIB: usize = 128;
    plugin_tls::thread_local! {
        static LAZY: RefCell<[u8; KIB << 10]> = RefCell::new([1; KIB << 10]);
        static CONSTANT: RefCell<[u8; KIB << 10]> = const { RefCell::new([2; KIB << 10]) };
    }
    on_thread(|| {
        for (key, expected) in [(&LAZY, 1), (&CONSTANT, 2)] {
            assert!(key.with_borrow(|bytes| bytes.iter().all(|byte| *byte == expected)));
            key.with_borrow_mut(|bytes| bytes[(KIB << 10) - 1] = 3);
            assert_eq!(key.with_borrow(|bytes| bytes[(KIB << 10) - 1]), 3);
        }
    });
}

#[test]
fn values_need_not_be_send_or_sync() {
    plugin_tls::thread_local! {
        static SHARED: std::rc::Rc<Cell<u32>> = std::rc::Rc::new(Cell::new(1));
        static POINTER: *mut u8 = std::ptr::null_mut();
        static RAW: UnsafeCell<u32> = const { UnsafeCell::new(2) };
    }
    let shared = SHARED.with(std::rc::Rc::clone);
    shared.set(2);
    assert_eq!(SHARED.with(|shared| shared.get()), 2);
    assert_eq!(on_thread(|| SHARED.with(|shared| shared.get())), 1);
    assert!(POINTER.with(|pointer| pointer.is_null()));
    RAW.with(|raw| assert!(raw.get().is_aligned()));
}

#[test]
fn keys_are_shared_between_threads() {
    fn assert_traits<T: Send + Sync + std::fmt::Debug + 'static>(_: &T) {}

    plugin_tls::thread_local!(static NOT_SEND: std::rc::Rc<u8> = std::rc::Rc::new(1));
    plugin_tls::thread_local!(static CELL: Cell<u8> = const { Cell::new(1) });
    assert_traits(&NOT_SEND);
    assert_traits(&CELL);
}

#[test]
fn a_key_has_the_same_debug_output_as_stds() {
    thread_local!(static STD: String = panic!("not needed"));
    plugin_tls::thread_local!(static OURS: String = panic!("not needed"));
    assert_eq!(format!("{OURS:?}"), format!("{STD:?}"));
    assert_eq!(format!("{OURS:#?}"), format!("{STD:#?}"));
}

/// The error of an access to a value that has been dropped.
fn access_error() -> AccessError {
    plugin_tls::thread_local! {
        static EARLY: RefCell<Option<BoxedOnDrop>> = const { RefCell::new(None) };
    }
    let (sender, receiver) = channel();
    on_thread(move || {
        EARLY.set(on_drop(move || sender.send(EARLY.try_with(|_| ()).unwrap_err()).unwrap()).into_inner());
    });
    received(&receiver)[0]
}

#[test]
fn an_access_error_is_like_stds() {
    fn assert_traits<T: Error + Clone + Copy + Eq + Send + Sync + Unpin + 'static>(_: T) {}

    let error = access_error();
    assert_traits(error);
    let copy = error;
    assert_eq!((error, error.reason()), (copy, AccessErrorReason::Destroyed));
    assert_eq!(error.to_string(), "already destroyed", "std's words");
    assert!(format!("{error:?}").starts_with("AccessError"), "{error:?}");
    assert!(error.source().is_none());
    let boxed: Box<dyn Error + Send + Sync> = error.into();
    assert_eq!(boxed.to_string(), "already destroyed");
}

#[test]
fn with_returns_the_result_of_the_closure() {
    plugin_tls::thread_local!(static TEXT: String = "text".to_owned());
    let mut calls = 0;
    let length = TEXT.with(|text| {
        calls += 1;
        text.len()
    });
    assert_eq!((length, calls), (4, 1));
    let moved = vec![1];
    assert_eq!(TEXT.try_with(|text| (text.clone(), moved)), Ok(("text".to_owned(), vec![1])));
    assert!(TEXT.with(|outer| TEXT.with(|inner| std::ptr::eq(outer, inner))));
}

#[test]
fn a_panicking_destructor_aborts() {
    const THIS: &str = "a_panicking_destructor_aborts";
    plugin_tls::thread_local!(static PANICS: RefCell<Option<BoxedOnDrop>> = const { RefCell::new(None) });
    if is_child(THIS) {
        on_thread(|| PANICS.set(on_drop(|| panic!("from the destructor")).into_inner()));
        return;
    }
    let output = in_child(THIS);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success());
    #[cfg(unix)]
    {
        use std::os::unix::process::ExitStatusExt;
        assert_eq!(output.status.signal(), Some(6), "aborted: {}", output.status);
    }
    assert!(stderr.contains("from the destructor"), "{stderr}");
    let message =
        format!("fatal runtime error: thread local `std_thread_local::{THIS}::PANICS` panicked on drop, aborting");
    assert!(stderr.contains(&message), "{stderr}");
}
