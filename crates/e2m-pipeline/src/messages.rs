//! What a running task says, and whether it is to stop.

use crate::doubts::{Doubt, Findings, Note};
use crate::error::PipelineError;
use crate::observer::{Observer, TaskEvent};
use crate::stage::Stage;
use crate::task::TaskSpec;
use std::ops::ControlFlow;

/// Says to the observer what happens, and keeps the notes for the task's outcome.
pub(crate) struct Messages<'a> {
    observer: &'a mut dyn Observer,
    /// Whose they are, for the log.
    sample: String,
    dye: String,
    notes: Vec<String>,
    /// What was found since it was asked for last.
    findings: Findings,
}

impl<'a> Messages<'a> {
    pub(crate) fn new(observer: &'a mut dyn Observer, spec: &TaskSpec, notes: Vec<String>) -> Self {
        Self {
            observer,
            sample: spec.sample.clone(),
            dye: spec.dye.clone(),
            notes,
            findings: Findings::default(),
        }
    }

    /// The observer itself.
    pub(crate) fn observer(&mut self) -> &mut dyn Observer {
        &mut *self.observer
    }

    pub(crate) fn event(&mut self, event: &TaskEvent) {
        self.observer.on_event(event);
    }

    /// What the user should know of this run.
    pub(crate) fn note(&mut self, text: String) {
        tracing::info!(sample = self.sample, dye = self.dye, "{text}");
        self.notes.push(text.clone());
        self.event(&TaskEvent::Note { text });
    }

    /// What the user should know of the results of a stage, now and whenever the task is looked at later.
    pub(crate) fn keep_note(&mut self, stage: Stage, text: String) {
        self.note(text.clone());
        self.findings.notes.push(Note { stage, text });
    }

    /// Says a note of earlier results, unless this run has said it.
    pub(crate) fn note_again(&mut self, text: &str) {
        if !self.notes.iter().any(|said| said == text) {
            self.note(text.to_owned());
        }
    }

    /// A reason to doubt the task. It is said with its status.
    pub(crate) fn doubt(&mut self, doubt: Doubt) {
        self.findings.doubts.push(doubt);
    }

    /// Doubts and notes to be kept since this was asked last.
    pub(crate) fn take_findings(&mut self) -> Findings {
        std::mem::take(&mut self.findings)
    }

    /// The notes so far.
    pub(crate) fn into_notes(self) -> Vec<String> {
        self.notes
    }

    /// Says what begins, where no rows go by that would show it.
    pub(crate) fn announce(&mut self, stage: Stage, what: &'static str, of: usize) {
        self.event(&progress(stage, what, 0, of));
    }

    /// Says how far it is, and asks whether to go on.
    pub(crate) fn progress(
        &mut self,
        stage: Stage,
        what: &'static str,
        rows: usize,
        of: usize,
    ) -> ControlFlow<()> {
        emit(self.observer, progress(stage, what, rows, of))
    }

    /// Whether the task is to stop.
    pub(crate) fn should_stop(&self) -> bool {
        self.observer.should_stop()
    }

    /// # Errors
    /// [`PipelineError::Interrupted`], if the task is to stop.
    pub(crate) fn stop_if_asked(&self) -> Result<(), PipelineError> {
        if self.should_stop() {
            Err(PipelineError::Interrupted)
        } else {
            Ok(())
        }
    }
}

/// Says an event, and asks whether to go on.
pub(crate) fn emit(observer: &mut dyn Observer, event: TaskEvent) -> ControlFlow<()> {
    observer.on_event(&event);
    if observer.should_stop() {
        ControlFlow::Break(())
    } else {
        ControlFlow::Continue(())
    }
}

pub(crate) fn progress(stage: Stage, what: &'static str, rows: usize, of: usize) -> TaskEvent {
    TaskEvent::Progress {
        stage,
        what: what.into(),
        rows,
        of,
    }
}
