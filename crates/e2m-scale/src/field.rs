//! How the ratio changes across the image where light was uneven.
//!
//! Vignetting of two images that were turned and moved against each other does not cancel: the ratio varies smoothly over
//! the section, its distribution widens and its peak says little. A quadratic surface of log ratios, fitted to the
//! background only, takes that out; what remains peaks as sharply as under even light.
//!
//! The fit is an M-estimator with Welsch's weights `exp(-r^2 / 2 h^2)` (Holland & Welsch 1977, Commun. Stat. A 6, 813),
//! while `h` follows the width of the peak of the residuals: stain, bleached regions and dust lie outside that peak and
//! have no say. Such a fit finds the surface nearest to where it starts, so it starts twice, from the peak of all ratios by
//! way of a plane, and from a sample consensus (consensus.rs), and the one that gathers more in its peak holds.

use crate::consensus::consensus;
use crate::peak::{Peak, peak, weighted_median};
use nalgebra::{Matrix6, Vector6};
use rayon::prelude::*;

/// Samples that are summed by one thread at a time.
const CHUNK: usize = 8192;
/// Terms of the constant, the plane and the quadratic.
const ORDERS: [usize; 3] = [1, 3, 6];
/// Times the width is looked at anew for each of them, and steps between.
const WIDTH_UPDATES: usize = 3;
const STEPS: usize = 8;
/// The least `h`, log10: 0.4 %, below which rounding rules.
pub(crate) const MIN_WIDTH: f64 = 0.0017;
/// Smoothing with which the peak of the residuals is looked for, as a share of its width.
const SMOOTHING_SHARE: f64 = 0.25;
/// A surface is believed if it gathers this many times as much weight within half a width of the peak as none does. On
/// evenly lit pairs it gathers at most 1.01 times as much.
const MIN_GATHERING: f64 = 1.05;

/// The log ratios of blocks with what the fit needs to know about them.
pub(crate) struct Samples {
    /// log10 of the ratio.
    pub(crate) logs: Vec<f64>,
    /// How much each counts, at most 1.
    pub(crate) weights: Vec<f64>,
    /// Position relative to the weighted middle, in units of 1.5 times the distance from there (root mean square).
    pub(crate) places: Vec<[f64; 2]>,
}

/// A surface of log ratios at the places of the samples.
pub(crate) struct Field {
    /// Its value for each sample, zero in the (weighted) median.
    pub(crate) values: Vec<f64>,
    /// Its scatter over the samples (root mean square about the median), log10; 0 where the ratio does not vary.
    pub(crate) scatter: f64,
}

impl Field {
    fn even(samples: &Samples) -> Self {
        Self {
            values: vec![0.0; samples.logs.len()],
            scatter: 0.0,
        }
    }

    /// The log ratios of the samples without the surface.
    pub(crate) fn taken_out(&self, samples: &Samples) -> Vec<f64> {
        let pairs = samples.logs.iter().zip(&self.values);
        pairs.map(|(log, field)| log - field).collect()
    }

    /// The surface that the background of `samples` follows: flat unless a quadratic one makes its peak much sharper.
    pub(crate) fn fit(samples: &Samples) -> Self {
        Self::quadratic(samples).unwrap_or_else(|| Self::even(samples))
    }

    fn quadratic(samples: &Samples) -> Option<Self> {
        let Samples { logs, weights, .. } = samples;
        let flat = peak(logs, weights, SMOOTHING_SHARE)?;
        let mut constant = Vector6::zeros();
        constant[0] = flat.at;
        let (grown, agreed) = rayon::join(
            || {
                ORDERS.into_iter().try_fold(constant, |surface, order| {
                    sharpened(samples, surface, order)
                })
            },
            || consensus(samples).and_then(|surface| sharpened(samples, surface, 6)),
        );
        let candidates: Vec<(Vec<f64>, Peak)> = [grown, agreed]
            .into_iter()
            .flatten()
            .filter_map(|surface| {
                let rest = rest(samples, &surface);
                let peak = peak(&rest, weights, SMOOTHING_SHARE)?;
                Some((rest, peak))
            })
            .collect();
        let widths = candidates.iter().map(|(_, peak)| peak.width);
        let reach = widths.fold(f64::MAX, f64::min).max(MIN_WIDTH) / 2.0;
        let (left, gathered_best) = candidates
            .into_iter()
            .map(|(rest, peak)| {
                let gathered = gathered(&rest, weights, peak.at, reach);
                (rest, gathered)
            })
            .max_by(|a, b| a.1.total_cmp(&b.1))?;
        if gathered_best < MIN_GATHERING * gathered(logs, weights, flat.at, reach) {
            return None;
        }
        let surface: Vec<f64> = logs.iter().zip(&left).map(|(l, r)| l - r).collect();
        let middle = weighted_median(&surface, weights)?;
        let values: Vec<f64> = surface.iter().map(|f| f - middle).collect();
        let squares = values.iter().zip(weights).map(|(v, w)| w * v * v);
        let scatter = (squares.sum::<f64>() / weights.iter().sum::<f64>()).sqrt();
        Some(Self { values, scatter })
    }
}

