//! The fingerprint of a crate's build.

#![forbid(unsafe_code)]

use std::fmt;

/// A hash of all that a crate's types depend on: sources, settings, and the builds of the crates that it depends on.
///
/// The macros compute it. Two crates with one fingerprint that one compiler has compiled have the same types.
///
/// In two words: aligned as a number it would make what contains it larger.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Fingerprint([u64; 2]);

impl Fingerprint {
    /// Reads 32 hexadecimal digits.
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() != 32 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        let number = |digits| u64::from_str_radix(digits, 16).ok();
        Some(Fingerprint([number(&text[..16])?, number(&text[16..])?]))
    }
}

/// The same 32 digits.
impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}{:016x}", self.0[0], self.0[1])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_is_32_hexadecimal_digits() {
        let fingerprint = Fingerprint::parse("00112233445566778899aabbccddeeff");
        assert_eq!(fingerprint, Some(Fingerprint([0x0011_2233_4455_6677, 0x8899_aabb_ccdd_eeff])));
        assert_eq!(fingerprint.unwrap().to_string(), "00112233445566778899aabbccddeeff");
        for text in [
            "",
            "0",
            "00112233445566778899aabbccddeefg",
            "+0112233445566778899aabbccddeeff",
            "é0112233445566778899aabbccddeef",
        ] {
            assert_eq!(Fingerprint::parse(text), None, "{text}");
        }
    }
}
