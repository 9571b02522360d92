//! Which pictures are drawn, when, and what another scale costs.

use crate::common::{files_below, pictures, task};
use e2m_fixtures::{Recipe, WrittenPair, write_pair};
use e2m_pipeline::{
    Manifest, Observer, Params, Stage, Status, TaskEvent, TaskSpec, Unobserved, run_task,
};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::time::SystemTime;

fn recipe(name: &str, width: usize) -> Recipe {
    let shipped = Recipe::shipped(name).expect("a recipe");
    shipped.resized_to_width(width)
}

fn spec(work: &Path, pair: &WrittenPair, output: &str, params: Params) -> TaskSpec {
    task(
        &work.join(output),
        "S1",
        "DAPI",
        &pair.post,
        &pair.pre,
        params,
    )
}

fn small() -> Params {
    Params {
        pad: 60,
        ..Params::default()
    }
}

/// Passes over the images in stage 4, and what was said.
#[derive(Default)]
struct Watcher {
    passes: Vec<String>,
    skipped: Vec<Stage>,
    notes: Vec<String>,
}

impl Observer for Watcher {
    fn on_event(&mut self, event: &TaskEvent) {
        match event {
            TaskEvent::Progress {
                stage: Stage::Difference,
                what,
                rows,
                of,
            } if rows == of => self.passes.push(what.to_string()),
            TaskEvent::StageFinished {
                stage,
                skipped: true,
                ..
            } => self.skipped.push(*stage),
            TaskEvent::Note { text } => self.notes.push(text.clone()),
            _ => {}
        }
    }
}

#[test]
fn another_manual_scale_costs_one_pass_and_nothing_upstream() {
    let work = tempfile::tempdir().expect("a folder");
    let raw = work.path().join("raw");
    let pair = write_pair(&recipe("clean", 700), &raw, "S1", "DAPI").expect("a pair");
    let percentile = Params {
        scale_percentile: Some(60.0),
        ..small()
    };
    let first = run_task(
        &spec(work.path(), &pair, "out", percentile.clone()),
        &mut Unobserved,
    );
    assert_eq!(first.status, Status::Complete);

    let manual = Params {
        manual_scale: Some(1.42),
        ..percentile
    };
    let mut watcher = Watcher::default();
    let again = spec(work.path(), &pair, "out", manual.clone());
    let second = run_task(&again, &mut watcher);
    assert_eq!(second.status, Status::Complete);
    assert_eq!(watcher.skipped, Stage::up_to(Stage::Fine));
    assert_eq!(watcher.passes, ["writing the difference"]);
    let scales = |manifest: &Option<Box<Manifest>>| manifest.clone().expect("a manifest").scales;
    let (before, after) = (scales(&first.manifest), scales(&second.manifest));
    assert_eq!(
        (&before.moffat, before.percentile),
        (&after.moffat, after.percentile)
    );
    assert_eq!(after.manual.expect("a manual scale").value, 1.42);

    // The same as from scratch, pixel by pixel and picture by picture.
    let afresh = spec(work.path(), &pair, "fresh", manual);
    let mut thorough = Watcher::default();
    let fresh = run_task(&afresh, &mut thorough);
    // Ratios are gathered while stage 3 writes aligned pre; where it does not write, by a pass of their own.
    let two = ["ranking ratios", "writing the difference"];
    assert_eq!(thorough.passes, two);
    let last_stage = TaskSpec {
        from_stage: Stage::Difference,
        ..afresh.clone()
    };
    let mut watcher = Watcher::default();
    let third = run_task(&last_stage, &mut watcher);
    assert_eq!(watcher.passes, ["gathering ratios", two[0], two[1]]);
    assert_eq!(scales(&third.manifest), scales(&fresh.manifest));
    let hashes = |manifest: &Option<Box<Manifest>>| -> BTreeMap<String, String> {
        let checkpoints = &manifest.as_ref().expect("a manifest").checkpoints;
        let of_stage_4 = checkpoints.iter().filter(|c| c.path.contains("/04_"));
        of_stage_4
            .map(|c| (c.path.clone(), c.hash.to_string()))
            .collect()
    };
    // Three difference images in two formats each, and the mask.
    assert_eq!(hashes(&second.manifest).len(), 7);
    assert_eq!(hashes(&second.manifest), hashes(&fresh.manifest));
    // Those of the alignment are copies under the new name.
    assert_eq!(watcher.notes.len(), 0, "{:?}", watcher.notes);
    let (seen, expected) = (pictures(&again), pictures(&afresh));
    for (name, bytes) in &expected {
        assert!(seen.get(name) == Some(bytes), "{name}");
    }
    assert_eq!(expected.len(), 21);
    assert_eq!(
        expected
            .keys()
            .filter(|name| name.contains("msc1.42"))
            .count(),
        21
    );
}

