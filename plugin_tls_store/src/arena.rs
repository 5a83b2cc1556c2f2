//! Memory that is filled piece by piece and freed as one.

/// How much is allocated at once, in bytes: at first, and at most, unless more is needed.
const CHUNK: std::ops::RangeInclusive<usize> = 1 << 10..=1 << 16;

/// Values that stay where they are.
///
/// References that an arena gives out are `'static`, although the arena can be dropped and values can be taken back. So
/// the functions that give them out are unsafe, and their callers guarantee that no reference is used after that.
#[derive(Debug)]
pub(crate) struct Arena<T> {
    /// None of them ever grows beyond the capacity that it was made with, because that would move its values.
    chunks: Vec<Vec<T>>,
}

/// How full an arena is.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Mark {
    chunk: usize,
    length: usize,
}

impl<T: 'static> Arena<T> {
    pub(crate) const fn new() -> Self {
        Arena { chunks: Vec::new() }
    }

    /// Makes room for `count` values next to each other.
    pub(crate) fn reserve(&mut self, count: usize) {
        let last = self.chunks.last();
        if last.is_none_or(|last| last.capacity() - last.len() < count) {
            let bytes = last.map_or(0, |last| 2 * last.capacity() * size_of::<T>()).clamp(*CHUNK.start(), *CHUNK.end());
            self.chunks.push(Vec::with_capacity(count.max(bytes / size_of::<T>())));
        }
    }

    /// Adds a value.
    ///
    /// # Safety
    ///
    /// The reference is not used after the arena was dropped or the value was taken back.
    pub(crate) unsafe fn push(&mut self, value: T) -> &'static T {
        // SAFETY: the caller guarantees what `add` asks.
        unsafe { &self.add(1, |chunk| chunk.push(value))[0] }
    }

    /// Lets `fill` add `count` values to a chunk that has room for them.
    ///
    /// # Safety
    ///
    /// The reference is not used after the arena was dropped or the values were taken back.
    unsafe fn add(&mut self, count: usize, fill: impl FnOnce(&mut Vec<T>)) -> &'static [T] {
        self.reserve(count);
        let chunk = self.chunks.last_mut().expect("room has been made");
        let start = chunk.len();
        fill(chunk);
        let added = &chunk[start..];
        // SAFETY:
        // - `reserve` made room, so that the chunk has not moved, and it never will.
        // - The caller guarantees that the values are not used after they were freed. Nothing writes them: the arena gives
        //   out shared references only.
        unsafe { std::slice::from_raw_parts(added.as_ptr(), added.len()) }
    }

    pub(crate) fn mark(&self) -> Mark {
        Mark { chunk: self.chunks.len().saturating_sub(1), length: self.chunks.last().map_or(0, Vec::len) }
    }

    /// What has been added since `mark`.
    ///
    /// # Safety
    ///
    /// The references are not used after the arena was dropped or the values were taken back.
    pub(crate) unsafe fn since(&self, mark: Mark) -> impl Iterator<Item = &'static T> {
        let values = self.chunks.iter().skip(mark.chunk).flatten().skip(mark.length);
        // SAFETY: the caller guarantees that the values are not used after they were freed. They do not move.
        values.map(|value| unsafe { &*std::ptr::from_ref(value) })
    }

    /// Takes back and drops what has been added since `mark`.
    ///
    /// # Safety
    ///
    /// No reference to such a value is used any more.
    pub(crate) unsafe fn undo(&mut self, mark: Mark) {
        self.chunks.truncate(mark.chunk + 1);
        if let Some(last) = self.chunks.get_mut(mark.chunk) {
            last.truncate(mark.length);
        }
    }
}

impl Arena<u8> {
    /// Adds a copy of `text`.
    ///
    /// # Safety
    ///
    /// The reference is not used after the arena was dropped or the text was taken back.
    pub(crate) unsafe fn copy(&mut self, text: &str) -> &'static str {
        // SAFETY: the caller guarantees what `add` asks, and the bytes are those of a `str`.
        unsafe { std::str::from_utf8_unchecked(self.add(text.len(), |chunk| chunk.extend_from_slice(text.as_bytes()))) }
    }
}

/// Values, and the texts that they have copied of binaries.
#[derive(Debug)]
pub(crate) struct WithTexts<T> {
    pub(crate) values: Arena<T>,
    pub(crate) texts: Arena<u8>,
}

impl<T: 'static> WithTexts<T> {
    pub(crate) const fn new() -> Self {
        WithTexts { values: Arena::new(), texts: Arena::new() }
    }

    pub(crate) fn mark(&self) -> (Mark, Mark) {
        (self.values.mark(), self.texts.mark())
    }

    /// Takes back what has been added since the mark.
    ///
    /// # Safety
    ///
    /// No reference to any of it is used any more.
    pub(crate) unsafe fn undo(&mut self, (values, texts): (Mark, Mark)) {
        // SAFETY: the caller guarantees it for both.
        unsafe {
            self.values.undo(values);
            self.texts.undo(texts);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_stay_in_place_until_they_are_taken_back() {
        let mut arena = Arena::new();
        // SAFETY: the references are used before the arena is dropped.
        let first = unsafe { arena.push(1_u64) };
        let mark = arena.mark();
        for value in 0..10_000 {
            // SAFETY: the reference is not used.
            unsafe { arena.push(value) };
        }
        assert_eq!(*first, 1);
        // SAFETY: the references are used up here.
        assert_eq!(unsafe { arena.since(mark) }.copied().collect::<Vec<_>>(), (0..10_000).collect::<Vec<_>>());
        // SAFETY: no reference to what comes after the mark is left.
        unsafe { arena.undo(mark) };
        // SAFETY: the references are used up here.
        assert_eq!(unsafe { arena.since(Mark::default()) }.copied().collect::<Vec<_>>(), [1]);
    }
}
