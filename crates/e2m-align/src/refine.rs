//! Sub-pixel refinement of a warp on tiles at full resolution.
//!
//! Gauss-Newton over the eight entries of the homography, on all tiles together, from smooth to sharp: the blur
//! of the first rounds reaches the few pixels that features at reduced resolution leave, the last rounds use the
//! pixels' own structure, one image blurred as much as the other.
//!
//! How sharp the last level is follows from the pair: each level tells by how much its tiles disagree how accurate its warp is,
//! and the one that is most accurate is kept. Without noise that is the sharpest. Noise fills the high frequencies that
//! the texture leaves, and blur takes it out.

use crate::comparison::{BlurMatch, SamplingLevel, TileComparison};
use crate::defocus::match_blurs;
use crate::equations::{OwnShift, TileEquations};
use crate::frame::{Matrix8, NormalisedFrame, Vector8};
use crate::options::RefineOptions;
use crate::parsimony::simpler;
use crate::residual::{TileResidual, median};
use crate::rims::Rims;
use crate::tiles::Tile;
use crate::uncertainty::{Certainty, Pull, certainty, expected_error_px};
use e2m_image::{MendedView, Size, Warp};
use rayon::prelude::*;

/// Blur of the sharpest level, px.
const SHARPEST_PX: f64 = 0.8;
/// Each level is this much sharper than the one before.
const LEVEL_RATIO: f64 = 2.0;
/// A tile of this many times the blur keeps three quarters of its side.
const SIDE_PER_SIGMA: f64 = 24.0;
/// Rounds of a level at most.
const ROUNDS: usize = 10;
/// A round that moves no point by more than this share of the blur ends a level.
const SETTLED_SHARE: f64 = 0.02;
/// The same for a level that may be the last, px, and as a share of how accurate it is in the mean: what corners move by is
/// more, and each round leaves about a quarter of it.
const SETTLED_PX: f64 = 5e-4;
/// See [`SETTLED_PX`].
const SETTLED_OF_ACCURACY: f64 = 0.7;
/// Levels at least this sharp may be the last, px.
const LAST_FROM_PX: f64 = 4.5;
/// The blurs of the images are matched before the first level at least this sharp, px.
const MATCH_BLURS_AT_PX: f64 = 2.7;
/// A neighbour of the most accurate level that is less accurate by no more than this factor has another level between them
/// that may be better than both.
const LEVEL_BETWEEN: f64 = 1.25;
/// What all tiles err by alike, which none of them tells, px: reading between pixels. Pairs next to no noise are off by as much
/// (docs/accuracy.md).
const SHARED_ERROR_PX: f64 = 6e-4;
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
///
/// Where it was not kept, `warp` is the initial one and there are no `residuals`; the other figures still describe the
/// attempt, to tell why.
#[derive(Debug, Clone, PartialEq)]
pub struct Refinement {
    /// The refined warp, or the initial one if the refinement was not kept.
    pub warp: Warp,
    /// Why the refinement was not kept; `None` if it was.
    pub rejected: Option<String>,
    /// Tiles that took part in the last round: those of the [`compared`](Self::compared) that tell a shift.
    pub tiles: usize,
    /// Tiles that could be compared with pre at the last level: what the inlier ratio counts.
    pub compared: usize,
    /// Share of the [`compared`](Self::compared) tiles that took part and agree on the warp. A tile that was compared and
    /// tells no shift, such as a line that runs through it, does not agree.
    pub inlier_ratio: f64,
    /// The expected mean error of the warp over the tiles, px: from the information that both images share, and from how much
    /// the tiles still pull at the warp, in which the noise of both is.
    pub estimated_accuracy_px: f64,
    /// Levels of blur that were worked through.
    pub levels_completed: usize,
    /// How much blurrier post is than pre, as the sigma of a Gaussian in post px; negative where pre is the blurrier
    /// one.
    pub defocus_px: f64,
    /// What each tile that took part would still add to `warp`, from the last round; none where the refinement was not kept.
    pub residuals: Vec<TileResidual>,
}

/// Refines `initial`, which maps full-resolution post to pre pixels (raw, without canvas padding), on `tiles` of post.
///
/// `post` is the size of the whole post image. Never fails: where the refinement cannot be trusted (few tiles, a
/// correction beyond `max_correction_px`, too few tiles agreeing), the initial warp is returned with the reason.
pub fn refine(
    tiles: &[Tile],
    post: Size,
    pre: MendedView<'_>,
    initial: &Warp,
    options: &RefineOptions,
) -> Refinement {
    refine_to_level(tiles, post, pre, initial, options).0
}

