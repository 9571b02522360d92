//! The difference itself.

use ndarray::{ArrayView2, ArrayViewMut2, Axis, Zip};
use rayon::prelude::*;

/// `out = post - scale x aligned`, pixel by pixel, for bands of the same shape `(rows, width)`.
///
/// Computed in f64 and rounded once, so that the result is the same on every machine.
///
/// # Panics
/// Where the shapes differ.
pub fn subtract_scaled(
    post: ArrayView2<'_, f32>,
    aligned: ArrayView2<'_, f32>,
    scale: f64,
    mut out: ArrayViewMut2<'_, f32>,
) {
    // ASSERT: documented; rows that are paired by mistake would otherwise be left out without a word.
    assert!(
        post.dim() == aligned.dim() && post.dim() == out.dim(),
        "bands of one shape"
    );
    out.axis_iter_mut(Axis(0))
        .into_par_iter()
        .zip(post.axis_iter(Axis(0)))
        .zip(aligned.axis_iter(Axis(0)))
        .for_each(|((out, post), aligned)| {
            Zip::from(out)
                .and(post)
                .and(aligned)
                .for_each(|out, &post, &aligned| {
                    *out = (f64::from(post) - scale * f64::from(aligned)) as f32;
                });
        });
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn subtracts_the_scaled_background() {
        let (post, pre) = (array![[10.0, 20.0, 0.0]], array![[4.0, 0.0, 2.0]]);
        let mut out = array![[9.0, 9.0, 9.0]];
        subtract_scaled(post.view(), pre.view(), 1.5, out.view_mut());
        assert_eq!(out, array![[4.0, 20.0, -3.0]]);
    }
}
