//! What the tags of an image say, checked: nothing here is trusted beyond the size of the file.

use super::directory::Directory;
use super::problem::TiffProblem;
use super::tags::{self, ByteOrder, ChunkLayout, Compression, Photometric, Planar};
use super::tags::{Predictor, SampleKind};
use e2m_image::Size;
use std::fs::File;

/// More pixels than any image to be read has; 2^36 is a square of 262,144.
const MAX_PIXELS: u64 = 1 << 36;
/// More samples per pixel than this are not an image of the kinds read here.
const MAX_SAMPLES_PER_PIXEL: u64 = 64;
/// Descriptions are read up to here.
const MAX_DESCRIPTION_BYTES: u64 = 1 << 20;
/// Huffman and quantisation tables take about a kilobyte.
const MAX_JPEG_TABLES_BYTES: u64 = 1 << 16;
/// How far the last uncompressed strip may be declared longer than it is.
const CONVERT: &str =
    "save it as 8 or 16 bit grey or RGB, uncompressed or with LZW, deflate, PackBits or JPEG";

/// Where every strip or tile of one image lies and how to decode it.
#[derive(Debug)]
pub(crate) struct ImageLayout {
    pub(crate) size: Size,
    pub(crate) byte_order: ByteOrder,
    pub(crate) big_tiff: bool,
    pub(crate) file_bytes: u64,
    pub(crate) pages: usize,
    pub(crate) sample: SampleKind,
    pub(crate) samples_per_pixel: usize,
    /// Samples that carry colour or grey; the rest is alpha.
    pub(crate) colour_samples: usize,
    pub(crate) photometric: Photometric,
    pub(crate) planar: Planar,
    pub(crate) compression: Compression,
    pub(crate) predictor: Predictor,
    pub(crate) chunks: ChunkLayout,
    pub(crate) offsets: Vec<u64>,
    pub(crate) lengths: Vec<u64>,
    pub(crate) jpeg_tables: Option<Vec<u8>>,
    /// 16 bit red, green and blue, one after the other.
    pub(crate) palette: Option<Vec<u16>>,
    pub(crate) description: Option<String>,
}

impl ImageLayout {
    /// Reads and checks the first page of `file`.
    pub(crate) fn read(file: &File, file_bytes: u64) -> Result<Self, TiffProblem> {
        let directory = Directory::read(file, file_bytes)?;
        let tags = &directory;
        let size = image_size(tags)?;
        let samples_per_pixel = tags.unsigned(tags::SAMPLES_PER_PIXEL)?.unwrap_or(1);
        if samples_per_pixel == 0 || samples_per_pixel > MAX_SAMPLES_PER_PIXEL {
            return Err(unsupported(format!(
                "{samples_per_pixel} samples per pixel"
            )));
        }
        let sample = sample_kind(tags, samples_per_pixel)?;
        let compression = compression(tags)?;
        let photometric = photometric(tags, compression, sample)?;
        let colour_samples = colour_samples(tags, photometric, samples_per_pixel as usize)?;
        let planar = match tags.unsigned(tags::PLANAR_CONFIGURATION)? {
            Some(2) if samples_per_pixel > 1 => Planar::Planar,
            None | Some(1 | 2) => Planar::Chunky,
            Some(code) => return Err(unsupported(format!("planar configuration {code}"))),
        };
        let description = tags
            .bytes(tags::IMAGE_DESCRIPTION, MAX_DESCRIPTION_BYTES)?
            .map(|bytes| text(&bytes));
        let mut layout = Self {
            size,
            byte_order: directory.byte_order,
            big_tiff: directory.big_tiff,
            file_bytes,
            pages: directory.pages(),
            sample,
            samples_per_pixel: samples_per_pixel as usize,
            colour_samples,
            photometric,
            planar,
            compression,
            predictor: predictor(tags, compression, sample)?,
            chunks: chunk_layout(tags, size)?,
            offsets: Vec::new(),
            lengths: Vec::new(),
            jpeg_tables: tags.bytes(tags::JPEG_TABLES, MAX_JPEG_TABLES_BYTES)?,
            palette: palette(tags, photometric, sample)?,
            description,
        };
        layout.locate_chunks(tags)?;
        Ok(layout)
    }

    /// Columns and rows of a chunk.
    pub(crate) fn chunk_size(&self) -> Size {
        match self.chunks {
            ChunkLayout::Strips { rows } => Size::new(self.size.width, rows),
            ChunkLayout::Tiles { width, height } => Size::new(width, height),
        }
    }

    /// Chunks side by side and one above the other.
    pub(crate) fn grid(&self) -> Size {
        let chunk = self.chunk_size();
        Size::new(
            self.size.width.div_ceil(chunk.width),
            self.size.height.div_ceil(chunk.height),
        )
    }

    /// Separately stored planes: one, or one per sample.
    pub(crate) fn planes(&self) -> usize {
        match self.planar {
            Planar::Chunky => 1,
            Planar::Planar => self.samples_per_pixel,
        }
    }

