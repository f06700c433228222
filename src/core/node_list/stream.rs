//! Parses the items of a JSON list in a stream as fast as those of a text in memory.
//!
//! `serde_json` reads a stream byte by byte, which takes three times as long as reading a slice. So the list around the items is
//! read from the stream, and each item from the buffer of the stream. Only `serde_json` decides where an item ends.

use std::cell::RefCell;
use std::io::{self, Read};

use serde::de::{Deserialize, DeserializeSeed, Deserializer, IgnoredAny};

use crate::core::kubernetes::node::RawNode;

/// A stream for [`serde_json::Deserializer::from_reader`], which parses each [`Item`] ahead.
pub(super) struct Stream<'a>(RefCell<Buffer<'a>>);

struct Buffer<'a> {
    text: &'a mut dyn Read,
    bytes: Vec<u8>,
    size: usize,
    /// The index of the next byte that the parser of the stream reads.
    next: usize,
    /// The error that follows the bytes.
    failed: Option<io::Error>,
    lines_ahead: usize,
}

impl<'a> Stream<'a> {
    /// Reads a text through a buffer of `size` bytes.
    pub(super) fn new(text: &'a mut dyn Read, size: usize) -> Self {
        let bytes = Vec::with_capacity(size);
        Self(RefCell::new(Buffer { text, bytes, size, next: 0, failed: None, lines_ahead: 0 }))
    }

    /// The lines in items that were parsed ahead: the parser of the stream does not count them.
    pub(super) fn lines_ahead(&self) -> usize {
        self.0.borrow().lines_ahead
    }
}

impl Buffer<'_> {
    /// Drops the first `used` bytes, and fills the buffer. Returns the number of new bytes.
    fn fill(&mut self, used: usize) -> usize {
        self.bytes.drain(..used);
        self.next -= used;
        let before = self.bytes.len();
        if self.failed.is_none() {
            let missing = (self.size - before) as u64;
            self.failed = (&mut self.text).take(missing).read_to_end(&mut self.bytes).err();
        }
        self.bytes.len() - before
    }

    /// Parses the node whose first byte was read last. Returns nothing, and changes nothing for the parser of the stream, if
    /// it is invalid or larger than the buffer: then that parser reads it, and finds the error.
    fn item(&mut self) -> Option<RawNode> {
        loop {
            let first = self.next.checked_sub(1)?;
            let mut items = serde_json::Deserializer::from_slice(&self.bytes[first..]).into_iter();
            match items.next()? {
                Ok(node) => {
                    // The parser of the stream reads the last byte next. With the first one, it sees `{}` or `[]`.
                    let last = first + items.byte_offset() - 1;
                    self.lines_ahead += memchr::memchr_iter(b'\n', &self.bytes[self.next..last]).count();
                    self.next = last;
                    return Some(node);
                }
                Err(error) if error.is_eof() && self.fill(first) > 0 => {}
                Err(_) => return None,
            }
        }
    }
}

impl Read for &Stream<'_> {
    /// Reads one byte: `serde_json` asks for no more.
    #[inline]
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let Some(into) = into.first_mut() else { return Ok(0) };
        let mut buffer = self.0.borrow_mut();
        if buffer.next == buffer.bytes.len() {
            let used = buffer.next;
            if buffer.fill(used) == 0 {
                return buffer.failed.take().map_or(Ok(0), Err);
            }
        }
        *into = buffer.bytes[buffer.next];
        buffer.next += 1;
        Ok(1)
    }
}

/// Reads the next node of a list, in the buffer of the stream if there is one.
pub(super) struct Item<'a, 's>(pub(super) Option<&'a Stream<'s>>);

impl<'de> DeserializeSeed<'de> for Item<'_, '_> {
    type Value = RawNode;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<RawNode, D::Error> {
        // serde_json has read the first byte of the item and no other one, to see whether the list goes on.
        match self.0.and_then(|stream| stream.0.borrow_mut().item()) {
            Some(node) => IgnoredAny::deserialize(deserializer).map(|_| node),
            None => RawNode::deserialize(deserializer),
        }
    }
}
