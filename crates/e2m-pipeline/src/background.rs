//! What goes on beside the stages: finished images get to the disk and pictures are drawn while the next stage computes.
//!
//! Each lane is a thread that does one job after another. With a single compute thread there are no lanes: a job is done
//! where it is given.

use crate::error::PipelineError;
use crate::manifest::{CheckpointRecord, PictureRecord};
use crate::messages::{emit, progress};
use crate::observer::Observer;
use crate::stage::Stage;
use std::any::Any;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// Who waits looks this often whether the user wants to stop.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// What a job is told to call with rows done and rows in all; it may stop the job.
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
    /// What went wrong, other than being stopped, and has not been told yet.
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
    lanes: [Option<(Sender<Job>, JoinHandle<()>)>; LANES.len()],
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
            lanes: [None, None],
            ended: channel(),
            under_way: Vec::new(),
            done: Vec::new(),
            unfinished: Vec::new(),
        }
    }

    /// Gives a lane something to do. What comes of it is told by [`Background::collect`] or [`Background::wait`], unless it is
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
        let index = usize::from(lane != LANES[0].0);
        if self.lanes[index].is_none() {
            self.lanes[index] = Some(self.open(LANES[index].1)?);
        }
        if let Some((jobs, _)) = &self.lanes[index]
            && jobs.send(Job { stage, what, work }).is_ok()
        {
            self.under_way.push(stage);
        }
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

    fn open(&self, name: &str) -> Result<(Sender<Job>, JoinHandle<()>), PipelineError> {
        let (jobs, to_do) = channel::<Job>();
        let (shared, ended) = (Arc::clone(&self.shared), self.ended.0.clone());
        let thread = std::thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || {
                for job in to_do {
                    if ended.send(shared.work(job)).is_err() {
                        return;
                    }
                }
            })
            .map_err(PipelineError::Thread)?;
        Ok((jobs, thread))
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

    /// Whether something of a stage is still going on.
    pub(crate) fn is_under_way(&self, stage: Stage) -> bool {
        self.under_way.contains(&stage)
    }

    /// Stops everything and waits until nothing runs; what was finished before that is not lost.
    pub(crate) fn abandon(&mut self) -> Abandoned {
        self.shared.stop.store(true, Ordering::Relaxed);
        self.close();
        let mut error = None;
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

    fn close(&mut self) {
        for lane in &mut self.lanes {
            if let Some((jobs, thread)) = lane.take() {
                drop(jobs);
                // A job's panic is caught where it happens.
                let _ = thread.join();
            }
        }
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Relaxed);
        self.close();
    }
}

