//! What the manifest says of an alignment for viewers to draw over the images: the tiles of the check, and the outline of the section.

use e2m_align::{Check, SectionOutline};
use e2m_image::Canvas;
use serde::{Deserialize, Serialize};

/// Points of an outline on record, of all its borders together.
const MOST_POINTS: usize = 300;
/// An outline is followed to so many px of the preview at best.
const FINEST_PREVIEW_PX: f64 = 0.5;

/// A tile of the check, with the shift that is left on it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct CheckedTile {
    /// Its middle on the canvas, px, pixel centres on integers.
    pub x: f64,
    /// See `x`.
    pub y: f64,
    /// What would still have to be added to post coordinates before the warp, px along x and y; none where the tile does not show the
    /// same in both images.
    pub shift: Option<[f64; 2]>,
}

impl CheckedTile {
    /// All tiles of a check.
    pub(crate) fn all(check: &Check, canvas: Canvas) -> Vec<Self> {
        let pad = canvas.pad() as f64;
        let tiles = check.tiles.iter().map(|tile| {
            let (x, y) = tile.centre();
            let residual = check.residuals.iter().find(|found| found.tile == *tile);
            Self {
                x: x + pad,
                y: y + pad,
                shift: residual.map(|found| [rounded(found.dx), rounded(found.dy)]),
            }
        });
        tiles.collect()
    }
}

/// To a thousandth of a px: nobody draws more.
fn rounded(px: f64) -> f64 {
    (1000.0 * px).round() / 1000.0
}

/// The outline of a section (raw px) on the canvas with few points: whole px, `[x, y]` along each border. `factor` is how far the
/// preview was reduced that it was followed in.
pub(crate) fn outline_on_canvas(
    outline: &SectionOutline,
    factor: usize,
    canvas: Canvas,
) -> Vec<Vec<[i64; 2]>> {
    let mut tolerance_px = FINEST_PREVIEW_PX * factor as f64;
    let paths = loop {
        let thinned = outline.paths.iter().map(|path| thinned(path, tolerance_px));
        let paths: Vec<Vec<[f64; 2]>> = thinned.collect();
        let points: usize = paths.iter().map(Vec::len).sum();
        // Of many small pieces some are left out in the end.
        if points <= MOST_POINTS || tolerance_px > 1e6 {
            break paths;
        }
        tolerance_px *= 1.5;
    };
    let pad = canvas.pad() as f64;
    let on_canvas = |path: Vec<[f64; 2]>| {
        let whole = path
            .into_iter()
            .map(|point| point.map(|px| (px + pad).round() as i64));
        whole.collect()
    };
    paths
        .into_iter()
        .take(MOST_POINTS / 2)
        .map(on_canvas)
        .collect()
}

/// A path with fewer points, none of the others farther from it than so many px (Douglas & Peucker 1973,
/// doi:10.3138/FM57-6770-U75U-7727).
fn thinned(path: &[[f64; 2]], tolerance_px: f64) -> Vec<[f64; 2]> {
    let Some(last) = path.len().checked_sub(1) else {
        return Vec::new();
    };
    let mut kept = vec![false; path.len()];
    (kept[0], kept[last]) = (true, true);
    let mut open = vec![(0, last)];
    while let Some((from, to)) = open.pop() {
        let away = |index: &usize| distance(path[*index], path[from], path[to]);
        let between = from + 1..to;
        let Some(farthest) = between.max_by(|a, b| away(a).total_cmp(&away(b))) else {
            continue;
        };
        if away(&farthest) > tolerance_px {
            kept[farthest] = true;
            open.extend([(from, farthest), (farthest, to)]);
        }
    }
    let points = path.iter().zip(kept);
    points
        .filter_map(|(at, kept)| kept.then_some(*at))
        .collect()
}

/// From a point to a stretch between two others, which may be one place.
fn distance([x, y]: [f64; 2], [ax, ay]: [f64; 2], [bx, by]: [f64; 2]) -> f64 {
    let (ux, uy) = (bx - ax, by - ay);
    let square = ux * ux + uy * uy;
    let along = if square > 0.0 {
        (((x - ax) * ux + (y - ay) * uy) / square).clamp(0.0, 1.0)
    } else {
        0.0
    };
    (x - ax - along * ux).hypot(y - ay - along * uy)
}

#[cfg(test)]
mod tests {
    use super::*;
    use e2m_image::Size;

    #[test]
    fn an_outline_keeps_its_shape_with_few_points() {
        let ring: Vec<[f64; 2]> = (0..=5000)
            .map(|i| {
                let angle = f64::from(i) / 5000.0 * std::f64::consts::TAU;
                let radius = 4000.0 + 150.0 * (9.0 * angle).sin();
                [5000.0 + radius * angle.cos(), 5000.0 + radius * angle.sin()]
            })
            .collect();
        let outline = SectionOutline {
            paths: vec![ring.clone(), vec![[1.0, 2.0], [40.0, 2.0]], Vec::new()],
            pieces: 2,
            frame_share: 0.0,
        };
        let canvas = Canvas::new(Size::new(10_000, 10_000), Size::new(10_000, 10_000), 100);
        let paths = outline_on_canvas(&outline, 8, canvas);
        assert_eq!(paths[1], [[101, 102], [140, 102]]);
        assert!(paths[2].is_empty());
        let few = &paths[0];
        assert!(few.len() > 50 && few.len() <= MOST_POINTS, "{}", few.len());
        assert_eq!(few.first(), few.last());
        let farthest = ring
            .iter()
            .map(|at| {
                let at = at.map(|px| px + 100.0);
                let stretches = few.windows(2);
                let point = |[x, y]: [i64; 2]| [x as f64, y as f64];
                stretches
                    .map(|two| distance(at, point(two[0]), point(two[1])))
                    .fold(f64::INFINITY, f64::min)
            })
            .fold(0.0, f64::max);
        assert!(farthest < 40.0, "{farthest}");
    }
}
