//! Local correction: a smooth displacement on top of the homography, for sections that were wetted, cut, or put on the slide
//! anew.
//!
//! Many small tiles over the section each tell how far post and pre are apart there, by the same comparison of brightness as the
//! refinement. A cubic B-spline goes through what they ask for, held back by its bending energy; how stiff it is, is chosen by
//! tiles that are left out. The tiles are then measured again under that field, until it settles (Gauss and Newton's way, with
//! the free-form deformations of Rueckert et al. 1999, doi:10.1109/42.796284).
//!
//! Nothing is done where the check shows no shifts that neighbours share. What is found is kept only where it is one to one and
//! where the tiles of the check fit better by more than chance, each under a field that has seen nothing of it. The field that is
//! kept is fitted to everything; what is reported of the check is under those that were not.

mod band;
mod fit;
mod grid;
#[cfg(test)]
mod tests;

use crate::check::{Check, check_mappings};
use crate::comparison::{BlurMatch, SamplingLevel};
use crate::deformation::{chance_of_similarity, local_displacement, without_affine};
use crate::frame::NormalisedFrame;
use crate::options::RefineOptions;
use crate::residual::{MEASURING, TileResidual, measure, median};
use crate::tiles::{Tile, TileSpec, choose_tiles};
use e2m_image::{Deformation, Mapping, MendedView, Size, Warp};
use fit::{FieldFit, Wish, fit_field, fit_without};
use grid::FieldGrid;
use ndarray::ArrayView2;
use rayon::prelude::*;

/// A tile of the check is divided into so many along its side, where these keep structure: a field bends within a large tile,
/// and a tile that is held back leaves a hole no larger than itself.
const PER_CHECK_TILE: usize = 2;
/// The smallest side of such a tile, px.
const MIN_TILE_PX: usize = 48;
/// The tiles of the check are held back in so many groups, so that no group leaves a hole in the field.
const GROUPS: usize = 4;
/// Tiles at most.
const MAX_TILES: usize = 720;
/// Fewer tiles than this determine no field worth having.
const MIN_TILES: usize = 24;
/// Tiles of noise alone look alike to their neighbours this often; the tiles of the check that is to come decide again.
const MAX_CHANCE: f64 = 0.01;
/// Displacements that neighbours share up to this are left alone, px: what a difference image shows of them drowns in what else
/// it shows at edges.
const NEEDED_PX: f64 = 0.1;
/// Rounds of measuring and fitting.
const ROUNDS: usize = 4;
/// A round that moves the typical tile by less than this is the last, px.
const SETTLED_PX: f64 = 0.01;
/// How tiles are measured once a field is near: what remains is small.
const CLOSE: [SamplingLevel; 2] = [
    SamplingLevel {
        sigma_px: 2.0,
        stride: 2,
        search_radius_px: 6.0,
    },
    MEASURING[1],
];
/// So seldom would so many tiles of the check improve if a field were no better than none.
const IMPROVED_BY_CHANCE: f64 = 1e-3;
/// And their typical residual must fall to this share, or a field is not worth its freedom.
const IMPROVED_TO: f64 = 0.75;
/// The tiles of the check must correlate no less, but for this.
const CORRELATION_SLACK: f64 = 0.01;

/// A correction beyond this is never passed, px: a section that is wetted or put on its slide anew moves by less, other sections
/// and what grew by more.
const MAX_PASSED_PX: f64 = 10.0;
/// Nor is one under which a tenth of the check's tiles remain displaced by more, px: what is smooth leaves none.
const MAX_P90_PX: f64 = 1.0;
/// So large a share of the check's tiles has to agree under a field for a pass; under a homography fewer do.
const MIN_AGREEMENT: f64 = 0.75;

/// A local correction that was kept.
#[derive(Debug, Clone, PartialEq)]
pub struct LocalCorrection {
    /// The displacement in pre px on top of the warp; post points in raw pixels.
    pub deformation: Deformation,
    /// The largest displacement over the tiles it was fitted to, px of post.
    pub max_px: f64,
    /// The median of these displacements.
    pub median_px: f64,
    /// Tiles it was fitted to.
    pub tiles: usize,
    /// Median residual of the check's tiles without it, px.
    pub residual_before_px: f64,
    /// The same with it, fitted without them.
    pub residual_after_px: f64,
    /// The expected error of the mapping, px: the typical distance of the field from tiles that were left out, which holds their
    /// own errors as well.
    pub estimated_accuracy_px: f64,
}

