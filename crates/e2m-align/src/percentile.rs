//! Order statistics of an image.

use ndarray::Array2;

/// The `percent`-th percentile of the pixels, from a sample of at most a quarter of a million; NaN for an empty image.
pub(crate) fn percentile(image: &Array2<f32>, percent: f64) -> f32 {
    const SAMPLE: usize = 250_000;
    let stride = image.len().div_ceil(SAMPLE).max(1);
    let mut sample: Vec<f32> = image
        .iter()
        .copied()
        .step_by(stride)
        .filter(|v| v.is_finite())
        .collect();
    if sample.is_empty() {
        return f32::NAN;
    }
    let rank = ((sample.len() - 1) as f64 * percent / 100.0).round() as usize;
    *sample.select_nth_unstable_by(rank, f32::total_cmp).1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentile_is_the_order_statistic() {
        let image = Array2::from_shape_fn((1, 101), |(_, x)| x as f32);
        assert_eq!(percentile(&image, 0.0), 0.0);
        assert_eq!(percentile(&image, 37.0), 37.0);
        assert_eq!(percentile(&image, 100.0), 100.0);
    }
}
