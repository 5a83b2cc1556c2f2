#![allow(dead_code)]

use tls::Shape;

#[derive(Shape)]
struct Doubles<T> {
    value: T,
    next: Option<Box<Doubles<(T, T)>>>, //~ ERROR `Doubles` contains itself with larger type arguments
}

fn main() {}
