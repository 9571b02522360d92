//! One significance from eight filters, with mean 0 and standard deviation 1 where there is no microbe.
//!
//! Each filter's response is centred and divided by its scatter, both measured on the pair: that is where resampling, which
//! ties the noise of neighbouring pixels together, and texture that was not subtracted come in. At each pixel the response that
//! is farthest from 0 holds. Having looked eight times, its normal equivalent is smaller: with `n` independent looks the
//! chance of `|s| > u` is `1 - (1 - 2 Q(u))^n`. The number `n` follows from the median of `|s|`.

use crate::filter::{FIRST_COARSE, Response, SIGMAS, respond};
use crate::normal::{quantile, quantile_of_tail, tail};
use crate::region::Region;
use crate::search::Covered;
use ndarray::{Array2, Zip};
use serde::{Deserialize, Serialize};

/// What turns responses into significances.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    /// Sigma of each filter, px.
    pub filter_sigma_px: Vec<f64>,
    /// The middle of each filter's response over background.
    pub centre: Vec<f64>,
    /// Its scatter over background: 1 if the noise model were the whole truth.
    pub scatter: Vec<f64>,
    /// As how many independent looks the filters count.
    pub looks: f64,
    /// The mean of the normal equivalent over background, which is taken off: 0 if noise were symmetric and the background field exact.
    pub shift: f64,
    /// How much the normal equivalent scatters over background before it is divided by this: 1 if noise were normal everywhere.
    pub spread: f64,
}

/// Step and end of the table of normal equivalents; beyond it they follow from the tail's leading term.
const PER_UNIT: f32 = 128.0;
const END: usize = 10 * PER_UNIT as usize;
/// Standard deviations between the median and the lower of the quantiles that the scatter is taken from.
const LOWER: f64 = 0.158_655;
/// Noise is not looked for farther from 0 than this, beyond which a normal distribution has a thousandth of its variance.
const FARTHEST_OF_NOISE: f64 = 4.0;
/// What scatters more than this is no noise that a factor could be found for: it stays as it is, and the catalogue says that its
/// significance is not normal.
const MOST_SPREAD: f64 = 1.15;
/// Nor is what is farther from 0 in the mean than this.
const MOST_SHIFT: f64 = 0.15;
/// Half of a normal distribution lies within this.
const HALF_WITHIN: f64 = 0.674_49;

/// Responses at the same pixels, one list for each filter.
#[derive(Debug, Default)]
pub(crate) struct ResponseSample {
    lists: Vec<Vec<f32>>,
    /// Whether nothing that stands out is near each pixel.
    is_clear: Vec<bool>,
}

/// What stands out on this filter by so much, in units of the noise model, is no background, on either side; nor what the largest
/// filters see it from, px.
const TELLING: usize = 2;
const STANDS_OUT: f32 = 6.0;
pub(crate) const SEEN_FROM: usize = 24;
/// Where less than this is clear, all of it is the sample.
const MIN_CLEAR: f64 = 0.05;

impl ResponseSample {
    /// The responses at `pixels`, row and column within the region.
    pub(crate) fn of(region: &Region, pixels: &[(usize, usize)]) -> Self {
        let mut lists = Vec::with_capacity(SIGMAS.len());
        let mut far = Covered::none(region.difference.len());
        respond(
            region,
            |Response {
                 filter,
                 step,
                 significance,
             }| {
                if filter == TELLING {
                    let places = significance.iter().zip(0..);
                    let out: Vec<u32> = places
                        .filter(|(s, _)| s.abs() > STANDS_OUT)
                        .map(|(_, p)| p)
                        .collect();
                    far.add(&out);
                }
                let at = |&(y, x): &(usize, usize)| significance[(y / step, x / step)];
                lists.push(pixels.iter().map(at).collect());
            },
        );
        let columns = region.dim().1;
        far.widen(region.dim(), SEEN_FROM);
        let is_clear = pixels.iter().map(|&(y, x)| !far.has(y * columns + x));
        Self {
            lists,
            is_clear: is_clear.collect(),
        }
    }

    /// The lists of what is clear, or of everything where that is too little.
    fn into_background(self) -> Vec<Vec<f32>> {
        let clear = self.is_clear.iter().filter(|is_clear| **is_clear).count();
        if (clear as f64) < MIN_CLEAR * self.is_clear.len() as f64 {
            return self.lists;
        }
        let is_clear = &self.is_clear;
        let lists = self.lists.into_iter().map(|list| {
            let both = list.into_iter().zip(is_clear);
            both.filter(|(_, is_clear)| **is_clear)
                .map(|(s, _)| s)
                .collect()
        });
        lists.collect()
    }

