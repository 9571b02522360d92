//! Pairs on which version 0.1.0 gave a wrong scale and called the task complete: now the scale is right, or it is doubted.

use crate::common::task;
use e2m_pipeline::{Params, Status, Unobserved, Verdict, run_task};

/// Beside the true scale, as a share.
const LIMIT: f64 = 0.02;

#[test]
fn a_wrong_scale_is_never_complete() {
    for case in ["black-level", "bright-grain", "dirt", "two-backgrounds"] {
        let Some(folder) = e2m_testing::shared(&format!("cases/pairs/{case}")) else {
            return;
        };
        let truth = std::fs::read_to_string(folder.join("truth.json")).expect("a truth");
        let truth: serde_json::Value = serde_json::from_str(&truth).expect("JSON");
        let gain = truth["gain"].as_f64().expect("a gain");
        let out = tempfile::tempdir().expect("a folder");
        let raw = |side: &str| folder.join(format!("raw/A/A_{side}Stain_DAPI.tif"));
        let params = Params {
            pad: 20,
            ..Params::default()
        };
        let spec = task(out.path(), "A", "DAPI", &raw("Post"), &raw("Pre"), params);
        let first = run_task(&spec, &mut Unobserved);
        let manifest = first.manifest.expect("a manifest");
        let moffat = manifest.scales.moffat.clone().expect("a scale");
        let is_right = (moffat.value / gain - 1.0).abs() <= LIMIT;
        assert!(
            is_right || matches!(first.status, Status::Suspect(_)),
            "{case}: {} for {gain}, {}",
            moffat.value,
            first.status
        );
        let scale = manifest.scale.clone().expect("a verdict");
        assert_eq!(
            (scale.verdict, &scale.reasons),
            (moffat.verdict, &moffat.reasons)
        );
        if scale.verdict != Verdict::Pass {
            for reason in &scale.reasons {
                assert!(
                    first.status.to_string().contains(reason),
                    "{}",
                    first.status
                );
            }
        }
        // Looked at again, it is thought of in the same way.
        let again = run_task(&spec, &mut Unobserved);
        assert!(again.stages_done.is_empty());
        assert_eq!(again.status, first.status);
        let preview = e2m_pipeline::preview(&spec).expect("a preview");
        assert_eq!(preview.finished, Some(first.status));
    }
}
