//! Two stores in one process: neither knows of the other.

use std::ffi::c_void;
use std::ptr;
use std::sync::atomic::{AtomicPtr, AtomicUsize, Ordering::SeqCst};

use plugin_tls_abi::header::Header;
use plugin_tls_abi::table::{Access, BinaryDescriptor, ItemDescriptor, KIND_STATIC, KIND_THREAD_LOCAL, OK, Status};
use plugin_tls_abi::text::{Sink, Str};

use crate::locals::store_locals;
use crate::store::Store;
use crate::threads::TaskKind;

store_locals!(FIRST_LOCALS);
store_locals!(SECOND_LOCALS);
static FIRST: Store = Store::new(&FIRST_LOCALS);
static SECOND: Store = Store::new(&SECOND_LOCALS);

/// How many values have been dropped.
static DROPPED: AtomicUsize = AtomicUsize::new(0);

/// Builds the number that `attempt` is.
unsafe extern "C" fn build(destination: *mut u8, attempt: *mut c_void) -> Status {
    // SAFETY: the descriptors say that values are `usize`s.
    unsafe { destination.cast::<usize>().write(attempt.addr()) };
    OK
}

unsafe extern "C" fn drop_value(_value: *mut u8, _item: *const c_void) {
    DROPPED.fetch_add(1, SeqCst);
}

/// A plugin with one item of one word.
struct Plugin {
    store: &'static Store,
    handle: *const c_void,
    item: *const c_void,
    kind: u32,
}

impl Plugin {
    fn connect(store: &'static Store, kind: u32) -> Self {
        let word: &'static AtomicPtr<()> = Box::leak(Box::default());
        let (text, path) = match kind {
            KIND_THREAD_LOCAL => ("api\x1f1\x1fapi\x1f\x1fLOCAL\x1fusize\x1f\x1f\x1fsrc/lib.rs:1:1", "api::LOCAL"),
            _ => ("api\x1f1\x1fapi\x1f\x1fSTATIC\x1fusize\x1f\x1f\x1fsrc/lib.rs:2:1", "api::STATIC"),
        };
        let descriptor = ItemDescriptor {
            text: Str::new(text),
            path: Str::new(path),
            type_name: Str::new("usize"),
            type_id: [1; 16],
            layout: ptr::null(),
            scheme: ptr::null(),
            shape: None,
            size: size_of::<usize>(),
            align: align_of::<usize>(),
            option_size: 2 * size_of::<usize>(),
            drop: Some(drop_value),
            word: ptr::from_ref(word).cast(),
            item: ptr::null(),
            kind,
            reserved: 0,
        };
        let binary = BinaryDescriptor {
            header: Header::of::<BinaryDescriptor>(),
            compiler: Str::new("rustc"),
            items: &raw const descriptor,
            item_count: 1,
            address: ptr::null(),
            load: ptr::null_mut(),
            initialize: None,
            describe_build: None,
            register_rest: None,
            allocator: ptr::null(),
        };
        let (mut handle, mut item, mut report) = (ptr::null(), ptr::null(), String::new());
        let table = store.table();
        // SAFETY: the descriptors are valid for the call, their texts are constants, and there is room for the handles.
        let status = unsafe {
            let sink = Sink::new(&mut report);
            table.connect.unwrap()(table.store, &raw const binary, &raw mut handle, &raw mut item, &raw const sink)
        };
        assert_eq!((status, report.as_str()), (OK, ""));
        Plugin { store, handle, item, kind }
    }

    /// The value, which is `number` if it has to be built.
    fn value(&self, number: usize) -> usize {
        let mut message = String::new();
        let mut access = Access {
            binary: self.handle,
            item: self.item,
            build,
            attempt: ptr::without_provenance_mut(number),
            sink: Sink::new(&mut message),
            value: ptr::null(),
            given: 0,
            reserved: 0,
        };
        let table = self.store.table();
        let find_or_build = if self.kind == KIND_THREAD_LOCAL { table.local } else { table.process };
        // SAFETY: the access is valid, and the handles come from the store.
        let status = unsafe { find_or_build.unwrap()(&raw mut access) };
        assert_eq!((status, message.as_str()), (OK, ""));
        // SAFETY: the store returns the address of a `usize`.
        unsafe { *access.value.cast::<usize>() }
    }
}

fn values_of_this_process(store: &Store) -> usize {
    let mut count = 0;
    store.threads.for_each(|thread| {
        thread.for_each_waiting(|task| count += usize::from(matches!(task.kind(), TaskKind::Value(_))));
    });
    count
}

#[test]
fn two_stores_in_one_process_share_nothing() {
    std::thread::spawn(|| {
        let [first, second] = [&FIRST, &SECOND].map(|store| Plugin::connect(store, KIND_THREAD_LOCAL));
        assert_eq!([first.value(1), second.value(2)], [1, 2]);
        assert_eq!([first.value(3), second.value(4)], [1, 2], "the values are there");
        // `join` waits for the values to be dropped, which the end of a `thread::scope` does not.
        std::thread::spawn(|| {
            let [first, second] = [&FIRST, &SECOND].map(|store| Plugin::connect(store, KIND_THREAD_LOCAL));
            assert_eq!([first.value(5), second.value(6)], [5, 6], "each thread has its own");
            assert_eq!([&FIRST, &SECOND].map(values_of_this_process), [2, 2]);
        })
        .join()
        .unwrap();
        let dropped = DROPPED.load(SeqCst);
        // SAFETY: nothing refers to a value.
        unsafe { FIRST.reset() };
        assert_eq!(DROPPED.load(SeqCst), dropped + 1, "the value of this thread in the first store");
        assert_eq!([first.value(7), second.value(8)], [7, 2]);

        let [first, second] = [&FIRST, &SECOND].map(|store| Plugin::connect(store, KIND_STATIC));
        assert_eq!([first.value(9), second.value(10)], [9, 10]);
        // SAFETY: nothing refers to a value.
        unsafe { SECOND.reset() };
        assert_eq!([first.value(11), second.value(12)], [9, 12]);
    })
    .join()
    .unwrap();
    assert_eq!([&FIRST, &SECOND].map(values_of_this_process), [0, 0], "the thread has ended in both");
}
