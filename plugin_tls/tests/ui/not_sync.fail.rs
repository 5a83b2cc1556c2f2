//! A static must be `Sync`; a thread-local need not be.

tls::lazy_static!(static ref NUMBER: std::cell::Cell<u32> = std::cell::Cell::new(1);); //~ ERROR cannot be shared

tls::lazy_static!(static ref SHARED: std::rc::Rc<u32> = std::rc::Rc::new(1);); //~ ERROR cannot be shared

fn main() {}
