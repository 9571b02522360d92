//! The choice of tiles, and a sink that keeps them as the post image flows by.

use crate::options::RefineOptions;
use crate::percentile::percentile;
use e2m_image::{BandError, BandSink, Size, Warp, check_band};
use ndarray::{Array2, ArrayView2, s};
use rayon::prelude::*;

/// A square of the post image at full resolution.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TileSpec {
    /// Column of its first pixel.
    pub x: usize,
    /// Row of its first pixel.
    pub y: usize,
    /// Pixels per side.
    pub side_px: usize,
}

impl TileSpec {
    /// The tile's centre in post pixels.
    pub fn centre(&self) -> (f64, f64) {
        let half = (self.side_px as f64 - 1.0) / 2.0;
        (self.x as f64 + half, self.y as f64 + half)
    }
}

/// The tiles an alignment is refined on, and those it is checked on. No tile is in both lists, none overlap.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TilePlan {
    /// Tiles the warp is fitted to.
    pub fit: Vec<TileSpec>,
    /// Tiles that take no part in the fit.
    pub check: Vec<TileSpec>,
}

/// A tile with its pixels.
#[derive(Debug, Clone, PartialEq)]
pub struct Tile {
    /// Where it lies.
    pub spec: TileSpec,
    /// Post counts, shape `(side_px, side_px)`.
    pub pixels: Array2<f32>,
}

/// Share of a tile that must lie on the pre image for it to be of use.
const MIN_TILE_OVERLAP: f64 = 0.95;
/// Counts below this share of a bright pixel's are as good as dark: without it the noise of bare glass, whose counts
/// double and halve, would look like the strongest structure of all.
const FLOOR_SHARE: f64 = 0.3;
/// A candidate whose structure is weaker than this share of a well-structured one's is empty slide.
const MIN_STRUCTURE_SHARE: f64 = 0.1;
/// Pixels of the preview along a tile's side, at least, that tell its structure.
const MIN_PREVIEW_SIDE: usize = 6;
/// Share of the candidates that have less structure than a well-structured one.
const WELL_STRUCTURED: f64 = 0.75;
/// Structure is none of noise beyond this many times what its noise leaves of it.
const ABOVE_NOISE: f64 = 4.0;
/// Where fewer of the smallest squares than this stand out of the noise, all of them say what structure there is; so they do where those
/// that stand out are hardly better structured.
const MIN_ABOVE_NOISE: usize = 8;
/// The squares that tell that have so many pixels of the preview along a side, at least.
const PROBE_PREVIEW_SIDE: usize = 8;
/// A 95th percentile that stands out by less than this share of what bright pixels do is glass.
const GLASS_SHARE: f64 = 0.25;
/// Tiles become smaller until there are so many, or as small as they may be.
const WANTED_TILES: usize = 40;
/// By how much they become smaller at a time.
const SMALLER: f64 = 0.8;

/// Chooses the tiles on which post and pre are compared at full resolution.
///
/// What both images see of the frame of post is divided into squares of about one tile; those with structure in both directions
/// and with pre under them are candidates. A section that is small, or a narrow overlap, is divided into smaller ones. They are
/// taken so as to lie as far apart as possible, which is what the homography's outer entries hang on. They go to `fit` and
/// `check` in turn, in the proportion of both limits, two to one by default; neither list exceeds its limit.
///
/// `preview` is post reduced by `factor`, `warp` the alignment so far between full-resolution raw pixels.
pub fn choose_tiles(
    preview: ArrayView2<'_, f32>,
    factor: usize,
    post: Size,
    pre: Size,
    warp: &Warp,
    options: &RefineOptions,
) -> TilePlan {
    let limit = options.fit_tiles.saturating_add(options.check_tiles);
    let floor_counts = bright_counts(preview) * FLOOR_SHARE;
    let shared = shared_box(post, pre, warp);
    let squares = |side_px: usize| {
        squares(&shared, side_px, pre, warp, |tile| {
            structure(preview, factor, tile, floor_counts)
        })
    };
    // Bare glass may fill most of the frame: what is well structured is told by what stands out of the noise.
    let probe = RefineOptions::LEAST_TILE_PX.max(PROBE_PREVIEW_SIDE * factor);
    let of_all = !glass_prevails(&squares(probe));
    let mut side_px = options.tile_side(post);
    let mut chosen = Vec::new();
    loop {
        let candidates = not_empty(squares(side_px), of_all);
        // A few tiles less are no reason for smaller ones, which see less each.
        let better = spread(&candidates, limit);
        if chosen.is_empty() || better.len() > chosen.len() {
            chosen = better;
        }
        let smaller = (side_px as f64 * SMALLER) as usize;
        if chosen.len() >= WANTED_TILES.min(limit) || smaller < RefineOptions::LEAST_TILE_PX {
            break;
        }
        side_px = smaller;
    }
    TilePlan::divided(chosen, options)
}

