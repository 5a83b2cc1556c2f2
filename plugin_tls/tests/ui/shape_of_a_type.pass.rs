#[derive(tls::Shape)]
struct Session(u8);

fn main() {
    println!("{}", Session(1).0);
}
