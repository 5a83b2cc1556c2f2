//! Splits a source text into code, literals and documentation, and leaves comments and the amount of white space out.
//!
//! The compiler's own lexer would be the better one, but in a procedural macro it reports what it cannot read as an error
//! of the crate that is being compiled, and a folder of sources may hold files that are no modules.

#![forbid(unsafe_code)]

/// A source text without what does not change its meaning.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct SourceText {
    /// The code. In the place of each literal of characters stands its number between quotes.
    pub(crate) code: String,
    /// The literals of characters, with their quotes.
    pub(crate) literals: Vec<String>,
    /// The documentation, which macros may read.
    pub(crate) docs: String,
}

impl SourceText {
    /// Splits a text. What looks unlike Rust is kept as code.
    pub(crate) fn of(text: &str) -> Self {
        let mut read = Self::default();
        let mut rest = text;
        while !rest.is_empty() {
            let (piece, length) = piece(rest, &read.code);
            let (piece_text, after) = rest.split_at(length);
            match piece {
                Piece::Code => {
                    if piece_text.starts_with(SEPARATORS) && read.code.ends_with(' ') {
                        read.code.pop();
                    }
                    read.code.push_str(piece_text);
                }
                Piece::Space if read.code.is_empty() || read.code.ends_with(' ') || read.code.ends_with(SEPARATORS) => {
                }
                Piece::Space => read.code.push(' '),
                Piece::Comment if is_doc(piece_text) => read.docs.push_str(piece_text),
                Piece::Comment => {}
                Piece::Literal => {
                    read.code.push_str(&format!("\"{}\"", read.literals.len()));
                    read.literals.push(piece_text.to_owned());
                }
            }
            rest = after;
        }
        if read.code.ends_with(' ') {
            read.code.pop();
        }
        read
    }

    /// The content of the plain or raw literal of text that `code` starts with, if it has no escapes.
    pub(crate) fn literal_at(&self, code: &str) -> Option<&str> {
        let number = code.strip_prefix('"')?.split('"').next()?;
        Self::content(self.literals.get(number.parse::<usize>().ok()?)?)
    }

    /// The content of a plain or raw literal of text, if it has no escapes.
    pub(crate) fn content(literal: &str) -> Option<&str> {
        let is_raw = literal.starts_with('r');
        let content = literal.trim_start_matches('r').trim_matches('#').strip_prefix('"')?.strip_suffix('"')?;
        (is_raw || !content.contains('\\')).then_some(content)
    }
}

/// White space beside these does not count.
const SEPARATORS: &[char] = &['(', ')', '[', ']', '{', '}', ',', ';'];

#[derive(Clone, Copy)]
enum Piece {
    Code,
    Space,
    Comment,
    Literal,
}

/// The first piece of `rest`, which is not empty, and its length. `before` is the code before it.
fn piece(rest: &str, before: &str) -> (Piece, usize) {
    let first = rest.chars().next().unwrap_or_default();
    if first.is_whitespace() {
        (Piece::Space, rest.find(|c: char| !c.is_whitespace()).unwrap_or(rest.len()))
    } else if rest.starts_with("//") {
        (Piece::Comment, rest.find('\n').unwrap_or(rest.len()))
    } else if rest.starts_with("/*") {
        (Piece::Comment, block_comment(rest))
    } else if first == '"' {
        (Piece::Literal, quoted(rest, '"'))
    } else if first == '\'' {
        character(rest).map_or((Piece::Code, 1), |length| (Piece::Literal, length))
    } else if first.is_alphanumeric() || first == '_' {
        // A word at once: `r` starts a raw literal only where it is a word of its own.
        let word = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
        let after_word = before.ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == '#');
        match raw(rest, word).filter(|_| !after_word) {
            Some(length) => (Piece::Literal, length),
            None => (Piece::Code, word),
        }
    } else {
        (Piece::Code, first.len_utf8())
    }
}

/// `///`, `//!`, `/**` and `/*!`, but not `////` and `/***`.
fn is_doc(comment: &str) -> bool {
    let starts = |doc: &str, more: &str| comment.starts_with(doc) && !comment.starts_with(more);
    starts("///", "////") || starts("/**", "/***") && comment != "/**/" || starts("//!", "\0") || starts("/*!", "\0")
}

