//! What a task does about its alignment: the ways of stage 2, the steps of stage 3, the verdict, the picture.

use crate::common::{files_below, task};
use e2m_fixtures::{Deformation, PreWorld, Recipe, Section, Shape, Truth, WrittenPair, write_pair};
use e2m_pipeline::{
    CoarseMethod, LocalCorrectionChoice, Manifest, Params, Status, TaskOutcome, TaskSpec,
    Unobserved, Verdict, run_task,
};

const PAD: usize = 50;

struct Pair {
    dir: tempfile::TempDir,
    written: WrittenPair,
}

impl Pair {
    fn new(recipe: &Recipe) -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        let written = write_pair(recipe, &dir.path().join("raw"), "S1", "DAPI").expect("a pair");
        Self { dir, written }
    }

    fn spec(&self, change: impl FnOnce(&mut Params)) -> TaskSpec {
        let mut params = Params {
            pad: PAD,
            ..Params::default()
        };
        change(&mut params);
        let output = self.dir.path().join("out");
        task(
            &output,
            "S1",
            "DAPI",
            &self.written.post,
            &self.written.pre,
            params,
        )
    }

    fn run(&self, change: impl FnOnce(&mut Params)) -> TaskOutcome {
        run_task(&self.spec(change), &mut Unobserved)
    }

    fn truth(&self) -> Truth {
        Truth::read(&self.written.truth).expect("a truth file")
    }

    /// The mean error of a canvas warp against the truth, px.
    fn error_px(&self, outcome: &Manifest, warp: Option<e2m_image::Warp>) -> f64 {
        let warp = warp.expect("a warp");
        let raw = outcome.canvas.warp_to_raw(&warp);
        self.truth().registration_error(&raw).mean_px
    }
}

fn outlined() -> Recipe {
    Recipe {
        width: 900,
        height: 720,
        rotation_deg: 9.0,
        magnification: 1.08,
        shift_fraction: [0.03, -0.02],
        seed: 77,
        ..Recipe::default()
    }
}

fn manifest(outcome: TaskOutcome) -> Manifest {
    *outcome.manifest.expect("a manifest")
}

#[test]
fn auto_says_what_each_way_came_to_and_keeps_the_more_alike() {
    let pair = Pair::new(&outlined());
    let outcome = pair.run(|_| {});
    assert_eq!(outcome.status, Status::Complete);
    let manifest = manifest(outcome);
    let alignment = manifest.alignment.clone().expect("an alignment");
    assert_eq!(alignment.candidates.len(), 2);
    let best = alignment
        .candidates
        .iter()
        .max_by(|a, b| {
            a.detail_correlation
                .total_cmp_or_none(&b.detail_correlation)
        })
        .expect("two candidates");
    assert_eq!(best.method.to_string(), alignment.coarse_method);
    assert!(alignment.features.is_some_and(|f| f.inliers > 100));
    assert!(alignment.boundary.is_some_and(|b| b.icp_accepted));
    assert!(pair.error_px(&manifest, manifest.warps.interior) < 0.01);
    let files = files_below(&pair.spec(|_| {}).output_dir);
    for picture in ["registration", "fine_alignment", "registration_residual"] {
        let path = format!("S1/DAPI/pipeline_output/{picture}_pad50.png");
        assert!(files.contains(&path), "{path} in {files:?}");
    }
}

/// Correlations are finite or missing; the missing ones come first.
trait Order {
    fn total_cmp_or_none(&self, other: &Self) -> std::cmp::Ordering;
}

impl Order for Option<f64> {
    fn total_cmp_or_none(&self, other: &Self) -> std::cmp::Ordering {
        self.unwrap_or(f64::MIN)
            .total_cmp(&other.unwrap_or(f64::MIN))
    }
}

#[test]
fn the_boundary_alone_brings_the_pair_within_reach_of_stage_3() {
    let pair = Pair::new(&outlined());
    let outcome = pair.run(|p| {
        p.coarse_method = CoarseMethod::Boundary;
        p.save_all_intermediates = true;
    });
    assert_eq!(outcome.status, Status::Complete);
    let manifest = manifest(outcome);
    let alignment = manifest.alignment.clone().expect("an alignment");
    assert_eq!(alignment.coarse_method, "boundary");
    assert_eq!(alignment.features, None);
    assert!(pair.error_px(&manifest, manifest.warps.icp) < 5.0);
    assert!(pair.error_px(&manifest, manifest.warps.interior) < 0.01);
    assert_ne!(manifest.warps.coarse, manifest.warps.icp);
    let hash = |stem: &str| {
        let record = manifest.checkpoints.iter().find(|c| c.path.contains(stem));
        record.map(|c| c.hash).expect("a checkpoint")
    };
    assert_ne!(
        hash("02_icp_aligned_coarse_pre"),
        hash("02_icp_aligned_pre")
    );
}

