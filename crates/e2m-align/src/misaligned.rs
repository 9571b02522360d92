//! Where the tiles of a check disagree with the warp: the parts of a section that it does not bring together.

use crate::check::Check;
use crate::tiles::TileSpec;
use crate::verdict::{MAX_RESIDUAL_PX, NEIGHBOURS};
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// Of the nearest neighbours of a tile that disagrees so many have to disagree as well: then most of the five do. One tile
/// alone may be misled by stain. Where a tenth of the tiles disagrees by chance, that leaves 1 in 200 that is marked wrongly.
const DISAGREEING_NEIGHBOURS: usize = 2;

/// A square of post on which it does not fit aligned pre, as its neighbours do not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MisalignedTile {
    /// Column of its first pixel in raw post.
    pub x: usize,
    /// Row of its first pixel.
    pub y: usize,
    /// Pixels per side.
    pub side_px: usize,
    /// Which of the other misaligned tiles are its neighbours, by their places in the list.
    pub neighbours: Vec<usize>,
}

/// The tiles of a check that disagree with the warp, and whose neighbours do: they correlate no better than at a wrong place,
/// or are displaced by more than 1 px. Those of parts that are misplaced are among them, also where they took part in the fit.
pub fn misaligned_tiles(check: &Check) -> Vec<MisalignedTile> {
    let tiles = &check.tiles;
    let mut marked = if tiles.len() > NEIGHBOURS {
        disagreeing_together(check)
    } else {
        Vec::new()
    };
    for tile in check.survey.misplaced_tiles() {
        if !marked.contains(&tile) {
            marked.push(tile);
        }
    }
    let mut all: Vec<TileSpec> = tiles.clone();
    all.extend(check.survey.tiles.iter().map(|surveyed| surveyed.tile));
    all.sort_unstable_by_key(|tile| (tile.y, tile.x));
    all.dedup();
    let place = |tile: &TileSpec| all.iter().position(|other| other == tile);
    let near: Vec<Vec<usize>> = marked
        .iter()
        .map(|tile| place(tile).map_or_else(Vec::new, |i| nearest(&all, i)))
        .collect();
    let is_near = |i: usize, j: usize| {
        let other = place(&marked[j]);
        other.is_some_and(|other| near[i].contains(&other))
    };
    let neighbours = |i: usize| {
        (0..marked.len())
            .filter(|&j| j != i && (is_near(i, j) || is_near(j, i)))
            .collect()
    };
    (0..marked.len())
        .map(|i| MisalignedTile {
            x: marked[i].x,
            y: marked[i].y,
            side_px: marked[i].side_px,
            neighbours: neighbours(i),
        })
        .collect()
}

/// The tiles of the check that disagree, of whose neighbours in the check [`DISAGREEING_NEIGHBOURS`] do.
fn disagreeing_together(check: &Check) -> Vec<TileSpec> {
    let tiles = &check.tiles;
    let agrees = |tile: &TileSpec| {
        let mut residuals = check.residuals.iter();
        let own = residuals.find(|residual| residual.tile == *tile);
        own.is_some_and(|residual| residual.length_px() <= MAX_RESIDUAL_PX)
    };
    let disagrees: Vec<bool> = tiles.iter().map(|tile| !agrees(tile)).collect();
    (0..tiles.len())
        .filter(|&i| disagrees[i])
        .filter(|&i| {
            let near = nearest(tiles, i);
            near.iter().filter(|&&other| disagrees[other]).count() >= DISAGREEING_NEIGHBOURS
        })
        .map(|i| tiles[i])
        .collect()
}

/// The tiles nearest to tile `i`.
fn nearest(tiles: &[TileSpec], i: usize) -> Vec<usize> {
    let (x, y) = tiles[i].centre();
    let mut others: Vec<(f64, usize)> = (0..tiles.len())
        .filter(|&other| other != i)
        .map(|other| {
            let (u, v) = tiles[other].centre();
            ((u - x).hypot(v - y), other)
        })
        .collect();
    others.sort_by(|a, b| a.0.total_cmp(&b.0));
    others.truncate(NEIGHBOURS);
    others.into_iter().map(|(_, other)| other).collect()
}

/// A point of post.
type Point = (f64, f64);

/// The misaligned tiles, and what lies between those that are neighbours.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct MisalignedRegion {
    /// Convex polygons through the centres of their outermost pixels.
    polygons: Vec<Vec<Point>>,
}

impl MisalignedRegion {
    /// That of these tiles.
    pub fn of(tiles: &[MisalignedTile]) -> Self {
        let mut polygons = Vec::new();
        let mut add = |group: &[&MisalignedTile]| polygons.push(hull(group));
        for (i, tile) in tiles.iter().enumerate() {
            add(&[tile]);
            let later = |from: usize| {
                let near = tile.neighbours.iter().copied();
                near.filter(move |&j| j > from && j < tiles.len())
            };
            for j in later(i) {
                add(&[tile, &tiles[j]]);
                for k in later(j).filter(|k| tiles[j].neighbours.contains(k)) {
                    add(&[tile, &tiles[j], &tiles[k]]);
                }
            }
        }
        Self { polygons }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.polygons.is_empty()
    }

    /// The columns of row `y` of raw post that belong to it; they may overlap.
    pub fn columns(&self, y: usize) -> impl Iterator<Item = Range<usize>> {
        self.polygons
            .iter()
            .filter_map(move |polygon| columns(polygon, y as f64))
    }
}

