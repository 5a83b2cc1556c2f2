//! Items whose types rely on statics of the crates that they come from, and operations on them.
//!
//! Each binary that links this crate has its own copy of those statics. `docs/sharing.md` says what happens when such a
//! value is shared nevertheless. The operations show it: each runs in one binary while another uses the same value.

use std::cell::RefCell;
use std::io::Stdout;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use arc_swap::ArcSwap;
use crossbeam_channel::{Receiver, Sender};
use crossbeam_epoch::Atomic;
use crossbeam_utils::atomic::AtomicCell;
use fragile::Fragile;
use internment::intern::Intern;
use plugin_tls_core::Shape;
use send_wrapper::SendWrapper;
use test_api::outcome::{Operation, address, done};
use thread_local::ThreadLocal;
use tokio::runtime::Handle;

/// Counts values that are dropped.
#[derive(Debug)]
pub struct Counted(pub u64);

impl Drop for Counted {
    fn drop(&mut self) {
        DROPPED.fetch_add(1, Relaxed);
    }
}

plugin_tls_core::lazy_static! {
    /// The number of [`Counted`]s that have been dropped.
    pub static ref DROPPED: AtomicU32 = AtomicU32::new(0);
    /// A type of std, which relies on nothing.
    pub static ref PLAIN: Mutex<Vec<u64>> = Mutex::default();
    /// A cell that needs no lock, because a processor can write its value at once.
    pub static ref SMALL: AtomicCell<u32> = AtomicCell::new(0);

    /// The crate of the type shares its statics.
    pub static ref PORTED: Mutex<Vec<Intern>> = Mutex::default();

    pub static ref LOCK: parking_lot::Mutex<u64> = parking_lot::Mutex::new(0);
    pub static ref CURRENT: ArcSwap<Counted> = ArcSwap::from_pointee(Counted(1));
    pub static ref PER_THREAD: ThreadLocal<RefCell<u64>> = ThreadLocal::new();
    pub static ref WRAPPED: SendWrapper<RefCell<u64>> = SendWrapper::new(RefCell::new(0));
    pub static ref FRAGILE: Fragile<RefCell<u64>> = Fragile::new(RefCell::new(0));
    pub static ref CHANNEL: (Sender<u64>, Receiver<u64>) = crossbeam_channel::unbounded();
    pub static ref COLLECTED: Atomic<Counted> = Atomic::new(Counted(1));
    pub static ref LARGE: AtomicCell<[u64; 4]> = AtomicCell::new([0; 4]);
    /// A type that has another as its argument.
    pub static ref RUNTIME: OnceLock<Arc<Handle>> = OnceLock::new();
    pub static ref OUTPUT: Stdout = std::io::stdout();
    /// Only the shape of the type shows the lock.
    pub static ref HELD: Held = Held::default();
}

/// A type with a field that relies on statics.
#[derive(Debug, Default, Shape)]
pub struct Held {
    pub lock: parking_lot::Mutex<u64>,
}

plugin_tls_core::thread_local! {
    pub static ENTRIES: RefCell<Vec<Arc<parking_lot::RwLock<u64>>>> = RefCell::default();
}

pub const OPERATIONS: &[Operation] = &[
    // Whether the string has the number that the last binary has given to it.
    ("ported_agrees", |_| {
        let mut ported = PORTED.lock().expect("not poisoned");
        let intern = Intern::new("a string");
        ported.push(intern);
        u64::from(ported.iter().all(|other| *other == intern)).into()
    }),
    ("plain_push", |n| {
        let mut plain = PLAIN.lock().expect("not poisoned");
        plain.push(n);
        (plain.len() as u64).into()
    }),
    ("small_set", |n| done(|| SMALL.store(n as u32))),
    ("lock_add", |n| {
        let mut sum = LOCK.lock();
        *sum += n;
        (*sum).into()
    }),
    ("current_set", |n| done(|| CURRENT.store(Arc::new(Counted(n))))),
    ("per_thread_address", |_| address(PER_THREAD.get_or_default())),
    ("wrapped_is_valid", |_| u64::from(WRAPPED.valid()).into()),
    ("fragile_is_valid", |_| u64::from(FRAGILE.is_valid()).into()),
    ("channel_send", |n| done(|| CHANNEL.0.send(n).expect("the receiver is shared"))),
    ("channel_receive", |milliseconds| match CHANNEL.1.recv_timeout(Duration::from_millis(milliseconds)) {
        Ok(n) => n.into(),
        Err(error) => error.to_string().into(),
    }),
    ("collected_set", |n| {
        let guard = crossbeam_epoch::pin();
        let old = COLLECTED.swap(crossbeam_epoch::Owned::new(Counted(n)), std::sync::atomic::Ordering::AcqRel, &guard);
        // SAFETY: nothing else is to see the old value once no thread is pinned that is pinned now.
        unsafe { guard.defer_destroy(old) };
        drop(guard);
        for _ in 0..1000 {
            crossbeam_epoch::pin().flush();
        }
        ().into()
    }),
    ("large_set", |rounds| done(|| (0..rounds).for_each(|n| LARGE.store([n; 4])))),
    ("large_torn", |rounds| {
        let torn = (0..rounds).filter(|_| {
            let [first, rest @ ..] = LARGE.load();
            rest.iter().any(|part| *part != first)
        });
        (torn.count() as u64).into()
    }),
    ("runtime_is_seen_in_a_task", |_| {
        let (send, receive) = std::sync::mpsc::channel();
        let runtime = RUNTIME.get().expect("the host has set it");
        runtime.spawn(async move {
            send.send(Handle::try_current().is_ok()).expect("somebody waits");
        });
        u64::from(receive.recv().expect("the task runs")).into()
    }),
    ("output_lock", |_| done(|| drop(OUTPUT.lock()))),
];

