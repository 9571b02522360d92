//! A quadratic surface that most regions of the image agree on, as a start for the fit.
//!
//! Sample consensus (Fischler & Bolles 1981, Commun. ACM 24, 381): the surface through the median log ratios of six regions,
//! for many choices of six; the one that most blocks lie close to is taken. The choices come from a hash, so that the same
//! blocks give the same surface.

use crate::field::{MIN_WIDTH, Samples, terms};
use crate::peak::weighted_median;
use crate::uncertainty::{REGIONS, regions};
use nalgebra::{Matrix6, Vector6};

/// Choices of six: where half of the regions are background, some eight of them are background only.
const CHOICES: u64 = 500;
/// Blocks that a surface is judged by, at most about twice as many.
const JUDGES: usize = 2000;
/// Blocks that a region needs.
const MIN_BLOCKS: usize = 10;

/// The surface; `None` with fewer than six regions, or where any six lie on one conic.
pub(crate) fn consensus(samples: &Samples) -> Option<Vector6<f64>> {
    let (regions, scatter) = medians(samples);
    if regions.len() < 6 {
        return None;
    }
    let reach = scatter.max(MIN_WIDTH);
    let stride = (samples.logs.len() / JUDGES).max(1);
    let support = |surface: &Vector6<f64>| -> f64 {
        let judges = (0..samples.logs.len()).step_by(stride);
        judges
            .map(|i| {
                let off = samples.logs[i] - surface.dot(&terms(samples.places[i]));
                samples.weights[i] * (-(off / reach).powi(2) / 2.0).exp()
            })
            .sum()
    };
    let surfaces = (0..CHOICES).filter_map(|choice| through(&six(choice, &regions)));
    surfaces
        .map(|surface| (support(&surface), surface))
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, surface)| surface)
}

/// Place and median log ratio of a region.
type Region = ([f64; 2], f64);

/// The regions with enough blocks, and the median distance of a block from the median of its region.
fn medians(samples: &Samples) -> (Vec<Region>, f64) {
    let mut members = vec![Vec::new(); REGIONS * REGIONS];
    for (i, region) in regions(&samples.places).into_iter().enumerate() {
        if samples.weights[i] > 0.0 {
            members[region].push(i);
        }
    }
    let (mut found, mut distances, mut weights) = (Vec::new(), Vec::new(), Vec::new());
    for members in members.iter().filter(|m| m.len() >= MIN_BLOCKS) {
        let of = |values: &[f64]| -> Vec<f64> { members.iter().map(|&i| values[i]).collect() };
        let (logs, own) = (of(&samples.logs), of(&samples.weights));
        let Some(median) = weighted_median(&logs, &own) else {
            continue;
        };
        let mean = |axis: usize| {
            let sum: f64 = members.iter().map(|&i| samples.places[i][axis]).sum();
            sum / members.len() as f64
        };
        found.push(([mean(0), mean(1)], median));
        distances.extend(logs.iter().map(|log| (log - median).abs()));
        weights.extend(own);
    }
    let scatter = weighted_median(&distances, &weights).unwrap_or(0.0);
    (found, scatter)
}

/// Six different regions, the `choice`-th time.
fn six(choice: u64, regions: &[Region]) -> Vec<Region> {
    let mut left: Vec<Region> = regions.to_vec();
    let mut state = choice.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    (0..6)
        .map(|_| {
            state = state.wrapping_add(0xD1B5_4A32_D192_ED03);
            let mut h = (state ^ (state >> 32)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            h ^= h >> 29;
            left.swap_remove((h % left.len() as u64) as usize)
        })
        .collect()
}

/// The surface through six points.
fn through(points: &[Region]) -> Option<Vector6<f64>> {
    let rows: Vec<_> = points.iter().map(|(p, _)| terms(*p).transpose()).collect();
    let values = Vector6::from_iterator(points.iter().map(|(_, value)| *value));
    Matrix6::from_rows(&rows).lu().solve(&values)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn most_regions_outvote_the_stained_ones() {
        let place = |i: usize| [(i % 64) as f64 / 32.0 - 1.0, (i / 64) as f64 / 32.0 - 1.0];
        let places: Vec<_> = (0..4096).map(place).collect();
        let surface = |[x, y]: [f64; 2]| 0.1 + 0.05 * x - 0.04 * y * y;
        let stain = |[x, y]: [f64; 2]| {
            if x + 0.5 * y > 0.4 {
                0.1 + 0.1 * y
            } else {
                0.0
            }
        };
        let samples = Samples {
            logs: places.iter().map(|&p| surface(p) + stain(p)).collect(),
            weights: vec![1.0; 4096],
            places: places.clone(),
        };
        let found = consensus(&samples).expect("enough regions");
        let off = places
            .iter()
            .map(|&p| (found.dot(&terms(p)) - surface(p)).abs());
        assert!(off.fold(0.0, f64::max) < 0.01, "{found}");
        let few = Samples {
            logs: vec![0.1; 30],
            weights: vec![1.0; 30],
            places: places[..30].to_vec(),
        };
        assert_eq!(consensus(&few), None);
    }
}
