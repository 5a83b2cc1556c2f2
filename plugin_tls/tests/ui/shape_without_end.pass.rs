use tls::Shape;

#[derive(Shape)]
struct Doubles<T> {
    value: T,
    next: Option<Box<Doubles<T>>>,
    other: Option<Box<Doubles<u8>>>,
}

fn main() {
    let value = Doubles { value: 1, next: None, other: None };
    println!("{} {} {}", value.value, value.next.is_none(), value.other.is_none());
}
