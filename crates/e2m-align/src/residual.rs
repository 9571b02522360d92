//! How far post and aligned pre still are apart, tile by tile.

use crate::comparison::{BlurMatch, SamplingLevel, TileComparison};
use crate::frame::NormalisedFrame;
use crate::tiles::{Tile, TileSpec};
use e2m_image::{MendedView, Warp};
use serde::{Deserialize, Serialize};

/// The levels on which a shift is measured. The first finds a shift of several pixels. The second measures it: its blur is
/// enough to tame pixel noise and little enough to see hundredths of a pixel.
pub(crate) const MEASURING: [SamplingLevel; 2] = [
    SamplingLevel {
        sigma_px: 4.0,
        stride: 3,
        search_radius_px: 16.0,
    },
    SamplingLevel {
        sigma_px: 1.0,
        stride: 1,
        search_radius_px: 4.0,
    },
];
/// The same where only the correlation counts. A quarter of the pixels is enough for that.
pub(crate) const CORRELATING: [SamplingLevel; 2] = [
    MEASURING[0],
    SamplingLevel {
        stride: 2,
        ..MEASURING[1]
    },
];
/// A tile of this many times the blur keeps three quarters of its side.
const SIDE_PER_SIGMA: f64 = 24.0;
/// Rounds of a level at most, in which a tile's shift settles.
const ROUNDS: usize = 8;
/// A round that moves a tile by less than this ends a level, px.
const SETTLED_PX: [f64; 2] = [0.05, 2e-3];
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
    /// Standard error of the shift along its least certain direction, px, as if all pixels were independent.
    pub error_px: f64,
    /// Correlation of post and pre at that shift, pixels that do not fit left out.
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
    /// Summary of the shifts that were found among `tiles` tiles; `None` if there are none.
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

/// The shift that fits a tile best on the sampling `levels`, starting from `warp` (post to pre, full resolution, raw pixels); `None` where it
/// cannot be compared or finds no hold.
pub(crate) fn measure(
    tile: &Tile,
    pre: MendedView<'_>,
    warp: &Warp,
    frame: &NormalisedFrame,
    blurs: BlurMatch,
    levels: [SamplingLevel; 2],
) -> Option<TileResidual> {
    let mut found = TileResidual {
        tile: tile.spec,
        dx: 0.0,
        dy: 0.0,
        error_px: f64::INFINITY,
        correlation: 0.0,
    };
    for (level, settled_px) in levels.into_iter().zip(SETTLED_PX) {
        // A small tile would have nothing left of it inside the blur's border.
        let level = SamplingLevel {
            sigma_px: level
                .sigma_px
                .min(tile.spec.side_px as f64 / SIDE_PER_SIGMA),
            ..level
        };
        let shifted = Warp::translation(found.dx, found.dy).then(warp);
        let mut comparison = TileComparison::new(tile, pre, &shifted, level, blurs)?;
        for _ in 0..ROUNDS {
            let shifted = Warp::translation(found.dx, found.dy).then(warp);
            let equations = comparison.equations(&shifted, frame)?;
            let step = equations.own_shift(frame)?;
            found.dx += step.dx;
            found.dy += step.dy;
            found.error_px = step.error_px;
            found.correlation = equations.correlation;
            if found.length_px() > MAX_DRIFT_SHARE * tile.spec.side_px as f64 {
                return None;
            }
            if step.dx.hypot(step.dy) < settled_px {
                break;
            }
        }
    }
    Some(found)
}

/// The median; zero for nothing.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    if values.is_empty() {
        return 0.0;
    }
    let middle = values.len() / 2;
    *values.select_nth_unstable_by(middle, f64::total_cmp).1
}
