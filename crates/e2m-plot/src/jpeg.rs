//! Images as JPEG; the same pixels give the same bytes.

use crate::PlotError;
use jpeg_encoder::{ColorType, Encoder, SamplingFactor};

/// Grey pixels, row by row, as a JPEG of the given quality (1 to 100).
pub(crate) fn grey(
    pixels: &[u8],
    (width, height): (usize, usize),
    quality: u8,
) -> Result<Vec<u8>, PlotError> {
    encode(pixels, (width, height), ColorType::Luma, quality)
}

/// Red, green and blue, pixel by pixel, as a JPEG whose colours are as sharp as its brightness: they are thin lines.
pub(crate) fn colours(
    pixels: &[u8],
    (width, height): (usize, usize),
    quality: u8,
) -> Result<Vec<u8>, PlotError> {
    encode(pixels, (width, height), ColorType::Rgb, quality)
}

fn encode(
    pixels: &[u8],
    (width, height): (usize, usize),
    colour: ColorType,
    quality: u8,
) -> Result<Vec<u8>, PlotError> {
    let side = |side: usize| {
        u16::try_from(side).map_err(|_| PlotError::PageSize {
            width: width as f64,
            height: height as f64,
        })
    };
    let (columns, rows) = (side(width)?, side(height)?);
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, quality);
    encoder.set_sampling_factor(SamplingFactor::F_1_1);
    encoder.set_optimized_huffman_tables(true);
    encoder.encode(pixels, columns, rows, colour)?;
    Ok(bytes)
}
