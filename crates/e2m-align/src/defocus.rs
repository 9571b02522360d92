//! Which image is out of focus, and by how much.
//!
//! A sharp and a blurred image of one structure differ most where the structure is finest; robust weights take that for
//! microbes and bias the fit. Blurring the sharper one alike removes the difference.

use crate::comparison::{BlurMatch, SamplingLevel, TileComparison};
use crate::residual::median;
use crate::tiles::Tile;
use e2m_image::{MendedView, Warp};
use rayon::prelude::*;

/// Tiles that the blur is measured on, at most.
const TILES: usize = 24;
/// Variance of the blur of both images before the difference that is tried, px². Half the difference is taken from one
/// and given to the other: were only one blurred, noise would always speak for more blur.
const BASE_PX2: f64 = 9.0;
/// Differences of variance that are tried, px²: positive where post is the blurrier one.
const TRIED_PX2: [f64; 7] = [-14.0, -6.0, -2.0, 0.0, 2.0, 6.0, 14.0];
/// Step of the second search as a share of the difference found by the first, and at least, px².
const CLOSER_SHARE: f64 = 0.25;
/// See [`CLOSER_SHARE`].
const CLOSER_PX2: f64 = 0.6;
/// A match that lessens the difference of the typical tile by a smaller share than this is chance.
const MIN_GAIN: f64 = 0.02;
/// Share of the tiles beside those that it was found on that a match has to make more alike, half of which chance does.
const MIN_SHARE_CONFIRMING: f64 = 2.0 / 3.0;

impl BlurMatch {
    /// Blurs the sharper image by the root of the difference of variances.
    fn of_variance(px2: f64) -> Self {
        let sigma = px2.abs().sqrt();
        if px2 > 0.0 {
            Self {
                post_px: 0.0,
                pre_px: sigma,
            }
        } else {
            Self {
                post_px: sigma,
                pre_px: 0.0,
            }
        }
    }

    /// Blurs the sharper image by as much as post is blurrier.
    pub(crate) fn of_defocus(px: f64) -> Self {
        Self::of_variance(px * px.abs())
    }

    /// How much blurrier post is, px; negative where pre is.
    pub(crate) fn defocus_px(&self) -> f64 {
        self.pre_px - self.post_px
    }
}

/// The blur that makes post and pre most alike under `warp`, by the correlation over tiles, which is greatest where both
/// have passed through the same blur. First over the whole range, then near the best.
pub(crate) fn match_blurs(tiles: &[Tile], pre: MendedView<'_>, warp: &Warp) -> BlurMatch {
    let every = tiles.len().div_ceil(TILES).max(1);
    let costs = |px2: f64| -> Vec<Option<f64>> {
        tiles
            .par_iter()
            .step_by(every)
            .map(|tile| cost(tile, pre, warp, px2))
            .collect()
    };
    let alone = costs(0.0);
    // Stain that is in one image only tells nothing about the blur: the half of the tiles that is least alike is left out.
    let mut usable: Vec<usize> = (0..alone.len()).filter(|&t| alone[t].is_some()).collect();
    usable.sort_by(|&a, &b| {
        let at = |t: usize| alone[t].unwrap_or(f64::MAX);
        at(a).total_cmp(&at(b))
    });
    usable.truncate(usable.len().div_ceil(2));
    let relative = |px2: &f64| {
        let tried = costs(*px2);
        let changes = usable.iter().filter_map(|&t| Some(tried[t]? - alone[t]?));
        median(changes.collect())
    };
    let mut wide = [0.0; TRIED_PX2.len()];
    let mut try_both = |tried: [usize; 2]| {
        for i in tried {
            wide[i] = relative(&TRIED_PX2[i]);
        }
        tried.iter().any(|&i| wide[i] < 0.0)
    };
    // From no difference outwards: where the first step either way is for the worse, none is for the better.
    if !try_both([2, 4]) {
        return BlurMatch::default();
    }
    try_both([1, 5]);
    try_both([0, 6]);
    let best = lowest(&wide);
    if wide[best] > -MIN_GAIN {
        return BlurMatch::default();
    }
    let near = lowest_point(&TRIED_PX2, &wide, best);
    let step = (CLOSER_SHARE * near.abs()).max(CLOSER_PX2);
    let closer = [near - step, near, near + step]
        .map(|px2| px2.clamp(TRIED_PX2[0], TRIED_PX2[TRIED_PX2.len() - 1]));
    let costs = closer.each_ref().map(relative);
    let px2 = lowest_point(&closer, &costs, lowest(&costs));
    if !is_confirmed(&tiles[every.min(2) - 1..], every, pre, warp, px2) {
        return BlurMatch::default();
    }
    tracing::debug!(defocus_px2 = px2, gain = -wide[best], "blurs matched");
    BlurMatch::of_variance(px2)
}

