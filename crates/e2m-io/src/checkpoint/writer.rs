//! Writes a checkpoint band by band.

use super::fits::FitsWriter;
use super::{CheckpointCompression, CheckpointError, CheckpointFormat, Facts};
use crate::atomic::AtomicFile;
use crate::hash::{ContentHash, PixelHasher};
use crate::tiff::{TiffWriter, WriterOptions};
use crate::write_behind::WriteBehind;
use e2m_image::{BandError, BandSink, Size, check_band};
use ndarray::ArrayView2;
use std::borrow::Cow;
use std::io::{self, BufWriter, IntoInnerError, Seek, SeekFrom};
use std::path::{Path, PathBuf};

/// Who wrote the file.
const SOFTWARE: &str = concat!("e2m ", env!("CARGO_PKG_VERSION"));
/// Rows are collected up to this size before they go to the file system.
const BUFFER_BYTES: usize = 1 << 20;

/// A checkpoint under construction: a [`BandSink`] for its pixels, then [`CheckpointWriter::finish`].
///
/// Dropped before it is finished, nothing of it remains. The same pixels, facts and options give the same bytes whatever
/// the bands, in FITS but for the time in CREATED and the CHECKSUM over it.
#[derive(Debug)]
pub struct CheckpointWriter {
    path: PathBuf,
    size: Size,
    rows_written: usize,
    hasher: PixelHasher,
    format: FormatWriter,
    behind: WriteBehind,
}

#[derive(Debug)]
enum FormatWriter {
    Tiff(TiffWriter<BufWriter<AtomicFile>>),
    Fits(FitsWriter),
}

impl FormatWriter {
    fn write_row(&mut self, row: &[f32]) -> io::Result<()> {
        match self {
            Self::Tiff(writer) => writer.write_row(row),
            Self::Fits(writer) => writer.write_row(row),
        }
    }

    fn finish(self) -> io::Result<AtomicFile> {
        match self {
            Self::Tiff(writer) => {
                let buffered = writer.finish()?;
                buffered.into_inner().map_err(IntoInnerError::into_error)
            }
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
    /// The hash of the pixels as little-endian floats, row by row: the same for TIFF and FITS.
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
        Self::create_with(path, size, facts, format, compression, None)
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
        let axis = |length: usize| length > 0 && u32::try_from(length).is_ok();
        if !axis(size.width) || !axis(size.height) {
            return Err(CheckpointError::Size {
                path: path.to_owned(),
                size,
            });
        }
        let file = AtomicFile::create(path)?;
        let behind = WriteBehind::new(file.second_handle());
        let writer = match format {
            CheckpointFormat::Tiff => {
                let options = WriterOptions {
                    deflate: compression == CheckpointCompression::Deflate,
                    big_tiff,
                    description: &facts.to_json(),
                    software: SOFTWARE,
                };
                let file = BufWriter::with_capacity(BUFFER_BYTES, file);
                TiffWriter::new(file, size, options).map(FormatWriter::Tiff)
            }
            CheckpointFormat::Fits => {
                let now = jiff::Zoned::now().datetime();
                let created = format!("{now:.6}");
                FitsWriter::new(file, size, facts, &created).map(FormatWriter::Fits)
            }
        };
        Ok(Self {
            path: path.to_owned(),
            size,
            rows_written: 0,
            hasher: PixelHasher::new(),
            format: writer.map_err(|source| write_error(path, 0, source))?,
            behind,
        })
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
        let failed = |source| write_error(&self.path, written, source);
        let mut file = self.format.finish().map_err(failed)?;
        let bytes = file.seek(SeekFrom::End(0)).map_err(failed)?;
        self.behind.finish().map_err(failed)?;
        file.commit()?;
        Ok(WrittenCheckpoint {
            path: self.path,
            bytes,
            hash: self.hasher.finish(),
        })
    }
}

fn write_error(path: &Path, written_bytes: u64, source: io::Error) -> CheckpointError {
    CheckpointError::Write {
        path: path.to_owned(),
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
        for row in band.rows() {
            let written = 4 * (self.rows_written * self.size.width) as u64;
            // Rows that lie side by side are copied as they are.
            let row = row
                .to_slice()
                .map_or_else(|| Cow::Owned(row.to_vec()), Cow::Borrowed);
            self.hasher.update(&row);
            self.format
                .write_row(&row)
                .map_err(|source| BandError::other(write_error(&self.path, written, source)))?;
            self.rows_written += 1;
        }
        let written = 4 * (self.rows_written * self.size.width) as u64;
        self.behind
            .wrote(4 * band.len() as u64)
            .map_err(|source| BandError::other(write_error(&self.path, written, source)))
    }
}
