//! The signal of a raw image as a source of bands.

use super::channels::ChannelChoice;
use super::count::{Alterations, Count};
use super::image::RawError;
use super::reduce::reduce_row;
use super::source::{ColourRows, RawRows, with_rows};
use crate::tiff::TiffProblem;
use e2m_image::{BandError, BandSource, Plane, PlaneSource, Size, check_band};
use ndarray::ArrayViewMut2;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// Streams the signal of a raw image; made by [`RawImage::bands`](super::RawImage::bands).
///
/// Holds a row, or a row of tiles; or all of the signal, where rows of the file are columns of the image.
pub struct RawBands {
    path: PathBuf,
    size: Size,
    signal: Signal,
}

/// Where the signal comes from.
enum Signal {
    Rows(Box<Stream>),
    Plane(Plane),
}

/// The rows of a file, reduced to the signal.
struct Stream {
    choice: ChannelChoice,
    rows: RawRows,
    /// Rows above this one have been counted.
    counted_to: usize,
    counted: Alterations,
    /// What the image knows of it: most that was counted so far.
    known: Arc<Mutex<Alterations>>,
}

impl std::fmt::Debug for RawBands {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RawBands")
            .field("path", &self.path)
            .field("size", &self.size)
            .finish_non_exhaustive()
    }
}

impl RawBands {
    pub(crate) fn new(
        path: &Path,
        size: Size,
        mut rows: RawRows,
        choice: &ChannelChoice,
        known: Arc<Mutex<Alterations>>,
    ) -> Result<Self, RawError> {
        choice.check(path)?;
        with_rows!(&mut rows, rows => rows.want_channels(&choice.active));
        Ok(Self {
            path: path.to_owned(),
            size,
            signal: Signal::Rows(Box::new(Stream {
                choice: choice.clone(),
                rows,
                counted_to: 0,
                counted: Alterations::default(),
                known,
            })),
        })
    }

    /// The bands of a plane that was read from the file.
    pub(crate) fn of_plane(path: &Path, plane: Plane) -> Self {
        Self {
            path: path.to_owned(),
            size: plane.size(),
            signal: Signal::Plane(plane),
        }
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
        match &mut self.signal {
            Signal::Plane(plane) => PlaneSource::new(&*plane).read_band(first_row, band),
            Signal::Rows(stream) => stream
                .read_band(first_row, &mut band)
                .map_err(|problem| BandError::other(RawError::new(&self.path, problem))),
        }
    }
}

impl Stream {
    fn read_band(
        &mut self,
        first_row: usize,
        band: &mut ArrayViewMut2<'_, f32>,
    ) -> Result<(), TiffProblem> {
        let (choice, counted_to) = (&self.choice, self.counted_to);
        let altered = with_rows!(&mut self.rows, rows => {
            read_rows(&mut **rows, choice, first_row, counted_to, band)
        })?;
        self.counted += altered;
        self.counted_to = self.counted_to.max(first_row + band.nrows());
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.not_numbers = known.not_numbers.max(self.counted.not_numbers);
        known.inexact = known.inexact.max(self.counted.inexact);
        Ok(())
    }
}

/// Reads the rows of a band; tells how many samples of those from `counted_to` on are not as they are stored.
fn read_rows<T: Count>(
    rows: &mut dyn ColourRows<T>,
    choice: &ChannelChoice,
    first_row: usize,
    counted_to: usize,
    band: &mut ArrayViewMut2<'_, f32>,
) -> Result<Alterations, TiffProblem> {
    let layout = rows.layout();
    let mut alterations = Alterations::default();
    for (y, mut out) in (first_row..).zip(band.rows_mut()) {
        let (row, altered) = rows.row(y)?;
        if y >= counted_to {
            alterations += altered;
        }
        reduce_row(row, layout, choice, &mut out);
    }
    Ok(alterations)
}
