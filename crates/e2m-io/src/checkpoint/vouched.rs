//! Reads a checkpoint that a record vouches for, and holds it to that on the way.

use super::CheckpointReader;
use crate::hash::{ContentHash, PixelHasher};
use e2m_image::{BandError, BandSource, Size};
use ndarray::ArrayViewMut2;
use std::path::PathBuf;

/// A file whose pixels are not those that were written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the pixels of {} are not those on record: it was damaged or changed after it was written; a run makes it again once it is removed",
    path.display()
)]
pub struct OtherPixels {
    /// The file.
    pub path: PathBuf,
}

/// A [`CheckpointReader`] whose pixels have to have a hash: the last band fails with [`OtherPixels`] where they do not.
///
/// One pass reads and verifies. The rows have to be read top to bottom, each once; whatever is made of the pixels is worth
/// nothing before the last row is read.
///
/// A row that is read out of turn is an error of its own, as nothing could vouch for it.
#[derive(Debug)]
pub struct VouchedReader {
    reader: CheckpointReader,
    expected: ContentHash,
    hasher: PixelHasher,
    rows_read: usize,
}

impl VouchedReader {
    /// Holds what `reader` reads against the hash on record of a float image.
    pub fn new(reader: CheckpointReader, expected: ContentHash) -> Self {
        Self {
            reader,
            expected,
            hasher: PixelHasher::new(),
            rows_read: 0,
        }
    }
}

impl BandSource for VouchedReader {
    fn size(&self) -> Size {
        self.reader.size()
    }

    fn read_band(
        &mut self,
        first_row: usize,
        mut band: ArrayViewMut2<'_, f32>,
    ) -> Result<(), BandError> {
        if first_row != self.rows_read {
            let (band_rows, band_width) = band.dim();
            return Err(BandError::Shape {
                first_row,
                band_rows,
                band_width,
                size: self.size(),
            });
        }
        self.reader.read_band(first_row, band.view_mut())?;
        for row in band.rows() {
            match row.as_slice() {
                Some(pixels) => self.hasher.update(pixels),
                None => self.hasher.update(&row.to_vec()),
            }
        }
        self.rows_read += band.nrows();
        if self.rows_read == self.size().height && self.hasher.finish() != self.expected {
            return Err(BandError::other(OtherPixels {
                path: self.reader.path().to_owned(),
            }));
        }
        Ok(())
    }
}
