//! The peak of a distribution: where its smoothed histogram is highest.

/// The log10 ratios that are looked at: enough for 16 bit against floats below 1.
const RANGE: (f64, f64) = (-6.0, 6.0);
/// Width of a bin of the first pass, log10: half a per cent.
const ROUGH_BIN: f64 = 0.002;
/// Smoothing of the first pass, bins.
const ROUGH_SMOOTHING_BINS: f64 = 2.0;
/// The second pass divides the width of the peak in the first one into this many bins …
const FINE_BINS_PER_WIDTH: f64 = 200.0;
/// … and looks this many widths to either side.
const FINE_REACH_WIDTHS: f64 = 4.0;
/// Smoothing with which the second pass finds the width, as a share of that in the first.
const WIDTH_SMOOTHING_SHARE: f64 = 0.2;

/// Where a distribution peaks, and how wide it is there.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Peak {
    /// The value at the peak.
    pub(crate) at: f64,
    /// Full width at half height, including a little smoothing.
    pub(crate) width: f64,
}

/// The peak of `values` with `weights`, smoothed by a Gaussian of `smoothing` times its width. `None` without weight.
///
/// The first pass, in coarse bins over everything, finds the neighbourhood and the width; the second one divides that
/// neighbourhood finely, so that bins never span what the worst value spans.
pub(crate) fn peak(values: &[f64], weights: &[f64], smoothing: f64) -> Option<Peak> {
    let bins = ((RANGE.1 - RANGE.0) / ROUGH_BIN) as usize;
    let rough = smooth(
        &histogram(values, weights, RANGE, bins),
        ROUGH_SMOOTHING_BINS,
    );
    let top = highest(&rough)?;
    if rough[top.round() as usize] <= 0.0 {
        return None;
    }
    let middle = RANGE.0 + (top + 0.5) * ROUGH_BIN;
    let width = width_at_half_height(&rough, top.round() as usize) as f64 * ROUGH_BIN;

    let (reach, bin) = (FINE_REACH_WIDTHS * width, width / FINE_BINS_PER_WIDTH);
    let bins = (2.0 * FINE_REACH_WIDTHS * FINE_BINS_PER_WIDTH) as usize;
    let low = middle - reach;
    let fine = histogram(values, weights, (low, middle + reach), bins);
    let first = smooth(&fine, WIDTH_SMOOTHING_SHARE * FINE_BINS_PER_WIDTH);
    let top = highest(&first)?.round() as usize;
    let width_bins = width_at_half_height(&first, top) as f64;
    let top = highest(&smooth(&fine, (smoothing * width_bins).max(1.0)))?;
    Some(Peak {
        at: low + (top + 0.5) * bin,
        width: width_bins * bin,
    })
}

/// The weight in `bins` equal bins over `range`; values outside are left out.
pub(crate) fn histogram(
    values: &[f64],
    weights: &[f64],
    range: (f64, f64),
    bins: usize,
) -> Vec<f64> {
    let mut counts = vec![0.0; bins];
    let per_unit = bins as f64 / (range.1 - range.0);
    for (value, weight) in values.iter().zip(weights) {
        let bin = ((value - range.0) * per_unit).floor();
        if bin >= 0.0 && bin < bins as f64 {
            counts[bin as usize] += weight;
        }
    }
    counts
}

/// Smooths `counts` with a Gaussian of `sigma` bins; beyond the ends the histogram is empty.
pub(crate) fn smooth(counts: &[f64], sigma: f64) -> Vec<f64> {
    let radius = (4.0 * sigma).ceil() as usize;
    let kernel: Vec<f64> = (0..=radius)
        .map(|i| (-((i * i) as f64) / (2.0 * sigma * sigma)).exp())
        .collect();
    let norm = kernel[0] + 2.0 * kernel[1..].iter().sum::<f64>();
    let at = |i: usize, offset: usize| {
        let left = i.checked_sub(offset).map_or(0.0, |i| counts[i]);
        left + counts.get(i + offset).copied().unwrap_or(0.0)
    };
    (0..counts.len())
        .map(|i| {
            (kernel[0] * counts[i] + (1..=radius).map(|o| kernel[o] * at(i, o)).sum::<f64>()) / norm
        })
        .collect()
}

/// The position, in bins, of the highest point, refined by the parabola through it and its neighbours.
pub(crate) fn highest(values: &[f64]) -> Option<f64> {
    let top = (0..values.len()).max_by(|&a, &b| values[a].total_cmp(&values[b]))?;
    if top == 0 || top + 1 == values.len() {
        return Some(top as f64);
    }
    let (a, b, c) = (values[top - 1], values[top], values[top + 1]);
    let curvature = a - 2.0 * b + c;
    Some(if curvature < 0.0 {
        top as f64 + 0.5 * (a - c) / curvature
    } else {
        top as f64
    })
}

/// The full width at half height of the peak at bin `top`, in bins; at least one.
pub(crate) fn width_at_half_height(values: &[f64], top: usize) -> usize {
    let half = values[top] / 2.0;
    let left = (0..=top).rev().take_while(|&i| values[i] >= half).count();
    let right = (top..values.len())
        .take_while(|&i| values[i] >= half)
        .count();
    (left + right).saturating_sub(1).max(1)
}

/// The value below which half of the weight lies. `None` without values.
pub(crate) fn weighted_median(values: &[f64], weights: &[f64]) -> Option<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| values[a].total_cmp(&values[b]));
    let half = weights.iter().sum::<f64>() / 2.0;
    let mut below = 0.0;
    for &i in &order {
        below += weights[i];
        if below >= half {
            return Some(values[i]);
        }
    }
    order.last().map(|&i| values[i])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_highest_point_is_found_between_bins() {
        let counts: Vec<f64> = (0..400)
            .map(|i| 1e4 * (-(f64::from(i) - 171.3).powi(2) / (2.0 * 15.0 * 15.0)).exp())
            .collect();
        let top = highest(&smooth(&counts, 4.0)).expect("not empty");
        assert!((top - 171.3).abs() < 0.01);
        assert_eq!(width_at_half_height(&counts, 171), 35);
        assert_eq!(highest(&[]), None);
    }

    #[test]
    fn a_narrow_peak_is_found_among_far_outliers() {
        // A peak of width 0.004 at 0.11394, a broad hump on its right and values at the ends of the range.
        let mut values: Vec<f64> = (0..2000)
            .map(|i| 0.113_94 + 0.002 * ((f64::from(i) + 0.5) / 1000.0 - 1.0).powi(3))
            .collect();
        values.extend((0..1500).map(|i| 0.12 + 2e-4 * f64::from(i)));
        values.extend([-5.9, 5.9, -50.0, f64::NAN]);
        let weights = vec![1.0; values.len()];
        let found = peak(&values, &weights, 0.25).expect("a peak");
        assert!((found.at - 0.113_94).abs() < 1e-4, "{found:?}");
        assert!(found.width < 0.02);
        assert_eq!(peak(&[], &[], 0.25), None);
        assert_eq!(peak(&[99.0], &[1.0], 0.25), None);
    }

    #[test]
    fn the_median_halves_the_weight() {
        assert_eq!(
            weighted_median(&[3.0, 1.0, 2.0], &[1.0, 1.0, 1.0]),
            Some(2.0)
        );
        assert_eq!(
            weighted_median(&[3.0, 1.0, 2.0], &[5.0, 1.0, 1.0]),
            Some(3.0)
        );
        assert_eq!(weighted_median(&[], &[]), None);
    }
}