/// The same with the blur of the level whose warp was kept, px.
pub(crate) fn refine_to_level(
    tiles: &[Tile],
    post: Size,
    pre: MendedView<'_>,
    initial: &Warp,
    options: &RefineOptions,
) -> (Refinement, f64) {
    let mut fit = Fit::new(post, pre, initial);
    fit.rims = Rims::of(&tiles.iter().collect::<Vec<_>>());
    match fit.work_through(tiles, options) {
        Ok(()) => {
            let sigma_px = fit.state.sigma_px;
            fit.simplify();
            (fit.judged(initial, options), sigma_px)
        }
        Err(reason) => (fit.rejected(initial, reason), SHARPEST_PX),
    }
}

/// `refined` once more on more tiles, at the blur that it was refined at. `None` where they do not determine it.
pub(crate) fn refit(
    tiles: &[&Tile],
    post: Size,
    pre: MendedView<'_>,
    refined: &Refinement,
    sigma_px: f64,
) -> Option<Refinement> {
    let mut fit = Fit::new(post, pre, &refined.warp);
    fit.rims = Rims::of(tiles);
    fit.blurs = BlurMatch::of_defocus(refined.defocus_px);
    fit.run_level(tiles, sigma_px, true).ok()?;
    fit.simplify();
    fit.levels_completed = refined.levels_completed;
    Some(fit.accepted())
}

/// The blurs to work through, from the smoothest that a tile of `side` px carries.
fn levels(side: usize, smoothest_px: f64) -> Vec<f64> {
    let mut sigma = smoothest_px.min(side as f64 / SIDE_PER_SIGMA);
    let mut levels = Vec::new();
    while sigma > SHARPEST_PX * LEVEL_RATIO.sqrt() {
        levels.push(sigma);
        sigma /= LEVEL_RATIO;
    }
    levels.push(SHARPEST_PX);
    levels
}

/// Every how many pixels an image blurred by `sigma_px` tells something new: a Gaussian leaves next to nothing beyond the
/// frequency that this keeps.
fn stride(sigma_px: f64) -> usize {
    (sigma_px as usize).max(1)
}

/// A refinement at work.
struct Fit<'a> {
    frame: NormalisedFrame,
    post: Size,
    pre: MendedView<'a>,
    blurs: BlurMatch,
    rims: Option<Rims>,
    levels_completed: usize,
    state: State,
}

/// The warp that a level came to, and what its tiles say about it.
#[derive(Clone)]
struct State {
    warp: Warp,
    sigma_px: f64,
    tiles: usize,
    compared: usize,
    inlier_ratio: f64,
    estimated_accuracy_px: f64,
    /// What is known of the warp; `None` where the tiles do not determine it.
    certainty: Option<Certainty>,
    residuals: Vec<TileResidual>,
}

/// A tile with its equations and the shift it alone asks for.
struct Usable<'a> {
    index: usize,
    equations: &'a TileEquations,
    shift: OwnShift,
    centre: (f64, f64),
}

impl<'a> Fit<'a> {
    fn new(post: Size, pre: MendedView<'a>, initial: &Warp) -> Self {
        Self {
            frame: NormalisedFrame::new(post),
            post,
            pre,
            blurs: BlurMatch::default(),
            rims: None,
            levels_completed: 0,
            state: State {
                warp: *initial,
                sigma_px: f64::INFINITY,
                tiles: 0,
                compared: 0,
                inlier_ratio: 0.0,
                estimated_accuracy_px: f64::INFINITY,
                certainty: None,
                residuals: Vec::new(),
            },
        }
    }

    /// Works through the levels, and comes to the state of the most accurate of those that may be the last.
    fn work_through(&mut self, tiles: &[Tile], options: &RefineOptions) -> Result<(), String> {
        let Some(side) = tiles.iter().map(|t| t.spec.side_px).min() else {
            return Err("there is no tile to fit it to".to_owned());
        };
        let all: Vec<&Tile> = tiles.iter().collect();
        let levels = levels(side, options.smoothest_px);
        let mut blurs_matched = false;
        let mut candidates: Vec<State> = Vec::new();
        for (i, &sigma_px) in levels.iter().enumerate() {
            if !blurs_matched && i > 0 && sigma_px <= MATCH_BLURS_AT_PX {
                self.blurs = match_blurs(tiles, self.pre, &self.state.warp);
                blurs_matched = true;
            }
            if let Err(reason) = self.run_level(&all, sigma_px, i > 0) {
                // What a smoother level has found is not lost.
                if candidates.is_empty() {
                    return Err(reason);
                }
                break;
            }
            self.levels_completed += 1;
            if sigma_px > LAST_FROM_PX && i + 1 < levels.len() {
                continue;
            }
            let before = candidates.last().map(|c| c.estimated_accuracy_px);
            candidates.push(self.state.clone());
            if blurs_matched && before.is_some_and(|b| self.state.estimated_accuracy_px > b) {
                break;
            }
        }
        let accuracy = |state: &State| state.estimated_accuracy_px;
        let best = (0..candidates.len())
            .min_by(|&a, &b| accuracy(&candidates[a]).total_cmp(&accuracy(&candidates[b])))
            .ok_or("no level was completed")?;
        let neighbour = [best.wrapping_sub(1), best + 1]
            .into_iter()
            .filter_map(|n| candidates.get(n))
            .filter(|n| accuracy(n) < LEVEL_BETWEEN * accuracy(&candidates[best]))
            .min_by(|a, b| accuracy(a).total_cmp(&accuracy(b)));
        self.state = candidates[best].clone();
        if let Some(neighbour) = neighbour {
            let between = (self.state.sigma_px * neighbour.sigma_px).sqrt();
            let found = self.run_level(&all, between, true);
            if found.is_err() || accuracy(&self.state) > accuracy(&candidates[best]) {
                self.state = candidates.swap_remove(best);
            }
        }
        Ok(())
    }

