//! JPEG strips and tiles.

use super::codec::{Wanted, to_rgb};
use super::jpeg_stream::{JpegStream, LOSSLESS};
use super::tags::SampleKind;
use jpeg_decoder::{ColorTransform, Decoder};
use zune_core::bytestream::ZCursor;
use zune_core::colorspace::ColorSpace;
use zune_core::options::DecoderOptions;
use zune_jpeg::JpegDecoder;

/// A progressive stream comes in some ten scans. Each goes over the whole image, however short it is, so that a stream of
/// thousands would take minutes.
const MAX_SCANS: usize = 32;
/// What a scan begins with. Within compressed data a byte 0xff is always followed by zero or a restart marker.
const START_OF_SCAN: [u8; 2] = [0xff, 0xda];

/// The samples of a JPEG chunk, colours as red, green and blue.
pub(super) fn decode(
    wanted: Wanted,
    tables: Option<&[u8]>,
    stream: Vec<u8>,
) -> Result<Vec<u8>, String> {
    let stream = match tables {
        Some(tables) => with_tables(tables, &stream).ok_or("too short")?,
        None => stream,
    };
    let scans = stream.windows(2);
    let scans = scans.filter(|two| *two == START_OF_SCAN).count();
    if scans > MAX_SCANS {
        return Err(format!("{scans} scans, more than {MAX_SCANS}"));
    }
    let said = JpegStream::of(&stream).ok_or("it ends before its first scan")?;
    if !said.is_read() {
        return Err(format!("{} is not read", said.coding()));
    }
    if said.height > 0 {
        wanted.check(said.width, said.height, said.components)?;
    }
    let held = if said.bits <= 8 {
        SampleKind::U8
    } else {
        SampleKind::U16
    };
    if held != wanted.kind {
        return Err(format!(
            "it holds samples of {} bit where {} bit belong",
            said.bits,
            wanted.kind.bits()
        ));
    }
    let ycbcr = said.is_ycbcr(wanted.ycbcr);
    if said.frame == LOSSLESS {
        return lossless(stream, said, ycbcr);
    }
    let (mut pixels, ycbcr_left) = lossy(wanted, stream, ycbcr)?;
    if ycbcr_left {
        to_rgb(&mut pixels);
    }
    Ok(pixels)
}

/// Decodes a stream of 8 bit; tells whether its colours still have to be converted.
fn lossy(wanted: Wanted, stream: Vec<u8>, ycbcr: bool) -> Result<(Vec<u8>, bool), String> {
    // A little taller than the chunk is usual: the last strip may be padded to whole blocks.
    let options = DecoderOptions::default()
        .set_max_width(wanted.width.saturating_add(64))
        .set_max_height(wanted.rows.saturating_add(1 << 16));
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(stream), options);
    decoder
        .decode_headers()
        .map_err(|error| error.to_string())?;
    let stored = decoder.input_colorspace().ok_or("no colour space")?;
    // Without conversion colours come as they are stored, whatever the decoder thinks they are.
    let converts = ycbcr && stored == ColorSpace::YCbCr;
    let out = if converts { ColorSpace::RGB } else { stored };
    decoder.set_options(options.jpeg_set_out_colorspace(out));
    let (width, rows) = decoder.dimensions().ok_or("no size")?;
    let samples = out.num_components();
    wanted.check(width, rows, samples)?;
    let pixels = decoder.decode().map_err(|error| error.to_string())?;
    if pixels.len() != width * rows * samples {
        return Err(format!(
            "it holds {} samples where {width} x {rows} x {samples} belong",
            pixels.len()
        ));
    }
    Ok((pixels, ycbcr && !converts))
}

/// Decodes a lossless stream of 2 to 16 bit into bytes, or little-endian words.
fn lossless(stream: Vec<u8>, said: JpegStream, ycbcr: bool) -> Result<Vec<u8>, String> {
    if ycbcr && said.said.is_some() {
        return Err("lossless JPEG in YCbCr is not read".to_owned());
    }
    let samples = said.width * said.height * said.components;
    let mut decoder = Decoder::new(std::io::Cursor::new(stream));
    decoder.set_max_decoding_buffer_size(samples.saturating_mul(2));
    decoder.set_color_transform(ColorTransform::None);
    let bytes = decoder.decode().map_err(|error| error.to_string())?;
    // The decoder gives words in the order of the machine for whatever is not of 8 bit.
    let words = bytes
        .as_chunks::<2>()
        .0
        .iter()
        .map(|&b| u16::from_ne_bytes(b));
    Ok(match said.bits {
        8 => bytes,
        2..=7 => words.map(|word| word as u8).collect(),
        _ if cfg!(target_endian = "little") => bytes,
        _ => words.flat_map(u16::to_le_bytes).collect(),
    })
}

/// An abbreviated stream behind its tables: the tables' end marker and the stream's start marker fall away.
pub(super) fn with_tables(tables: &[u8], stream: &[u8]) -> Option<Vec<u8>> {
    let tables = tables.strip_suffix(&[0xff, 0xd9]).unwrap_or(tables);
    let body = stream.get(2..)?;
    Some([tables, body].concat())
}
