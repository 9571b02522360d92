//! Pairs that no homography aligns: what remains is said, and is what it is.

use crate::{measure_all, nobody_breaks};
use e2m_align::{AlignOptions, Verdict};
use e2m_fixtures::{NamedRecipe, deformed_pairs};

/// The largest displacement, px.
const AMPLITUDE_PX: f64 = 5.0;
/// How far the reported median residual may be from the truth, as a share of it.
const MEDIAN_TOLERANCE: f64 = 0.25;
/// The same for the 90th percentile, which rests on two or three tiles, each deformed itself.
const P90_TOLERANCE: f64 = 0.4;

/// So many pairs are in a sample.
const SAMPLE: usize = 3;

#[test]
fn a_local_deformation_is_suspect_and_measured() {
    let pairs: Vec<NamedRecipe> = [61, 71]
        .into_iter()
        .flat_map(|seed| deformed_pairs(1500, seed, AMPLITUDE_PX))
        .collect();
    let pairs = e2m_testing::sample("deformed pairs", pairs, SAMPLE);
    let measured = measure_all(&pairs, &AlignOptions::default());
    nobody_breaks("a deformed pair is suspect", &measured, |pair| {
        !pair
            .outcome
            .as_ref()
            .is_ok_and(|figures| figures.verdict == Verdict::Suspect)
    });
    let near = |found: f64, truth: f64, share: f64| (found - truth).abs() <= share * truth;
    nobody_breaks("residuals are true", &measured, |pair| {
        let Ok(figures) = &pair.outcome else {
            return true;
        };
        let (Some(found), Some(truth)) = (&figures.residual, &figures.true_residual) else {
            return true;
        };
        !(near(found.median_px, truth.median_px, MEDIAN_TOLERANCE)
            && near(found.p90_px, truth.p90_px, P90_TOLERANCE))
    });
}