/// A rectangle of post.
struct Frame {
    left: usize,
    top: usize,
    width: usize,
    height: usize,
}

/// The rectangle around what lies on pre; all of post where nothing does.
fn shared_box(post: Size, pre: Size, warp: &Warp) -> Frame {
    const STEPS: usize = 256;
    let at = |i: usize, extent: usize| i as f64 / STEPS as f64 * (extent as f64 - 1.0);
    let mut bounds: Option<[f64; 4]> = None;
    for j in 0..=STEPS {
        for i in 0..=STEPS {
            let (x, y) = (at(i, post.width), at(j, post.height));
            if warp.is_in_front(x, y) && lies_on(pre, warp.apply(x, y)) {
                let [l, t, r, b] = bounds.unwrap_or([x, y, x, y]);
                bounds = Some([l.min(x), t.min(y), r.max(x), b.max(y)]);
            }
        }
    }
    let [left, top, right, bottom] =
        bounds.unwrap_or([0.0, 0.0, post.width as f64 - 1.0, post.height as f64 - 1.0]);
    Frame {
        left: left as usize,
        top: top as usize,
        width: (right - left) as usize + 1,
        height: (bottom - top) as usize + 1,
    }
}

fn lies_on(pre: Size, (x, y): (f64, f64)) -> bool {
    x >= 2.0 && y >= 2.0 && x <= pre.width as f64 - 3.0 && y <= pre.height as f64 - 3.0
}

/// The squares of a rectangle that pre has as well, and their structure.
fn squares(
    shared: &Frame,
    side_px: usize,
    pre: Size,
    warp: &Warp,
    structure: impl Fn(&TileSpec) -> Structure + Sync,
) -> Vec<(TileSpec, Structure)> {
    let (columns, rows) = (shared.width / side_px, shared.height / side_px);
    let cells: Vec<(usize, usize)> = (0..rows)
        .flat_map(|r| (0..columns).map(move |c| (c, r)))
        .collect();
    // The squares are centred: what does not fill a square is left over on both sides.
    let origin = (
        shared.left + (shared.width - columns * side_px) / 2,
        shared.top + (shared.height - rows * side_px) / 2,
    );
    cells
        .par_iter()
        .map(|&(c, r)| TileSpec {
            x: origin.0 + c * side_px,
            y: origin.1 + r * side_px,
            side_px,
        })
        .filter(|tile| overlap_share(tile, warp, pre) >= MIN_TILE_OVERLAP)
        .map(|tile| (tile, structure(&tile)))
        .collect()
}

/// Whether most of the squares are glass, next to which those that stand out of the noise have all the structure.
fn glass_prevails(squares: &[(TileSpec, Structure)]) -> bool {
    let stand_out = squares.iter().filter(|s| s.1.stands_out()).count();
    let of = |of_all| well_structured(squares, of_all).unwrap_or(0.0);
    stand_out >= MIN_ABOVE_NOISE && MIN_STRUCTURE_SHARE * of(false) > of(true)
}

/// The structure of a well-structured one of those squares that stand out of the noise, or `of_all`.
fn well_structured(squares: &[(TileSpec, Structure)], of_all: bool) -> Option<f64> {
    let known = squares.iter().map(|(_, structure)| structure);
    let known = known.filter(|s| s.strength > 0.0 && (of_all || s.stands_out()));
    let mut known: Vec<f64> = known.map(|s| s.strength).collect();
    known.sort_unstable_by(f64::total_cmp);
    let rank = (known.len() as f64 - 1.0) * WELL_STRUCTURED;
    known.get(rank as usize).copied()
}