#[test]
fn pictures_that_are_missing_are_drawn_again_and_nothing_else_is_touched() {
    let work = tempfile::tempdir().expect("a folder");
    let raw = work.path().join("raw");
    let pair = write_pair(&recipe("clean", 700), &raw, "S1", "DAPI").expect("a pair");
    let spec = spec(work.path(), &pair, "out", small());
    assert_eq!(run_task(&spec, &mut Unobserved).status, Status::Complete);
    let folder = spec.output_dir.join("S1/DAPI");
    let times = || -> Vec<(String, SystemTime)> {
        files_below(&folder)
            .into_iter()
            .filter(|name| name.starts_with("tiff/") || name.starts_with("fits/"))
            .map(|name| {
                let metadata = fs::metadata(folder.join(&name)).expect("is there");
                (name, metadata.modified().expect("a time"))
            })
            .collect()
    };
    let (drawn, written) = (pictures(&spec), times());
    for stem in [
        "fine_alignment",
        "registration_residual",
        "comparison_post",
        "ratio_histogram",
        "difference_image",
    ] {
        let name = drawn.keys().find(|name| name.starts_with(stem));
        let path = folder.join("pipeline_output").join(name.expect(stem));
        fs::remove_file(path).expect("removes");
    }
    let mut watcher = Watcher::default();
    let outcome = run_task(&spec, &mut watcher);
    assert_eq!(outcome.status, Status::Complete);
    assert!(outcome.stages_done.is_empty());
    assert_eq!(watcher.skipped, Stage::ALL);
    assert_eq!(watcher.passes, ["looking at the difference"]);
    assert_eq!(watcher.notes.len(), 3, "{:?}", watcher.notes);
    assert!(
        watcher.notes[0].contains("fine_alignment"),
        "{:?}",
        watcher.notes
    );
    assert!(pictures(&spec) == drawn, "the same bytes");
    assert_eq!(times(), written);
    // With everything there, there is nothing to say.
    let mut quiet = Watcher::default();
    run_task(&spec, &mut quiet);
    assert_eq!((quiet.notes.len(), quiet.passes.len()), (0, 0));
}

#[test]
fn a_failed_pair_has_the_pictures_of_its_alignment_and_no_others() {
    let work = tempfile::tempdir().expect("a folder");
    let raw = work.path().join("raw");
    let pair = write_pair(&recipe("other_rock", 900), &raw, "S1", "DAPI").expect("a pair");
    let spec = spec(work.path(), &pair, "out", small());
    let outcome = run_task(&spec, &mut Unobserved);
    assert!(
        matches!(outcome.status, Status::Error(_)),
        "{}",
        outcome.status
    );
    let expected: BTreeSet<String> = [
        "comparison_aligned_pre_pad60.jpg",
        "comparison_post_pad60.jpg",
        "fine_alignment_pad60.png",
        "registration_pad60.png",
        "registration_residual_pad60.png",
    ]
    .map(str::to_owned)
    .into();
    assert_eq!(
        pictures(&spec).into_keys().collect::<BTreeSet<_>>(),
        expected
    );
    let recorded = outcome.manifest.expect("a manifest").pictures;
    let paths: BTreeSet<String> = recorded
        .iter()
        .map(|picture| picture.path.replace("pipeline_output/", ""))
        .collect();
    assert_eq!(paths, expected);
}

#[test]
fn every_type_of_pixels_has_its_pictures() {
    for name in ["float32", "grey16", "rgb_two_channels"] {
        let work = tempfile::tempdir().expect("a folder");
        let raw = work.path().join("raw");
        let pair = write_pair(&recipe(name, 700), &raw, "S1", "DAPI").expect("a pair");
        let spec = spec(work.path(), &pair, "out", small());
        let outcome = run_task(&spec, &mut Unobserved);
        assert_eq!(outcome.status, Status::Complete, "{name}");
        assert_eq!(pictures(&spec).len(), 19, "{name}");
        let manifest = outcome.manifest.expect("a manifest");
        assert_eq!(manifest.pictures.len(), 19, "{name}");
        let factor = manifest.alignment.expect("an alignment").comparison_factor;
        assert_eq!(
            factor,
            Some(1.0),
            "{name}: small images are shown as they are"
        );
    }
}
