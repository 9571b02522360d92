//! The refinement together with its check.

use crate::check::{Check, check_alignment};
use crate::comparison::{BlurMatch, SamplingLevel, TileComparison};
use crate::local::{LocalCorrection, LocalOutcome};
use crate::options::RefineOptions;
use crate::refine::{Refinement, refine_to_level, refit};
use crate::residual::median;
use crate::survey::Survey;
use crate::tiles::Tile;
use crate::verdict::is_wrong;
use e2m_image::{Mapping, MendedView, Size, Warp};
use rayon::prelude::*;

/// A refinement under which the typical check tile differs by this much more, as a logarithm, has made things worse.
const WORSE_BY: f64 = 0.02;
/// A refinement that moves the image by this much in the mean, px, must not make more check tiles less alike than chance
/// would by [`CHANCE`] standard deviations.
const MOVES_PX: f64 = 0.25;
/// See [`MOVES_PX`].
const CHANCE: f64 = 2.0;
/// All tiles together may move the warp by this many times its accuracy at most, in the mean over the tiles.
const MAX_REFIT: f64 = 4.0;
/// How check tiles are sampled to compare two warps, at least as smoothly as they were fitted: noise hides what differs.
const GUARD: SamplingLevel = SamplingLevel {
    sigma_px: 1.0,
    stride: 2,
    search_radius_px: 2.0,
};

/// A refined warp and what tiles outside the fit say about it.
#[derive(Debug, Clone)]
pub struct FineAlignment {
    /// Post to pre, full-resolution raw pixels.
    pub warp: Warp,
    /// How the refinement went.
    pub refinement: Refinement,
    /// What the check tiles say about the warp of the fit, which had nothing of them. `warp` has since been fitted to those that
    /// agreed as well, which moves it by about its accuracy. Where a local correction was kept, about both together.
    pub check: Check,
    /// What came of a local correction; `None` where none was asked for.
    pub local: Option<LocalOutcome>,
}

impl FineAlignment {
    /// The local correction, where one was kept.
    pub fn correction(&self) -> Option<&LocalCorrection> {
        match &self.local {
            Some(LocalOutcome::Kept(correction)) => Some(correction),
            Some(LocalOutcome::NotNeeded | LocalOutcome::NotKept(_)) | None => None,
        }
    }

    /// Post to pre, full-resolution raw pixels: the warp, and the local correction on top where one was kept.
    pub fn mapping(&self) -> Mapping {
        Mapping {
            warp: self.warp,
            deformation: self.correction().map(|local| local.deformation.clone()),
        }
    }
}

/// Refines `initial` on the `fit` tiles of post and checks it on the `check` tiles. The refined warp is only kept where
/// the check tiles do not disagree with it more than with the initial one, and do not call it wrong. Then those that agree join the fit.
pub fn align_fine(
    fit: &[Tile],
    check: &[Tile],
    post: Size,
    pre: MendedView<'_>,
    initial: &Warp,
    options: &RefineOptions,
) -> FineAlignment {
    let (mut refinement, sigma_px) = refine_to_level(fit, post, pre, initial, options);
    if refinement.rejected.is_none()
        && let Some(reason) = worse(check, post, pre, initial, (&refinement, sigma_px))
    {
        refinement = refinement.rejected_for(initial, reason);
    }
    let check_of = |refinement: &Refinement| {
        check_alignment(check, post, pre, &refinement.warp, refinement.defocus_px)
    };
    let mut found = check_of(&refinement);
    // What tiles outside the fit call wrong has its refinement from tiles that agreed by chance.
    if refinement.rejected.is_none() && is_wrong(&found) {
        let (agreeing, tiles) = (found.residuals.len(), found.tiles.len());
        let reason = format!("only {agreeing} of {tiles} tiles outside the fit agree with it");
        refinement = refinement.rejected_for(initial, reason);
        found = check_of(&refinement);
    }
    let warp = &refinement.warp;
    let blurs = BlurMatch::of_defocus(refinement.defocus_px);
    found.survey = Survey::of([fit, check], &found, post, pre, &warp.into(), blurs);
    if refinement.rejected.is_none() {
        let agrees = |tile: &&Tile| found.residuals.iter().any(|r| r.tile == tile.spec);
        let all: Vec<&Tile> = fit.iter().chain(check.iter().filter(agrees)).collect();
        let again = (all.len() > fit.len())
            .then(|| refit(&all, post, pre, &refinement, sigma_px))
            .flatten();
        if let Some(again) = again.filter(|again| is_alike(again, &refinement, post)) {
            refinement = again;
        }
    }
    FineAlignment {
        warp: refinement.warp,
        refinement,
        check: found,
        local: None,
    }
}