/// The convex hull of squares, in order around it.
fn hull(tiles: &[&MisalignedTile]) -> Vec<Point> {
    let mut points: Vec<Point> = tiles
        .iter()
        .flat_map(|tile| {
            let (left, top) = (tile.x as f64, tile.y as f64);
            let last = tile.side_px.saturating_sub(1) as f64;
            [
                (left, top),
                (left + last, top),
                (left, top + last),
                (left + last, top + last),
            ]
        })
        .collect();
    points.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
    let mut around = half_hull(points.iter());
    around.extend(half_hull(points.iter().rev()));
    around
}

/// One side of a hull, without its last point; the points come in their order along x.
fn half_hull<'p>(points: impl Iterator<Item = &'p Point>) -> Vec<Point> {
    let mut side: Vec<Point> = Vec::new();
    for &point in points {
        while let [.., a, b] = side[..]
            && (b.0 - a.0) * (point.1 - a.1) <= (b.1 - a.1) * (point.0 - a.0)
        {
            side.pop();
        }
        side.push(point);
    }
    side.pop();
    side
}

/// The columns of a row inside a convex polygon.
fn columns(polygon: &[Point], y: f64) -> Option<Range<usize>> {
    let (mut left, mut right) = (f64::INFINITY, f64::NEG_INFINITY);
    for (i, &a) in polygon.iter().enumerate() {
        let b = polygon[(i + 1) % polygon.len()];
        if !(a.1.min(b.1)..=a.1.max(b.1)).contains(&y) {
            continue;
        }
        let at = |t: f64| a.0 + t * (b.0 - a.0);
        let ends = if a.1 == b.1 {
            [a.0, b.0]
        } else {
            [at((y - a.1) / (b.1 - a.1)); 2]
        };
        for x in ends {
            left = left.min(x);
            right = right.max(x);
        }
    }
    (left <= right).then(|| left.ceil().max(0.0) as usize..right.floor() as usize + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::residual::TileResidual;

    const SIDE: usize = 100;
    const GRID: usize = 8;

    /// Tiles on a grid with gaps between them, of which those disagree that `state` gives a shift or `None`.
    fn check(state: impl Fn(usize, usize) -> Option<f64>) -> Check {
        let spec = |i: usize| TileSpec {
            x: 200 * (i % GRID),
            y: 200 * (i / GRID),
            side_px: SIDE,
        };
        let tiles: Vec<TileSpec> = (0..GRID * GRID).map(spec).collect();
        let residuals = tiles.iter().filter_map(|&tile| {
            Some(TileResidual {
                tile,
                dx: state(tile.x / 200, tile.y / 200)?,
                dy: 0.1,
                error_px: 0.01,
                correlation: 0.9,
            })
        });
        Check {
            residuals: residuals.collect(),
            tiles,
            ..Check::default()
        }
    }

    fn places(check: &Check) -> Vec<(usize, usize)> {
        let tiles = misaligned_tiles(check);
        tiles.iter().map(|t| (t.x / 200, t.y / 200)).collect()
    }

    #[test]
    fn tiles_that_disagree_in_a_group_are_marked_and_lone_ones_are_not() {
        let good = check(|_, _| Some(0.3));
        assert!(places(&good).is_empty());
        let lone = check(|x, y| if (x, y) == (3, 4) { None } else { Some(0.0) });
        assert!(places(&lone).is_empty());
        for shift in [None, Some(2.5)] {
            let inside = |x: usize, y: usize| (2..5).contains(&x) && (3..6).contains(&y);
            let torn = check(|x, y| if inside(x, y) { shift } else { Some(0.2) });
            let found = places(&torn);
            assert!(found.iter().all(|&(x, y)| inside(x, y)), "{found:?}");
            assert!(found.len() >= 5, "{found:?}");
        }
    }

    #[test]
    fn what_lies_between_neighbours_is_filled_and_nothing_else() {
        let inside = |x: usize, y: usize| (2..5).contains(&x) && (3..6).contains(&y);
        let torn = check(|x, y| if inside(x, y) { None } else { Some(0.2) });
        let region = MisalignedRegion::of(&misaligned_tiles(&torn));
        let has = |x: usize, y: usize| region.columns(y).any(|columns| columns.contains(&x));
        // The middle tile, and the gaps to its neighbours.
        assert!(has(650, 850) && has(750, 850) && has(650, 750));
        assert!(!has(150, 850) && !has(650, 250) && !has(1150, 850));
        let good = MisalignedRegion::of(&[]);
        assert!(good.is_empty() && good.columns(5).next().is_none());
    }

    #[test]
    fn a_square_has_its_own_pixels() {
        let tile = MisalignedTile {
            x: 30,
            y: 40,
            side_px: 7,
            neighbours: vec![9],
        };
        let region = MisalignedRegion::of(&[tile]);
        let rows: Vec<usize> = (0..100)
            .filter(|&y| region.columns(y).next().is_some())
            .collect();
        assert_eq!(rows, (40..47).collect::<Vec<_>>());
        assert_eq!(region.columns(43).next(), Some(30..37));
    }

    #[test]
    fn chance_marks_few() {
        // A tenth of the tiles disagrees anywhere.
        let (mut marked, mut all) = (0, 0);
        for seed in 0..200_u64 {
            let chance = |x: usize, y: usize| {
                let mut h = seed * 1_000_003 + (y * GRID + x) as u64;
                h = (h ^ (h >> 31)).wrapping_mul(0x7fb5_d329_728e_a185);
                h = (h ^ (h >> 27)).wrapping_mul(0x81da_def4_bc2d_d44d);
                (h ^ (h >> 33)).is_multiple_of(10)
            };
            marked += places(&check(|x, y| (!chance(x, y)).then_some(0.1))).len();
            all += GRID * GRID;
        }
        assert!(marked * 100 < all, "{marked} of {all}");
    }
}
