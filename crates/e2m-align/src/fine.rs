//! Refinement with its judgement.

use crate::check::{Check, check_alignment};
use crate::comparison::{BlurMatch, Comparison, Look};
use crate::options::RefineOptions;
use crate::refine::{Refinement, refine};
use crate::residual::median;
use crate::tiles::Tile;
use e2m_image::{PlaneView, Size, Warp};
use rayon::prelude::*;

/// A refinement under which the typical check tile differs by this much more, as a logarithm, has made things worse.
const WORSE_BY: f64 = 0.02;
/// How check tiles are looked at to compare two warps.
const GUARD: Look = Look {
    sigma_px: 1.0,
    stride: 2,
    travel_px: 2.0,
};

/// A refined warp and what tiles outside the fit say about it.
#[derive(Debug, Clone)]
pub struct FineAlignment {
    /// Post to pre, full-resolution raw pixels.
    pub warp: Warp,
    /// How the refinement went.
    pub refinement: Refinement,
    /// What the check tiles say about `warp`.
    pub check: Check,
}

/// Refines `initial` on the `fit` tiles of post and judges it on the `check` tiles. The refined warp is only kept where
/// the check tiles do not disagree with it more than with the initial one.
pub fn align_fine(
    fit: &[Tile],
    check: &[Tile],
    post: Size,
    pre: PlaneView<'_>,
    initial: &Warp,
    options: &RefineOptions,
) -> FineAlignment {
    let mut refinement = refine(fit, post, pre, initial, options);
    if refinement.rejected.is_none()
        && let Some(reason) = worse(check, pre, initial, &refinement)
    {
        tracing::debug!(reason, "refinement not kept");
        refinement.warp = *initial;
        refinement.rejected = Some(reason);
    }
    let check = check_alignment(check, post, pre, &refinement.warp, refinement.defocus_px);
    FineAlignment {
        warp: refinement.warp,
        refinement,
        check,
    }
}

/// Why the refined warp is worse than the initial one, if it is: post and pre differ more on the check tiles. Each tile
/// is compared with itself, so that stain and dust, which are there under both warps, do not count.
fn worse(
    check: &[Tile],
    pre: PlaneView<'_>,
    initial: &Warp,
    refined: &Refinement,
) -> Option<String> {
    let blurs = BlurMatch::of_defocus(refined.defocus_px);
    let difference = |tile: &Tile, warp: &Warp| {
        let mut comparison = Comparison::new(tile, pre, warp, GUARD, blurs)?;
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
    let compared = changes.len();
    let change = median(changes);
    (compared > 0 && change > WORSE_BY).then(|| {
        format!(
            "post and pre differ more after it, by {:.0} % on the typical one of {compared} tiles outside the fit",
            100.0 * (change.exp() - 1.0)
        )
    })
}