/// Those squares with more structure than empty slide, and how much.
fn not_empty(squares: Vec<(TileSpec, Structure)>, of_all: bool) -> Vec<(TileSpec, f64)> {
    let well = well_structured(&squares, of_all);
    let floor = well.map_or(f64::MAX, |well| well * MIN_STRUCTURE_SHARE);
    squares
        .into_iter()
        .filter(|(_, s)| s.strength > floor)
        .map(|(tile, s)| (tile, s.strength))
        .collect()
}

/// What a bright pixel has: the 95th percentile, or, where the section is so small that this is glass, the mean of what stands
/// out, each pixel weighted by as much as it does.
fn bright_counts(preview: ArrayView2<'_, f32>) -> f64 {
    let image = preview.to_owned();
    let (low, high) = (percentile(&image, 50.0), percentile(&image, 99.9));
    let (mut sum, mut squares) = (0.0, 0.0);
    for value in image.iter().filter(|v| v.is_finite()) {
        let above = f64::from(value.min(high) - low).max(0.0);
        sum += above;
        squares += above * above;
    }
    let standing_out = if sum > 0.0 { squares / sum } else { 0.0 };
    let usual = f64::from(percentile(&image, 95.0));
    if usual - f64::from(low) < GLASS_SHARE * standing_out {
        f64::from(low.max(0.0)) + standing_out
    } else {
        usual
    }
}

impl TilePlan {
    /// Gives `chosen`, at most as many tiles as both limits allow together, to the fit and the check in turn.
    fn divided(chosen: Vec<TileSpec>, options: &RefineOptions) -> Self {
        let (fit, check) = (options.fit_tiles as u128, options.check_tiles as u128);
        let mut plan = Self::default();
        for (tile, n) in chosen.into_iter().zip(1..) {
            // The share of the check in the first `n` tiles, rounded down: its limit is met by the last of all.
            if (plan.check.len() as u128) < n * check / (fit + check).max(1) {
                plan.check.push(tile);
            } else {
                plan.fit.push(tile);
            }
        }
        plan
    }
}

/// How much of the tile, warped, lies on an image of `pre` size.
fn overlap_share(tile: &TileSpec, warp: &Warp, pre: Size) -> f64 {
    const STEPS: usize = 8;
    let step = tile.side_px as f64 / (STEPS - 1) as f64;
    let inside = (0..STEPS * STEPS).filter(|i| {
        let x = tile.x as f64 + (i % STEPS) as f64 * step;
        let y = tile.y as f64 + (i / STEPS) as f64 * step;
        lies_on(pre, warp.apply(x, y))
    });
    inside.count() as f64 / (STEPS * STEPS) as f64
}

/// How much structure a tile has.
#[derive(Debug, Clone, Copy, Default)]
struct Structure {
    strength: f64,
    /// The strength that noise alone would have.
    noise: f64,
}

impl Structure {
    fn stands_out(&self) -> bool {
        self.strength > ABOVE_NOISE * self.noise
    }
}

/// The smaller eigenvalue of the structure tensor of log counts over the tile (Shi & Tomasi 1994,
/// doi:10.1109/CVPR.1994.323794): large only where a shift in any direction would show. Logarithmic, so that a dim
/// corner counts nearly as much as a bright one.
fn structure(
    preview: ArrayView2<'_, f32>,
    factor: usize,
    tile: &TileSpec,
    floor_counts: f64,
) -> Structure {
    let (height, width) = preview.dim();
    let (x0, y0) = (tile.x / factor, tile.y / factor);
    let side = (tile.side_px / factor).max(MIN_PREVIEW_SIDE);
    let (x1, y1) = ((x0 + side).min(width), (y0 + side).min(height));
    if x1 < x0 + 5 || y1 < y0 + 5 {
        return Structure::default();
    }
    let log = preview.slice(s![y0..y1, x0..x1]).mapv(|v| {
        (f64::from(v.max(0.0)) + floor_counts)
            .max(f64::MIN_POSITIVE)
            .ln()
    });
    // Means of 3 x 3: pixel noise is no structure.
    let (rows, columns) = log.dim();
    let smooth = Array2::from_shape_fn((rows - 2, columns - 2), |(y, x)| {
        log.slice(s![y..y + 3, x..x + 3]).sum() / 9.0
    });
    let (mut xx, mut xy, mut yy) = (0.0, 0.0, 0.0);
    for window in smooth.windows((3, 3)) {
        let (gx, gy) = (
            window[(1, 2)] - window[(1, 0)],
            window[(2, 1)] - window[(0, 1)],
        );
        xx += gx * gx;
        xy += gx * gy;
        yy += gy * gy;
    }
    let count = ((x1 - x0 - 4) * (y1 - y0 - 4)) as f64;
    let (mean, half_difference) = ((xx + yy) / 2.0, (xx - yy) / 2.0);
    Structure {
        strength: (mean - half_difference.hypot(xy)) / count,
        noise: NOISE_KEPT * noise_variance(log.view()),
    }
}

