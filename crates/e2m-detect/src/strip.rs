//! The rows that are worked on, and those around them, kept from one strip to the next.

use crate::field::BackgroundField;
use crate::options::PairFacts;
use crate::source::{PairSource, subtract};
use e2m_image::BandError;
use ndarray::{Array2, ArrayView2, Axis, s};
use rayon::prelude::*;
use std::ops::Range;

/// Difference, background and mask of some rows of the image.
#[derive(Debug)]
pub(crate) struct Strip {
    rows: Range<usize>,
    difference: Array2<f32>,
    background: Array2<f32>,
    mask: Array2<u8>,
}

impl Strip {
    /// Room for so many rows.
    pub(crate) fn new(rows: usize, width: usize) -> Self {
        Self {
            rows: 0..0,
            difference: Array2::zeros((rows, width)),
            background: Array2::zeros((rows, width)),
            mask: Array2::zeros((rows, width)),
        }
    }

    /// Holds `rows` from now on: keeps what it has of them and reads the others. The field is taken off, where there is one.
    pub(crate) fn advance(
        &mut self,
        source: &mut dyn PairSource,
        facts: &PairFacts,
        field: Option<&BackgroundField>,
        rows: Range<usize>,
    ) -> Result<(), BandError> {
        let kept = if self.rows.contains(&rows.start) {
            self.rows.end.min(rows.end) - rows.start
        } else {
            0
        };
        if kept > 0 {
            let from = rows.start - self.rows.start;
            shift(&mut self.difference, from, kept);
            shift(&mut self.background, from, kept);
            shift(&mut self.mask, from, kept);
        }
        let new = s![kept..rows.len(), ..];
        let first = rows.start + kept;
        let (mut difference, mut background, mut mask) = (
            self.difference.slice_mut(new),
            self.background.slice_mut(new),
            self.mask.slice_mut(new),
        );
        if difference.nrows() > 0 {
            source.read_pair(
                first,
                difference.view_mut(),
                background.view_mut(),
                mask.view_mut(),
            )?;
        }
        difference
            .axis_iter_mut(Axis(0))
            .into_par_iter()
            .zip(background.axis_iter_mut(Axis(0)))
            .zip(mask.axis_iter_mut(Axis(0)))
            .enumerate()
            .for_each(|(i, ((mut d, mut b), mut m))| {
                let slices = (d.as_slice_mut(), b.as_slice_mut(), m.as_slice_mut());
                if let (Some(d), Some(b), Some(m)) = slices {
                    subtract(facts, d, b, m);
                    if let Some(field) = field {
                        field.subtract_row(first + i, d, b);
                    }
                }
            });
        self.rows = rows;
        Ok(())
    }

    /// Difference, background and mask of a rectangle of the image within its rows.
    pub(crate) fn part(
        &self,
        rows: Range<usize>,
        columns: Range<usize>,
    ) -> (ArrayView2<'_, f32>, ArrayView2<'_, f32>, ArrayView2<'_, u8>) {
        let first = self.rows.start;
        let part = s![rows.start - first..rows.end - first, columns];
        (
            self.difference.slice(part),
            self.background.slice(part),
            self.mask.slice(part),
        )
    }
}

/// Moves `kept` rows from `from` to the top.
fn shift<T: Copy>(array: &mut Array2<T>, from: usize, kept: usize) {
    let width = array.ncols();
    if let Some(values) = array.as_slice_mut() {
        values.copy_within(from * width..(from + kept) * width, 0);
    }
}
