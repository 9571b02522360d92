//! What stands on disk about a task after runs that failed, were stopped, went less far, or drew pictures.

use crate::common::{files_below, pictures, task};
use e2m_fixtures::{Recipe, write_pair};
use e2m_image::Warp;
use e2m_io::TaskPaths;
use e2m_pipeline::{
    Manifest, Observer, Params, Stage, Status, TaskEvent, TaskSpec, Unobserved, preview,
    record_failure, run_task,
};
use std::fs;
use std::path::PathBuf;
use std::time::SystemTime;
use tempfile::TempDir;

/// Keeps notes, and stops once a stage has begun.
#[derive(Default)]
struct Watcher {
    notes: Vec<String>,
    stop_in: Option<Stage>,
    stopping: bool,
}

impl Observer for Watcher {
    fn on_event(&mut self, event: &TaskEvent) {
        match event {
            TaskEvent::Note { text } => self.notes.push(text.clone()),
            TaskEvent::StageStarted { stage } => self.stopping |= self.stop_in == Some(*stage),
            TaskEvent::Progress { .. } | TaskEvent::StageFinished { .. } => {}
        }
    }

    fn should_stop(&self) -> bool {
        self.stopping
    }
}

struct Pair {
    _work: TempDir,
    spec: TaskSpec,
}

impl Pair {
    fn of(recipe: &str) -> Self {
        let work = tempfile::tempdir().expect("a folder");
        let recipe = Recipe::shipped(recipe)
            .expect("a recipe")
            .resized_to_width(600);
        let pair = write_pair(&recipe, &work.path().join("raw"), "S1", "DAPI").expect("a pair");
        let params = Params {
            pad: 60,
            ..Params::default()
        };
        let out = work.path().join("out");
        let spec = task(&out, "S1", "DAPI", &pair.post, &pair.pre, params);
        Self { _work: work, spec }
    }

    fn up_to(&self, to_stage: Stage) -> TaskSpec {
        TaskSpec {
            to_stage,
            ..self.spec.clone()
        }
    }

    fn path(&self) -> PathBuf {
        let spec = &self.spec;
        let paths = TaskPaths::new(&spec.output_dir, &spec.sample, &spec.dye).expect("names");
        paths.manifest_path("_pad60")
    }

    fn on_disk(&self) -> Manifest {
        Manifest::read(&self.path()).expect("a manifest")
    }

    fn edit(&self, change: impl FnOnce(&mut Manifest)) {
        let mut manifest = self.on_disk();
        change(&mut manifest);
        manifest.write(&self.path()).expect("written");
    }

    /// When each image was written.
    fn times(&self) -> Vec<(String, SystemTime)> {
        let out = &self.spec.output_dir;
        let time = |name: String| {
            let about = fs::metadata(out.join(&name)).expect("there");
            (name, about.modified().expect("a time"))
        };
        let images = files_below(out).into_iter();
        images
            .filter(|name| name.contains("/tiff/") || name.contains("/fits/"))
            .map(time)
            .collect()
    }
}

#[test]
fn a_failed_alignment_never_stands_on_disk_as_complete() {
    let pair = Pair::of("other_rock");
    let coarse = pair.up_to(Stage::Coarse);
    assert_eq!(run_task(&coarse, &mut Unobserved).status, Status::Complete);
    assert_eq!(pair.on_disk().status, Status::Complete);
    // Stages 1 and 2 are taken over, and nothing else is made.
    let failed = run_task(&pair.spec, &mut Unobserved);
    let why = failed.status.to_string();
    assert!(why.starts_with("error: alignment failed"), "{why}");
    assert_eq!(failed.stages_done, []);
    assert_eq!(pair.on_disk().status, failed.status);
    let shown = preview(&pair.spec).expect("it can be looked at");
    assert_eq!(shown.earlier, Some(failed.status.clone()));
    // An older error makes way for the one of the last run.
    pair.edit(|manifest| manifest.status = Status::Error("the disk is full".into()));
    assert_eq!(run_task(&pair.spec, &mut Unobserved).status, failed.status);
    assert_eq!(pair.on_disk().status, failed.status);
    // A run that is stopped before it has made anything leaves it.
    let mut stopped = Watcher {
        stop_in: Some(Stage::Fine),
        ..Watcher::default()
    };
    assert!(run_task(&pair.spec, &mut stopped).interrupted);
    assert_eq!(pair.on_disk().status, failed.status);
    // So does one that does not go as far, even where it draws a picture.
    for removed in [None, Some("registration")] {
        if let Some(stem) = removed {
            let path = pair
                .spec
                .output_dir
                .join(format!("S1/DAPI/pipeline_output/{stem}_pad60.png"));
            fs::remove_file(path).expect("there");
        }
        assert_eq!(run_task(&coarse, &mut Unobserved).status, Status::Complete);
        assert_eq!(pair.on_disk().status, failed.status, "{removed:?}");
    }
}

