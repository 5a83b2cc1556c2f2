use tls::Shape;

#[derive(Shape)]
struct Own;

#[derive(Shape)]
struct Holder<T>(T);

fn has_shape<T: Shape>(_: &T) {}

fn main() {
    let holder = Holder(Own);
    has_shape(&holder);
    let Holder(_) = holder;
}