    /// Rounds at one blur. `against_noise` takes the noise out of the information.
    fn run_level(
        &mut self,
        tiles: &[&Tile],
        sigma_px: f64,
        against_noise: bool,
    ) -> Result<(), String> {
        let level = SamplingLevel {
            sigma_px,
            stride: stride(sigma_px),
            search_radius_px: 3.0 * sigma_px + 2.0,
        };
        let (pre, blurs, warp, rims) = (self.pre, self.blurs, self.state.warp, self.rims);
        let mut prepared: Vec<TileComparison> = tiles
            .par_iter()
            .filter_map(|&tile| {
                let mut comparison = TileComparison::new(tile, pre, &warp, level, blurs)?;
                if let Some(rims) = rims {
                    comparison = comparison.without_rims(tile, &rims, blurs.post_px)?;
                }
                Some(if against_noise {
                    comparison.with_instrument()
                } else {
                    comparison
                })
            })
            .collect();
        self.state.sigma_px = sigma_px;
        let mut trust = vec![1.0; prepared.len()];
        for _ in 0..ROUNDS {
            let (warp, frame) = (self.state.warp, self.frame);
            let equations: Vec<Option<TileEquations>> = prepared
                .par_iter_mut()
                .map(|t| t.equations(&warp, &frame))
                .collect();
            let step = self.solve(&prepared, &equations, &mut trust)?;
            let moved = self
                .frame
                .compose(&self.state.warp, &step)
                .ok_or("it degenerated")?;
            let distance = moved.max_distance(&self.state.warp, self.post);
            self.state.warp = moved;
            let coarse_px = SETTLED_SHARE * sigma_px;
            let settled_px = if sigma_px > LAST_FROM_PX {
                coarse_px
            } else {
                (SETTLED_OF_ACCURACY * self.state.estimated_accuracy_px)
                    .clamp(SETTLED_PX, coarse_px)
            };
            if distance < settled_px {
                break;
            }
        }
        Ok(())
    }

