//! Progress on a terminal: a line for the running task, and one for the batch.

use super::Terminal;
use super::show::{Show, Step, TaskEnd, TaskView, last_line, stage_name};
use crate::forecast::Forecast;
use crate::human;
use e2m_pipeline::Event;
use e2m_resources::process_memory;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use std::time::{Duration, Instant};

/// The lines are drawn anew this often, so that the times go on in steps that report nothing.
const TICK: Duration = Duration::from_millis(200);
const TASK_LINE: &str = "{spinner} {prefix}  {bar:20} {percent:>3} %  {wide_msg}";
const BATCH_LINE: &str = "  {pos}/{len} tasks  {elapsed_precise}  {wide_msg}";

/// Two lines that stay at the bottom.
#[derive(Debug)]
pub(crate) struct Bars {
    terminal: Terminal,
    forecast: Forecast,
    task: ProgressBar,
    batch: ProgressBar,
    speed: Speed,
}

impl Bars {
    pub(crate) fn new(terminal: Terminal, bars: MultiProgress, forecast: Forecast) -> Self {
        let style = |line| {
            ProgressStyle::with_template(line).unwrap_or_else(|_| ProgressStyle::default_bar())
        };
        let task = bars
            .add(ProgressBar::new(100))
            .with_style(style(TASK_LINE).progress_chars("━╸─"));
        let batch = bars
            .add(ProgressBar::new(forecast.tasks() as u64))
            .with_style(style(BATCH_LINE));
        task.enable_steady_tick(TICK);
        batch.enable_steady_tick(TICK);
        Self {
            terminal,
            forecast,
            task,
            batch,
            speed: Speed::new(),
        }
    }

    fn show_left(&self) {
        let left = self.forecast.seconds_left();
        self.batch
            .set_message(left.map_or_else(String::new, |left| {
                format!("about {} left", human::about(left))
            }));
    }
}

impl Show for Bars {
    fn task_started(&mut self, task: &TaskView) {
        self.forecast.begin(task.index);
        self.speed = Speed::new();
        self.task.set_prefix(task.label());
        self.task.set_position(0);
        self.task.set_message("reading the raw files");
    }

    fn event(&mut self, task: &TaskView, event: &Event) {
        match event {
            Event::StageStarted { stage } => {
                self.task.set_position(0);
                self.task.set_message(stage_name(*stage));
            }
            Event::Progress {
                stage,
                what,
                rows,
                of,
            } => {
                let step = Step {
                    stage: *stage,
                    what,
                    rows: *rows,
                    of: *of,
                };
                self.task.set_position(step.percent());
                let speed = self.speed.of(&step, task);
                let stage = stage_name(*stage);
                if step.rows == step.of {
                    // What comes next may take a while and has no rows to count.
                    self.task.set_message(format!("{stage}  {}", memory()));
                } else if let Some(speed) = speed {
                    self.task
                        .set_message(format!("{stage}: {what}  {speed:.0} MP/s  {}", memory()));
                }
                self.show_left();
            }
            Event::StageFinished { .. } => self.task.set_position(100),
            Event::Note(text) => self
                .terminal
                .say(&format!("{}  note: {text}", task.label())),
        }
    }

    fn task_finished(&mut self, task: &TaskView, end: &TaskEnd) {
        self.forecast.end(task.index, end.seconds, end.typical);
        self.terminal.say(&last_line(task, end, None));
        self.batch.inc(1);
        self.show_left();
    }
}

impl Drop for Bars {
    fn drop(&mut self) {
        self.task.finish_and_clear();
        self.batch.finish_and_clear();
    }
}

/// The memory in use.
fn memory() -> String {
    human::bytes(process_memory().current)
}

/// Megapixels per second of the step at hand.
#[derive(Debug)]
struct Speed {
    /// The step, and how many rows of it were done when.
    since: Option<(u8, &'static str, usize, Instant)>,
    last_event: Instant,
    last_shown: Option<Instant>,
}

impl Speed {
    /// From now on.
    fn new() -> Self {
        Self {
            since: None,
            last_event: Instant::now(),
            last_shown: None,
        }
    }

    /// The speed, if it is time to show it again.
    fn of(&mut self, step: &Step, task: &TaskView) -> Option<f64> {
        let now = Instant::now();
        let before = std::mem::replace(&mut self.last_event, now);
        let (rows, began) = match self.since {
            Some((stage, what, rows, began)) if (stage, what) == (step.stage, step.what) => {
                (rows, began)
            }
            _ => {
                // Work without rows may have gone before, so the next rows are counted from here.
                self.since = Some((step.stage, step.what, step.rows, now));
                self.last_shown = None;
                (0, before)
            }
        };
        if self.last_shown.is_some_and(|shown| now - shown < TICK) {
            return None;
        }
        self.last_shown = Some(now);
        let width = task.size.as_ref().map_or(0, |size| size.width_of(step.of));
        let pixels = (width * step.rows.saturating_sub(rows)) as f64;
        let seconds = (now - began).as_secs_f64();
        Some(if seconds > 0.0 {
            pixels / seconds / 1e6
        } else {
            0.0
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn speed_counts_the_rows_of_its_step() {
        let size = crate::task_size::TaskSize::for_test(1_000_000, 1000);
        let task = TaskView {
            index: 0,
            of: 1,
            name: "a/b".into(),
            size: Some(size),
        };
        let mut speed = Speed::new();
        let step = |rows| Step {
            stage: 1,
            what: "padding",
            rows,
            of: 1000,
        };
        assert!(
            speed
                .of(&step(100), &task)
                .is_some_and(|speed| speed > 100.0)
        );
        assert_eq!(speed.of(&step(200), &task), None, "shown a moment ago");
        std::thread::sleep(TICK);
        let shown = speed.of(&step(300), &task).expect("it is time");
        assert!(shown < 200.0 / TICK.as_secs_f64() && shown > 1.0, "{shown}");
    }
}
