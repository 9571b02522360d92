//! The signal of a raw image as a source of bands.

use super::channels::ChannelChoice;
use super::count::Count;
use super::image::RawError;
use super::reduce::reduce_row;
use super::source::{ColourRows, RawRows, with_rows};
use crate::tiff::TiffProblem;
use e2m_image::{BandError, BandSource, Size, check_band};
use ndarray::ArrayViewMut2;
use std::path::{Path, PathBuf};

/// Streams the signal of a raw image; made by [`RawImage::bands`](super::RawImage::bands).
///
/// Holds a row, or a row of tiles.
pub struct RawBands {
    path: PathBuf,
    size: Size,
    choice: ChannelChoice,
    rows: RawRows,
}

impl std::fmt::Debug for RawBands {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RawBands")
            .field("path", &self.path)
            .field("size", &self.size)
            .field("choice", &self.choice)
            .finish_non_exhaustive()
    }
}

impl RawBands {
    pub(crate) fn new(
        path: &Path,
        size: Size,
        mut rows: RawRows,
        choice: &ChannelChoice,
    ) -> Result<Self, RawError> {
        choice.check(path)?;
        with_rows!(&mut rows, rows => rows.want_channels(&choice.active));
        Ok(Self {
            path: path.to_owned(),
            size,
            choice: choice.clone(),
            rows,
        })
    }
}

impl BandSource for RawBands {
    fn size(&self) -> Size {
        self.size
    }

    fn read_band(
        &mut self,
        first_row: usize,
        mut band: ArrayViewMut2<'_, f32>,
    ) -> Result<(), BandError> {
        check_band(self.size, first_row, band.dim())?;
        let choice = &self.choice;
        with_rows!(&mut self.rows, rows => read_rows(&mut **rows, choice, first_row, &mut band))
            .map_err(|problem| BandError::other(RawError::new(&self.path, problem)))
    }
}

fn read_rows<T: Count>(
    rows: &mut dyn ColourRows<T>,
    choice: &ChannelChoice,
    first_row: usize,
    band: &mut ArrayViewMut2<'_, f32>,
) -> Result<(), TiffProblem> {
    let layout = rows.layout();
    for (y, mut out) in (first_row..).zip(band.rows_mut()) {
        let (row, _) = rows.row(y)?;
        reduce_row(row, layout, choice, &mut out);
    }
    Ok(())
}
