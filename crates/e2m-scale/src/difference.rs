//! The difference itself.

use ndarray::{ArrayView2, ArrayViewMut2, Axis, Zip};
use rayon::prelude::*;

/// What is taken off post, in counts of post.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Subtraction {
    /// The factor by which the background became brighter.
    pub scale: f64,
    /// The black level of post.
    pub post_black: f64,
    /// The black level of pre.
    pub pre_black: f64,
}

impl Subtraction {
    /// With black levels of 0.
    pub fn of_scale(scale: f64) -> Self {
        Self {
            scale,
            post_black: 0.0,
            pre_black: 0.0,
        }
    }

    /// What is taken off where pre is 0: `black of post - scale x black of pre`, counts of post.
    pub fn offset(&self) -> f64 {
        self.post_black - self.scale * self.pre_black
    }
}

/// `out = (post - black of post) - scale x (aligned - black of pre)`, pixel by pixel, for bands of the same shape
/// `(rows, width)`.
///
/// Computed in f64 and rounded once, so that the result is the same on every machine.
///
/// # Panics
/// Where the shapes differ.
pub fn subtract_scaled(
    post: ArrayView2<'_, f32>,
    aligned: ArrayView2<'_, f32>,
    subtraction: &Subtraction,
    mut out: ArrayViewMut2<'_, f32>,
) {
    // ASSERT: documented; rows that are paired by mistake would otherwise be left out without a word.
    assert!(
        post.dim() == aligned.dim() && post.dim() == out.dim(),
        "bands of one shape"
    );
    let scale = subtraction.scale;
    let offset = subtraction.offset();
    out.axis_iter_mut(Axis(0))
        .into_par_iter()
        .zip(post.axis_iter(Axis(0)))
        .zip(aligned.axis_iter(Axis(0)))
        .for_each(|((out, post), aligned)| {
            Zip::from(out)
                .and(post)
                .and(aligned)
                .for_each(|out, &post, &aligned| {
                    *out = (f64::from(post) - scale * f64::from(aligned) - offset) as f32;
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
        let mut subtraction = Subtraction::of_scale(1.5);
        subtract_scaled(post.view(), pre.view(), &subtraction, out.view_mut());
        assert_eq!(out, array![[4.0, 20.0, -3.0]]);
        (subtraction.post_black, subtraction.pre_black) = (2.0, 4.0);
        subtract_scaled(post.view(), pre.view(), &subtraction, out.view_mut());
        assert_eq!(out, array![[8.0, 24.0, 1.0]]);
    }
}
