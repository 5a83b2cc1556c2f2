//! Types whose alignment, size or destructor a store could handle incorrectly.

use std::collections::HashMap;
use std::thread;

use test_api::types::{ALIGNMENTS, SUMS};

use crate::bench::{Bench, host};
use crate::scenario::Scenario;

const GROUP: &str = "types";

pub fn scenarios() -> Vec<Scenario> {
    Vec::from([
        Scenario::new(
            GROUP,
            "values_are_aligned_and_have_their_own_addresses",
            "values of over-aligned, large and zero-sized types are aligned, and each has its own address",
            addresses,
        ),
        Scenario::new(GROUP, "values_of_any_type_are_shared", "one binary reads what the other one wrote", sums),
        Scenario::new(
            GROUP,
            "a_zero_sized_value_is_dropped_once_per_thread",
            "the destructor of a zero-sized type runs once for each thread that ends",
            empty_values,
        ),
    ])
}

fn addresses(bench: &Bench) {
    let first = *bench.load("first");
    let check = move |who: &str| {
        let mut seen = HashMap::new();
        for (turn, &(place, alignment)) in ALIGNMENTS.iter().enumerate() {
            let mut addresses = [0, 1]
                .map(|binary| if (turn + binary) % 2 == 0 { host(place, 0) } else { first.call(place, 0) }.number());
            assert_eq!(addresses[0], addresses[1], "{place} is one value, on {who}");
            let address = addresses[0];
            assert_ne!(address, 0, "{place}, on {who}");
            assert_eq!(address % alignment, 0, "{place} is aligned to {alignment}, on {who}");
            if let Some(other) = seen.insert(address, place) {
                panic!("{place} and {other} are at one address, on {who}");
            }
            // The address stays the same.
            addresses = [host(place, 0).number(), first.call(place, 0).number()];
            assert_eq!(addresses, [address; 2], "{place} stays where it is, on {who}");
        }
    };
    check("the main thread");
    thread::spawn(move || check("another thread")).join().expect("the checks pass on another thread");
}

fn sums(bench: &Bench) {
    let first = bench.load("first");
    for place in SUMS {
        let start = host(place, 0).number();
        assert_eq!(first.call(place, 3).number(), start + 3, "{place}");
        assert_eq!(host(place, 4).number(), start + 7, "{place}");
        assert_eq!(first.call(place, 0).number(), start + 7, "{place}");
    }
}

fn empty_values(bench: &Bench) {
    let first = *bench.load("first");
    for threads in 1..=3 {
        let other = thread::spawn(move || (first.call("last_word_address", 0), host("last_word_address", 0)));
        let (plugin, own) = other.join().expect("the thread does not panic");
        assert_eq!(plugin.number(), own.number());
        assert_eq!(host("last_words", 0).number(), threads, "one drop per thread that has ended");
    }
}
