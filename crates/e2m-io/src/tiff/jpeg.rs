//! JPEG strips and tiles.

use super::layout::ImageLayout;
use super::problem::{ByteBudget, TiffProblem};
use super::tags::Photometric;
use crate::section::read_exact_at;
use std::fs::File;
use zune_core::bytestream::ZCursor;
use zune_core::colorspace::ColorSpace;
use zune_core::options::DecoderOptions;
use zune_jpeg::JpegDecoder;

/// A progressive stream comes in some ten scans. Each goes over the whole image, however short it is, so that a stream of
/// thousands would take minutes.
const MAX_SCANS: usize = 32;
/// What a scan begins with. Within compressed data a byte 0xff is always followed by zero or a restart marker.
const START_OF_SCAN: [u8; 2] = [0xff, 0xda];

/// The pixels of a JPEG chunk, `rows` full rows of the chunk's width, as red, green, blue or grey.
pub(crate) fn decode(
    layout: &ImageLayout,
    file: &File,
    chunk: usize,
    rows: usize,
) -> Result<Vec<u8>, TiffProblem> {
    let name = || layout.chunk_name(chunk);
    let width = layout.chunk_size().width;
    let samples = layout.chunk_samples();
    let row_bytes = width * samples;
    let length = layout.lengths[chunk];
    // What the decoder holds besides its result is of the same size at most (progressive files keep 16 bit coefficients).
    let wish = (row_bytes as u64 * rows as u64)
        .saturating_mul(3)
        .saturating_add(length);
    ByteBudget::CHUNK.check(wish, || format!("decoding JPEG {}", name()))?;
    let damaged = |what: String| TiffProblem::damaged(format!("JPEG {}: {what}", name()));

    let mut compressed = vec![0; length as usize];
    read_exact_at(file, &mut compressed, layout.offsets[chunk])?;
    let stream = match &layout.jpeg_tables {
        Some(tables) => {
            with_tables(tables, &compressed).ok_or_else(|| damaged("too short".into()))?
        }
        None => compressed,
    };
    let scans = stream
        .windows(2)
        .filter(|two| *two == START_OF_SCAN)
        .count();
    if scans > MAX_SCANS {
        return Err(damaged(format!("{scans} scans, more than {MAX_SCANS}")));
    }
    // A little taller than the chunk is usual: the last strip may be padded to whole blocks.
    let options = DecoderOptions::default()
        .set_max_width(width.saturating_add(64))
        .set_max_height(layout.chunk_size().height.saturating_add(64));
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(stream), options);
    decoder
        .decode_headers()
        .map_err(|error| damaged(error.to_string()))?;
    let wanted = match (layout.photometric, samples) {
        (Photometric::YCbCr, 3) => Some(ColorSpace::RGB),
        // Stored as it is: no colour transform, whatever the number of components suggests.
        _ => decoder.input_colorspace(),
    };
    let wanted = wanted.ok_or_else(|| damaged("no colour space".into()))?;
    decoder.set_options(options.jpeg_set_out_colorspace(wanted));
    let (w, h) = decoder
        .dimensions()
        .ok_or_else(|| damaged("no size".into()))?;
    let components = wanted.num_components();
    // Before it is decoded: a header may promise far more than the chunk holds.
    if w != width || h < rows || components != samples {
        return Err(damaged(format!(
            "it holds {w} x {h} pixels of {components} samples where {width} x {rows} of {samples} belong"
        )));
    }
    let pixels = decoder
        .decode()
        .map_err(|error| damaged(error.to_string()))?;
    if pixels.len() != w * h * samples {
        return Err(damaged(format!(
            "it holds {} samples where {w} x {h} x {samples} belong",
            pixels.len()
        )));
    }
    Ok(pixels)
}

/// An abbreviated stream behind its tables: the tables' end marker and the stream's start marker fall away.
fn with_tables(tables: &[u8], stream: &[u8]) -> Option<Vec<u8>> {
    let tables = tables.strip_suffix(&[0xff, 0xd9]).unwrap_or(tables);
    let body = stream.get(2..)?;
    Some([tables, body].concat())
}
