//! Progress on a terminal: a line for the running task, and one for the batch.

use super::Terminal;
use super::show::{Show, Step, TaskView, last_line, stage_name};
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
            speed: Speed::default(),
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
        self.speed = Speed::default();
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
                if let Some(speed) = self.speed.of(&step, task) {
                    let memory = human::bytes(process_memory().current);
                    self.task.set_message(format!(
                        "{}: {what}  {speed:.0} MP/s  {memory}",
                        stage_name(*stage)
                    ));
                    self.show_left();
                }
            }
            Event::StageFinished { .. } => self.task.set_position(100),
            Event::Note(text) => self
                .terminal
                .say(&format!("{}  note: {text}", task.label())),
        }
    }

    fn task_finished(&mut self, task: &TaskView, how: &str, seconds: f64, worked: bool) {
        self.forecast.end(task.index, seconds, worked);
        self.terminal
            .say(&last_line(task, how, seconds, worked, None));
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

/// Megapixels per second of the step at hand.
#[derive(Debug, Default)]
struct Speed {
    step: Option<(u8, &'static str, Instant)>,
    shown: Option<Instant>,
}

impl Speed {
    /// The speed, if it is time to show it again.
    fn of(&mut self, step: &Step, task: &TaskView) -> Option<f64> {
        let now = Instant::now();
        let began = match self.step {
            Some((stage, what, began)) if stage == step.stage && what == step.what => began,
            _ => {
                self.step = Some((step.stage, step.what, now));
                self.shown = None;
                now
            }
        };
        if self.shown.is_some_and(|shown| now - shown < TICK) {
            return None;
        }
        self.shown = Some(now);
        let width = task.size.as_ref().map_or(0, |size| size.width_of(step.of));
        let seconds = (now - began).as_secs_f64();
        let pixels = (width * step.rows) as f64;
        Some(if seconds > 0.0 {
            pixels / seconds / 1e6
        } else {
            0.0
        })
    }
}
