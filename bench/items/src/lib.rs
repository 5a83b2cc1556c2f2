//! The items that `build.rs` writes.

use std::cell::RefCell;
use std::collections::HashMap;

include!(concat!(env!("OUT_DIR"), "/items.rs"));
