//! Strips, compressed several at a time.
//!
//! Each strip is compressed for itself: its bytes depend neither on bands nor on threads. The method is deflate with the
//! floating-point predictor, whatever the image holds. The table has, for each predictor, percent of the uncompressed size
//! and MB/s of one thread, measured at 10,000 x 10,000 px:
//!
//! | image | none | horizontal | floating point |
//! |---|---|---|---|
//! | padded, whole counts | 20.8 %, 150 | 17.7 %, 170 | 14.0 %, 290 |
//! | aligned, interpolated | 67.9 %, 130 | 67.4 %, 155 | 60.2 %, 185 |
//! | difference | 71.7 %, 140 | 71.8 %, 140 | 69.6 %, 90 |
//!
//! `miniz_oxide` compresses. The first level of `zlib-rs` is slower on all three kinds and leaves more: 18.3, 64.5 and
//! 73.6 %.

use super::predictor::apply_float_planes;
use super::strips::{rows_per_strip, strip_count};
use crate::output::is_zero;
use e2m_image::Size;
use flate2::write::ZlibEncoder;
use rayon::prelude::*;
use std::fmt;
use std::io::{self, Write};

/// Noise hardly compresses better at higher levels: level 2 takes three times as long for files by a tenth smaller at best.
const LEVEL: u32 = 1;
/// Strips collected per thread: while some take longer than others, nobody should be idle for long.
const STRIPS_PER_THREAD: usize = 2;
/// Strips collected at most, however many threads there are.
const MAX_STRIPS: usize = 8;
/// What a compressor holds besides its output: tables and windows.
const COMPRESSOR_BYTES: u64 = 384 << 10;

/// Collects rows until they make a batch of strips, and compresses these in parallel.
pub(super) struct StripDeflater {
    width: usize,
    strip_pixels: usize,
    /// Pixels of a full batch.
    batch_pixels: usize,
    pixels: Vec<f32>,
    compressors: Vec<Compressor>,
    /// What a strip of zeros becomes; padding is made of them.
    zeros: Vec<u8>,
}

impl fmt::Debug for StripDeflater {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StripDeflater")
            .field("strip_pixels", &self.strip_pixels)
            .field("batch_pixels", &self.batch_pixels)
            .field("pixels", &self.pixels.len())
            .finish_non_exhaustive()
    }
}

/// Strips of a batch.
fn batch_strips(size: Size, threads: usize) -> usize {
    (STRIPS_PER_THREAD * threads.max(1))
        .min(MAX_STRIPS)
        .min(strip_count(size))
}

impl StripDeflater {
    /// For an image of `size`; `threads` decide how much is collected, not what is written.
    pub(super) fn new(size: Size, threads: usize) -> Self {
        let strip_pixels = rows_per_strip(size) * size.width;
        let strips = batch_strips(size, threads);
        let batch_pixels = strips * strip_pixels;
        Self {
            width: size.width,
            strip_pixels,
            batch_pixels,
            pixels: Vec::with_capacity(batch_pixels),
            compressors: (0..strips).map(|_| Compressor::new()).collect(),
            zeros: Vec::new(),
        }
    }

    /// The most that is held for an image of `size`.
    pub(super) fn memory_bytes(size: Size, threads: usize) -> u64 {
        let row = 4 * size.width as u64;
        let strip = rows_per_strip(size) as u64 * row;
        let compressor = COMPRESSOR_BYTES + compressed_bound(strip as usize) as u64 + 2 * row;
        batch_strips(size, threads) as u64 * (strip + compressor)
    }

    /// Takes pixels as far as the batch has room and returns the others.
    pub(super) fn push<'a>(&mut self, pixels: &'a [f32]) -> &'a [f32] {
        let room = self.batch_pixels - self.pixels.len();
        let (taken, left) = pixels.split_at(room.min(pixels.len()));
        self.pixels.extend_from_slice(taken);
        left
    }

    /// Whether the batch has to be compressed before more pixels come.
    pub(super) fn is_full(&self) -> bool {
        self.pixels.len() == self.batch_pixels
    }

    /// Compresses what has been collected, whole strips or the image's last one, and returns the strips in order.
    pub(super) fn compress(&mut self) -> io::Result<impl Iterator<Item = &[u8]>> {
        let (width, whole) = (self.width, self.strip_pixels);
        let is_padding =
            |strip: &[f32]| strip.len() == whole && is_zero(bytemuck::cast_slice(strip));
        let compressors = self.compressors.par_iter_mut();
        compressors
            .zip(self.pixels.par_chunks(whole))
            .try_for_each(|(compressor, strip)| {
                compressor.is_padding = is_padding(strip);
                if compressor.is_padding {
                    Ok(())
                } else {
                    compressor.compress(strip, width)
                }
            })?;
        let used = self.pixels.len().div_ceil(whole);
        let padding = self.compressors[..used].iter_mut().find(|c| c.is_padding);
        if let Some(compressor) = padding
            && self.zeros.is_empty()
        {
            compressor.compress(&vec![0.0; whole], width)?;
            self.zeros = compressor.bytes().to_vec();
        }
        let zeros = &self.zeros;
        Ok(self.compressors[..used].iter().map(move |compressor| {
            if compressor.is_padding {
                zeros.as_slice()
            } else {
                compressor.bytes()
            }
        }))
    }

    /// Begins the next batch.
    pub(super) fn clear(&mut self) {
        self.pixels.clear();
    }
}

