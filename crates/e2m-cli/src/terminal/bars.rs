//! Progress on a terminal: a line for each running task, and one for the batch.

use super::Terminal;
use super::show::{Show, TaskEnd, last_line, stage_name};
use e2m_batch::{BatchEvent, Forecast, StageStep, TaskView, human};
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use std::collections::BTreeMap;
use std::time::Duration;

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
    /// What it says behind the bar, before the memory.
    text: String,
    rss_bytes: Option<u64>,
}

impl Line {
    fn say(&mut self, text: String) {
        self.text = text;
        self.show();
    }

    /// Rows went by.
    fn progress(&mut self, step: &StageStep<'_>, speed: Option<f64>) {
        self.bar.set_position(step.percent());
        let (stage, what) = (stage_name(step.stage), step.what);
        if step.rows == step.of {
            // What comes next may take a while and has no rows to count.
            self.say(stage);
        } else if step.rows == 0 {
            self.say(format!("{stage}: {what}"));
        } else if let Some(speed) = speed {
            self.say(format!("{stage}: {what}  {speed:.0} MP/s"));
        }
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
            text: String::new(),
            rss_bytes: None,
        };
        line.say("reading the raw files".to_owned());
        self.running.insert(task.index, line);
    }

    fn event(&mut self, event: &BatchEvent<'_>) {
        if let BatchEvent::TaskNote { task, text } = event {
            self.terminal
                .say(&format!("{}  note: {text}", task.label()));
        }
        let line = event.task().map(|task| task.index);
        let Some(line) = line.and_then(|index| self.running.get_mut(&index)) else {
            return;
        };
        match event {
            BatchEvent::StageStarted { stage, .. } => {
                line.bar.set_position(0);
                line.say(stage_name(*stage));
            }
            BatchEvent::StageProgress {
                step,
                megapixels_per_second,
                rss_bytes,
                ..
            } => {
                line.rss_bytes = rss_bytes.or(line.rss_bytes);
                line.progress(step, *megapixels_per_second);
                self.show_left();
            }
            BatchEvent::StageFinished { .. } => line.bar.set_position(100),
            _ => {}
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
