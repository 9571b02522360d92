//! Sub-pixel refinement of a warp on tiles at full resolution.
//!
//! Gauss-Newton over the eight entries of the homography, on all tiles together, from smooth to sharp: the blur
//! of the first rounds reaches the few pixels that features at reduced resolution leave, the last rounds use the
//! pixels' own structure.

use crate::options::RefineOptions;
use crate::photometric::{Frame, Matrix8, PreparedTile, TileEquations, Vector8, median};
use crate::tiles::Tile;
use e2m_image::{PlaneView, Size, Warp};
use rayon::prelude::*;

/// One level of the refinement.
struct Level {
    /// Gaussian blur of both images, px.
    sigma: f64,
    /// Every how many pixels a blurred tile is read.
    stride: usize,
    /// Rounds at most.
    rounds: usize,
    /// A round that moves no point by more ends the level, px.
    settled_px: f64,
}

const LEVELS: [Level; 4] = [
    Level {
        sigma: 6.0,
        stride: 4,
        rounds: 6,
        settled_px: 0.2,
    },
    Level {
        sigma: 3.0,
        stride: 2,
        rounds: 4,
        settled_px: 0.1,
    },
    Level {
        sigma: 1.5,
        stride: 1,
        rounds: 3,
        settled_px: 0.02,
    },
    Level {
        sigma: 0.8,
        stride: 1,
        rounds: 6,
        settled_px: 5e-4,
    },
];
/// A tile must keep this much of its side after a level's blur has eaten its border on both sides.
const MIN_CORE_SHARE: f64 = 0.5;
/// Tiles that a homography needs, twice over.
const MIN_TILES: usize = 8;
/// A tile counts at most this many times as much as the median tile.
const MAX_TILE_SHARE: f64 = 5.0;
/// Tiles that disagree by this many typical disagreements have lost half their weight.
const TILE_CAUCHY: f64 = 2.385;
/// A disagreement this small is measurement, never a reason to distrust a tile, px.
const MIN_DISAGREEMENT_PX: f64 = 0.01;
/// Tiles whose disagreement is beyond this many typical ones count as outliers, for the inlier ratio.
const OUTLIER_FACTOR: f64 = 4.0;

/// The outcome of [`refine`].
#[derive(Debug, Clone, PartialEq)]
pub struct Refinement {
    /// The refined warp, or the initial one if the refinement was not kept.
    pub warp: Warp,
    /// Why the refinement was not kept; `None` if it was.
    pub rejected: Option<String>,
    /// Tiles that took part.
    pub tiles: usize,
    /// Share of these that agree on the warp.
    pub inlier_ratio: f64,
    /// The expected mean error of the warp over the tiles, px: the scatter of the tiles' own shifts about the warp,
    /// times `sqrt(8 / 2 n)` for eight parameters fitted to `n` two-dimensional shifts.
    pub estimated_accuracy_px: f64,
    /// Levels of blur that were worked through.
    pub levels_completed: usize,
}

/// Refines `initial`, which maps full-resolution post to pre pixels (raw, without canvas padding), on `tiles` of post.
///
/// `post` is the size of the whole post image. Never fails: where the refinement cannot be trusted (few tiles, a
/// correction beyond `max_correction_px`, too few tiles agreeing), the initial warp is returned with the reason.
pub fn refine(
    tiles: &[Tile],
    post: Size,
    pre: PlaneView<'_>,
    initial: &Warp,
    options: &RefineOptions,
) -> Refinement {
    let mut fit = Fit::new(post, initial);
    if tiles.is_empty() {
        return fit.rejected(initial, "there is no tile to fit it to".to_owned());
    }
    for level in &LEVELS {
        let prepared: Vec<PreparedTile> = tiles
            .par_iter()
            .filter(|t| keeps_core(t.spec.side_px, level.sigma))
            .map(|t| PreparedTile::new(t, level.sigma))
            .collect();
        if prepared.is_empty() {
            continue; // small tiles start at a sharper level
        }
        if let Err(reason) = fit.run_level(&prepared, pre, level) {
            return fit.rejected(initial, reason);
        }
    }
    let moved = fit.warp.max_distance(initial, post);
    if fit.levels_completed == 0 {
        return fit.rejected(initial, "the tiles are too small to compare".to_owned());
    }
    if moved > options.max_correction_px {
        let limit = options.max_correction_px;
        return fit.rejected(
            initial,
            format!("it moved a corner by {moved:.1} px, more than the limit of {limit} px"),
        );
    }
    if fit.inlier_ratio < options.min_inlier_ratio {
        let (ratio, least) = (fit.inlier_ratio, options.min_inlier_ratio);
        return fit.rejected(
            initial,
            format!("only {ratio:.2} of the tiles agree on it, {least:.2} are needed"),
        );
    }
    fit.accepted()
}