/// Compresses one strip after another.
struct Compressor {
    encoder: ZlibEncoder<Vec<u8>>,
    rows: RowBuffers,
    is_padding: bool,
}

/// Bytes of a row: in planes, and their differences.
#[derive(Default)]
struct RowBuffers {
    planes: Vec<u8>,
    differences: Vec<u8>,
}

impl Compressor {
    fn new() -> Self {
        Self {
            encoder: ZlibEncoder::new(Vec::new(), flate2::Compression::new(LEVEL)),
            rows: RowBuffers::default(),
            is_padding: false,
        }
    }

    /// Compresses a strip of rows of `width` pixels; its bytes replace those of the one before.
    fn compress(&mut self, strip: &[f32], width: usize) -> io::Result<()> {
        let mut bytes = std::mem::take(self.encoder.get_mut());
        bytes.clear();
        bytes.reserve_exact(compressed_bound(size_of_val(strip)));
        self.encoder.reset(bytes)?;
        let RowBuffers {
            planes,
            differences,
        } = &mut self.rows;
        planes.resize(4 * width, 0);
        differences.resize(4 * width, 0);
        for row in strip.chunks(width) {
            apply_float_planes(row, planes, differences);
            self.encoder.write_all(differences)?;
        }
        self.encoder.try_finish()
    }

    fn bytes(&self) -> &[u8] {
        self.encoder.get_ref()
    }
}

/// The most that so many bytes can become: a little more than they were, where nothing can be saved.
fn compressed_bound(bytes: usize) -> usize {
    bytes + bytes / 64 + 1024
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: Size = Size::new(5000, 400);

    /// Padding above, noise that cannot be compressed, and zeros with a single other pixel.
    fn image() -> Vec<f32> {
        let noise = |i: usize| f32::from_bits((i as u32).wrapping_mul(0x9E37_79B9) ^ 0x5bd1_e995);
        let pixel = |i: usize| match i / SIZE.width {
            0..100 => 0.0,
            300.. if i.is_multiple_of(300_000) => -0.0,
            300.. => 0.0,
            _ => noise(i),
        };
        (0..SIZE.width * SIZE.height).map(pixel).collect()
    }

    fn strips(pixels: &[f32], threads: usize, piece: usize) -> Vec<Vec<u8>> {
        let mut deflater = StripDeflater::new(SIZE, threads);
        let mut strips = Vec::new();
        for mut piece in pixels.chunks(piece) {
            while !piece.is_empty() {
                piece = deflater.push(piece);
                if deflater.is_full() {
                    strips.extend(deflater.compress().expect("compresses").map(<[u8]>::to_vec));
                    deflater.clear();
                }
            }
        }
        strips.extend(deflater.compress().expect("compresses").map(<[u8]>::to_vec));
        strips
    }

    #[test]
    fn strips_depend_neither_on_threads_nor_on_pieces() {
        let pixels = image();
        let wanted = strips(&pixels, 1, SIZE.width);
        assert_eq!(wanted.len(), strip_count(SIZE));
        for (threads, piece) in [(0, SIZE.width), (3, 7 * SIZE.width), (100, pixels.len())] {
            assert!(
                wanted == strips(&pixels, threads, piece),
                "{threads} threads"
            );
        }
        // One compressor for each, never used before.
        for (strip, found) in pixels
            .chunks(rows_per_strip(SIZE) * SIZE.width)
            .zip(&wanted)
        {
            let mut fresh = Compressor::new();
            fresh.compress(strip, SIZE.width).expect("compresses");
            assert!(fresh.bytes() == found);
            let bound = compressed_bound(size_of_val(strip));
            assert!(found.len() <= bound, "{} > {bound}", found.len());
        }
    }
}
