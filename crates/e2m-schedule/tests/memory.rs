//! Deaths of memory, and the watchdog that is there to prevent them.

mod common;

use common::{Batch, PROCESS_RUNNERS, Recorder, double, job, options};
use e2m_schedule::{
    Interrupt, JobEnding, Options, Runner, RunnerEvent, RunnerListener, Schedule, WorkerError,
};
use serde_json::json;
use std::cell::Cell;
use std::time::Duration;

const POOL: Runner = Runner::Pool { workers: 3 };

#[test]
fn a_death_of_memory_is_retried_with_one_worker_fewer() {
    let mut options = options(POOL, "serve");
    options.retries = 3;
    let jobs = [
        job(json!({"do": "sigkill"})),
        double(1),
        double(2),
        double(3),
    ];
    let batch = Batch::run(&jobs, &options);
    assert_eq!(
        batch.failure(0).error,
        WorkerError::LikelyOom { confirmed: false }
    );
    let messages = &batch.recorder.messages;
    let retries: Vec<_> = messages
        .iter()
        .filter(|message| message.starts_with("retried"))
        .collect();
    assert_eq!(
        retries,
        [
            "retried 0, 2 left: subprocess killed (likely OOM)",
            "retried 0, 1 left: subprocess killed (likely OOM)",
            "retried 0, 1 left: subprocess killed (likely OOM)",
        ]
    );
    let attempts = batch
        .recorder
        .started
        .iter()
        .filter(|job| **job == 0)
        .count();
    assert_eq!(attempts, 4);
    for (good, doubled) in [(1, 2), (2, 4), (3, 6)] {
        assert_eq!(batch.endings()[good], JobEnding::Done(json!(doubled)));
    }
    batch.assert_no_orphans();
}

#[test]
fn so_is_one_by_the_memory_limit() {
    for runner in PROCESS_RUNNERS {
        let mut options = options(runner, "serve");
        options.retries = 1;
        options.memory_limit_bytes = Some(150_000_000);
        let hungry = job(json!({"do": "allocate", "bytes": 300_000_000, "ms": 600_000}));
        let batch = Batch::run(&[hungry, double(1)], &options);
        let error = &batch.failure(0).error;
        assert!(matches!(error, WorkerError::MemoryLimit { .. }), "{error}");
        let attempts = batch
            .recorder
            .started
            .iter()
            .filter(|job| **job == 0)
            .count();
        assert_eq!(attempts, 2);
        // The others came before the second attempt.
        assert_eq!(batch.recorder.finished, [1, 0]);
    }
}

#[test]
fn nothing_else_is_retried() {
    let mut options = options(POOL, "serve");
    options.retries = 5;
    options.timeout = Some(Duration::from_secs(2));
    let jobs = ["exit", "segfault", "panic", "hang"].map(|what| job(json!({"do": what})));
    let batch = Batch::run(&jobs, &options);
    assert_eq!(batch.recorder.started.len(), 4);
    assert!((0..4).all(|job| !batch.failure(job).error.is_out_of_memory()));
}

#[test]
fn a_task_within_the_limit_may_come_close_and_come_again() {
    for runner in PROCESS_RUNNERS {
        let mut options = options(runner, "serve");
        options.memory_limit_bytes = Some(400_000_000);
        let jobs = vec![job(json!({"do": "allocate", "bytes": 200_000_000, "ms": 150})); 3];
        let batch = Batch::run(&jobs, &options);
        assert_eq!(batch.endings(), vec![JobEnding::Done(json!("held")); 3]);
    }
}

#[test]
fn the_kernels_counter_confirms_the_suspicion() {
    // It rises between the start of the task and its death, as it does when the kernel was it.
    let kills = Cell::new(0);
    let counter = || {
        kills.set(kills.get() + 1);
        Some(kills.get())
    };
    let endings = Schedule::new(&[job(json!({"do": "sigkill"}))], &common::tasks::perform)
        .options(options(Runner::Subprocess, "serve"))
        .oom_kills(counter)
        .run();
    let Ok([JobEnding::Failed(failure)]) = endings.as_deref() else {
        panic!("{endings:?}");
    };
    assert_eq!(failure.error, WorkerError::LikelyOom { confirmed: true });
    assert_eq!(failure.error.to_string(), "subprocess killed (likely OOM)");
}

