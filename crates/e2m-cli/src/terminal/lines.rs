//! Progress without a terminal: a line per event that matters.

use super::Terminal;
use super::show::{Show, TaskEnd, last_line, stage_name};
use e2m_batch::{BatchEvent, Forecast, TaskView, human};
use std::time::{Duration, Instant};

/// In a stage that takes longer than this, a line tells how far it is.
const SIGN_OF_LIFE: Duration = Duration::from_secs(30);

/// Prints a line per event that matters.
#[derive(Debug)]
pub(crate) struct Lines {
    terminal: Terminal,
    forecast: Forecast,
    last_line: Instant,
}

impl Lines {
    pub(crate) fn new(terminal: Terminal, forecast: Forecast) -> Self {
        Self {
            terminal,
            forecast,
            last_line: Instant::now(),
        }
    }

    fn say(&mut self, line: &str) {
        self.terminal.say(line);
        self.last_line = Instant::now();
    }
}

impl Show for Lines {
    fn task_started(&mut self, task: &TaskView) {
        self.forecast.begin(task.index);
        self.last_line = Instant::now();
    }

    fn event(&mut self, event: &BatchEvent<'_>) {
        match event {
            BatchEvent::StageFinished {
                task,
                stage,
                seconds,
                skipped: false,
            } => {
                self.say(&format!(
                    "{}  {}  {}",
                    task.label(),
                    stage_name(*stage),
                    human::seconds(*seconds)
                ));
            }
            BatchEvent::StageProgress { task, step, .. }
                if self.last_line.elapsed() >= SIGN_OF_LIFE =>
            {
                self.say(&format!(
                    "{}  {}: {}, {} %",
                    task.label(),
                    stage_name(step.stage),
                    step.what,
                    step.percent()
                ));
            }
            BatchEvent::TaskNote { task, text } => {
                self.say(&format!("{}  note: {text}", task.label()));
            }
            _ => {}
        }
    }

    fn memory(&mut self, _: &TaskView, _: u64) {}

    fn task_put_back(&mut self, task: &TaskView) {
        self.forecast.put_back(task.index);
    }

    fn task_finished(&mut self, task: &TaskView, end: &TaskEnd) {
        self.forecast.end(task.index, end.seconds, end.typical);
        let left = self.forecast.seconds_left();
        self.say(&last_line(task, end, left));
    }
}
