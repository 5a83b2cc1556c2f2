//! Whether two binaries mean the same type, by its shape: see `plugin_tls_abi::shape`.
//!
//! Both shapes are walked together, three times: the first difference that is found is reported, and what a type is made of
//! says more than where its fields are, and that says more than how large it is.
//!
//! | module | subject |
//! |---|---|
//! | `words` | types and paths as reports show them |
//! | `compare` | the walk |

#![forbid(unsafe_code)]

mod compare;
mod words;

pub(crate) use compare::{Comparison, UnprovenLeaf, compare, names};

#[cfg(test)]
mod tests {
    #![allow(dead_code, reason = "only the shapes of the types matter")]

    use std::cell::RefCell;
    use std::collections::HashMap;
    use std::sync::{Arc, Mutex};

    use plugin_tls_core::__private::shape_text;
    use plugin_tls_core::Shape;

    use super::*;

    /// Types without shape.
    mod foreign {
        #[derive(Default)]
        pub(super) struct Lock<T>(T);
    }

    /// One version of an API crate.
    mod one {
        use super::foreign::Lock;
        use super::*;

        #[derive(Shape)]
        pub(super) struct User {
            name: String,
            age: u64,
        }

        #[derive(Shape)]
        pub(super) struct Session {
            user: Arc<User>,
            tags: Vec<(u8, User)>,
        }

        #[derive(Shape)]
        pub(super) struct Swapped {
            first: u32,
            second: u32,
        }

        #[derive(Shape)]
        #[repr(C)]
        pub(super) struct Moved {
            first: u32,
            second: u32,
        }

        #[derive(Shape)]
        pub(super) struct Node {
            children: Vec<Node>,
            value: u16,
        }

        #[derive(Shape)]
        pub(super) enum Command {
            Run(String),
            Stop,
        }

        #[derive(Shape)]
        pub(super) enum Numbered {
            A = 1,
        }

        #[derive(Shape)]
        pub(super) enum Niche {
            A(u8),
            B,
        }

        #[derive(Shape)]
        pub(super) struct Aligned {
            number: u8,
        }

        #[derive(Shape)]
        pub(super) union Bits {
            number: u32,
            float: f32,
        }

        #[plugin_tls_core::shape]
        pub(super) trait Hook {
            fn name(&self) -> String;
            fn call(&self, user: &User);
        }

        #[plugin_tls_core::shape]
        pub(super) trait Reads {
            fn read(&self, text: &str);
        }

        #[derive(Shape)]
        pub(super) struct Locked {
            lock: Lock<u8>,
            function: fn(&str) -> u8,
        }

        #[derive(Shape)]
        pub(super) struct Generic<T, const N: usize>(Option<T>, [u8; N]);

        #[derive(Shape)]
        pub(super) struct Kinds(u8);
    }

    /// A later one, in which each type has been edited.
    mod two {
        use super::foreign::Lock;
        use super::*;

        #[derive(Shape)]
        pub(super) struct User {
            name: Box<str>,
            age: u64,
        }

        #[derive(Shape)]
        pub(super) struct Session {
            user: Arc<User>,
            tags: Vec<(u8, User)>,
        }

        #[derive(Shape)]
        pub(super) struct Swapped {
            second: u32,
            first: u32,
        }

        #[derive(Shape)]
        #[repr(C)]
        pub(super) struct Moved {
            second: u32,
            first: u32,
        }

        #[derive(Shape)]
        pub(super) struct Node {
            children: Vec<Node>,
            value: i16,
        }

        #[derive(Shape)]
        pub(super) enum Command {
            Stop,
            Run(String),
        }

        #[derive(Shape)]
        pub(super) enum Numbered {
            A = 2,
        }

        #[derive(Shape)]
        #[repr(u16)]
        pub(super) enum Niche {
            A(u8),
            B,
        }

        #[derive(Shape)]
        #[repr(align(4))]
        pub(super) struct Aligned {
            number: u8,
        }

        #[derive(Shape)]
        pub(super) union Bits {
            number: u32,
            float: f32,
            bytes: [u8; 4],
        }

        #[plugin_tls_core::shape]
        pub(super) trait Hook {
            fn name(&self) -> String;
            fn again(&self);
            fn call(&self, user: &User);
        }

        #[plugin_tls_core::shape]
        pub(super) trait Reads {
            fn read(&self, text: &'static str);
        }

        #[derive(Shape)]
        pub(super) struct Locked {
            lock: Lock<u8>,
            function: fn(&str) -> u8,
        }

        #[derive(Shape)]
        pub(super) struct Generic<T, const N: usize>(Option<T>, [u8; N]);

        #[derive(Shape)]
        pub(super) enum Kinds {
            A(u8),
        }
    }

    /// The shape of a type of the second version, as if it stood where the first one's stands.
    fn later<T: Shape + ?Sized>() -> String {
        shape_text::<T>().replace("::two::", "::one::")
    }

    fn compared(known: &str, offered: &str) -> Comparison {
        compare(known, offered, &mut |_, _| true)
    }

    /// The difference, as a report has it.
    fn difference(known: &str, offered: &str) -> String {
        match compared(known, offered) {
            Comparison::Different { path, known, offered } => format!("{path} is {known}, {offered}"),
            other => format!("{other:?}"),
        }
    }

    macro_rules! differences {
        ($($known:ty, $offered:ty => $expected:literal;)*) => {$(
            assert_eq!(difference(&shape_text::<$known>(), &later::<$offered>()), $expected);
        )*};
    }

