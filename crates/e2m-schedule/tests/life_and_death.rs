//! Who outlives whom, and what is left of it.
#![cfg(target_os = "linux")]

mod common;

use common::{
    BOUND, Batch, PROCESS_RUNNERS, job, members_of_group, misbehave, options, wait_until,
};
use e2m_schedule::{Interrupt, Job, JobEnding, Options, Runner, RunnerEvent, Schedule};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

#[test]
fn killing_the_scheduler_kills_its_busy_workers() {
    let mut parent = Command::new(misbehave())
        .arg("batch")
        .stdout(Stdio::piped())
        .spawn()
        .expect("starts");
    let mut lines = BufReader::new(parent.stdout.take().expect("piped")).lines();
    let workers: Vec<u32> = std::iter::repeat_with(|| {
        let line = lines.next().expect("a line").expect("reads");
        let event: Value = serde_json::from_str(&line).expect("an event");
        event["pid"].as_u64().expect("an id") as u32
    })
    .take(2)
    .collect();
    for worker in &workers {
        assert_eq!(members_of_group(*worker), [*worker]);
    }
    parent.kill().expect("SIGKILL");
    let killed = Instant::now();
    wait_until("the workers are gone", || {
        workers
            .iter()
            .all(|worker| members_of_group(*worker).is_empty())
    });
    assert!(
        killed.elapsed() < Duration::from_secs(2),
        "{:?}",
        killed.elapsed()
    );
    parent.wait().expect("reaped");
}

/// The other way in which a worker learns that its scheduler is gone, for systems that do not tell.
#[test]
fn a_busy_worker_ends_when_its_standard_input_does() {
    let mut worker = Command::new(misbehave())
        .arg("serve")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("starts");
    let mut stdin = worker.stdin.take().expect("piped");
    let mut lines = BufReader::new(worker.stdout.take().expect("piped")).lines();
    let mut say = |message: Value| {
        use std::io::Write as _;
        writeln!(stdin, "{message}").expect("writes");
    };
    say(json!({"hello": {"protocol": 1, "version": "1.0", "threads": 1}}));
    say(json!({"task": {"id": 1, "threads": 1, "payload": {"do": "hang"}}}));
    assert!(
        lines
            .next()
            .expect("a line")
            .expect("reads")
            .contains("hello")
    );
    assert!(
        lines
            .next()
            .expect("a line")
            .expect("reads")
            .contains("pid")
    );
    drop(stdin);
    use std::os::unix::process::ExitStatusExt as _;
    assert_eq!(worker.wait().expect("reaped").signal(), Some(9));
}

#[test]
fn an_idle_worker_exits_when_its_standard_input_ends() {
    let output = Command::new(misbehave())
        .arg("serve")
        .stdin(Stdio::null())
        .output()
        .expect("starts");
    assert_eq!(output.status.code(), Some(9));
    let says = "standard input says `` where the scheduler would say hello; a worker is started by a batch, not by hand\n";
    assert_eq!(String::from_utf8_lossy(&output.stderr), says);
}

/// Descriptors and children of this process are counted, so no other test may run meanwhile: this one is run in a
/// process of its own, by [`nothing_is_left_behind`].
#[test]
fn alone_nothing_is_left_behind() {
    if std::env::var_os("E2M_SCHEDULE_ALONE").is_none() {
        return;
    }
    let batch = |runner| {
        let mut jobs: Vec<Job> = (0..6).map(common::double).collect();
        for what in [
            "exit", "segfault", "sigkill", "panic", "fork", "flood", "hang",
        ] {
            jobs.push(job(json!({"do": what})));
        }
        let mut options = options(runner, "serve");
        options.timeout = Some(Duration::from_secs(2));
        options.retries = 1;
        let batch = Batch::run(&jobs, &options);
        assert_eq!(batch.endings().len(), jobs.len());
        batch.assert_no_orphans();
    };
    let count = |folder: &str| std::fs::read_dir(folder).expect("proc").count();
    let children = || {
        let threads = std::fs::read_dir("/proc/self/task").expect("proc");
        threads
            .map(|thread| {
                let path = thread.expect("a thread").path().join("children");
                std::fs::read_to_string(path).unwrap_or_default()
            })
            .collect::<String>()
    };
    batch(Runner::Subprocess); // whatever is opened once and for all is open now
    let before = (count("/proc/self/fd"), count("/proc/self/task"), children());
    for runner in PROCESS_RUNNERS {
        batch(runner);
        let after = (count("/proc/self/fd"), count("/proc/self/task"), children());
        assert_eq!(after, before, "{runner:?}: open files, threads, children");
    }
}

#[test]
fn nothing_is_left_behind() {
    let output = Command::new(std::env::current_exe().expect("this test"))
        .args(["--exact", "alone_nothing_is_left_behind"])
        .env("E2M_SCHEDULE_ALONE", "1")
        .output()
        .expect("starts");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}");
    assert!(text.contains("1 passed"), "{text}");
}

