//! What is to be thought of an alignment.

use crate::manifest::Verdict;
use e2m_align::{FineAlignment, Similarity};

/// A median residual beyond this is visible in the difference image, px.
const MAX_RESIDUAL_PX: f64 = 1.0;
/// Less of post's signal under pre than this leaves most of the section without a background.
const MIN_OVERLAP: f64 = 0.3;
/// Fewer measured tiles than this share say little about the whole.
const MIN_MEASURED_SHARE: f64 = 0.3;
/// Fewer measured tiles than this are chance.
const MIN_MEASURED: usize = 4;

/// The verdict and its reasons.
pub(crate) fn judge(fine: &FineAlignment, similarity: &Similarity) -> (Verdict, Vec<String>) {
    let mut reasons = Vec::new();
    match &fine.summary {
        None => reasons.push("no tile could be compared, so the alignment is unchecked".to_owned()),
        Some(s) => {
            if s.median_px > MAX_RESIDUAL_PX {
                reasons.push(format!(
                    "median residual {:.2} px is above {MAX_RESIDUAL_PX} px",
                    s.median_px
                ));
            }
            if s.measured < MIN_MEASURED
                || (s.measured as f64) < MIN_MEASURED_SHARE * s.tiles as f64
            {
                reasons.push(format!(
                    "only {} of {} tiles show the same structure in both images",
                    s.measured, s.tiles
                ));
            }
        }
    }
    if similarity.overlap_fraction < MIN_OVERLAP {
        let percent = 100.0 * similarity.overlap_fraction;
        reasons.push(format!(
            "pre covers only {percent:.0} % of the section in post"
        ));
    }
    let verdict = if reasons.is_empty() {
        Verdict::Pass
    } else {
        Verdict::Suspect
    };
    (verdict, reasons)
}

#[cfg(test)]
mod tests {
    use super::*;
    use e2m_align::{Refinement, ResidualSummary};
    use e2m_image::Warp;

    fn fine(summary: Option<ResidualSummary>) -> FineAlignment {
        let warp = Warp::identity();
        let refinement = Refinement {
            warp,
            rejected: None,
            tiles: 20,
            inlier_ratio: 1.0,
            estimated_accuracy_px: 0.01,
            levels_completed: 4,
        };
        FineAlignment {
            warp,
            refinement,
            residuals: Vec::new(),
            summary,
        }
    }

    fn summary(median_px: f64, measured: usize) -> Option<ResidualSummary> {
        Some(ResidualSummary {
            median_px,
            p90_px: 2.0 * median_px,
            measured,
            tiles: 20,
        })
    }

    #[test]
    fn doubts_are_named() {
        let good = Similarity {
            correlation: 0.95,
            overlap_fraction: 0.9,
        };
        assert_eq!(
            judge(&fine(summary(0.1, 20)), &good),
            (Verdict::Pass, vec![])
        );
        let cases = [
            (
                fine(summary(1.4, 20)),
                good,
                "median residual 1.40 px is above 1 px",
            ),
            (
                fine(summary(0.1, 4)),
                good,
                "only 4 of 20 tiles show the same structure in both images",
            ),
            (
                fine(None),
                good,
                "no tile could be compared, so the alignment is unchecked",
            ),
            (
                fine(summary(0.1, 20)),
                Similarity {
                    overlap_fraction: 0.1,
                    ..good
                },
                "pre covers only 10 % of the section in post",
            ),
        ];
        for (fine, similarity, reason) in cases {
            assert_eq!(
                judge(&fine, &similarity),
                (Verdict::Suspect, vec![reason.to_owned()])
            );
        }
    }
}
