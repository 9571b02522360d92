//! A Gaussian over pixels that were read.

use ndarray::{Array2, ArrayView2, Axis};

/// The kernel reaches so many sigmas: what lies beyond has a weight of 0.0001 of the middle's.
const REACH_SIGMAS: f64 = 4.3;

/// How many pixels beyond a region its pixels under a Gaussian of `sigma` px depend on.
pub fn blur_reach_px(sigma: f64) -> usize {
    (REACH_SIGMAS * sigma).ceil() as usize
}

/// `pixels` under a Gaussian of `sigma` px, in the same shape. What is not a number, and what lies beyond the edges, has no weight.
/// For pixels that were read with a margin; [`TaskImages::read_blurred`](super::TaskImages::read_blurred) does both.
pub fn blurred(pixels: ArrayView2<'_, f32>, sigma: f64) -> Array2<f32> {
    let reach = blur_reach_px(sigma);
    let kernel: Vec<f64> = (0..=reach)
        .map(|i| (-0.5 * (i as f64 / sigma).powi(2)).exp())
        .collect();
    let valid = pixels.map(|v| if v.is_nan() { 0.0 } else { 1.0 });
    let values = pixels.map(|v| if v.is_nan() { 0.0 } else { f64::from(*v) });
    let mut both = [values, valid];
    for image in &mut both {
        for axis in [Axis(0), Axis(1)] {
            for mut lane in image.lanes_mut(axis) {
                let before = lane.to_vec();
                for (i, out) in lane.iter_mut().enumerate() {
                    let first = i.saturating_sub(reach);
                    let near = &before[first..(i + reach + 1).min(before.len())];
                    let weighted = near
                        .iter()
                        .enumerate()
                        .map(|(k, v)| kernel[(first + k).abs_diff(i)] * v);
                    *out = weighted.sum();
                }
            }
        }
    }
    let [values, weights] = both;
    let mut out = Array2::from_elem(pixels.dim(), f32::NAN);
    for ((out, value), weight) in out.iter_mut().zip(&values).zip(&weights) {
        if *weight > 0.0 {
            *out = (value / weight) as f32;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_constant_stays_and_a_point_becomes_a_gaussian() {
        let mut flat = Array2::from_elem((30, 40), 7.0f32);
        flat[(3, 4)] = f32::NAN;
        let out = blurred(flat.view(), 1.7);
        assert!(out.iter().all(|v| (v - 7.0).abs() < 1e-5));
        let mut point = Array2::zeros((61, 61));
        point[(30, 30)] = 1.0;
        let out = blurred(point.view(), 2.0);
        let ratio = f64::from(out[(30, 33)] / out[(30, 30)]);
        assert!((ratio - (-9.0f64 / 8.0).exp()).abs() < 1e-6, "{ratio}");
        assert!((out.sum() - 1.0).abs() < 1e-4);
        let nothing = Array2::from_elem((5, 5), f32::NAN);
        assert!(blurred(nothing.view(), 1.0).iter().all(|v| v.is_nan()));
    }
}
