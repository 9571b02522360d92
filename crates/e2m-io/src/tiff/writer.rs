//! The TIFF files of checkpoints: one channel of floats in strips, the directory behind the pixels.

use super::predictor::apply_float_planes;
use super::tags;
use e2m_image::Size;
use flate2::write::ZlibEncoder;
use std::io::{self, Seek, SeekFrom, Write};

/// Strips hold about this many bytes before compression; only the width decides, so that files do not depend on bands.
const STRIP_BYTES: usize = 512 << 10;
/// Classic TIFF ends at 4 GiB; what comes besides the pixels gets 32 MiB.
const MAX_CLASSIC_DATA_BYTES: u64 = (4 << 30) - (32 << 20);
/// Noise hardly compresses better at higher levels: level 6 takes three times as long for files a tenth smaller.
const DEFLATE_LEVEL: u32 = 1;

/// How a checkpoint is laid out.
#[derive(Debug, Clone, Copy)]
pub(crate) struct WriterOptions<'a> {
    pub(crate) deflate: bool,
    /// `None`: where the size calls for it.
    pub(crate) big_tiff: Option<bool>,
    pub(crate) description: &'a str,
    pub(crate) software: &'a str,
}

/// Writes rows of floats into a TIFF.
#[derive(Debug)]
pub(crate) struct TiffWriter<W> {
    out: W,
    position: u64,
    size: Size,
    rows_per_strip: usize,
    deflate: bool,
    big_tiff: bool,
    description: Vec<u8>,
    software: Vec<u8>,
    strip: Vec<f32>,
    bytes: Vec<u8>,
    offsets: Vec<u64>,
    lengths: Vec<u64>,
}

impl<W: Write + Seek> TiffWriter<W> {
    /// Writes a header that points nowhere yet. `size` has been checked to fit 32 bit and not to be empty.
    pub(crate) fn new(mut out: W, size: Size, options: WriterOptions<'_>) -> io::Result<Self> {
        let big_tiff = options
            .big_tiff
            .unwrap_or(size.pixels().saturating_mul(4) > MAX_CLASSIC_DATA_BYTES);
        let header: &[u8] = if big_tiff {
            b"II\x2b\0\x08\0\0\0\0\0\0\0\0\0\0\0"
        } else {
            b"II\x2a\0\0\0\0\0"
        };
        out.write_all(header)?;
        let rows_per_strip = (STRIP_BYTES / (4 * size.width)).clamp(1, size.height);
        Ok(Self {
            out,
            position: header.len() as u64,
            size,
            rows_per_strip,
            deflate: options.deflate,
            big_tiff,
            description: terminated(options.description),
            software: terminated(options.software),
            strip: Vec::with_capacity(rows_per_strip * size.width),
            bytes: Vec::new(),
            offsets: Vec::new(),
            lengths: Vec::new(),
        })
    }

    /// Takes the next row; the caller has checked its length and that there is room for it.
    pub(crate) fn write_row(&mut self, row: impl Iterator<Item = f32>) -> io::Result<()> {
        self.strip.extend(row);
        if self.strip.len() >= self.rows_per_strip * self.size.width {
            self.write_strip()?;
        }
        Ok(())
    }

    /// Writes the directory and makes the header point to it.
    pub(crate) fn finish(mut self) -> io::Result<W> {
        if !self.strip.is_empty() {
            self.write_strip()?;
        }
        if self.position % 2 == 1 {
            self.put(&[0])?; // directories begin on even bytes
        }
        let directory = self.position;
        self.write_directory()?;
        self.out
            .seek(SeekFrom::Start(if self.big_tiff { 8 } else { 4 }))?;
        let link = directory.to_le_bytes();
        self.out.write_all(&link[..self.word()])?;
        Ok(self.out)
    }

    fn write_strip(&mut self) -> io::Result<()> {
        self.bytes.clear();
        if self.deflate {
            let level = flate2::Compression::new(DEFLATE_LEVEL);
            let mut encoder = ZlibEncoder::new(std::mem::take(&mut self.bytes), level);
            let mut planes = vec![0; 4 * self.size.width];
            for row in self.strip.chunks(self.size.width) {
                apply_float_planes(row, &mut planes);
                encoder.write_all(&planes)?;
            }
            self.bytes = encoder.finish()?;
        } else {
            self.bytes.reserve(4 * self.strip.len());
            for pixel in &self.strip {
                self.bytes.extend_from_slice(&pixel.to_le_bytes());
            }
        }
        self.strip.clear();
        self.offsets.push(self.position);
        self.lengths.push(self.bytes.len() as u64);
        self.out.write_all(&self.bytes)?;
        self.position += self.bytes.len() as u64;
        Ok(())
    }