    /// The common increment of all tiles, each weighted by its information and by how far it is to be trusted; `trust`
    /// is brought up to date for the next round.
    fn solve(
        &mut self,
        prepared: &[TileComparison],
        equations: &[Option<TileEquations>],
        trust: &mut [f64],
    ) -> Result<Vector8, String> {
        let usable: Vec<Usable<'_>> = equations
            .iter()
            .enumerate()
            .filter_map(|(index, e)| {
                let equations = e.as_ref()?;
                Some(Usable {
                    index,
                    equations,
                    shift: equations.own_shift(&self.frame)?,
                    centre: prepared[index].spec.centre(),
                })
            })
            .collect();
        if usable.len() < MIN_TILES {
            return Err(format!(
                "only {} tiles could be compared, {MIN_TILES} are needed",
                usable.len()
            ));
        }
        let information = |e: &TileEquations| e.matrix[(2, 2)] + e.matrix[(5, 5)];
        let typical = median(usable.iter().map(|u| information(u.equations)).collect());
        let pulls: Vec<Pull> = usable
            .iter()
            .map(|u| {
                let share = (MAX_TILE_SHARE * typical / information(u.equations)).min(1.0);
                Pull {
                    matrix: u.equations.matrix * share,
                    rhs: u.equations.rhs * share,
                    trust: trust[u.index],
                }
            })
            .collect();
        let (mut matrix, mut rhs) = (Matrix8::zeros(), Vector8::zeros());
        for pull in &pulls {
            matrix += pull.matrix * pull.trust;
            rhs += pull.rhs * pull.trust;
        }
        let damping = 1e-9 * matrix.trace() / 8.0;
        let step = (matrix + Matrix8::identity() * damping)
            .cholesky()
            .ok_or("the tiles do not determine it")?
            .solve(&rhs);
        let left_over: Vec<(f64, f64)> = usable
            .iter()
            .map(|u| {
                let (dx, dy) = self.frame.displacement_px(&step, u.centre.0, u.centre.1);
                (u.shift.dx - dx, u.shift.dy - dy)
            })
            .collect();
        // A tile of faint texture may be off by more before it disagrees.
        let typical = median(usable.iter().map(|u| u.shift.error_px).collect());
        let distances: Vec<f64> = usable
            .iter()
            .zip(&left_over)
            .map(|(u, d)| d.0.hypot(d.1) / (u.shift.error_px / typical).max(1.0))
            .collect();
        let usual = median(distances.clone()).max(MIN_DISAGREEMENT_PX);
        for (u, distance) in usable.iter().zip(&distances) {
            let scaled = distance / (TILE_CAUCHY * usual);
            trust[u.index] = 1.0 / (1.0 + scaled * scaled);
        }
        self.state.residuals = usable
            .iter()
            .zip(&left_over)
            .map(|(u, &(dx, dy))| TileResidual {
                tile: prepared[u.index].spec,
                dx,
                dy,
                error_px: u.shift.error_px,
                correlation: u.equations.correlation,
            })
            .collect();
        let inliers = distances
            .iter()
            .filter(|d| **d <= OUTLIER_FACTOR * usual)
            .count();
        self.state.tiles = usable.len();
        self.state.compared = prepared.len();
        self.state.inlier_ratio = inliers as f64 / prepared.len() as f64;
        self.state.certainty = certainty(&pulls, &step);
        self.state.estimated_accuracy_px =
            self.state
                .certainty
                .as_ref()
                .map_or(f64::INFINITY, |certainty| {
                    let centres = usable.iter().map(|u| u.centre);
                    expected_error_px(&certainty.covariance, &self.frame, centres)
                });
        Ok(step)
    }

    /// Takes a simpler warp where the tiles do not speak for as many entries as a homography has.
    fn simplify(&mut self) {
        let state = &mut self.state;
        let Some(certainty) = &state.certainty else {
            return;
        };
        let centres: Vec<(f64, f64)> = state.residuals.iter().map(|r| r.tile.centre()).collect();
        let Some(found) = simpler(&state.warp, certainty, &self.frame, &centres) else {
            return;
        };
        tracing::debug!(
            kind = ?found.kind,
            homography_px = state.estimated_accuracy_px,
            px = found.expected_error_px,
            "fewer entries than a homography has"
        );
        for residual in &mut state.residuals {
            let (x, y) = residual.tile.centre();
            let (dx, dy) = self.frame.displacement_px(&found.increment, x, y);
            (residual.dx, residual.dy) = (residual.dx - dx, residual.dy - dy);
        }
        state.warp = found.warp;
        state.estimated_accuracy_px = found.expected_error_px;
    }

    /// The refinement, or why it is not to be trusted.
    fn judged(self, initial: &Warp, options: &RefineOptions) -> Refinement {
        let moved = self.state.warp.max_distance(initial, self.post);
        if moved > options.max_correction_px {
            let limit = options.max_correction_px;
            return self.rejected(
                initial,
                format!("it moved a corner by {moved:.1} px, more than the limit of {limit} px"),
            );
        }
        let (ratio, least) = (self.state.inlier_ratio, options.min_inlier_ratio);
        if ratio < least {
            return self.rejected(
                initial,
                format!("only {ratio:.2} of the tiles agree on it, {least:.2} are needed"),
            );
        }
        self.accepted()
    }

    fn accepted(self) -> Refinement {
        let State {
            warp,
            tiles,
            compared,
            inlier_ratio,
            estimated_accuracy_px,
            residuals,
            ..
        } = self.state;
        Refinement {
            warp,
            rejected: None,
            tiles,
            compared,
            inlier_ratio,
            estimated_accuracy_px: estimated_accuracy_px.hypot(SHARED_ERROR_PX),
            levels_completed: self.levels_completed,
            defocus_px: self.blurs.defocus_px(),
            residuals,
        }
    }

    fn rejected(self, initial: &Warp, reason: String) -> Refinement {
        self.accepted().rejected_for(initial, reason)
    }
}

impl Refinement {
    /// Goes back to the warp before it. The residuals were measured under the refined warp and go with it.
    pub(crate) fn rejected_for(self, initial: &Warp, reason: String) -> Self {
        tracing::debug!(reason, "refinement not kept");
        Self {
            warp: *initial,
            rejected: Some(reason),
            residuals: Vec::new(),
            ..self
        }
    }
}

#[cfg(test)]
mod tests;