/// The weight of the values within about `reach` of `at`.
fn gathered(values: &[f64], weights: &[f64], at: f64, reach: f64) -> f64 {
    let near = |v: &f64| (-((v - at) / reach).powi(2) / 2.0).exp();
    values.iter().zip(weights).map(|(v, w)| w * near(v)).sum()
}

fn rest(samples: &Samples, surface: &Vector6<f64>) -> Vec<f64> {
    let places = samples.logs.iter().zip(&samples.places);
    places
        .map(|(log, &p)| log - surface.dot(&terms(p)))
        .collect()
}

pub(crate) fn terms([x, y]: [f64; 2]) -> Vector6<f64> {
    Vector6::new(1.0, x, y, x * x, x * y, y * y)
}

/// The first `order` terms of `surface`, refined until they follow the peak of the residuals.
fn sharpened(samples: &Samples, mut surface: Vector6<f64>, order: usize) -> Option<Vector6<f64>> {
    for _ in 0..WIDTH_UPDATES {
        let width = peak(&rest(samples, &surface), &samples.weights, SMOOTHING_SHARE)?.width;
        let h = width.max(MIN_WIDTH);
        for _ in 0..STEPS {
            let welsch = |r: f64| (-(r / h).powi(2) / 2.0).exp();
            surface += step(samples, &surface, order, welsch)?;
        }
    }
    Some(surface)
}

/// One step of iteratively reweighted least squares over the first `order` terms.
fn step(
    samples: &Samples,
    surface: &Vector6<f64>,
    order: usize,
    weight_of: impl Fn(f64) -> f64 + Sync,
) -> Option<Vector6<f64>> {
    // Summed by chunks of fixed size and these in their order: the same on any number of threads.
    let places = samples.places.par_chunks(CHUNK);
    let logs = samples.logs.par_chunks(CHUNK);
    let sums: Vec<(Matrix6<f64>, Vector6<f64>)> = logs
        .zip(samples.weights.par_chunks(CHUNK))
        .zip(places)
        .map(|((logs, weights), places)| {
            let (mut normal, mut rhs) = (Matrix6::zeros(), Vector6::zeros());
            for ((log, weight), place) in logs.iter().zip(weights).zip(places) {
                let terms = terms(*place);
                let rest = log - surface.dot(&terms);
                let weighted = terms * (weight * weight_of(rest));
                rhs += weighted * rest;
                normal += weighted * terms.transpose();
            }
            (normal, rhs)
        })
        .collect();
    let (mut normal, mut rhs) = (Matrix6::zeros(), Vector6::zeros());
    for (of_chunk, rhs_of_chunk) in sums {
        normal += of_chunk;
        rhs += rhs_of_chunk;
    }
    for i in order..6 {
        normal.row_mut(i).fill(0.0);
        normal.column_mut(i).fill(0.0);
        normal[(i, i)] = 1.0;
        rhs[i] = 0.0;
    }
    // Blocks in one line have no quadratic surface: no field then.
    normal.cholesky().map(|c| c.solve(&rhs))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A grid of samples on a surface, every fourth of them with stain, in a region.
    fn samples(tilt: f64, bend: f64) -> Samples {
        let place = |i: usize| [(i % 60) as f64 / 30.0 - 1.0, (i / 60) as f64 / 30.0 - 1.0];
        let places: Vec<_> = (0..3600).map(place).collect();
        let logs = places.iter().enumerate().map(|(i, [x, y])| {
            let scatter = 0.001 * ((i * 7919 % 101) as f64 / 50.0 - 1.0);
            let stain = if *x > 0.4 && *y > -0.6 {
                0.08 + 0.05 * x
            } else {
                0.0
            };
            0.1 + tilt * x + bend * (x * x + y * y) + scatter + stain
        });
        Samples {
            logs: logs.collect(),
            weights: vec![1.0; 3600],
            places: places.clone(),
        }
    }

    #[test]
    fn a_surface_is_found_under_stain_and_none_where_there_is_none() {
        let (tilt, bend) = (0.03, -0.05);
        let samples_bent = samples(tilt, bend);
        let field = Field::fit(&samples_bent);
        let surface = |[x, y]: [f64; 2]| tilt * x + bend * (x * x + y * y);
        let truth: Vec<f64> = samples_bent.places.iter().map(|&p| surface(p)).collect();
        let middle = weighted_median(&truth, &samples_bent.weights).expect("values");
        let worst = field.values.iter().zip(&truth);
        let worst = worst
            .map(|(f, t)| (f - (t - middle)).abs())
            .fold(0.0, f64::max);
        assert!(worst < 0.002, "{worst}");
        assert!(field.scatter > 0.02);
        assert_eq!(Field::fit(&samples(0.0, 0.0)).scatter, 0.0);
    }

    #[test]
    fn samples_in_one_line_have_no_surface() {
        let mut line = samples(0.05, 0.0);
        line.places.iter_mut().for_each(|p| p[1] = 0.0);
        assert_eq!(Field::fit(&line).scatter, 0.0);
    }
}
