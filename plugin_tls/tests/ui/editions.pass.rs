//! Both macros work in every edition that has paths like today's.
//@ editions: 2018 2021 2024

use std::cell::{Cell, RefCell};

tls::thread_local! {
    /// Documented.
    #[allow(dead_code)]
    pub(crate) static LOCAL: Cell<u32> = const { Cell::new(1) };
    static TEXTS: RefCell<Vec<Vec<u8>>>= RefCell::new(vec![]);
    static OBJECT: Option<Box<dyn Fn(u32) -> u32>> = None;
    static BLOCK: u32 = { 1 } + 1
}

tls::lazy_static! {
    /// Documented.
    #[derive(Debug)]
    pub(crate) static ref STATIC: Vec<String> = vec!["a".to_owned()];
    static ref DEPENDS: usize = STATIC.len();
}

macro_rules! declare {
    ($visibility:vis $name:ident: $ty:ty = $initializer:expr) => {
        tls::thread_local!($visibility static $name: $ty = $initializer);
    };
}
declare!(pub(crate) FROM_MACRO: Vec<u8> = vec![1]);

fn generic<T>(value: T) -> T {
    tls::thread_local!(static INNER: u32 = 1);
    tls::lazy_static!(static ref INNER_STATIC: u32 = 1;);
    assert_eq!(INNER.with(|inner| *inner), *INNER_STATIC);
    value
}

fn main() {
    LOCAL.set(generic(2));
    TEXTS.with_borrow_mut(|texts| texts.push(vec![1]));
    OBJECT.with(|object| assert!(object.is_none()));
    assert_eq!((BLOCK.with(|block| *block), *DEPENDS, FROM_MACRO.with(|values| values.len())), (2, 1, 1));
    println!("{:?}", STATIC);
}
