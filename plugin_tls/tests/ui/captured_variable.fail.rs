//! An initializer cannot use variables of the function around it.

fn main() {
    let local = 1;
    tls::thread_local!(static LOCAL: u32 = local); //~ ERROR non-constant value
    tls::lazy_static! {
        static ref STATIC: u32 = local; //~ ERROR dynamic environment
    }
    LOCAL.with(|_| ());
    let _ = *STATIC;
}
