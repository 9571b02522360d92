//! WebP strips and tiles. They hold red, green and blue, and perhaps alpha.

use super::codec::Wanted;
use image_webp::WebPDecoder;
use std::io::Cursor;

/// The samples of a WebP chunk.
pub(super) fn decode(wanted: Wanted, stream: &[u8]) -> Result<Vec<u8>, String> {
    let mut decoder = WebPDecoder::new(Cursor::new(stream)).map_err(|error| error.to_string())?;
    let (width, rows) = decoder.dimensions();
    let (width, rows) = (width as usize, rows as usize);
    let held = if decoder.has_alpha() { 4 } else { 3 };
    // Alpha that is full everywhere is left out by encoders.
    let samples = if wanted.samples == 4 { 4 } else { held };
    wanted.check(width, rows, samples)?;
    let mut bytes = vec![0; width * rows * held];
    decoder.set_memory_limit(bytes.len().saturating_mul(4));
    decoder
        .read_image(&mut bytes)
        .map_err(|error| error.to_string())?;
    if held == samples {
        return Ok(bytes);
    }
    let opaque = |&[red, green, blue]: &[u8; 3]| [red, green, blue, 0xff];
    Ok(bytes.as_chunks::<3>().0.iter().flat_map(opaque).collect())
}
