//! Progress without a terminal: a line per event that matters.

use super::Terminal;
use super::show::{Show, Step, TaskEnd, TaskView, last_line, stage_name};
use crate::forecast::Forecast;
use crate::human;
use e2m_pipeline::TaskEvent;
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

    fn event(&mut self, task: &TaskView, event: &TaskEvent) {
        let label = task.label();
        match event {
            TaskEvent::StageStarted { .. } | TaskEvent::StageFinished { skipped: true, .. } => {}
            TaskEvent::StageFinished {
                stage,
                seconds,
                skipped: false,
            } => {
                self.say(&format!(
                    "{label}  {}  {}",
                    stage_name(*stage),
                    human::seconds(*seconds)
                ));
            }
            TaskEvent::Progress {
                stage,
                what,
                rows,
                of,
            } => {
                if self.last_line.elapsed() >= SIGN_OF_LIFE {
                    let step = Step {
                        stage: *stage,
                        what: what.to_string(),
                        rows: *rows,
                        of: *of,
                    };
                    self.say(&format!(
                        "{label}  {}: {what}, {} %",
                        stage_name(*stage),
                        step.percent()
                    ));
                }
            }
            TaskEvent::Note { text } => self.say(&format!("{label}  note: {text}")),
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
