//! The signal of a raw image as a source of bands.

use super::channels::ChannelChoice;
use super::image::RawError;
use super::source::{ColourRows, RawRows, with_rows};
use super::tally::{Count, reduce_row};
use crate::tiff::{TiffProblem, with_channel};
use e2m_image::{BandError, BandSource, Size, check_band};
use ndarray::{ArrayViewMut1, ArrayViewMut2};
use std::path::{Path, PathBuf};

/// Streams the signal of a raw image; made by [`RawImage::bands`](super::RawImage::bands).
///
/// Holds a row, or a row of tiles.
pub struct RawBands {
    path: PathBuf,
    size: Size,
    active: Vec<usize>,
    rows: RawRows,
}

impl std::fmt::Debug for RawBands {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RawBands")
            .field("path", &self.path)
            .field("size", &self.size)
            .field("active", &self.active)
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
        let channels = choice.kind.channels();
        if choice.active.is_empty() || choice.active.iter().any(|&c| c >= channels) {
            return Err(RawError::new(
                path,
                TiffProblem::damaged(format!("it has no channels {:?}", choice.active)),
            ));
        }
        with_rows!(&mut rows, rows => rows.want_channels(&choice.active));
        Ok(Self {
            path: path.to_owned(),
            size,
            active: choice.active.clone(),
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
        let active = &self.active;
        with_rows!(&mut self.rows, rows => read_rows(&mut **rows, active, first_row, &mut band))
            .map_err(|problem| BandError::other(RawError::new(&self.path, problem)))
    }
}

fn read_rows<T: Count>(
    rows: &mut dyn ColourRows<T>,
    active: &[usize],
    first_row: usize,
    band: &mut ArrayViewMut2<'_, f32>,
) -> Result<(), TiffProblem> {
    let layout = rows.layout();
    let mut reduced = Vec::new();
    for (y, mut out) in (first_row..).zip(band.rows_mut()) {
        let (row, _) = rows.row(y)?;
        if let [channel] = *active {
            with_channel!(layout.channel(row, channel), counts => to_pixels(counts, &mut out));
        } else {
            reduced.resize(out.len(), T::default());
            reduce_row(row, layout, active, &mut reduced);
            to_pixels(reduced.iter(), &mut out);
        }
    }
    Ok(())
}

fn to_pixels<'a, T: Count>(counts: impl Iterator<Item = &'a T>, out: &mut ArrayViewMut1<'_, f32>) {
    let convert = |(out, &count): (&mut f32, &T)| *out = count.pixel();
    match out.as_slice_mut() {
        Some(out) => out.iter_mut().zip(counts).for_each(convert),
        None => out.iter_mut().zip(counts).for_each(convert),
    }
}
