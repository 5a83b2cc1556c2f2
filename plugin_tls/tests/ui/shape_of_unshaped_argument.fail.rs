use tls::Shape;

struct Foreign;

#[derive(Shape)]
struct Holder<T>(T);

fn has_shape<T: Shape>(_: &T) {}

fn main() {
    let holder = Holder(Foreign);
    has_shape(&holder); //~ ERROR the trait bound `Foreign: Shape` is not satisfied
    let Holder(_) = holder;
}
