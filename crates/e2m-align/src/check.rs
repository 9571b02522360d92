//! The check of a warp on tiles that took no part in its fit.
//!
//! The correlation at its best shift tells whether a tile of post shows the same as pre under the warp. Some of that
//! correlation is chance. How much differs from pair to pair: blurred, dim or regular images correlate more or less anywhere.
//! The null correlation measures it: each tile is compared with the place in pre where another tile belongs. A tile counts
//! whose correlation exceeds that level.

use crate::comparison::BlurMatch;
use crate::frame::NormalisedFrame;
use crate::residual::{CORRELATING, MEASURING, ResidualSummary, TileResidual, measure, median};
use crate::survey::{MisplacedPart, Survey};
use crate::tiles::{Tile, TileSpec};
use e2m_image::{Mapping, MendedView, Size, Warp};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

/// Wrong places that are compared, if two of each tile suffice for that; one of each tile at least.
const WRONG_PLACES: usize = 40;
/// Wrong places of one tile at most.
const WRONG_PLACES_PER_TILE: usize = 2;
/// A wrong place is at least this many tile sides away.
const MIN_APART_SIDES: f64 = 1.25;
/// A tile whose correlation is below that of this share of the wrong places shows nothing but chance.
const NULL_SHARE: f64 = 0.9;
/// The threshold is no less and no more than this, whatever the wrong places say: they are few.
const THRESHOLD_LIMITS: (f64, f64) = (0.1, 0.9);
/// The threshold where too few wrong places could be compared.
const UNCALIBRATED_CORRELATION: f64 = 0.5;
/// Wrong places that make a calibration.
const MIN_WRONG: usize = 6;

/// How much tiles of this pair correlate where they do not belong together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct NullCorrelation {
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
    /// How much tiles correlate at wrong places.
    pub null_correlation: NullCorrelation,
    /// Median correlation of all tiles that could be compared.
    pub correlation: f64,
    /// What all tiles say, those of the fit among them; nothing where only the check was made.
    pub(crate) survey: Survey,
}

impl Check {
    /// Share of the tiles that show the same in both images; zero without tiles.
    pub fn agreement(&self) -> f64 {
        self.residuals.len() as f64 / self.tiles.len().max(1) as f64
    }

    /// The parts of the section that the warp does not bring to their place, the largest first. Only
    /// [`align_fine`](crate::align_fine) looks for them.
    pub fn misplaced_parts(&self) -> Vec<MisplacedPart> {
        self.survey.misplaced_parts()
    }
}

/// Checks `warp` (post to pre, full resolution, raw pixels) on `tiles` of post, an image of `post` size. `defocus_px` is
/// how much blurrier post is, see [`Refinement::defocus_px`](crate::Refinement::defocus_px).
pub fn check_alignment(
    tiles: &[Tile],
    post: Size,
    pre: MendedView<'_>,
    warp: &Warp,
    defocus_px: f64,
) -> Check {
    check_mapping(tiles, post, pre, &warp.into(), defocus_px)
}

/// [`check_alignment`] of a warp with a deformation on top.
pub fn check_mapping(
    tiles: &[Tile],
    post: Size,
    pre: MendedView<'_>,
    mapping: &Mapping,
    defocus_px: f64,
) -> Check {
    check_mappings(tiles, post, pre, |_| mapping, defocus_px)
}

