//! The notes by which images with a store are found, on Linux (x86_64 and aarch64).
//!
//! The store's crate puts an ELF note into each image that it is linked into. The linker and `strip` keep notes, and the
//! loader maps them. The note's descriptor is the distance from the descriptor to a pointer, which leads to the
//! [`Allocator`] of the image. In a plugin, where a linker that optimizes can leave the note, the pointer is null.

use crate::allocator::Allocator;

/// An image with a store.
#[derive(Clone, Copy, Debug)]
pub struct Noted {
    /// The functions of its global allocator. They may be called as long as the image is mapped.
    pub allocator: &'static Allocator,
    pub is_executable: bool,
    /// The system lists the image before that of the caller.
    pub is_earlier: bool,
}

/// The images with a store, in the order in which they were loaded, without the image that `here` lies in. None if that is
/// the executable, which no host has loaded.
///
/// Allocates nothing. An image that is no executable may be unmapped at any time, as every library may.
#[cfg(not(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64"))))]
pub fn others(_here: *const u8) -> impl Iterator<Item = Noted> {
    std::iter::empty()
}

/// The images with a store, in the order in which they were loaded, without the image that `here` lies in. None if that is
/// the executable, which no host has loaded.
///
/// Allocates nothing. An image that is no executable may be unmapped at any time, as every library may.
#[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
pub fn others(here: *const u8) -> impl Iterator<Item = Noted> {
    use super::image;

    /// So many images are looked at. More than two in one process are unusual.
    const MOST: usize = 16;

    let mut found = [None; MOST];
    let mut count = 0;
    let mut is_earlier = true;
    image::find(|image| {
        if image.contains(here.cast()) {
            is_earlier = false;
            if image.is_executable() {
                count = 0;
                return Some(());
            }
        } else if let Some(allocator) = linux::allocator_of(image) {
            found[count] = Some(Noted { allocator, is_executable: image.is_executable(), is_earlier });
            count += 1;
        }
        (count == MOST).then_some(())
    });
    found.into_iter().take(count).flatten()
}

#[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
mod linux {
    use super::super::image::Image;
    use super::Allocator;
    use crate::header::Header;

    /// The note's name, with the zero that ends it.
    const NAME: &[u8] = b"plugin_tls\0";
    /// The note's type.
    const TYPE: u32 = 1;

    /// What the image's note leads to, if there is one and this binary can work with it.
    pub(super) fn allocator_of(image: &Image<'_>) -> Option<&'static Allocator> {
        let pointer = image.notes().find_map(|(notes, align)| target_in(notes, align))?;
        if !image.contains(pointer.cast()) || pointer.addr() % align_of::<*const Allocator>() != 0 {
            return None;
        }
        // SAFETY: only the store's crate writes such notes. It puts a pointer where the note leads to. The pointer is in a
        // segment of the image, which is mapped while the caller looks at it, and it is aligned.
        let allocator = unsafe { *pointer };
        // In an image that the loader has not prepared yet, the pointer is not an address.
        if !image.contains(allocator.cast()) || allocator.addr() % align_of::<Allocator>() != 0 {
            return None;
        }
        // SAFETY: the pointer leads into the image, and by its contract to a structure that starts with a header.
        let header = unsafe { *allocator.cast::<Header>() };
        header.check::<Allocator>().ok()?;
        // SAFETY: the header says that it is such a structure. It is a static that nothing writes.
        Some(unsafe { &*allocator })
    }

    /// What the descriptor of the first note of ours leads to.
    fn target_in(mut notes: &[u8], align: usize) -> Option<*const *const Allocator> {
        loop {
            let (head, rest) = notes.split_at_checked(12)?;
            let word = |at: usize| u32::from_ne_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
            let (name_size, size) = (word(0) as usize, word(4) as usize);
            let descriptor_at = (12 + name_size).next_multiple_of(align) - 12;
            let name = rest.get(..name_size)?;
            let descriptor = rest.get(descriptor_at..descriptor_at.checked_add(size)?)?;
            if name == NAME && word(8) == TYPE {
                let distance = i32::from_ne_bytes(descriptor.try_into().ok()?);
                return Some(descriptor.as_ptr().wrapping_offset(distance as isize).cast());
            }
            notes = notes.get((12 + descriptor_at + size).next_multiple_of(align)..)?;
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        fn note(name: &[u8], kind: u32, descriptor: &[u8], align: usize) -> Vec<u8> {
            let mut note: Vec<u8> =
                [name.len() as u32, descriptor.len() as u32, kind].into_iter().flat_map(u32::to_ne_bytes).collect();
            note.extend(name);
            note.resize(note.len().next_multiple_of(align), 0);
            note.extend(descriptor);
            note.resize(note.len().next_multiple_of(align), 0);
            note
        }

        #[test]
        fn the_note_is_found_among_others() {
            for align in [4, 8] {
                let mut notes = note(b"GNU\0", 3, &[7; 20], align);
                notes.extend(note(NAME, 9, &[1, 2, 3, 4], align));
                notes.extend(note(b"", 1, &[], align));
                let at = notes.len() + 24;
                notes.extend(note(NAME, TYPE, &(-8_i32).to_ne_bytes(), align));
                assert_eq!(target_in(&notes, align), Some(notes[at - 8..].as_ptr().cast()), "{align}");
                assert_eq!(target_in(&notes[..at], align), None, "{align}: the notes end too early");
            }
            assert_eq!(target_in(&[0xff; 40], 4), None, "sizes that lead nowhere");
        }
    }
}