#[test]
fn a_raw_image_that_cannot_be_read_is_on_record_until_it_can() {
    let pair = Pair::of("clean");
    assert_eq!(
        run_task(&pair.spec, &mut Unobserved).status,
        Status::Complete
    );
    let content = fs::read(&pair.spec.pre).expect("read");
    fs::write(&pair.spec.pre, &content[..content.len() / 2]).expect("cut");
    let failed = run_task(&pair.spec, &mut Unobserved);
    assert!(matches!(failed.status, Status::Error(_)));
    assert_eq!(pair.on_disk().status, failed.status);
    fs::write(&pair.spec.pre, &content).expect("as it was");
    let outcome = run_task(&pair.spec, &mut Unobserved);
    assert_eq!(
        (outcome.status, outcome.stages_done),
        (Status::Complete, vec![])
    );
    assert_eq!(pair.on_disk().status, Status::Complete);
}

#[test]
fn a_killed_run_takes_the_place_of_what_ended_before_it() {
    let pair = Pair::of("clean");
    let coarse = pair.up_to(Stage::Coarse);
    assert_eq!(run_task(&coarse, &mut Unobserved).status, Status::Complete);
    // What was asked for is there.
    record_failure(&coarse, "killed").expect("fine");
    assert_eq!(pair.on_disk().status, Status::Complete);
    for why in ["killed", "killed once more"] {
        record_failure(&pair.spec, why).expect("fine");
        assert_eq!(pair.on_disk().status, Status::Error(why.into()));
    }
    assert_eq!(
        run_task(&pair.spec, &mut Unobserved).status,
        Status::Complete
    );
    record_failure(&pair.spec, "killed").expect("fine");
    assert_eq!(pair.on_disk().status, Status::Complete);
}

#[test]
fn a_preview_and_a_run_say_the_same_of_a_task_up_to_stage_2() {
    let pair = Pair::of("clean");
    assert_eq!(
        run_task(&pair.spec, &mut Unobserved).status,
        Status::Complete
    );
    let coarse = pair.up_to(Stage::Coarse);
    for status in [
        Status::Complete,
        Status::Suspect("local deformation".into()),
        Status::Error("alignment failed: it was".into()),
        Status::Incomplete("stage 3 of 4 is done".into()),
    ] {
        pair.edit(|manifest| manifest.status = status.clone());
        let previewed = preview(&coarse).expect("it can be looked at").finished;
        let outcome = run_task(&coarse, &mut Unobserved);
        assert_eq!(outcome.stages_done, []);
        assert_eq!(previewed, Some(outcome.status), "{status}");
        assert_eq!(pair.on_disk().status, status);
    }
}

#[test]
fn a_stage_that_nothing_rests_on_takes_nothing_else_off_the_record() {
    let pair = Pair::of("clean");
    assert_eq!(
        run_task(&pair.spec, &mut Unobserved).status,
        Status::Complete
    );
    let padded = pair
        .spec
        .output_dir
        .join("S1/DAPI/tiff/01_padded_post_pad60.tiff");
    fs::remove_file(padded).expect("there");
    let mut stopped = Watcher {
        stop_in: Some(Stage::Coarse),
        ..Watcher::default()
    };
    assert!(run_task(&pair.spec, &mut stopped).interrupted);
    let outcome = run_task(&pair.spec, &mut Unobserved);
    assert_eq!(outcome.status, Status::Complete);
    assert!(
        outcome.stages_done.iter().all(|stage| *stage == Stage::Pad),
        "{:?}",
        outcome.stages_done
    );
}

