//! How fast a step of a stage goes.

use crate::event::StageStep;
use crate::task_view::TaskView;
use e2m_pipeline::Stage;
use std::time::{Duration, Instant};

/// A speed is reported again after so long.
const TICK: Duration = Duration::from_millis(200);

/// Megapixels per second of the step at hand.
#[derive(Debug)]
pub(crate) struct Throughput {
    /// The step, and how many rows of it were done when.
    since: Option<(Stage, String, usize, Instant)>,
    last_event: Instant,
    last_shown: Option<Instant>,
}

impl Throughput {
    /// From now on.
    pub(crate) fn new() -> Self {
        Self {
            since: None,
            last_event: Instant::now(),
            last_shown: None,
        }
    }

    /// The speed, if it is time to show it again.
    pub(crate) fn of(&mut self, step: &StageStep<'_>, task: &TaskView) -> Option<f64> {
        let now = Instant::now();
        let before = std::mem::replace(&mut self.last_event, now);
        let (rows, began) = match &self.since {
            Some((stage, what, rows, began))
                if (*stage, what.as_str()) == (step.stage, step.what) =>
            {
                (*rows, *began)
            }
            _ => {
                // Work without rows may have gone before, so the next rows are counted from here.
                self.since = Some((step.stage, step.what.to_owned(), step.rows, now));
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
        let mut speed = Throughput::new();
        let step = |rows| StageStep {
            stage: Stage::Pad,
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