impl LocalCorrection {
    /// Why an alignment that rests on it is not beyond doubt, given the check under it. A field is freer than a homography: more
    /// tiles have to agree, and it may not reach far, as it does between sections that are neighbours in a block, or grew.
    pub fn doubt(&self, check: &Check) -> Option<String> {
        let (agreeing, tiles) = (check.residuals.len(), check.tiles.len());
        if self.max_px > MAX_PASSED_PX {
            return Some(format!(
                "the local correction reaches {:.1} px, more than {MAX_PASSED_PX} px: is it the same section?",
                self.max_px
            ));
        }
        let p90_px = check.summary.as_ref().map_or(0.0, |summary| summary.p90_px);
        if p90_px > MAX_P90_PX {
            return Some(format!(
                "with a local correction of {:.1} px, a tenth of the tiles remain displaced by {p90_px:.1} px or more",
                self.max_px
            ));
        }
        (check.agreement() < MIN_AGREEMENT).then(|| {
            format!(
                "with a local correction of {:.1} px, only {agreeing} of {tiles} tiles show the same structure in both images",
                self.max_px
            )
        })
    }
}

/// What came of a local correction.
#[derive(Debug, Clone, PartialEq)]
pub enum LocalOutcome {
    /// The check shows nothing that a field could correct.
    NotNeeded,
    /// A field was looked for and none was kept, for this reason.
    NotKept(String),
    /// A field was found and kept.
    Kept(Box<LocalCorrection>),
}

/// Whether the check of a homography shows displacements that neighbouring tiles share and that the homography leaves.
pub fn needs_local_correction(check: &Check) -> bool {
    let rest = without_affine(&check.residuals);
    local_displacement(&rest).is_some_and(|local| local.length_px() > NEEDED_PX)
        && chance_of_similarity(&rest) <= MAX_CHANCE
}

/// The most that the tiles of a local correction hold on an image of `post` size, bytes.
pub fn local_memory_bytes(post: Size) -> u64 {
    let side = tile_side(RefineOptions::default().tile_side(post));
    let most = (post.pixels() / (side * side) as u64).min(MAX_TILES as u64);
    most * (side * side * size_of::<f32>()) as u64
}

/// The side of a tile beside a check with tiles of `check_px`.
fn tile_side(check_px: usize) -> usize {
    let part = check_px / PER_CHECK_TILE;
    if part < MIN_TILE_PX { check_px } else { part }
}

/// Chooses the tiles of a local correction, as [`choose_tiles`] does those of a refinement: smaller ones, and more, each within a
/// tile of the `check` or beside it.
pub fn choose_local_tiles(
    preview: ArrayView2<'_, f32>,
    factor: usize,
    post: Size,
    pre: Size,
    warp: &Warp,
    check: &[TileSpec],
) -> Vec<TileSpec> {
    let options = local_tile_options(check);
    let plan = choose_tiles(preview, factor, post, pre, warp, &options);
    in_line_with(check, plan.fit, post)
}

fn local_tile_options(check: &[TileSpec]) -> RefineOptions {
    let check_px = check.first().map_or(MIN_TILE_PX, |tile| tile.side_px);
    RefineOptions {
        tile_px: tile_side(check_px),
        fit_tiles: MAX_TILES,
        check_tiles: 0,
        ..RefineOptions::default()
    }
}

/// Moves tiles by less than their side so that each lies within a tile of the check or beside it; those that would leave an
/// image of `post` size are left out.
fn in_line_with(check: &[TileSpec], tiles: Vec<TileSpec>, post: Size) -> Vec<TileSpec> {
    let Some(first) = check.first() else {
        return tiles;
    };
    let moved = |tile: TileSpec| {
        let side = tile.side_px as i64;
        let along = |at: usize, first: usize| {
            let steps = (at as i64 - first as i64 + side / 2).div_euclid(side);
            usize::try_from(first as i64 + steps * side).ok()
        };
        let (x, y) = (along(tile.x, first.x)?, along(tile.y, first.y)?);
        let fits = x + tile.side_px <= post.width && y + tile.side_px <= post.height;
        fits.then_some(TileSpec { x, y, ..tile })
    };
    tiles.into_iter().filter_map(moved).collect()
}

/// A pair of images with the homography between them.
#[derive(Debug, Clone, Copy)]
pub struct LocalPair<'a> {
    /// Size of post.
    pub post: Size,
    /// The whole pre image.
    pub pre: MendedView<'a>,
    /// Post to pre, full-resolution raw pixels.
    pub warp: Warp,
    /// How much blurrier post is, see [`Refinement::defocus_px`](crate::Refinement::defocus_px).
    pub defocus_px: f64,
}

