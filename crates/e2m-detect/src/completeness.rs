//! What share of microbes is found, by brightness and size.
//!
//! For planted microbes of like size, the share that is found is a logistic function of the log of their flux, up to a ceiling
//! below 1 where microbes hide each other. Its three numbers are those of the largest likelihood.

use crate::inject::Planted;
use serde::{Deserialize, Serialize};

/// Planted microbes that a size needs.
const ENOUGH: usize = 20;
/// Sizes, by effective area.
const SIZES: usize = 5;

/// The share found of microbes of one size.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct CompletenessCurve {
    /// Over how many pixels' noise such a microbe has to stand out: `4 pi sigma^2` for a dot.
    pub effective_area_px: f64,
    /// Flux over the noise of that area at which half of the ceiling is reached.
    pub middle: f64,
    /// Width of the curve on the log of the flux.
    pub width: f64,
    /// The share that is found of bright ones.
    pub ceiling: f64,
    /// Microbes that were planted.
    pub planted: usize,
}

/// The share of microbes that is found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Completeness {
    /// By size, the smallest first.
    pub curves: Vec<CompletenessCurve>,
    /// Standard deviation of a pixel of ordinary brightness, counts.
    pub pixel_noise: f64,
    /// Effective area of the median object, px, for which the limits hold.
    pub median_effective_area_px: f64,
    /// Flux that is found with 50 % probability, counts; none where no flux is.
    pub flux_50: Option<f64>,
    /// Flux that is found with 90 % probability, counts; none where no flux is.
    pub flux_90: Option<f64>,
}

impl Completeness {
    /// From what was planted. None where that is too little.
    pub(crate) fn of(
        planted: &mut [Planted],
        pixel_noise: f64,
        median_area: Option<f64>,
    ) -> Option<Self> {
        planted.sort_by(|a, b| a.effective_area.total_cmp(&b.effective_area));
        let part = planted.len().div_ceil(SIZES).max(ENOUGH);
        let parts = planted.chunks(part).filter(|part| part.len() >= ENOUGH);
        let curves: Vec<CompletenessCurve> = parts.map(fitted).collect();
        let middle = curves.get(curves.len() / 2)?;
        let area = median_area.unwrap_or(middle.effective_area_px);
        let mut found = Self {
            curves,
            pixel_noise,
            median_effective_area_px: area,
            flux_50: None,
            flux_90: None,
        };
        found.flux_50 = found.flux_found_with(0.5, area);
        found.flux_90 = found.flux_found_with(0.9, area);
        Some(found)
    }

    /// The share that is found of microbes of this flux, counts, and effective area, px (see
    /// [`effective_area`](crate::effective_area)).
    pub fn probability(&self, flux: f64, effective_area_px: f64) -> f64 {
        let noise = self.pixel_noise * effective_area_px.max(1e-9).sqrt();
        let curve = self.curve(effective_area_px);
        logistic(&curve, (flux / noise.max(1e-12)).max(1e-9).ln())
    }

    /// The flux, counts, that is found with this probability; none where no flux is.
    pub fn flux_found_with(&self, probability: f64, effective_area_px: f64) -> Option<f64> {
        let curve = self.curve(effective_area_px);
        let share = probability / curve.ceiling;
        let noise = self.pixel_noise * effective_area_px.max(1e-9).sqrt();
        (share < 1.0)
            .then(|| noise * curve.middle * (curve.width * (share / (1.0 - share)).ln()).exp())
    }

    /// Between the curves of the sizes on either side.
    fn curve(&self, area: f64) -> CompletenessCurve {
        let Some(above) = self.curves.iter().position(|c| c.effective_area_px >= area) else {
            return self.curves[self.curves.len() - 1];
        };
        let Some(below) = above.checked_sub(1) else {
            return self.curves[above];
        };
        let (a, b) = (self.curves[below], self.curves[above]);
        let t =
            (area / a.effective_area_px).ln() / (b.effective_area_px / a.effective_area_px).ln();
        let between = |a: f64, b: f64| a + t * (b - a);
        CompletenessCurve {
            effective_area_px: area,
            middle: between(a.middle.ln(), b.middle.ln()).exp(),
            width: between(a.width, b.width),
            ceiling: between(a.ceiling, b.ceiling),
            planted: a.planted + b.planted,
        }
    }
}

fn logistic(curve: &CompletenessCurve, log: f64) -> f64 {
    curve.ceiling / (1.0 + (-(log - curve.middle.ln()) / curve.width).exp())
}

/// A grid of the three numbers of a curve: steps of middle, width and ceiling.
const GRID: [i32; 3] = [120, 12, 16];
/// It is looked at in steps of these first, then at every place around the best of them.
const STRIDES: [i32; 3] = [5, 3, 5];

/// The curve of the largest likelihood on a grid of its three numbers.
fn fitted(planted: &[Planted]) -> CompletenessCurve {
    let number = planted.len() as f64;
    let effective_area_px = planted.iter().map(|p| p.effective_area).sum::<f64>() / number;
    let curve = |[middle, width, ceiling]: [i32; 3]| CompletenessCurve {
        effective_area_px,
        middle: 2.0 * (0.0225 * f64::from(middle)).exp(),
        width: 0.03 * (0.25 * f64::from(width)).exp(),
        ceiling: 1.0 - 0.02 * f64::from(ceiling),
        planted: planted.len(),
    };
    let seen = planted
        .iter()
        .map(|p| (p.ideal_significance.ln(), p.is_found));
    let seen: Vec<(f64, bool)> = seen.collect();
    let best = |ranges: [(i32, i32); 3], strides: [i32; 3]| {
        let steps = |k: usize| {
            let (from, to) = ranges[k];
            (from.max(0)..to.min(GRID[k])).step_by(strides[k] as usize)
        };
        let mut best = (f64::MIN, [0; 3]);
        for place in
            steps(0).flat_map(|m| steps(1).flat_map(move |w| steps(2).map(move |c| [m, w, c])))
        {
            let curve = curve(place);
            let likelihood: f64 = seen.iter().map(|&p| log_likelihood(&curve, p)).sum();
            if likelihood > best.0 {
                best = (likelihood, place);
            }
        }
        best.1
    };
    let near = best(GRID.map(|n| (0, n)), STRIDES);
    let around = [0, 1, 2].map(|k: usize| (near[k] - STRIDES[k], near[k] + STRIDES[k] + 1));
    curve(best(around, [1; 3]))
}

fn log_likelihood(curve: &CompletenessCurve, (log, is_found): (f64, bool)) -> f64 {
    let p = logistic(curve, log).clamp(1e-4, 1.0 - 1e-4);
    if is_found { p.ln() } else { (1.0 - p).ln() }
}