#[test]
fn a_frame_filling_section_has_no_boundary_to_align() {
    let pair = Pair::new(&Recipe {
        section: Section {
            shape: Shape::FrameFilling,
            ..Section::default()
        },
        ..outlined()
    });
    let refused = pair.run(|p| p.coarse_method = CoarseMethod::Boundary);
    let status = refused.status.to_string();
    assert!(
        status.starts_with("error: alignment failed: the post image shows no outline"),
        "{status}"
    );
    let outcome = pair.run(|_| {});
    assert_eq!(outcome.status, Status::Complete);
    let alignment = manifest(outcome).alignment.expect("an alignment");
    assert_eq!(alignment.coarse_method, "features");
    assert!(alignment.candidates[1].failure.is_some());
}

#[test]
fn the_steps_of_stage_3_can_be_switched_off() {
    let pair = Pair::new(&outlined());
    let boundary = |p: &mut Params| p.coarse_method = CoarseMethod::Boundary;
    let without = manifest(pair.run(|p| {
        boundary(p);
        p.interior_ecc = false;
    }));
    assert_eq!(without.warps.interior, None);
    let judged = without.alignment.expect("an alignment");
    assert!(judged.residual_median_px.is_some() && judged.interior.is_none());
    let features_only = manifest(pair.run(|p| {
        boundary(p);
        p.subpixel = false;
    }));
    let full = manifest(pair.run(boundary));
    let error = |m: &Manifest| pair.error_px(m, m.warps.interior);
    assert!(error(&full) < 0.01 && error(&features_only) > error(&full));
    let record = features_only.alignment.expect("an alignment");
    assert!(record.interior.is_some_and(|i| i.inliers > 50));
}

#[test]
fn a_mirrored_pair_is_named_and_leaves_no_difference() {
    let pair = Pair::new(&Recipe {
        pre_world: PreWorld::Mirrored,
        ..outlined()
    });
    for method in [CoarseMethod::Auto, CoarseMethod::Boundary] {
        let outcome = pair.run(|p| p.coarse_method = method);
        let status = outcome.status.to_string();
        assert!(
            status.starts_with("error: alignment failed: pre is a mirror image of post"),
            "{method:?}: {status}"
        );
    }
    let files = files_below(&pair.spec(|_| {}).output_dir);
    assert!(
        files
            .iter()
            .all(|f| !f.contains("difference") && !f.contains("03_")),
        "{files:?}"
    );
}

#[test]
fn a_wrong_alignment_is_recorded_as_failed() {
    let pair = Pair::new(&Recipe {
        pre_world: PreWorld::OtherRock,
        ..outlined()
    });
    let outcome = pair.run(|p| p.coarse_method = CoarseMethod::Boundary);
    let status = outcome.status.to_string();
    assert!(status.starts_with("error: alignment failed: "), "{status}");
    let manifest = manifest(outcome);
    if let Some(alignment) = manifest.alignment {
        assert_eq!(alignment.verdict, Verdict::Fail);
        assert!(!alignment.reasons.is_empty());
    }
    assert!(manifest.checkpoints.iter().all(|c| !c.path.contains("03_")));
}

#[test]
fn a_deformed_pair_that_is_not_corrected_is_suspect_and_finishes() {
    let pair = Pair::new(&Recipe {
        deformation: Some(Deformation {
            amplitude_px: 5.0,
            length_fraction: 0.25,
        }),
        ..outlined()
    });
    let outcome = pair.run(|p| p.local_correction = LocalCorrectionChoice::Off);
    let Status::Suspect(reasons) = &outcome.status else {
        panic!("{}", outcome.status)
    };
    assert!(reasons.contains("local deformation"), "{reasons}");
    assert!(manifest(outcome).scales.moffat.is_some());
}
