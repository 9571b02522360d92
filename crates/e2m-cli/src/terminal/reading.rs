//! How far it is with reading many files: one line on a terminal, elsewhere a sign of life now and then.

use super::Terminal;
use e2m_batch::human;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

const LINE: &str = "{spinner} {bar:20} {percent:>3} %  {elapsed_precise}  {wide_msg}";
/// The line is drawn anew this often.
const TICK: Duration = Duration::from_millis(200);
/// Without a terminal, a line tells this often how far it is.
const SIGN_OF_LIFE: Duration = Duration::from_secs(30);
/// Before that no forecast is worth saying.
const FORECAST_AFTER_SECONDS: f64 = 2.0;

/// Shows how many bytes have been read; any thread may add to them.
#[derive(Debug)]
pub(crate) struct Reading {
    terminal: Terminal,
    bar: Option<ProgressBar>,
    of: u64,
    read: AtomicU64,
    began: Instant,
    last_said: Mutex<Instant>,
}

impl Reading {
    pub(super) fn new(terminal: Terminal, bars: Option<&MultiProgress>, of: u64) -> Self {
        let bar = bars.map(|bars| {
            let style = ProgressStyle::with_template(LINE);
            let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
            let bar = bars
                .add(ProgressBar::new(of))
                .with_style(style.progress_chars("━╸─"));
            bar.enable_steady_tick(TICK);
            bar
        });
        Self {
            terminal,
            bar,
            of,
            read: AtomicU64::new(0),
            began: Instant::now(),
            last_said: Mutex::new(Instant::now()),
        }
    }

    /// So many bytes more have been read.
    pub(crate) fn add(&self, bytes: u64) {
        let read = self.read.fetch_add(bytes, Ordering::Relaxed) + bytes;
        let often = if self.bar.is_some() {
            TICK
        } else {
            SIGN_OF_LIFE
        };
        let mut last = self
            .last_said
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if last.elapsed() < often {
            return;
        }
        *last = Instant::now();
        drop(last);
        match &self.bar {
            Some(bar) => {
                bar.set_position(read);
                bar.set_message(self.text(read));
            }
            None => self.terminal.say(&format!("read {}", self.text(read))),
        }
    }

    /// `1.2 GB of 30 GB, 450 MB/s, about 60 s left`.
    fn text(&self, read: u64) -> String {
        let seconds = self.began.elapsed().as_secs_f64();
        let speed = read as f64 / seconds.max(1e-3);
        let mut text = format!(
            "{} of {}, {}/s",
            human::bytes(read),
            human::bytes(self.of),
            human::bytes(speed as u64)
        );
        if seconds > FORECAST_AFTER_SECONDS && speed > 0.0 {
            let left = self.of.saturating_sub(read) as f64 / speed;
            text.push_str(&format!(", about {} left", human::about(left)));
        }
        text
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
