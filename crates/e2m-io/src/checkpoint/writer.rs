//! Writes a checkpoint band by band.

use super::fits::FitsWriter;
use super::{CheckpointCompression, CheckpointError, CheckpointFormat, Facts, PixelKind};
use crate::atomic::AtomicFile;
use crate::hash::{ContentHash, PixelHasher};
use crate::output::OutputFile;
use crate::tiff::{TiffWriter, WriterOptions, strip_table_bytes, writer_memory_bytes};
use e2m_image::{BandError, BandSink, Size, check_band};
use ndarray::ArrayView2;
use std::cell::Cell;
use std::io::{self, Read as _, Seek, SeekFrom};
use std::path::{Path, PathBuf};

/// Who wrote the file.
pub(super) const SOFTWARE: &str = concat!("e2m ", env!("CARGO_PKG_VERSION"));
/// So much is taken at a time: hashed, it is still in the processor's cache when it is copied.
const PIECE_BYTES: usize = 128 << 10;
/// Directory, description and the rest of a TIFF besides pixels and the table of strips.
pub(super) const TIFF_HEADER_BYTES: u64 = 4 << 10;
/// The unit of a FITS file.
pub(super) const FITS_BLOCK: u64 = 2880;
/// Room for over a hundred cards.
pub(super) const FITS_HEADER_BYTES: u64 = 4 * FITS_BLOCK;
/// What a writer holds whatever the image: facts and cards in several forms, channels, names.
pub(super) const BASE_BYTES: u64 = 256 << 10;

/// A checkpoint under construction: a [`BandSink`] for its pixels, then [`CheckpointWriter::finish`].
///
/// Dropped before it is finished, nothing of it remains. The same pixels, facts and options give the same bytes whatever
/// the bands, in FITS but for the time in CREATED and the CHECKSUM over it.
#[derive(Debug)]
pub struct CheckpointWriter {
    path: PathBuf,
    size: Size,
    /// The length of the file, at most; 0 where compression decides.
    needed_bytes: u64,
    rows_written: usize,
    hasher: PixelHasher,
    format: FormatWriter,
    /// A row whose pixels do not lie side by side.
    row: Vec<f32>,
    /// Whether it is under construction on another disk, and has to be copied.
    elsewhere: bool,
}

#[derive(Debug)]
enum FormatWriter {
    Tiff(TiffWriter<OutputFile>),
    Fits(FitsWriter),
}

impl FormatWriter {
    fn write_rows(&mut self, pixels: &[f32]) -> io::Result<()> {
        match self {
            Self::Tiff(writer) => writer.write_rows(pixels),
            Self::Fits(writer) => writer.write_rows(pixels),
        }
    }

    fn finish(self) -> io::Result<AtomicFile> {
        match self {
            Self::Tiff(writer) => writer.finish()?.finish(),
            Self::Fits(writer) => writer.finish(),
        }
    }
}

/// A finished checkpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrittenCheckpoint {
    /// Where it is.
    pub path: PathBuf,
    /// Length of the file in bytes.
    pub bytes: u64,
    /// The hash of the pixels as little-endian floats, or as the bytes of a mask, row by row: the same for TIFF and FITS.
    pub hash: ContentHash,
}

impl CheckpointWriter {
    /// Begins a checkpoint of `size` at `path`, whose folder has to exist.
    ///
    /// `compression` only matters for TIFF. In FITS the time of writing is added as CREATED behind STAGE.
    ///
    /// # Errors
    /// [`CheckpointError::Size`] for an image without pixels or with an axis beyond 32 bit; otherwise what the file
    /// system says.
    pub fn create(
        path: &Path,
        size: Size,
        facts: &Facts,
        format: CheckpointFormat,
        compression: CheckpointCompression,
    ) -> Result<Self, CheckpointError> {
        Self::begin(path, None, size, facts, (format, compression, None))
    }

