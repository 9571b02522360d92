//! Runs of batches: started by a browser, followed by any number of them, and stopped by none that goes away.
//!
//! A run has a thread of its own, on which e2m-batch reports what happens ([`following`]). One batch runs at a time, because the
//! admission check of a batch counts on the whole machine. What runs elsewhere, in a terminal or on a cluster, is not here; the
//! list of tasks shows it by what is on the disk.

mod following;
mod view;

pub(crate) use view::{Changes, RunView};

use crate::error::Refusal;
use e2m_batch::{BatchEnding, Environment, Interrupt, Plan, StartError};
use following::Following;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::watch;

/// The run that goes on, or the last one.
#[derive(Debug)]
pub(crate) struct Runs {
    current: Mutex<Option<Arc<Run>>>,
    /// Counts the changes of all runs.
    changed: watch::Sender<u64>,
}

/// A run of a batch.
#[derive(Debug)]
pub(crate) struct Run {
    interrupt: Interrupt,
    view: Mutex<RunView>,
}

impl Run {
    fn view<T>(&self, look: impl FnOnce(&mut RunView) -> T) -> T {
        look(&mut self.view.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Default for Runs {
    fn default() -> Self {
        Self {
            current: Mutex::default(),
            changed: watch::Sender::new(0),
        }
    }
}

impl Runs {
    /// Starts a run of these tasks. It goes on whatever becomes of who started it.
    ///
    /// # Errors
    /// Where another batch runs.
    pub(crate) fn start(
        self: &Arc<Self>,
        batch: &str,
        plan: Plan,
        environment: Environment,
    ) -> Result<(), Refusal> {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(run) = current.as_ref()
            && let Some(other) = run.view(|view| view.running())
        {
            return Err(Refusal::conflict(format!(
                "{other} is running; wait until it has ended, or abort it: what it has finished stays"
            )));
        }
        let version = self.changed.borrow().saturating_add(1);
        let run = Arc::new(Run {
            interrupt: Interrupt::default(),
            view: Mutex::new(RunView::new(batch, version)),
        });
        *current = Some(Arc::clone(&run));
        self.changed.send_replace(version);
        let runs = Arc::clone(self);
        let work = move || runs.work(&run, &plan, &environment);
        let thread = std::thread::Builder::new()
            .name("run".to_owned())
            .spawn(work);
        if let Err(error) = thread {
            *current = None;
            return Err(Refusal::fault(format!(
                "the run could not be started: {error}"
            )));
        }
        Ok(())
    }

    fn work(&self, run: &Run, plan: &Plan, environment: &Environment) {
        let mut following = Following::new(|change| self.change(run, change));
        let end = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            e2m_batch::run(plan, environment, &run.interrupt, &mut following)
        }));
        let (ending, text) = match end {
            Ok(Ok(outcome)) => (word_of(outcome.ending), None),
            Ok(Err(StartError::Refused(admission))) => ("refused", Some(admission.refusal())),
            Ok(Err(error)) => ("failed", Some(error.to_string())),
            Err(_) => (
                "failed",
                Some(
                    "the run ended because of an error in e2m; what was finished stays".to_owned(),
                ),
            ),
        };
        self.change(run, &mut |view| view.end(ending, text.as_deref()));
    }

    /// Changes what is seen of a run, and wakes who watches.
    fn change(&self, run: &Run, change: &mut dyn FnMut(&mut RunView)) {
        // Counted under the lock of the view: whoever has seen this number has seen this change.
        let version = run.view(|view| {
            let version = self
                .changed
                .borrow()
                .saturating_add(1)
                .max(view.version() + 1);
            view.next(version);
            change(view);
            version
        });
        self.changed.send_replace(version);
    }

    /// Stops the run of a batch after the rows at hand.
    ///
    /// # Errors
    /// Where it does not run.
    pub(crate) fn abort(&self, batch: &str) -> Result<(), Refusal> {
        let run = self.run();
        let run = run.filter(|run| run.view(|view| view.running()).as_deref() == Some(batch));
        let run = run.ok_or_else(|| {
            Refusal::conflict(format!(
                "{batch} is not run by this server; what was started in a terminal is stopped there, with Ctrl-C, and on a cluster by \
                 `e2m cancel`"
            ))
        })?;
        run.interrupt.raise();
        self.change(&run, &mut RunView::abort);
        Ok(())
    }

    /// Stops whatever runs, and answers whether something did.
    pub(crate) fn stop(&self) -> bool {
        let run = self
            .run()
            .filter(|run| run.view(|view| view.running().is_some()));
        if let Some(run) = &run {
            run.interrupt.raise();
        }
        run.is_some()
    }

    /// Whether a batch runs.
    pub(crate) fn is_running(&self) -> bool {
        self.run()
            .is_some_and(|run| run.view(|view| view.running().is_some()))
    }

    /// What has changed since a version that somebody has seen; 0 for one who has seen nothing.
    pub(crate) fn since(&self, seen: u64) -> Option<Changes> {
        Some(self.run()?.view(|view| view.since(seen)))
    }

    /// Tells when something changes.
    pub(crate) fn watch(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    fn run(&self) -> Option<Arc<Run>> {
        self.current
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

fn word_of(ending: BatchEnding) -> &'static str {
    match ending {
        BatchEnding::Complete => "complete",
        BatchEnding::TaskFailed => "failed",
        BatchEnding::Suspect => "suspect",
        BatchEnding::Interrupted => "aborted",
    }
}
