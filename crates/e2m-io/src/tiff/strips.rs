//! How the rows of a checkpoint become strips: cut by the width alone, each compressed for itself.

use super::predictor::apply_float_planes;
use e2m_image::Size;
use flate2::write::ZlibEncoder;
use std::io::{self, Write};

/// Strips hold about this many bytes before compression; only the width decides, so that files do not depend on bands.
const STRIP_BYTES: usize = 512 << 10;
/// Noise hardly compresses better at higher levels: level 6 takes three times as long for files a tenth smaller.
const DEFLATE_LEVEL: u32 = 1;

/// Collects rows until they make a strip.
#[derive(Debug)]
pub(super) struct StripCutter {
    rows_per_strip: usize,
    strip_pixels: usize,
    pixels: Vec<f32>,
}

impl StripCutter {
    pub(super) fn new(size: Size) -> Self {
        let rows_per_strip = (STRIP_BYTES / (4 * size.width)).clamp(1, size.height);
        let strip_pixels = rows_per_strip * size.width;
        Self {
            rows_per_strip,
            strip_pixels,
            pixels: Vec::with_capacity(strip_pixels),
        }
    }

    /// Rows of every strip but the last, which may have fewer.
    pub(super) fn rows_per_strip(&self) -> usize {
        self.rows_per_strip
    }

    /// Takes the next row.
    pub(super) fn push(&mut self, row: &[f32]) {
        self.pixels.extend_from_slice(row);
    }

    /// Whether the rows make a whole strip, which has to be taken before the next row comes.
    pub(super) fn is_full(&self) -> bool {
        self.pixels.len() >= self.strip_pixels
    }

    /// The rows so far.
    pub(super) fn pixels(&self) -> &[f32] {
        &self.pixels
    }

    /// Begins the next strip.
    pub(super) fn clear(&mut self) {
        self.pixels.clear();
    }
}

/// Compresses a strip of rows of `width` pixels by deflate with the floating-point predictor; `bytes` is replaced.
pub(super) fn deflate(pixels: &[f32], width: usize, bytes: &mut Vec<u8>) -> io::Result<()> {
    bytes.clear();
    let level = flate2::Compression::new(DEFLATE_LEVEL);
    let mut encoder = ZlibEncoder::new(std::mem::take(bytes), level);
    let mut planes = vec![0; 4 * width];
    for row in pixels.chunks(width) {
        apply_float_planes(row, &mut planes);
        encoder.write_all(&planes)?;
    }
    *bytes = encoder.finish()?;
    Ok(())
}
