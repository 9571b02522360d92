//! Defocus: a Gaussian blur of rendered rows.
//!
//! The blur is symmetric about each pixel, and the field is rendered beyond the frame by the blur's reach, so that
//! defocus changes sharpness and nothing about where things are: the truth stays what it is.

use ndarray::{Array2, Axis};
use rayon::prelude::*;

/// A sampled Gaussian.
#[derive(Debug, Clone)]
pub(crate) struct Defocus {
    /// Weights from the middle outwards; those on both sides add up to one.
    weights: Vec<f32>,
}

impl Defocus {
    /// The blur of `sigma_px`, or nothing when that is zero.
    pub(crate) fn new(sigma_px: f64) -> Option<Self> {
        if sigma_px <= 0.0 {
            return None;
        }
        let reach = (3.5 * sigma_px).ceil() as usize;
        let raw: Vec<f64> = (0..=reach)
            .map(|i| libm::exp(-0.5 * (i * i) as f64 / (sigma_px * sigma_px)))
            .collect();
        let total = raw[0] + 2.0 * raw[1..].iter().sum::<f64>();
        Some(Self {
            weights: raw.iter().map(|w| (w / total) as f32).collect(),
        })
    }

    /// Pixels it looks at on each side.
    pub(crate) fn reach(&self) -> usize {
        self.weights.len() - 1
    }

    /// Blurs an image that has [`Defocus::reach`] more pixels on each side than the result.
    pub(crate) fn apply(&self, wide: &Array2<f32>) -> Array2<f32> {
        let margin = self.reach();
        let (rows, columns) = wide.dim();
        let width = columns - 2 * margin;
        let mut across = Array2::zeros((rows, width));
        (across.axis_iter_mut(Axis(0)), wide.axis_iter(Axis(0)))
            .into_par_iter()
            .for_each(|(mut out, source)| {
                if let (Some(out), Some(source)) = (out.as_slice_mut(), source.to_slice()) {
                    self.sum(out, |offset| &source[offset..offset + width]);
                }
            });
        let mut both = Array2::zeros((rows - 2 * margin, width));
        both.axis_iter_mut(Axis(0))
            .into_par_iter()
            .enumerate()
            .for_each(|(y, mut out)| {
                if let (Some(out), Some(all)) = (out.as_slice_mut(), across.as_slice()) {
                    self.sum(out, |offset| {
                        &all[(y + offset) * width..(y + offset + 1) * width]
                    });
                }
            });
        both
    }

    /// The weighted sum of the slices at offsets 0 to twice the reach.
    fn sum<'a>(&self, out: &mut [f32], slice: impl Fn(usize) -> &'a [f32]) {
        let margin = self.reach();
        for (out, &v) in out.iter_mut().zip(slice(margin)) {
            *out = self.weights[0] * v;
        }
        for (k, &weight) in self.weights.iter().enumerate().skip(1) {
            let pair = slice(margin - k).iter().zip(slice(margin + k));
            for (out, (&a, &b)) in out.iter_mut().zip(pair) {
                *out += weight * (a + b);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_becomes_a_symmetric_gaussian() {
        let blur = Defocus::new(2.0).expect("a blur");
        let reach = blur.reach();
        let n = 4 * reach + 1;
        let mut wide = Array2::zeros((n, n));
        wide[(n / 2, n / 2)] = 1.0;
        let out = blur.apply(&wide);
        assert_eq!(out.dim(), (2 * reach + 1, 2 * reach + 1));
        assert!((out.sum() - 1.0).abs() < 1e-5);
        for ((y, x), &v) in out.indexed_iter() {
            assert_eq!(v, out[(2 * reach - y, x)]);
            assert_eq!(v, out[(y, 2 * reach - x)]);
        }
        let centre = f64::from(out[(reach, reach)]);
        assert!((centre - 1.0 / (8.0 * std::f64::consts::PI)).abs() < 1e-4);
        assert!(Defocus::new(0.0).is_none());
    }
}
