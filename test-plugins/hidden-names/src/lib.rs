//! Compares `plugin_tls_store::hidden_state` with the names of the real types.

#![forbid(unsafe_code)]

#[cfg(test)]
mod tests {
    use std::any::type_name;
    use std::cell::RefCell;
    use std::collections::BTreeSet;
    use std::io::{Stderr, StderrLock, Stdin, Stdout, StdoutLock};
    use std::net::TcpStream;
    use std::sync::Arc;

    use plugin_tls_store::hidden_state::{all, relied_on};

    /// The names of types.
    macro_rules! names {
        ($($ty:ty),* $(,)?) => { [$(type_name::<$ty>()),*] };
    }

    #[test]
    fn types_with_hidden_state_are_found() {
        let names = names![
            arc_swap::ArcSwap<u8>,
            arc_swap::ArcSwapOption<u8>,
            arc_swap::Guard<Arc<u8>>,
            arc_swap::cache::Cache<Arc<arc_swap::ArcSwap<u8>>, Arc<u8>>,
            async_io::Async<TcpStream>,
            async_io::Timer,
            async_std::net::TcpStream,
            atomic::Atomic<[u64; 4]>,
            crossbeam_channel::Receiver<u8>,
            crossbeam_channel::Sender<u8>,
            crossbeam_deque::Stealer<u8>,
            crossbeam_deque::Worker<u8>,
            crossbeam_epoch::Atomic<u8>,
            crossbeam_skiplist::SkipMap<u8, u8>,
            crossbeam_skiplist::SkipSet<u8>,
            crossbeam_utils::atomic::AtomicCell<[u64; 4]>,
            dashmap::DashMap<u8, u8>,
            dashmap::DashSet<u8>,
            dashmap::ReadOnlyView<u8, u8>,
            flurry::HashMap<u8, u8>,
            flurry::HashSet<u8>,
            fragile::Fragile<RefCell<u8>>,
            fragile::SemiSticky<RefCell<u8>>,
            fragile::Sticky<RefCell<u8>>,
            haphazard::AtomicPtr<u8>,
            haphazard::Domain<haphazard::Global>,
            haphazard::HazardPointer<'static>,
            hyper_util::client::legacy::Client<u8, u8>,
            hyper_util::rt::TokioExecutor,
            internment::ArcIntern<str>,
            internment::Intern<str>,
            lasso::ThreadedRodeo,
            moka::future::Cache<u8, u8>,
            moka::sync::Cache<u8, u8>,
            opentelemetry::ContextGuard,
            papaya::HashMap<u8, u8>,
            papaya::HashSet<u8>,
            parking_lot::Condvar,
            parking_lot::FairMutex<u8>,
            parking_lot::Mutex<u8>,
            parking_lot::Once,
            parking_lot::ReentrantMutex<u8>,
            parking_lot::RwLock<u8>,
            quick_cache::sync::Cache<u8, u8>,
            rayon::Scope<'static>,
            rayon::ThreadPool,
            reqwest::Client,
            scc::HashIndex<u8, u8>,
            scc::HashMap<u8, u8>,
            scc::Queue<u8>,
            sdd::AtomicShared<u8>,
            sdd::Guard,
            seize::Collector,
            send_wrapper::SendWrapper<RefCell<u8>>,
            sharded_slab::Pool<String>,
            sharded_slab::Slab<u8>,
            sled::Db,
            sled::Tree,
            slog_scope::GlobalLoggerGuard,
            Stderr,
            StderrLock<'static>,
            Stdout,
            StdoutLock<'static>,
            string_cache::DefaultAtom,
            symbol_table::GlobalSymbol,
            thread_local::ThreadLocal<RefCell<u8>>,
            tokio::fs::File,
            tokio::io::DuplexStream,
            tokio::net::TcpStream,
            tokio::process::Child,
            tokio::runtime::Handle,
            tokio::runtime::Runtime,
            tokio::signal::unix::Signal,
            tokio::sync::Mutex<u8>,
            tokio::sync::Notify,
            tokio::sync::OnceCell<u8>,
            tokio::sync::RwLock<u8>,
            tokio::sync::Semaphore,
            tokio::sync::broadcast::Sender<u8>,
            tokio::sync::mpsc::Sender<u8>,
            tokio::sync::mpsc::UnboundedSender<u8>,
            tokio::sync::oneshot::Sender<u8>,
            tokio::sync::watch::Sender<u8>,
            tokio::task::AbortHandle,
            tokio::task::JoinHandle<u8>,
            tokio::task::JoinSet<u8>,
            tokio::task::LocalSet,
            tokio::time::Interval,
            tokio::time::Sleep,
            tokio_util::sync::CancellationToken,
            tokio_util::task::TaskTracker,
            tokio_util::time::DelayQueue<u8>,
            tracing::dispatcher::DefaultGuard,
            tracing_subscriber::Registry,
            tracing_subscriber::reload::Handle<u8, u8>,
            ustr::Ustr,
        ];
        let is_found = |name: &&str| relied_on(name).next().is_some();
        let not_found: Vec<_> = names.iter().filter(|name| !is_found(name)).collect();
        assert!(not_found.is_empty(), "{not_found:#?}");

        // `ReentrantLock` is not stable.
        let paths = all().map(|(path, _)| path).filter(|path| *path != "std::sync::reentrant_lock::");
        let without_type: BTreeSet<_> = paths.filter(|path| !names.iter().any(|name| name.contains(path))).collect();
        assert!(without_type.is_empty(), "no type above is of {without_type:#?}");
    }

    /// Types of the same crates, and of others that one might suspect, whose values rely on nothing.
    #[test]
    fn other_types_are_not_found() {
        let names = names![
            async_std::sync::Mutex<u8>,
            atomic::Atomic<u32>,
            crossbeam_deque::Injector<u8>,
            crossbeam_epoch::Collector,
            crossbeam_queue::ArrayQueue<u8>,
            crossbeam_queue::SegQueue<u8>,
            crossbeam_utils::atomic::AtomicCell<usize>,
            crossbeam_utils::sync::Parker,
            crossbeam_utils::sync::ShardedLock<u8>,
            crossbeam_utils::sync::WaitGroup,
            event_listener::Event,
            flume::Receiver<u8>,
            flume::Sender<u8>,
            futures::channel::mpsc::Sender<u8>,
            once_cell::sync::Lazy<u8>,
            once_cell::sync::OnceCell<u8>,
            opentelemetry::Context,
            tracing::Dispatch,
            tracing::Span,
            Stdin,
            std::sync::mpsc::Sender<u8>,
            std::thread::Thread,
            std::thread::ThreadId,
        ];
        let found: Vec<_> = names.iter().flat_map(|name| relied_on(name)).collect();
        assert!(found.is_empty(), "{found:#?}");
    }
}
