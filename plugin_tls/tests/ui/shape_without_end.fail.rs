use tls::Shape;

#[derive(Shape)]
struct Doubles<T> {
    value: T,
    next: Option<Box<Doubles<(T, T)>>>, //~ ERROR `Doubles` contains itself with larger type arguments
}

fn main() {
    let value = Doubles { value: 1, next: None };
    println!("{} {}", value.value, value.next.is_none());
}
