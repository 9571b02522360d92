//! Between a running task and those who watch it.

use crate::terminal::{Show, TaskView};
use e2m_pipeline::{Event, Observer};
use e2m_schedule::Interrupt;

/// Shows the events of a task, and passes on the wish to stop.
pub(super) struct Watch<'a> {
    pub(super) task: &'a TaskView,
    pub(super) show: &'a mut dyn Show,
    pub(super) interrupt: &'a Interrupt,
}

impl Observer for Watch<'_> {
    fn on_event(&mut self, event: &Event) {
        self.show.event(self.task, event);
    }

    fn should_stop(&self) -> bool {
        self.interrupt.is_raised()
    }
}
