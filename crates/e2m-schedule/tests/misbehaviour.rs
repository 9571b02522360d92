//! Tasks and workers that misbehave on purpose: each gives its documented text, its siblings are unharmed, nothing is left.

mod common;

use common::{BOUND, Batch, PROCESS_RUNNERS, double, job, options};
use e2m_schedule::{Failure, JobEnding, Options, Runner, ScheduleError, WorkerError};
use serde_json::{Value, json};
use std::time::Duration;

/// Runs a bad job between good ones in every process runner, and gives back how it ended.
fn between_good_ones(
    manner: &str,
    payload: &Value,
    adjust: impl Fn(&mut Options),
) -> Vec<JobEnding> {
    let jobs = [
        double(1),
        double(2),
        job(payload.clone()),
        double(3),
        double(4),
    ];
    let ended = PROCESS_RUNNERS.map(|runner| {
        let mut options = options(runner, manner);
        adjust(&mut options);
        let batch = Batch::run(&jobs, &options);
        assert!(batch.took < BOUND, "{runner:?} took {:?}", batch.took);
        for (good, doubled) in [(0, 2), (1, 4), (3, 6), (4, 8)] {
            assert_eq!(
                batch.endings()[good],
                JobEnding::Done(json!(doubled)),
                "{runner:?}: a sibling of {payload}"
            );
        }
        batch.assert_no_orphans();
        batch.endings()[2].clone()
    });
    ended.into()
}

fn failures(manner: &str, payload: &Value, adjust: impl Fn(&mut Options)) -> Vec<Failure> {
    let endings = between_good_ones(manner, payload, adjust).into_iter();
    let failures = endings.map(|ending| match ending {
        JobEnding::Failed(failure) => failure,
        other => panic!("{payload} did not fail: {other:?}"),
    });
    failures.collect()
}

/// The bad job fails with exactly this text in every process runner.
fn assert_text(manner: &str, payload: &Value, text: &str) -> Vec<Failure> {
    let failures = failures(manner, payload, |_| {});
    for failure in &failures {
        assert_eq!(failure.error.to_string(), text);
    }
    failures
}

#[test]
fn exits_silently() {
    let text = "subprocess exited 3 with no result";
    for failure in assert_text("serve", &json!({"do": "exit"}), text) {
        assert_eq!(failure.stderr, "");
        assert!(failure.peak_rss_bytes.is_some());
    }
    let text = "subprocess exited 0 with no result";
    assert_text("serve", &json!({"do": "exit", "code": 0}), text);
}

#[test]
fn segfaults() {
    assert_text(
        "serve",
        &json!({"do": "segfault"}),
        "subprocess killed by signal 11",
    );
}

#[test]
fn is_killed_by_someone_else() {
    assert_text(
        "serve",
        &json!({"do": "sigkill"}),
        "subprocess killed (likely OOM)",
    );
}

#[test]
fn allocates_beyond_the_limit() {
    let payload = json!({"do": "allocate", "bytes": 400_000_000, "ms": 600_000});
    let failures = failures("serve", &payload, |options| {
        options.memory_limit_bytes = Some(200_000_000);
    });
    for failure in failures {
        let WorkerError::MemoryLimit {
            limit_bytes,
            peak_bytes,
        } = failure.error
        else {
            panic!("{}", failure.error);
        };
        assert_eq!(limit_bytes, 200_000_000);
        assert!(
            (200_000_000..500_000_000).contains(&peak_bytes),
            "{peak_bytes}"
        );
        assert_eq!(failure.peak_rss_bytes, Some(peak_bytes));
        let text = failure.error.to_string();
        assert!(
            text.starts_with("memory limit 0.20 GB exceeded (peak 0."),
            "{text}"
        );
    }
}

#[test]
fn hangs_and_ignores_sigterm() {
    let failures = failures("serve", &json!({"do": "hang"}), |options| {
        options.timeout = Some(Duration::from_millis(1500));
    });
    for failure in failures {
        assert_eq!(failure.error.to_string(), "subprocess timed out after 2s");
        assert!(
            failure.seconds >= 2.0,
            "the grace was not kept: {}",
            failure.seconds
        );
    }
}

