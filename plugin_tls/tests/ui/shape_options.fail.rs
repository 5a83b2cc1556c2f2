#[derive(tls::Shape)]
#[shape(krate = tls)] //~ ERROR expected `crate`
struct Session(u8);

fn main() {
    println!("{}", Session(1).0);
}
