//! Running, resuming, and what happens to what earlier runs left.

mod common;

use common::{files_below, task};
use e2m_fixtures::{Recipe, Truth, WrittenPair, write_pair};
use e2m_io::{CheckpointFormat, TaskPaths};
use e2m_pipeline::{
    CheckpointFormats, Event, Observer, Params, Status, TaskSpec, Unobserved, run_task,
};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

const PAD: usize = 60;

struct World {
    dir: tempfile::TempDir,
    pair: WrittenPair,
}

impl World {
    fn new() -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        let recipe = Recipe {
            width: 700,
            height: 560,
            gain: 1.3,
            rotation_deg: 3.0,
            ..Recipe::default()
        };
        let pair = write_pair(&recipe, &dir.path().join("raw"), "S1", "DAPI").expect("a pair");
        Self { dir, pair }
    }

    fn spec(&self, output: &str) -> TaskSpec {
        let params = Params {
            pad: PAD,
            ..Params::default()
        };
        task(
            &self.dir.path().join(output),
            "S1",
            "DAPI",
            &self.pair.post,
            &self.pair.pre,
            params,
        )
    }
}

/// The content of every checkpoint; of FITS without the cards that hold the time.
fn contents(spec: &TaskSpec) -> BTreeMap<String, Vec<u8>> {
    let read = |name: &String| {
        let mut bytes = fs::read(spec.output_dir.join(name)).expect("readable");
        if name.ends_with(".fits") {
            for card in bytes.chunks_mut(80).take(108) {
                if card.starts_with(b"CREATED") || card.starts_with(b"CHECKSUM") {
                    card.fill(b' ');
                }
            }
        }
        bytes
    };
    let names = files_below(&spec.output_dir);
    names
        .iter()
        .filter(|n| !n.ends_with(".json"))
        .map(|n| (n.clone(), read(n)))
        .collect()
}

/// Records notes and stops when told to.
#[derive(Default)]
struct Watcher {
    notes: Vec<String>,
    skipped: Vec<(u8, bool)>,
    stop_in_stage: Option<u8>,
    stopping: bool,
}

impl Observer for Watcher {
    fn on_event(&mut self, event: &Event) {
        match event {
            Event::Note(note) => self.notes.push(note.clone()),
            Event::StageFinished { stage, skipped, .. } => self.skipped.push((*stage, *skipped)),
            Event::Progress { stage, what, .. } if what.starts_with("writing") => {
                self.stopping |= self.stop_in_stage == Some(*stage);
            }
            _ => {}
        }
    }

    fn should_stop(&self) -> bool {
        self.stopping
    }
}

#[test]
fn a_run_is_right_and_a_second_one_does_nothing() {
    let world = World::new();
    let spec = world.spec("out");
    let first = run_task(&spec, &mut Unobserved);
    assert_eq!(first.status, Status::Complete);
    assert_eq!(first.stages_done, [1, 2, 3, 4]);
    let manifest = first.manifest.clone().expect("a manifest");

    let truth = Truth::read(&world.pair.truth).expect("the truth");
    let raw = manifest
        .canvas
        .warp_to_raw(&manifest.warps.interior.expect("a warp"));
    let error = truth.registration_error(&raw);
    assert!(error.mean_px < 0.05, "{error:?}");
    let scale = manifest.scales.moffat.as_ref().expect("a scale").value;
    assert!((scale / truth.gain - 1.0).abs() < 0.01, "{scale}");

    let before = contents(&spec);
    let mut watcher = Watcher::default();
    let second = run_task(&spec, &mut watcher);
    assert_eq!(second.status, Status::Complete);
    assert!(second.stages_done.is_empty());
    assert_eq!(
        watcher.skipped,
        [(1, true), (2, true), (3, true), (4, true)]
    );
    assert_eq!(second.manifest, first.manifest);
    assert_eq!(contents(&spec), before);
}

#[test]
fn interrupted_in_any_stage_and_resumed_gives_the_same_bytes() {
    let world = World::new();
    let mut whole = world.spec("whole");
    whole.checkpoint_format = CheckpointFormats::Both;
    assert_eq!(run_task(&whole, &mut Unobserved).status, Status::Complete);
    for stage in 1..=4 {
        let mut spec = world.spec(&format!("stopped{stage}"));
        spec.checkpoint_format = CheckpointFormats::Both;
        let mut watcher = Watcher {
            stop_in_stage: Some(stage),
            ..Watcher::default()
        };
        let stopped = run_task(&spec, &mut watcher);
        assert!(stopped.interrupted);
        assert_eq!(
            stopped.status,
            Status::Incomplete("interrupted, the next run goes on from here".into())
        );
        assert!(
            files_below(&spec.output_dir)
                .iter()
                .all(|f| !f.contains("tmp")),
            "temporary files remain"
        );

        let mut watcher = Watcher::default();
        assert_eq!(run_task(&spec, &mut watcher).status, Status::Complete);
        let expected: Vec<(u8, bool)> = (1..=4).map(|s| (s, s < stage)).collect();
        assert_eq!(watcher.skipped, expected);
        assert!(
            contents(&spec) == contents(&whole),
            "stopped in stage {stage}"
        );
    }
}

