//! Pairs that are none: post and pre swapped, one image given twice. And pairs that are: they are not doubted.

use crate::common::task;
use e2m_fixtures::{Compression, Recipe, Side, TiffLayout, Twice, WrittenPair, write_pair};
use e2m_pipeline::{
    Doubt, Manifest, Params, Stage, Status, TaskSpec, Unobserved, preview, run_task,
};
use tempfile::TempDir;

struct Pair {
    _work: TempDir,
    written: WrittenPair,
    recipe: Recipe,
    spec: TaskSpec,
}

impl Pair {
    fn of(recipe: Recipe) -> Self {
        let work = tempfile::tempdir().expect("a folder");
        let written = write_pair(&recipe, &work.path().join("raw"), "S1", "DAPI").expect("a pair");
        let params = Params {
            pad: 40,
            ..Params::default()
        };
        let out = work.path().join("out");
        let spec = task(&out, "S1", "DAPI", &written.post, &written.pre, params);
        Self {
            _work: work,
            written,
            recipe,
            spec,
        }
    }

    fn turned(seed: u64) -> Self {
        Self::of(Recipe {
            rotation_deg: 3.0 + seed as f64,
            shift_fraction: [0.01, -0.01],
            ..small(seed)
        })
    }

    /// Runs it, then looks at it, then runs it again, then with another manual scale: whatever is said has to be the same, and
    /// nothing is computed for it.
    fn told(&self) -> (Status, Vec<Doubt>) {
        let outcome = run_task(&self.spec, &mut Unobserved);
        let manifest = outcome.manifest.expect("a record");
        let told = (outcome.status, manifest.doubts.clone());
        let seen = preview(&self.spec).expect("a preview");
        assert_eq!(seen.finished.as_ref(), Some(&told.0));
        let again = run_task(&self.spec, &mut Unobserved);
        assert!(again.stages_done.is_empty(), "{:?}", again.stages_done);
        assert_eq!(again.status, told.0);
        assert_eq!(again.manifest.as_deref(), Some(&*manifest));
        told
    }
}

fn small(seed: u64) -> Recipe {
    Recipe {
        width: 640,
        height: 560,
        gain: 1.4,
        seed,
        ..Recipe::default()
    }
}

fn on_disk(spec: &TaskSpec) -> Manifest {
    let path = spec.output_dir.join("S1/DAPI/e2m_task_pad40.json");
    Manifest::read(&path).expect("a manifest")
}

#[test]
fn a_pair_given_the_wrong_way_round_is_told_and_a_right_one_is_not() {
    let pair = Pair::turned(3);
    let (status, doubts) = pair.told();
    assert_eq!((status, doubts), (Status::Complete, Vec::new()));
    pair.written.swap().expect("swapped");
    let (status, doubts) = pair.told();
    let [
        Doubt::Swapped {
            post_sources,
            pre_sources,
            ..
        },
    ] = doubts.as_slice()
    else {
        panic!("{doubts:?}");
    };
    assert!(*pre_sources >= 20 && *post_sources < 4, "{doubts:?}");
    assert!(
        status
            .to_string()
            .contains("post and pre seem to be swapped"),
        "{status}"
    );
    // Another run of stage 4 finds it again; one that goes less far does not know.
    let spec = TaskSpec {
        params: Params {
            manual_scale: Some(0.7),
            ..pair.spec.params.clone()
        },
        ..pair.spec.clone()
    };
    let manual = run_task(&spec, &mut Unobserved);
    assert_eq!(manual.stages_done, [Stage::Difference, Stage::Detection]);
    assert_eq!(manual.manifest.expect("a record").doubts, doubts);
    let less = TaskSpec {
        to_stage: Stage::Fine,
        ..pair.spec.clone()
    };
    run_task(&less, &mut Unobserved);
    assert_eq!(on_disk(&pair.spec).doubts, doubts);
}

#[test]
fn one_file_given_twice_is_told_from_the_first_stage_on() {
    let pair = Pair::turned(5);
    pair.written
        .give_twice(&pair.recipe, Side::Post, Twice::Copied)
        .expect("given twice");
    let early = TaskSpec {
        to_stage: Stage::Coarse,
        ..pair.spec.clone()
    };
    let outcome = run_task(&early, &mut Unobserved);
    assert!(
        matches!(outcome.status, Status::Suspect(_)),
        "{}",
        outcome.status
    );
    let (status, doubts) = pair.told();
    assert_eq!(doubts, [Doubt::SameFile]);
    assert!(status.to_string().contains("are the same file"), "{status}");
}

#[test]
fn one_exposure_in_two_files_is_told() {
    let deflated = TiffLayout {
        compression: Compression::Deflate,
        rows_per_strip: 7,
    };
    for side in [Side::Post, Side::Pre] {
        let pair = Pair::turned(6);
        pair.written
            .give_twice(&pair.recipe, side, Twice::ExportedAgain(deflated))
            .expect("given twice");
        let (status, doubts) = pair.told();
        let [Doubt::SameExposure { shift_px, .. }] = doubts.as_slice() else {
            panic!("{status} {doubts:?}");
        };
        assert_eq!(*shift_px, [0.0, 0.0]);
    }
}

#[test]
fn two_exposures_of_a_section_that_nobody_has_moved_are_two() {
    for (seed, gain) in [(7, 1.0), (8, 1.0), (9, 1.02)] {
        let still = Recipe {
            gain,
            ..small(seed)
        };
        let (status, doubts) = Pair::of(still).told();
        assert_eq!(doubts, [], "{status}");
    }
}
