//! The one real pair: no truth is known, so the residual and the similarity tell.

use crate::common::task;
use e2m_pipeline::{Params, Unobserved, Verdict, run_task};
use e2m_testing::shared;

#[test]
fn a_real_pair_is_aligned() {
    let Some(real) = shared("real") else { return };
    let work = tempfile::tempdir().expect("a folder");
    let (post, pre) = (
        real.join("cycif01_PostStain_DAPI.tif"),
        real.join("cycif01_PreStain_DAPI.tif"),
    );
    let params = Params {
        pad: 100,
        ..Params::default()
    };
    let outcome = run_task(
        &task(work.path(), "cycif01", "DAPI", &post, &pre, params),
        &mut Unobserved,
    );
    assert_eq!(outcome.status.to_string(), "complete");
    let manifest = outcome.manifest.expect("a manifest");
    let alignment = manifest.alignment.expect("an alignment");
    assert_eq!(alignment.verdict, Verdict::Pass);
    let residual = alignment.residual_median_px.expect("measured");
    assert!(residual <= 0.2, "median tile residual {residual:.3} px");
    assert!(
        alignment.correlation >= 0.88,
        "correlation {:.3}",
        alignment.correlation
    );
    assert!(alignment.overlap_fraction > 0.9);
}
