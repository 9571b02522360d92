//! What single tags mean for a reader that knows these kinds of images and no others.

use super::directory::Directory;
use super::orientation::Orientation;
use super::problem::TiffProblem;
use super::tags::{self, ChunkLayout, Compression, Photometric, Planar, Predictor, SampleKind};
use super::xz;
use e2m_image::{PixelType, Size};

/// More pixels than any image to be read has; 2^36 is a square of 262,144.
const MAX_PIXELS: u64 = 1 << 36;
/// More samples per pixel than this are not an image of the kinds read here.
const MAX_SAMPLES_PER_PIXEL: u64 = 64;
/// What helps with most files that are not read.
const CONVERT: &str = "save it as grey or RGB of 8 or 16 bit or as 32 bit float, uncompressed or with LZW, deflate, PackBits, \
                       Zstandard, JPEG or JPEG 2000";

fn unsupported(found: impl Into<String>) -> TiffProblem {
    TiffProblem::Unsupported {
        found: found.into(),
        advice: CONVERT,
    }
}

pub(super) fn image_size(tags: &Directory<'_>) -> Result<Size, TiffProblem> {
    let axis = |tag, name| {
        tags.unsigned(tag)?
            .ok_or_else(|| TiffProblem::damaged(format!("the image {name} is missing")))
    };
    let (width, height) = (
        axis(tags::IMAGE_WIDTH, "width")?,
        axis(tags::IMAGE_LENGTH, "height")?,
    );
    if width == 0 || height == 0 {
        return Err(TiffProblem::damaged(format!(
            "an image of {width} x {height} pixels"
        )));
    }
    if width > u64::from(u32::MAX) || height > u64::from(u32::MAX) || width * height > MAX_PIXELS {
        return Err(TiffProblem::TooLarge {
            what: format!("an image of {width} x {height} pixels"),
            wish_bytes: width.saturating_mul(height),
            limit_bytes: MAX_PIXELS,
            advice: "the header is probably damaged; copy the file again",
        });
    }
    Ok(Size::new(width as usize, height as usize))
}

pub(super) fn samples_per_pixel(tags: &Directory<'_>) -> Result<usize, TiffProblem> {
    match tags.unsigned(tags::SAMPLES_PER_PIXEL)?.unwrap_or(1) {
        samples @ 1..=MAX_SAMPLES_PER_PIXEL => Ok(samples as usize),
        samples => Err(unsupported(format!("{samples} samples per pixel"))),
    }
}

pub(super) fn planar(tags: &Directory<'_>, samples: usize) -> Result<Planar, TiffProblem> {
    match tags.unsigned(tags::PLANAR_CONFIGURATION)? {
        Some(2) if samples > 1 => Ok(Planar::Planar),
        None | Some(1 | 2) => Ok(Planar::Chunky),
        Some(code) => Err(unsupported(format!("planar configuration {code}"))),
    }
}

/// The tag's numbers for each sample, all of which have to be the same; `default` where there are none.
fn same_for_all(
    tags: &Directory<'_>,
    tag: u16,
    name: &str,
    samples: usize,
    default: u64,
    remarks: &mut Vec<String>,
) -> Result<u64, TiffProblem> {
    let mut values = (tags.unsigneds(tag, MAX_SAMPLES_PER_PIXEL)?).unwrap_or_default();
    if values.len() > samples {
        remarks.push(format!(
            "{name} has {} values for {samples} samples; the first of them are taken",
            values.len()
        ));
        values.truncate(samples);
    }
    let first = values.first().copied().unwrap_or(default);
    if values.iter().any(|&value| value != first) {
        return Err(unsupported(format!(
            "{name} that differs between channels ({values:?})"
        )));
    }
    Ok(first)
}

