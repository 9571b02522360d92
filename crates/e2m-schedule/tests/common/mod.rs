//! What all tests of the scheduler use.
#![allow(dead_code, reason = "each test file uses its part")]

#[path = "tasks.rs"]
pub(crate) mod tasks;

use e2m_schedule::{
    Failure, Interrupt, Job, JobEnding, Options, Runner, RunnerEvent, RunnerListener, Schedule,
    ScheduleError, WorkerCommand,
};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// The runners that start worker processes.
pub(crate) const PROCESS_RUNNERS: [Runner; 2] = [Runner::Pool { workers: 2 }, Runner::Subprocess];

/// Far more than anything here takes, and far less than what the misbehaving tasks would.
pub(crate) const BOUND: Duration = Duration::from_secs(60);

/// The worker program, which cargo builds beside the tests.
pub(crate) fn misbehave() -> PathBuf {
    let test = std::env::current_exe().expect("this test");
    let target = test
        .parent()
        .and_then(|deps| deps.parent())
        .expect("target");
    let program = target.join("examples/misbehave");
    assert!(
        program.exists(),
        "{} is missing: `cargo build -p e2m-schedule --examples` makes it",
        program.display()
    );
    program
}

/// Options for workers of the given manner.
pub(crate) fn options(runner: Runner, manner: &str) -> Options {
    Options {
        runner,
        threads: 2,
        command: Some(WorkerCommand {
            program: misbehave(),
            args: vec![manner.into()],
            envs: Vec::new(),
        }),
        version: "1.0".to_owned(),
        grace: Duration::from_millis(500),
        ..Options::default()
    }
}

pub(crate) fn job(payload: Value) -> Job {
    Job {
        name: payload.to_string(),
        payload,
        plan_bytes: 1,
    }
}

pub(crate) fn double(n: u64) -> Job {
    job(json!({"do": "double", "n": n}))
}

/// Hears everything, and keeps what tests ask for.
#[derive(Debug, Default)]
pub(crate) struct Recorder {
    /// Jobs in the order in which they were begun.
    pub(crate) started: Vec<usize>,
    /// Jobs in the order in which they ended.
    pub(crate) finished: Vec<usize>,
    /// Started less finished, retried and postponed: the most at any time.
    pub(crate) most_at_once: usize,
    pub(crate) progress: Vec<(usize, Value)>,
    /// Each event in a few words, except progress and usage.
    pub(crate) messages: Vec<String>,
    pub(crate) usages: usize,
    pub(crate) threads: Vec<usize>,
    at_once: usize,
}

impl Recorder {
    /// The processes that tasks ran in.
    pub(crate) fn pids(&self) -> Vec<u32> {
        self.numbers("pid")
    }

    pub(crate) fn numbers(&self, key: &str) -> Vec<u32> {
        let events = self.progress.iter();
        let mut numbers: Vec<u32> = events
            .filter_map(|(_, event)| Some(event.get(key)?.as_u64()? as u32))
            .collect();
        numbers.sort_unstable();
        numbers.dedup();
        numbers
    }
}

impl RunnerListener for Recorder {
    fn on_event(&mut self, event: &RunnerEvent<'_>) {
        match event {
            RunnerEvent::TaskStarted { job, threads, .. } => {
                self.started.push(*job);
                self.threads.push(*threads);
                self.at_once += 1;
                self.most_at_once = self.most_at_once.max(self.at_once);
                self.messages.push(format!("started {job}"));
            }
            RunnerEvent::Progress { job, event } => self.progress.push((*job, (*event).clone())),
            RunnerEvent::Usage { .. } => self.usages += 1,
            RunnerEvent::TaskStalled { job, .. } => self.messages.push(format!("stalled {job}")),
            RunnerEvent::Held { available, min } => {
                self.messages.push(format!("held {available} {min}"));
            }
            RunnerEvent::Released => self.messages.push("released".to_owned()),
            RunnerEvent::TaskPostponed { job, reason } => {
                self.at_once -= 1;
                self.messages.push(format!("postponed {job}: {reason}"));
            }
            RunnerEvent::TaskRetried {
                job,
                reason,
                workers,
            } => {
                self.at_once = self.at_once.saturating_sub(1);
                self.messages
                    .push(format!("retried {job}, {workers} left: {reason}"));
            }
            RunnerEvent::TaskFinished { job, .. } => {
                self.at_once = self.at_once.saturating_sub(1);
                self.finished.push(*job);
                self.messages.push(format!("finished {job}"));
            }
            RunnerEvent::Note(note) => self.messages.push(format!("note: {note}")),
        }
    }
}

/// What became of a batch.
#[derive(Debug)]
pub(crate) struct Batch {
    pub(crate) result: Result<Vec<JobEnding>, ScheduleError>,
    pub(crate) recorder: Recorder,
    pub(crate) took: Duration,
}

impl Batch {
    /// Runs it, with nobody looking at the memory.
    pub(crate) fn run(jobs: &[Job], options: &Options) -> Self {
        Self::run_with(jobs, options, &|| None, &Interrupt::default())
    }

    pub(crate) fn run_with(
        jobs: &[Job],
        options: &Options,
        memory: &dyn Fn() -> Option<u64>,
        interrupt: &Interrupt,
    ) -> Self {
        let mut recorder = Recorder::default();
        let begun = Instant::now();
        let result = Schedule::new(jobs, &tasks::perform)
            .options(options.clone())
            .available_memory(memory)
            .interrupt(interrupt)
            .listener(&mut recorder)
            .run();
        Self {
            result,
            recorder,
            took: begun.elapsed(),
        }
    }

    pub(crate) fn endings(&self) -> &[JobEnding] {
        self.result.as_deref().expect("the batch ran")
    }

    pub(crate) fn failure(&self, job: usize) -> &Failure {
        match &self.endings()[job] {
            JobEnding::Failed(failure) => failure,
            other => panic!("job {job} did not fail: {other:?}"),
        }
    }

    /// Nothing that this batch started is left.
    pub(crate) fn assert_no_orphans(&self) {
        let pids = self.recorder.pids();
        assert!(!pids.is_empty(), "no process sent its id");
        // What was killed may take a moment to be gone, and its new parent a moment to reap it.
        wait_until("the groups are empty", || {
            pids.iter().all(|pid| members_of_group(*pid).is_empty())
        });
    }
}

/// Living processes of a group.
pub(crate) fn members_of_group(group: u32) -> Vec<u32> {
    living()
        .into_iter()
        .filter(|(pid, pgrp)| *pgrp == group || *pid == group)
        .map(|(pid, _)| pid)
        .collect()
}

/// Every process that is no zombie, with its group.
fn living() -> Vec<(u32, u32)> {
    let entries = std::fs::read_dir("/proc").expect("proc");
    let stats = entries.filter_map(|entry| {
        let entry = entry.ok()?;
        let pid: u32 = entry.file_name().to_str()?.parse().ok()?;
        let stat = std::fs::read_to_string(entry.path().join("stat")).ok()?;
        let (_, fields) = stat.rsplit_once(')')?;
        let mut fields = fields.split_ascii_whitespace();
        let state = fields.next()?;
        let group: u32 = fields.nth(1)?.parse().ok()?;
        (!matches!(state, "Z" | "X")).then_some((pid, group))
    });
    stats.collect()
}

/// Waits for something that has to come true soon.
pub(crate) fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(
            begun.elapsed() < Duration::from_secs(10),
            "not in time: {what}"
        );
        std::thread::sleep(Duration::from_millis(20));
    }
}