#[test]
fn stops_in_time_after_its_time_was_over() {
    let failures = failures("serve", &json!({"do": "wait_for_stop"}), |options| {
        options.timeout = Some(Duration::from_secs(1));
        options.grace = BOUND * 2;
    });
    for failure in failures {
        assert_eq!(failure.error.to_string(), "subprocess timed out after 1s");
    }
}

#[test]
fn closes_its_pipes() {
    let text = "subprocess closed its pipes while it was still running";
    assert_text("raw", &json!({"do": "close_pipes"}), text);
}

#[test]
fn writes_a_megabyte_of_standard_error() {
    let text = "subprocess exited 3 with no result";
    let payload = json!({"do": "flood", "then": "exit"});
    for failure in assert_text("serve", &payload, text) {
        assert!(failure.stderr.len() <= 16 * 1024 && failure.stderr.len() > 15 * 1024);
        let last = "line 019999 of a flood, with more words than anyone wants\n";
        assert!(failure.stderr.ends_with(last), "{}", failure.stderr);
    }
    for ending in between_good_ones("serve", &json!({"do": "flood"}), |_| {}) {
        assert_eq!(ending, JobEnding::Done(json!("flooded")));
    }
}

#[test]
fn the_report_holds_only_what_the_task_itself_wrote() {
    let jobs = [
        job(json!({"do": "flood"})),
        job(json!({"do": "panic", "what": "lens"})),
    ];
    let mut options = options(Runner::Pool { workers: 2 }, "serve");
    options.memory_budget_bytes = Some(1); // one after the other, in the same worker
    let batch = Batch::run(&jobs, &options);
    assert_eq!(batch.recorder.pids().len(), 1);
    let stderr = &batch.failure(1).stderr;
    assert!(
        !stderr.contains("flood") && stderr.contains("the lens is broken"),
        "{stderr}"
    );
}

#[test]
fn prints_garbage_into_the_protocol() {
    for failure in failures("raw", &json!({"do": "garbage"}), |_| {}) {
        let text = failure.error.to_string();
        let beginning =
            "subprocess broke the protocol: `Traceback (most recent call last):` is no message (";
        assert!(text.starts_with(beginning), "{text}");
    }
    for failure in failures("raw", &json!({"do": "binary"}), |_| {}) {
        let text = failure.error.to_string();
        assert!(
            text.starts_with("subprocess broke the protocol: `"),
            "{text}"
        );
    }
}

#[test]
fn prints_half_a_line() {
    let text = "subprocess exited 0 with no result";
    assert_text("raw", &json!({"do": "half_line"}), text);
}

#[test]
fn prints_a_line_of_100_megabytes() {
    let text = "subprocess broke the protocol: it wrote a line of more than 64000000 bytes";
    assert_text("raw", &json!({"do": "huge_line"}), text);
}

#[test]
fn answers_for_a_task_it_never_had() {
    for failure in failures("raw", &json!({"do": "wrong_id"}), |_| {}) {
        let text = failure.error.to_string();
        let beginning =
            "subprocess broke the protocol: it spoke of task 4711 when it was given task ";
        assert!(text.starts_with(beginning), "{text}");
    }
}

#[test]
fn answers_twice() {
    for ending in between_good_ones("raw", &json!({"do": "twice"}), |_| {}) {
        assert_eq!(ending, JobEnding::Done(json!("raw")));
    }
}

#[test]
fn prints_to_standard_output_as_libraries_do() {
    for ending in between_good_ones("serve", &json!({"do": "print"}), |_| {}) {
        assert_eq!(ending, JobEnding::Done(json!("printed")));
    }
}

#[test]
fn panics() {
    let payload = json!({"do": "panic", "what": "shutter"});
    let text = "task panicked: the shutter is broken";
    for failure in assert_text("serve", &payload, text) {
        assert!(
            failure.stderr.contains("the shutter is broken"),
            "{}",
            failure.stderr
        );
    }
}

#[test]
fn forks_a_child_that_survives_it() {
    let text = "subprocess exited 3 with no result";
    // Here the child holds standard error, and in the raw worker every pipe.
    assert_text("serve", &json!({"do": "fork", "then": "exit"}), text);
    assert_text("raw", &json!({"do": "fork"}), text);
    for ending in between_good_ones("serve", &json!({"do": "fork"}), |_| {}) {
        assert_eq!(ending, JobEnding::Done(json!("forked")));
    }
}

