//! The one real pair: no truth is known, so the residual and the similarity tell.

use crate::real_pair::{folder, load};
use e2m_align::{AlignOptions, Verdict, align};

/// Median residual of the tiles outside the fit, px.
const RESIDUAL_PX: f64 = 0.2;
/// Correlation of the logarithms of counts.
const CORRELATION: f64 = 0.88;

#[test]
fn the_real_pair_is_aligned_and_trusted() {
    let there = Some(folder()).filter(|folder| folder.is_dir());
    let Some(folder) = e2m_testing::prerequisite("the real pair beside the project", there) else {
        return;
    };
    let [post, pre] = load(&folder).expect("two raw images");
    let alignment = align(&post, &pre, &AlignOptions::default()).expect("one section");
    let residual = alignment.check.summary.expect("tiles outside the fit");
    let correlation = alignment.similarity.correlation;
    println!(
        "{} median residual {:.3} px, p90 {:.3} px over {} of {} tiles, correlation {correlation:.3}, {:?}",
        alignment.coarse.method,
        residual.median_px,
        residual.p90_px,
        residual.measured,
        residual.tiles,
        alignment.assessment,
    );
    assert!(residual.median_px <= RESIDUAL_PX);
    assert!(correlation >= CORRELATION);
    assert_eq!(alignment.assessment.verdict, Verdict::Pass);
}
