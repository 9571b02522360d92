//! JPEG 2000 strips and tiles: codestreams, or JP2 files.

use super::codec::{Wanted, to_rgb};
use super::tags::SampleKind;
use hayro_jpeg2000::{DecodeSettings, DecoderContext, Image};

/// The samples of a JPEG 2000 chunk, as bytes or little-endian words; colours as red, green and blue.
pub(super) fn decode(wanted: Wanted, stream: &[u8]) -> Result<Vec<u8>, String> {
    let settings = DecodeSettings {
        resolve_palette_indices: false,
        strict: true,
        target_resolution: None,
    };
    let header = Header::of(stream).ok_or("it has no header of a codestream")?;
    if header.signed {
        return Err("it holds signed samples, which are not read".to_owned());
    }
    // The decoder would make room for all that a damaged header claims.
    wanted.check(header.width, header.height, header.components)?;
    if header.height > wanted.whole_rows || header.tiles > MOST_TILES {
        return Err(format!(
            "its header claims {} rows and {} tiles: at most {} and {MOST_TILES} can be",
            header.height, header.tiles, wanted.whole_rows
        ));
    }
    let image = Image::new(stream, &settings).map_err(|error| error.to_string())?;
    let (width, rows) = (image.width() as usize, image.height() as usize);
    wanted.check(width, rows, wanted.samples)?;
    let mut context = DecoderContext::default();
    let decoded = image
        .decode(&mut context)
        .map_err(|error| error.to_string())?;
    let components = decoded.components();
    wanted.check(width, rows, components.len())?;
    let pixels = width * rows;
    let bits = wanted.kind.bits();
    for component in components {
        let (held, depth) = (component.samples().len(), u64::from(component.bit_depth()));
        if held != pixels || depth > bits || bits > 8 && depth <= 8 {
            return Err(format!(
                "a component holds {held} samples of {depth} bit where {pixels} of {bits} bit belong"
            ));
        }
    }
    let samples = components.len();
    let mut bytes = vec![0; pixels * samples * (bits as usize / 8)];
    for (c, component) in components.iter().enumerate() {
        let rounded = component.samples().iter().map(|sample| sample.round());
        // Conversion of a float to an integer stays within its range.
        if wanted.kind == SampleKind::U8 {
            let places = bytes.iter_mut().skip(c).step_by(samples);
            places
                .zip(rounded)
                .for_each(|(place, sample)| *place = sample as u8);
        } else {
            let places = bytes
                .as_chunks_mut::<2>()
                .0
                .iter_mut()
                .skip(c)
                .step_by(samples);
            places
                .zip(rounded)
                .for_each(|(place, sample)| *place = (sample as u16).to_le_bytes());
        }
    }
    // The decoder has converted what says itself that it is YCbCr.
    if wanted.ycbcr && samples == 3 && wanted.kind == SampleKind::U8 && header.leaves_colours {
        to_rgb(&mut bytes);
    }
    Ok(bytes)
}

/// What the decoder does not tell of the main header.
struct Header {
    width: usize,
    height: usize,
    components: usize,
    tiles: u64,
    signed: bool,
    /// Whether the decoder leaves colours as they are stored: they are not transformed, not of different resolution, and there is
    /// no file around them that would name them.
    leaves_colours: bool,
}

impl Header {
    /// Reads the markers SIZ and COD; `None` where they are not there, or make no sense.
    fn of(stream: &[u8]) -> Option<Self> {
        let start = stream.windows(4).position(|four| four == START)?;
        // Behind the size: how each component is stored, in three bytes.
        let size = stream.get(start + 4..)?;
        let length = usize::from(u16::from_be_bytes([*size.first()?, *size.get(1)?]));
        let numbers = size.get(4..28)?.as_chunks::<4>().0;
        let numbers: Vec<u32> = numbers.iter().map(|b| u32::from_be_bytes(*b)).collect();
        let [right, bottom, left, top, tile_width, tile_height] = *numbers.first_chunk()?;
        let (width, height) = (right.checked_sub(left)?, bottom.checked_sub(top)?);
        if tile_width == 0 || tile_height == 0 {
            return None;
        }
        let tiles = u64::from(right.div_ceil(tile_width)) * u64::from(bottom.div_ceil(tile_height));
        let components = size.get(38..length.max(38))?.as_chunks::<3>().0;
        let mut at = start + 4 + length;
        let transformed = loop {
            let [0xff, marker, high, low] = *stream.get(at..at + 4)? else {
                return None;
            };
            match marker {
                CODING => break *stream.get(at + 8)? != 0,
                START_OF_TILE => return None,
                _ => at += 2 + usize::from(u16::from_be_bytes([high, low])),
            }
        };
        let halved = components.iter().any(|[_, x, y]| (*x, *y) != (1, 1));
        Some(Self {
            width: width as usize,
            height: height as usize,
            components: components.len(),
            tiles,
            signed: components.iter().any(|[depth, ..]| depth & 0x80 != 0),
            leaves_colours: !transformed && !halved && start == 0,
        })
    }
}

/// Tiles are numbered in 16 bits.
const MOST_TILES: u64 = 65_535;
/// A codestream begins with the markers SOC and SIZ.
const START: [u8; 4] = [0xff, 0x4f, 0xff, 0x51];
/// The marker COD.
const CODING: u8 = 0x52;
/// The marker SOT.
const START_OF_TILE: u8 = 0x90;