pub(super) fn sample_kind(
    tags: &Directory<'_>,
    samples: usize,
    compression: Compression,
    remarks: &mut Vec<String>,
) -> Result<SampleKind, TiffProblem> {
    let mut all = |tag, name| same_for_all(tags, tag, name, samples, 1, remarks);
    let bits = all(tags::BITS_PER_SAMPLE, "BitsPerSample")?;
    let format = all(tags::SAMPLE_FORMAT, "SampleFormat")?;
    let is_image = compression.is_image();
    Ok(match (format, bits) {
        (1 | 4, 8) => SampleKind::U8,
        (1 | 4, 16) => SampleKind::U16,
        // Decoders of images give whole bytes and words.
        (1 | 4, 2..8) if is_image => SampleKind::U8,
        (1 | 4, 9..16) if is_image => SampleKind::U16,
        (1 | 4, 2..16) => SampleKind::Packed(bits as u8),
        (1 | 4, 32) if !is_image => SampleKind::U32,
        (2, 8) if !is_image => SampleKind::I8,
        (2, 16) if !is_image => SampleKind::I16,
        (2, 32) if !is_image => SampleKind::I32,
        (3, 16) if !is_image => SampleKind::F16,
        (3, 32) if !is_image => SampleKind::F32,
        (3, 64) if !is_image => {
            remarks.push("its 64 bit floats are rounded to 32 bit".to_owned());
            SampleKind::F64
        }
        _ => {
            let kind = match format {
                1 | 4 => "unsigned integer",
                2 => "signed integer",
                3 => "floating-point",
                _ => "complex",
            };
            let within = if is_image {
                format!(" in {compression}")
            } else {
                String::new()
            };
            return Err(TiffProblem::Unsupported {
                found: format!(
                    "{bits} bit {kind} samples{within} (BitsPerSample {bits}, SampleFormat {format})"
                ),
                advice: match bits {
                    1 => {
                        "it is a mask and no image of brightness; save the image itself as 8 or 16 bit"
                    }
                    _ => "save it as 8 or 16 bit integers or as 32 bit float",
                },
            });
        }
    })
}

pub(super) fn compression(tags: &Directory<'_>) -> Result<Compression, TiffProblem> {
    let code = tags.unsigned(tags::COMPRESSION)?.unwrap_or(1);
    let known = Compression::from_code(code);
    known.ok_or_else(|| {
        let name = tags::compression_name(code);
        unsupported(format!("{name} (Compression {code})"))
    })
}

/// What the samples mean, and whether three of them are YCbCr where their stream does not say.
pub(super) fn photometric(
    tags: &Directory<'_>,
    compression: Compression,
    sample: SampleKind,
    remarks: &mut Vec<String>,
) -> Result<(Photometric, bool), TiffProblem> {
    let samples = tags.unsigned(tags::SAMPLES_PER_PIXEL)?.unwrap_or(1);
    let code = tags.unsigned(tags::PHOTOMETRIC)?;
    let is_image = compression.is_image();
    let aperio = tags.unsigned(tags::COMPRESSION)?;
    if compression == Compression::Jpeg2000 && aperio == Some(APERIO_YCBCR) && samples == 3 {
        return Ok((Photometric::YCbCr, true));
    }
    // Bio-Formats up to 6.7 writes colours so.
    let undeclared = !tags.has(tags::EXTRA_SAMPLES)
        && matches!(samples, 3 | 4)
        && tags.unsigned(tags::PLANAR_CONFIGURATION)? != Some(2);
    Ok(match (code, sample) {
        (Some(0), _) if sample.pixel_type() == PixelType::F32 => {
            remarks.push(
                "its tag says that zero is white, which such samples have no end to count from: they are read as they are".to_owned(),
            );
            (Photometric::BlackIsZero, false)
        }
        (Some(0), _) => (Photometric::WhiteIsZero, false),
        (Some(1), _) if undeclared => {
            remarks.push(format!(
                "its tag says grey, but it has {samples} samples per pixel: they are read as red, green and blue{}",
                if samples == 4 { " with alpha" } else { "" }
            ));
            (Photometric::Rgb, false)
        }
        (Some(1), _) => (Photometric::BlackIsZero, false),
        (Some(2), _) => (Photometric::Rgb, false),
        (Some(3), SampleKind::U8 | SampleKind::U16 | SampleKind::Packed(_)) if !is_image => {
            (Photometric::Palette, false)
        }
        (Some(6), _) if is_image => {
            let named = matches!(aperio, Some(APERIO_RGB)) || compression == Compression::WebP;
            (Photometric::YCbCr, !named)
        }
        (Some(6), SampleKind::U8) if is_whole_ycbcr(tags)? => (Photometric::YCbCr, true),
        (None, _) if samples >= 3 => (Photometric::Rgb, false),
        (None, _) => (Photometric::BlackIsZero, false),
        (Some(code), _) => {
            let name = match code {
                3 => "a palette of this sample type".into(),
                4 => "a transparency mask".into(),
                5 => "CMYK colour".into(),
                6 => "YCbCr colour with subsampling, or of other than 8 bit, outside JPEG".into(),
                8..=10 => "CIE Lab colour".into(),
                32803 => "a camera's raw colour filter array".into(),
                _ => format!("TIFF photometric interpretation {code}"),
            };
            return Err(unsupported(format!(
                "{name} (PhotometricInterpretation {code})"
            )));
        }
    })
}