#[cfg(test)]
mod tests {
    use std::any::type_name;

    use plugin_tls_store::hidden_state::{all, relied_on};

    use super::*;

    const SHARING: &str = include_str!("../../../docs/sharing.md");

    /// `test-plugins/hidden-names` has the types of all crates.
    #[test]
    fn the_real_types_are_known_by_their_names() {
        type Boxed = Box<dyn Fn(&parking_lot::Mutex<u8>) -> u8 + Send>;

        for (name, krates) in [
            (type_name::<parking_lot::Mutex<u8>>(), &["parking_lot_core"][..]),
            (type_name::<parking_lot::RwLock<u8>>(), &["parking_lot_core"]),
            (type_name::<parking_lot::Condvar>(), &["parking_lot_core"]),
            (type_name::<parking_lot::Once>(), &["parking_lot_core"]),
            (type_name::<parking_lot::ReentrantMutex<u8>>(), &["parking_lot_core", "parking_lot_core"]),
            (type_name::<parking_lot::FairMutex<u8>>(), &["parking_lot_core"]),
            (type_name::<ArcSwap<u8>>(), &["arc_swap"]),
            (type_name::<arc_swap::ArcSwapOption<u8>>(), &["arc_swap"]),
            (type_name::<ThreadLocal<RefCell<u8>>>(), &["thread_local"]),
            (type_name::<SendWrapper<u8>>(), &["std"]),
            (type_name::<Fragile<u8>>(), &["std"]),
            (type_name::<fragile::Sticky<u8>>(), &["std"]),
            (type_name::<Sender<u8>>(), &["crossbeam_channel"]),
            (type_name::<Receiver<u8>>(), &["crossbeam_channel"]),
            (type_name::<Atomic<u8>>(), &["crossbeam_epoch"]),
            (type_name::<AtomicCell<[u64; 4]>>(), &["crossbeam_utils"]),
            (type_name::<Handle>(), &["tokio"]),
            (type_name::<tokio::task::JoinHandle<u8>>(), &["tokio"]),
            (type_name::<tokio::sync::Notify>(), &["parking_lot_core"]),
            (type_name::<Stdout>(), &["std"]),
            (type_name::<Boxed>(), &["parking_lot_core"]),
            (type_name::<Mutex<Vec<(u8, Option<&'static [Handle]>)>>>(), &["tokio"]),
            (type_name::<ThreadLocal<ArcSwap<u8>>>(), &["thread_local", "arc_swap"]),
            (type_name::<AtomicCell<usize>>(), &[]),
            (type_name::<crossbeam_utils::sync::ShardedLock<u8>>(), &[]),
            (type_name::<crossbeam_epoch::Collector>(), &[]),
            (type_name::<std::thread::ThreadId>(), &[]),
            (type_name::<Mutex<Vec<Arc<dyn Fn(&str) -> String>>>>(), &[]),
        ] {
            let found: Vec<_> = relied_on(name).map(|reliance| reliance.state.krate).collect();
            assert_eq!(found, krates, "{name}");
        }
    }

    #[test]
    fn the_documentation_names_every_crate_and_static() {
        for (path, state) in all() {
            let (root, _) = path.split_once("::").expect("a path");
            assert!(SHARING.contains(&format!("| `{}` |", state.krate)), "{} has no row", state.krate);
            assert!(SHARING.contains(&format!("`{root}")), "{root} is not named");
            let name = state.statics.split('`').nth(1).expect("a static's name");
            // The counter of std is private, and is described.
            assert!(state.krate == "std" || SHARING.contains(&format!("`{name}`")), "{name} is not named");
        }
    }
}
