//! Writes a mask band by band: one byte per pixel, whose bits are flags.

use super::fits::FitsWriter;
use super::writer::{
    BASE_BYTES, FITS_BLOCK, FITS_HEADER_BYTES, SOFTWARE, TIFF_HEADER_BYTES, copy_to, write_error,
};
use super::{CheckpointError, CheckpointFormat, Facts, PixelKind, WrittenCheckpoint};
use crate::atomic::AtomicFile;
use crate::hash::PixelHasher;
use crate::output::OutputFile;
use crate::tiff::{FlagsTiff, flags_memory_bytes, flags_table_bytes};
use e2m_image::{BandError, Size, check_band};
use ndarray::ArrayView2;
use std::io::{self, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

/// A mask is expected to take so small a share of its pixels, for how the file is written.
const EXPECTED_SHARE: u64 = 50;

/// A mask under construction: bands of bytes, then [`FlagsWriter::finish`]. TIFF is deflated, FITS is not.
///
/// Dropped before it is finished, nothing of it remains. The same pixels and facts give the same bytes whatever the bands, in
/// FITS but for the time in CREATED and the CHECKSUM over it.
#[derive(Debug)]
pub struct FlagsWriter {
    path: PathBuf,
    size: Size,
    rows_written: usize,
    /// Length of the whole file, bytes; 0 where nobody knows it before what is compressed is there.
    needed_bytes: u64,
    hasher: PixelHasher,
    format: FormatWriter,
    /// A row whose pixels do not lie side by side.
    row: Vec<u8>,
    /// Whether it is under construction on another disk, and has to be copied.
    elsewhere: bool,
}

#[derive(Debug)]
enum FormatWriter {
    Tiff(Box<FlagsTiff<OutputFile>>),
    Fits(Box<FitsWriter>),
}

impl FlagsWriter {
    /// Begins a mask of `size` at `path`, whose folder has to exist; in the folder `scratch` on another disk, if one is
    /// given, see [`CheckpointWriter::create_in_scratch`](super::CheckpointWriter::create_in_scratch).
    ///
    /// # Errors
    /// [`CheckpointError::Size`] for an image without pixels or with an axis beyond 32 bit; otherwise what the file system
    /// says.
    pub fn create(
        path: &Path,
        scratch: Option<&Path>,
        size: Size,
        facts: &Facts,
        format: CheckpointFormat,
    ) -> Result<Self, CheckpointError> {
        let axis = |length: usize| length > 0 && u32::try_from(length).is_ok();
        if !axis(size.width) || !axis(size.height) {
            return Err(CheckpointError::Size {
                path: path.to_owned(),
                size,
            });
        }
        let name = path.file_name().unwrap_or_default();
        let place = scratch.map_or_else(|| path.to_owned(), |folder| folder.join(name));
        let needed_bytes = match format {
            CheckpointFormat::Tiff => 0,
            CheckpointFormat::Fits => Self::file_bytes(size, format),
        };
        let file = AtomicFile::create(&place)?;
        let writer = match format {
            CheckpointFormat::Tiff => OutputFile::new(file, size.pixels() / EXPECTED_SHARE)
                .and_then(|out| {
                    FlagsTiff::new(out, size, facts.to_json(), SOFTWARE, facts.um_per_px())
                })
                .map(|writer| FormatWriter::Tiff(Box::new(writer))),
            CheckpointFormat::Fits => {
                let now = jiff::Zoned::now().datetime();
                FitsWriter::new(file, size, PixelKind::Flags, facts, &format!("{now:.6}"))
                    .map(|writer| FormatWriter::Fits(Box::new(writer)))
            }
        };
        Ok(Self {
            path: path.to_owned(),
            size,
            rows_written: 0,
            needed_bytes,
            hasher: PixelHasher::new(),
            format: writer.map_err(|source| write_error(path, (needed_bytes, 0), source))?,
            row: Vec::new(),
            elsewhere: scratch.is_some(),
        })
    }

    /// The most bytes of memory that a writer holds at any time, bands not counted, in a pool of `threads` threads.
    pub fn memory_bytes(size: Size, format: CheckpointFormat, threads: usize) -> u64 {
        let (expected, own) = match format {
            CheckpointFormat::Tiff => (
                size.pixels() / EXPECTED_SHARE,
                flags_memory_bytes(size, threads),
            ),
            CheckpointFormat::Fits => (size.pixels(), 0),
        };
        OutputFile::memory_bytes(expected) + own + size.width as u64 + BASE_BYTES
    }

    /// The length in bytes of a file that a writer leaves, at most. What deflate saves is not known before.
    pub fn file_bytes(size: Size, format: CheckpointFormat) -> u64 {
        let header = match format {
            // What cannot be compressed grows by a few bytes in a thousand.
            CheckpointFormat::Tiff => {
                TIFF_HEADER_BYTES + flags_table_bytes(size) + size.pixels() / 128
            }
            CheckpointFormat::Fits => FITS_HEADER_BYTES + FITS_BLOCK,
        };
        size.pixels().saturating_add(header)
    }

    /// Writes the next rows; the band has the shape `(rows, width)`.
    ///
    /// # Errors
    /// A band that does not fit, and what the file system says.
    pub fn write_band(&mut self, band: ArrayView2<'_, u8>) -> Result<(), BandError> {
        check_band(self.size, self.rows_written, band.dim())?;
        if let Some(pixels) = band.to_slice() {
            self.write_pixels(pixels)?;
        } else {
            let mut buffer = std::mem::take(&mut self.row);
            for row in band.rows() {
                buffer.clear();
                buffer.extend(row);
                self.write_pixels(&buffer)?;
            }
            self.row = buffer;
        }
        Ok(())
    }

    fn write_pixels(&mut self, pixels: &[u8]) -> Result<(), BandError> {
        self.hasher.update_bytes(pixels);
        let handed = (self.rows_written * self.size.width + pixels.len()) as u64;
        let written = match &mut self.format {
            FormatWriter::Tiff(writer) => writer.write_rows(pixels),
            FormatWriter::Fits(writer) => writer.write_bytes(pixels),
        };
        let lengths = (self.needed_bytes, handed);
        written.map_err(|source| BandError::other(write_error(&self.path, lengths, source)))?;
        self.rows_written += pixels.len() / self.size.width;
        Ok(())
    }

    /// Writes what is left, makes the file durable and gives it its name.
    ///
    /// # Errors
    /// [`CheckpointError::Unfinished`] when rows are missing; then nothing remains.
    pub fn finish(self) -> Result<WrittenCheckpoint, CheckpointError> {
        if self.rows_written != self.size.height {
            return Err(CheckpointError::Unfinished {
                path: self.path,
                rows_written: self.rows_written,
                size: self.size,
            });
        }
        let lengths = (self.needed_bytes, self.size.pixels());
        let failed = |source: io::Error| write_error(&self.path, lengths, source);
        let file = match self.format {
            FormatWriter::Tiff(writer) => writer.finish().and_then(OutputFile::finish),
            FormatWriter::Fits(writer) => writer.finish(),
        };
        let mut file = file.map_err(failed)?;
        let bytes = file.seek(SeekFrom::End(0)).map_err(failed)?;
        if self.elsewhere {
            copy_to(&self.path, file, bytes)?;
        } else {
            file.commit()?;
        }
        Ok(WrittenCheckpoint {
            path: self.path,
            bytes,
            hash: self.hasher.finish(),
        })
    }
}