#[test]
fn a_child_that_left_the_group_delays_nothing() {
    for runner in PROCESS_RUNNERS {
        let jobs = [job(json!({"do": "fork_away"})), double(4)];
        let batch = Batch::run(&jobs, &options(runner, "serve"));
        let escaped = batch.recorder.numbers("escaped");
        assert_eq!(escaped.len(), 1);
        assert!(
            !common::members_of_group(escaped[0]).is_empty(),
            "it did not escape"
        );
        let child = rustix::process::Pid::from_raw(escaped[0] as i32).expect("a process");
        rustix::process::kill_process(child, rustix::process::Signal::KILL).expect("kills");
        assert!(batch.took < BOUND, "{runner:?} waited for a pipe");
        let text = batch.failure(0).error.to_string();
        assert_eq!(text, "subprocess exited 3 with no result");
        assert_eq!(batch.endings()[1], JobEnding::Done(json!(8)));
    }
}

/// How a batch of two ends whose workers behave in this manner.
fn never_ready(manner: &str) -> Vec<Batch> {
    let batches = PROCESS_RUNNERS.map(|runner| {
        let mut options = options(runner, manner);
        options.handshake_timeout = Duration::from_millis(800);
        let batch = Batch::run(&[double(1), double(2)], &options);
        assert!(batch.took < BOUND, "{runner:?} took {:?}", batch.took);
        assert_eq!(batch.recorder.started, [0; 0]);
        batch
    });
    batches.into()
}

#[test]
fn never_says_hello() {
    for batch in never_ready("silent") {
        for job in 0..2 {
            assert_eq!(
                batch.failure(job).error.to_string(),
                format!(
                    "subprocess did not say hello within 1s; check that {} is a worker of this program and starts on this machine",
                    common::misbehave().display()
                )
            );
        }
    }
}

#[test]
fn says_something_else_than_hello() {
    for batch in never_ready("rude") {
        assert_eq!(
            batch.failure(0).error.to_string(),
            format!(
                "subprocess did not say hello but `Usage: rude [OPTIONS]`; check that {} is a worker of this program",
                common::misbehave().display()
            )
        );
    }
}

#[test]
fn dies_before_it_says_hello() {
    for batch in never_ready("die") {
        let failure = batch.failure(1);
        assert_eq!(
            failure.error.to_string(),
            "subprocess exited 127 with no result"
        );
        assert_eq!(failure.stderr, "error while loading shared libraries\n");
    }
}

#[test]
fn another_version_stops_the_batch_before_a_task_is_lost() {
    let says = [("other-version", "0.9", 1), ("other-protocol", "1.0", 99)];
    for (manner, version, protocol) in says {
        for batch in never_ready(manner) {
            let Err(ScheduleError::VersionMismatch { mismatch, endings }) = batch.result else {
                panic!("{manner} was accepted: {:?}", batch.result);
            };
            assert_eq!(
                mismatch.to_string(),
                format!(
                    "the worker is version {version} (protocol {protocol}), this program is version 1.0 (protocol 1); start both from the same installation"
                )
            );
            assert_eq!(endings, [JobEnding::NotBegun, JobEnding::NotBegun]);
        }
    }
}

#[test]
fn a_program_that_is_not_there() {
    for runner in PROCESS_RUNNERS {
        let mut options = options(runner, "serve");
        if let Some(command) = &mut options.command {
            command.program = "/nowhere/worker".into();
        }
        let batch = Batch::run(&[double(1)], &options);
        let text = batch.failure(0).error.to_string();
        assert!(
            text.starts_with("subprocess could not be started: /nowhere/worker: No such file")
                && text.ends_with("; check that it exists and may be executed"),
            "{text}"
        );
    }
}

#[test]
fn no_program_at_all_is_refused() {
    for runner in PROCESS_RUNNERS {
        let options = Options {
            runner,
            ..Options::default()
        };
        let batch = Batch::run(&[double(1)], &options);
        assert!(matches!(
            batch.result,
            Err(ScheduleError::NoWorkerCommand { .. })
        ));
    }
}
