//! Memory that is filled piece by piece and freed as one.

/// How much is allocated at once, in bytes: at first, and at most, unless more is needed.
const CHUNK: std::ops::RangeInclusive<usize> = 1 << 10..=1 << 16;

/// Values that stay where they are. Whoever drops the arena, or takes values back, sees to it that nobody refers to them
/// any more.
#[derive(Debug)]
pub(crate) struct Arena<T> {
    /// None of them ever grows beyond the capacity that it was made with, for that would move what it has.
    chunks: Vec<Vec<T>>,
}

/// How full an arena is.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Mark {
    chunk: usize,
    length: usize,
}

impl<T: 'static> Arena<T> {
    pub(super) const fn new() -> Self {
        Arena { chunks: Vec::new() }
    }

    /// Makes room for as many values, next to each other.
    pub(super) fn reserve(&mut self, count: usize) {
        let last = self.chunks.last();
        if last.is_none_or(|last| last.capacity() - last.len() < count) {
            let bytes = last.map_or(0, |last| 2 * last.capacity() * size_of::<T>()).clamp(*CHUNK.start(), *CHUNK.end());
            self.chunks.push(Vec::with_capacity(count.max(bytes / size_of::<T>())));
        }
    }

    pub(super) fn push(&mut self, value: T) -> &'static T {
        &self.add(1, |chunk| chunk.push(value))[0]
    }

    /// `fill` adds as many values to a chunk that has room for them.
    fn add(&mut self, count: usize, fill: impl FnOnce(&mut Vec<T>)) -> &'static [T] {
        self.reserve(count);
        let chunk = self.chunks.last_mut().expect("room has been made");
        let start = chunk.len();
        fill(chunk);
        // SAFETY: they have been written just now, stay in place, and are not freed as long as anybody refers to them: the
        // word of whoever frees them.
        unsafe { std::slice::from_raw_parts(chunk.as_ptr().add(start), chunk.len() - start) }
    }

    pub(super) fn mark(&self) -> Mark {
        Mark { chunk: self.chunks.len().saturating_sub(1), length: self.chunks.last().map_or(0, Vec::len) }
    }

    /// What has been added since.
    pub(super) fn since(&self, mark: Mark) -> impl Iterator<Item = &'static T> {
        let values = self.chunks.iter().skip(mark.chunk).flatten().skip(mark.length);
        // SAFETY: as when they were added.
        values.map(|value| unsafe { &*std::ptr::from_ref(value) })
    }

    /// Takes back what has been added since.
    pub(super) fn undo(&mut self, mark: Mark) {
        self.chunks.truncate(mark.chunk + 1);
        if let Some(last) = self.chunks.get_mut(mark.chunk) {
            last.truncate(mark.length);
        }
    }
}

impl Arena<u8> {
    pub(super) fn copy(&mut self, text: &str) -> &'static str {
        let bytes = self.add(text.len(), |chunk| chunk.extend_from_slice(text.as_bytes()));
        // SAFETY: the bytes of a text.
        unsafe { std::str::from_utf8_unchecked(bytes) }
    }
}
