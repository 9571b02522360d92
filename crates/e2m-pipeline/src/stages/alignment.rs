//! The alignment of a running task: its steps are those of [`Aligner`], told as events of the task.

use crate::alignment_options::alignment_options;
use crate::observer::Event;
use crate::run::TaskRun;
use e2m_align::{AlignObserver, AlignStep, Aligner};

/// The steps of the alignment of the task's pair, with its parameters.
pub(crate) fn aligner(run: &TaskRun<'_>) -> Aligner {
    let options = alignment_options(&run.spec.params);
    Aligner::new(run.post.size(), run.pre.size(), options)
}

/// Tells what an [`Aligner`] does as events and notes of a task.
pub(crate) struct Watch<'r, 'a>(pub(crate) &'r mut TaskRun<'a>);

/// The stage that a step belongs to, and what is shown of it.
fn shown(step: AlignStep) -> (u8, &'static str) {
    match step {
        AlignStep::ReadPost => (2, "reading post"),
        AlignStep::AlignCoarsely => (2, "looking for the alignment"),
        AlignStep::CorrectInside => (3, "matching features inside"),
        AlignStep::ReadTiles => (3, "reading tiles of post"),
        AlignStep::Refine => (3, "refining"),
    }
}

impl AlignObserver for Watch<'_, '_> {
    fn on_step(&mut self, step: AlignStep) {
        let (stage, what) = shown(step);
        self.0.announce(stage, what);
    }

    fn on_rows(&mut self, step: AlignStep, rows: usize, of: usize) {
        let (stage, what) = shown(step);
        let what = what.into();
        let event = Event::Progress {
            stage,
            what,
            rows,
            of,
        };
        self.0.output.observer.on_event(&event);
    }

    fn on_not_kept(&mut self, step: AlignStep, reason: &str) {
        self.0.note(match step {
            AlignStep::CorrectInside => {
                format!("stage 3 starts from the warp of stage 2 as it is: {reason}")
            }
            _ => format!("the refinement by brightness was not kept: {reason}"),
        });
    }

    fn should_stop(&self) -> bool {
        self.0.output.observer.should_stop()
    }
}
