#[tls::shape]
struct Session(u8); //~ ERROR `#[shape]` is for traits, for a type derive `Shape`

fn main() {
    println!("{}", Session(1).0);
}