/// Aperio's JPEG 2000 with YCbCr, and with red, green and blue.
const APERIO_YCBCR: u64 = 33003;
const APERIO_RGB: u64 = 33005;

/// Whether YCbCr samples lie there as red, green and blue do.
fn is_whole_ycbcr(tags: &Directory<'_>) -> Result<bool, TiffProblem> {
    let subsampling = tags.unsigneds(tags::YCBCR_SUBSAMPLING, 2)?;
    let planar = tags.unsigned(tags::PLANAR_CONFIGURATION)?;
    let samples = tags.unsigned(tags::SAMPLES_PER_PIXEL)?;
    Ok(subsampling.as_deref() == Some(&[1, 1]) && planar != Some(2) && samples == Some(3))
}

/// The samples that carry colour or grey. RGB has three, a palette one, and what exceeds them is alpha. Grey has one, and each
/// sample that is not said to be alpha is another channel.
pub(super) fn colour_samples(
    tags: &Directory<'_>,
    photometric: Photometric,
    samples: usize,
    remarks: &mut Vec<String>,
) -> Result<usize, TiffProblem> {
    let extra = (tags.unsigneds(tags::EXTRA_SAMPLES, MAX_SAMPLES_PER_PIXEL)?).unwrap_or_default();
    let is_grey = matches!(
        photometric,
        Photometric::WhiteIsZero | Photometric::BlackIsZero
    );
    if is_grey {
        // Those that are declared are the last ones.
        let alphas = extra.iter().rev().take(samples - 1);
        return Ok(samples - alphas.take_while(|&&kind| matches!(kind, 1 | 2)).count());
    }
    let needed = match photometric {
        Photometric::Palette => 1,
        _ => 3,
    };
    // One sample too many is alpha even where it is not declared; several are channels nobody named.
    if samples < needed || samples > needed + 1 && (extra.is_empty() || extra.contains(&0)) {
        return Err(TiffProblem::Unsupported {
            found: format!("SamplesPerPixel {samples} in a {photometric} image"),
            advice: "save each channel as its own grey file, or the image as RGB",
        });
    }
    if samples > needed && !extra.iter().any(|&kind| matches!(kind, 1 | 2)) {
        remarks.push(format!(
            "what its sample {} of {samples} means is not said; it is taken for alpha and not read",
            needed + 1
        ));
    }
    Ok(needed)
}

/// Whether the least significant bit of each byte comes first. Streams that begin with a mark of their own are believed.
pub(super) fn has_reversed_bits(
    tags: &Directory<'_>,
    compression: Compression,
    first_bytes: Option<[u8; 2]>,
    remarks: &mut Vec<String>,
) -> Result<bool, TiffProblem> {
    if tags.unsigned(tags::FILL_ORDER)? != Some(2) || compression.is_image() {
        return Ok(false);
    }
    // RFC 1950: method 8, and a number that 31 divides. LZMA, Zstandard: the magic number.
    let is_zlib = |[a, b]: [u8; 2]| a & 0x0f == 8 && u16::from_be_bytes([a, b]) % 31 == 0;
    let is_stream = |bytes: [u8; 2]| match compression {
        Compression::Deflate => is_zlib(bytes),
        Compression::Lzma => bytes == xz::MAGIC,
        Compression::Zstd => bytes == [0x28, 0xb5],
        _ => false,
    };
    let reversed = |bytes: [u8; 2]| bytes.map(u8::reverse_bits);
    if first_bytes.is_some_and(|bytes| is_stream(bytes) && !is_stream(reversed(bytes))) {
        remarks.push(format!(
            "its tag says that the bits of each byte are reversed (FillOrder 2), but its {compression} streams are not: they are read \
             as they are"
        ));
        return Ok(false);
    }
    remarks.push("the bits of each byte are reversed (FillOrder 2), which is undone".to_owned());
    Ok(true)
}

