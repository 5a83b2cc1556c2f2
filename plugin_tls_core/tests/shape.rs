//! Shapes of users' types.

#![allow(dead_code, reason = "most types are only described")]

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Mutex;

use plugin_tls_core::__private::shape_text;
use plugin_tls_core::Shape;

#[derive(Shape)]
struct User {
    name: String,
    age: u8,
}

#[derive(Shape)]
struct Session {
    id: u64,
    user: User,
    data: Box<[u8]>,
}

#[derive(Shape)]
struct Node {
    next: Option<Box<Node>>,
    value: [u16; 4],
}

#[derive(Shape)]
struct Generic<'a, T: ?Sized + 'a, const N: usize>
where
    T: ToString,
{
    of: &'a T,
    n: [u8; N],
    f: fn(&str) -> String,
}

#[derive(Shape)]
enum Command {
    A = 3,
    B = -7,
}
#[derive(Shape)]
#[repr(u8)]
enum Other {
    A(String) = 25,
    B { x: Cell<u8>, y: Rc<RefCell<Other>> },
    C,
}

#[derive(Shape)]
union Un {
    a: u32,
    b: f32,
}
#[derive(Shape)]
struct Unit;
#[derive(Shape)]
struct Tuple(u8, Vec<Unit>);
#[derive(Shape)]
struct Last<T: ?Sized> {
    a: u8,
    t: T,
}

#[plugin_tls_core::shape]
trait Hook<T>: Sup {
    type Out: Clone;
    fn call(&self, a: &str, #[cfg(any())] b: Missing, t: T) -> Option<Self::Out>;
    #[cfg(any())]
    fn no(&self, m: Missing);
    fn gen_<U>(&self, _u: U)
    where
        Self: Sized,
    {
    }
    unsafe fn by(self: Box<Self>) -> !;
}
trait Sup {}

#[test]
fn print() {
    println!("{}", shape_text::<Session>());
    println!("{}", shape_text::<Node>());
    println!("{}", shape_text::<Generic<'static, str, 7>>());
    println!("{}", shape_text::<Command>());
    println!("{}", shape_text::<Other>());
    println!("{}", shape_text::<(Un, Tuple, Last<u8>)>());
    println!("{}", shape_text::<dyn Hook<u8, Out = String> + Send>());
    println!("{}", shape_text::<Mutex<HashMap<String, Vec<Session>>>>());
}