fn keeps_core(side_px: usize, sigma: f64) -> bool {
    let eaten = 2 * crate::sampling::blur_radius(sigma) + 2;
    (side_px.saturating_sub(eaten)) as f64 >= MIN_CORE_SHARE * side_px as f64
}

/// The state of a refinement.
struct Fit {
    frame: Frame,
    post: Size,
    warp: Warp,
    tiles: usize,
    inlier_ratio: f64,
    estimated_accuracy_px: f64,
    levels_completed: usize,
}

impl Fit {
    fn new(post: Size, initial: &Warp) -> Self {
        Self {
            frame: Frame::new(post),
            post,
            warp: *initial,
            tiles: 0,
            inlier_ratio: 0.0,
            estimated_accuracy_px: f64::INFINITY,
            levels_completed: 0,
        }
    }

    fn run_level(
        &mut self,
        prepared: &[PreparedTile],
        pre: PlaneView<'_>,
        level: &Level,
    ) -> Result<(), String> {
        let mut trust = vec![1.0; prepared.len()];
        for _ in 0..level.rounds {
            let equations: Vec<Option<TileEquations>> = prepared
                .par_iter()
                .map(|t| t.equations(pre, &self.warp, &self.frame, level.stride))
                .collect();
            let step = self.solve(prepared, &equations, &mut trust)?;
            let moved = self
                .frame
                .compose(&self.warp, &step)
                .ok_or("it degenerated")?;
            let distance = moved.max_distance(&self.warp, self.post);
            self.warp = moved;
            if distance < level.settled_px {
                break;
            }
        }
        self.levels_completed += 1;
        Ok(())
    }

    /// The common increment of all tiles, each weighted by its information and by how far it is to be trusted; `trust`
    /// is brought up to date for the next round.
    fn solve(
        &mut self,
        prepared: &[PreparedTile],
        equations: &[Option<TileEquations>],
        trust: &mut [f64],
    ) -> Result<Vector8, String> {
        let usable: Vec<(usize, &TileEquations, (f64, f64))> = equations
            .iter()
            .enumerate()
            .filter_map(|(i, e)| {
                e.as_ref()
                    .and_then(|e| Some((i, e, e.own_shift_px(&self.frame)?)))
            })
            .collect();
        if usable.len() < MIN_TILES {
            return Err(format!(
                "only {} tiles could be compared, {MIN_TILES} are needed",
                usable.len()
            ));
        }
        let information = |e: &TileEquations| e.matrix[(2, 2)] + e.matrix[(5, 5)];
        let typical = median(usable.iter().map(|(_, e, _)| information(e)).collect());
        let (mut matrix, mut rhs) = (Matrix8::zeros(), Vector8::zeros());
        for &(i, e, _) in &usable {
            let weight = trust[i] * (MAX_TILE_SHARE * typical / information(e)).min(1.0);
            matrix += e.matrix * weight;
            rhs += e.rhs * weight;
        }
        let damping = 1e-9 * matrix.trace() / 8.0;
        let step = (matrix + Matrix8::identity() * damping)
            .cholesky()
            .ok_or("the tiles do not determine it")?
            .solve(&rhs);
        let disagreement = |&(i, _, shift): &(usize, &TileEquations, (f64, f64))| {
            let (x, y) = prepared[i].centre();
            let (dx, dy) = self.frame.displacement_px(&step, x, y);
            (shift.0 - dx).hypot(shift.1 - dy)
        };
        let distances: Vec<f64> = usable.iter().map(disagreement).collect();
        let usual = median(distances.clone()).max(MIN_DISAGREEMENT_PX);
        for (&(i, ..), distance) in usable.iter().zip(&distances) {
            let scaled = distance / (TILE_CAUCHY * usual);
            trust[i] = 1.0 / (1.0 + scaled * scaled);
        }
        self.tiles = usable.len();
        let inliers: Vec<f64> = distances
            .into_iter()
            .filter(|d| *d <= OUTLIER_FACTOR * usual)
            .collect();
        self.inlier_ratio = inliers.len() as f64 / prepared.len() as f64;
        let n = inliers.len() as f64;
        let variance = inliers.iter().map(|d| d * d).sum::<f64>() / (n - 4.0).max(1.0);
        self.estimated_accuracy_px = (variance * 4.0 / n).sqrt();
        Ok(step)
    }

    fn accepted(self) -> Refinement {
        Refinement {
            warp: self.warp,
            rejected: None,
            tiles: self.tiles,
            inlier_ratio: self.inlier_ratio,
            estimated_accuracy_px: self.estimated_accuracy_px,
            levels_completed: self.levels_completed,
        }
    }

    fn rejected(self, initial: &Warp, reason: String) -> Refinement {
        tracing::warn!(reason, "refinement not kept");
        Refinement {
            warp: *initial,
            rejected: Some(reason),
            ..self.accepted()
        }
    }
}