pub(super) fn orientation(
    tags: &Directory<'_>,
    remarks: &mut Vec<String>,
) -> Result<Orientation, TiffProblem> {
    let value = tags.unsigned(tags::ORIENTATION)?.unwrap_or(1);
    let (orientation, said) = Orientation::of_tag(value);
    remarks.extend(said);
    Ok(orientation)
}

pub(super) fn predictor(
    tags: &Directory<'_>,
    compression: Compression,
    sample: SampleKind,
) -> Result<Predictor, TiffProblem> {
    // The tag only has a meaning together with LZW, deflate, LZMA and Zstandard; some writers leave it in other files.
    if !matches!(
        compression,
        Compression::Lzw | Compression::Deflate | Compression::Lzma | Compression::Zstd
    ) {
        return Ok(Predictor::None);
    }
    match (tags.unsigned(tags::PREDICTOR)?, sample) {
        (None | Some(1), _) => Ok(Predictor::None),
        (Some(2), SampleKind::Packed(bits)) => Err(unsupported(format!(
            "TIFF predictor 2 for samples of {bits} bit"
        ))),
        (Some(2), _) => Ok(Predictor::Horizontal),
        (Some(3), SampleKind::F16 | SampleKind::F32 | SampleKind::F64) => {
            Ok(Predictor::FloatingPoint)
        }
        (Some(code), _) => Err(unsupported(format!(
            "TIFF predictor {code} for this sample type"
        ))),
    }
}

pub(super) fn chunk_layout(
    tags: &Directory<'_>,
    size: Size,
    planes: usize,
) -> Result<ChunkLayout, TiffProblem> {
    if tags.has(tags::TILE_OFFSETS) || has_tiles_in_strip_tags(tags, size, planes)? {
        let axis = |tag| match tags.unsigned(tag)? {
            Some(length) if length > 0 && length <= u64::from(u32::MAX) => Ok(length as usize),
            other => Err(TiffProblem::damaged(format!("tiles of length {other:?}"))),
        };
        return Ok(ChunkLayout::Tiles {
            width: axis(tags::TILE_WIDTH)?,
            height: axis(tags::TILE_LENGTH)?,
        });
    }
    let rows = tags
        .unsigned(tags::ROWS_PER_STRIP)?
        .unwrap_or(size.height as u64);
    if rows == 0 {
        return Err(TiffProblem::damaged("strips of no rows"));
    }
    Ok(ChunkLayout::Strips {
        rows: rows.min(size.height as u64) as usize,
    })
}

/// Whether an image of tiles has their places where those of strips belong, as some writers do.
fn has_tiles_in_strip_tags(
    tags: &Directory<'_>,
    size: Size,
    planes: usize,
) -> Result<bool, TiffProblem> {
    let (width, height) = (
        tags.unsigned(tags::TILE_WIDTH)?.unwrap_or(0),
        tags.unsigned(tags::TILE_LENGTH)?.unwrap_or(0),
    );
    if width == 0 || height == 0 {
        return Ok(false);
    }
    let tiles = (size.width as u64).div_ceil(width) * (size.height as u64).div_ceil(height);
    Ok(tags.count(tags::STRIP_OFFSETS) == tiles.saturating_mul(planes as u64))
}

pub(super) fn palette(
    tags: &Directory<'_>,
    photometric: Photometric,
    sample: SampleKind,
) -> Result<Option<Vec<u16>>, TiffProblem> {
    if photometric != Photometric::Palette {
        return Ok(None);
    }
    let expected = 3 << sample.bits();
    let colours = numbers(tags, tags::COLOR_MAP, expected, "colours")?;
    Ok(Some(
        colours.into_iter().map(|c| c.min(0xffff) as u16).collect(),
    ))
}

/// Exactly `expected` numbers of a tag that has to be there.
pub(super) fn numbers(
    tags: &Directory<'_>,
    tag: u16,
    expected: u64,
    name: &str,
) -> Result<Vec<u64>, TiffProblem> {
    let found = tags.unsigneds(tag, u64::MAX / 16)?.unwrap_or_default();
    if (found.len() as u64) < expected {
        return Err(TiffProblem::damaged(format!(
            "its size calls for {expected} {name}, it holds {}",
            found.len()
        )));
    }
    let mut found = found;
    found.truncate(expected as usize);
    Ok(found)
}
