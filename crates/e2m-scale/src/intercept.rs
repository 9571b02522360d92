//! An offset that both images have in common with none of the light: the line of post against pre that misses the origin.
//!
//! `post = scale x pre + intercept` over the section. The intercept shows in how the ratio depends on brightness, as
//! `log((post - intercept) / pre)` has to be the same for dark and bright background. It is fitted by reweighted least squares with
//! Welsch's weights, as the field of light is (field.rs), over squares of 64 px: in smaller ones a difference in focus mixes
//! dark and bright background and looks like an intercept (2 % of the brightness at 2.5 px of blur over 16 px, less than 0.3 %
//! over 64 px).

use crate::blocks::Block;
use crate::brightness::Brightness;
use crate::estimate::SMOOTHING_SHARE;
use crate::field::MIN_WIDTH;
use crate::glass::NORMAL_PER_MAD;
use crate::peak::{peak, weighted_median};
use crate::statistics::GROUP;
use std::collections::BTreeMap;

/// Blocks per axis that are summed, where enough such squares are there, and what focus, uptake and faint microbes may make of an
/// intercept then, as a share of the brightness: no region differs from the next by it, so that their scatter does not tell. Over
/// pairs of every kind with levels of 10 to 30 counts it is up to 0.3 % in squares of 64 px; the part of focus grows from there to
/// 2 % in 16 px, and half as large squares have 0.8 %.
const GROUPS: [(u32, f64); 2] = [(GROUP, 0.003), (2, 0.008)];
/// Share of the blocks of a square that have to be section.
const MIN_FILLED: f64 = 0.75;
/// Squares that a fit needs.
const MIN_SQUARES: usize = 40;
/// Where the search starts, as shares of the median brightness of post.
const STARTS: [f64; 7] = [0.0, -0.1, 0.1, -0.3, 0.3, -0.8, 0.6];
/// Steps of the fit at each width of the weights, and how the width shrinks.
const STEPS: usize = 6;
const WIDTHS: usize = 6;
/// A change of the logarithm of the scale, and of the intercept as a share of it, that changes nothing any more.
const CONVERGED: f64 = 1e-7;
/// Of more squares than this an even part is taken: more would say the same.
const MAX_SQUARES: usize = 4096;
/// The intercept is believed if the line with it gathers this many times as much weight as the one without (see field.rs; with
/// noise of 12 counts, where dark blocks are those that noise lifted, the gain is up to 1.06) …
const MIN_GATHERING: f64 = 1.1;
/// … and it matters.
const MIN_SIGNIFICANCE: f64 = 4.0;
/// An offset of post below this share of the brightness of its section changes the scale by as little, and is let be.
const MIN_SHARE: f64 = 0.003;
/// No offset is larger than this share of the brightness of the section.
const MAX_SHARE: f64 = 1.5;
/// Regions per axis, each of which counts as one observation of the standard error.
const REGIONS: u32 = 8;

/// An intercept that the section's own brightness determines.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Intercept {
    /// Counts of post.
    pub(crate) value: f64,
    /// Its standard error.
    pub(crate) std_error: f64,
}

/// A square of blocks.
struct Square {
    x: u32,
    y: u32,
    post: f64,
    pre: f64,
    /// Natural logarithm of that.
    log_pre: f64,
    /// The field of light there, natural log.
    field: f64,
    weight: f64,
}

/// What a fit has found.
struct Line {
    log_scale: f64,
    intercept: f64,
}

/// What is known of each block of the section.
pub(crate) struct Section<'a> {
    /// Full width of the peak of the ratios without an intercept, log10.
    pub(crate) peak_width: f64,
    pub(crate) blocks: &'a [Block],
    /// Counts per pixel, black levels taken off: post and aligned pre.
    pub(crate) means: &'a [(f64, f64)],
    /// How much each counts, at most 1.
    pub(crate) weights: &'a [f64],
    /// log10 of the field of light.
    pub(crate) field: &'a [f64],
}