    /// The same, written in the folder `scratch` on another disk: [`CheckpointWriter::finish`] copies the finished file in one
    /// sequential pass beside its place, makes it durable there, and only then gives it its name. For places to which
    /// writing here and there is slow, such as a file system across a network.
    ///
    /// # Errors
    /// Those of [`CheckpointWriter::create`]; they name the file in `scratch` where it is that one.
    pub fn create_in_scratch(
        scratch: &Path,
        path: &Path,
        size: Size,
        facts: &Facts,
        format: CheckpointFormat,
        compression: CheckpointCompression,
    ) -> Result<Self, CheckpointError> {
        Self::begin(
            path,
            Some(scratch),
            size,
            facts,
            (format, compression, None),
        )
    }

    /// Like [`CheckpointWriter::create`], with BigTIFF chosen by hand: for tests of what only huge files would do.
    #[doc(hidden)]
    pub fn create_with(
        path: &Path,
        size: Size,
        facts: &Facts,
        format: CheckpointFormat,
        compression: CheckpointCompression,
        big_tiff: Option<bool>,
    ) -> Result<Self, CheckpointError> {
        Self::begin(path, None, size, facts, (format, compression, big_tiff))
    }

    fn begin(
        path: &Path,
        scratch: Option<&Path>,
        size: Size,
        facts: &Facts,
        (format, compression, big_tiff): (CheckpointFormat, CheckpointCompression, Option<bool>),
    ) -> Result<Self, CheckpointError> {
        let axis = |length: usize| length > 0 && u32::try_from(length).is_ok();
        if !axis(size.width) || !axis(size.height) {
            return Err(CheckpointError::Size {
                path: path.to_owned(),
                size,
            });
        }
        let deflated =
            format == CheckpointFormat::Tiff && compression == CheckpointCompression::Deflate;
        let needed_bytes = if deflated {
            0
        } else {
            Self::file_bytes(size, format)
        };
        let name = path.file_name().unwrap_or_default();
        let place = scratch.map_or_else(|| path.to_owned(), |folder| folder.join(name));
        let file = AtomicFile::create(&place).map_err(|error| error.of_length(needed_bytes))?;
        let writer = match format {
            CheckpointFormat::Tiff => {
                let options = WriterOptions {
                    deflate: compression == CheckpointCompression::Deflate,
                    big_tiff,
                    description: &facts.to_json(),
                    software: SOFTWARE,
                    um_per_px: facts.um_per_px(),
                };
                OutputFile::new(file, expected_bytes(size))
                    .and_then(|out| TiffWriter::new(out, size, options))
                    .map(FormatWriter::Tiff)
            }
            CheckpointFormat::Fits => {
                let now = jiff::Zoned::now().datetime();
                let created = format!("{now:.6}");
                FitsWriter::new(file, size, PixelKind::Float, facts, &created)
                    .map(FormatWriter::Fits)
            }
        };
        Ok(Self {
            path: path.to_owned(),
            size,
            needed_bytes,
            rows_written: 0,
            hasher: PixelHasher::new(),
            format: writer.map_err(|source| write_error(path, (needed_bytes, 0), source))?,
            row: Vec::new(),
            elsewhere: scratch.is_some(),
        })
    }

    /// The most bytes of memory that a writer holds at any time, bands not counted; for TIFF with deflate in a pool of
    /// `threads` threads. Facts longer than some ten thousand characters come on top.
    pub fn memory_bytes(
        size: Size,
        format: CheckpointFormat,
        compression: CheckpointCompression,
        threads: usize,
    ) -> u64 {
        let deflate = compression == CheckpointCompression::Deflate;
        let own = match format {
            CheckpointFormat::Tiff => writer_memory_bytes(size, deflate, threads),
            CheckpointFormat::Fits => 0,
        };
        let row = 4 * size.width as u64;
        OutputFile::memory_bytes(expected_bytes(size)) + own + row + BASE_BYTES
    }