    /// Adds the responses of another region.
    pub(crate) fn extend(&mut self, other: Self) {
        self.is_clear.extend(other.is_clear);
        if self.lists.is_empty() {
            self.lists = other.lists;
            return;
        }
        for (list, other) in self.lists.iter_mut().zip(other.lists) {
            list.extend(other);
        }
    }
}

impl Calibration {
    /// From responses over the section. The scatter is taken below the median, where microbes are not.
    pub(crate) fn measure(sample: ResponseSample) -> Self {
        let lists = sample.into_background();
        let mut calibration = Self {
            filter_sigma_px: SIGMAS.iter().map(|&s| f64::from(s)).collect(),
            centre: vec![0.0; SIGMAS.len()],
            scatter: vec![1.0; SIGMAS.len()],
            looks: 1.0,
            shift: 0.0,
            spread: 1.0,
        };
        if lists.first().is_none_or(Vec::is_empty) {
            return calibration;
        }
        for (k, list) in lists.iter().enumerate() {
            let mut list = list.clone();
            let middle = quantile(&mut list, 0.5);
            let below = middle - quantile(&mut list, LOWER);
            calibration.centre[k] = middle;
            calibration.scatter[k] = if below > 0.0 { below } else { 1.0 };
        }
        let number = lists.first().map_or(0, Vec::len);
        let mut farthest: Vec<f32> = (0..number)
            .map(|i| {
                let responses = lists
                    .iter()
                    .enumerate()
                    .map(|(k, list)| calibration.applied(k)(list[i]));
                responses.fold(0.0f32, farther)
            })
            .collect();
        let all = farthest.clone();
        // Again the lower side only: the median of |s| among what is negative.
        farthest.retain(|s| *s < 0.0);
        let median = -quantile(&mut farthest, 0.5);
        if median > HALF_WITHIN {
            calibration.looks =
                (0.5f64.ln() / (1.0 - 2.0 * tail(median)).ln()).clamp(1.0, SIGMAS.len() as f64);
        }
        // Noise that is not the same everywhere has more far out than a normal distribution.
        let equivalents = calibration.equivalents();
        let all = all.iter().map(|s| f64::from(equivalents.of(*s)));
        let near = all.filter(|z| z.abs() < FARTHEST_OF_NOISE);
        let (number, sum, squares) = near.fold((0.0, 0.0, 0.0), |(n, sum, squares), z| {
            (n + 1.0, sum + z, squares + z * z)
        });
        let number = f64::max(number, 1.0);
        let mean = sum / number;
        if mean.abs() < MOST_SHIFT {
            calibration.shift = mean;
        }
        let spread = f64::sqrt((squares / number - calibration.shift.powi(2)).max(0.0));
        if (1.0 / MOST_SPREAD..MOST_SPREAD).contains(&spread) {
            calibration.spread = spread;
        }
        calibration
    }

    /// What makes of the response of filter `k` one that is centred and in units of its scatter.
    fn applied(&self, k: usize) -> impl Fn(f32) -> f32 + use<> {
        let (centre, per_scatter) = (self.centre[k] as f32, (1.0 / self.scatter[k]) as f32);
        move |response| (response - centre) * per_scatter
    }

    /// The table of normal equivalents.
    pub(crate) fn equivalents(&self) -> Equivalents {
        let table = (0..=END).map(|i| {
            let u = i as f64 / f64::from(PER_UNIT);
            let inside = self.looks * (-2.0 * tail(u)).ln_1p();
            let outside = -inside.exp_m1();
            let z = if outside > 0.999_999 {
                0.0
            } else {
                quantile_of_tail(outside / 2.0, (u - self.looks.ln() / u.max(1.0)).max(0.0))
            };
            z as f32
        });
        Equivalents {
            table: table.collect(),
            shift: self.shift as f32,
            per_spread: (1.0 / self.spread) as f32,
        }
    }
}

/// The one farther from 0; the first where they are equal.
pub(crate) fn farther(a: f32, b: f32) -> f32 {
    if b.abs() > a.abs() { b } else { a }
}

/// The normal equivalent of the farthest response.
#[derive(Debug, Clone)]
pub(crate) struct Equivalents {
    table: Vec<f32>,
    shift: f32,
    per_spread: f32,
}

impl Equivalents {
    /// Of `u`, with its sign.
    pub(crate) fn of(&self, u: f32) -> f32 {
        // Where there are no data nothing is seen.
        if u == 0.0 {
            return 0.0;
        }
        let at = u.abs() * PER_UNIT;
        let last = self.table[END];
        let end = END as f32;
        let z = if at < end {
            let i = at as usize;
            self.table[i] + (at - i as f32) * (self.table[i + 1] - self.table[i])
        } else {
            // The distance from u shrinks as its inverse.
            u.abs() - (end / PER_UNIT - last) * (end / at)
        };
        self.per_spread * (z.copysign(u) - self.shift)
    }
}