/// What a difference of two means of 3 x 3 pixels, two columns apart, keeps of the variance of a pixel: one column is in both.
const NOISE_KEPT: f64 = 6.0 / 81.0;

/// The variance of noise that differs from pixel to pixel, by a mask that is blind to planes and to what bends along one axis
/// (Immerkaer 1996, doi:10.1006/cviu.1996.0060).
fn noise_variance(image: ArrayView2<'_, f64>) -> f64 {
    let (mut sum, mut count) = (0.0, 0.0);
    for w in image.windows((3, 3)) {
        let corners = w[(0, 0)] + w[(0, 2)] + w[(2, 0)] + w[(2, 2)];
        let edges = w[(0, 1)] + w[(1, 0)] + w[(1, 2)] + w[(2, 1)];
        let left = corners - 2.0 * edges + 4.0 * w[(1, 1)];
        sum += left * left;
        count += 1.0;
    }
    sum / (36.0 * f64::max(count, 1.0))
}

/// At most `limit` of the candidates, each the one farthest from those already taken; stronger structure counts like
/// up to twice the distance.
fn spread(candidates: &[(TileSpec, f64)], limit: usize) -> Vec<TileSpec> {
    let strongest = candidates.iter().map(|c| c.1).fold(0.0, f64::max);
    let weight = |strength: f64| 0.5 + 0.5 * (strength / strongest).sqrt();
    let mut nearest = vec![f64::MAX; candidates.len()];
    let mut chosen = Vec::new();
    while chosen.len() < limit.min(candidates.len()) {
        let best = (0..candidates.len()).max_by(|&a, &b| {
            (nearest[a] * weight(candidates[a].1))
                .total_cmp(&(nearest[b] * weight(candidates[b].1)))
        });
        let Some(best) = best.filter(|&b| nearest[b] > 0.0) else {
            break;
        };
        let tile = candidates[best].0;
        for (distance, (other, _)) in nearest.iter_mut().zip(candidates) {
            let (dx, dy) = (
                other.x as f64 - tile.x as f64,
                other.y as f64 - tile.y as f64,
            );
            *distance = distance.min(dx.hypot(dy));
        }
        chosen.push(tile);
    }
    chosen
}

/// Keeps the pixels of chosen tiles of what is written to it.
#[derive(Debug)]
pub struct TileCollector {
    size: Size,
    tiles: Vec<Tile>,
    rows_seen: usize,
}

impl TileCollector {
    /// A collector for tiles that lie within an image of `size`.
    pub fn new(size: Size, specs: impl IntoIterator<Item = TileSpec>) -> Self {
        let empty = |spec: TileSpec| Tile {
            spec,
            pixels: Array2::zeros((spec.side_px, spec.side_px)),
        };
        Self {
            size,
            tiles: specs.into_iter().map(empty).collect(),
            rows_seen: 0,
        }
    }

    /// The tiles in the order they were asked for.
    pub fn into_tiles(self) -> Vec<Tile> {
        self.tiles
    }
}

impl BandSink for TileCollector {
    fn size(&self) -> Size {
        self.size
    }

