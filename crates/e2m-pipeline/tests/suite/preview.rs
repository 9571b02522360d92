//! What a preview says of a task before it runs, and what is put in order after one that was killed.

use crate::common::task;
use e2m_fixtures::{Recipe, write_pair};
use e2m_pipeline::{
    Observer, Params, Stage, StagePreview, Status, TaskEvent, TaskPreview, TaskSpec, Unobserved,
    preview, record_failure, remove_leftovers, run_task,
};
use std::path::Path;

/// Stops a task once this stage has begun.
struct StopIn(Stage, bool);

impl Observer for StopIn {
    fn on_event(&mut self, event: &TaskEvent) {
        self.1 |= matches!(event, TaskEvent::StageStarted { stage } if *stage == self.0);
    }

    fn should_stop(&self) -> bool {
        self.1
    }
}

fn pair(folder: &Path) -> TaskSpec {
    let recipe = Recipe {
        width: 620,
        height: 540,
        rotation_deg: 3.0,
        ..Recipe::default()
    };
    let pair = write_pair(&recipe, &folder.join("raw"), "S1", "DAPI").expect("a pair");
    let params = Params {
        pad: 40,
        ..Params::default()
    };
    task(
        &folder.join("out"),
        "S1",
        "DAPI",
        &pair.post,
        &pair.pre,
        params,
    )
}

fn look(spec: &TaskSpec) -> TaskPreview {
    preview(spec).expect("it can be looked at")
}

#[test]
fn stages_are_new_there_or_done_again() {
    let work = tempfile::tempdir().expect("a folder");
    let spec = pair(work.path());
    let before = look(&spec);
    assert_eq!(before.stages, vec![StagePreview::New; 5]);
    assert_eq!(
        (before.finished.clone(), before.earlier.clone()),
        (None, None)
    );

    assert_eq!(run_task(&spec, &mut Unobserved).status, Status::Complete);
    let after = look(&spec);
    assert_eq!(after.stages, vec![StagePreview::There; 5]);
    assert_eq!(after.finished, Some(Status::Complete));
    assert!(after.is_finished() && after.disk_bytes == 0);

    // Other parameters of stage 4 share what comes before.
    let mut other = spec.clone();
    other.params.manual_scale = Some(1.1);
    let other = look(&other);
    assert_eq!(other.to_do(), [Stage::Difference, Stage::Detection]);
    assert!(0 < other.disk_bytes && other.disk_bytes < before.disk_bytes);
    // Of stage 1, nothing.
    let mut padded = spec.clone();
    padded.params.pad = 50;
    assert_eq!(look(&padded).stages, vec![StagePreview::New; 5]);

    let forced = TaskSpec {
        from_stage: Stage::Fine,
        ..spec.clone()
    };
    assert_eq!(
        look(&forced).stages[2..],
        [3, 3, 3].map(|stage| StagePreview::Again(format!("from_stage is {stage}")))
    );
    let forced = TaskSpec {
        force: true,
        ..spec
    };
    assert_eq!(look(&forced).to_do(), Stage::ALL);
}

#[test]
fn what_was_touched_is_told_and_not_read() {
    let work = tempfile::tempdir().expect("a folder");
    let spec = pair(work.path());
    assert_eq!(run_task(&spec, &mut Unobserved).status, Status::Complete);
    let bytes = std::fs::read(&spec.pre).expect("pre");
    std::fs::write(&spec.pre, &bytes).expect("the same again");
    let touched = look(&spec);
    assert!(touched.touched && !touched.is_finished());
    assert_eq!(touched.stages, vec![StagePreview::There; 5]);
    // A run compares it, and then it is known.
    assert!(run_task(&spec, &mut Unobserved).stages_done.is_empty());

    let checkpoint = work
        .path()
        .join("out/S1/DAPI/tiff/03_interior_aligned_pre_pad40.tiff");
    let bytes = std::fs::read(&checkpoint).expect("a checkpoint");
    std::fs::write(&checkpoint, &bytes).expect("the same again");
    assert!(look(&spec).touched);
    std::fs::write(&checkpoint, &bytes[..bytes.len() - 9000]).expect("shorter");
    let shorter = look(&spec);
    assert!(
        matches!(&shorter.stages[2], StagePreview::Again(_)),
        "{shorter:?}"
    );
    assert_eq!(
        shorter.to_do(),
        [Stage::Fine, Stage::Difference, Stage::Detection]
    );
}

#[test]
fn a_killed_run_is_put_in_order() {
    let work = tempfile::tempdir().expect("a folder");
    let spec = pair(work.path());
    // Nothing is there, and nothing to put in order.
    assert_eq!(remove_leftovers(&spec).expect("fine"), 0);
    record_failure(&spec, "killed").expect("fine");
    assert!(!spec.output_dir.exists());

    assert!(run_task(&spec, &mut StopIn(Stage::Difference, false)).interrupted);
    assert!(matches!(look(&spec).earlier, Some(Status::Incomplete(_))));
    let left = work
        .path()
        .join("out/S1/DAPI/tiff/.02_x.tiff.4000000-0.e2m-tmp");
    std::fs::write(&left, b"half").expect("a file");
    assert_eq!(remove_leftovers(&spec).expect("fine"), 1);
    assert!(!left.exists());
    record_failure(&spec, "killed").expect("fine");
    assert_eq!(look(&spec).earlier, Some(Status::Error("killed".into())));

    let outcome = run_task(&spec, &mut Unobserved);
    assert_eq!(outcome.status, Status::Complete);
    assert_eq!(
        outcome.stages_done,
        [Stage::Difference, Stage::Detection],
        "what was finished is kept"
    );
    // A result that is whole is nobody's failure.
    record_failure(&spec, "killed").expect("fine");
    assert_eq!(look(&spec).earlier, Some(Status::Complete));
}