/// Readings one after the other, the last one for ever.
fn readings<'a>(all: &'a [u64], next: &'a Cell<usize>) -> impl Fn() -> Option<u64> + 'a {
    move || {
        let at = next.get();
        next.set(at + 1);
        Some(all[at.min(all.len() - 1)])
    }
}

fn watched(runner: Runner) -> Options {
    Options {
        min_available_bytes: Some(100),
        ..options(runner, "serve")
    }
}

#[test]
fn the_youngest_task_makes_room_and_comes_back() {
    for runner in [Runner::Threads { workers: 2 }, Runner::Pool { workers: 2 }] {
        let jobs = [
            job(json!({"do": "sleep", "ms": 5000})),
            job(json!({"do": "nap", "ms": 3000})),
        ];
        // Once both run it is low for two looks, then back.
        let (started, looks) = (Cell::new(0), Cell::new(0));
        let low = readings(&[90, 80, 500], &looks);
        let memory = || if started.get() < 2 { Some(900) } else { low() };
        let mut recorder = Recorder::default();
        let endings = Schedule::new(&jobs, &common::tasks::perform)
            .options(watched(runner))
            .available_memory(memory)
            .listener(&mut |event: &RunnerEvent<'_>| {
                recorder.on_event(event);
                started.set(recorder.started.len());
            })
            .run();
        recorder.messages[..2].sort_unstable(); // they begin at once
        recorder.messages[6..].sort_unstable(); // and may end so
        assert_eq!(
            recorder.messages,
            [
                "started 0",
                "started 1",
                "held 90 100",
                "postponed 1: memory ran low: 0.00 GB available, 0.00 GB wanted",
                "released",
                "started 1",
                "finished 0",
                "finished 1",
            ],
            "{runner:?}"
        );
        let done = ["slept", "rested"].map(|value| JobEnding::Done(json!(value)));
        assert_eq!(endings.expect("the batch ran"), done);
    }
}

#[test]
fn nothing_starts_while_memory_is_low() {
    let next = Cell::new(0);
    let memory = readings(&[10, 20, 30, 400], &next);
    let batch = Batch::run_with(
        &[double(1)],
        &watched(Runner::Pool { workers: 2 }),
        &memory,
        &Interrupt::default(),
    );
    assert_eq!(
        batch.recorder.messages,
        ["held 10 100", "released", "started 0", "finished 0"]
    );
}

#[test]
fn a_task_that_is_always_stopped_fails_in_the_end() {
    let next = Cell::new(0);
    // Low for two looks whenever it runs.
    let memory = || {
        let at = next.get();
        next.set(at + 1);
        Some(if at % 3 == 0 { 900 } else { 50 })
    };
    let jobs = [job(json!({"do": "wait_for_stop"}))];
    let batch = Batch::run_with(
        &jobs,
        &watched(Runner::Subprocess),
        &memory,
        &Interrupt::default(),
    );
    assert_eq!(
        batch.failure(0).error.to_string(),
        "stopped 5 times, the last time because memory ran low: 0.00 GB available, 0.00 GB wanted; use fewer workers or close other programs"
    );
    assert_eq!(batch.recorder.started.len(), 5);
}

#[test]
fn an_interrupt_ends_the_waiting_for_memory() {
    let interrupt = Interrupt::default();
    let looks = Cell::new(0);
    let memory = || {
        looks.set(looks.get() + 1);
        if looks.get() == 3 {
            interrupt.raise();
        }
        Some(0)
    };
    let batch = Batch::run_with(
        &[double(1)],
        &watched(Runner::Threads { workers: 2 }),
        &memory,
        &interrupt,
    );
    assert_eq!(batch.endings(), [JobEnding::NotBegun]);
    assert_eq!(batch.recorder.messages, ["held 0 100"]);
}
