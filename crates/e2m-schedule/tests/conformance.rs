//! What every runner promises, asked of every runner.

mod common;

use common::{Batch, double, job, options};
use e2m_schedule::{Interrupt, Job, JobEnding, Options, Runner, RunnerEvent, Schedule};
use serde_json::{Value, json};
use std::time::Duration;

fn values(batch: &Batch) -> Vec<Value> {
    let endings = batch.endings().iter();
    endings
        .map(|ending| match ending {
            JobEnding::Done(value) => value.clone(),
            other => panic!("{other:?}"),
        })
        .collect()
}

/// Each job has an ending, in the order of the jobs, whatever order they ended in.
fn results_come_in_the_order_of_the_jobs(options: &Options) {
    let jobs: Vec<Job> = (0..20).map(double).collect();
    let batch = Batch::run(&jobs, options);
    let doubled: Vec<Value> = (0..20).map(|n| json!(n * 2)).collect();
    assert_eq!(values(&batch), doubled);
    let mut finished = batch.recorder.finished.clone();
    finished.sort_unstable();
    assert_eq!(finished, (0..20).collect::<Vec<_>>());
    assert!(batch.recorder.most_at_once <= options.runner.workers());
}

fn no_jobs_are_no_work(options: &Options) {
    assert_eq!(Batch::run(&[], options).endings(), []);
}

/// Payload and answer are the same to the last bit.
fn values_are_not_changed_on_the_way(options: &Options) {
    let value = json!({
        "numbers": [0.1, 1e300, -2.2250738585072014e-308, 0.30000000000000004, 123456789.12345679, u64::MAX, i64::MIN],
        "text": "line one\nline two \u{1f52c} \u{0} \"quoted\"",
        "nested": [[[], {}], null, true],
        "z before a": 1, "a": 2,
    });
    let batch = Batch::run(&[job(json!({"do": "echo", "value": value}))], options);
    assert_eq!(values(&batch)[0].to_string(), value.to_string());
}

fn a_large_value_passes(options: &Options) {
    let value = json!("x".repeat(5_000_000));
    let batch = Batch::run(&[job(json!({"do": "echo", "value": value}))], options);
    assert_eq!(values(&batch)[0], value);
}

/// A listener has heard the answers; whoever wants no more of them gets none.
fn answers_need_not_be_kept(options: &Options) {
    let options = Options {
        keep_answers: false,
        ..options.clone()
    };
    let batch = Batch::run(&[double(1), double(2)], &options);
    assert_eq!(values(&batch), [Value::Null, Value::Null]);
    assert_eq!(batch.recorder.finished.len(), 2);
}

/// Reports arrive all of them, in order, before the end of their task.
fn reports_are_never_lost(options: &Options) {
    let batch = Batch::run(&[job(json!({"do": "count", "n": 2000}))], options);
    let progress = batch.recorder.progress.iter();
    let numbers: Vec<u64> = progress
        .filter_map(|(_, event)| event["n"].as_u64())
        .collect();
    assert_eq!(numbers, (0..2000).collect::<Vec<_>>());
}

/// Of a flood of progress only what a person can read goes on.
fn progress_is_throttled(options: &Options) {
    let batch = Batch::run(&[job(json!({"do": "chatter", "n": 100_000}))], options);
    let progress = batch.recorder.progress.iter();
    let rows = progress
        .filter(|(_, event)| event["kind"] == "rows")
        .count();
    // At ten per second this would take a hundred seconds.
    assert!((1..1000).contains(&rows), "{rows}");
}

fn a_panic_fails_its_task_only(options: &Options) {
    let panic = job(json!({"do": "panic", "what": "lamp"}));
    let batch = Batch::run(
        &[double(1), panic.clone(), double(2), panic, double(3)],
        options,
    );
    for failed in [1, 3] {
        let failure = batch.failure(failed);
        assert_eq!(
            failure.error.to_string(),
            "task panicked: the lamp is broken"
        );
    }
    for (good, doubled) in [(0, 2), (2, 4), (4, 6)] {
        assert_eq!(batch.endings()[good], JobEnding::Done(json!(doubled)));
    }
}

/// Running tasks stop and give their own values; the others never begin.
fn an_interrupt_stops_the_batch(options: &Options) {
    let jobs = vec![job(json!({"do": "wait_for_stop"})); 6];
    let interrupt = Interrupt::default();
    let raise = interrupt.clone();
    let mut started = 0;
    let workers = options.runner.workers();
    let mut listener = |event: &RunnerEvent<'_>| {
        started += usize::from(matches!(event, RunnerEvent::TaskStarted { .. }));
        if started == workers {
            raise.raise();
        }
    };
    let endings = Schedule::new(&jobs, &common::tasks::perform)
        .options(options.clone())
        .interrupt(&interrupt)
        .listener(&mut listener)
        .run();
    let endings = endings.expect("the batch ran");
    for stopped in &endings[..workers] {
        assert_eq!(*stopped, JobEnding::Stopped(json!("interrupted")));
    }
    for rest in &endings[workers..] {
        assert_eq!(*rest, JobEnding::NotBegun);
    }
}

