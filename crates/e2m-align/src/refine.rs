//! Sub-pixel refinement of a warp on tiles at full resolution.
//!
//! Gauss-Newton over the eight entries of the homography, on all tiles together, from smooth to sharp: the blur
//! of the first rounds reaches the few pixels that features at reduced resolution leave, the last rounds use the
//! pixels' own structure, one image blurred as much as the other.

use crate::comparison::{BlurMatch, SamplingLevel, TileComparison};
use crate::defocus::match_blurs;
use crate::equations::{OwnShift, TileEquations};
use crate::frame::{Matrix8, NormalisedFrame, Vector8};
use crate::options::RefineOptions;
use crate::residual::{TileResidual, median};
use crate::tiles::Tile;
use e2m_image::{MendedView, Size, Warp};
use rayon::prelude::*;

/// Blur of the sharpest level, px.
const SHARPEST_PX: f64 = 0.8;
/// Each level is this much sharper than the one before.
const LEVEL_RATIO: f64 = 2.0;
/// A tile of this many times the blur keeps three quarters of its side.
const SIDE_PER_SIGMA: f64 = 24.0;
/// Rounds of a level at most.
const ROUNDS: usize = 6;
/// A round that moves no point by more than this share of the blur ends a level.
const SETTLED_SHARE: f64 = 0.02;
/// The same for the sharpest level, px.
const SETTLED_PX: f64 = 5e-4;
/// The blurs of the images are matched before the first level at least this sharp, px.
const MATCH_BLURS_AT_PX: f64 = 2.0;
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
    /// The expected mean error of the warp over the tiles, px: the scatter of the tiles' own shifts about the warp,
    /// times `sqrt(8 / 2 n)` for eight parameters fitted to `n` two-dimensional shifts.
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
    let mut fit = Fit::new(post, pre, initial);
    let Some(side) = tiles.iter().map(|t| t.spec.side_px).min() else {
        return fit.rejected(initial, "there is no tile to fit it to".to_owned());
    };
    let levels = levels(side, options.smoothest_px);
    let mut blurs_matched = false;
    for (i, &sigma_px) in levels.iter().enumerate() {
        if !blurs_matched && i > 0 && sigma_px <= MATCH_BLURS_AT_PX {
            fit.blurs = match_blurs(tiles, pre, &fit.warp);
            blurs_matched = true;
        }
        if let Err(reason) = fit.run_level(tiles, sigma_px, i + 1 == levels.len()) {
            return fit.rejected(initial, reason);
        }
    }
    let moved = fit.warp.max_distance(initial, post);
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

