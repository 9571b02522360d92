//! How certain a fitted warp is.
//!
//! The covariance of the eight entries is that of an M-estimator whose data come in independent groups, the tiles (Huber &
//! Ronchetti 2009, doi:10.1002/9780470434697; Liang & Zeger 1986, doi:10.1093/biomet/73.1.13): what each tile pulls at the warp in
//! the end, between two inverses of the information that is free of noise. What blur, interpolation, stain and the camera's noise
//! in both images do to a tile is in its pull, so that no model of them is needed.

use crate::frame::{Matrix8, NormalisedFrame, Vector8};
use std::f64::consts::PI;

/// Entries that are fitted, in tiles: each tile tells two numbers.
const FITTED_TILES: f64 = 4.0;
/// Robust weights leave at least this share of the information.
const MIN_SLOPE: f64 = 0.1;

/// What one tile says about the entries.
#[derive(Debug, Clone)]
pub(crate) struct Pull {
    /// Its equations, weighted by everything but trust.
    pub(crate) matrix: Matrix8,
    pub(crate) rhs: Vector8,
    /// How far it is trusted, 0 to 1, by Cauchy's weights.
    pub(crate) trust: f64,
}

impl Pull {
    /// What is left of it under the increment `step`.
    fn left_over(&self, step: &Vector8) -> Vector8 {
        (self.rhs - self.matrix * step) * self.trust
    }

    /// The derivative of what Cauchy's weight leaves of a deviation.
    fn slope(&self) -> f64 {
        2.0 * self.trust * self.trust - self.trust
    }
}

/// What is known of the entries.
#[derive(Debug, Clone)]
pub(crate) struct Certainty {
    /// Their covariance.
    pub(crate) covariance: Matrix8,
    /// The information in the tiles, which says how much each change of the entries takes from the fit.
    pub(crate) information: Matrix8,
}

impl Certainty {
    /// The scatter of the tiles about the fit, in units of the information: 1 where that knows all of it.
    pub(crate) fn variance(&self) -> f64 {
        (self.covariance * self.information).trace() / 8.0
    }
}

/// What is known of the entries after the increment `step`; `None` where the tiles do not determine them.
pub(crate) fn certainty(pulls: &[Pull], step: &Vector8) -> Option<Certainty> {
    let n = pulls.len() as f64;
    let slope = (pulls.iter().map(Pull::slope).sum::<f64>() / n).max(MIN_SLOPE);
    let (mut information, mut scatter) = (Matrix8::zeros(), Matrix8::zeros());
    for pull in pulls {
        information += pull.matrix * slope;
        let left_over = pull.left_over(step);
        scatter += left_over * left_over.transpose();
    }
    // The product of two images' gradients is symmetric in the mean only.
    let symmetric = (information + information.transpose()) * 0.5;
    let inverse = symmetric.cholesky()?.inverse();
    let few = n / (n - FITTED_TILES).max(1.0);
    Some(Certainty {
        covariance: inverse * scatter * inverse * few,
        information: symmetric,
    })
}

/// The mean distance that points lie off under that covariance, px.
pub(crate) fn expected_error_px(
    covariance: &Matrix8,
    frame: &NormalisedFrame,
    points: impl Iterator<Item = (f64, f64)>,
) -> f64 {
    let (mut sum, mut count) = (0.0, 0.0);
    for (x, y) in points {
        let [a, b] = frame.basis_px(x, y);
        let squared = a.dot(&(covariance * a)) + b.dot(&(covariance * b));
        sum += squared.max(0.0).sqrt();
        count += 1.0;
    }
    // The mean length of a normal vector in the plane is that share of its root mean square.
    sum / count * PI.sqrt() / 2.0
}

/// The mean distance by which an increment moves points, px.
pub(crate) fn mean_length_px(
    step: &Vector8,
    frame: &NormalisedFrame,
    points: impl ExactSizeIterator<Item = (f64, f64)>,
) -> f64 {
    let count = points.len() as f64;
    let length = |(x, y)| {
        let (dx, dy) = frame.displacement_px(step, x, y);
        dx.hypot(dy)
    };
    points.map(length).sum::<f64>() / count
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use e2m_image::Size;

    /// Normal numbers from a linear congruential generator.
    pub(crate) fn normals(seed: u64) -> impl FnMut() -> f64 {
        let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        move || {
            let mut uniform = || {
                state = state
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1_442_695_040_888_963_407);
                ((state >> 11) as f64 + 0.5) / (1u64 << 53) as f64
            };
            let (u, v) = (uniform(), uniform());
            (-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * v).cos()
        }
    }

    /// Tiles whose shifts scatter by a tenth of a px are fitted many times over: the error that is expected is the one made.
    #[test]
    fn the_error_that_is_expected_is_the_one_that_is_made() {
        const FITS: u64 = 200;
        const SIGMA_PX: f64 = 0.1;
        let frame = NormalisedFrame::new(Size::new(3000, 2400));
        let centres: Vec<(f64, f64)> = (0..48)
            .map(|n| {
                (
                    f64::from(n % 8) * 380.0 + 150.0,
                    f64::from(n / 8) * 390.0 + 200.0,
                )
            })
            .collect();
        let (mut made, mut expected) = (0.0, 0.0);
        for seed in 0..FITS {
            let mut normal = normals(seed + 1);
            let pulls: Vec<Pull> = centres
                .iter()
                .map(|&(x, y)| {
                    let [a, b] = frame.basis_px(x, y);
                    Pull {
                        matrix: a * a.transpose() + b * b.transpose(),
                        rhs: a * (SIGMA_PX * normal()) + b * (SIGMA_PX * normal()),
                        trust: 1.0,
                    }
                })
                .collect();
            let (mut matrix, mut rhs) = (Matrix8::zeros(), Vector8::zeros());
            for pull in &pulls {
                matrix += pull.matrix;
                rhs += pull.rhs;
            }
            let step = matrix.cholesky().expect("determined").solve(&rhs);
            let off = |&(x, y): &(f64, f64)| {
                let (dx, dy) = frame.displacement_px(&step, x, y);
                dx.hypot(dy)
            };
            made += centres.iter().map(off).sum::<f64>() / centres.len() as f64;
            let Certainty { covariance, .. } = certainty(&pulls, &step).expect("determined");
            expected += expected_error_px(&covariance, &frame, centres.iter().copied());
        }
        assert!((made / expected - 1.0).abs() < 0.1, "{made} {expected}");
    }
}
