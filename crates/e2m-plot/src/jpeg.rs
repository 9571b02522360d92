//! Images as JPEG; the same pixels give the same bytes.

use crate::PlotError;
use jpeg_encoder::{ColorType, Encoder, SamplingFactor};

/// Rows that are coded together at most.
const STRIPE_ROWS: usize = 16;
/// A quality is not tried where it is expected to need this many times the bytes that are enough.
const MUCH_MORE: f64 = 1.15;

/// How much an encoder may leave out.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Quality {
    /// 1 to 100.
    pub(crate) level: u8,
    /// Whether colours are kept at full resolution, as thin lines need it, or at half.
    pub(crate) sharp_colours: bool,
}

/// Grey pixels, row by row: the first of `levels` of quality whose JPEG has at most `enough` bytes, or the last.
pub(crate) fn grey(
    pixels: &[u8],
    size: (usize, usize),
    levels: &[u8],
    enough: usize,
) -> Result<Vec<u8>, PlotError> {
    let qualities = levels.iter().map(|&level| Quality {
        level,
        sharp_colours: true,
    });
    first_enough(pixels, size, ColorType::Luma, qualities, enough)
}

/// Red, green, blue and a fourth byte that counts for nothing, pixel by pixel: likewise.
pub(crate) fn colours(
    pixels: &[u8],
    size: (usize, usize),
    qualities: &[Quality],
    enough: usize,
) -> Result<Vec<u8>, PlotError> {
    first_enough(
        pixels,
        size,
        ColorType::Rgba,
        qualities.iter().copied(),
        enough,
    )
}

/// Whether red, green and blue can come to about `enough` bytes with the last of `qualities`, from a part of the image.
pub(crate) fn may_be_enough(
    pixels: &[u8],
    size: (usize, usize),
    qualities: &[Quality],
    enough: usize,
) -> Result<bool, PlotError> {
    let Some(&last) = qualities.last() else {
        return Ok(false);
    };
    let expected = expected_bytes(pixels, size, ColorType::Rgba, last)?;
    Ok(expected <= MUCH_MORE * enough as f64)
}

fn first_enough(
    pixels: &[u8],
    size: (usize, usize),
    colour: ColorType,
    qualities: impl Iterator<Item = Quality>,
    enough: usize,
) -> Result<Vec<u8>, PlotError> {
    let mut qualities = qualities.peekable();
    let mut jpeg = Vec::new();
    while let Some(quality) = qualities.next() {
        let is_last = qualities.peek().is_none();
        if !is_last && expected_bytes(pixels, size, colour, quality)? > MUCH_MORE * enough as f64 {
            continue;
        }
        jpeg = encode(pixels, size, colour, quality)?;
        if jpeg.len() <= enough {
            break;
        }
    }
    Ok(jpeg)
}

/// About how many bytes a JPEG will have, from every fourth of its rows of blocks.
fn expected_bytes(
    pixels: &[u8],
    (width, height): (usize, usize),
    colour: ColorType,
    quality: Quality,
) -> Result<f64, PlotError> {
    let row = pixels.len() / height.max(1);
    let stripes: Vec<&[u8]> = pixels
        .chunks((STRIPE_ROWS * row).max(1))
        .step_by(4)
        .collect();
    let sample = stripes.concat();
    let rows = sample.len() / row.max(1);
    let bytes = encode(&sample, (width, rows), colour, quality)?.len();
    Ok(bytes as f64 * height as f64 / rows.max(1) as f64)
}

fn encode(
    pixels: &[u8],
    (width, height): (usize, usize),
    colour: ColorType,
    quality: Quality,
) -> Result<Vec<u8>, PlotError> {
    let side = |side: usize| {
        u16::try_from(side).map_err(|_| PlotError::PageSize {
            width: width as f64,
            height: height as f64,
        })
    };
    let (columns, rows) = (side(width)?, side(height)?);
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, quality.level);
    encoder.set_sampling_factor(if quality.sharp_colours {
        SamplingFactor::F_1_1
    } else {
        SamplingFactor::F_2_2
    });
    encoder.set_optimized_huffman_tables(true);
    encoder.encode(pixels, columns, rows, colour)?;
    Ok(bytes)
}
