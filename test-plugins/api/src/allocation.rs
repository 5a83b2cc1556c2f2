//! Items whose values allocate: what one binary has allocated, another one grows or frees.

use std::cell::RefCell;
use std::sync::Mutex;

use crate::outcome::{Operation, done};

/// Greets by name. The caller frees the text.
pub type Greet = fn(&str) -> String;

plugin_tls_core::thread_local! {
    /// The user on whose behalf this thread works.
    pub static USER: RefCell<String> = RefCell::new("nobody".to_owned());
}

plugin_tls_core::lazy_static! {
    /// What the binaries have registered.
    pub static ref GREETINGS: Mutex<Vec<Greet>> = Mutex::default();
}

pub const OPERATIONS: &[Operation] = &[
    ("user", |_| USER.with_borrow(String::clone).into()),
    ("user_grow", |n| done(|| USER.with_borrow_mut(|user| (0..n).for_each(|_| user.push_str(" and another"))))),
    ("user_shrink", |_| {
        done(|| {
            USER.with_borrow_mut(|user| {
                user.truncate(4);
                user.shrink_to_fit();
            });
        })
    }),
    ("user_set", |n| done(|| USER.set(format!("number {n}")))),
    ("user_forget", |_| USER.take().into()),
    ("greetings_add", |n| done(|| (0..n).for_each(|_| GREETINGS.lock().expect("not poisoned").push(greet)))),
    ("greetings", |_| {
        GREETINGS.lock().expect("not poisoned").iter().map(|greet| greet("Bob")).collect::<String>().into()
    }),
    ("greetings_forget", |_| done(|| drop(std::mem::take(&mut *GREETINGS.lock().expect("not poisoned"))))),
];

fn greet(name: &str) -> String {
    format!("Hello, {name}! ")
}