/// The length of a comment that may contain others.
fn block_comment(text: &str) -> usize {
    let (mut depth, mut at) = (0_usize, 0);
    while let Some(found) = text[at..].find(['/', '*']) {
        at += found;
        if text[at..].starts_with("/*") {
            depth += 1;
            at += 2;
        } else if text[at..].starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += 1;
        }
    }
    text.len()
}

/// The length of a literal between quotes, with escapes.
fn quoted(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            c if c == quote => return at + c.len_utf8(),
            _ => {}
        }
    }
    text.len()
}

/// The length of a literal of one character. `None` if the quote starts a lifetime.
fn character(text: &str) -> Option<usize> {
    let mut characters = text.char_indices().skip(1);
    let (_, first) = characters.next()?;
    if first == '\\' {
        return Some(quoted(text, '\''));
    }
    let (at, second) = characters.next()?;
    (second == '\'').then_some(at + 1)
}

/// The length of a raw literal whose text starts with a word of this length: `r".."`, `br#".."#`.
fn raw(text: &str, word: usize) -> Option<usize> {
    let (word, rest) = text.split_at(word);
    if !matches!(word, "r" | "br" | "cr") {
        return None;
    }
    let hashes = rest.find(|c| c != '#')?;
    let content = rest[hashes..].strip_prefix('"')?;
    let end = format!("\"{}", &rest[..hashes]);
    let length = content.find(&end).map_or(content.len(), |at| at + end.len());
    Some(word.len() + hashes + 1 + length)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(text: &str) -> String {
        SourceText::of(text).code
    }

    #[test]
    fn comments_and_white_space_do_not_count() {
        let plain = SourceText::of("struct A { b: u8, c: &'static str }");
        for other in [
            "struct A {\n    b: u8, // the first\n    c: &'static str }",
            "struct A /* is /* not */ // empty \n*/ { b: u8,\tc: &'static str }",
        ] {
            let other = SourceText::of(other);
            assert_eq!(other.code.split_whitespace().collect::<String>(), plain.code.replace(' ', ""));
            assert_eq!((other.literals, other.docs), (Vec::new(), String::new()));
        }
        assert_ne!(code("a b"), code("ab"));
        for other in ["// a\nx(a, b); c & & d", "\nx( a,b ) ;c & & d /* e */\n"] {
            assert_eq!(code(other), "x(a,b);c & & d", "{other}");
        }
        assert_ne!(code("c & & d"), code("c && d"));
    }

    #[test]
    fn literals_are_kept_as_they_are() {
        let text = SourceText::of(
            r###"x("// a\" b", 'a', '\'', '"', b"c", r"d\", br#"e"f"#, 'life, r#type, "two
lines")"###,
        );
        assert_eq!(
            text.literals,
            [r#""// a\" b""#, "'a'", r"'\''", "'\"'", "\"c\"", r#"r"d\""#, r##"br#"e"f"#"##, "\"two\nlines\""]
        );
        assert_eq!(text.code, r#"x("0","1","2","3",b"4","5","6",'life,r#type,"7")"#);
        assert_ne!(SourceText::of("\"a b\""), SourceText::of("\"a  b\""));
    }

    #[test]
    fn the_content_of_a_literal_is_read_if_it_is_plain() {
        let text = SourceText::of(r##""a/b.rs" r"c\d" r#"e"# "f\\g" 'h'"##);
        let contents: Vec<_> = text.code.split(' ').map(|code| text.literal_at(code)).collect();
        assert_eq!(contents, [Some("a/b.rs"), Some(r"c\d"), Some("e"), None, None]);
    }

    #[test]
    fn documentation_is_kept_apart() {
        let text = SourceText::of("/// a\n//! b\n//// c\n/** d */ /*! e */ /*** f */ /**/ fn x() {}");
        assert_eq!(text.docs, "/// a//! b/** d *//*! e */");
        assert_eq!(text.code, "fn x(){}");
    }

    #[test]
    fn any_text_is_read_to_its_end() {
        for text in ["\"open", "'", "'a", "/* open", "r#\"open", "r", "r#", "é'é'\"é", "/", "*/"] {
            SourceText::of(text);
        }
    }
}