    #[test]
    fn a_difference_is_found_where_it_is() {
        differences! {
            RefCell<one::Session>, RefCell<two::Session> =>
                "Session.user.name is `String` at offset 0, `Box<str>` at offset 0";
            Vec<(u8, one::User)>, Vec<(u8, two::User)> =>
                "User.name is `String` at offset 0, `Box<str>` at offset 0";
            one::Swapped, two::Swapped => "Swapped.first is `u32` at offset 0, `u32` at offset 4";
            one::Moved, two::Moved => "Moved.first is `u32` at offset 0, `u32` at offset 4";
            one::Node, two::Node => "Node.value is `u16` at offset 24, `i16` at offset 24";
            Mutex<one::Command>, Mutex<two::Command> => "Command::Run is variant 0, variant 1";
            one::Numbered, two::Numbered =>
                "Numbered::A is a variant with discriminant `1`, a variant with discriminant `2`";
            one::Niche, two::Niche => "Niche is an enum without repr, an enum with repr `u16`";
            one::Aligned, two::Aligned => "Aligned is a struct without repr, a struct with repr `align(4)`";
            one::Bits, two::Bits => "Bits.bytes is no such field, `[u8; 4]` at offset 0";
            Box<dyn one::Hook>, Box<dyn two::Hook> => "Hook::again is no such method, method 1";
            dyn one::Hook + Send, dyn two::Hook + Sync =>
                "dyn Hook + Send is `dyn Hook + Send`, `dyn Hook + Sync`";
            dyn one::Reads, dyn two::Reads =>
                "Reads::read is a method with lifetimes `_`, a method with lifetimes `static`";
            one::Generic<u8, 2>, two::Generic<u8, 3> =>
                "Generic is a struct with N `2`, a struct with N `3`";
            one::Generic<u8, 2>, two::Generic<i8, 2> => "Generic<T> is `u8`, `i8`";
            one::Kinds, two::Kinds => "Kinds is struct `Kinds`, enum `Kinds`";
            HashMap<String, u8>, HashMap<String, i8> =>
                "HashMap<String, u8>[value] is `u8`, `i8`";
            fn(u8) -> String, fn(u8) -> &'static str => "fn(u8) -> String[result] is `String`, `&str`";
            [u8; 4], [u8; 5] => "[u8; 4] is a type with length `4`, a type with length `5`";
        }
    }

    #[test]
    fn a_type_is_the_same_as_itself() {
        for text in [
            shape_text::<one::Session>(),
            shape_text::<one::Node>(),
            shape_text::<one::Command>(),
            shape_text::<one::Locked>(),
            shape_text::<Mutex<HashMap<String, Arc<dyn one::Hook + Send + Sync>>>>(),
        ] {
            assert_eq!(compared(&text, &text), Comparison::Same, "{text}");
            // The build of the crate is no part of the type.
            let other_build = text.replace("=5:build0:", "=5:build3:new");
            assert_eq!(compared(&text, &other_build), Comparison::Same, "{text}");
        }
    }

    #[test]
    fn sizes_are_compared_last() {
        let text = shape_text::<one::Session>();
        assert_eq!(text.matches("4:size2:32").count(), 2, "{text}");
        let (start, end) = text.rsplit_once("4:size2:32").expect("there are two");
        let other = format!("{start}4:size2:40{end}");
        assert_eq!(difference(&text, &other), "Session.user is a struct with size 32, a struct with size 40");
    }

    #[test]
    fn leaves_are_asked_for() {
        let (known, offered) = (shape_text::<one::Locked>(), later::<two::Locked>());
        let build = known.split_once("5:build32:").expect("the build of this crate is known").1[..32].to_owned();
        let offered = offered.replace(&format!("5:build32:{build}"), "5:build1:b");
        let mut leaves = Vec::new();
        let comparison = compare(&known, &offered, &mut |known, offered| {
            assert_eq!((known.type_name, known.type_id), (offered.type_name, offered.type_id));
            assert_eq!((known.build, offered.build), (build.as_str(), "b"));
            leaves.push(known.type_name.to_owned());
            known.type_name.starts_with("fn(")
        });
        let lock = "plugin_tls_store::shape::tests::foreign::Lock<u8>";
        let unproven = UnprovenLeaf { path: "Locked.lock".to_owned(), type_name: lock.to_owned() };
        assert_eq!(comparison, Comparison::Unproven(vec![unproven]));
        assert_eq!(leaves.len(), 2, "{leaves:?}");
        // Equal texts prove nothing about leaves.
        let comparison = compare(&known, &known, &mut |_, _| false);
        assert!(matches!(&comparison, Comparison::Unproven(leaves) if leaves.len() == 2), "{comparison:?}");
    }

    #[test]
    fn all_types_are_named() {
        let text = shape_text::<RefCell<Vec<one::Locked>>>();
        let (names, module) = (names(&text).collect::<Vec<_>>(), "plugin_tls_store::shape::tests");
        let [locked, lock] = [format!("{module}::one::Locked"), format!("{module}::foreign::Lock<u8>")];
        assert_eq!(names[..4], ["std::cell::RefCell", "std::vec::Vec", &locked, &lock]);
        assert!(names[4].starts_with("fn("), "{names:?}");
        assert_eq!((names.len(), super::names("shape9;").count()), (5, 0));
    }

    #[test]
    fn damaged_texts_are_unreadable() {
        let text = shape_text::<one::Session>();
        for end in 0..text.len() {
            assert_eq!(compared(&text, &text[..end]), Comparison::Unreadable);
            assert_eq!(compared(&text[..end], &text), Comparison::Unreadable);
        }
        // Whatever a text says, an answer comes.
        for index in 0..text.len() {
            for byte in [b'R', b'0', b')', b'9'] {
                let mut bytes = text.clone().into_bytes();
                bytes[index] = byte;
                let damaged = String::from_utf8(bytes).expect("it is ASCII");
                let _comparison = compared(&text, &damaged);
                let _comparison = compared(&damaged, &damaged);
            }
        }
    }
}