    fn write_band(&mut self, band: ArrayView2<'_, f32>) -> Result<(), BandError> {
        check_band(self.size, self.rows_seen, band.dim())?;
        let (first, end) = (self.rows_seen, self.rows_seen + band.nrows());
        for Tile { spec, pixels } in &mut self.tiles {
            let (top, bottom) = (spec.y.max(first), (spec.y + spec.side_px).min(end));
            if top >= bottom || spec.x + spec.side_px > band.ncols() {
                continue;
            }
            let part = band.slice(s![
                top - first..bottom - first,
                spec.x..spec.x + spec.side_px
            ]);
            pixels
                .slice_mut(s![top - spec.y..bottom - spec.y, ..])
                .assign(&part);
        }
        self.rows_seen = end;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use e2m_image::{Plane, PlaneSource, stream_bands};
    use std::ops::ControlFlow;

    fn textured(size: Size) -> Array2<f32> {
        // Texture left of the middle, empty slide to the right.
        Array2::from_shape_fn(size.shape(), |(y, x)| {
            if x < size.width / 2 {
                100.0 + 40.0 * ((x as f32 * 0.7).sin() + (y as f32 * 0.9).cos())
            } else {
                2.0
            }
        })
    }

    #[test]
    fn tiles_lie_on_structure_that_both_images_have() {
        let size = Size::new(2000, 1200);
        let options = RefineOptions::default();
        let warp = Warp::translation(-300.0, 0.0);
        let plan = choose_tiles(textured(size).view(), 1, size, size, &warp, &options);
        assert!(plan.fit.len() >= 6 && plan.check.len() >= 3);
        for tile in plan.fit.iter().chain(&plan.check) {
            assert!(tile.x >= 300, "pre does not reach {tile:?}");
            assert!(tile.x < 1000, "nothing to see at {tile:?}");
            assert!(tile.x + tile.side_px <= size.width && tile.y + tile.side_px <= size.height);
        }
        assert!(plan.fit.iter().all(|t| !plan.check.contains(t)));
    }

    #[test]
    fn each_list_keeps_to_its_own_limit() {
        let size = Size::new(2000, 1200);
        let texture = Array2::from_shape_fn(size.shape(), |(y, x)| {
            100.0 + 40.0 * ((x as f32 * 0.7).sin() + (y as f32 * 0.9).cos())
        });
        let counts = |fit_tiles, check_tiles| {
            let options = RefineOptions {
                fit_tiles,
                check_tiles,
                ..RefineOptions::default()
            };
            let warp = Warp::identity();
            let plan = choose_tiles(texture.view(), 1, size, size, &warp, &options);
            (plan.fit.len(), plan.check.len())
        };
        for limits in [(20, 4), (4, 20), (7, 7), (0, 5), (5, 0), (0, 0), (1, 1)] {
            assert_eq!(counts(limits.0, limits.1), limits);
        }
        // More than the image holds: divided in the proportion of the limits.
        let (fit, check) = counts(9000, 3000);
        assert!(
            fit + check > 100 && fit.abs_diff(3 * check) <= 3,
            "{fit} {check}"
        );
        let (fit, check) = counts(usize::MAX, usize::MAX);
        assert!(fit.abs_diff(check) <= 1, "{fit} {check}");
    }

    #[test]
    fn by_default_every_third_tile_checks() {
        let spec = |x| TileSpec {
            x,
            y: 0,
            side_px: 192,
        };
        let plan = TilePlan::divided((0..144).map(spec).collect(), &RefineOptions::default());
        assert!(plan.check.iter().all(|t| t.x % 3 == 2));
        assert!(plan.fit.iter().all(|t| t.x % 3 != 2));
        assert_eq!((plan.fit.len(), plan.check.len()), (96, 48));
    }

    #[test]
    fn an_image_smaller_than_a_tile_gives_none() {
        let size = Size::new(20, 20);
        let plan = choose_tiles(
            textured(size).view(),
            1,
            size,
            size,
            &Warp::identity(),
            &RefineOptions::default(),
        );
        assert_eq!(plan, TilePlan::default());
    }

    #[test]
    fn the_collector_keeps_the_same_pixels_whatever_the_band_height() {
        let image = Array2::from_shape_fn((50, 60), |(y, x)| (y * 100 + x) as f32);
        let plane = Plane::from(image.clone());
        let spec = TileSpec {
            x: 11,
            y: 7,
            side_px: 16,
        };
        for band_rows in [1, 5, 50] {
            let mut collector = TileCollector::new(plane.size(), [spec]);
            stream_bands(
                &mut PlaneSource::new(&plane),
                &mut [&mut collector],
                band_rows,
                |_| ControlFlow::Continue(()),
            )
            .expect("streams");
            assert_eq!(
                collector.into_tiles()[0].pixels,
                image.slice(s![7..23, 11..27])
            );
        }
    }
}