#[test]
fn another_manual_scale_redoes_stage_four_only() {
    let world = World::new();
    let mut spec = world.spec("out");
    assert_eq!(run_task(&spec, &mut Unobserved).status, Status::Complete);
    spec.params.manual_scale = Some(1.42);
    spec.params.scale_percentile = Some(50.0);
    let outcome = run_task(&spec, &mut Unobserved);
    assert_eq!(
        (outcome.status, outcome.stages_done),
        (Status::Complete, vec![4])
    );
    let scales = outcome.manifest.expect("a manifest").scales;
    assert_eq!(scales.manual.map(|s| s.value), Some(1.42));
    let median = scales.percentile.expect("a percentile").value;
    assert!((median / 1.3 - 1.0).abs() < 0.05, "{median}");
}

fn check_redone(change: impl Fn(&TaskSpec, &TaskPaths), stages: &[u8], because: &str) {
    let world = World::new();
    let spec = world.spec("out");
    assert_eq!(run_task(&spec, &mut Unobserved).status, Status::Complete);
    let before = contents(&spec);
    let paths = TaskPaths::new(&spec.output_dir, "S1", "DAPI").expect("names");
    change(&spec, &paths);
    let mut watcher = Watcher::default();
    let outcome = run_task(&spec, &mut watcher);
    assert_eq!(outcome.status, Status::Complete);
    assert_eq!(
        outcome.stages_done, stages,
        "{because}: {:?}",
        watcher.notes
    );
    assert!(
        watcher.notes.iter().any(|n| n.contains(because)),
        "{because}: {:?}",
        watcher.notes
    );
    assert!(contents(&spec) == before, "{because}");
}

fn edit(path: &Path, change: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = fs::read(path).expect("readable");
    change(&mut bytes);
    fs::write(path, bytes).expect("writable");
}

#[test]
fn a_damaged_checkpoint_is_noticed() {
    let aligned = |paths: &TaskPaths| {
        paths.checkpoint_path(
            CheckpointFormat::Tiff,
            "03_interior_aligned_pre",
            &format!("_pad{PAD}"),
        )
    };
    check_redone(
        |_, paths| edit(&aligned(paths), |b| b.truncate(b.len() / 2)),
        &[3, 4],
        "03_interior_aligned is done again",
    );
    check_redone(
        |_, paths| {
            edit(&aligned(paths), |b| {
                let middle = b.len() / 2;
                b[middle] ^= 1;
            });
        },
        &[3, 4],
        "its pixels are not those that were written",
    );
}

#[test]
fn without_its_manifest_nothing_is_trusted() {
    check_redone(
        |_, paths| fs::remove_file(paths.manifest_path(&format!("_pad{PAD}"))).expect("there"),
        &[1, 2, 3, 4],
        "no manifest knows it",
    );
}

#[test]
fn swapped_checkpoints_are_noticed() {
    check_redone(
        |_, paths| {
            let path =
                |stem| paths.checkpoint_path(CheckpointFormat::Tiff, stem, &format!("_pad{PAD}"));
            let (a, b) = (path("01_padded_post"), path("01_padded_pre"));
            let aside = a.with_extension("aside");
            fs::rename(&a, &aside).expect("renames");
            fs::rename(&b, &a).expect("renames");
            fs::rename(&aside, &b).expect("renames");
        },
        &[1, 2, 3, 4],
        "its pixels are not those that were written",
    );
}

#[test]
fn other_raw_files_are_noticed() {
    let world = World::new();
    let spec = world.spec("out");
    assert_eq!(run_task(&spec, &mut Unobserved).status, Status::Complete);
    // The same file names, another section: same size, other content.
    let recipe = Recipe {
        width: 700,
        height: 560,
        gain: 1.3,
        rotation_deg: 3.0,
        seed: 99,
        ..Recipe::default()
    };
    write_pair(&recipe, &world.dir.path().join("raw"), "S1", "DAPI").expect("a pair");
    let mut watcher = Watcher::default();
    let outcome = run_task(&spec, &mut watcher);
    assert_eq!(
        (outcome.status, outcome.stages_done),
        (Status::Complete, vec![1, 2, 3, 4])
    );
    assert!(
        watcher.notes.iter().any(|n| n.contains("other raw files")),
        "{:?}",
        watcher.notes
    );
}

#[test]
fn unrelated_images_give_no_difference() {
    let dir = tempfile::tempdir().expect("a folder");
    let recipe = Recipe {
        width: 600,
        height: 500,
        pre_world: e2m_fixtures::PreWorld::OtherRock,
        ..Recipe::default()
    };
    let pair = write_pair(&recipe, &dir.path().join("raw"), "S1", "DAPI").expect("a pair");
    let spec = task(
        &dir.path().join("out"),
        "S1",
        "DAPI",
        &pair.post,
        &pair.pre,
        Params {
            pad: PAD,
            ..Params::default()
        },
    );
    let outcome = run_task(&spec, &mut Unobserved);
    assert!(
        outcome
            .status
            .to_string()
            .starts_with("error: alignment failed: "),
        "{}",
        outcome.status
    );
    assert!(
        files_below(&spec.output_dir)
            .iter()
            .all(|f| !f.contains("difference"))
    );
}
