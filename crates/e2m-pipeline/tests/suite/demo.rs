//! The three pairs of the demo, as `cargo xtask demo` runs them.

use crate::common::task;
use e2m_fixtures::{DEMO, Recipe, write_pair};
use e2m_pipeline::{Params, Stage, Status, Unobserved, run_task};

/// Mean distance, in post px, between where the found and the true warp send points of the section.
const MAX_ERROR_PX: f64 = 0.1;

#[test]
fn demo_pairs_are_aligned_and_scaled() {
    for demo in DEMO {
        let work = tempfile::tempdir().expect("a folder");
        let recipe = Recipe::shipped(demo.recipe).expect("a recipe");
        let truth_and_files =
            write_pair(&recipe, &work.path().join("raw"), demo.sample, demo.dye).expect("a pair");
        let truth = e2m_fixtures::Truth::read(&truth_and_files.truth).expect("the truth");
        let params = Params {
            pad: 200,
            ..Params::default()
        };
        let (post, pre) = (&truth_and_files.post, &truth_and_files.pre);
        let mut spec = task(
            &work.path().join("out"),
            demo.sample,
            demo.dye,
            post,
            pre,
            params,
        );
        spec.to_stage = Stage::Difference;
        let outcome = run_task(&spec, &mut Unobserved);
        assert_eq!(outcome.status, Status::Complete, "{}", demo.recipe);
        let manifest = outcome.manifest.expect("a manifest");
        let warp = manifest
            .canvas
            .warp_to_raw(&manifest.warps.interior.expect("a warp"));
        let error = truth.registration_error(&warp);
        assert!(error.mean_px <= MAX_ERROR_PX, "{}: {error:?}", demo.recipe);
        let scale = manifest.scales.moffat.expect("a scale").value;
        // Vignetting differs between the two images of the hard pair, so that the background has no single scale.
        let tolerance = if recipe.vignetting_post.is_some() || recipe.vignetting_pre.is_some() {
            0.05
        } else {
            0.002
        };
        assert!(
            (scale / truth.gain - 1.0).abs() < tolerance,
            "{}: {scale} for {}",
            demo.recipe,
            truth.gain
        );
    }
}