/// The intercept, if the section determines one that is worth speaking of.
pub(crate) fn find(section: &Section<'_>) -> Option<Intercept> {
    let (squares, systematic) = GROUPS
        .into_iter()
        .map(|(group, systematic)| (squares(section, group), systematic))
        .find(|(squares, _)| squares.len() >= MIN_SQUARES)?;
    let posts: Vec<f64> = squares.iter().map(|s| s.post).collect();
    let weights: Vec<f64> = squares.iter().map(|s| s.weight).collect();
    let brightness = weighted_median(&posts, &weights)?;
    let widest = (section.peak_width * std::f64::consts::LN_10).max(MIN_WIDTH);
    let lines: Vec<Line> = STARTS
        .into_iter()
        .filter_map(|start| Line::fit(&squares, (start * brightness, brightness), widest))
        .collect();
    let without = Line::through(&squares, 0.0)?.refined(&squares, widest, false);
    let widths = lines.iter().map(|line| line.width(&squares, widest));
    let width = widths.fold(f64::MAX, f64::min);
    let best = lines.into_iter().max_by(|a, b| {
        a.gathered(&squares, width)
            .total_cmp(&b.gathered(&squares, width))
    })?;
    let between_regions = best.std_error(&squares, width)?;
    let std_error = between_regions.hypot(systematic * brightness);
    let believed = best.gathered(&squares, width)
        >= MIN_GATHERING * without.gathered(&squares, width)
        && matters(best.intercept, std_error, brightness);
    tracing::debug!(
        intercept = best.intercept,
        std_error,
        gathered = best.gathered(&squares, width),
        gathered_without = without.gathered(&squares, width),
        squares = squares.len(),
        "line of post against pre"
    );
    believed.then_some(Intercept {
        value: best.intercept,
        std_error,
    })
}

/// Whether an offset of post is more than its error, and worth taking off a section of this brightness.
pub(crate) fn matters(offset: f64, std_error: f64, brightness: f64) -> bool {
    offset.abs() >= MIN_SIGNIFICANCE * std_error && offset.abs() >= MIN_SHARE * brightness
}

/// Sums over squares of `group` x `group` blocks that the section nearly fills.
fn squares(section: &Section<'_>, group: u32) -> Vec<Square> {
    let mut sums: BTreeMap<(u32, u32), (Square, f64)> = BTreeMap::new();
    for (i, block) in section.blocks.iter().enumerate() {
        let (x, y) = (block.x / group, block.y / group);
        let (square, members) = sums.entry((y, x)).or_insert_with(|| {
            let empty = Square {
                x,
                y,
                post: 0.0,
                pre: 0.0,
                log_pre: 0.0,
                field: 0.0,
                weight: 0.0,
            };
            (empty, 0.0)
        });
        square.post += section.means[i].0;
        square.pre += section.means[i].1;
        square.field += section.field[i] * std::f64::consts::LN_10;
        square.weight += section.weights[i];
        *members += 1.0;
    }
    let needed = MIN_FILLED * f64::from(group * group);
    let filled = sums.into_values().filter(|(_, members)| *members >= needed);
    let all: Vec<Square> = filled
        .map(|(square, members)| Square {
            post: square.post / members,
            pre: square.pre / members,
            log_pre: (square.pre / members).ln(),
            field: square.field / members,
            weight: square.weight / members,
            ..square
        })
        .filter(|square| square.weight > 0.0 && square.post > 0.0 && square.pre > 0.0)
        .collect();
    let every = all.len().div_ceil(MAX_SQUARES).max(1);
    all.into_iter().step_by(every).collect()
}

impl Line {
    /// ln of the ratio that is left, `None` where the intercept leaves no light.
    fn rest(&self, square: &Square) -> Option<f64> {
        let light = square.post - self.intercept;
        (light > 0.0).then(|| light.ln() - square.log_pre - square.field - self.log_scale)
    }

    fn fit(squares: &[Square], (start, brightness): (f64, f64), widest: f64) -> Option<Self> {
        let line = Self::through(squares, start)?.refined(squares, widest, true);
        // Beyond that it is no offset but another background.
        (line.intercept.abs() <= MAX_SHARE * brightness).then_some(line)
    }

    /// The power of post in the brightness of a square.
    fn post_share(&self) -> f64 {
        Brightness::new(self.log_scale.exp()).post_share()
    }

