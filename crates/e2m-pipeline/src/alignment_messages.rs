//! What an [`Aligner`](e2m_align::Aligner) does, as messages of the task.

use crate::messages::Messages;
use crate::stage::Stage;
use e2m_align::{AlignObserver, AlignStep};

/// Turns the steps of an alignment into messages of the task.
pub(crate) struct AlignmentMessages<'m, 'a> {
    pub(crate) messages: &'m mut Messages<'a>,
    /// Rows of the canvas.
    pub(crate) rows: usize,
}

/// The stage that a step belongs to, and what is shown of it.
fn shown(step: AlignStep) -> (Stage, &'static str) {
    match step {
        AlignStep::ReadPost => (Stage::Coarse, "reading post"),
        AlignStep::AlignCoarsely => (Stage::Coarse, "looking for the alignment"),
        AlignStep::CorrectInside => (Stage::Fine, "matching features inside"),
        AlignStep::ReadTiles => (Stage::Fine, "reading tiles of post"),
        AlignStep::Refine => (Stage::Fine, "refining"),
        AlignStep::ReadLocalTiles => (Stage::Fine, "reading more tiles of post"),
        AlignStep::CorrectLocally => (Stage::Fine, "correcting a deformation"),
    }
}

impl AlignObserver for AlignmentMessages<'_, '_> {
    fn on_step(&mut self, step: AlignStep) {
        let (stage, what) = shown(step);
        self.messages.announce(stage, what, self.rows);
    }

    fn on_rows(&mut self, step: AlignStep, rows: usize, of: usize) {
        let (stage, what) = shown(step);
        // Whether to stop is asked for by `should_stop`.
        let _ = self.messages.progress(stage, what, rows, of);
    }

    fn on_not_kept(&mut self, step: AlignStep, reason: &str) {
        let text = match step {
            AlignStep::CorrectInside => {
                format!("stage 3 starts from the warp of stage 2 as it is: {reason}")
            }
            AlignStep::ReadLocalTiles | AlignStep::CorrectLocally => {
                format!("a local correction was looked for and not kept: {reason}")
            }
            AlignStep::ReadPost
            | AlignStep::AlignCoarsely
            | AlignStep::ReadTiles
            | AlignStep::Refine => {
                format!("the refinement by brightness was not kept: {reason}")
            }
        };
        self.messages.keep_note(Stage::Fine, text);
    }

    fn should_stop(&self) -> bool {
        self.messages.should_stop()
    }
}