    /// Samples of a pixel within one chunk.
    pub(crate) fn chunk_samples(&self) -> usize {
        self.samples_per_pixel / self.planes()
    }

    /// The number of the chunk of `plane` at (`column`, `row`) of the grid.
    pub(crate) fn chunk_number(&self, plane: usize, row: usize, column: usize) -> usize {
        let grid = self.grid();
        (plane * grid.height + row) * grid.width + column
    }

    /// Rows that the chunks of grid row `row` hold: tiles are always whole, the last strip is not.
    pub(crate) fn stored_rows(&self, row: usize) -> usize {
        match self.chunks {
            ChunkLayout::Strips { rows } => rows.min(self.size.height - row * rows),
            ChunkLayout::Tiles { height, .. } => height,
        }
    }

    /// A chunk in words.
    pub(crate) fn chunk_name(&self, number: usize) -> String {
        let kind = match self.chunks {
            ChunkLayout::Strips { .. } => "strip",
            ChunkLayout::Tiles { .. } => "tile",
        };
        format!("{kind} {} of {}", number + 1, self.offsets.len())
    }

    /// Bytes of one stored row of a chunk.
    pub(crate) fn chunk_row_bytes(&self) -> u64 {
        self.chunk_size().width as u64 * self.chunk_samples() as u64 * self.sample.bytes()
    }

    fn locate_chunks(&mut self, tags: &Directory<'_>) -> Result<(), TiffProblem> {
        let (offset_tag, length_tag) = match self.chunks {
            ChunkLayout::Strips { .. } => (tags::STRIP_OFFSETS, tags::STRIP_BYTE_COUNTS),
            ChunkLayout::Tiles { .. } => (tags::TILE_OFFSETS, tags::TILE_BYTE_COUNTS),
        };
        let expected = self.grid().pixels() * self.planes() as u64;
        self.offsets = numbers(tags, offset_tag, expected, "offsets")?;
        self.lengths = if tags.has(length_tag) {
            numbers(tags, length_tag, expected, "byte counts")?
        } else if self.compression == Compression::None {
            let rows = (0..expected as usize)
                .map(|n| self.stored_rows(n / self.grid().width % self.grid().height));
            rows.map(|rows| rows as u64 * self.chunk_row_bytes())
                .collect()
        } else {
            return Err(TiffProblem::damaged(
                "the byte counts of its chunks are missing",
            ));
        };
        let grid = self.grid();
        for number in 0..self.offsets.len() {
            self.check_chunk(number, self.stored_rows(number / grid.width % grid.height))?;
        }
        Ok(())
    }

    /// A chunk lies within the file and is long enough for what it should hold.
    fn check_chunk(&mut self, number: usize, rows: usize) -> Result<(), TiffProblem> {
        let needed = self.chunk_row_bytes().saturating_mul(rows as u64);
        let (offset, length) = (self.offsets[number], self.lengths[number]);
        let name = || self.chunk_name(number);
        if length == 0 && needed > 0 && self.compression != Compression::None {
            return Err(TiffProblem::damaged(format!("{} is empty", name())));
        }
        // Uncompressed chunks are as long as their pixels, whatever the byte count adds.
        let used = match self.compression {
            Compression::None => needed,
            _ => length,
        };
        let ends_at = offset.saturating_add(used);
        if ends_at > self.file_bytes {
            return Err(TiffProblem::Truncated {
                part: name(),
                ends_at,
                file_bytes: self.file_bytes,
            });
        }
        if length.saturating_mul(self.compression.max_expansion()) < needed {
            return Err(TiffProblem::damaged(format!(
                "{} has {length} bytes, too few for the {needed} bytes of its pixels",
                name()
            )));
        }
        self.lengths[number] = used;
        Ok(())
    }
}

fn unsupported(found: impl Into<String>) -> TiffProblem {
    TiffProblem::Unsupported {
        found: found.into(),
        advice: CONVERT,
    }
}

fn text(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|&b| b == 0).unwrap_or(bytes.len());
    String::from_utf8_lossy(&bytes[..end]).into_owned()
}

fn image_size(tags: &Directory<'_>) -> Result<Size, TiffProblem> {
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

fn sample_kind(tags: &Directory<'_>, samples: u64) -> Result<SampleKind, TiffProblem> {
    let all = |tag, name: &str, default| {
        let values = tags.unsigneds(tag, samples)?.unwrap_or_default();
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

fn compression(tags: &Directory<'_>) -> Result<Compression, TiffProblem> {
    let code = tags.unsigned(tags::COMPRESSION)?.unwrap_or(1);
    let known = Compression::from_code(code);
    known.ok_or_else(|| unsupported(tags::compression_name(code)))
}

fn photometric(
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
fn colour_samples(
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

fn predictor(
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

fn chunk_layout(tags: &Directory<'_>, size: Size) -> Result<ChunkLayout, TiffProblem> {
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

fn palette(
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
fn numbers(
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