/// [`check_mapping`] with a mapping for each tile, by its place in the list.
pub(crate) fn check_mappings<'m>(
    tiles: &[Tile],
    post: Size,
    pre: MendedView<'_>,
    mapping_of: impl Fn(usize) -> &'m Mapping + Sync,
    defocus_px: f64,
) -> Check {
    let under = |i: usize, tile: &Tile, (dx, dy): (f64, f64)| {
        let (x, y) = tile.spec.centre();
        mapping_of(i).homography_over(x + dx, y + dy, tile.spec.side_px as f64)
    };
    let frame = NormalisedFrame::new(post);
    let blurs = BlurMatch::of_defocus(defocus_px);
    let right: Vec<Option<TileResidual>> = tiles
        .par_iter()
        .enumerate()
        .map(|(i, tile)| {
            measure(
                tile,
                pre,
                &under(i, tile, (0.0, 0.0)),
                &frame,
                blurs,
                MEASURING,
            )
        })
        .collect();
    let wrong: Vec<Vec<f64>> = tiles
        .par_iter()
        .enumerate()
        .map(|(i, tile)| {
            wrong_places(tiles, i)
                .filter_map(|(dx, dy)| {
                    let warp = Warp::translation(dx, dy).then(&under(i, tile, (dx, dy)));
                    measure(tile, pre, &warp, &frame, blurs, CORRELATING)
                })
                .map(|residual| residual.correlation)
                .collect()
        })
        .collect();
    let null = null_correlation(wrong.into_iter().flatten().collect());
    let compared: Vec<TileResidual> = right.into_iter().flatten().collect();
    let correlation = median(compared.iter().map(|r| r.correlation).collect());
    let residuals: Vec<TileResidual> = compared
        .into_iter()
        .filter(|r| r.correlation > null.threshold)
        .collect();
    Check {
        tiles: tiles.iter().map(|t| t.spec).collect(),
        summary: ResidualSummary::of(&residuals, tiles.len()),
        residuals,
        null_correlation: null,
        correlation,
        survey: Survey::default(),
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
        .take(if i + n < WRONG_PLACES {
            WRONG_PLACES_PER_TILE
        } else {
            1
        })
}

/// What the correlations at wrong places say.
fn null_correlation(correlations: Vec<f64>) -> NullCorrelation {
    let tiles = correlations.len();
    let correlation = median(correlations.clone());
    if tiles < MIN_WRONG {
        return NullCorrelation {
            tiles,
            correlation,
            threshold: UNCALIBRATED_CORRELATION,
        };
    }
    let mut sorted = correlations;
    sorted.sort_unstable_by(f64::total_cmp);
    let high = sorted[((tiles - 1) as f64 * NULL_SHARE).round() as usize];
    NullCorrelation {
        tiles,
        correlation,
        threshold: high.clamp(THRESHOLD_LIMITS.0, THRESHOLD_LIMITS.1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::synthetic::{image, texture, tiles};
    use ndarray::Array2;

    const SIZE: Size = Size {
        width: 576,
        height: 480,
    };

    fn post_tiles() -> Vec<Tile> {
        let post = image((SIZE.width, SIZE.height), |x, y| {
            1.5 * texture(x + 7.0, y + 4.0, 0.0)
        });
        tiles(&post, 96)
    }

    fn pre() -> Array2<f32> {
        image((620, 520), |x, y| texture(x, y, 0.0))
    }

    #[test]
    fn a_right_warp_agrees_and_a_shift_is_measured() {
        let (tiles, pre) = (post_tiles(), pre());
        for off in [0.0, 1.5, -4.0] {
            let warp = Warp::translation(7.0 + off, 4.0);
            let check = check_alignment(&tiles, SIZE, pre.view().into(), &warp, 0.0);
            assert!(check.agreement() > 0.9, "{off}: {}", check.agreement());
            assert!(check.correlation > 0.99);
            assert!(check.null_correlation.tiles >= MIN_WRONG);
            assert!(check.null_correlation.correlation < check.null_correlation.threshold);
            for residual in &check.residuals {
                assert!((residual.dx + off).abs() < 0.02, "{off}: {residual:?}");
                assert!(residual.dy.abs() < 0.02, "{off}: {residual:?}");
            }
        }
    }

    #[test]
    fn another_texture_agrees_by_chance_only() {
        let other = image((620, 520), |x, y| texture(9000.0 - y, 5000.0 + x, 0.0));
        let warp = Warp::translation(7.0, 4.0);
        let check = check_alignment(&post_tiles(), SIZE, other.view().into(), &warp, 0.0);
        assert_eq!(check.tiles.len(), 30);
        assert!(check.agreement() < 0.3, "{}", check.agreement());
    }

    #[test]
    fn wrong_places_lie_apart_and_are_those_of_other_tiles() {
        let tiles = post_tiles();
        for (i, tile) in tiles.iter().enumerate() {
            let places: Vec<(f64, f64)> = wrong_places(&tiles, i).collect();
            let expected = if i < 10 { WRONG_PLACES_PER_TILE } else { 1 };
            assert_eq!(places.len(), expected, "40 of 30 tiles");
            for (dx, dy) in places {
                assert!(dx.hypot(dy) >= MIN_APART_SIDES * 96.0);
                let (x, y) = (tile.spec.x as f64 + dx, tile.spec.y as f64 + dy);
                assert!(
                    tiles
                        .iter()
                        .any(|t| (t.spec.x as f64, t.spec.y as f64) == (x, y))
                );
            }
        }
        assert_eq!(wrong_places(&tiles[..1], 0).count(), 0);
    }

    #[test]
    fn the_null_correlation_is_bounded_and_needs_some_places() {
        assert_eq!(
            null_correlation(vec![0.3; MIN_WRONG - 1]).threshold,
            UNCALIBRATED_CORRELATION
        );
        let level = null_correlation((0..=10).map(|i| f64::from(i) * 0.05).collect());
        assert!((level.correlation - 0.25).abs() < 1e-12);
        assert!((level.threshold - 0.45).abs() < 1e-12);
        let (least, most) = THRESHOLD_LIMITS;
        assert_eq!(null_correlation(vec![0.0; 20]).threshold, least);
        assert_eq!(null_correlation(vec![0.99; 20]).threshold, most);
    }
}
