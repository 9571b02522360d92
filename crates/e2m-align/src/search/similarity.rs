//! How alike post and aligned pre are as a whole, fine structure included.

use crate::search::error::AlignError;
use crate::search::previews::Previews;
use crate::similarity::{Sieve, SignalSimilarity, Sums};
use e2m_image::Warp;
use ndarray::Zip;

/// Similarity of post and pre under a warp, at preview resolution.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Similarity {
    /// Correlation of the logarithms of counts where both have signal, -1 to 1.
    pub correlation: f64,
    /// Correlation of the fine structure where both images are, local mean and contrast evened out. It tells a fitting
    /// warp from one that only brings outlines together.
    pub detail_correlation: f64,
    /// Share of post's signal pixels on which pre has signal too.
    pub overlap_fraction: f64,
    /// Share of post's signal pixels that lie in the frame of pre.
    pub covered_fraction: f64,
}

impl Previews {
    /// Similarity of post and of pre seen through `warp` (post to pre, full resolution), on a sample of their pixels.
    ///
    /// # Errors
    /// Where an image is blank.
    pub fn similarity(&self, warp: &Warp) -> Result<Similarity, AlignError> {
        let detail_correlation = self.detail_correlation(warp)?;
        let signal = SignalSimilarity::of(self.post(), self.pre(), self.factor(), warp);
        Ok(Similarity {
            correlation: signal.correlation,
            detail_correlation,
            overlap_fraction: signal.overlap_fraction,
            covered_fraction: signal.covered_fraction,
        })
    }

    /// [`Similarity::detail_correlation`] alone.
    pub(crate) fn detail_correlation(&self, warp: &Warp) -> Result<f64, AlignError> {
        let [post, pre] = self.details()?;
        let sieve = Sieve::new(post.dim());
        let aligned = sieve.through(&self.between_previews(warp), pre.view());
        let mut sums = Sums::default();
        Zip::from(&sieve.of(post.view()))
            .and(&aligned)
            .for_each(|&a, b| {
                if let Some(b) = *b {
                    sums.add(f64::from(a), f64::from(b));
                }
            });
        Ok(sums.correlation())
    }

    fn between_previews(&self, warp: &Warp) -> Warp {
        let k = 1.0 / self.factor() as f64;
        warp.at_reduced_resolution(k, k)
    }
}

/// A warp under which the fine structure of the whole overlap correlates by this share less is worse: it would not be for a step
/// towards the truth, whatever tiles say that are few, or that chance has made agree.
const LESS_ALIKE: f64 = 0.03;

impl Previews {
    /// Why `refined` is worse than `start` (post to pre, full resolution) for the whole of both images, if it is.
    pub(crate) fn less_alike(
        &self,
        start: &Warp,
        refined: &Warp,
    ) -> Result<Option<String>, AlignError> {
        let before = self.similarity(start)?.detail_correlation;
        let after = self.similarity(refined)?.detail_correlation;
        let moved = self.distance_px(start, refined);
        tracing::debug!(before, after, moved, "the whole looked at");
        let is_less = before > 0.0 && after < before * (1.0 - LESS_ALIKE);
        Ok(is_less.then(|| {
            format!(
                "the fine structure of both images correlates less after it, by {after:.3} instead of {before:.3}"
            )
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Array2;

    fn texture(x: f64, y: f64) -> f32 {
        (90.0 + 30.0 * ((x * 0.23).sin() + (y * 0.31).cos() + (0.11 * (x + y)).sin())) as f32
    }

    #[test]
    fn the_right_warp_is_the_most_alike() {
        let post = Array2::from_shape_fn((160, 200), |(y, x)| 2.0 * texture(x as f64, y as f64));
        let pre =
            Array2::from_shape_fn((160, 200), |(y, x)| texture(x as f64 + 6.0, y as f64 - 4.0));
        let previews = Previews::new(post, pre, 4).expect("large enough");
        let at = |dx: f64, dy: f64| {
            let warp = Warp::translation(4.0 * dx, 4.0 * dy);
            previews.similarity(&warp).expect("not blank")
        };
        let right = at(-6.0, 4.0);
        assert!(
            right.detail_correlation > 0.98 && right.correlation > 0.98,
            "{right:?}"
        );
        for (dx, dy) in [(-9.0, 4.0), (-6.0, 8.0), (0.0, 0.0)] {
            assert!(at(dx, dy).detail_correlation < right.detail_correlation - 0.05);
        }
        assert!((right.overlap_fraction - 194.0 * 156.0 / (200.0 * 160.0)).abs() < 0.02);
        let apart = at(500.0, 0.0);
        assert_eq!(
            (apart.overlap_fraction, apart.detail_correlation),
            (0.0, 0.0)
        );
    }
}
