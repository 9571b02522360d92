//! Whether an image can be as large as it says, in a file of this length.
//!
//! A deflate stream can stand for a thousand times its own bytes, an LZW stream for more, a JPEG stream for some hundred times.
//! Strips that lie over one another can stand for anything. Without a limit a file of 1 MB may ask for gigabytes and for
//! minutes. These checks refuse a file by its header, before anything is allocated.

use super::codec;
use super::decompress::ZSTD_WINDOW_BYTES;
use super::layout::ImageLayout;
use super::problem::TiffProblem;
use super::tags::{ChunkLayout, Compression};
use super::xz;

/// What takes no more than this is read whatever the file's length: blank images compress to almost nothing.
const HARMLESS_BYTES: u64 = 64_000_000;
/// Reading may hold so many times the bytes of the file.
///
/// Black background takes 1/1000 of its pixels in deflate and 1/250 in JPEG, pixels with a camera's noise take 3 bit or more.
/// An image of one 8 bit channel stays below 200 times its file as soon as 1.1 % of it is not black, an RGB image, of which
/// one channel is held, as soon as 0.6 % is not: no section that can be aligned is smaller. And 200 times 1 MB, with what
/// decoders need besides, stays below 256 MB.
const MAX_HELD_PER_BYTE: u64 = 200;
/// And so many times the bytes of the file may have to be decoded: three channels of what may be held of one.
const MAX_DECODED_PER_BYTE: u64 = 3 * MAX_HELD_PER_BYTE;
/// Strips and tiles together may take so many times the bytes of the file. They can share bytes: some writers store one blank
/// tile for many. But a thousand whole images over one another are not an image.
const MAX_SHARING: u64 = 4;

/// Whether what an image of `size` needs is in proportion to its file.
pub(crate) mod check_proportion {
    use super::{HARMLESS_BYTES, MAX_DECODED_PER_BYTE, MAX_HELD_PER_BYTE, TiffProblem};
    use e2m_image::Size;

    /// Fails where so many bytes in memory are too many.
    pub(crate) fn held(size: Size, bytes: u64, file_bytes: u64) -> Result<(), TiffProblem> {
        check(size, ("in memory", MAX_HELD_PER_BYTE), bytes, file_bytes)
    }

    /// Fails where so many bytes to be decoded are too many.
    pub(crate) fn decoded(size: Size, bytes: u64, file_bytes: u64) -> Result<(), TiffProblem> {
        check(
            size,
            ("decompressed", MAX_DECODED_PER_BYTE),
            bytes,
            file_bytes,
        )
    }

    fn check(
        size: Size,
        (what, most): (&'static str, u64),
        needed_bytes: u64,
        file_bytes: u64,
    ) -> Result<(), TiffProblem> {
        let limit_bytes = file_bytes.saturating_mul(most).max(HARMLESS_BYTES);
        if needed_bytes <= limit_bytes {
            return Ok(());
        }
        Err(TiffProblem::Implausible {
            size,
            what,
            needed_bytes,
            file_bytes,
            limit_bytes,
        })
    }
}

impl ImageLayout {
    /// Fails where strips or tiles together are far longer than their file.
    pub(super) fn check_sharing(&self) -> Result<(), TiffProblem> {
        let stored = self
            .lengths
            .iter()
            .fold(0_u64, |sum, &length| sum.saturating_add(length));
        if stored <= self.file_bytes.saturating_mul(MAX_SHARING) {
            return Ok(());
        }
        Err(TiffProblem::damaged(format!(
            "its strips or tiles lie over one another: together they have {stored} bytes, the file has {}",
            self.file_bytes
        )))
    }

    /// Fails where a plane of `plane_bytes` and what reading rows needs are out of proportion to the file.
    pub(crate) fn check_held(&self, plane_bytes: u64) -> Result<(), TiffProblem> {
        let held = plane_bytes.saturating_add(self.reading_bytes());
        check_proportion::held(self.size, held, self.file_bytes)
    }

    /// Fails where what has to be decoded is out of proportion to the file.
    pub(crate) fn check_decoded(&self) -> Result<(), TiffProblem> {
        check_proportion::decoded(self.size, self.decoded_bytes(), self.file_bytes)
    }

    /// What reading rows holds at most, bytes, beside the plane or band they go to.
    pub(crate) fn reading_bytes(&self) -> u64 {
        let row = (self.size.width * self.samples_per_pixel) as u64 * self.sample.held_bytes();
        let open_chunks = match self.chunks {
            ChunkLayout::Strips { .. } => self.planes() as u64,
            ChunkLayout::Tiles { .. } => 1,
        };
        let open_rows = self.chunk_row_bytes().saturating_mul(open_chunks);
        // Rows besides: mirrored, and looked up in a palette, inverted, or freed of what is not a number.
        let turned = 4 * row;
        row.saturating_mul(self.held_rows() as u64)
            .saturating_add(turned)
            .saturating_add(open_rows)
            .saturating_add(self.decoder_bytes())
    }

    /// Rows that are held at a time: those of a row of tiles; one of strips, unless these are read upwards.
    pub(crate) fn held_rows(&self) -> usize {
        match self.chunks {
            ChunkLayout::Tiles { height, .. } => height.min(self.size.height),
            ChunkLayout::Strips { rows } if self.holds_strips() => rows,
            ChunkLayout::Strips { .. } => 1,
        }
    }

    /// Whether strips are held whole: to go up a compressed one row by row would decode it for each row.
    pub(crate) fn holds_strips(&self) -> bool {
        self.orientation.is_upside_down() && self.compression != Compression::None
    }

    /// What the decoders of open chunks hold, bytes.
    pub(crate) fn decoder_bytes(&self) -> u64 {
        let open_chunks = match self.chunks {
            ChunkLayout::Strips { .. } if !self.holds_strips() => self.planes() as u64,
            _ => 1,
        };
        let chunk_bytes = (self.chunk_row_bytes()).saturating_mul(self.chunk_size().height as u64);
        match self.compression {
            // The window and what was decoded of the next block, in a buffer that doubles when it grows.
            Compression::Zstd => {
                let window = chunk_bytes.min(ZSTD_WINDOW_BYTES) + (256 << 10);
                window.saturating_mul(3 * open_chunks)
            }
            Compression::Lzma => {
                (self.dictionary_bytes + xz::BESIDE_DICTIONARY_BYTES).saturating_mul(open_chunks)
            }
            _ if self.compression.is_image() => codec::decoding_bytes(self)
                .saturating_add(chunk_bytes.saturating_mul(open_chunks - 1)),
            _ => 0,
        }
    }

    /// Bytes of all strips or tiles when they are decoded.
    fn decoded_bytes(&self) -> u64 {
        let chunk_bytes = self
            .chunk_row_bytes()
            .saturating_mul(self.chunk_size().height as u64);
        let chunks = self.grid().pixels().saturating_mul(self.planes() as u64);
        match self.chunks {
            ChunkLayout::Tiles { .. } => chunk_bytes.saturating_mul(chunks),
            ChunkLayout::Strips { .. } => self
                .chunk_row_bytes()
                .saturating_mul(self.size.height as u64)
                .saturating_mul(self.planes() as u64),
        }
    }
}