fn an_interrupt_before_the_start_begins_nothing(options: &Options) {
    let interrupt = Interrupt::default();
    interrupt.raise();
    let batch = Batch::run_with(&[double(1), double(2)], options, &|| None, &interrupt);
    assert_eq!(batch.endings(), [JobEnding::NotBegun, JobEnding::NotBegun]);
    assert_eq!(batch.recorder.messages, [""; 0]);
}

/// However many threads there are, workers together never have more, unless there are fewer than workers.
fn threads_are_divided(options: &Options) {
    let jobs = vec![job(json!({"do": "threads"})); 8];
    let options = Options {
        threads: 5,
        ..options.clone()
    };
    let batch = Batch::run(&jobs, &options);
    let shares: Vec<usize> = (0..options.runner.workers())
        .map(|worker| options.share(worker))
        .collect();
    for (value, threads) in values(&batch).iter().zip(&batch.recorder.threads) {
        assert!(shares.iter().any(|share| json!(share) == *value), "{value}");
        assert!(shares.contains(threads), "{threads}");
    }
}

/// With the rest of the budget taken, what does not fit waits, and what fits goes ahead.
fn admission_keeps_the_budget(options: &Options) {
    let planned = |plan_bytes| Job {
        plan_bytes,
        ..job(json!({"do": "sleep", "ms": 300}))
    };
    let jobs = [planned(8), planned(8), planned(2), planned(100)];
    let options = Options {
        memory_budget_bytes: Some(10),
        ..options.clone()
    };
    let batch = Batch::run(&jobs, &options);
    assert_eq!(values(&batch), vec![json!("slept"); 4]);
    let order = if options.runner.workers() == 1 {
        vec![0, 1, 2, 3] // nothing else runs, so everything fits
    } else {
        vec![0, 2, 1, 3] // the second big one waits for the first, and the one beyond the budget runs alone
    };
    // The first two of those that fit together begin at once, in either order.
    let mut started = batch.recorder.started.clone();
    started[..2].sort_unstable();
    assert_eq!(started, order);
}

/// About once a second the listener learns what a task uses.
fn usage_is_told(options: &Options) {
    let batch = Batch::run(&[job(json!({"do": "sleep", "ms": 3500}))], options);
    let usages = batch.recorder.usages;
    assert!((1..=8).contains(&usages), "{usages}");
}

macro_rules! conformance {
    ($($runner:ident = $which:expr;)*) => {$(
        mod $runner {
            conformance!(@ $which;
                results_come_in_the_order_of_the_jobs, no_jobs_are_no_work, values_are_not_changed_on_the_way,
                a_large_value_passes, answers_need_not_be_kept, reports_are_never_lost, progress_is_throttled, a_panic_fails_its_task_only,
                an_interrupt_stops_the_batch, an_interrupt_before_the_start_begins_nothing, threads_are_divided,
                admission_keeps_the_budget, usage_is_told,
            );
        }
    )*};
    (@ $which:expr; $($claim:ident,)*) => {$(
        #[test]
        fn $claim() {
            use e2m_schedule::Runner;
            let runner: Runner = $which;
            super::$claim(&super::options(runner, "serve"));
        }
    )*};
}

conformance! {
    serial = Runner::Serial;
    threads = Runner::Threads { workers: 2 };
    pool = Runner::Pool { workers: 2 };
    subprocess = Runner::Subprocess;
}

#[test]
fn one_worker_runs_serially_and_says_so() {
    for runner in [Runner::Pool { workers: 1 }, Runner::Threads { workers: 1 }] {
        let mut options = options(runner, "silent");
        options.timeout = Some(Duration::from_secs(600));
        let batch = Batch::run(&[double(1)], &options);
        assert_eq!(batch.endings(), [JobEnding::Done(json!(2))]);
        assert_eq!(batch.recorder.pids(), [std::process::id()]);
        assert!(
            batch.recorder.messages[0].starts_with("note: one worker: tasks run one after another"),
            "{:?}",
            batch.recorder.messages
        );
    }
}

#[test]
fn two_workers_work_at_once() {
    for runner in [Runner::Pool { workers: 2 }, Runner::Threads { workers: 2 }] {
        let jobs = vec![job(json!({"do": "sleep", "ms": 1500})); 2];
        let batch = Batch::run(&jobs, &options(runner, "serve"));
        // Both were begun before either ended.
        assert_eq!(
            batch.recorder.most_at_once, 2,
            "{:?}",
            batch.recorder.messages
        );
        assert_eq!(values(&batch), vec![json!("slept"); 2]);
    }
}

#[test]
fn a_pool_keeps_its_workers_and_subprocess_does_not() {
    let jobs: Vec<Job> = (0..10).map(double).collect();
    let pool = Batch::run(&jobs, &options(Runner::Pool { workers: 2 }, "serve"));
    assert!((1..=2).contains(&pool.recorder.pids().len()));
    let subprocess = Batch::run(&jobs, &options(Runner::Subprocess, "serve"));
    assert_eq!(subprocess.recorder.pids().len(), 10);
    for batch in [pool, subprocess] {
        batch.assert_no_orphans();
    }
}