/// Whether the difference of variances makes most of these tiles more alike, of which the less alike half is left out as
/// above. Where there are no others they are those that it was found on.
fn is_confirmed(tiles: &[Tile], every: usize, pre: MendedView<'_>, warp: &Warp, px2: f64) -> bool {
    let mut costs: Vec<(f64, f64)> = tiles
        .par_iter()
        .step_by(every)
        .filter_map(|tile| Some((cost(tile, pre, warp, 0.0)?, cost(tile, pre, warp, px2)?)))
        .collect();
    costs.sort_by(|a, b| a.0.total_cmp(&b.0));
    costs.truncate(costs.len().div_ceil(2));
    let better = costs.iter().filter(|(alone, matched)| matched < alone);
    better.count() as f64 >= MIN_SHARE_CONFIRMING * costs.len() as f64
}

fn lowest(values: &[f64]) -> usize {
    (0..values.len())
        .min_by(|&a, &b| values[a].total_cmp(&values[b]))
        .unwrap_or(0)
}

/// The logarithm of the share of post that pre does not explain under a difference of variances.
fn cost(tile: &Tile, pre: MendedView<'_>, warp: &Warp, px2: f64) -> Option<f64> {
    let level = SamplingLevel {
        sigma_px: 0.0,
        stride: 2,
        search_radius_px: 2.0,
    };
    let blurs = BlurMatch {
        post_px: (BASE_PX2 - px2 / 2.0).sqrt(),
        pre_px: (BASE_PX2 + px2 / 2.0).sqrt(),
    };
    let mut comparison = TileComparison::new(tile, pre, warp, level, blurs)?;
    let correlation = comparison.correlation(warp)?;
    (correlation > 0.0).then(|| 0.5 * (1.0 - correlation * correlation).max(1e-9).ln())
}

/// The lowest point of the parabola through the lowest value and its neighbours.
fn lowest_point(x: &[f64], y: &[f64], best: usize) -> f64 {
    if best == 0 || best + 1 == x.len() {
        return x[best];
    }
    let (a, b, c) = (x[best - 1], x[best], x[best + 1]);
    let (fa, fb, fc) = (y[best - 1], y[best], y[best + 1]);
    let p = (b - a).powi(2) * (fb - fc) - (b - c).powi(2) * (fb - fa);
    let q = (b - a) * (fb - fc) - (b - c) * (fb - fa);
    if q.abs() < f64::EPSILON {
        b
    } else {
        (b - 0.5 * p / q).clamp(a, c)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::synthetic::{image, texture, tiles};

    const SIZE: (usize, usize) = (512, 384);

    /// What is found for images of one texture that are blurred by so many px.
    fn found(post_px: f64, pre_px: f64) -> f64 {
        let post = image(SIZE, |x, y| 1.3 * texture(x + 2.0, y - 1.0, post_px));
        let pre = image(SIZE, |x, y| texture(x, y, pre_px));
        let warp = Warp::translation(2.0, -1.0);
        let blurs = match_blurs(&tiles(&post, 128), pre.view().into(), &warp);
        blurs.defocus_px()
    }

    #[test]
    fn a_blurred_pair_gives_its_blur_and_which_image_has_it() {
        for px in [1.2, 2.0, 3.2] {
            let (post, pre) = (found(px, 0.0), found(0.0, px));
            assert!((post - px).abs() < 0.2, "{post} for {px}");
            assert!((pre + px).abs() < 0.2, "{pre} for -{px}");
        }
        // Variances add: only the difference counts.
        let both = found(2.5, 1.5);
        assert!((both - 2.0).abs() < 0.2, "{both}");
    }

    #[test]
    fn images_alike_are_left_as_they_are() {
        assert_eq!(found(0.0, 0.0), 0.0);
        assert_eq!(found(1.0, 1.0), 0.0);
    }

    #[test]
    fn a_blur_is_its_defocus_again() {
        for px in [-2.5, 0.0, 1.0] {
            assert!((BlurMatch::of_defocus(px).defocus_px() - px).abs() < 1e-12);
        }
    }
}
