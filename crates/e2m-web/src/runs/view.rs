//! What is seen of a run: its tasks, its log, and what of these has changed since somebody looked.

use e2m_batch::TaskView;
use serde::Serialize;
use std::collections::VecDeque;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Lines of the log that are kept; all of them are in the run log of the batch.
const KEPT_LINES: usize = 2000;
/// A line is no longer, in characters.
const LONGEST_LINE: usize = 2000;

/// Where a task is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum TaskPhase {
    /// Not begun, or put back.
    Waiting,
    /// Begun.
    Running,
    /// It has ended, one way or another.
    Ended,
}

/// A task of a run.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct TaskShown {
    index: usize,
    /// `CD070/DAPI`.
    name: String,
    pub(crate) phase: TaskPhase,
    /// 1 to 5.
    pub(crate) stage: Option<u8>,
    /// What of the stage is being done.
    pub(crate) what: String,
    pub(crate) percent: Option<u64>,
    pub(crate) megapixels_per_second: Option<f64>,
    /// Memory that its process holds.
    pub(crate) rss_bytes: Option<u64>,
    /// What it may need at most.
    plan_bytes: u64,
    pub(crate) attempt: u32,
    /// No sign of life for so long.
    pub(crate) stalled_seconds: Option<u64>,
    pub(crate) status: Option<String>,
    /// How long it took.
    pub(crate) seconds: Option<f64>,
    /// Seconds since 1970 at which it began.
    begun: Option<f64>,
    #[serde(skip)]
    version: u64,
}

impl TaskShown {
    /// It begins now.
    pub(crate) fn begin(&mut self) {
        self.begun = Some(now());
        (self.stage, self.percent, self.status) = (None, None, None);
    }
}

/// A run as it is seen.
#[derive(Debug)]
pub(crate) struct RunView {
    batch: String,
    /// Tells one run from the next.
    number: u64,
    begun: (f64, Instant),
    took: Option<Duration>,
    aborting: bool,
    /// `complete`, `suspect`, `failed`, `aborted` or `refused`; none while it runs.
    ending: Option<&'static str>,
    /// Why it could not begin.
    why: Option<String>,
    workers: usize,
    pub(crate) seconds_left: Option<f64>,
    tasks: Vec<TaskShown>,
    log: VecDeque<(u64, String)>,
    version: u64,
}

/// What has changed since somebody looked.
#[derive(Debug, Serialize)]
pub(crate) struct Changes {
    pub(crate) version: u64,
    batch: String,
    number: u64,
    begun: f64,
    seconds: f64,
    aborting: bool,
    ending: Option<&'static str>,
    why: Option<String>,
    workers: usize,
    seconds_left: Option<f64>,
    /// Tasks in all.
    of: usize,
    /// Those that have changed.
    tasks: Vec<TaskShown>,
    /// Lines that are new.
    log: Vec<String>,
}

impl RunView {
    pub(super) fn new(batch: &str, version: u64) -> Self {
        Self {
            batch: batch.to_owned(),
            number: version,
            begun: (now(), Instant::now()),
            took: None,
            aborting: false,
            ending: None,
            why: None,
            workers: 0,
            seconds_left: None,
            tasks: Vec::new(),
            log: VecDeque::new(),
            version,
        }
    }

    pub(super) fn version(&self) -> u64 {
        self.version
    }

    pub(super) fn next(&mut self, version: u64) {
        self.version = version;
    }

    /// The batch, while it runs.
    pub(super) fn running(&self) -> Option<String> {
        self.ending.is_none().then(|| self.batch.clone())
    }

    pub(super) fn started(
        &mut self,
        tasks: &[TaskView],
        plan_bytes: &dyn Fn(usize) -> u64,
        workers: usize,
    ) {
        self.workers = workers;
        let shown = tasks.iter().map(|task| TaskShown {
            index: task.index,
            name: task.name.clone(),
            phase: TaskPhase::Waiting,
            stage: None,
            what: String::new(),
            percent: None,
            megapixels_per_second: None,
            rss_bytes: None,
            plan_bytes: plan_bytes(task.index),
            attempt: 0,
            stalled_seconds: None,
            status: None,
            seconds: None,
            begun: None,
            version: self.version,
        });
        self.tasks = shown.collect();
    }

