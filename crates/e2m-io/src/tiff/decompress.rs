//! Decompression as a stream: whatever the size of a chunk, only a few kilobytes of it are held.

use super::tags::Compression;
use super::xz::XzStream;
use crate::section::Section;
use ruzstd::decoding::{FrameDecoder, StreamingDecoder};
use std::io::{self, BufRead, BufReader, Read};

/// Compressed bytes are read in pieces of this size.
const BUFFER_BYTES: usize = 64 << 10;
/// The LZW decoder holds up to 64 bits back, so that many steps may neither take nor give a byte and still get on. Its own
/// status is no help: it says "no progress" with codes left where the output was too short for the next one.
const MAX_IDLE_LZW_STEPS: usize = 64;

/// Zstandard may look back this far: level 20 does, and no frame of a smaller chunk does.
pub(crate) const ZSTD_WINDOW_BYTES: u64 = 32 << 20;

/// The decompressed bytes of one chunk. What is an image of its own is decoded elsewhere.
///
/// Streams of LZMA may look back as far as `dictionary_bytes`.
pub(crate) fn decompress(
    compression: Compression,
    section: Section,
    length: u64,
    reversed_bits: bool,
    dictionary_bytes: u64,
) -> Box<dyn Read + Send> {
    let capacity = usize::try_from(length)
        .unwrap_or(BUFFER_BYTES)
        .clamp(1, BUFFER_BYTES);
    let input = BufReader::with_capacity(capacity, section);
    if reversed_bits {
        return of_stream(
            compression,
            BufReader::with_capacity(capacity, ReversedBits(input)),
            dictionary_bytes,
        );
    }
    of_stream(compression, input, dictionary_bytes)
}

fn of_stream(
    compression: Compression,
    input: impl BufRead + Send + 'static,
    dictionary_bytes: u64,
) -> Box<dyn Read + Send> {
    match compression {
        Compression::Deflate => Box::new(flate2::bufread::ZlibDecoder::new(input)),
        Compression::Lzw => Box::new(LzwReader::new(input)),
        Compression::PackBits => Box::new(PackBitsReader::new(input)),
        Compression::Lzma => Box::new(XzStream::new(input, dictionary_bytes)),
        Compression::Zstd => Box::new(ZstdReader::NotBegun(input)),
        _ => Box::new(input),
    }
}

/// Bytes whose least significant bit comes first (FillOrder 2).
struct ReversedBits<R>(R);

impl<R: Read> Read for ReversedBits<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let read = self.0.read(out)?;
        for byte in &mut out[..read] {
            *byte = byte.reverse_bits();
        }
        Ok(read)
    }
}

/// A Zstandard frame, whose header is read with its first bytes.
enum ZstdReader<R: Read> {
    NotBegun(R),
    Begun(Box<StreamingDecoder<R, FrameDecoder>>),
    Failed,
}

impl<R: Read> Read for ZstdReader<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let invalid = |error: String| io::Error::new(io::ErrorKind::InvalidData, error);
        match std::mem::replace(self, Self::Failed) {
            Self::NotBegun(input) => {
                let begun = StreamingDecoder::new_with_max_window_size(input, ZSTD_WINDOW_BYTES);
                *self = Self::Begun(Box::new(begun.map_err(|error| invalid(error.to_string()))?));
            }
            begun => *self = begun,
        }
        let Self::Begun(decoder) = self else {
            return Err(invalid("the stream has failed before".to_owned()));
        };
        let read = decoder.read(out);
        if let Err(error) = read {
            *self = Self::Failed;
            return Err(invalid(error.to_string()));
        }
        read
    }
}

/// LZW as TIFF has it: most significant bit first, code width switched one early.
struct LzwReader<R> {
    input: R,
    decoder: weezl::decode::Decoder,
}

impl<R: BufRead> LzwReader<R> {
    fn new(input: R) -> Self {
        let configuration =
            weezl::decode::Configuration::with_tiff_size_switch(weezl::BitOrder::Msb, 8);
        Self {
            input,
            decoder: configuration.with_yield_on_full_buffer(true).build(),
        }
    }
}

