//! Writing a shape.

#![forbid(unsafe_code)]

use super::format::{Kind, START};

/// Writes the text of one shape.
///
/// ```
/// use plugin_tls_abi::shape::{Kind, Shape, Writer};
///
/// let mut writer = Writer::new();
/// writer.open(Kind::Std, "std::vec::Vec");
/// writer.child("[item]", None);
/// writer.open(Kind::Builtin, "u8");
/// writer.close();
/// writer.close();
/// assert_eq!(writer.text(), "shape1;T13:std::vec::Vec.6:[item]B2:u8))");
/// assert_eq!(Shape::read(writer.text()).unwrap().nodes()[1].name, "u8");
/// ```
#[derive(Debug)]
pub struct Writer {
    text: String,
    nodes: usize,
}

impl Writer {
    #[allow(clippy::new_without_default, reason = "it starts with some text")]
    pub fn new() -> Self {
        let mut text = String::with_capacity(512);
        text.push_str(START);
        Writer { text, nodes: 0 }
    }

    /// Begins a node, and returns its number. Facts, then children, then [`close`](Self::close) follow.
    pub fn open(&mut self, kind: Kind, name: &str) -> usize {
        self.text.push(char::from(kind.letter()));
        self.push(name);
        self.nodes += 1;
        self.nodes - 1
    }

    /// A fact about the node that is open.
    pub fn fact(&mut self, label: &str, value: &str) {
        self.text.push('=');
        self.push(label);
        self.push(value);
    }

    /// A fact that is a number.
    pub fn number_fact(&mut self, label: &str, value: usize) {
        let digits = Digits::of(value);
        self.fact(label, digits.text());
    }

    /// A child of the node that is open. The child's node, or a reference, follows.
    pub fn child(&mut self, label: &str, offset: Option<usize>) {
        match offset {
            None => self.text.push('.'),
            Some(offset) => {
                self.text.push('@');
                self.number(offset, ';');
            }
        }
        self.push(label);
    }

    /// A type that the node with this number stands for.
    pub fn reference(&mut self, node: usize) {
        self.text.push('R');
        self.number(node, ';');
    }

    /// Ends the node that is open.
    pub fn close(&mut self) {
        self.text.push(')');
    }

    /// What has been written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What has been written.
    pub fn into_text(self) -> String {
        self.text
    }

    fn push(&mut self, text: &str) {
        self.number(text.len(), ':');
        self.text.push_str(text);
    }

    fn number(&mut self, number: usize, end: char) {
        self.text.push_str(Digits::of(number).text());
        self.text.push(end);
    }
}

/// A number in decimal digits. `format!` would bring its machinery into every plugin.
struct Digits {
    /// The last ones are used.
    bytes: [u8; 20],
    start: usize,
}

impl Digits {
    fn of(mut number: usize) -> Self {
        let mut digits = Digits { bytes: [b'0'; 20], start: 20 };
        loop {
            digits.start -= 1;
            digits.bytes[digits.start] = b'0' + (number % 10) as u8;
            number /= 10;
            if number == 0 {
                return digits;
            }
        }
    }

    fn text(&self) -> &str {
        std::str::from_utf8(&self.bytes[self.start..]).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::Digits;

    #[test]
    fn digits_are_those_of_std() {
        for number in [0, 7, 10, 4095, usize::MAX] {
            assert_eq!(Digits::of(number).text(), number.to_string());
        }
    }
}
