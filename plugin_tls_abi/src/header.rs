//! How each structure that stands alone starts, and the one check of it.

#![forbid(unsafe_code)]

/// The first eight bytes of every structure with a header.
pub const MAGIC: u64 = u64::from_le_bytes(*b"plug_tls");
/// Changes when a binary of the other version could not be served.
pub const MAJOR: u16 = 1;
/// Grows with each field that is added at the end of a structure.
pub const MINOR: u16 = 0;

/// The start of a structure.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Header {
    pub magic: u64,
    pub major: u16,
    pub minor: u16,
    /// Bytes of the whole structure, this header included.
    pub size: u32,
}

/// What is wrong with a header.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum HeaderError {
    /// Other bytes stand where the magic number should be.
    Magic(u64),
    /// The other binary speaks this major version.
    Major(u16),
    /// The structure has fewer bytes than this binary needs.
    Size { found: usize, needed: usize },
}

impl Header {
    /// The header of a `T` as this version has it.
    pub const fn of<T>() -> Self {
        assert!(size_of::<T>() <= u32::MAX as usize);
        Header { magic: MAGIC, major: MAJOR, minor: MINOR, size: size_of::<T>() as u32 }
    }

    /// Whether this header may stand before a `T` that this binary can work with.
    ///
    /// # Errors
    ///
    /// The first thing that is wrong with it: magic number, then major version, then size.
    pub fn check<T>(self) -> Result<(), HeaderError> {
        let (found, needed) = (self.size as usize, size_of::<T>());
        if self.magic != MAGIC {
            Err(HeaderError::Magic(self.magic))
        } else if self.major != MAJOR {
            Err(HeaderError::Major(self.major))
        } else if found < needed {
            Err(HeaderError::Size { found, needed })
        } else {
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_checked_from_its_start() {
        type Checked = [u64; 4];
        let good = Header::of::<Checked>();
        assert_eq!(good.check::<Checked>(), Ok(()));
        assert_eq!(Header { size: 100, minor: 7, ..good }.check::<Checked>(), Ok(()), "a newer minor version");
        let short = Header { size: 31, ..good };
        assert_eq!(short.check::<Checked>(), Err(HeaderError::Size { found: 31, needed: 32 }));
        let other = Header { major: 9, ..short };
        assert_eq!(other.check::<Checked>(), Err(HeaderError::Major(9)));
        assert_eq!(Header { magic: 5, ..other }.check::<Checked>(), Err(HeaderError::Magic(5)));
    }
}