#[test]
fn a_picture_of_a_later_version_does_not_make_a_finished_task_unfinished() {
    let pair = Pair::of("clean");
    let first = run_task(&pair.spec, &mut Unobserved);
    assert_eq!(first.status, Status::Complete);
    let (drawn, written) = (pictures(&pair.spec), pair.times());
    let unknown = ["registration", "comparison_post", "excess_heatmap"];
    let is_unknown = |name: &str| {
        unknown
            .iter()
            .any(|stem| name.starts_with(&format!("{stem}_pad")))
    };
    // As a version left it that did not draw these.
    pair.edit(|manifest| {
        manifest
            .pictures
            .retain(|picture| !unknown.contains(&&*picture.kind));
    });
    let folder = pair.spec.output_dir.join("S1/DAPI/pipeline_output");
    for name in drawn.keys().filter(|name| is_unknown(name)) {
        fs::remove_file(folder.join(name)).expect("there");
    }
    let record = fs::read(pair.path()).expect("a manifest");
    assert!(
        preview(&pair.spec)
            .expect("it can be looked at")
            .is_finished()
    );
    let mut watcher = Watcher::default();
    let second = run_task(&pair.spec, &mut watcher);
    assert_eq!(
        (second.status, second.stages_done),
        (Status::Complete, vec![])
    );
    assert_eq!(watcher.notes, [""; 0]);
    assert_eq!(pictures(&pair.spec).len(), drawn.len() - unknown.len());
    assert_eq!(fs::read(pair.path()).expect("a manifest"), record);
    // Nor does it cost another manual scale an alignment: what is drawn then is what that stage has at hand.
    let mut manual = pair.spec.clone();
    manual.params.manual_scale = Some(1.2);
    let mut watcher = Watcher::default();
    let third = run_task(&manual, &mut watcher);
    assert_eq!(third.stages_done, [Stage::Difference, Stage::Detection]);
    assert_eq!(watcher.notes, [""; 0]);
    assert!(folder.join("excess_heatmap_pad60_msc1.2.png").is_file());
    assert!(!folder.join("registration_pad60_msc1.2.png").exists());
    // On request all are drawn, and nothing else is touched.
    let redraw = TaskSpec {
        redraw: true,
        ..pair.spec.clone()
    };
    assert!(!preview(&redraw).expect("it can be looked at").is_finished());
    let outcome = run_task(&redraw, &mut Unobserved);
    assert_eq!(
        (outcome.status, outcome.stages_done),
        (Status::Complete, vec![])
    );
    let shown = pictures(&pair.spec);
    for (name, bytes) in &drawn {
        assert!(shown.get(name) == Some(bytes), "{name}");
    }
    // The mask is one for all scales: the run with a manual one has written the same bytes.
    let is_of_this = |name: &str| !name.contains("msc") && !name.contains("04_mask");
    let before: Vec<_> = written
        .iter()
        .filter(|(name, _)| is_of_this(name))
        .collect();
    let after = pair.times();
    let after: Vec<_> = after.iter().filter(|(name, _)| is_of_this(name)).collect();
    assert_eq!(after, before);
    let (old, new) = (first.manifest.expect("a manifest"), pair.on_disk());
    assert_eq!((&old.warps, &old.pictures), (&new.warps, &new.pictures));
    let hashes = |manifest: &Manifest| -> Vec<_> {
        let checkpoints = manifest.checkpoints.iter();
        checkpoints.map(|c| (c.path.clone(), c.hash)).collect()
    };
    assert_eq!(hashes(&old), hashes(&new));
    assert_eq!(old.alignment, new.alignment);
}

#[test]
fn pictures_that_are_drawn_again_show_the_alignment_on_record() {
    let pair = Pair::of("clean");
    assert_eq!(
        run_task(&pair.spec, &mut Unobserved).status,
        Status::Complete
    );
    let (drawn, written) = (pictures(&pair.spec), pair.times());
    // As a version left it that found another alignment.
    let aside = Warp::translation(0.25, -0.5);
    pair.edit(|manifest| {
        let warps = &mut manifest.warps;
        for warp in [&mut warps.coarse, &mut warps.icp, &mut warps.interior] {
            *warp = warp.map(|warp| aside.then(&warp));
        }
    });
    let recorded = pair.on_disk();
    let redraw = TaskSpec {
        redraw: true,
        ..pair.spec.clone()
    };
    let mut watcher = Watcher::default();
    let outcome = run_task(&redraw, &mut watcher);
    assert_eq!(
        (outcome.status, outcome.stages_done),
        (Status::Complete, vec![])
    );
    let said = watcher.notes.join("\n");
    assert!(
        said.contains("the pictures show that of the checkpoints"),
        "{said}"
    );
    assert_eq!(pair.times(), written);
    let now = pair.on_disk();
    assert_eq!(
        (now.warps, &now.checkpoints),
        (recorded.warps, &recorded.checkpoints)
    );
    let shown = pictures(&pair.spec);
    let residual = "registration_residual_pad60.png";
    assert!(
        shown[residual] != drawn[residual],
        "the shifts of another warp"
    );
}
