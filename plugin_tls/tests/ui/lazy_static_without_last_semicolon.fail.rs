//! `lazy_static!` wants all of its semicolons.

tls::lazy_static!(static ref NUMBER: u32 = 1); //~ ERROR expected `;`

fn main() {}
