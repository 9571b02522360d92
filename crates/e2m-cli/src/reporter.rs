//! What happens in a batch, on the terminal.

use crate::terminal::{Show, TaskEnd, Terminal};
use crate::{admission, summary};
use e2m_batch::{Admission, BatchEvent, Forecast, Plan, Reporter, TaskSize, TaskView, human};

/// What is said before tasks begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Opening {
    /// All of it: the run of a batch.
    Batch,
    /// Only what is wrong: one task among others.
    SingleTask,
    /// What concerns memory and disk: jobs of a cluster.
    Cluster,
}

/// Shows what happens in a batch.
pub(crate) struct TerminalReporter<'a> {
    terminal: &'a Terminal,
    opening: Opening,
    /// How tasks are shown while they run.
    show: Option<Box<dyn Show>>,
}

impl<'a> TerminalReporter<'a> {
    /// On this terminal.
    pub(crate) fn new(terminal: &'a Terminal, opening: Opening) -> Self {
        Self {
            terminal,
            opening,
            show: None,
        }
    }

    fn admitted(&self, admission: &Admission) {
        match self.opening {
            Opening::Batch => admission::show(admission, self.terminal),
            Opening::SingleTask => admission::show_trouble(admission, self.terminal),
            Opening::Cluster => admission::show_fit(admission, self.terminal),
        }
    }

    fn started(&mut self, plan: &Plan, admission: &Admission, tasks: &[TaskView]) {
        if self.opening == Opening::Batch {
            self.terminal.say(&opening(plan, admission));
        }
        let pixels: Vec<_> = tasks
            .iter()
            .map(|task| task.size.as_ref().map(TaskSize::canvas_pixels))
            .collect();
        let forecast = Forecast::new(&pixels, admission.workers());
        self.show = Some(self.terminal.show(forecast));
    }

    /// What concerns a task that is shown.
    fn show_task(&mut self, event: &BatchEvent<'_>) {
        let Some(show) = &mut self.show else {
            return;
        };
        match event {
            BatchEvent::TaskStarted { task, .. } => show.task_started(task),
            BatchEvent::TaskUsage { task, rss_bytes } => show.memory(task, *rss_bytes),
            BatchEvent::TaskPostponed { task, .. } | BatchEvent::TaskRetried { task, .. } => {
                show.task_put_back(task);
            }
            BatchEvent::TaskEnded { task, result, .. } => {
                show.task_finished(task, &TaskEnd::of(result));
            }
            event => show.event(event),
        }
    }
}

impl Reporter for TerminalReporter<'_> {
    fn on_event(&mut self, event: &BatchEvent<'_>) {
        match event {
            BatchEvent::Admitted { admission, .. } => self.admitted(admission),
            BatchEvent::Started {
                plan,
                admission,
                tasks,
                ..
            } => self.started(plan, admission, tasks),
            BatchEvent::WorkerLog { text, .. } => self.terminal.log(text),
            BatchEvent::Warning { text } => self.terminal.warn(text),
            BatchEvent::Error { text } => self.terminal.error(text),
            BatchEvent::TasksEnded => self.show = None,
            BatchEvent::RunnerFailed { error } => self.terminal.error(&error.to_string()),
            BatchEvent::Ended { report, unwritten } => {
                summary::show(report, unwritten, self.terminal);
            }
            event => {
                self.show_task(event);
                if let Some(line) = event.line() {
                    self.terminal.say(&line);
                }
            }
        }
    }
}

fn opening(plan: &Plan, admission: &Admission) -> String {
    let left_out = match plan.missing.len() {
        0 => String::new(),
        n => format!(
            ", {} left out because images are missing",
            human::count(n, "task")
        ),
    };
    let tasks = human::count(plan.tasks.len(), "task");
    format!(
        "e2m {}: {tasks} of {}{left_out}{}",
        env!("CARGO_PKG_VERSION"),
        plan.batch_path.display(),
        admission.how()
    )
}

/// Listens for Ctrl-C as soon as a batch is admitted: before that, Ctrl-C ends the program.
pub(crate) struct ListenOnceAdmitted<'a>(Option<Box<dyn FnOnce() + 'a>>);

impl<'a> ListenOnceAdmitted<'a> {
    /// Calls `listen` then.
    pub(crate) fn new(listen: impl FnOnce() + 'a) -> Self {
        Self(Some(Box::new(listen)))
    }
}

impl Reporter for ListenOnceAdmitted<'_> {
    fn on_event(&mut self, event: &BatchEvent<'_>) {
        if matches!(event, BatchEvent::Admitted { .. })
            && let Some(listen) = self.0.take()
        {
            listen();
        }
    }
}