impl Shared {
    fn lock_progress(&self) -> std::sync::MutexGuard<'_, Option<Progress>> {
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
    std::thread::scope(|scope| {
        let beside = scope.spawn(beside);
        let here = here();
        let beside = beside.join().unwrap_or_else(|panic| resume_unwind(panic));
        (here, beside)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observer::{TaskEvent, Unobserved};
    use std::sync::atomic::AtomicUsize;
    use std::time::Instant;

    /// Stops once it has been asked so often.
    struct Impatient {
        left: std::cell::Cell<usize>,
    }

    impl Observer for Impatient {
        fn on_event(&mut self, _: &TaskEvent) {}

        fn should_stop(&self) -> bool {
            self.left.set(self.left.get().saturating_sub(1));
            self.left.get() == 0
        }
    }

    fn picture(name: &str) -> Done {
        Done {
            pictures: vec![PictureRecord {
                kind: name.into(),
                variant: String::new(),
                path: name.into(),
            }],
            ..Done::default()
        }
    }

    fn names(done: &[Done]) -> Vec<&str> {
        let pictures = done.iter().flat_map(|d| &d.pictures);
        pictures.map(|p| p.kind.as_str()).collect()
    }

    /// Runs `test` with so many compute threads.
    fn on<T: Send>(threads: usize, test: impl FnOnce() -> T + Send) -> T {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
        pool.build().expect("a pool").install(test)
    }

    const WRITING: (Lane, Stage, &str) = (Lane::Writing, Stage::Pad, "writing");
    const DRAWING: (Lane, Stage, &str) = (Lane::Drawing, Stage::Coarse, "drawing");

    #[test]
    fn jobs_of_a_lane_are_done_in_order_and_all_are_waited_for() {
        for threads in [1, 2] {
            on(threads, || {
                let mut background = Background::new();
                for name in ["a", "b", "c"] {
                    let job = move |_: Tick<'_>| Ok(picture(name));
                    background
                        .start(WRITING, &mut Unobserved, job)
                        .expect("starts");
                }
                let done = background.wait(&mut Unobserved).expect("all of it");
                assert_eq!(names(&done), ["a", "b", "c"], "{threads}");
                let left = background.abandon();
                assert!(left.done.is_empty() && left.unfinished.is_empty());
            });
        }
    }

    #[test]
    fn with_one_thread_a_job_is_done_where_it_is_given() {
        on(1, || {
            let here = std::thread::current().id();
            let job = move |_: Tick<'_>| {
                assert_eq!(std::thread::current().id(), here);
                Ok(Done::default())
            };
            let mut background = Background::new();
            background
                .start(DRAWING, &mut Unobserved, job)
                .expect("does it");
            let (a, b) = both(|| 1, || std::thread::current().id());
            assert_eq!((a, b), (1, here));
        });
    }

    #[test]
    fn the_first_failure_is_told_and_what_was_finished_is_kept() {
        for threads in [1, 2] {
            on(threads, || {
                let mut background = Background::new();
                let good = |_: Tick<'_>| Ok(picture("good"));
                let bad = |_: Tick<'_>| Err(PipelineError::Thread(std::io::Error::other("full")));
                background
                    .start(DRAWING, &mut Unobserved, good)
                    .expect("starts");
                let error = match background.start(WRITING, &mut Unobserved, bad) {
                    Err(error) => error,
                    Ok(()) => loop {
                        match background.wait(&mut Unobserved) {
                            Err(error) => break error,
                            Ok(done) => assert_eq!(names(&done), ["good"]),
                        }
                    },
                };
                assert!(error.to_string().contains("full"), "{error}");
                let left = background.abandon();
                // The other may have been stopped before it began.
                assert!(left.unfinished.contains(&Stage::Pad));
                assert!(names(&left.done).iter().all(|name| *name == "good"));
            });
        }
    }

    #[test]
    fn who_wants_to_stop_is_heard_while_waiting_and_a_long_job_ends() {
        on(2, || {
            let mut background = Background::new();
            let endless = |tick: Tick<'_>| loop {
                if tick(1, 2).is_break() {
                    return Err(PipelineError::Interrupted);
                }
                std::thread::yield_now();
            };
            let begun = Arc::new(AtomicUsize::new(0));
            let counted = Arc::clone(&begun);
            let next = move |_: Tick<'_>| {
                counted.fetch_add(1, Ordering::SeqCst);
                Ok(Done::default())
            };
            background
                .start(WRITING, &mut Unobserved, endless)
                .expect("starts");
            background
                .start(WRITING, &mut Unobserved, next)
                .expect("starts");
            let started = Instant::now();
            let mut impatient = Impatient { left: 3.into() };
            let stopped = background.wait(&mut impatient);
            assert!(matches!(stopped, Err(PipelineError::Interrupted)));
            let left = background.abandon();
            assert!(left.done.is_empty() && left.error.is_none());
            assert_eq!(left.unfinished, [Stage::Pad; 2]);
            assert_eq!(begun.load(Ordering::SeqCst), 0, "a job began after the end");
            assert!(started.elapsed() < Duration::from_secs(30));
        });
    }

    #[test]
    fn a_panic_and_what_nobody_has_looked_at_are_told() {
        on(2, || {
            let mut background = Background::new();
            let defect = |_: Tick<'_>| -> Result<Done, PipelineError> { panic!("a slip") };
            background
                .start(WRITING, &mut Unobserved, defect)
                .expect("starts");
            let error = background.wait(&mut Unobserved).expect_err("a panic");
            assert!(error.to_string().contains("a slip"), "{error}");

            let (begins, begun) = channel();
            let full = move |_: Tick<'_>| {
                let _ = begins.send(());
                Err(PipelineError::Thread(std::io::Error::other("full")))
            };
            background
                .start(DRAWING, &mut Unobserved, full)
                .expect("starts");
            assert!(background.is_under_way(Stage::Coarse) && !background.is_under_way(Stage::Pad));
            begun.recv().expect("it begins");
            let left = background.abandon();
            let error = left.error.expect("the error");
            assert!(error.to_string().contains("full"), "{error}");
        });
    }
}
