//! Stands in for a crate whose types rely on statics, and that declares these statics as items.
//!
//! It has the name of a crate in the table of hidden state, so that the host would refuse its types otherwise.

pub mod intern {
    use std::sync::Mutex;

    plugin_tls_core::lazy_static! {
        static ref STRINGS: Mutex<Vec<&'static str>> = Mutex::default();
    }

    /// A string that is equal to another if it has the same number.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub struct Intern(usize);

    impl Intern {
        /// The number of `string`.
        pub fn new(string: &'static str) -> Self {
            let mut strings = STRINGS.lock().expect("not poisoned");
            let number = strings.iter().position(|known| *known == string).unwrap_or(strings.len());
            if number == strings.len() {
                strings.push(string);
            }
            Intern(number)
        }
    }
}