    /// What the rest falls by with the intercept, for a rest: 1 over the light of the square by the line, `scale x brightness`
    /// (brightness.rs), so that the noise of neither image makes the rest depend on it. `post - intercept` is
    /// `scale x pre x exp(rest)`, and the brightness `pre x exp(share of post x rest)`.
    fn slope(&self, square: &Square, rest: f64, share: f64) -> f64 {
        let scale_and_pre = self.log_scale + square.field + square.log_pre;
        (-share * rest - scale_and_pre).exp()
    }

    /// The line with this intercept through the peak of the ratios.
    fn through(squares: &[Square], intercept: f64) -> Option<Self> {
        let line = Self {
            log_scale: 0.0,
            intercept,
        };
        let (values, weights): (Vec<f64>, Vec<f64>) = squares
            .iter()
            .filter_map(|square| Some((line.rest(square)?, square.weight)))
            .unzip();
        // Where half of the section is darker than the intercept there is no such line.
        if 2 * values.len() < squares.len() {
            return None;
        }
        let logs: Vec<f64> = values.iter().map(|v| v / std::f64::consts::LN_10).collect();
        Some(Self {
            log_scale: peak(&logs, &weights, SMOOTHING_SHARE)?.at * std::f64::consts::LN_10,
            intercept,
        })
    }

    /// The median distance from the line, as a standard deviation, but at most `widest`: stain is no scatter.
    fn width(&self, squares: &[Square], widest: f64) -> f64 {
        let (distances, weights): (Vec<f64>, Vec<f64>) = squares
            .iter()
            .filter_map(|square| Some((self.rest(square)?.abs(), square.weight)))
            .unzip();
        let scatter = NORMAL_PER_MAD * weighted_median(&distances, &weights).unwrap_or(0.0);
        scatter.clamp(MIN_WIDTH, widest)
    }

    fn refined(mut self, squares: &[Square], widest: f64, with_intercept: bool) -> Self {
        for _ in 0..WIDTHS {
            let width = self.width(squares, widest);
            for _ in 0..STEPS {
                let Some([log_scale, intercept]) = self.step(squares, width, with_intercept) else {
                    return self;
                };
                self.log_scale += log_scale;
                self.intercept += intercept;
                // The next step would be smaller still.
                if log_scale.abs() < CONVERGED && intercept.abs() < CONVERGED * self.intercept.abs()
                {
                    break;
                }
            }
        }
        self
    }

    /// Sums of the weighted normal equations: `[1, t]` against the rest, where `t` is its slope with the intercept.
    fn step(&self, squares: &[Square], width: f64, with_intercept: bool) -> Option<[f64; 2]> {
        let (mut normal, mut rhs) = ([0.0; 3], [0.0; 2]);
        let share = self.post_share();
        for square in squares {
            let Some(rest) = self.rest(square) else {
                continue;
            };
            let slope = self.slope(square, rest, share);
            let weight = square.weight * welsch(rest, width);
            normal[0] += weight;
            normal[1] += weight * slope;
            normal[2] += weight * slope * slope;
            rhs[0] += weight * rest;
            rhs[1] += weight * slope * rest;
        }
        if !with_intercept {
            return (normal[0] > 0.0).then(|| [rhs[0] / normal[0], 0.0]);
        }
        solve(normal, rhs)
    }

    fn gathered(&self, squares: &[Square], width: f64) -> f64 {
        let near = |square: &Square| {
            let rest = self.rest(square)?;
            Some(square.weight * welsch(rest, width))
        };
        squares.iter().filter_map(near).sum()
    }

    /// The standard error of the intercept, each region of the image being one observation.
    fn std_error(&self, squares: &[Square], width: f64) -> Option<f64> {
        let extent = |of: fn(&Square) -> u32| {
            let values = squares.iter().map(of);
            let (low, high) = values.fold((u32::MAX, 0), |(l, h), v| (l.min(v), h.max(v)));
            (low, high - low + 1)
        };
        let (x, y) = (extent(|s| s.x), extent(|s| s.y));
        let share = self.post_share();
        let mut normal = [0.0; 3];
        let mut regions = vec![[0.0; 2]; (REGIONS * REGIONS) as usize];
        for square in squares {
            let Some(rest) = self.rest(square) else {
                continue;
            };
            let slope = self.slope(square, rest, share);
            let weight = square.weight * welsch(rest, width);
            normal[0] += weight;
            normal[1] += weight * slope;
            normal[2] += weight * slope * slope;
            let (column, row) = (
                (square.x - x.0) * REGIONS / x.1,
                (square.y - y.0) * REGIONS / y.1,
            );
            let sums = &mut regions[(row * REGIONS + column) as usize];
            sums[0] += weight * rest;
            sums[1] += weight * slope * rest;
        }
        let moves = regions.into_iter().map(|sums| solve(normal, sums));
        let squared = moves.map(|by| by.map(|[_, intercept]| intercept * intercept));
        squared.sum::<Option<f64>>().map(f64::sqrt)
    }
}

