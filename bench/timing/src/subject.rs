//! The functions that are measured, generated once for each subject.

/// Defines the measured functions of one subject and `fn reads(work: Work) -> Option<Measured>`, which finds them.
///
/// The statics are declared by the invoking crate: `constant` is a thread-local `Cell<u64>` that needs no destructor,
/// `read` an expression that reads it, `droppable` a thread-local [`Droppable`](crate::Droppable), and `lazy` a lazily
/// initialized `u64`. Loops use `constant` and `read` in place; all other accesses are out-of-line calls.
#[macro_export]
macro_rules! subject {
    (constant: $constant:ident, read: $read:expr, droppable: $droppable:ident, lazy: $lazy:ident $(,)?) => {
        fn reads(work: $crate::Work) -> Option<$crate::Measured> {
            Some(match work {
                $crate::Work::Read | $crate::Work::ReadTogether => $crate::calls!(read),
                $crate::Work::ReadDrop => $crate::calls!(read_drop),
                $crate::Work::ReadLoop => $crate::Measured::Loop(read_often),
                $crate::Work::CountLoop => $crate::Measured::Loop(count),
                $crate::Work::Lazy => $crate::calls!(lazy),
                _ => return None,
            })
        }

        #[inline(never)]
        fn read() -> u64 {
            $read
        }

        #[inline(never)]
        fn read_drop() -> u64 {
            $droppable.with($crate::Droppable::get)
        }

        #[inline(never)]
        fn read_often(iterations: u64) -> u64 {
            let mut sum = 0_u64;
            for _ in 0..iterations {
                sum = sum.wrapping_add($read);
                // Without this, the compiler replaces the loop by one multiplication.
                std::hint::black_box(());
            }
            sum
        }

        #[inline(never)]
        fn count(iterations: u64) -> u64 {
            for _ in 0..iterations {
                // Without `black_box`, the compiler replaces the loop by one addition.
                $constant.with(|cell| cell.set(cell.get().wrapping_add(std::hint::black_box(1))));
            }
            $read
        }

        #[inline(never)]
        fn lazy() -> u64 {
            // A coercion instead of `*`, because rubicon wraps an imported static in a second `Deref`.
            let value: &u64 = &$lazy;
            *value
        }
    };
}

/// A [`Measured::Loop`](crate::Measured::Loop) that calls `$call`, a function that is not inlined.
///
/// Each function gets a loop of its own that calls it directly. On some processors, a call through a pointer takes
/// longer for an empty function than for a short one, so subtracting the time of the empty call would be meaningless.
#[macro_export]
macro_rules! calls {
    ($call:ident) => {
        $crate::Measured::Loop(|iterations| {
            let mut sum = 0_u64;
            for _ in 0..iterations {
                sum = sum.wrapping_add($call());
                // The compiler must assume that the next call returns something else.
                std::hint::black_box(());
            }
            sum
        })
    };
}
