//! Decodes text as kubectl does: UTF-8, or UTF-16 with a byte order mark, as PowerShell writes it.

use std::io::{self, BufRead, ErrorKind, Read};

/// The encoding of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// UTF-8, without a byte order mark.
    Utf8,
    /// UTF-8 after a byte order mark of three bytes.
    MarkedUtf8,
    /// UTF-16 with the low byte first, after a byte order mark of two bytes.
    Utf16Le,
    /// UTF-16 with the high byte first, after a byte order mark of two bytes.
    Utf16Be,
}

impl Encoding {
    /// Returns the encoding that the first bytes of a text show.
    pub fn of(start: &[u8]) -> Self {
        match start {
            [0xef, 0xbb, 0xbf, ..] => Self::MarkedUtf8,
            [0xff, 0xfe, ..] => Self::Utf16Le,
            [0xfe, 0xff, ..] => Self::Utf16Be,
            _ => Self::Utf8,
        }
    }

    /// The bytes of the byte order mark.
    pub fn mark(self) -> usize {
        match self {
            Self::Utf8 => 0,
            Self::MarkedUtf8 => 3,
            Self::Utf16Le | Self::Utf16Be => 2,
        }
    }

    fn unit(self, pair: [u8; 2]) -> u16 {
        if self == Self::Utf16Be { u16::from_be_bytes(pair) } else { u16::from_le_bytes(pair) }
    }
}

/// The bytes of a text are not valid in its encoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotText {
    /// `UTF-8` or `UTF-16`.
    pub encoding: &'static str,
    /// The line of the first invalid bytes.
    pub line: u32,
}

/// Decodes a text, without its byte order mark.
pub fn decode(mut bytes: Vec<u8>) -> Result<String, NotText> {
    let encoding = Encoding::of(&bytes);
    if matches!(encoding, Encoding::Utf16Le | Encoding::Utf16Be) {
        return decode_utf16(&bytes[encoding.mark()..], encoding);
    }
    bytes.drain(..encoding.mark());
    String::from_utf8(bytes).map_err(|error| {
        let before = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
        NotText { encoding: "UTF-8", line: u32::try_from(line).unwrap_or(u32::MAX) }
    })
}

fn decode_utf16(bytes: &[u8], encoding: Encoding) -> Result<String, NotText> {
    let (pairs, rest) = bytes.as_chunks::<2>();
    let mut text = String::with_capacity(pairs.len());
    let mut line = 1;
    let invalid = |line| NotText { encoding: "UTF-16", line };
    for character in char::decode_utf16(pairs.iter().map(|pair| encoding.unit(*pair))) {
        let character = character.map_err(|_| invalid(line))?;
        line += u32::from(character == '\n');
        text.push(character);
    }
    if rest.is_empty() { Ok(text) } else { Err(invalid(line)) }
}

/// Reads UTF-16 after its byte order mark as UTF-8, in pieces.
#[derive(Debug)]
pub struct Utf16Reader<R> {
    inner: R,
    encoding: Encoding,
    /// UTF-8 that was not read yet.
    ready: Vec<u8>,
    read: usize,
    /// The first half of a pair of surrogates.
    high: Option<u16>,
}

impl<R: BufRead> Utf16Reader<R> {
    /// Reads from a stream whose byte order mark was read.
    pub fn new(inner: R, encoding: Encoding) -> Self {
        Self { inner, encoding, ready: Vec::new(), read: 0, high: None }
    }

    /// Decodes the next piece; nothing is ready at the end.
    fn fill(&mut self) -> io::Result<()> {
        self.ready.clear();
        self.read = 0;
        while self.ready.is_empty() {
            let bytes = self.inner.fill_buf()?;
            let (units, used) = match bytes {
                [] if self.high.is_some() => return Err(invalid()),
                [] => return Ok(()),
                // Half of a unit at the end of a buffer.
                [first] => {
                    let first = *first;
                    self.inner.consume(1);
                    let mut second = [0];
                    self.inner.read_exact(&mut second).map_err(|_| invalid())?;
                    (vec![self.encoding.unit([first, second[0]])], 0)
                }
                _ => {
                    let (pairs, _) = bytes.as_chunks::<2>();
                    (pairs.iter().map(|pair| self.encoding.unit(*pair)).collect(), pairs.len() * 2)
                }
            };
            self.inner.consume(used);
            self.decode(units)?;
        }
        Ok(())
    }

    fn decode(&mut self, mut units: Vec<u16>) -> io::Result<()> {
        let is_high = |unit: &u16| (0xd800..0xdc00).contains(unit);
        let last = units.pop_if(|unit| is_high(unit));
        for character in char::decode_utf16(self.high.take().into_iter().chain(units)) {
            let character = character.map_err(|_| invalid())?;
            self.ready.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
        }
        self.high = last;
        Ok(())
    }
}

fn invalid() -> io::Error {
    io::Error::new(ErrorKind::InvalidData, "not valid UTF-16")
}

impl<R: BufRead> Read for Utf16Reader<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.read == self.ready.len() {
            self.fill()?;
        }
        let count = into.len().min(self.ready.len() - self.read);
        into[..count].copy_from_slice(&self.ready[self.read..self.read + count]);
        self.read += count;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use std::io::BufReader;

    use super::*;

    fn utf16(text: &str, bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
        std::iter::once(0xfeff).chain(text.encode_utf16()).flat_map(bytes).collect()
    }

    fn stream(bytes: &[u8], buffer: usize) -> io::Result<String> {
        let encoding = Encoding::of(bytes);
        let mut text = String::new();
        let bytes = BufReader::with_capacity(buffer, &bytes[encoding.mark()..]);
        Utf16Reader::new(bytes, encoding).read_to_string(&mut text).map(|_| text)
    }

    #[test]
    fn texts_with_a_mark_are_decoded() {
        for text in ["", "a: b\r\nc: é\n", "日本\u{1f600}\u{feff}x"] {
            assert_eq!(decode(text.as_bytes().to_vec()).as_deref(), Ok(text));
            assert_eq!(decode(format!("\u{feff}{text}").into_bytes()).as_deref(), Ok(text));
            for bytes in [utf16(text, u16::to_le_bytes), utf16(text, u16::to_be_bytes)] {
                assert_eq!(decode(bytes.clone()).as_deref(), Ok(text));
                for buffer in [1, 2, 3, 4, 5, 7, 64] {
                    assert_eq!(stream(&bytes, buffer).unwrap(), text, "{buffer}");
                }
            }
        }
    }

    #[test]
    fn invalid_bytes_have_their_line() {
        assert_eq!(decode(b"a\nb\xff".to_vec()), Err(NotText { encoding: "UTF-8", line: 2 }));
        for bytes in [
            &b"\xff\xfea\0\n\0\0\xd8"[..],
            b"\xff\xfea\0\n\0\0\xdcb\0",
            b"\xff\xfea\0\n\0b",
            b"\xfe\xff\0a\0\n\xd8\0\0b",
        ] {
            assert_eq!(decode(bytes.to_vec()), Err(NotText { encoding: "UTF-16", line: 2 }));
            assert!(stream(bytes, 3).is_err(), "{bytes:?}");
        }
    }
}