fn welsch(rest: f64, width: f64) -> f64 {
    (-(rest / width).powi(2) / 2.0).exp()
}

/// Solves `[[n0, n1], [n1, n2]] x = rhs`.
fn solve([a, b, c]: [f64; 3], [p, q]: [f64; 2]) -> Option<[f64; 2]> {
    let determinant = a * c - b * b;
    // Squares of one brightness tell nothing.
    (determinant > 1e-9 * a * c)
        .then(|| [(c * p - b * q) / determinant, (a * q - b * p) / determinant])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Blocks per axis.
    const SIDE: u32 = 64;

    /// A number in -1..1.
    fn noise(i: u32, purpose: u32) -> f64 {
        let h = u64::from(i * 4 + purpose + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        ((h ^ (h >> 29)).wrapping_mul(0xBF58_476D_1CE4_E5B9) >> 11) as f64 / (1u64 << 52) as f64
            - 1.0
    }

    /// The intercept found in `scale x pre + intercept`, where pre varies from square to square by a factor of
    /// `exp(+-contrast)`, with 0.3 % of scatter and, in every `stained`-th square, half as much light again.
    fn found(scale: f64, intercept: f64, contrast: f64, stained: u32) -> Option<Intercept> {
        let at = |i: u32| (i % SIDE, i / SIDE);
        let means: Vec<(f64, f64)> = (0..SIDE * SIDE)
            .map(|i| {
                let (x, y) = at(i);
                let square = y / GROUP * SIDE + x / GROUP;
                let pre = 60.0 * (contrast * noise(square, 0)).exp();
                let stain = if square % stained == 1 { 1.5 } else { 1.0 };
                let post = scale * pre * stain * (1.0 + 0.003 * noise(i, 1)) + intercept;
                (post, pre)
            })
            .collect();
        let blocks: Vec<Block> = means
            .iter()
            .enumerate()
            .map(|(i, (post, pre))| {
                let (x, y) = at(i as u32);
                Block {
                    x,
                    y,
                    post: *post as f32,
                    pre: *pre as f32,
                    cut_off: 0,
                }
            })
            .collect();
        let ones = vec![1.0; means.len()];
        find(&Section {
            peak_width: 0.02,
            blocks: &blocks,
            means: &means,
            weights: &ones,
            field: &vec![0.0; means.len()],
        })
    }

    #[test]
    fn an_intercept_is_found_to_its_error_under_stain() {
        for (scale, intercept) in [(1.35, 12.0), (2.0, -20.0), (1.1, 40.0)] {
            for stained in [7, u32::MAX] {
                let line = found(scale, intercept, 0.7, stained).expect("an intercept");
                let off = (line.value - intercept).abs();
                assert!(off < 0.3 && off < 4.0 * line.std_error, "{off} {line:?}");
            }
        }
    }

    #[test]
    fn none_is_found_where_there_is_none_or_nothing_tells_it() {
        for stained in [7, u32::MAX] {
            assert_eq!(found(1.35, 0.0, 0.7, stained), None);
        }
        // Worth less than it is known, and a section of one brightness.
        assert_eq!(found(1.35, 0.05, 0.7, u32::MAX), None);
        assert_eq!(found(1.35, 12.0, 0.0, u32::MAX), None);
    }

    #[test]
    fn what_matters_is_beyond_its_error_and_a_share_of_the_light() {
        assert!(matters(1.0, 0.2, 100.0) && matters(-1.0, 0.2, 100.0));
        assert!(!matters(1.0, 0.3, 100.0));
        assert!(!matters(0.2, 0.01, 100.0));
    }
}
