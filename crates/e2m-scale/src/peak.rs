//! The mode of a histogram.

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_peak_is_found_between_bins() {
        let counts: Vec<f64> = (0..400)
            .map(|i| 1e4 * (-(f64::from(i) - 171.3).powi(2) / (2.0 * 15.0 * 15.0)).exp())
            .collect();
        let top = highest(&smooth(&counts, 4.0)).expect("not empty");
        assert!((top - 171.3).abs() < 0.01);
        assert_eq!(width_at_half_height(&counts, 171), 35);
        assert_eq!(highest(&[]), None);
    }
}
