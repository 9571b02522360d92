//! Refinement with its judgement.

use crate::options::RefineOptions;
use crate::refine::{Refinement, refine};
use crate::residual::{ResidualSummary, TileResidual, measure_residuals};
use crate::tiles::Tile;
use e2m_image::{PlaneView, Size, Warp};

/// A refinement that leaves the check tiles this much farther apart than before has made things worse, px.
const WORSE_BY_PX: f64 = 0.02;

/// A refined warp and what tiles outside the fit say about it.
#[derive(Debug, Clone)]
pub struct FineAlignment {
    /// Post to pre, full-resolution raw pixels.
    pub warp: Warp,
    /// How the refinement went.
    pub refinement: Refinement,
    /// Residual shifts of the check tiles under `warp`.
    pub residuals: Vec<TileResidual>,
    /// Their summary; `None` where no tile could be measured.
    pub summary: Option<ResidualSummary>,
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
    let judge = |warp: &Warp| {
        let residuals = measure_residuals(check, post, pre, warp);
        let summary = ResidualSummary::of(&residuals, check.len());
        (residuals, summary)
    };
    let (mut residuals, mut summary) = judge(&refinement.warp);
    if refinement.rejected.is_none() {
        let (before, before_summary) = judge(initial);
        if let Some(reason) = worse(before_summary.as_ref(), summary.as_ref()) {
            tracing::warn!(reason, "refinement not kept");
            refinement.warp = *initial;
            refinement.rejected = Some(reason);
            (residuals, summary) = (before, before_summary);
        }
    }
    FineAlignment {
        warp: refinement.warp,
        refinement,
        residuals,
        summary,
    }
}

/// Why `after` is worse than `before`, if it is.
fn worse(before: Option<&ResidualSummary>, after: Option<&ResidualSummary>) -> Option<String> {
    let before = before?;
    let Some(after) = after else {
        return Some("no check tile could be compared after it".to_owned());
    };
    (after.median_px > before.median_px + WORSE_BY_PX && after.measured <= before.measured).then(
        || {
            format!(
                "the median residual grew from {:.3} to {:.3} px",
                before.median_px, after.median_px
            )
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn summary(median_px: f64, measured: usize) -> ResidualSummary {
        ResidualSummary {
            median_px,
            p90_px: 2.0 * median_px,
            measured,
            tiles: 20,
        }
    }

    #[test]
    fn only_what_does_harm_is_worse() {
        assert_eq!(worse(None, Some(&summary(1.0, 3))), None);
        assert_eq!(
            worse(Some(&summary(0.3, 20)), Some(&summary(0.1, 20))),
            None
        );
        assert_eq!(
            worse(Some(&summary(0.10, 20)), Some(&summary(0.11, 20))),
            None
        );
        // More tiles within reach show more residual: no harm.
        assert_eq!(worse(Some(&summary(0.1, 4)), Some(&summary(0.3, 20))), None);
        let reason = worse(Some(&summary(0.1, 20)), Some(&summary(0.3, 20)));
        assert_eq!(
            reason.as_deref(),
            Some("the median residual grew from 0.100 to 0.300 px")
        );
        assert!(worse(Some(&summary(0.1, 20)), None).is_some());
    }
}
