//! Synthetic microbes, planted to learn how many are found.
//!
//! They are dots and rods of four widths, planted into the difference: a microbe in post adds to it as it is. Their places are
//! those of a grid of 64 px, each moved at random, some rounds of them. Random numbers are hashes of the place, so that a tile plants the
//! same ones as its neighbour does in the margin that both share.

use crate::region::Region;
use crate::search::{Covered, Part, Search};
use crate::significance::Maps;
use crate::tile::{TILE_COLUMNS, TILE_ROWS};

/// Distance between two planted microbes of a round, px.
const SPACING: usize = 64;
/// No more rounds than this: each filters the image once more.
const MOST_ROUNDS: usize = 6;
const SIGMAS: [f64; 4] = [0.8, 1.2, 1.8, 2.7];
/// Share of rods, and their length in sigma.
const RODS: f64 = 0.4;
const ROD_LENGTH: f64 = 3.5;
/// Significance that the best filter would find over ordinary background: from far below to far above the threshold.
const FAINTEST: f64 = 2.0;
const BRIGHTEST: f64 = 40.0;
/// A planted microbe is found if an object's middle lies within so many px or so many sigma.
const NEAR_PX: f64 = 2.0;
const NEAR_SIGMA: f64 = 1.0;
/// Nor does it lie farther from the footprint, px: a middle runs at most so far away.
const FAR: f64 = 40.0;

/// One planted microbe.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Planted {
    x: f64,
    y: f64,
    sigma: f64,
    half: (f64, f64),
    /// `(sum of the profile)^2 / sum of its squares`, px.
    pub(crate) effective_area: f64,
    /// Flux over the standard deviation of noise over the effective area.
    pub(crate) ideal_significance: f64,
    pub(crate) flux: f64,
    pub(crate) is_found: bool,
}

/// How densely an image of so many pixels is planted: rounds, and the share of tiles.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plan {
    pub(crate) rounds: usize,
    share: f64,
}

impl Plan {
    pub(crate) fn new(injections: usize, pixels: u64) -> Self {
        let places = pixels as f64 / (SPACING * SPACING) as f64;
        let wanted = injections as f64;
        let rounds = (wanted / places.max(1.0)).ceil() as usize;
        Self {
            rounds: rounds.min(MOST_ROUNDS),
            share: (wanted / places.max(1.0)).min(1.0),
        }
    }

    /// Whether the tile that a pixel lies in is planted: of a large image only some are.
    fn has(&self, x: usize, y: usize) -> bool {
        let tile = [(x / TILE_COLUMNS) as u64, (y / TILE_ROWS) as u64, 77];
        unit(hash(&tile)) < self.share
    }
}

/// Plants a round in a region, searches it and says which of those in the core were found; the region is left as it was. The core is given as first column,
/// first row, last column and last row but one, in pixels of the image.
pub(crate) fn recovered(
    search: &Search,
    region: &mut Region,
    plan: &Plan,
    round: usize,
    core: [usize; 4],
) -> Vec<Planted> {
    let planted = planted(search, region, plan, round);
    let in_core = |p: &Planted| {
        let (x, y) = (p.x.round() as usize, p.y.round() as usize);
        x >= core[0] && y >= core[1] && x < core[2] && y < core[3]
    };
    if !planted.iter().any(in_core) {
        return Vec::new();
    }
    let before = region.difference.clone();
    planted.iter().for_each(|p| p.add_to(region));
    let maps = Maps::new(region, &search.calibration, &search.equivalents);
    let mut covered = Covered::none(region.difference.len());
    let threshold = search.options.detect_sigma as f32;
    let mut parts = search.parts(region, &maps, threshold, &mut covered);
    parts.retain(|part| search.is_of_size(part));
    let mut judged: Vec<Planted> = planted.into_iter().filter(in_core).collect();
    let (x0, y0) = region.origin;
    let is_near = |part: &Part| {
        let [left, top, right, bottom] = part.bounds(region.dim().1);
        judged.iter().any(|p| {
            let (x, y) = (p.x - x0 as f64, p.y - y0 as f64);
            x >= left as f64 - FAR
                && x <= right as f64 + FAR
                && y >= top as f64 - FAR
                && y <= bottom as f64 + FAR
        })
    };
    let objects = search.measured(region, &maps, &parts, is_near);
    for p in &mut judged {
        let reach = NEAR_PX.max(NEAR_SIGMA * (p.sigma + p.half.0.hypot(p.half.1)));
        p.is_found = objects
            .iter()
            .any(|o| (o.x - p.x).hypot(o.y - p.y) <= reach && o.flags.counts());
    }
    region.difference = before;
    judged
}

