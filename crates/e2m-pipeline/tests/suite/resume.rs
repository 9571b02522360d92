//! Running, resuming, and what happens to what earlier runs left.

use crate::common::{files_below, task};
use e2m_fixtures::{Recipe, Truth, WrittenPair, write_pair};
use e2m_io::{CheckpointFormat, TaskPaths};
use e2m_pipeline::{
    CheckpointFormats, Observer, Params, Stage, Status, TaskEvent, TaskOutcome, TaskSpec,
    Unobserved, run_task,
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
    skipped: Vec<(Stage, bool)>,
    stop_in_stage: Option<Stage>,
    stopping: bool,
}

impl Observer for Watcher {
    fn on_event(&mut self, event: &TaskEvent) {
        match event {
            TaskEvent::Note { text } => self.notes.push(text.clone()),
            TaskEvent::StageFinished { stage, skipped, .. } => {
                self.skipped.push((*stage, *skipped));
            }
            TaskEvent::Progress { stage, what, .. }
                if what.starts_with("writing") || what.starts_with("looking for") =>
            {
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
    assert_eq!(first.stages_done, Stage::ALL);
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
    assert_eq!(watcher.skipped, Stage::ALL.map(|stage| (stage, true)));
    assert_eq!(second.manifest, first.manifest);
    assert_eq!(contents(&spec), before);
}

/// A run with so many threads to compute with; a single one does everything one after another.
fn run_on(threads: usize, spec: &TaskSpec, watcher: &mut Watcher) -> TaskOutcome {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
    let pool = pool.build().expect("a pool");
    pool.install(|| run_task(spec, watcher))
}

#[test]
fn interrupted_in_any_stage_and_resumed_gives_the_same_bytes() {
    let world = World::new();
    let mut whole = world.spec("whole");
    whole.checkpoint_format = CheckpointFormats::Both;
    assert_eq!(run_task(&whole, &mut Unobserved).status, Status::Complete);
    for (threads, stage) in [1, 3]
        .into_iter()
        .flat_map(|t| Stage::ALL.map(move |s| (t, s)))
    {
        let mut spec = world.spec(&format!("stopped{stage}of{threads}"));
        spec.checkpoint_format = CheckpointFormats::Both;
        let mut watcher = Watcher {
            stop_in_stage: Some(stage),
            ..Watcher::default()
        };
        let stopped = run_on(threads, &spec, &mut watcher);
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
        let resumed = run_on(threads, &spec, &mut watcher);
        assert_eq!(resumed.status, Status::Complete);
        let skipped: Vec<Stage> = Stage::ALL
            .into_iter()
            .filter(|stage| !resumed.stages_done.contains(stage))
            .collect();
        // What was finished is never done again.
        assert!(skipped.starts_with(&stopped.stages_done), "{skipped:?}");
        if threads == 1 {
            assert!(Stage::ALL.starts_with(&skipped), "{skipped:?}");
            assert_eq!(skipped.len() + 1, usize::from(stage.number()));
        }
        assert!(
            contents(&spec) == contents(&whole),
            "stopped in stage {stage} with {threads} threads"
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
        (Status::Complete, vec![Stage::Difference, Stage::Detection])
    );
    let scales = outcome.manifest.expect("a manifest").scales;
    assert_eq!(scales.manual.map(|s| s.value), Some(1.42));
    let median = scales.percentile.expect("a percentile").value;
    assert!((median / 1.3 - 1.0).abs() < 0.05, "{median}");
}

fn check_redone(change: impl Fn(&TaskSpec, &TaskPaths), stages: &[Stage], because: &str) {
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
        &[Stage::Fine, Stage::Difference, Stage::Detection],
        "03_interior_aligned is done again",
    );
    check_redone(
        |_, paths| {
            edit(&aligned(paths), |b| {
                let middle = b.len() / 2;
                b[middle] ^= 1;
            });
        },
        &[Stage::Fine, Stage::Difference, Stage::Detection],
        "its pixels are not those that were written",
    );
}

#[test]
fn without_its_manifest_nothing_is_trusted() {
    check_redone(
        |_, paths| fs::remove_file(paths.manifest_path(&format!("_pad{PAD}"))).expect("there"),
        &Stage::ALL,
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
        &[Stage::Pad],
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
        (Status::Complete, Stage::ALL.to_vec())
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

#[test]
fn a_coarse_result_does_not_inherit_the_refined_verdict() {
    let world = World::new();
    let mut spec = world.spec("out");
    let refined = run_task(&spec, &mut Unobserved)
        .manifest
        .expect("a manifest")
        .alignment
        .expect("an alignment");
    assert!(refined.estimated_accuracy_px.is_some());
    spec.params.interior_ecc = false;
    let outcome = run_task(&spec, &mut Unobserved);
    assert_eq!(
        outcome.stages_done,
        [Stage::Fine, Stage::Difference, Stage::Detection]
    );
    let manifest = outcome.manifest.expect("a manifest");
    assert_eq!(manifest.warps.interior, None);
    let coarse = manifest.alignment.expect("an alignment");
    assert_eq!(coarse.estimated_accuracy_px, None);
    assert!(coarse.residual_median_px > refined.residual_median_px);
    assert!(
        files_below(&spec.output_dir)
            .iter()
            .all(|f| !f.contains("03_") || !f.contains("iecc0"))
    );
}

#[test]
fn an_interrupted_second_run_keeps_what_the_first_one_vouched_for() {
    let world = World::new();
    let spec = world.spec("out");
    assert_eq!(run_task(&spec, &mut Unobserved).status, Status::Complete);
    let before = contents(&spec);
    let again = TaskSpec {
        from_stage: Stage::Difference,
        ..spec.clone()
    };
    let mut watcher = Watcher {
        stop_in_stage: Some(Stage::Difference),
        ..Watcher::default()
    };
    assert!(run_task(&again, &mut watcher).interrupted);
    let outcome = run_task(&spec, &mut Unobserved);
    assert_eq!(
        (outcome.status, outcome.stages_done),
        (Status::Complete, vec![])
    );
    assert!(contents(&spec) == before);
}

#[test]
fn the_last_stage_can_come_first_and_more_later() {
    let world = World::new();
    let spec = world.spec("out");
    let early = run_task(
        &TaskSpec {
            to_stage: Stage::Coarse,
            ..spec.clone()
        },
        &mut Unobserved,
    );
    assert_eq!(
        (early.status, early.stages_done),
        (Status::Complete, vec![Stage::Pad, Stage::Coarse])
    );
    let later = run_task(&spec, &mut Unobserved);
    assert_eq!(
        (later.status, later.stages_done),
        (
            Status::Complete,
            vec![Stage::Fine, Stage::Difference, Stage::Detection]
        )
    );
    let early = run_task(
        &TaskSpec {
            to_stage: Stage::Coarse,
            ..spec.clone()
        },
        &mut Unobserved,
    );
    assert_eq!(
        (early.status, early.stages_done),
        (Status::Complete, vec![])
    );
    assert!(run_task(&spec, &mut Unobserved).stages_done.is_empty());
    let wrong = run_task(
        &TaskSpec {
            from_stage: Stage::Fine,
            to_stage: Stage::Coarse,
            ..spec
        },
        &mut Unobserved,
    );
    assert!(
        wrong.status.to_string().contains("wrong order"),
        "{}",
        wrong.status
    );
}

/// Turns the checkpoints of a finished run into what the Python program leaves: images without any word on their making.
fn make_legacy(spec: &TaskSpec, stems: &[&str]) {
    use e2m_image::{BandSink, BandSource};
    let paths = TaskPaths::new(&spec.output_dir, "S1", "DAPI").expect("names");
    let path =
        |stem: &str| paths.checkpoint_path(CheckpointFormat::Tiff, stem, &format!("_pad{PAD}"));
    for stem in stems {
        let mut reader = e2m_io::CheckpointReader::open(&path(stem)).expect("whole");
        let size = reader.size();
        let mut image = ndarray::Array2::zeros(size.shape());
        reader.read_band(0, image.view_mut()).expect("readable");
        let facts = e2m_io::Facts::new();
        let mut writer = e2m_io::CheckpointWriter::create(
            &path(stem),
            size,
            &facts,
            CheckpointFormat::Tiff,
            Default::default(),
        )
        .expect("writable");
        writer.write_band(image.view()).expect("writable");
        writer.finish().expect("writable");
    }
    for name in files_below(paths.dir()) {
        if name.ends_with(".json")
            || name.contains("04_")
            || !stems.iter().any(|stem| name.contains(stem))
        {
            fs::remove_file(paths.dir().join(name)).expect("removable");
        }
    }
}

const PYTHON_STEMS: [&str; 4] = [
    "01_padded_post",
    "01_padded_pre",
    "02_icp_aligned_pre",
    "03_interior_aligned_pre",
];

#[test]
fn a_tree_of_the_python_program_is_taken_up() {
    let world = World::new();
    let spec = world.spec("out");
    assert_eq!(run_task(&spec, &mut Unobserved).status, Status::Complete);
    make_legacy(&spec, &PYTHON_STEMS);
    let outcome = run_task(&spec, &mut Unobserved);
    assert_eq!(outcome.stages_done, [Stage::Difference, Stage::Detection]);
    assert!(
        outcome
            .status
            .to_string()
            .starts_with("suspect: the alignment is the Python program's"),
        "{}",
        outcome.status
    );
    // What needs the warp makes it anew.
    let fine = TaskSpec {
        from_stage: Stage::Fine,
        ..spec
    };
    let mut watcher = Watcher::default();
    let outcome = run_task(&fine, &mut watcher);
    assert_eq!(
        (outcome.status, outcome.stages_done),
        (Status::Complete, Stage::ALL[1..].to_vec())
    );
    assert!(
        watcher.notes.iter().any(|n| n.contains("without its warp")),
        "{:?}",
        watcher.notes
    );
}

#[test]
fn a_half_finished_tree_of_the_python_program_settles_after_one_run() {
    let world = World::new();
    let mut spec = world.spec("out");
    spec.checkpoint_format = CheckpointFormats::Fits;
    let tiff = TaskSpec {
        checkpoint_format: CheckpointFormats::Tiff,
        ..spec.clone()
    };
    assert_eq!(run_task(&tiff, &mut Unobserved).status, Status::Complete);
    make_legacy(&spec, &PYTHON_STEMS[..3]);
    let mut watcher = Watcher::default();
    let first = run_task(&spec, &mut watcher);
    assert_eq!(
        (first.status, first.stages_done),
        (Status::Complete, Stage::ALL[1..].to_vec())
    );
    assert_eq!(
        watcher
            .notes
            .iter()
            .filter(|n| n.contains("are there as tiff"))
            .count(),
        1,
        "{:?}",
        watcher.notes
    );
    let second = run_task(&spec, &mut Unobserved);
    assert_eq!(
        (second.status, second.stages_done),
        (Status::Complete, vec![])
    );
}

#[test]
fn a_damaged_difference_is_made_again_and_that_is_said() {
    check_redone(
        |_, paths| {
            let path = paths.checkpoint_path(
                CheckpointFormat::Fits,
                "04_difference_difference",
                &format!("_pad{PAD}"),
            );
            edit(&path, |b| b.truncate(b.len() / 2));
        },
        &[Stage::Difference, Stage::Detection],
        "04_difference",
    );
}