impl<R: BufRead> Read for LzwReader<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if out.is_empty() {
            return Ok(0);
        }
        let mut idle_steps = 0;
        while idle_steps < MAX_IDLE_LZW_STEPS {
            let step = self.decoder.decode_bytes(self.input.fill_buf()?, out);
            self.input.consume(step.consumed_in);
            if let Err(error) = step.status {
                return Err(io::Error::new(io::ErrorKind::InvalidData, error));
            }
            if step.consumed_out > 0 {
                return Ok(step.consumed_out);
            }
            idle_steps = if step.consumed_in > 0 {
                0
            } else {
                idle_steps + 1
            };
        }
        Ok(0) // with or without an end code: writers have been seen to leave it out
    }
}

/// What a PackBits stream is in the middle of.
#[derive(Clone, Copy)]
enum Run {
    Literal(usize),
    Repeat(usize, u8),
}

/// Apple's run lengths.
struct PackBitsReader<R> {
    input: R,
    run: Run,
}

impl<R: BufRead> PackBitsReader<R> {
    fn new(input: R) -> Self {
        Self {
            input,
            run: Run::Literal(0),
        }
    }

    /// The next byte, or none at the end.
    fn byte(&mut self) -> io::Result<Option<u8>> {
        let byte = self.input.fill_buf()?.first().copied();
        self.input.consume(usize::from(byte.is_some()));
        Ok(byte)
    }

    /// Reads headers until a run that is not empty; `false` at the end of the stream.
    fn next_run(&mut self) -> io::Result<bool> {
        while let Some(header) = self.byte()? {
            match header as i8 {
                length @ 0.. => self.run = Run::Literal(length as usize + 1),
                -128 => continue,
                length => {
                    let value = self.byte()?.ok_or(io::ErrorKind::UnexpectedEof)?;
                    self.run = Run::Repeat(1 + usize::from(length.unsigned_abs()), value);
                }
            }
            return Ok(true);
        }
        Ok(false)
    }
}

impl<R: BufRead> Read for PackBitsReader<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if out.is_empty() {
            return Ok(0);
        }
        if matches!(self.run, Run::Literal(0) | Run::Repeat(0, _)) && !self.next_run()? {
            return Ok(0);
        }
        match &mut self.run {
            Run::Literal(left) => {
                let wish = out.len().min(*left);
                let read = self.input.read(&mut out[..wish])?;
                *left -= read;
                Ok(read)
            }
            Run::Repeat(left, value) => {
                let length = out.len().min(*left);
                out[..length].fill(*value);
                *left -= length;
                Ok(length)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unpack(packed: &[u8]) -> io::Result<Vec<u8>> {
        let mut out = Vec::new();
        PackBitsReader::new(packed).read_to_end(&mut out)?;
        Ok(out)
    }

    #[test]
    fn pack_bits_of_the_specification() {
        let packed = [
            0xFE, 0xAA, 0x02, 0x80, 0x00, 0x2A, 0xFD, 0xAA, 0x03, 0x80, 0x00, 0x2A, 0x22, 0xF7,
            0xAA,
        ];
        let unpacked = [
            0xAA, 0xAA, 0xAA, 0x80, 0x00, 0x2A, 0xAA, 0xAA, 0xAA, 0xAA, 0x80, 0x00, 0x2A, 0x22,
            0xAA, 0xAA, 0xAA, 0xAA, 0xAA, 0xAA, 0xAA, 0xAA, 0xAA, 0xAA,
        ];
        assert_eq!(unpack(&packed).expect("unpacks"), unpacked);
    }

    #[test]
    fn pack_bits_ends_where_its_input_ends() {
        assert_eq!(unpack(&[]).expect("empty"), [0; 0]);
        assert_eq!(unpack(&[0x80, 0x80]).expect("only padding"), [0; 0]);
        assert_eq!(unpack(&[5, 1, 2]).expect("short literal"), [1, 2]);
        assert!(unpack(&[0xFE]).is_err());
    }
}