/// Looks for a field on `tiles` of post and judges it by the tiles of the check, whose shifts under the homography are `before`.
/// With a field that is kept comes the check: each of its tiles under a field that was fitted without the tiles it shares
/// pixels with.
pub fn correct_locally(
    pair: &LocalPair<'_>,
    tiles: &[Tile],
    check: &[Tile],
    before: &Check,
) -> (LocalOutcome, Option<Check>) {
    let not_kept = |reason: String| {
        tracing::debug!(reason, "local correction not kept");
        (LocalOutcome::NotKept(reason), None)
    };
    let Some(found) = pair.settle(tiles, before.null_correlation.threshold) else {
        return not_kept(format!("of {} tiles too few tell a shift", tiles.len()));
    };
    let Some(after) = found.check_without(pair, check) else {
        return not_kept("too few tiles are left once some are held back".to_owned());
    };
    let improvement = match Improvement::of(before, &after) {
        Ok(improvement) => improvement,
        Err(reason) => return not_kept(reason),
    };
    if !pair.mapping(&found.fit.field).is_invertible(pair.post) {
        return not_kept("it folds".to_owned());
    }
    let lengths = found.lengths(pair);
    let correction = LocalCorrection {
        max_px: lengths.iter().copied().fold(0.0, f64::max),
        median_px: median(lengths.clone()),
        tiles: lengths.len(),
        residual_before_px: improvement.before_px,
        residual_after_px: improvement.after_px,
        estimated_accuracy_px: found.fit.left_out_px,
        deformation: found.fit.field,
    };
    (LocalOutcome::Kept(Box::new(correction)), Some(after))
}

/// A field with what it was fitted to.
struct Settled {
    grid: FieldGrid,
    fit: FieldFit,
    tiles: Vec<TileSpec>,
    wishes: Vec<Wish>,
}

impl Settled {
    /// Lengths of the displacement at the tiles that are trusted, px of post.
    fn lengths(&self, pair: &LocalPair<'_>) -> Vec<f64> {
        let trusted = self.tiles.iter().zip(&self.fit.trust);
        let trusted = trusted.filter(|(_, trust)| **trust > 0.5);
        trusted
            .map(|(tile, _)| {
                let (x, y) = tile.centre();
                let (dx, dy) = self.fit.field.at(x, y);
                dx.hypot(dy) / pair.warp.magnification(x, y).abs()
            })
            .collect()
    }

    /// The check of fields that have seen nothing of the tiles they are checked on: of some tiles at a time.
    fn check_without(&self, pair: &LocalPair<'_>, check: &[Tile]) -> Option<Check> {
        let held_back = |group: usize| {
            let mine: Vec<&TileSpec> = check
                .iter()
                .skip(group)
                .step_by(GROUPS)
                .map(|t| &t.spec)
                .collect();
            let is_apart = |i: usize| !mine.iter().any(|held| share_pixels(held, &self.tiles[i]));
            let left = (0..self.tiles.len()).filter(|&i| is_apart(i)).count();
            if left < MIN_TILES {
                return None;
            }
            let field = fit_without(&self.grid, &self.wishes, &self.fit, is_apart)?;
            Some(pair.mapping(&field))
        };
        let mappings: Option<Vec<Mapping>> = (0..GROUPS).into_par_iter().map(held_back).collect();
        let mappings = mappings?;
        let mapping_of = |i: usize| &mappings[i % GROUPS];
        Some(check_mappings(
            check,
            pair.post,
            pair.pre,
            mapping_of,
            pair.defocus_px,
        ))
    }
}

/// Whether two squares overlap.
fn share_pixels(a: &TileSpec, b: &TileSpec) -> bool {
    a.x < b.x + b.side_px && b.x < a.x + a.side_px && a.y < b.y + b.side_px && b.y < a.y + a.side_px
}

