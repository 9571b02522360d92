//! Runs a task so that not even a defect in e2m takes its siblings along.

use e2m_pipeline::{Observer, TaskOutcome, TaskSpec, run_task, run_task_in};
use e2m_resources::process_memory;
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::Instant;

/// Runs a task; a panic in it becomes its result. Files under construction are removed on the way.
pub(super) fn run(task: &TaskSpec, observer: &mut dyn Observer) -> TaskOutcome {
    caught(task, || run_task(task, observer))
}

/// The same, with files made in a scratch folder first, where there is one.
pub(crate) fn run_in(
    task: &TaskSpec,
    scratch: Option<&Path>,
    observer: &mut dyn Observer,
) -> TaskOutcome {
    caught(task, || run_task_in(task, scratch, observer))
}

fn caught(task: &TaskSpec, work: impl FnOnce() -> TaskOutcome) -> TaskOutcome {
    let started = Instant::now();
    // The observer only shows things; what a panic may leave half-said is no harm.
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        let why = format!(
            "internal error: {}; this is a defect in e2m, please report it with the output of -v",
            message(panic.as_ref())
        );
        TaskOutcome {
            seconds: started.elapsed().as_secs_f64(),
            peak_rss_bytes: process_memory().peak,
            ..TaskOutcome::failed(&task.sample, &task.dye, why)
        }
    })
}

/// What a panic says.
fn message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("no message")
}

#[cfg(test)]
mod tests {
    use super::*;
    use e2m_pipeline::{Params, Stage};

    #[test]
    fn a_panic_is_a_result() {
        let task = TaskSpec {
            sample: "s".into(),
            dye: "d".into(),
            post: "post.tif".into(),
            pre: "pre.tif".into(),
            output_dir: "out".into(),
            params: Params::default(),
            from_stage: Stage::Pad,
            to_stage: Stage::Difference,
            force: false,
            redraw: false,
            checkpoint_format: Default::default(),
            checkpoint_compression: Default::default(),
            checkpoints: Default::default(),
        };
        let outcome = caught(&task, || panic!("row {} of {}", 3, 2));
        assert_eq!(
            outcome.status.to_string(),
            "error: internal error: row 3 of 2; this is a defect in e2m, please report it with the output of -v"
        );
        assert_eq!((outcome.sample.as_str(), outcome.interrupted), ("s", false));
    }
}