#[test]
fn after_an_interrupt_a_task_that_does_not_answer_is_killed() {
    for runner in PROCESS_RUNNERS {
        let interrupt = Interrupt::default();
        let raise = interrupt.clone();
        let jobs = vec![job(json!({"do": "hang"})); 4];
        let workers = runner.workers();
        let mut started = 0;
        let mut listener = |event: &RunnerEvent<'_>| {
            started += usize::from(matches!(event, RunnerEvent::TaskStarted { .. }));
            if started == workers {
                raise.raise();
            }
        };
        let begun = Instant::now();
        let endings = Schedule::new(&jobs, &common::tasks::perform)
            .options(options(runner, "serve"))
            .interrupt(&interrupt)
            .listener(&mut listener)
            .run()
            .expect("the batch ran");
        assert!(begun.elapsed() < BOUND);
        for ending in &endings[..workers] {
            let JobEnding::Failed(failure) = ending else {
                panic!("{ending:?}");
            };
            let text = failure.error.to_string();
            let beginning = "subprocess was asked to stop, did not within ";
            assert!(
                text.starts_with(beginning) && text.ends_with("s, and was killed"),
                "{text}"
            );
        }
        assert!(
            endings[workers..]
                .iter()
                .all(|ending| *ending == JobEnding::NotBegun)
        );
    }
}

#[test]
fn an_interrupt_during_the_handshake_loses_nothing() {
    let interrupt = Interrupt::default();
    let options = Options {
        min_available_bytes: Some(1),
        ..options(Runner::Pool { workers: 2 }, "silent")
    };
    let looks = std::cell::Cell::new(0);
    let memory = || {
        looks.set(looks.get() + 1);
        if looks.get() == 3 {
            interrupt.raise();
        }
        Some(1000)
    };
    let batch = Batch::run_with(&[job(json!({}))], &options, &memory, &interrupt);
    assert_eq!(batch.endings(), [JobEnding::NotBegun]);
    assert!(batch.took < options.handshake_timeout, "{:?}", batch.took);
}

/// Another worker takes the next task.
#[test]
fn a_worker_that_dies_between_two_tasks_is_noticed_and_harms_nobody() {
    let planned = |plan_bytes, payload| Job {
        plan_bytes,
        ..job(payload)
    };
    // The third waits for the second, so that the first worker has nothing to do.
    let jobs = [
        planned(1, json!({"do": "double", "n": 1})),
        planned(2, json!({"do": "sleep", "ms": 2000})),
        planned(3, json!({"do": "double", "n": 2})),
    ];
    let options = Options {
        memory_budget_bytes: Some(3),
        ..options(Runner::Pool { workers: 2 }, "serve")
    };
    let mut pid = None;
    let mut notes = Vec::new();
    let mut listener = |event: &RunnerEvent<'_>| match event {
        RunnerEvent::Progress { job: 0, event } => pid = event["pid"].as_i64(),
        RunnerEvent::TaskFinished { job: 0, .. } => {
            let worker = pid.and_then(|pid| Pid::from_raw(pid as i32));
            kill_process(worker.expect("an id"), Signal::KILL).expect("kills");
        }
        RunnerEvent::Note(note) => notes.push(note.clone()),
        _ => {}
    };
    let endings = Schedule::new(&jobs, &common::tasks::perform)
        .options(options.clone())
        .listener(&mut listener)
        .run();
    let values = [json!(2), json!("slept"), json!(4)];
    assert_eq!(endings.expect("the batch ran"), values.map(JobEnding::Done));
    let note = "ended between two tasks (subprocess killed (likely OOM))";
    assert!(notes.len() == 1 && notes[0].ends_with(note), "{notes:?}");
}

/// A listener that panics is the caller's fault; the workers still end.
#[test]
fn a_panic_of_the_listener_leaves_no_worker() {
    for (runner, what) in [
        (Runner::Pool { workers: 2 }, "hang"),
        (Runner::Subprocess, "hang"),
        (Runner::Threads { workers: 2 }, "wait_for_stop"),
    ] {
        let pid = panic_of_the_listener(runner, what);
        assert!(pid == std::process::id() || members_of_group(pid).is_empty());
    }
}

/// Gives back the process that the task ran in.
fn panic_of_the_listener(runner: Runner, what: &str) -> u32 {
    let jobs = vec![job(json!({"do": what})); 2];
    let mut pid = 0;
    let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let mut listener = |event: &RunnerEvent<'_>| {
            if let RunnerEvent::Progress { event, .. } = event {
                pid = event["pid"].as_u64().expect("an id") as u32;
                panic!("the listener is broken");
            }
        };
        Schedule::new(&jobs, &common::tasks::perform)
            .options(options(runner, "serve"))
            .listener(&mut listener)
            .run()
    }));
    assert!(result.is_err());
    pid
}
