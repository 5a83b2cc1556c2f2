//! A type's tokens as text.
//!
//! The text is part of an item's identity, so it must be the same for every compiler. It must not depend on the spaces
//! in the source, nor on whether the type is the value of a macro variable. The compiler's own output for tokens does
//! not guarantee this.

#![forbid(unsafe_code)]

use proc_macro2::{Delimiter, TokenStream, TokenTree};

use crate::item::flatten;

/// The canonical text of a type: `Cell<u32>`, `&'static dyn Fn(u32)->u32+Send`, `[u8;N+1]`.
///
/// There is one space between two words, and no other space. Different tokens give different texts.
pub(crate) fn type_text(ty: TokenStream) -> String {
    let mut text = String::new();
    print(ty, &mut text);
    // These characters separate and end the fields of an item's text. A type can contain them only within a literal,
    // where an escape means the same.
    text.replace('\0', "\\0").replace('\x1f', "\\x1f")
}

fn print(tokens: TokenStream, text: &mut String) {
    for token in flatten(tokens) {
        match token {
            TokenTree::Group(group) => {
                let (open, close) = match group.delimiter() {
                    Delimiter::Parenthesis => ("(", ")"),
                    Delimiter::Bracket => ("[", "]"),
                    Delimiter::Brace => ("{", "}"),
                    Delimiter::None => ("", ""),
                };
                text.push_str(open);
                print(group.stream(), text);
                text.push_str(close);
            }
            TokenTree::Punct(punct) => text.push(punct.as_char()),
            TokenTree::Ident(_) | TokenTree::Literal(_) => {
                let word = token.to_string();
                if text.ends_with(is_word) && word.starts_with(is_word) {
                    text.push(' ');
                }
                text.push_str(&word);
            }
        }
    }
}

fn is_word(c: char) -> bool {
    c == '_' || c.is_alphanumeric()
}

#[cfg(test)]
mod tests {
    use super::type_text;

    fn text(source: &str) -> String {
        type_text(source.parse().expect("a test's own tokens"))
    }

    #[test]
    fn spacing_does_not_matter() {
        for (source, expected) in [
            ("Cell < u32 >", "Cell<u32>"),
            ("HashMap<String,Vec<Vec<u8>>>", "HashMap<String,Vec<Vec<u8>>>"),
            ("HashMap < String , Vec < Vec < u8 > > >", "HashMap<String,Vec<Vec<u8>>>"),
            ("& 'static  dyn Fn ( u32 )  ->  u32 + Send", "&'static dyn Fn(u32)->u32+Send"),
            ("&'static dyn Fn(u32)->u32+Send", "&'static dyn Fn(u32)->u32+Send"),
            ("& 'static mut [ u8 ; N + 1 ]", "&'static mut[u8;N+1]"),
            (":: std :: cell :: Cell<()>", "::std::cell::Cell<()>"),
            ("*const    u8", "*const u8"),
            ("unsafe extern \"C\" fn(i32)", "unsafe extern\"C\"fn(i32)"),
        ] {
            assert_eq!(text(source), expected, "from {source:?}");
        }
    }

    #[test]
    fn different_types_give_different_texts() {
        let sources =
            ["ab", "a::b", "a<b>", "(a,b)", "[a;b]", "&a", "&mut a", "&'a b", "&'ab", "*const a", "dyn a", "(a)", "a"];
        let mut texts: Vec<_> = sources.iter().map(|source| text(source)).collect();
        texts.sort();
        texts.dedup();
        assert_eq!(texts.len(), sources.len(), "{texts:?}");
    }

    #[test]
    fn separators_are_escaped_in_literals() {
        assert_eq!(text("Tag<'\x1f'>"), "Tag<'\\x1f'>");
        assert_eq!(text("Tag<'\0'>"), "Tag<'\\0'>");
    }
}
