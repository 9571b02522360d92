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
fn jobs_compute_with_the_threads_of_the_pool_that_they_were_started_in() {
    // Whatever the machine has, one of these is not the number of its processors.
    for threads in [2, 5] {
        on(threads, || {
            let count = Arc::new(AtomicUsize::new(0));
            let mut background = Background::new();
            for lane in [WRITING, DRAWING] {
                let count = Arc::clone(&count);
                let job = move |_: Tick<'_>| {
                    count.fetch_add(rayon::current_num_threads(), Ordering::SeqCst);
                    Ok(Done::default())
                };
                background
                    .start(lane, &mut Unobserved, job)
                    .expect("starts");
            }
            background.wait(&mut Unobserved).expect("both");
            assert_eq!(count.load(Ordering::SeqCst), 2 * threads);
            let counts = both(rayon::current_num_threads, rayon::current_num_threads);
            assert_eq!(counts, (threads, threads));
        });
    }
}

#[test]
fn tasks_that_share_a_pool_do_not_wait_for_each_other_for_ever() {
    let task = || {
        let mut background = Background::new();
        let job = |_: Tick<'_>| Ok(picture("a"));
        background
            .start(WRITING, &mut Unobserved, job)
            .expect("starts");
        // Nobody else of the pool is free to do it.
        let done = background.wait(&mut Unobserved).expect("all of it");
        assert_eq!(names(&done), ["a"]);
    };
    on(2, || rayon::join(task, task));
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
