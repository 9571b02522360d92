//! The judgement of a warp on tiles that took no part in its fit.
//!
//! Whether a tile of post shows the same as pre under the warp is told by the correlation at its best shift. How much of
//! that is chance differs from pair to pair: blurred, dim or regular images correlate more or less anywhere. So the same
//! is measured where it must be wrong, each tile against the place in pre where another tile belongs, and what exceeds
//! that chance level counts.

use crate::comparison::BlurMatch;
use crate::frame::Frame;
use crate::residual::{ResidualSummary, TileResidual, measure, median};
use crate::tiles::{Tile, TileSpec};
use e2m_image::{PlaneView, Size, Warp};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

/// Wrong places that are compared, at least as far as the tiles allow with two each.
const WRONG_PLACES: usize = 40;
/// A wrong place is at least this many tile sides away.
const MIN_APART_SIDES: f64 = 1.25;
/// Share of wrong places below whose correlation a tile shows nothing but chance.
const CHANCE_SHARE: f64 = 0.9;
/// The threshold is no less and no more than this, whatever the wrong places say: they are few.
const THRESHOLD_LIMITS: (f64, f64) = (0.1, 0.9);
/// The threshold where too few wrong places could be compared.
const UNCALIBRATED_CORRELATION: f64 = 0.5;
/// Wrong places that make a calibration.
const MIN_WRONG: usize = 6;

/// How much tiles correlate by chance in this pair.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Chance {
    /// Tiles that could be compared at wrong places.
    pub tiles: usize,
    /// Their median correlation.
    pub correlation: f64,
    /// The correlation above which a tile counts as showing the same in both images.
    pub threshold: f64,
}

/// What the tiles outside the fit say about a warp.
#[derive(Debug, Clone, Default)]
pub struct Check {
    /// Every tile.
    pub tiles: Vec<TileSpec>,
    /// Shifts of those that show the same in both images.
    pub residuals: Vec<TileResidual>,
    /// Their summary; `None` where there is none.
    pub summary: Option<ResidualSummary>,
    /// The chance level.
    pub chance: Chance,
    /// Median correlation of all tiles that could be compared.
    pub correlation: f64,
}

impl Check {
    /// Share of the tiles that show the same in both images; zero without tiles.
    pub fn agreement(&self) -> f64 {
        self.residuals.len() as f64 / self.tiles.len().max(1) as f64
    }
}

/// Judges `warp` (post to pre, full resolution, raw pixels) on `tiles` of post, an image of `post` size. `defocus_px` is
/// how much blurrier post is, see [`Refinement::defocus_px`](crate::Refinement::defocus_px).
pub fn check_alignment(
    tiles: &[Tile],
    post: Size,
    pre: PlaneView<'_>,
    warp: &Warp,
    defocus_px: f64,
) -> Check {
    let frame = Frame::new(post);
    let blurs = BlurMatch::of_defocus(defocus_px);
    let right: Vec<Option<TileResidual>> = tiles
        .par_iter()
        .map(|tile| measure(tile, pre, warp, &frame, blurs))
        .collect();
    let wrong: Vec<Vec<f64>> = tiles
        .par_iter()
        .enumerate()
        .map(|(i, tile)| {
            wrong_places(tiles, i)
                .filter_map(|(dx, dy)| {
                    let warp = Warp::translation(dx, dy).then(warp);
                    measure(tile, pre, &warp, &frame, blurs)
                })
                .map(|residual| residual.correlation)
                .collect()
        })
        .collect();
    let chance = chance_level(wrong.into_iter().flatten().collect());
    let compared: Vec<TileResidual> = right.into_iter().flatten().collect();
    let correlation = median(compared.iter().map(|r| r.correlation).collect());
    let residuals: Vec<TileResidual> = compared
        .into_iter()
        .filter(|r| r.correlation > chance.threshold)
        .collect();
    Check {
        tiles: tiles.iter().map(|t| t.spec).collect(),
        summary: ResidualSummary::of(&residuals, tiles.len()),
        residuals,
        chance,
        correlation,
    }
}

/// From tile `i` to where other tiles lie, which are spread over the section as it is.
fn wrong_places(tiles: &[Tile], i: usize) -> impl Iterator<Item = (f64, f64)> {
    let n = tiles.len();
    let from = tiles[i].spec;
    let apart = MIN_APART_SIDES * from.side_px as f64;
    (1..n)
        .map(move |k| tiles[(i + k * n.div_ceil(3).max(1) + k) % n].spec)
        .map(move |to| (to.x as f64 - from.x as f64, to.y as f64 - from.y as f64))
        .filter(move |(dx, dy)| dx.hypot(*dy) >= apart)
        .take(WRONG_PLACES.div_ceil(n).min(2))
}

fn chance_level(correlations: Vec<f64>) -> Chance {
    let tiles = correlations.len();
    let correlation = median(correlations.clone());
    if tiles < MIN_WRONG {
        return Chance {
            tiles,
            correlation,
            threshold: UNCALIBRATED_CORRELATION,
        };
    }
    let mut sorted = correlations;
    sorted.sort_unstable_by(f64::total_cmp);
    let high = sorted[((tiles - 1) as f64 * CHANCE_SHARE).round() as usize];
    Chance {
        tiles,
        correlation,
        threshold: high.clamp(THRESHOLD_LIMITS.0, THRESHOLD_LIMITS.1),
    }
}
