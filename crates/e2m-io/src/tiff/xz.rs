//! Strips and tiles compressed with LZMA: streams of the xz format, as libtiff and tifffile write them.

use lzma_rust2::XzReader;
use std::io::{self, Read};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// The beginning of a stream that tells how much its decoder holds: the stream's header and that of its first block.
pub(crate) const LOOK_BYTES: u64 = 64;
/// What a decoder holds beside the dictionary: probabilities, and what was read and not yet decoded.
pub(crate) const BESIDE_DICTIONARY_BYTES: u64 = 256 << 10;

/// The first bytes of every stream, as far as two bytes tell.
pub(crate) const MAGIC: [u8; 2] = [0xfd, b'7'];
/// Bytes of a stream's header.
const HEADER_BYTES: usize = 12;
/// The number of the filter LZMA2.
const LZMA2: u64 = 0x21;

/// How far back the first block of a stream may look, bytes; `None` for what is no such stream.
pub(crate) fn dictionary_bytes(stream: &[u8]) -> Option<u64> {
    let block = stream
        .strip_prefix(b"\xfd7zXZ\0")?
        .get(HEADER_BYTES - 6..)?;
    let (&flags, mut fields) = (block.get(1)?, block.get(2..)?);
    // Compressed and uncompressed size, where they are given.
    for given in [0x40, 0x80] {
        if flags & given != 0 {
            number(&mut fields)?;
        }
    }
    for _ in 0..=flags & 3 {
        let (filter, length) = (number(&mut fields)?, number(&mut fields)? as usize);
        let properties = fields.get(..length)?;
        fields = &fields[length..];
        if filter == LZMA2 {
            let bits = u32::from(*properties.first()? & 0x3f);
            // The xz format: 2 or 3 times a power of two.
            return (bits < 40).then(|| u64::from(2 | bits & 1) << (bits / 2 + 11));
        }
    }
    None
}

/// A number of seven bits a byte, the least significant ones first.
fn number(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for i in 0..9 {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        number |= u64::from(byte & 0x7f) << (7 * i);
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

/// The decompressed bytes of a stream.
pub(super) struct XzStream<R: Read>(Option<XzReader<R>>);

impl<R: Read> XzStream<R> {
    /// A stream whose blocks look back no farther than `dictionary_bytes`; one that does is an error where it is read.
    pub(super) fn new(input: R, dictionary_bytes: u64) -> Self {
        let limit = (dictionary_bytes + BESIDE_DICTIONARY_BYTES) >> 10;
        let limit = u32::try_from(limit).unwrap_or(u32::MAX);
        Self(Some(XzReader::new_mem_limit(input, false, limit)))
    }
}

impl<R: Read> Read for XzStream<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let invalid = |what: &str| io::Error::new(io::ErrorKind::InvalidData, what.to_owned());
        let reader = (self.0.as_mut()).ok_or_else(|| invalid("the stream has failed before"))?;
        // The decoder is others' work, and streams may be damaged in any way: what makes it panic is a damaged stream.
        let read = catch_unwind(AssertUnwindSafe(|| reader.read(out)))
            .unwrap_or_else(|_| Err(invalid("its decoder gave up")));
        if read.is_err() {
            self.0 = None;
        }
        read.map_err(|error| match error.kind() {
            io::ErrorKind::OutOfMemory => invalid("a dictionary larger than that of the first"),
            io::ErrorKind::Unsupported => invalid(&error.to_string()),
            _ => error,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A stream's header, and that of a block with these flags and fields.
    fn stream(flags: u8, fields: &[u8]) -> Vec<u8> {
        let mut bytes = b"\xfd7zXZ\0\0\x04\xe6\xd6\xb4\x46\x02".to_vec();
        bytes.push(flags);
        bytes.extend(fields);
        bytes.extend([0; 8]);
        bytes
    }

    #[test]
    fn a_block_tells_how_far_it_looks_back() {
        let of = |flags, fields: &[u8]| dictionary_bytes(&stream(flags, fields));
        assert_eq!(of(0, &[0x21, 1, 22]), Some(8 << 20));
        assert_eq!(of(0, &[0x21, 1, 0]), Some(4096));
        assert_eq!(of(0, &[0x21, 1, 1]), Some(6144));
        // Behind differences, as libtiff writes it, and behind both sizes.
        assert_eq!(of(1, &[0x03, 1, 1, 0x21, 1, 28]), Some(64 << 20));
        assert_eq!(of(0xc0, &[0x80, 0x01, 5, 0x21, 1, 22]), Some(8 << 20));
        assert_eq!(of(0, &[0x21, 1, 40]), None);
        assert_eq!(of(0, &[0x04, 0, 0]), None);
    }

    #[test]
    fn what_is_no_stream_is_an_error_each_time() {
        let whole = stream(1, &[0x03, 1, 1, 0x21, 1, 28]);
        for length in 0..whole.len() {
            let cut = &whole[..length];
            if length < HEADER_BYTES + 8 {
                assert_eq!(dictionary_bytes(cut), None, "{length}");
            }
            let mut reader = XzStream::new(cut, 1 << 20);
            for _ in 0..2 {
                assert!(reader.read(&mut [0; 9]).is_err(), "{length}");
            }
        }
    }
}
