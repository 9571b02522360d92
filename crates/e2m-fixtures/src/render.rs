//! Rendering: rows of pixels, band by band, in parallel.

use crate::camera::{to_u8, to_u16};
use crate::world::{Buffers, World};
use e2m_image::{PixelType, Plane};
use ndarray::{Array2, Axis};
use rayon::prelude::*;
use std::ops::Range;

/// One of the two images of a pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// After staining.
    Post = 0,
    /// Before staining.
    Pre = 1,
}

/// Rows rendered at a time into a plane. Any number gives the same pixels.
const BAND_ROWS: usize = 128;

impl World {
    /// The rows of an image in counts as floats: after the camera's noise, before rounding and scaling.
    ///
    /// Shape `(rows, width)`. Every pixel depends on its own coordinates only, so that any split into bands and any
    /// number of threads gives the same bits.
    pub fn render_rows(&self, side: Side, rows: Range<usize>) -> Array2<f32> {
        let width = self.size(side).width;
        let defocus = self.defocus(side);
        let margin = defocus.map_or(0, super::defocus::Defocus::reach);
        let mut light = Array2::zeros((rows.len() + 2 * margin, width + 2 * margin));
        light
            .axis_iter_mut(Axis(0))
            .into_par_iter()
            .enumerate()
            .for_each_init(Buffers::default, |buffers, (i, mut out)| {
                let y = (rows.start + i) as i64 - margin as i64;
                if let Some(out) = out.as_slice_mut() {
                    self.light_row(side, -(margin as i64), y, buffers, out);
                }
            });
        let mut counts = match defocus {
            Some(defocus) => defocus.apply(&light),
            None => light,
        };
        counts
            .axis_iter_mut(Axis(0))
            .into_par_iter()
            .enumerate()
            .for_each(|(i, mut row)| {
                if let Some(row) = row.as_slice_mut() {
                    self.camera(side).expose_row(rows.start + i, row);
                }
            });
        counts
    }

    /// The whole image as one plane, as a reader of its file would hand it out: the signal channel, or the sum of two.
    pub fn render(&self, side: Side) -> Plane {
        let (size, scale) = (self.size(side), self.recipe().counts_scale as f32);
        match self.recipe().pixel {
            PixelType::U8 => self.collect(side, size.shape(), to_u8).into(),
            PixelType::U16 => self
                .collect(side, size.shape(), |v| to_u16(v * scale))
                .into(),
            PixelType::F32 => self.collect(side, size.shape(), |v| v * scale).into(),
        }
    }

    /// The post image. See [`World::render`].
    pub fn render_post(&self) -> Plane {
        self.render(Side::Post)
    }

    /// The pre image. See [`World::render`].
    pub fn render_pre(&self) -> Plane {
        self.render(Side::Pre)
    }

    fn collect<P: Clone + Default>(
        &self,
        side: Side,
        shape: (usize, usize),
        store: impl Fn(f32) -> P,
    ) -> Array2<P> {
        let mut plane = Array2::default(shape);
        let (mut first, rows) = (0, shape.0);
        for mut band in plane.axis_chunks_iter_mut(Axis(0), BAND_ROWS) {
            let end = (first + BAND_ROWS).min(rows);
            band.zip_mut_with(&self.render_rows(side, first..end), |out, &v| {
                *out = store(v);
            });
            first = end;
        }
        plane
    }
}