impl LocalPair<'_> {
    fn mapping(&self, field: &Deformation) -> Mapping {
        Mapping {
            warp: self.warp,
            deformation: Some(field.clone()),
        }
    }

    /// Measures the tiles and fits a field to them until it settles.
    fn settle(&self, tiles: &[Tile], threshold: f64) -> Option<Settled> {
        let specs: Vec<TileSpec> = tiles.iter().map(|t| t.spec).collect();
        let grid = FieldGrid::over(&specs)?;
        let mut mapping = Mapping::from(self.warp);
        let mut settled = None;
        for round in 0..ROUNDS {
            let levels = if round == 0 { MEASURING } else { CLOSE };
            let (tiles, wishes) = self.measure(&grid, &mapping, tiles, levels, threshold);
            if wishes.len() < MIN_TILES {
                return None;
            }
            let fit = fit_field(&grid, &wishes)?;
            let moved = median(self.moves(&mapping, &fit.field, &tiles));
            mapping = self.mapping(&fit.field);
            settled = Some(Settled {
                grid,
                fit,
                tiles,
                wishes,
            });
            if moved < SETTLED_PX {
                break;
            }
        }
        settled
    }

    /// The tiles that show the same in both images, with what they ask for under `mapping`.
    fn measure(
        &self,
        grid: &FieldGrid,
        mapping: &Mapping,
        tiles: &[Tile],
        levels: [SamplingLevel; 2],
        threshold: f64,
    ) -> (Vec<TileSpec>, Vec<Wish>) {
        let frame = NormalisedFrame::new(self.post);
        let blurs = BlurMatch::of_defocus(self.defocus_px);
        let measured: Vec<Option<(TileSpec, Wish)>> = tiles
            .par_iter()
            .map(|tile| {
                let (x, y) = tile.spec.centre();
                let near = mapping.homography_over(x, y, tile.spec.side_px as f64);
                let shift = measure(tile, self.pre, &near, &frame, blurs, levels)?;
                let alike = shift.correlation > threshold;
                alike.then(|| (tile.spec, self.wish(grid, &near, &shift)))
            })
            .collect();
        measured.into_iter().flatten().unzip()
    }

    /// How far a new field moves the tiles, px.
    fn moves(&self, mapping: &Mapping, field: &Deformation, tiles: &[TileSpec]) -> Vec<f64> {
        let moved = |tile: &TileSpec| {
            let (x, y) = tile.centre();
            let (dx, dy) = field.at(x, y);
            let (ox, oy) = mapping
                .deformation
                .as_ref()
                .map_or((0.0, 0.0), |old| old.at(x, y));
            (dx - ox).hypot(dy - oy)
        };
        tiles.iter().map(moved).collect()
    }

    /// The mean displacement over a tile that its shift under the homography `near` asks for.
    fn wish(&self, grid: &FieldGrid, near: &Warp, shift: &TileResidual) -> Wish {
        let (x, y) = shift.tile.centre();
        let (u, v) = near.apply(x + shift.dx, y + shift.dy);
        let (from_u, from_v) = self.warp.apply(x, y);
        Wish {
            row: grid.row_of(&shift.tile),
            shift: [u - from_u, v - from_v],
            error_px: shift.error_px * near.magnification(x, y).abs(),
        }
    }
}

/// By how much the tiles of a check improved.
struct Improvement {
    before_px: f64,
    after_px: f64,
}

impl Improvement {
    /// That from one check to another of the same tiles; why there is none otherwise.
    fn of(before: &Check, after: &Check) -> Result<Self, String> {
        let pairs: Vec<(&TileResidual, &TileResidual)> = before
            .residuals
            .iter()
            .filter_map(|b| Some((b, after.residuals.iter().find(|a| a.tile == b.tile)?)))
            .collect();
        let better = pairs
            .iter()
            .filter(|(b, a)| a.length_px() < b.length_px())
            .count();
        let typical =
            |of: fn(&(&TileResidual, &TileResidual)) -> f64| median(pairs.iter().map(of).collect());
        let before_px = typical(|(b, _)| b.length_px());
        let after_px = typical(|(_, a)| a.length_px());
        let change = typical(|(b, a)| a.correlation - b.correlation);
        let lost = before.residuals.len().saturating_sub(pairs.len());
        let count = pairs.len();
        if chance_of(better, count) > IMPROVED_BY_CHANCE
            || after_px > IMPROVED_TO * before_px
            || change < -CORRELATION_SLACK
            || 4 * lost > before.residuals.len()
        {
            return Err(format!(
                "of {count} tiles outside the fit {better} fit better with it, from a median residual of {before_px:.2} px to \
                 {after_px:.2} px"
            ));
        }
        Ok(Self {
            before_px,
            after_px,
        })
    }
}

/// The chance that of `count` tosses of a coin `heads` or more show heads.
fn chance_of(heads: usize, count: usize) -> f64 {
    // Terms of the binomial, each from the one before; count is at most some hundreds.
    let mut term = 0.5f64.powi(count.min(1000) as i32);
    let mut sum = 0.0;
    for k in 0..=count {
        if k >= heads {
            sum += term;
        }
        term *= (count - k) as f64 / (k + 1) as f64;
    }
    sum
}
