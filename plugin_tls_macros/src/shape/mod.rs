//! `#[derive(Shape)]` and `#[shape]`.
//!
//! | module | subject |
//! |---|---|
//! | `lifetimes` | types without lifetime parameters, of which a shape speaks |
//! | `target` | what both implementations have in common |
//! | `derive` | a struct, enum or union |
//! | `object` | the objects of a trait |

#![forbid(unsafe_code)]

mod derive;
mod lifetimes;
mod object;
mod target;

pub(crate) use derive::expand as expand_derive;
pub(crate) use object::expand as expand_trait;
