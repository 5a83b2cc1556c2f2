#![allow(dead_code)]

use tls::Shape;

#[derive(Shape)]
struct Doubles<T> {
    value: T,
    next: Option<Box<Doubles<T>>>,
    other: Option<Box<Doubles<u8>>>,
}

fn main() {}
