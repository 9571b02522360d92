//! How far post and aligned pre still are apart, tile by tile.

use crate::photometric::{Frame, PreparedTile, median};
use crate::tiles::{Tile, TileSpec};
use e2m_image::{PlaneView, Size, Warp};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

/// Blur under which tiles are compared, px: enough to tame pixel noise, little enough to see hundredths of a pixel.
const SIGMA_PX: f64 = 1.0;
/// Rounds in which a tile's shift settles.
const ROUNDS: usize = 12;
/// A round that moves a tile by less ends the search, px.
const SETTLED_PX: f64 = 1e-3;
/// Tiles that correlate less at their best shift do not show the same thing.
const MIN_CORRELATION: f64 = 0.3;
/// A tile that drifts by more than this share of its side has lost its hold.
const MAX_DRIFT_SHARE: f64 = 0.25;

/// The residual shift of one tile.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TileResidual {
    /// The tile.
    pub tile: TileSpec,
    /// What would still have to be added to post coordinates before the warp, px.
    pub dx: f64,
    /// See `dx`.
    pub dy: f64,
    /// Correlation of post and pre at that shift.
    pub correlation: f64,
}

impl TileResidual {
    /// Length of the shift, px.
    pub fn length_px(&self) -> f64 {
        self.dx.hypot(self.dy)
    }
}

/// Residual shifts over the tiles of a check.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ResidualSummary {
    /// Median length of the residual shifts, px.
    pub median_px: f64,
    /// 90th percentile of the lengths, px.
    pub p90_px: f64,
    /// Tiles that were measured.
    pub measured: usize,
    /// Tiles that were to be measured.
    pub tiles: usize,
}

impl ResidualSummary {
    /// Summary of what [`measure_residuals`] found among `tiles` tiles; `None` if nothing could be measured.
    pub fn of(residuals: &[TileResidual], tiles: usize) -> Option<Self> {
        let mut lengths: Vec<f64> = residuals.iter().map(TileResidual::length_px).collect();
        lengths.sort_unstable_by(f64::total_cmp);
        let last = lengths.len().checked_sub(1)?;
        let p90_px = lengths[(last as f64 * 0.9).round() as usize];
        Some(Self {
            median_px: median(lengths),
            p90_px,
            measured: last + 1,
            tiles,
        })
    }
}

/// The shift that fits each tile best, starting from `warp` (post to pre, full resolution, raw pixels). Tiles that do
/// not show the same structure in both images are left out.
pub fn measure_residuals(
    tiles: &[Tile],
    post: Size,
    pre: PlaneView<'_>,
    warp: &Warp,
) -> Vec<TileResidual> {
    let frame = Frame::new(post);
    tiles
        .par_iter()
        .filter_map(|tile| measure(tile, pre, warp, &frame))
        .collect()
}

fn measure(tile: &Tile, pre: PlaneView<'_>, warp: &Warp, frame: &Frame) -> Option<TileResidual> {
    let prepared = PreparedTile::new(tile, SIGMA_PX);
    let (mut dx, mut dy, mut correlation) = (0.0, 0.0, 0.0);
    for _ in 0..ROUNDS {
        let equations = prepared.equations(pre, &Warp::translation(dx, dy).then(warp), frame, 1)?;
        let (step_x, step_y) = equations.own_shift_px(frame)?;
        correlation = equations.correlation;
        dx += step_x;
        dy += step_y;
        if dx.hypot(dy) > MAX_DRIFT_SHARE * tile.spec.side_px as f64 {
            return None;
        }
        if step_x.hypot(step_y) < SETTLED_PX {
            break;
        }
    }
    (correlation >= MIN_CORRELATION).then_some(TileResidual {
        tile: tile.spec,
        dx,
        dy,
        correlation,
    })
}