    fn write_directory(&mut self) -> io::Result<()> {
        let (width, height) = (self.size.width as u64, self.size.height as u64);
        let (compression, predictor) = if self.deflate { (8, 3) } else { (1, 1) };
        let long = |value: u64| Field::Numbers(Width::Long, vec![value]);
        let short = |value: u64| Field::Numbers(Width::Short, vec![value]);
        let place = if self.big_tiff {
            Width::Long8
        } else {
            Width::Long
        };
        let fields = [
            (tags::NEW_SUBFILE_TYPE, long(0)),
            (tags::IMAGE_WIDTH, long(width)),
            (tags::IMAGE_LENGTH, long(height)),
            (tags::BITS_PER_SAMPLE, short(32)),
            (tags::COMPRESSION, short(compression)),
            (tags::PHOTOMETRIC, short(1)),
            (
                tags::IMAGE_DESCRIPTION,
                Field::Text(std::mem::take(&mut self.description)),
            ),
            (
                tags::STRIP_OFFSETS,
                Field::Numbers(place, std::mem::take(&mut self.offsets)),
            ),
            (tags::SAMPLES_PER_PIXEL, short(1)),
            (tags::ROWS_PER_STRIP, long(self.rows_per_strip as u64)),
            (
                tags::STRIP_BYTE_COUNTS,
                Field::Numbers(place, std::mem::take(&mut self.lengths)),
            ),
            (tags::PLANAR_CONFIGURATION, short(1)),
            (
                tags::SOFTWARE,
                Field::Text(std::mem::take(&mut self.software)),
            ),
            (tags::PREDICTOR, short(predictor)),
            (tags::SAMPLE_FORMAT, short(3)),
        ];
        let word = self.word();
        let (count_bytes, entry_bytes) = if self.big_tiff { (8, 20) } else { (2, 12) };
        let mut directory = (fields.len() as u64).to_le_bytes()[..count_bytes].to_vec();
        // Values that do not fit their entry follow the directory and its link; the first ones last, so that the file ends
        // in something that every reader reads, and its loss is noticed.
        let behind = self.position + (count_bytes + entry_bytes * fields.len() + word) as u64;
        let mut values: Vec<u8> = Vec::new();
        let mut entries = Vec::new();
        for (tag, field) in fields.iter().rev() {
            let value = field.bytes();
            let mut slot = [0; 8];
            if value.len() <= word {
                slot[..value.len()].copy_from_slice(&value);
            } else {
                values.resize(values.len().next_multiple_of(8), 0);
                slot = (behind + values.len() as u64).to_le_bytes();
                values.extend(&value);
            }
            let mut entry = Vec::with_capacity(entry_bytes);
            entry.extend(tag.to_le_bytes());
            entry.extend(field.kind().to_le_bytes());
            entry.extend(&field.count().to_le_bytes()[..word]);
            entry.extend(&slot[..word]);
            entries.push(entry);
        }
        entries.reverse();
        directory.extend(entries.concat());
        directory.extend(&[0; 8][..word]);
        self.put(&directory)?;
        self.put(&values)
    }

    /// Bytes of an offset.
    fn word(&self) -> usize {
        if self.big_tiff { 8 } else { 4 }
    }

    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.out.write_all(bytes)?;
        self.position += bytes.len() as u64;
        Ok(())
    }
}

fn terminated(text: &str) -> Vec<u8> {
    let mut bytes = text.as_bytes().to_vec();
    bytes.push(0);
    bytes
}

#[derive(Debug, Clone, Copy)]
enum Width {
    Short,
    Long,
    Long8,
}

/// The value of a tag.
enum Field {
    Numbers(Width, Vec<u64>),
    Text(Vec<u8>),
}

impl Field {
    fn kind(&self) -> u16 {
        match self {
            Self::Text(_) => 2,
            Self::Numbers(Width::Short, _) => 3,
            Self::Numbers(Width::Long, _) => 4,
            Self::Numbers(Width::Long8, _) => 16,
        }
    }

    fn count(&self) -> u64 {
        match self {
            Self::Text(text) => text.len() as u64,
            Self::Numbers(_, numbers) => numbers.len() as u64,
        }
    }

    fn bytes(&self) -> Vec<u8> {
        match self {
            Self::Text(text) => text.clone(),
            Self::Numbers(width, numbers) => {
                let bytes = match width {
                    Width::Short => 2,
                    Width::Long => 4,
                    Width::Long8 => 8,
                };
                let cut = |number: &u64| number.to_le_bytes().into_iter().take(bytes);
                numbers.iter().flat_map(cut).collect()
            }
        }
    }
}
