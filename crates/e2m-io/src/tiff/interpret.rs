//! What single tags mean for a reader that knows these kinds of images and no others.

use super::directory::Directory;
use super::problem::TiffProblem;
use super::tags::{self, ChunkLayout, Compression, Photometric, Planar, Predictor, SampleKind};
use e2m_image::Size;

/// More pixels than any image to be read has; 2^36 is a square of 262,144.
const MAX_PIXELS: u64 = 1 << 36;
/// More samples per pixel than this are not an image of the kinds read here.
const MAX_SAMPLES_PER_PIXEL: u64 = 64;
/// What helps with most files that are not read.
const CONVERT: &str =
    "save it as 8 or 16 bit grey or RGB, uncompressed or with LZW, deflate, PackBits or JPEG";

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

pub(super) fn sample_kind(tags: &Directory<'_>, samples: usize) -> Result<SampleKind, TiffProblem> {
    let all = |tag, name: &str, default| {
        let values = tags.unsigneds(tag, samples as u64)?.unwrap_or_default();
        let first = values.first().copied().unwrap_or(default);
        if values.iter().any(|&value| value != first) {
            return Err(unsupported(format!(
                "{name} that differs between channels ({values:?})"
            )));
        }
        Ok(first)
    };
    let bits = all(tags::BITS_PER_SAMPLE, "a bit depth", 1)?;
    let format = all(tags::SAMPLE_FORMAT, "a sample format", 1)?;
    match (format, bits) {
        (1 | 4, 8) => Ok(SampleKind::U8),
        (1 | 4, 16) if tags.unsigned(tags::FILL_ORDER)? != Some(2) => Ok(SampleKind::U16),
        (3, 32) => Ok(SampleKind::F32),
        _ => {
            let kind = match format {
                1 | 4 => "unsigned integer",
                2 => "signed integer",
                3 => "floating-point",
                _ => "complex",
            };
            Err(unsupported(format!("{bits} bit {kind} samples")))
        }
    }
}

pub(super) fn compression(tags: &Directory<'_>) -> Result<Compression, TiffProblem> {
    let code = tags.unsigned(tags::COMPRESSION)?.unwrap_or(1);
    let known = Compression::from_code(code);
    known.ok_or_else(|| unsupported(tags::compression_name(code)))
}

pub(super) fn photometric(
    tags: &Directory<'_>,
    compression: Compression,
    sample: SampleKind,
) -> Result<Photometric, TiffProblem> {
    let samples = tags.unsigned(tags::SAMPLES_PER_PIXEL)?.unwrap_or(1);
    let code = tags.unsigned(tags::PHOTOMETRIC)?;
    let jpeg = compression == Compression::Jpeg;
    if jpeg && sample != SampleKind::U8 {
        return Err(unsupported("JPEG with more than 8 bit"));
    }
    match (code, sample) {
        (Some(0), SampleKind::F32) => Err(unsupported("floating-point grey where zero is white")),
        (Some(0), _) => Ok(Photometric::WhiteIsZero),
        (Some(1), _) => Ok(Photometric::BlackIsZero),
        (Some(2), _) => Ok(Photometric::Rgb),
        (Some(3), SampleKind::U8 | SampleKind::U16) if !jpeg => Ok(Photometric::Palette),
        (Some(6), _) if jpeg => Ok(Photometric::YCbCr),
        (None, _) if samples >= 3 => Ok(Photometric::Rgb),
        (None, _) => Ok(Photometric::BlackIsZero),
        (Some(code), _) => Err(unsupported(match code {
            3 => "a palette of this sample type".into(),
            4 => "a transparency mask".into(),
            5 => "CMYK colour".into(),
            6 => "YCbCr colour outside JPEG".into(),
            8..=10 => "CIE Lab colour".into(),
            32803 => "a camera's raw colour filter array".into(),
            _ => format!("TIFF photometric interpretation {code}"),
        })),
    }
}

/// How many of the samples are colour: grey and palette have one, RGB three; what exceeds them must be declared extra.
pub(super) fn colour_samples(
    tags: &Directory<'_>,
    photometric: Photometric,
    samples: usize,
) -> Result<usize, TiffProblem> {
    let needed = match photometric {
        Photometric::Rgb | Photometric::YCbCr => 3,
        _ => 1,
    };
    let extra = tags.unsigneds(tags::EXTRA_SAMPLES, MAX_SAMPLES_PER_PIXEL)?;
    // One sample too many is alpha even where it is not declared; several are channels nobody named.
    let most = needed + 1;
    if samples < needed || samples > most && extra.as_ref().is_none_or(|e| e.contains(&0)) {
        return Err(TiffProblem::Unsupported {
            found: format!("{samples} samples per pixel in a {photometric} image"),
            advice: "save each channel as its own grey file, or the image as RGB",
        });
    }
    Ok(needed)
}

pub(super) fn predictor(
    tags: &Directory<'_>,
    compression: Compression,
    sample: SampleKind,
) -> Result<Predictor, TiffProblem> {
    // The tag only has a meaning together with LZW and deflate; some writers leave it in other files.
    if !matches!(compression, Compression::Lzw | Compression::Deflate) {
        return Ok(Predictor::None);
    }
    match (tags.unsigned(tags::PREDICTOR)?, sample) {
        (None | Some(1), _) => Ok(Predictor::None),
        (Some(2), _) => Ok(Predictor::Horizontal),
        (Some(3), SampleKind::F32) => Ok(Predictor::FloatingPoint),
        (Some(code), _) => Err(unsupported(format!(
            "TIFF predictor {code} for this sample type"
        ))),
    }
}

pub(super) fn chunk_layout(tags: &Directory<'_>, size: Size) -> Result<ChunkLayout, TiffProblem> {
    if tags.has(tags::TILE_OFFSETS) {
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

pub(super) fn palette(
    tags: &Directory<'_>,
    photometric: Photometric,
    sample: SampleKind,
) -> Result<Option<Vec<u16>>, TiffProblem> {
    if photometric != Photometric::Palette {
        return Ok(None);
    }
    let expected = 3 << (8 * sample.bytes());
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
