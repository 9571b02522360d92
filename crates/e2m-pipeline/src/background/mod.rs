//! What goes on beside the stages: finished images get to the disk and pictures are drawn while the next stage computes.
//!
//! Each lane does one job after another, on a thread of its own. A task that runs in a pool of threads stays there: its jobs
//! are done by threads of that pool, or several tasks, each in a pool of its own, would take more processors than they were
//! given. With a single compute thread there are no lanes: a job is done where it is given.

mod queue;

use crate::error::PipelineError;
use crate::manifest::{CheckpointRecord, PictureRecord};
use crate::messages::{emit, progress};
use crate::observer::Observer;
use crate::stage::Stage;
use queue::Queue;
use std::any::Any;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Who waits looks this often whether the user wants to stop.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// After so many looks, jobs that nobody has begun get a thread of their own.
const PATIENCE_LOOKS: usize = 10;

/// What a job calls with rows done and rows in all; it may stop the job.
pub(crate) type Tick<'a> = &'a mut dyn FnMut(usize, usize) -> ControlFlow<()>;

/// What a job has made.
#[derive(Debug, Default)]
pub(crate) struct Done {
    pub(crate) checkpoints: Vec<CheckpointRecord>,
    pub(crate) pictures: Vec<PictureRecord>,
    /// Full-resolution px per px of the pictures that are compared, if these were drawn.
    pub(crate) comparison_factor: Option<f64>,
}

impl Done {
    pub(crate) fn checkpoints(checkpoints: Vec<CheckpointRecord>) -> Self {
        Self {
            checkpoints,
            ..Self::default()
        }
    }
}

/// What is done by one thread, one after another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lane {
    /// Checkpoints.
    Writing,
    /// Pictures.
    Drawing,
}

/// The lanes, each with the name of its thread.
const LANES: [(Lane, &str); 2] = [(Lane::Writing, "writing"), (Lane::Drawing, "drawing")];

