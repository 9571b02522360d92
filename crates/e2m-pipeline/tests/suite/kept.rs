//! `checkpoints`: which images of stages 1 to 3 are kept, and what later runs make of the warp on record.

use crate::common::{files_below, problems, task};
use e2m_fixtures::{Recipe, write_pair};
use e2m_pipeline::{
    CheckpointFormats, KeptCheckpoints, Params, Stage, Status, TaskSpec, Unobserved, preview,
    run_task,
};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

fn spec(work: &Path, seed: u64, kept: KeptCheckpoints) -> TaskSpec {
    let recipe = Recipe {
        seed,
        width: 560 + 30 * (seed as usize % 4),
        height: 520,
        gain: 1.3,
        rotation_deg: 2.0,
        ..Recipe::default()
    };
    let pair = write_pair(&recipe, &work.join("raw"), "S1", "DAPI").expect("a pair");
    let params = Params {
        pad: 40,
        ..Params::default()
    };
    TaskSpec {
        checkpoints: kept,
        ..task(
            &work.join("out"),
            "S1",
            "DAPI",
            &pair.post,
            &pair.pre,
            params,
        )
    }
}

/// The TIFFs and pictures of a task with their content, by their names below its folder; of FITS only names.
fn tree(spec: &TaskSpec) -> BTreeMap<String, Vec<u8>> {
    let folder = spec.output_dir.join("S1/DAPI");
    let names = files_below(&folder).into_iter();
    names
        .filter(|name| !name.ends_with(".json") && !name.ends_with(".lock"))
        .map(|name| {
            let content = if name.ends_with(".fits") {
                Vec::new()
            } else {
                fs::read(folder.join(&name)).expect("read")
            };
            (name, content)
        })
        .collect()
}

fn images(spec: &TaskSpec) -> Vec<String> {
    let all = tree(spec).into_keys();
    all.filter(|name| name.starts_with("tiff/") || name.starts_with("fits/"))
        .collect()
}

/// Runs a task as its preview foretells, and expects it to be complete.
fn run(spec: &TaskSpec) -> Vec<Stage> {
    let foretold = preview(spec).expect("a preview");
    let outcome = run_task(spec, &mut Unobserved);
    assert_eq!(outcome.status, Status::Complete);
    assert_eq!(foretold.to_do(), outcome.stages_done);
    assert_eq!(problems(spec), []);
    let after = preview(spec).expect("a preview");
    assert!(after.is_finished() && after.disk_bytes == 0, "{after:?}");
    outcome.stages_done
}

const FINAL: [&str; 3] = [
    "fits/04_difference_difference_pad40.fits",
    "tiff/04_difference_difference_pad40.tiff",
    "tiff/04_mask_pad40.tiff",
];

fn elsewhere(spec: &TaskSpec, name: &str) -> TaskSpec {
    TaskSpec {
        output_dir: spec.output_dir.with_file_name(name),
        ..spec.clone()
    }
}

#[test]
fn without_checkpoints_there_are_results_only_and_they_are_the_same() {
    for seed in [1, 2] {
        let work = tempfile::tempdir().expect("a folder");
        let none = spec(work.path(), seed, KeptCheckpoints::None);
        assert_eq!(
            run(&none),
            [
                Stage::Coarse,
                Stage::Fine,
                Stage::Difference,
                Stage::Detection
            ]
        );
        assert_eq!(images(&none), FINAL);
        assert_eq!(run(&none), []);

        let all = TaskSpec {
            checkpoints: KeptCheckpoints::All,
            ..elsewhere(&none, "all")
        };
        assert_eq!(run(&all), Stage::ALL);
        let kept = tree(&all);
        for (name, content) in tree(&none) {
            assert!(kept[&name] == content, "{name}");
        }

        let aligned = TaskSpec {
            checkpoints: KeptCheckpoints::Aligned,
            ..elsewhere(&none, "aligned")
        };
        run(&aligned);
        let mut wanted = FINAL.to_vec();
        wanted.insert(1, "tiff/03_interior_aligned_pre_pad40.tiff");
        wanted.push("tiff/05_significance_pad40.tiff");
        assert_eq!(images(&aligned), wanted);
        for (name, content) in tree(&aligned) {
            assert!(kept[&name] == content, "{name}");
        }
    }
}

