//! The brightness of a piece of section, from both images so that the noise of neither changes it together with the ratio.
//!
//! `(post / scale)^a x pre^(1 - a)` with `a = s^1.5 / (1 + s^1.5)` for the scale s. With `a = 1 / 2`, the root of the product, what noise
//! lifted in the darker image would count as bright and have a small ratio: by 1 to 2 % among blocks of 15 counts with a noise of 8. Noise of
//! one size in both images is larger beside the darker one, relative to the light by s, its variance by s^2; the variance of photon
//! noise by s. The power 1.5 lies between.

use crate::peak::weighted_median;

const NOISE_POWER: f64 = 1.5;

/// How brightness is taken of both images.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Brightness {
    scale: f64,
    post_share: f64,
}

impl Brightness {
    /// For section that became brighter by `scale`.
    pub(crate) fn new(scale: f64) -> Self {
        let power = scale.powf(NOISE_POWER);
        Self {
            scale,
            post_share: power / (1.0 + power),
        }
    }

    /// For section with these means of post and of pre: by the median of their ratios.
    pub(crate) fn of_section(means: &[(f64, f64)]) -> Self {
        let ratios: Vec<f64> = means.iter().map(|(post, pre)| post / pre).collect();
        let median = weighted_median(&ratios, &vec![1.0; ratios.len()]);
        Self::new(median.filter(|m| m.is_normal()).unwrap_or(1.0))
    }

    /// The power that post has in it.
    pub(crate) fn post_share(&self) -> f64 {
        self.post_share
    }

    /// That of a piece with these means, counts of pre.
    pub(crate) fn of(&self, (post, pre): (f64, f64)) -> f64 {
        (post / self.scale).powf(self.post_share) * pre.powf(1.0 - self.post_share)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brightness_does_not_go_along_with_the_ratio() {
        // Noise of 1 count in both images, of 20 and 50 counts: as many ways up as down.
        let brightness = Brightness::new(2.5);
        let (mut both, mut plain) = (0.0, 0.0);
        for i in 0..400 {
            let turn = f64::from(i) / 400.0 * std::f64::consts::TAU;
            let (post, pre) = (50.0 + turn.sin(), 20.0 + turn.cos());
            let ratio = (post / pre / 2.5).ln();
            both += ratio * (brightness.of((post, pre)) / 20.0).ln();
            plain += ratio * ((post * pre / 1000.0).sqrt()).ln();
        }
        assert!(both.abs() < 0.3 * plain.abs(), "{both} {plain}");
        assert!((brightness.of((50.0, 20.0)) - 20.0).abs() < 1e-9);
    }
}