/// What the filters say about a region, in significances.
#[derive(Debug, Clone)]
pub(crate) struct Maps {
    /// Farthest from 0 among all filters, as its normal equivalent.
    pub(crate) best: Array2<f32>,
    /// Farthest among the four fine ones, as its normal equivalent.
    pub(crate) fine: Array2<f32>,
    /// Farthest among the three finest: footprints are cut from it.
    pub(crate) footprint: Array2<f32>,
    /// Of a filter of 1 px: microbes that touch are told apart on it.
    pub(crate) sharp: Array2<f32>,
    /// Farthest among the coarse ones.
    pub(crate) coarse: Array2<f32>,
}

/// Filters that footprints rest on, and the one that tells microbes apart.
const OF_FOOTPRINT: usize = 3;
const SHARP: usize = 1;

impl Maps {
    /// Filters a region.
    pub(crate) fn new(
        region: &Region,
        calibration: &Calibration,
        equivalents: &Equivalents,
    ) -> Self {
        // Zeros take no memory before they are written to, and these are not all written to while the filters need theirs.
        let zeros = || Array2::zeros(region.dim());
        let mut maps = Self {
            best: zeros(),
            fine: zeros(),
            footprint: zeros(),
            sharp: zeros(),
            coarse: zeros(),
        };
        let mut coarse: Option<Array2<f32>> = None;
        respond(
            region,
            |Response {
                 filter,
                 significance,
                 ..
             }| {
                let apply = calibration.applied(filter);
                if filter >= FIRST_COARSE {
                    // Those work on pixels of 2 x 2, all four of them.
                    match &mut coarse {
                        Some(farthest) => {
                            farthest.zip_mut_with(significance, |a, &b| *a = farther(*a, apply(b)));
                        }
                        None => coarse = Some(significance.mapv(&apply)),
                    }
                    return;
                }
                if filter == SHARP {
                    maps.sharp
                        .zip_mut_with(significance, |sharp, &s| *sharp = apply(s));
                }
                Zip::from(&mut maps.best)
                    .and(significance)
                    .and(&region.inverse_variance)
                    .for_each(|best, &s, &i| {
                        if i > 0.0 {
                            *best = farther(*best, apply(s));
                        }
                    });
                if filter + 1 == OF_FOOTPRINT {
                    maps.footprint.assign(&maps.best);
                }
            },
        );
        maps.fine
            .zip_mut_with(&maps.best, |fine, &s| *fine = equivalents.of(s));
        let Some(coarse) = coarse else {
            return maps;
        };
        let rows = maps.coarse.rows_mut().into_iter();
        let rows = rows.zip(maps.best.rows_mut());
        for (y, (mut coarse_row, mut best)) in rows.enumerate() {
            let halves = coarse.row(y / 2);
            let weights = region.inverse_variance.row(y);
            let slices = (
                coarse_row.as_slice_mut(),
                best.as_slice_mut(),
                weights.to_slice(),
            );
            let (Some(coarse_row), Some(best), Some(weights)) = slices else {
                continue;
            };
            let pairs = coarse_row
                .chunks_mut(2)
                .zip(best.chunks_mut(2))
                .zip(weights.chunks(2));
            for (((coarse, best), weights), &half) in pairs.zip(halves) {
                for ((coarse, best), &weight) in coarse.iter_mut().zip(best).zip(weights) {
                    if weight > 0.0 {
                        *coarse = half;
                    }
                    *best = equivalents.of(farther(*best, *coarse));
                }
            }
        }
        maps
    }

    /// From now on that of the negated difference.
    pub(crate) fn negate(&mut self) {
        for map in [
            &mut self.best,
            &mut self.fine,
            &mut self.footprint,
            &mut self.sharp,
            &mut self.coarse,
        ] {
            map.mapv_inplace(|s| -s);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equivalents_shrink_by_the_number_of_looks() {
        let mut calibration = Calibration::measure(ResponseSample::default());
        let one = calibration.equivalents();
        assert!((one.of(5.0) - 5.0).abs() < 1e-3 && (one.of(-20.0) + 20.0).abs() < 1e-3);
        calibration.looks = 3.0;
        let three = calibration.equivalents();
        // 3 x 2 Q(5) = 2 Q(4.775).
        assert!((three.of(5.0) - 4.775).abs() < 0.01, "{}", three.of(5.0));
        assert!(three.of(0.3) < 0.1);
        let steps = (0..3000).map(|i| three.of(i as f32 * 0.01));
        let steps: Vec<f32> = steps.collect();
        assert!(steps.windows(2).all(|pair| pair[1] >= pair[0]));
    }
}