#[test]
fn a_later_run_goes_on_from_the_warp_on_record() {
    let work = tempfile::tempdir().expect("a folder");
    let none = spec(work.path(), 3, KeptCheckpoints::None);
    run(&none);
    // Another scale needs neither an image nor an alignment.
    let mut manual = none.clone();
    manual.params.manual_scale = Some(1.25);
    assert_eq!(run(&manual), [Stage::Difference, Stage::Detection]);
    // Stage 4 again; stage 3 again.
    let mut again = none.clone();
    again.from_stage = Stage::Difference;
    assert_eq!(
        run_task(&again, &mut Unobserved).stages_done,
        [Stage::Difference, Stage::Detection]
    );
    again.from_stage = Stage::Fine;
    assert_eq!(
        run_task(&again, &mut Unobserved).stages_done,
        [Stage::Fine, Stage::Difference, Stage::Detection]
    );
    // What is lost of stage 4 is made from the warp.
    let lost = none.output_dir.join("S1/DAPI").join(FINAL[1]);
    fs::remove_file(lost).expect("removed");
    assert_eq!(run(&none), [Stage::Difference, Stage::Detection]);
    assert_eq!(problems(&manual), []);

    // The others are written without a new alignment, and are what they would have been.
    for (kept, made) in [
        (KeptCheckpoints::Aligned, &[Stage::Detection][..]),
        (KeptCheckpoints::All, &[Stage::Pad]),
    ] {
        let more = TaskSpec {
            checkpoints: kept,
            ..none.clone()
        };
        assert!(preview(&more).expect("a preview").disk_bytes > 16_000_000);
        assert_eq!(run(&more), made, "{kept:?}");
        let fresh = elsewhere(&more, "fresh");
        run(&fresh);
        let (found, wanted) = (tree(&more), tree(&fresh));
        for (name, content) in &wanted {
            assert!(found[name] == *content, "{kept:?}: {name}");
        }
        fs::remove_dir_all(&fresh.output_dir).expect("removed");
    }
    // Those that are there stay on record when they are not asked for any more.
    let before = images(&none);
    assert_eq!(run(&none), []);
    assert_eq!(images(&none), before);
}

#[test]
fn a_run_that_is_to_stop_early_restores_what_it_is_asked_for() {
    let work = tempfile::tempdir().expect("a folder");
    let none = spec(work.path(), 5, KeptCheckpoints::None);
    run(&none);
    let early = TaskSpec {
        checkpoints: KeptCheckpoints::All,
        to_stage: Stage::Coarse,
        checkpoint_format: CheckpointFormats::Both,
        ..none.clone()
    };
    let outcome = run_task(&early, &mut Unobserved);
    assert_eq!(outcome.status, Status::Complete);
    assert_eq!(problems(&none), []);
    let names = images(&none);
    assert!(
        names.contains(&"fits/02_icp_aligned_pre_pad40.fits".to_owned()),
        "{names:?}"
    );
    // What stage 4 had made is there as before.
    let all = TaskSpec {
        checkpoints: KeptCheckpoints::All,
        ..none.clone()
    };
    assert_eq!(run(&all), [Stage::Detection]);
}

#[test]
fn other_raw_images_are_aligned_anew() {
    let work = tempfile::tempdir().expect("a folder");
    let none = spec(work.path(), 6, KeptCheckpoints::None);
    run(&none);
    let other = spec(work.path(), 7, KeptCheckpoints::None);
    assert_eq!(
        run(&other),
        [
            Stage::Coarse,
            Stage::Fine,
            Stage::Difference,
            Stage::Detection
        ]
    );
    assert_eq!(images(&other), FINAL);
}
