//! What the tags of an image say, checked: nothing here is trusted beyond the size of the file.

use super::directory::Directory;
use super::jpeg_stream::{JpegStream, LOSSLESS};
use super::orientation::Orientation;
use super::problem::TiffProblem;
use super::tags::{self, ByteOrder, ChunkLayout, Compression, Photometric, Planar};
use super::tags::{Predictor, SampleKind};
use super::{interpret, jpeg, xz};
use crate::section::read_exact_at;
use e2m_image::Size;
use std::fs::File;

/// Descriptions are read up to here.
const MAX_DESCRIPTION_BYTES: u64 = 1 << 20;
/// Huffman and quantisation tables take about a kilobyte.
const MAX_JPEG_TABLES_BYTES: u64 = 1 << 16;

/// What a stream says of itself stands in so many bytes of its beginning, thumbnails and colour profiles with it.
const MAX_LOOK_BYTES: u64 = 1 << 18;

/// Where every strip or tile of one image lies and how to decode it.
#[derive(Debug)]
pub(crate) struct ImageLayout {
    pub(crate) size: Size,
    pub(crate) byte_order: ByteOrder,
    pub(crate) big_tiff: bool,
    pub(crate) file_bytes: u64,
    pub(crate) pages: usize,
    /// Whether the first directory ends in its link.
    pub(crate) linked: bool,
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
    /// The sample that is read of a grey image; others are other channels.
    pub(crate) first_sample: usize,
    /// Whether three samples are YCbCr where their stream does not say what they are.
    pub(crate) is_ycbcr: bool,
    /// Whether its JPEG streams are lossless, as far as the first one tells.
    pub(crate) is_lossless_jpeg: bool,
    /// Whether the least significant bit of each byte comes first.
    pub(crate) reversed_bits: bool,
    /// How far its LZMA streams look back, by the first one.
    pub(crate) dictionary_bytes: u64,
    pub(crate) orientation: Orientation,
    /// What had to be decided to read the image, in sentences without subject or end.
    pub(crate) remarks: Vec<String>,
}

impl ImageLayout {
    /// Reads and checks the first page of `file`.
    pub(crate) fn read(file: &File, file_bytes: u64) -> Result<Self, TiffProblem> {
        Self::read_page(file, file_bytes, 1)
    }

    /// Reads and checks a page of `file`; the first one is 1.
    pub(crate) fn read_page(
        file: &File,
        file_bytes: u64,
        page: usize,
    ) -> Result<Self, TiffProblem> {
        let first = Directory::read(file, file_bytes)?;
        let pages = first.pages();
        let directory = first.turn_to(page)?;
        let tags = &directory;
        let size = interpret::image_size(tags)?;
        let mut remarks = Vec::new();
        let samples_per_pixel = interpret::samples_per_pixel(tags)?;
        let compression = interpret::compression(tags)?;
        let sample = interpret::sample_kind(tags, samples_per_pixel, compression, &mut remarks)?;
        let (photometric, is_ycbcr) =
            interpret::photometric(tags, compression, sample, &mut remarks)?;
        let colour_samples =
            interpret::colour_samples(tags, photometric, samples_per_pixel, &mut remarks)?;
        let planar = interpret::planar(tags, samples_per_pixel)?;
        let planes = match planar {
            Planar::Chunky => 1,
            Planar::Planar => samples_per_pixel,
        };
        let description = tags
            .bytes(tags::IMAGE_DESCRIPTION, MAX_DESCRIPTION_BYTES)?
            .map(|bytes| text(&bytes));
        let mut layout = Self {
            size,
            byte_order: directory.byte_order,
            big_tiff: directory.big_tiff,
            file_bytes,
            pages,
            linked: directory.is_linked(),
            sample,
            samples_per_pixel,
            colour_samples,
            photometric,
            planar,
            compression,
            predictor: interpret::predictor(tags, compression, sample)?,
            chunks: interpret::chunk_layout(tags, size, planes)?,
            offsets: Vec::new(),
            lengths: Vec::new(),
            jpeg_tables: tags.bytes(tags::JPEG_TABLES, MAX_JPEG_TABLES_BYTES)?,
            palette: interpret::palette(tags, photometric, sample)?,
            description,
            first_sample: 0,
            is_ycbcr,
            is_lossless_jpeg: false,
            reversed_bits: false,
            dictionary_bytes: 0,
            orientation: interpret::orientation(tags, &mut remarks)?,
            remarks,
        };
        layout.locate_chunks(tags)?;
        layout.look_at_first_chunk(file, tags)?;
        Ok(layout)
    }

