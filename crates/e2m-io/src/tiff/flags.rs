//! The TIFF files of masks: one byte per pixel in deflated strips, the directory behind them.
//!
//! A mask consists of runs, of which deflate leaves less than a hundredth. Each strip is compressed for itself, several at a
//! time: its bytes depend neither on bands nor on threads.

use super::writer::{Directory, Encoder, MAX_CLASSIC_DATA_BYTES, Shared, StoredPixels, io_error};
use e2m_image::Size;
use flate2::write::ZlibEncoder;
use rayon::prelude::*;
use std::fmt;
use std::io::{self, Seek, Write};
use tiff::encoder::TiffEncoder;

/// A strip holds about so many bytes before compression, and no more rows than [`MAX_ROWS`].
const STRIP_BYTES: usize = 2 << 20;
/// A reader that wants one row unpacks a strip.
const MAX_ROWS: usize = 512;
/// Strips that are compressed at a time, at most.
const MAX_STRIPS: usize = 4;
/// Runs compress as well at the fastest level.
const LEVEL: u32 = 1;
/// What a compressor holds besides its output.
const COMPRESSOR_BYTES: u64 = 384 << 10;

/// Rows of every strip but the last.
fn rows_per_strip(size: Size) -> usize {
    (STRIP_BYTES / size.width).clamp(1, MAX_ROWS.min(size.height))
}

fn strips_at_a_time(threads: usize) -> usize {
    threads.clamp(1, MAX_STRIPS)
}

/// Bytes of the table that says where each strip lies and how long it is, as BigTIFF needs them.
pub(crate) fn flags_table_bytes(size: Size) -> u64 {
    16 * size.height.div_ceil(rows_per_strip(size)) as u64
}

/// The most that a writer holds for an image of `size`; `threads` compress. What strips become is counted as if nothing
/// were saved.
pub(crate) fn flags_memory_bytes(size: Size, threads: usize) -> u64 {
    let strip = (rows_per_strip(size) * size.width) as u64;
    strips_at_a_time(threads) as u64 * (2 * strip + COMPRESSOR_BYTES) + 5 * flags_table_bytes(size)
}

/// Writes rows of bytes into a TIFF.
#[derive(Debug)]
pub(crate) struct FlagsTiff<W: Write + Seek> {
    encoder: Encoder<Shared<W>>,
    out: Shared<W>,
    size: Size,
    rows_per_strip: usize,
    /// Pixels of the strips that are compressed together.
    batch_pixels: usize,
    pixels: Pixels,
    description: String,
    software: &'static str,
    um_per_px: Option<[f64; 2]>,
    offsets: Vec<u64>,
    lengths: Vec<u64>,
}

/// Pixels that wait to be compressed.
struct Pixels(Vec<u8>);

impl fmt::Debug for Pixels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} pixels", self.0.len())
    }
}

impl<W: Write + Seek> FlagsTiff<W> {
    /// Writes a header that points nowhere yet. `size` has been checked to fit 32 bit and not to be empty.
    pub(crate) fn new(
        out: W,
        size: Size,
        description: String,
        software: &'static str,
        um_per_px: Option<[f64; 2]>,
    ) -> io::Result<Self> {
        let out = Shared::new(out);
        let encoder = if size.pixels() > MAX_CLASSIC_DATA_BYTES {
            TiffEncoder::new_big(out.clone()).map(Encoder::Big)
        } else {
            TiffEncoder::new(out.clone()).map(Encoder::Classic)
        };
        let rows_per_strip = rows_per_strip(size);
        let strips = strips_at_a_time(rayon::current_num_threads());
        Ok(Self {
            encoder: encoder.map_err(io_error)?,
            out,
            size,
            rows_per_strip,
            batch_pixels: strips * rows_per_strip * size.width,
            pixels: Pixels(Vec::new()),
            description,
            software,
            um_per_px,
            offsets: Vec::new(),
            lengths: Vec::new(),
        })
    }

    /// Takes the next rows; the caller has checked that they are whole and that there is room for them.
    pub(crate) fn write_rows(&mut self, mut rows: &[u8]) -> io::Result<()> {
        while !rows.is_empty() {
            let room = self.batch_pixels - self.pixels.0.len();
            let (now, later) = rows.split_at(room.min(rows.len()));
            self.pixels.0.extend_from_slice(now);
            rows = later;
            if self.pixels.0.len() == self.batch_pixels {
                self.compress()?;
            }
        }
        Ok(())
    }

    /// Writes the directory and makes the header point to it.
    pub(crate) fn finish(mut self) -> io::Result<W> {
        self.compress()?;
        let directory = Directory {
            size: self.size,
            rows_per_strip: self.rows_per_strip as u32,
            pixels: StoredPixels::DeflatedBytes,
            description: &self.description,
            software: self.software,
            um_per_px: self.um_per_px,
            offsets: &self.offsets,
            lengths: &self.lengths,
        };
        match &mut self.encoder {
            Encoder::Classic(encoder) => directory.write(encoder),
            Encoder::Big(encoder) => directory.write(encoder),
        }
        .map_err(io_error)?;
        drop(self.encoder);
        self.out.into_inner()
    }

    /// Compresses the pixels that wait, and writes the strips.
    fn compress(&mut self) -> io::Result<()> {
        let strip_pixels = self.rows_per_strip * self.size.width;
        let strips: Vec<io::Result<Vec<u8>>> = self
            .pixels
            .0
            .par_chunks(strip_pixels)
            .map(deflated)
            .collect();
        for strip in strips {
            let strip = strip?;
            let offset = self.encoder.write_data(&strip[..]).map_err(io_error)?;
            self.offsets.push(offset);
            self.lengths.push(strip.len() as u64);
        }
        self.pixels.0.clear();
        Ok(())
    }
}

fn deflated(strip: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = ZlibEncoder::new(Vec::new(), flate2::Compression::new(LEVEL));
    encoder.write_all(strip)?;
    encoder.finish()
}