/// What a job does.
type Work = Box<dyn FnOnce(Tick<'_>) -> Result<Done, PipelineError> + Send>;

/// A piece of work and what it is called.
struct Job {
    stage: Stage,
    what: &'static str,
    work: Work,
}

/// What was left when everything was stopped.
#[derive(Debug)]
pub(crate) struct Abandoned {
    pub(crate) done: Vec<Done>,
    /// Stages of which something is missing.
    pub(crate) unfinished: Vec<Stage>,
    /// What went wrong, other than being stopped, and has not been reported yet.
    pub(crate) error: Option<PipelineError>,
}

/// How a job ended.
struct Ended {
    stage: Stage,
    what: &'static str,
    /// Rows in all, if it counted any.
    rows: usize,
    result: Result<Done, PipelineError>,
}

/// How far a job is.
#[derive(Debug, Clone, Copy)]
struct Progress {
    stage: Stage,
    what: &'static str,
    rows: usize,
    of: usize,
}

/// What lanes and their owner share.
#[derive(Debug, Default)]
struct Shared {
    stop: AtomicBool,
    progress: Mutex<Option<Progress>>,
}

/// The lanes of a task. Dropped, it stops them and waits.
pub(crate) struct Background {
    shared: Arc<Shared>,
    queues: [Arc<Queue>; LANES.len()],
    ended: (Sender<Ended>, Receiver<Ended>),
    /// The stage of each job that has not ended.
    under_way: Vec<Stage>,
    done: Vec<Done>,
    /// Stages of which a job was not finished.
    unfinished: Vec<Stage>,
}

impl Background {
    pub(crate) fn new() -> Self {
        Self {
            shared: Arc::default(),
            queues: LANES.map(|(_, name)| Arc::new(Queue::new(name))),
            ended: channel(),
            under_way: Vec::new(),
            done: Vec::new(),
            unfinished: Vec::new(),
        }
    }

    /// Gives a lane something to do. [`Background::collect`] or [`Background::wait`] answers what came of it, unless it is
    /// done at once.
    pub(crate) fn start(
        &mut self,
        (lane, stage, what): (Lane, Stage, &'static str),
        observer: &mut dyn Observer,
        work: impl FnOnce(Tick<'_>) -> Result<Done, PipelineError> + Send + 'static,
    ) -> Result<(), PipelineError> {
        if alone() {
            return self.do_at_once((stage, what), observer, work);
        }
        let work: Work = Box::new(work);
        let queue = &self.queues[usize::from(lane != LANES[0].0)];
        if queue.push(Job { stage, what, work }) {
            if is_in_pool() {
                let worker = self.worker_of(queue);
                rayon::spawn(worker);
            } else {
                self.open_thread(queue)?;
            }
        }
        self.under_way.push(stage);
        Ok(())
    }

    fn do_at_once(
        &mut self,
        (stage, what): (Stage, &'static str),
        observer: &mut dyn Observer,
        work: impl FnOnce(Tick<'_>) -> Result<Done, PipelineError>,
    ) -> Result<(), PipelineError> {
        let result = work(&mut |rows, of| emit(observer, progress(stage, what, rows, of)));
        match result {
            Ok(done) => self.done.push(done),
            Err(error) => {
                self.unfinished.push(stage);
                return Err(error);
            }
        }
        Ok(())
    }

    /// Does the jobs of a lane until none is left, unless somebody does already.
    fn worker_of(&self, queue: &Arc<Queue>) -> impl FnOnce() + Send + use<> {
        let (shared, ended) = (Arc::clone(&self.shared), self.ended.0.clone());
        let queue = Arc::clone(queue);
        move || {
            if !queue.take_up() {
                return;
            }
            while let Some(job) = queue.next() {
                // Who has gone away needs no answer.
                let _ = ended.send(shared.work(job));
            }
        }
    }

    fn open_thread(&self, queue: &Arc<Queue>) -> Result<(), PipelineError> {
        let thread = std::thread::Builder::new().name(queue.name.to_owned());
        match thread.spawn(self.worker_of(queue)) {
            Ok(_) => Ok(()),
            Err(error) => {
                queue.give_up();
                Err(PipelineError::Thread(error))
            }
        }
    }

    /// What was finished since the last time; never waits.
    ///
    /// # Errors
    /// That of the first job that failed.
    pub(crate) fn collect(
        &mut self,
        observer: &mut dyn Observer,
    ) -> Result<Vec<Done>, PipelineError> {
        while let Ok(ended) = self.ended.1.try_recv() {
            self.take(ended, observer)?;
        }
        Ok(std::mem::take(&mut self.done))
    }

    /// Waits for everything, showing how far it is and asking whether to stop.
    ///
    /// # Errors
    /// That of the first job that failed, or [`PipelineError::Interrupted`].
    pub(crate) fn wait(&mut self, observer: &mut dyn Observer) -> Result<Vec<Done>, PipelineError> {
        let mut looks = 0;
        while !self.under_way.is_empty() {
            match self.ended.1.recv_timeout(LOOK_EVERY) {
                Ok(ended) => self.take(ended, observer)?,
                Err(RecvTimeoutError::Timeout) => {
                    let now = *self.shared.lock_progress();
                    if let Some(Progress {
                        stage,
                        what,
                        rows,
                        of,
                    }) = now
                    {
                        observer.on_event(&progress(stage, what, rows, of));
                    }
                    looks += 1;
                    if looks % PATIENCE_LOOKS == 0 {
                        self.help()?;
                    }
                }
                // It holds a sender itself.
                Err(RecvTimeoutError::Disconnected) => break,
            }
            if observer.should_stop() {
                return Err(PipelineError::Interrupted);
            }
        }
        self.collect(observer)
    }

    /// Opens threads for lanes whose jobs nobody has begun: perhaps every thread of the pool waits as this one does.
    fn help(&self) -> Result<(), PipelineError> {
        let called = self.queues.iter().filter(|queue| queue.is_called());
        called.into_iter().try_for_each(|queue| {
            let thread = std::thread::Builder::new().name(queue.name.to_owned());
            let opened = thread.spawn(self.worker_of(queue));
            opened.map(drop).map_err(PipelineError::Thread)
        })
    }

    /// Whether something of a stage is still going on.
    pub(crate) fn is_under_way(&self, stage: Stage) -> bool {
        self.under_way.contains(&stage)
    }

    /// Stops everything and waits until nothing runs; what was finished before that is not lost.
    pub(crate) fn abandon(&mut self) -> Abandoned {
        let mut error = None;
        for stage in self.close() {
            self.unfinished.push(stage);
        }
        while let Ok(ended) = self.ended.1.try_recv() {
            match ended.result {
                Ok(done) => self.done.push(done),
                Err(failed) => {
                    self.unfinished.push(ended.stage);
                    if error.is_none() && !matches!(failed, PipelineError::Interrupted) {
                        error = Some(failed);
                    }
                }
            }
        }
        self.under_way.clear();
        Abandoned {
            done: std::mem::take(&mut self.done),
            unfinished: std::mem::take(&mut self.unfinished),
            error,
        }
    }

    fn take(&mut self, ended: Ended, observer: &mut dyn Observer) -> Result<(), PipelineError> {
        let Ended {
            stage,
            what,
            rows,
            result,
        } = ended;
        if let Some(at) = self.under_way.iter().position(|s| *s == stage) {
            self.under_way.swap_remove(at);
        }
        match result {
            Ok(done) => {
                if rows > 0 {
                    observer.on_event(&progress(stage, what, rows, rows));
                }
                self.done.push(done);
                Ok(())
            }
            Err(error) => {
                self.unfinished.push(stage);
                Err(error)
            }
        }
    }

    /// Stops all jobs and waits until none runs. Answers with the stages of those that had not begun.
    fn close(&self) -> Vec<Stage> {
        self.shared.stop.store(true, Ordering::Relaxed);
        self.queues.iter().flat_map(|queue| queue.close()).collect()
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        self.close();
    }
}

impl Shared {
    fn lock_progress(&self) -> MutexGuard<'_, Option<Progress>> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn work(&self, Job { stage, what, work }: Job) -> Ended {
        let mut rows_in_all = 0;
        let mut tick = |rows, of| {
            rows_in_all = of;
            *self.lock_progress() = Some(Progress {
                stage,
                what,
                rows,
                of,
            });
            self.go_on()
        };
        let result = match self.go_on() {
            ControlFlow::Continue(()) => catch_unwind(AssertUnwindSafe(|| work(&mut tick)))
                .unwrap_or_else(|panic| Err(PipelineError::Defect(message(panic.as_ref())))),
            ControlFlow::Break(()) => Err(PipelineError::Interrupted),
        };
        *self.lock_progress() = None;
        Ended {
            stage,
            what,
            rows: rows_in_all,
            result,
        }
    }

    fn go_on(&self) -> ControlFlow<()> {
        if self.stop.load(Ordering::Relaxed) {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    }
}

/// What a panic says.
fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()))
        .unwrap_or_else(|| "no message".to_owned())
}

/// Whether this thread is one of a pool, and everything it starts has to stay there.
fn is_in_pool() -> bool {
    rayon::current_thread_index().is_some()
}

/// Whether one thread has to do everything.
fn alone() -> bool {
    rayon::current_num_threads() < 2
}

/// Does both, at the same time where more than one thread may compute; `here` on this thread.
pub(crate) fn both<A, B: Send>(
    here: impl FnOnce() -> A,
    beside: impl FnOnce() -> B + Send,
) -> (A, B) {
    if alone() {
        return (here(), beside());
    }
    if is_in_pool() {
        let mut done = None;
        let here = rayon::in_place_scope(|scope| {
            scope.spawn(|_| done = Some(beside()));
            here()
        });
        if let Some(beside) = done {
            return (here, beside);
        }
        // A panic beside is passed on by the scope.
        resume_unwind(Box::new("a job beside this thread was lost"));
    }
    std::thread::scope(|scope| {
        let beside = scope.spawn(beside);
        let here = here();
        let beside = beside.join().unwrap_or_else(|panic| resume_unwind(panic));
        (here, beside)
    })
}

#[cfg(test)]
mod tests;
