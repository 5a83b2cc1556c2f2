use std::cell::{Cell, RefCell};
plugin_tls::thread_local! {
    static A: Cell<u32> = const { Cell::new(3) };
    pub static B: RefCell<Vec<String>> = RefCell::new(vec![])
}
plugin_tls::lazy_static! { #[derive(Debug, Clone, Copy)] pub static ref L: std::sync::Mutex<u32> = std::sync::Mutex::new(4); }
#[test]
fn smoke() {
    assert_eq!(A.get(), 3);
    A.set(5);
    assert_eq!(A.get(), 5);
    B.with_borrow_mut(|b| b.push("x".into()));
    assert_eq!(B.take(), ["x"]);
    *L.lock().unwrap() += 1;
    assert_eq!(*L.lock().unwrap(), 5);
    fn f() -> u32 {
        plugin_tls::thread_local!(static X: Cell<u32> = Cell::new(1));
        X.get()
    }
    fn g() -> u32 {
        plugin_tls::thread_local!(static X: Cell<u32> = Cell::new(2));
        X.get()
    }
    assert_eq!((f(), g()), (1, 2));
    println!("{}", plugin_tls::host::snapshot());
}