    /// The length in bytes of a file that a writer leaves, at most: its pixels, and up to some kilobytes for headers. What deflate
    /// saves is not known before.
    pub fn file_bytes(size: Size, format: CheckpointFormat) -> u64 {
        let pixels = size.pixels().saturating_mul(4);
        let header = match format {
            CheckpointFormat::Tiff => TIFF_HEADER_BYTES + strip_table_bytes(size),
            // Header and data end on full blocks.
            CheckpointFormat::Fits => FITS_HEADER_BYTES + FITS_BLOCK,
        };
        pixels.saturating_add(header)
    }

    /// The name the checkpoint will have.
    pub fn path(&self) -> &Path {
        &self.path
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
        let written = 4 * self.size.pixels();
        let needed = self.needed_bytes;
        let failed = |source| write_error(&self.path, (needed, written), source);
        let mut file = self.format.finish().map_err(failed)?;
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

/// Copies a finished file of `bytes` bytes to `path`, where it appears whole. What is zero stays a hole.
pub(super) fn copy_to(
    path: &Path,
    mut from: AtomicFile,
    bytes: u64,
) -> Result<(), CheckpointError> {
    let copied = Cell::new(0);
    let failed = |source| write_error(path, (bytes, copied.get()), source);
    from.seek(SeekFrom::Start(0)).map_err(failed)?;
    let source = from.shared().map_err(failed)?;
    let file = AtomicFile::create(path).map_err(|error| error.of_length(bytes))?;
    let mut out = OutputFile::new(file, bytes).map_err(failed)?;
    loop {
        let read = match source.file().read(out.room().map_err(failed)?) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            read => read.map_err(failed)?,
        };
        if read == 0 {
            break;
        }
        out.advance(read);
        copied.set(copied.get() + read as u64);
    }
    if copied.get() != bytes {
        let why = format!("{} has {} bytes", from.path().display(), copied.get());
        return Err(failed(io::Error::new(io::ErrorKind::UnexpectedEof, why)));
    }
    out.finish().map_err(failed)?.commit()?;
    Ok(())
}

/// About the size of the file, which need not be exact.
fn expected_bytes(size: Size) -> u64 {
    size.pixels().saturating_mul(4).saturating_add(8 << 10)
}

pub(super) fn write_error(
    path: &Path,
    (needed_bytes, written_bytes): (u64, u64),
    source: io::Error,
) -> CheckpointError {
    CheckpointError::Write {
        path: path.to_owned(),
        needed_bytes,
        written_bytes,
        source,
    }
}

impl BandSink for CheckpointWriter {
    fn size(&self) -> Size {
        self.size
    }

    fn write_band(&mut self, band: ArrayView2<'_, f32>) -> Result<(), BandError> {
        check_band(self.size, self.rows_written, band.dim())?;
        if let Some(pixels) = band.to_slice() {
            return self.write_pixels(pixels);
        }
        let mut buffer = std::mem::take(&mut self.row);
        let written = band.rows().into_iter().try_for_each(|row| {
            buffer.clear();
            buffer.extend(row);
            self.write_pixels(&buffer)
        });
        self.row = buffer;
        written
    }
}

impl CheckpointWriter {
    /// Writes whole rows that lie one behind another.
    fn write_pixels(&mut self, pixels: &[f32]) -> Result<(), BandError> {
        let piece_rows = (PIECE_BYTES / (4 * self.size.width)).max(1);
        for piece in pixels.chunks(piece_rows * self.size.width) {
            let written = 4 * (self.rows_written * self.size.width) as u64;
            self.hasher.update(piece);
            let needed = self.needed_bytes;
            self.format.write_rows(piece).map_err(|source| {
                BandError::other(write_error(&self.path, (needed, written), source))
            })?;
            self.rows_written += piece.len() / self.size.width;
        }
        Ok(())
    }
}
