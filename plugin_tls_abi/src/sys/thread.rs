//! Numbers and names of threads.

/// A cheap handle to a thread: getting the current one calls nothing in the system.
#[derive(Clone, Copy, Debug)]
pub struct ThreadHandle(#[cfg(target_os = "linux")] libc::pthread_t, #[cfg(not(target_os = "linux"))] u64);

#[cfg(target_os = "linux")]
impl ThreadHandle {
    /// The handle of no thread.
    pub const NONE: Self = ThreadHandle(0);

    pub fn current() -> Self {
        // SAFETY: the function takes nothing and cannot fail.
        ThreadHandle(unsafe { libc::pthread_self() })
    }

    /// The system's number of the thread; 0 if the C library does not tell.
    ///
    /// # Safety
    ///
    /// The thread runs.
    pub unsafe fn id(self) -> u64 {
        unsafe extern "C" {
            // Not in every version of the crate `libc`.
            fn pthread_getcpuclockid(thread: libc::pthread_t, clock: *mut libc::clockid_t) -> libc::c_int;
        }
        let mut clock = 0;
        // SAFETY: the handle is that of a thread that runs, as the caller guarantees, and `clock` is writable.
        let status = unsafe { pthread_getcpuclockid(self.0, &raw mut clock) };
        // The C library makes the number of a thread's clock from the thread's number: all bits but the lowest three are
        // its complement.
        if status == 0 { u64::from((!(clock >> 3)).unsigned_abs()) } else { 0 }
    }
}

#[cfg(not(target_os = "linux"))]
impl ThreadHandle {
    /// The handle of no thread.
    pub const NONE: Self = ThreadHandle(0);

    /// A new handle with each call.
    pub fn current() -> Self {
        use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
        static NEXT: AtomicU64 = AtomicU64::new(1);
        // Relaxed: the numbers only have to differ.
        ThreadHandle(NEXT.fetch_add(1, Relaxed))
    }

    /// A number of our own, since the system's is not known here.
    ///
    /// # Safety
    ///
    /// Nothing has to hold. The function is unsafe because that of Linux is.
    pub unsafe fn id(self) -> u64 {
        self.0
    }
}

/// The name of a thread that runs, where the system knows it. Linux keeps 15 bytes of it.
#[cfg(target_os = "linux")]
pub fn name(id: u64) -> Option<String> {
    if u64::from(std::process::id()) == id {
        return Some("main".to_owned());
    }
    let name = std::fs::read_to_string(format!("/proc/self/task/{id}/comm")).ok()?;
    Some(name.trim_end().to_owned())
}

/// The name of a thread that runs, where the system knows it.
#[cfg(not(target_os = "linux"))]
pub fn name(_id: u64) -> Option<String> {
    None
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::ThreadHandle;

    #[test]
    fn a_thread_has_the_systems_number() {
        std::thread::scope(|scope| {
            let (send, receive) = std::sync::mpsc::channel();
            let (leave, stay) = std::sync::mpsc::channel::<()>();
            scope.spawn(move || {
                // SAFETY: the function takes nothing and cannot fail.
                send.send((ThreadHandle::current(), unsafe { libc::gettid() })).expect("the test waits for it");
                let _ended = stay.recv();
            });
            let (handle, number) = receive.recv().expect("the thread sends it first");
            // SAFETY: the thread waits for `leave` to be dropped.
            assert_eq!(unsafe { handle.id() }, u64::try_from(number).expect("a number of a thread"));
            drop(leave);
        });
    }
}