    /// Looks at the beginning of the first chunk, which may say otherwise than the tags how it is stored.
    fn look_at_first_chunk(
        &mut self,
        file: &File,
        tags: &Directory<'_>,
    ) -> Result<(), TiffProblem> {
        let sparse = (0..self.offsets.len())
            .filter(|&number| self.is_sparse(number))
            .count();
        if sparse > 0 {
            self.remarks.push(format!(
                "{sparse} of its {} strips or tiles are not stored; they are read as zero",
                self.offsets.len()
            ));
        }
        let first = (0..self.offsets.len()).find(|&number| !self.is_sparse(number));
        let look = match self.compression {
            Compression::Jpeg => MAX_LOOK_BYTES,
            Compression::Lzma => xz::LOOK_BYTES,
            _ => 2,
        };
        let mut start = vec![0; first.map_or(0, |n| self.lengths[n].min(look)) as usize];
        if let Some(first) = first {
            read_exact_at(file, &mut start, self.offsets[first])?;
        }
        let two = start.first_chunk::<2>().copied();
        let remarks = &mut self.remarks;
        self.reversed_bits = interpret::has_reversed_bits(tags, self.compression, two, remarks)?;
        match self.compression {
            Compression::Jpeg if first.is_some() => self.look_at_jpeg(start),
            Compression::Lzma if first.is_some() => {
                if self.reversed_bits {
                    start
                        .iter_mut()
                        .for_each(|byte| *byte = byte.reverse_bits());
                }
                self.dictionary_bytes = xz::dictionary_bytes(&start).ok_or_else(|| {
                    TiffProblem::damaged("its LZMA streams do not begin as the xz format has it")
                })?;
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Holds what a JPEG stream says of itself against the tags.
    fn look_at_jpeg(&mut self, start: Vec<u8>) -> Result<(), TiffProblem> {
        let stream = match &self.jpeg_tables {
            Some(tables) => jpeg::with_tables(tables, &start).unwrap_or_default(),
            None => start,
        };
        // What is not understood here is told with its place where it is decoded.
        let Some(found) = JpegStream::of(&stream) else {
            return Ok(());
        };
        if !found.is_read() {
            return Err(TiffProblem::Unsupported {
                found: found.coding(),
                advice: "save it with another compression, such as LZW, deflate or JPEG 2000",
            });
        }
        self.is_lossless_jpeg = found.frame == LOSSLESS;
        if let Some(said) = found.said
            && said.ycbcr != self.is_ycbcr
            && found.components == 3
        {
            self.remarks.push(format!(
                "its tag says {}, but its JPEG streams have {}: they are read {}",
                self.photometric,
                said.by,
                if said.ycbcr {
                    "as YCbCr"
                } else {
                    "without conversion"
                }
            ));
        }
        Ok(())
    }

    /// Whether a chunk is not stored, which stands for zeros.
    pub(crate) fn is_sparse(&self, number: usize) -> bool {
        self.offsets[number] == 0 && self.lengths[number] == 0
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
        let samples = self.chunk_size().width as u64 * self.chunk_samples() as u64;
        samples.saturating_mul(self.sample.bits()).div_ceil(8)
    }

    fn locate_chunks(&mut self, tags: &Directory<'_>) -> Result<(), TiffProblem> {
        let (offset_tag, length_tag) = match self.chunks {
            ChunkLayout::Tiles { .. } if tags.has(tags::TILE_OFFSETS) => {
                (tags::TILE_OFFSETS, tags::TILE_BYTE_COUNTS)
            }
            ChunkLayout::Tiles { .. } => {
                let remark =
                    "the places of its tiles are in the tags of strips; they are read as tiles";
                self.remarks.push(remark.to_owned());
                (tags::STRIP_OFFSETS, tags::STRIP_BYTE_COUNTS)
            }
            ChunkLayout::Strips { .. } => (tags::STRIP_OFFSETS, tags::STRIP_BYTE_COUNTS),
        };
        let length_tag = match length_tag {
            tags::TILE_BYTE_COUNTS if !tags.has(length_tag) => tags::STRIP_BYTE_COUNTS,
            tag => tag,
        };
        let grid = self.grid();
        let expected = grid.pixels() * self.planes() as u64;
        let grid_row = |number: usize| number / grid.width % grid.height;
        self.offsets = interpret::numbers(tags, offset_tag, expected, "offsets")?;
        self.lengths = if tags.has(length_tag) {
            interpret::numbers(tags, length_tag, expected, "byte counts")?
        } else if self.compression == Compression::None {
            let rows = (0..self.offsets.len()).map(|n| self.stored_rows(grid_row(n)) as u64);
            rows.map(|rows| rows * self.chunk_row_bytes()).collect()
        } else {
            return Err(TiffProblem::damaged(
                "the byte counts of its chunks are missing",
            ));
        };
        self.believe_words();
        for number in 0..self.offsets.len() {
            self.check_chunk(number, self.stored_rows(grid_row(number)))?;
        }
        self.check_sharing()
    }

    /// Samples of 9 to 15 bit that have a word each, by the length of every chunk, are no packed ones.
    fn believe_words(&mut self) {
        let SampleKind::Packed(bits @ 9..) = self.sample else {
            return;
        };
        let words = self.chunk_size().width as u64 * self.chunk_samples() as u64 * 2;
        let grid = self.grid();
        let in_words = |(number, &length): (usize, &u64)| {
            let rows = self.stored_rows(number / grid.width % grid.height) as u64;
            length == words * rows
        };
        if self.compression == Compression::None && self.lengths.iter().enumerate().all(in_words) {
            self.sample = SampleKind::U16;
            self.remarks.push(format!(
                "its samples are said to have {bits} bit, but lie in words of 16 bit, and are read so"
            ));
        }
    }

    /// A chunk lies within the file and is long enough for what it should hold.
    fn check_chunk(&mut self, number: usize, rows: usize) -> Result<(), TiffProblem> {
        let needed = self.chunk_row_bytes().saturating_mul(rows as u64);
        let (offset, length) = (self.offsets[number], self.lengths[number]);
        let name = || self.chunk_name(number);
        if self.is_sparse(number) {
            return Ok(());
        }
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

/// A text of a tag, up to its zero.
pub(super) fn text(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|&b| b == 0).unwrap_or(bytes.len());
    String::from_utf8_lossy(&bytes[..end]).into_owned()
}
