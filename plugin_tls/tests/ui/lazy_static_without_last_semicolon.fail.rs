//! `lazy_static!` requires a semicolon after the last item, too.

tls::lazy_static!(static ref NUMBER: u32 = 1); //~ ERROR expected `;`

fn main() {}