impl FineAlignment {
    /// The same without its refinement, for a reason that tiles do not know: the check is made again, of `initial`.
    #[cfg(feature = "opencv")]
    pub(crate) fn without_refinement(
        self,
        [fit, check]: [&[Tile]; 2],
        (post, pre): (Size, MendedView<'_>),
        initial: &Warp,
        reason: String,
    ) -> Self {
        let refinement = self.refinement.rejected_for(initial, reason);
        let mut found = check_alignment(check, post, pre, initial, refinement.defocus_px);
        let blurs = BlurMatch::of_defocus(refinement.defocus_px);
        found.survey = Survey::of([fit, check], &found, post, pre, &initial.into(), blurs);
        Self {
            warp: *initial,
            refinement,
            check: found,
            local: None,
        }
    }
}

/// Whether all tiles together say what those of the fit said.
fn is_alike(all: &Refinement, fit: &Refinement, post: Size) -> bool {
    let moved = all.warp.mean_distance(&fit.warp, post);
    moved <= MAX_REFIT * fit.estimated_accuracy_px.max(all.estimated_accuracy_px)
}

/// Why the refined warp is worse than the initial one, if it is: post and pre differ more on the check tiles. Each tile
/// is compared with itself, so that stain and dust, which are there under both warps, do not count.
fn worse(
    check: &[Tile],
    post: Size,
    pre: MendedView<'_>,
    initial: &Warp,
    (refined, sigma_px): (&Refinement, f64),
) -> Option<String> {
    let level = SamplingLevel {
        sigma_px: GUARD.sigma_px.max(sigma_px),
        ..GUARD
    };
    let blurs = BlurMatch::of_defocus(refined.defocus_px);
    let difference = |tile: &Tile, warp: &Warp| {
        let mut comparison = TileComparison::new(tile, pre, warp, level, blurs)?;
        comparison.correlation(warp)?;
        Some(comparison.noise())
    };
    let changes: Vec<f64> = check
        .par_iter()
        .filter_map(|tile| {
            let (before, after) = (difference(tile, initial)?, difference(tile, &refined.warp)?);
            Some((after / before).ln())
        })
        .collect();
    let compared = changes.len() as f64;
    let for_the_worse = changes.iter().filter(|change| **change > 0.0).count() as f64;
    // Each tile is for the worse as often as not: the standard deviation of their number is sqrt(compared) / 2.
    let more_than_chance = for_the_worse > (compared + CHANCE * compared.sqrt()) / 2.0;
    let is_far = refined.warp.mean_distance(initial, post) > MOVES_PX;
    let change = median(changes);
    (change > WORSE_BY || is_far && more_than_chance).then(|| {
        format!(
            "post and pre differ more after it on {for_the_worse} of {compared} tiles outside the fit, by {:.1} % on the typical \
             one",
            100.0 * (change.exp() - 1.0)
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::synthetic::{image, texture, tiles};

    const SIZE: Size = Size {
        width: 600,
        height: 480,
    };

    /// The tiles of the fit are shifted against those of the check: whatever fits the former is worse for the latter.
    #[test]
    fn a_fit_that_the_check_speaks_against_leaves_no_residuals() {
        let shifted = |dx: f64| {
            let post = image((SIZE.width, SIZE.height), |x, y| texture(x + dx, y, 0.0));
            tiles(&post, 96)
        };
        let (fit, check) = (shifted(2.0), shifted(0.0));
        let pre = image((620, 480), |x, y| texture(x, y, 0.0));
        let options = RefineOptions::default();
        let initial = Warp::identity();
        let fine = align_fine(&fit, &check, SIZE, pre.view().into(), &initial, &options);
        let reason = fine.refinement.rejected.expect("a reason");
        assert!(
            reason.starts_with("post and pre differ more after it"),
            "{reason}"
        );
        assert_eq!((fine.warp, fine.refinement.warp), (initial, initial));
        assert!(fine.refinement.residuals.is_empty());
        // The check is about the warp that is kept.
        assert!(fine.check.agreement() > 0.9);
        assert!(fine.check.summary.expect("tiles that agree").median_px < 0.05);
    }
}
