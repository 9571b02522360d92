//! The backgrounds of a section: usually one, sometimes two, where stain was taken up evenly by a part of it.

use crate::peak::{histogram, smooth};
use serde::{Deserialize, Serialize};

/// Backgrounds are looked for within these factors of the highest peak, log10.
const REACH: f64 = 0.7;
/// Bins per width of the highest peak, and the smoothing in such widths.
const BINS_PER_WIDTH: f64 = 8.0;
const SMOOTHING_WIDTHS: f64 = 0.5;
/// The least width that is told apart, log10: 1 %.
const MIN_WIDTH: f64 = 0.004;
/// No more bins than this.
const MAX_BINS: usize = 4000;
/// Between two backgrounds that are told the distribution falls below this share of the lower one: to 0.01 to 0.1 between evenly
/// stained and unstained section, to 0.3 to 0.4 between regions of uptake, bleaching and uneven light together.
pub(crate) const CLEAR_VALLEY: f64 = 0.25;
/// Below this share there may be two, and how the ratio depends on brightness says nothing of black levels.
pub(crate) const ANY_VALLEY: f64 = 0.5;
/// A background is at least this share of the section, and at least this high beside the highest.
const MIN_SHARE: f64 = 0.1;
const MIN_HEIGHT: f64 = 0.1;

/// Part of the section whose background became brighter by one factor.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Background {
    /// The factor.
    pub value: f64,
    /// The share of the section that has it.
    pub share: f64,
}

/// Which background's scale is taken where a section has several.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PeakChoice {
    /// That of the highest peak.
    #[default]
    Auto,
    /// The lowest factor: what took up least.
    Lowest,
    /// That of the largest share.
    Largest,
}

/// A background among log ratios.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Found {
    pub(crate) background: Background,
    /// The log10 ratios that are counted to it.
    pub(crate) range: (f64, f64),
}

/// The backgrounds among log ratios, in ascending order; `top` and `width` are those of the highest peak.
pub(crate) fn find(
    logs: &[f64],
    weights: &[f64],
    (top, width): (f64, f64),
    valley_share: f64,
) -> Vec<Found> {
    let width = width.max(MIN_WIDTH);
    let bins = ((2.0 * REACH / width * BINS_PER_WIDTH) as usize).clamp(1, MAX_BINS);
    let range = (top - REACH, top + REACH);
    let bin_width = (range.1 - range.0) / bins as f64;
    let counts = histogram(logs, weights, range, bins);
    let density = smooth(&counts, SMOOTHING_WIDTHS * width / bin_width);
    let total: f64 = weights.iter().sum();
    let least = MIN_HEIGHT * density.iter().copied().fold(0.0, f64::max);
    let mut found: Vec<Found> = Vec::new();
    for Part { from, top, to } in parts(&density, least, valley_share) {
        let share = counts[from..to].iter().sum::<f64>() / total;
        if share >= MIN_SHARE {
            let at = |bin: f64| range.0 + bin * bin_width;
            found.push(Found {
                background: Background {
                    value: 10f64.powf(at(top as f64 + 0.5)),
                    share,
                },
                range: (at(from as f64), at(to as f64)),
            });
        }
    }
    found
}

/// A part of a distribution with one top, in bins.
struct Part {
    from: usize,
    top: usize,
    to: usize,
}

/// The parts of a distribution that valleys divide.
fn parts(density: &[f64], least: f64, valley_share: f64) -> Vec<Part> {
    let mut parts: Vec<Part> = Vec::new();
    let mut current = Part {
        from: 0,
        top: 0,
        to: 0,
    };
    // The lowest bin since the top of the current part.
    let mut valley = 0;
    for (bin, &height) in density.iter().enumerate() {
        if height < density[valley] || valley < current.top {
            valley = bin;
        }
        let divided = density[current.top] >= least
            && height >= least
            && density[valley] < valley_share * density[current.top].min(height);
        if divided && valley > current.top {
            parts.push(Part {
                to: valley,
                ..current
            });
            current = Part {
                from: valley,
                top: bin,
                to: 0,
            };
            valley = bin;
        } else if height > density[current.top] {
            current.top = bin;
            valley = bin;
        }
    }
    if density.get(current.top).is_some_and(|top| *top >= least) {
        parts.push(Part {
            to: density.len(),
            ..current
        });
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pile(middle: f64, n: usize) -> impl Iterator<Item = f64> {
        (0..n).map(move |i| middle + 0.003 * ((i as f64 + 0.5) / n as f64 * 2.0 - 1.0).powi(3))
    }

    #[test]
    fn two_backgrounds_are_told_with_their_shares_and_stain_is_none() {
        let tail = |n: usize| (0..n).map(|i| 0.13 + 0.3 * i as f64 / 500.0);
        let two: Vec<f64> = pile(0.13, 600).chain(pile(0.267, 900)).collect();
        let one: Vec<f64> = pile(0.13, 1000).chain(tail(500)).collect();
        let found = find(&two, &vec![1.0; two.len()], (0.267, 0.004), CLEAR_VALLEY);
        assert_eq!(found.len(), 2, "{found:?}");
        let [low, high] = [found[0].background, found[1].background];
        assert!((low.value.log10() - 0.13).abs() < 0.002, "{low:?}");
        assert!((low.share - 0.4).abs() < 0.01 && (high.share - 0.6).abs() < 0.01);
        let found = find(&one, &vec![1.0; one.len()], (0.13, 0.004), ANY_VALLEY);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(find(&[], &[], (0.0, 0.01), ANY_VALLEY).is_empty());
    }
}
