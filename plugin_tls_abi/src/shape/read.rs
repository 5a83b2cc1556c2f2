//! Reading a shape. The text comes from another binary, which may be newer.

#![forbid(unsafe_code)]

use super::format::{Kind, START};

/// How deep nodes may be nested. No type comes near it, and a damaged text must not exhaust the stack.
const DEPTH: usize = 1000;

/// The nodes of a shape.
#[derive(Debug)]
pub struct Shape<'a> {
    /// In preorder.
    nodes: Vec<Node<'a>>,
}

/// A type, or a part of one.
#[derive(Debug)]
pub struct Node<'a> {
    pub kind: Kind,
    pub name: &'a str,
    /// What each is about, and what it is.
    pub facts: Vec<(&'a str, &'a str)>,
    pub children: Vec<Child<'a>>,
}

/// A part of a node.
#[derive(Clone, Copy, Debug)]
pub struct Child<'a> {
    /// What a path to it has after the path to the parent.
    pub label: &'a str,
    pub offset: Option<usize>,
    /// The number of its node.
    pub node: usize,
}

impl<'a> Shape<'a> {
    /// `None` if the text is damaged, or of a version that this one cannot read.
    pub fn read(text: &'a str) -> Option<Self> {
        let mut reader = Reader { rest: text.strip_prefix(START)?, nodes: Vec::new() };
        let root = reader.node(DEPTH)?;
        (root == 0 && reader.rest.is_empty()).then_some(Shape { nodes: reader.nodes })
    }

    /// In preorder: the first is the whole type. There is at least one.
    pub fn nodes(&self) -> &[Node<'a>] {
        &self.nodes
    }
}

impl<'a> Node<'a> {
    /// What the node says about `label`; empty if it says nothing.
    pub fn fact(&self, label: &str) -> &'a str {
        self.facts.iter().find(|(known, _)| *known == label).map_or("", |(_, value)| value)
    }
}

struct Reader<'a> {
    rest: &'a str,
    nodes: Vec<Node<'a>>,
}

impl<'a> Reader<'a> {
    /// The number of the node.
    fn node(&mut self, depth: usize) -> Option<usize> {
        let letter = self.letter()?;
        if letter == b'R' {
            return self.number(';').filter(|number| *number < self.nodes.len());
        }
        let kind = Kind::of_letter(letter)?;
        let depth = depth.checked_sub(1)?;
        let name = self.text()?;
        let number = self.nodes.len();
        self.nodes.push(Node { kind, name, facts: Vec::new(), children: Vec::new() });
        loop {
            match self.letter()? {
                b')' => return Some(number),
                b'=' => {
                    let fact = (self.text()?, self.text()?);
                    self.nodes[number].facts.push(fact);
                }
                mark @ (b'.' | b'@') => {
                    let offset = if mark == b'@' { Some(self.number(';')?) } else { None };
                    let label = self.text()?;
                    let node = self.node(depth)?;
                    self.nodes[number].children.push(Child { label, offset, node });
                }
                _ => return None,
            }
        }
    }

    fn letter(&mut self) -> Option<u8> {
        let letter = *self.rest.as_bytes().first()?;
        self.rest = self.rest.get(1..)?;
        Some(letter)
    }

    fn number(&mut self, end: char) -> Option<usize> {
        let (digits, rest) = self.rest.split_once(end)?;
        // `parse` would accept a sign.
        let number = if digits.starts_with('+') { return None } else { digits.parse().ok()? };
        self.rest = rest;
        Some(number)
    }

    fn text(&mut self) -> Option<&'a str> {
        let length = self.number(':')?;
        let (text, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        Some(text)
    }
}

#[cfg(test)]
mod tests {
    use super::super::write::Writer;
    use super::*;

    /// A struct with a field that refers to the struct, and facts that contain the format's own characters.
    fn example() -> String {
        let mut writer = Writer::new();
        let number = writer.open(Kind::Struct, "api::Node");
        writer.number_fact("size", 16);
        writer.fact("note", ");=.@R0;é");
        writer.child(".next", Some(8));
        writer.open(Kind::Std, "std::boxed::Box");
        writer.child("", None);
        writer.reference(number);
        writer.close();
        writer.close();
        writer.text().to_owned()
    }

    #[test]
    fn what_is_written_is_read() {
        let text = example();
        let shape = Shape::read(&text).expect("it is whole");
        let [node, next] = shape.nodes() else { panic!("{shape:?}") };
        assert_eq!((node.kind, node.name, node.fact("note")), (Kind::Struct, "api::Node", ");=.@R0;é"));
        assert_eq!((node.fact("size"), node.fact("unknown")), ("16", ""));
        assert_eq!((node.children[0].label, node.children[0].offset, node.children[0].node), (".next", Some(8), 1));
        assert_eq!((next.name, next.children[0].offset, next.children[0].node), ("std::boxed::Box", None, 0));
    }

    #[test]
    fn damaged_texts_are_not_read() {
        let text = example();
        for end in (0..text.len()).filter(|end| text.is_char_boundary(*end)) {
            assert!(Shape::read(&text[..end]).is_none(), "{}", &text[..end]);
        }
        let longer = format!("{text})");
        let deep = format!("{START}{}", "B1:&.0:".repeat(DEPTH + 1)) + "B1:&" + &")".repeat(DEPTH + 2);
        for damaged in [
            longer.as_str(),
            deep.as_str(),
            "shape2;B2:u8)",
            "shape1;X2:u8)",
            "shape1;B99:u8)",
            "shape1;B+2:u8)",
            "shape1;B-2:u8)",
            "shape1;B1:é)",
            "shape1;B99999999999999999999999:u8)",
            "shape1;R0;",
            "shape1;B2:u8.0:R1;)",
            "shape1;é",
        ] {
            assert!(Shape::read(damaged).is_none(), "{damaged}");
        }
    }
}
