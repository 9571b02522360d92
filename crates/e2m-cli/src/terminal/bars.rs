//! Progress on a terminal: a line for each running task, and one for the batch.

use super::Terminal;
use super::show::{Show, Step, TaskEnd, TaskView, last_line, stage_name};
use crate::forecast::Forecast;
use crate::human;
use e2m_pipeline::{Stage, TaskEvent};
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// The lines are drawn anew this often, so that the times go on in steps that report nothing.
const TICK: Duration = Duration::from_millis(200);
const TASK_LINE: &str = "{spinner} {prefix}  {bar:20} {percent:>3} %  {wide_msg}";
const BATCH_LINE: &str = "  {pos}/{len} tasks  {elapsed_precise}  {wide_msg}";

/// A line for each running task, and below them one for the batch; they stay at the bottom.
#[derive(Debug)]
pub(crate) struct Bars {
    terminal: Terminal,
    bars: MultiProgress,
    forecast: Forecast,
    running: BTreeMap<usize, Line>,
    batch: ProgressBar,
}

/// The line of a running task.
#[derive(Debug)]
struct Line {
    bar: ProgressBar,
    speed: Speed,
    /// What it says behind the bar, before the memory.
    text: String,
    rss_bytes: Option<u64>,
}

impl Line {
    fn say(&mut self, text: String) {
        self.text = text;
        self.show();
    }

    fn show(&self) {
        let memory = self.rss_bytes.map_or_else(String::new, human::bytes);
        self.bar.set_message(format!("{}  {memory}", self.text));
    }
}

fn style(line: &str) -> ProgressStyle {
    ProgressStyle::with_template(line).unwrap_or_else(|_| ProgressStyle::default_bar())
}

impl Bars {
    pub(crate) fn new(terminal: Terminal, bars: MultiProgress, forecast: Forecast) -> Self {
        let batch = bars
            .add(ProgressBar::new(forecast.tasks() as u64))
            .with_style(style(BATCH_LINE));
        batch.enable_steady_tick(TICK);
        Self {
            terminal,
            bars,
            forecast,
            running: BTreeMap::new(),
            batch,
        }
    }

    fn show_left(&self) {
        let left = self.forecast.seconds_left();
        self.batch
            .set_message(left.map_or_else(String::new, |left| {
                format!("about {} left", human::about(left))
            }));
    }

    fn remove(&mut self, task: &TaskView) {
        if let Some(line) = self.running.remove(&task.index) {
            line.bar.finish_and_clear();
            self.bars.remove(&line.bar);
        }
    }
}

impl Show for Bars {
    fn task_started(&mut self, task: &TaskView) {
        self.remove(task);
        self.forecast.begin(task.index);
        let bar = self
            .bars
            .insert_before(&self.batch, ProgressBar::new(100))
            .with_style(style(TASK_LINE).progress_chars("━╸─"));
        bar.enable_steady_tick(TICK);
        bar.set_prefix(task.label());
        let mut line = Line {
            bar,
            speed: Speed::new(),
            text: String::new(),
            rss_bytes: None,
        };
        line.say("reading the raw files".to_owned());
        self.running.insert(task.index, line);
    }

    fn event(&mut self, task: &TaskView, event: &TaskEvent) {
        if let TaskEvent::Note { text } = event {
            self.terminal
                .say(&format!("{}  note: {text}", task.label()));
        }
        let Some(line) = self.running.get_mut(&task.index) else {
            return;
        };
        match event {
            TaskEvent::StageStarted { stage } => {
                line.bar.set_position(0);
                line.say(stage_name(*stage));
            }
            TaskEvent::Progress {
                stage,
                what,
                rows,
                of,
            } => {
                let step = Step {
                    stage: *stage,
                    what: what.to_string(),
                    rows: *rows,
                    of: *of,
                };
                line.bar.set_position(step.percent());
                let speed = line.speed.of(&step, task);
                let stage = stage_name(*stage);
                if step.rows == step.of {
                    // What comes next may take a while and has no rows to count.
                    line.say(stage);
                } else if step.rows == 0 {
                    line.say(format!("{stage}: {what}"));
                } else if let Some(speed) = speed {
                    line.say(format!("{stage}: {what}  {speed:.0} MP/s"));
                }
                self.show_left();
            }
            TaskEvent::StageFinished { .. } => line.bar.set_position(100),
            TaskEvent::Note { .. } => {}
        }
    }

    fn memory(&mut self, task: &TaskView, rss_bytes: u64) {
        if let Some(line) = self.running.get_mut(&task.index) {
            line.rss_bytes = Some(rss_bytes);
            line.show();
        }
    }

    fn task_put_back(&mut self, task: &TaskView) {
        self.forecast.put_back(task.index);
        self.remove(task);
    }

    fn task_finished(&mut self, task: &TaskView, end: &TaskEnd) {
        self.forecast.end(task.index, end.seconds, end.typical);
        self.remove(task);
        self.terminal.say(&last_line(task, end, None));
        self.batch.inc(1);
        self.show_left();
    }
}

impl Drop for Bars {
    fn drop(&mut self) {
        for line in self.running.values() {
            line.bar.finish_and_clear();
        }
        self.batch.finish_and_clear();
    }
}

/// Megapixels per second of the step at hand.
#[derive(Debug)]
struct Speed {
    /// The step, and how many rows of it were done when.
    since: Option<(Stage, String, usize, Instant)>,
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
        let (rows, began) = match &self.since {
            Some((stage, what, rows, began)) if (*stage, what) == (step.stage, &step.what) => {
                (*rows, *began)
            }
            _ => {
                // Work without rows may have gone before, so the next rows are counted from here.
                self.since = Some((step.stage, step.what.clone(), step.rows, now));
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
            stage: Stage::Pad,
            what: "padding".into(),
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