fn planted(search: &Search, region: &Region, plan: &Plan, round: usize) -> Vec<Planted> {
    let (rows, columns) = region.dim();
    let (x0, y0) = region.origin;
    let mut planted = Vec::new();
    for gy in y0 / SPACING..=(y0 + rows) / SPACING {
        for gx in x0 / SPACING..=(x0 + columns) / SPACING {
            if !plan.has(gx * SPACING, gy * SPACING) {
                continue;
            }
            let key = |purpose| unit(hash(&[gx as u64, gy as u64, round as u64, purpose]));
            let x = (gx as f64 + key(1)) * SPACING as f64;
            let y = (gy as f64 + key(2)) * SPACING as f64;
            let (px, py) = (
                x.round() as isize - x0 as isize,
                y.round() as isize - y0 as isize,
            );
            if px < 0 || py < 0 || px >= columns as isize || py >= rows as isize {
                continue;
            }
            let at = (py as usize, px as usize);
            if !region.is_section[at] {
                continue;
            }
            let sigma = SIGMAS[(key(3) * SIGMAS.len() as f64) as usize % SIGMAS.len()];
            let half = if key(4) < RODS {
                let (sin, cos) = (key(5) * std::f64::consts::PI).sin_cos();
                let half = 0.5 * ROD_LENGTH * sigma;
                (half * cos, half * sin)
            } else {
                (0.0, 0.0)
            };
            let length = 2.0 * half.0.hypot(half.1);
            let (sum, squares) = sums(sigma, length);
            let effective_area = sum * sum / squares;
            let ideal = FAINTEST * (BRIGHTEST / FAINTEST).powf(key(6));
            planted.push(Planted {
                x,
                y,
                sigma,
                half,
                effective_area,
                ideal_significance: ideal,
                flux: ideal * (search.typical_variance * effective_area).sqrt(),
                is_found: false,
            });
        }
    }
    planted
}

/// Sum of a profile of peak 1 and of its squares: a Gaussian of the distance to a segment.
fn sums(sigma: f64, length: f64) -> (f64, f64) {
    let pi = std::f64::consts::PI;
    let sum = |s: f64| 2.0 * pi * s * s + length * s * (2.0 * pi).sqrt();
    (sum(sigma), sum(sigma / std::f64::consts::SQRT_2))
}

/// The effective area of a microbe of this sigma and length, px: over how many pixels' noise its flux has to stand out.
pub fn effective_area(sigma_px: f64, length_px: f64) -> f64 {
    let (sum, squares) = sums(sigma_px, length_px);
    sum * sum / squares
}

impl Planted {
    fn add_to(&self, region: &mut Region) {
        let (rows, columns) = region.dim();
        let (cx, cy) = (
            self.x - region.origin.0 as f64,
            self.y - region.origin.1 as f64,
        );
        let length = self.half.0.hypot(self.half.1);
        let reach = 4.0 * self.sigma + length;
        let peak = self.flux / sums(self.sigma, 2.0 * length).0;
        let span = |c: f64, n: usize| {
            (c - reach).ceil().clamp(0.0, n as f64) as usize
                ..((c + reach).floor() + 1.0).clamp(0.0, n as f64) as usize
        };
        for y in span(cy, rows) {
            for x in span(cx, columns) {
                let (dx, dy) = (x as f64 - cx, y as f64 - cy);
                let squared = self.half.0.powi(2) + self.half.1.powi(2);
                let along = if squared > 0.0 {
                    ((dx * self.half.0 + dy * self.half.1) / squared).clamp(-1.0, 1.0)
                } else {
                    0.0
                };
                let d = (dx - along * self.half.0).hypot(dy - along * self.half.1) / self.sigma;
                region.difference[(y, x)] += (peak * (-0.5 * d * d).exp()) as f32;
            }
        }
    }
}

/// A hash of some numbers (SplitMix64: Steele, Lea & Flood 2014, doi:10.1145/2660193.2660195).
fn hash(numbers: &[u64]) -> u64 {
    numbers.iter().fold(0x9E37_79B9_7F4A_7C15, |state, number| {
        let mut z = (state ^ number).wrapping_add(0x9E37_79B9_7F4A_7C15);
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    })
}

/// Uniform in [0, 1).
fn unit(bits: u64) -> f64 {
    (bits >> 11) as f64 / (1u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_has_the_sums_of_its_formula() {
        let mut region = Region::of(
            ndarray::Array2::zeros((60, 60)),
            ndarray::Array2::ones((60, 60)),
        );
        let planted = Planted {
            x: 29.3,
            y: 30.6,
            sigma: 1.8,
            half: (2.0, 1.5),
            effective_area: effective_area(1.8, 5.0),
            ideal_significance: 0.0,
            flux: 1000.0,
            is_found: false,
        };
        planted.add_to(&mut region);
        let sum = f64::from(region.difference.sum());
        assert!((sum / 1000.0 - 1.0).abs() < 0.005, "{sum}");
        let squares: f64 = region
            .difference
            .iter()
            .map(|v| f64::from(*v).powi(2))
            .sum();
        assert!((sum * sum / squares / planted.effective_area - 1.0).abs() < 0.01);
        // 4 pi sigma^2 for a dot.
        assert!((effective_area(2.0, 0.0) - 50.265).abs() < 0.01);
    }
}