/// The state of a refinement.
struct Fit<'a> {
    frame: NormalisedFrame,
    post: Size,
    pre: MendedView<'a>,
    warp: Warp,
    blurs: BlurMatch,
    tiles: usize,
    compared: usize,
    inlier_ratio: f64,
    estimated_accuracy_px: f64,
    levels_completed: usize,
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
            warp: *initial,
            blurs: BlurMatch::default(),
            tiles: 0,
            compared: 0,
            inlier_ratio: 0.0,
            estimated_accuracy_px: f64::INFINITY,
            levels_completed: 0,
            residuals: Vec::new(),
        }
    }

    fn run_level(&mut self, tiles: &[Tile], sigma_px: f64, last: bool) -> Result<(), String> {
        let level = SamplingLevel {
            sigma_px,
            stride: stride(sigma_px),
            search_radius_px: 3.0 * sigma_px + 2.0,
        };
        let settled_px = if last {
            SETTLED_PX
        } else {
            SETTLED_SHARE * sigma_px
        };
        let (pre, blurs, warp) = (self.pre, self.blurs, self.warp);
        let mut prepared: Vec<TileComparison> = tiles
            .par_iter()
            .filter_map(|t| TileComparison::new(t, pre, &warp, level, blurs))
            .collect();
        let mut trust = vec![1.0; prepared.len()];
        for _ in 0..ROUNDS {
            let (warp, frame) = (self.warp, self.frame);
            let equations: Vec<Option<TileEquations>> = prepared
                .par_iter_mut()
                .map(|t| t.equations(&warp, &frame))
                .collect();
            let step = self.solve(&prepared, &equations, &mut trust)?;
            let moved = self
                .frame
                .compose(&self.warp, &step)
                .ok_or("it degenerated")?;
            let distance = moved.max_distance(&self.warp, self.post);
            self.warp = moved;
            if distance < settled_px {
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
        let (mut matrix, mut rhs) = (Matrix8::zeros(), Vector8::zeros());
        for u in &usable {
            let share = (MAX_TILE_SHARE * typical / information(u.equations)).min(1.0);
            let weight = trust[u.index] * share;
            matrix += u.equations.matrix * weight;
            rhs += u.equations.rhs * weight;
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
        let distances: Vec<f64> = left_over.iter().map(|d| d.0.hypot(d.1)).collect();
        let usual = median(distances.clone()).max(MIN_DISAGREEMENT_PX);
        for (u, distance) in usable.iter().zip(&distances) {
            let scaled = distance / (TILE_CAUCHY * usual);
            trust[u.index] = 1.0 / (1.0 + scaled * scaled);
        }
        self.residuals = usable
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
        self.measure_agreement(&distances, usual, prepared.len());
        Ok(step)
    }

    /// How many of the `compared` tiles agree; `distances` tells how far those that took part are from the warp.
    fn measure_agreement(&mut self, distances: &[f64], usual: f64, compared: usize) {
        let inliers: Vec<f64> = distances
            .iter()
            .copied()
            .filter(|d| *d <= OUTLIER_FACTOR * usual)
            .collect();
        let n = inliers.len() as f64;
        let variance = inliers.iter().map(|d| d * d).sum::<f64>() / (n - 4.0).max(1.0);
        self.tiles = distances.len();
        self.compared = compared;
        self.inlier_ratio = n / compared as f64;
        self.estimated_accuracy_px = (variance * 4.0 / n).sqrt();
    }

    fn accepted(self) -> Refinement {
        Refinement {
            warp: self.warp,
            rejected: None,
            tiles: self.tiles,
            compared: self.compared,
            inlier_ratio: self.inlier_ratio,
            estimated_accuracy_px: self.estimated_accuracy_px,
            levels_completed: self.levels_completed,
            defocus_px: self.blurs.defocus_px(),
            residuals: self.residuals,
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
mod tests {
    use super::*;
    use crate::synthetic::{image, texture, tiles};
    use ndarray::Array2;

    const SIZE: Size = Size {
        width: 600,
        height: 480,
    };

    #[test]
    fn levels_go_from_what_the_tile_carries_to_the_sharpest() {
        assert_eq!(levels(192, 6.0), [6.0, 3.0, 1.5, SHARPEST_PX]);
        assert_eq!(levels(48, 6.0), [2.0, SHARPEST_PX]);
        // A tile too small for any blur is looked at once.
        assert_eq!(levels(16, 6.0), [SHARPEST_PX]);
    }

    #[test]
    fn what_is_smooth_is_read_sparsely() {
        assert_eq!([0.8, 1.5, 3.0, 6.0].map(stride), [1, 1, 3, 6]);
    }

    fn truth() -> Warp {
        Warp::similarity(1.01, 1.5, (300.0, 240.0))
    }

    /// Tiles of post, which shows pre through the truth, and pre.
    fn pair() -> (Vec<Tile>, Array2<f32>) {
        let truth = truth();
        let post = image((SIZE.width, SIZE.height), |x, y| {
            let (u, v) = truth.apply(x, y);
            1.5 * texture(u, v, 0.0)
        });
        let pre = image((640, 520), |x, y| texture(x, y, 0.0));
        (tiles(&post, 96), pre)
    }

    #[test]
    fn a_warp_three_px_off_comes_out_to_hundredths() {
        let (tiles, pre) = pair();
        let off = Warp::translation(2.5, -1.7).then(&truth());
        let options = RefineOptions::default();
        let refined = refine(&tiles, SIZE, pre.view().into(), &off, &options);
        assert_eq!(refined.rejected, None);
        let error = refined.warp.mean_distance(&truth(), SIZE);
        assert!(error < 0.01, "{error}");
        assert!(refined.inlier_ratio > 0.9);
        assert_eq!(refined.levels_completed, levels(96, 6.0).len());
        assert_eq!(refined.defocus_px, 0.0);
    }

    /// Stripes run through some tiles: they can be compared, and tell no shift along the stripes.
    #[test]
    fn the_inlier_ratio_counts_the_tiles_that_were_compared() {
        let striped = |x: f64| x < 200.0;
        let counts = |x: f64, y: f64| {
            if striped(x) {
                100.0 + 30.0 * (0.4 * x).sin()
            } else {
                texture(x, y, 0.0)
            }
        };
        let post = image((SIZE.width, SIZE.height), |x, y| 1.5 * counts(x, y));
        let pre = image((SIZE.width, SIZE.height), counts);
        let options = RefineOptions::default();
        let start = Warp::translation(0.3, 0.0);
        let refined = refine(&tiles(&post, 96), SIZE, pre.view().into(), &start, &options);
        assert_eq!(refined.rejected, None);
        assert!(refined.tiles < refined.compared, "{refined:?}");
        let agreeing = refined.inlier_ratio * refined.compared as f64;
        assert!((agreeing - agreeing.round()).abs() < 1e-9, "{refined:?}");
        assert!(agreeing.round() as usize <= refined.tiles);
        assert!(refined.inlier_ratio < 0.9, "stripes agree on nothing");
    }

    #[test]
    fn what_cannot_be_trusted_is_not_kept() {
        let (tiles, pre) = pair();
        let off = Warp::translation(2.5, -1.7).then(&truth());
        let options = RefineOptions::default();
        let short = RefineOptions {
            max_correction_px: 2.0,
            ..options.clone()
        };
        let cases = [
            (&tiles[..], &short, "it moved a corner by"),
            (&tiles[..5], &options, "only 5 tiles could be compared"),
            (&[], &options, "there is no tile"),
        ];
        for (tiles, options, reason) in cases {
            let refined = refine(tiles, SIZE, pre.view().into(), &off, options);
            assert_eq!(refined.warp, off);
            assert!(refined.residuals.is_empty());
            let said = refined.rejected.expect("a reason");
            assert!(said.starts_with(reason), "{said}");
        }
    }
}
