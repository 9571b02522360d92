//! The smooth field of scale and offset for itself: to take it off a difference image, and to know whether that helps.

use crate::field::{BackgroundField, Cell};
use crate::normal::quantile;
use crate::options::PairFacts;
use crate::source::PairSource;
use crate::survey::survey;
use crate::tile::TILE_ROWS;
use e2m_image::BandError;
use ndarray::{Array2, ArrayView2, ArrayViewMut2, Axis};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

/// Standard deviations of a normal distribution in its median distance from 0.
const PER_MEDIAN: f64 = 1.482_602;

/// What remains of the background in cells of 64 px that had no say in the field that is taken off them.
///
/// Cells are left out like the white fields of a chessboard, then like the black ones, and each is held against the field of the
/// others. Scatter is 1.48 times the median distance from 0, which microbes and dirt in a few cells do not change. A pair whose
/// one scale is right everywhere has more with the field than without it, since the field has errors of its own.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct HeldOut {
    /// Cells that show section.
    pub cells: usize,
    /// Scatter of their means with one scale, counts.
    pub constant: f64,
    /// Scatter of their means with the field of the other cells, counts.
    pub field: f64,
    /// Cells whose mean is nearer to 0 with the field of the other cells than with one scale.
    pub nearer: usize,
}

/// By so many standard deviations more than a half of the cells have to be nearer to 0 with the field.
const BEYOND_CHANCE: f64 = 3.0;

impl HeldOut {
    pub(crate) fn of(cells: &Array2<Cell>, is_section: &Array2<bool>) -> Self {
        let (mut constant, mut field) = (Vec::new(), Vec::new());
        for colour in 0..2 {
            let mut others = cells.clone();
            let left_out = |(y, x): (usize, usize)| (y + x) % 2 == colour;
            for (at, cell) in others.indexed_iter_mut() {
                if left_out(at) {
                    *cell = Cell::default();
                }
            }
            let of_others = BackgroundField::new(&others);
            for (at, cell) in cells.indexed_iter() {
                if left_out(at) && is_section[at] && cell.is_measured() {
                    constant.push(cell.remains(0.0, 0.0).abs());
                    field.push(of_others.remains_of(at, cell).abs());
                }
            }
        }
        let both = constant.iter().zip(&field);
        let nearer = both.filter(|(constant, field)| field < constant).count();
        let scatter = |values: &mut [f32]| PER_MEDIAN * quantile(values, 0.5);
        if constant.is_empty() {
            return Self::default();
        }
        Self {
            cells: constant.len(),
            constant: scatter(&mut constant),
            field: scatter(&mut field),
            nearer,
        }
    }

    /// Whether less remains with the field than with one scale, in more cells than chance would have it: a sign test, under
    /// which half of the cells or fewer are nearer to 0 where one scale is right.
    pub fn improves(&self) -> bool {
        let number = self.cells as f64;
        let by_chance = 0.5 * number + BEYOND_CHANCE * 0.5 * number.sqrt();
        self.field < self.constant && self.nearer as f64 > by_chance
    }
}

/// A smooth field of scale and offset, which [`detect`](crate::detect) takes off before it searches.
#[derive(Debug, Clone)]
pub struct ScaleField {
    field: BackgroundField,
    held_out: HeldOut,
}

impl ScaleField {
    /// Measures it in one pass over the pair, in strips of `strip_rows`, which change nothing but memory and speed.
    ///
    /// # Errors
    ///
    /// Those of the source.
    pub fn measure(
        source: &mut dyn PairSource,
        facts: &PairFacts,
        strip_rows: usize,
    ) -> Result<Self, BandError> {
        let survey = survey(source, facts, strip_rows.max(1).next_multiple_of(TILE_ROWS))?;
        Ok(Self {
            field: survey.field,
            held_out: survey.held_out,
        })
    }

    /// What remains in cells that had no say in it.
    pub fn held_out(&self) -> HeldOut {
        self.held_out
    }

    /// Takes the field off some rows: `difference -= offset + slope x background`.
    ///
    /// Both bands have the shape `(rows, width)` and begin at `first_row` of the image. `difference` is
    /// `(post - black of post) - background`, `background` is `scale x (aligned - black of pre)`, counts.
    pub fn subtract(
        &self,
        first_row: usize,
        mut difference: ArrayViewMut2<'_, f32>,
        background: ArrayView2<'_, f32>,
    ) {
        difference
            .axis_iter_mut(Axis(0))
            .into_par_iter()
            .zip(background.axis_iter(Axis(0)))
            .enumerate()
            .for_each(|(i, (mut d, b))| {
                if let (Some(d), Some(b)) = (d.as_slice_mut(), b.to_slice()) {
                    self.field.subtract_row(first_row + i, d, b);
                }
            });
    }
}