    /// Changes what is seen of a task.
    pub(super) fn task(&mut self, task: &TaskView, change: impl FnOnce(&mut TaskShown)) {
        let version = self.version;
        if let Some(shown) = self.tasks.get_mut(task.index) {
            change(shown);
            shown.version = version;
        }
    }

    /// Adds lines to the log.
    pub(super) fn say(&mut self, text: &str) {
        for line in text.lines() {
            if self.log.len() == KEPT_LINES {
                self.log.pop_front();
            }
            let line = line.chars().take(LONGEST_LINE).collect();
            self.log.push_back((self.version, line));
        }
    }

    pub(super) fn abort(&mut self) {
        self.aborting = true;
        self.say("stopping after the rows at hand; what is finished stays");
    }

    pub(super) fn end(&mut self, ending: &'static str, why: Option<&str>) {
        if let Some(why) = why {
            self.say(why);
        }
        self.say(&format!("the run has ended: {ending}"));
        self.why = why.map(str::to_owned);
        (self.ending, self.seconds_left) = (Some(ending), None);
        self.took = Some(self.begun.1.elapsed());
        for task in &mut self.tasks {
            if task.phase != TaskPhase::Ended {
                task.phase = TaskPhase::Ended;
                task.version = self.version;
                task.status
                    .get_or_insert_with(|| "not begun, or stopped on its way".to_owned());
            }
        }
    }

    pub(super) fn since(&self, seen: u64) -> Changes {
        // One who has seen another run has seen nothing of this.
        let seen = if seen < self.number { 0 } else { seen };
        let tasks = self.tasks.iter().filter(|task| task.version > seen);
        let lines = self.log.iter().filter(|(version, _)| *version > seen);
        Changes {
            version: self.version,
            batch: self.batch.clone(),
            number: self.number,
            begun: self.begun.0,
            seconds: self
                .took
                .unwrap_or_else(|| self.begun.1.elapsed())
                .as_secs_f64(),
            aborting: self.aborting,
            ending: self.ending,
            why: self.why.clone(),
            workers: self.workers,
            seconds_left: self.seconds_left,
            of: self.tasks.len(),
            tasks: tasks.cloned().collect(),
            log: lines.map(|(_, line)| line.clone()).collect(),
        }
    }
}

/// Seconds since 1970.
fn now() -> f64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.unwrap_or_default().as_secs_f64()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn task(index: usize) -> TaskView {
        TaskView {
            index,
            of: 2,
            name: format!("s{index}/DAPI"),
            size: None,
        }
    }

    #[test]
    fn who_has_looked_is_told_what_has_changed_since() {
        let mut view = RunView::new("batch.toml", 5);
        view.next(6);
        view.started(&[task(0), task(1)], &|index| 100 + index as u64, 2);
        view.say("one\ntwo");
        assert_eq!(view.since(0).tasks.len(), 2);
        let seen = view.since(0).version;
        view.next(7);
        view.task(&task(1), |task| task.percent = Some(50));
        view.say("three");
        let changes = view.since(seen);
        assert_eq!(
            (changes.tasks.len(), changes.tasks[0].index, changes.log),
            (1, 1, vec!["three".to_owned()])
        );
        // One who saw the run before gets everything of this one.
        assert_eq!(view.since(4).log.len(), 3);
        assert_eq!(view.running().as_deref(), Some("batch.toml"));
        view.next(8);
        view.end("complete", None);
        assert_eq!(view.running(), None);
        assert!(
            view.since(7)
                .tasks
                .iter()
                .all(|task| task.phase == TaskPhase::Ended)
        );
    }

    #[test]
    fn the_log_keeps_its_end() {
        let mut view = RunView::new("batch.toml", 1);
        for line in 0..KEPT_LINES + 5 {
            view.say(&format!("{line} {}", "x".repeat(3 * LONGEST_LINE)));
        }
        let log = view.since(0).log;
        assert_eq!(log.len(), KEPT_LINES);
        assert!(log[0].starts_with("5 ") && log.iter().all(|line| line.len() <= LONGEST_LINE));
    }
}
