//! A real out-of-memory kill by the kernel, where this user may make control groups; elsewhere `memory.rs` has to do, which
//! sends the same signal.
#![cfg(target_os = "linux")]

mod common;

use common::{double, job, options};
use e2m_schedule::{JobEnding, Runner, RunnerEvent, Schedule, WorkerCommand, WorkerError};
use serde_json::json;
use std::fs;
use std::path::{Path, PathBuf};

const LIMIT: &str = "150000000";

/// A control group with a memory limit, removed when it goes.
struct Group {
    folder: PathBuf,
    /// The file with the line `oom_kill N`.
    events: PathBuf,
}

impl Group {
    /// Version 1 has a tree of its own for memory, version 2 one for everything.
    fn make() -> Option<Self> {
        let name = format!("e2m-schedule-test-{}", std::process::id());
        let kinds = [
            (
                "/sys/fs/cgroup/memory",
                "memory.limit_in_bytes",
                "memory.oom_control",
            ),
            ("/sys/fs/cgroup", "memory.max", "memory.events"),
        ];
        kinds.into_iter().find_map(|(root, limit, events)| {
            let folder = Path::new(root).join(&name);
            fs::create_dir(&folder).ok()?;
            let group = Self {
                events: folder.join(events),
                folder,
            };
            fs::write(group.folder.join(limit), LIMIT).ok()?;
            group.kills().map(|_| group)
        })
    }

    fn kills(&self) -> Option<u64> {
        let events = fs::read_to_string(&self.events).ok()?;
        let line = events
            .lines()
            .find_map(|line| line.strip_prefix("oom_kill "))?;
        line.trim().parse().ok()
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        common::wait_until("the group is empty", || {
            fs::remove_dir(&self.folder).is_ok() || !self.folder.exists()
        });
    }
}

#[test]
fn the_kernel_kills_and_its_counter_confirms_it() {
    let group = e2m_testing::prerequisite("the right to make a memory cgroup", Group::make());
    let Some(group) = group else {
        return;
    };
    for runner in [Runner::Pool { workers: 2 }, Runner::Subprocess] {
        let mut options = options(runner, "serve");
        options.retries = 1;
        let enter = format!(
            "echo $$ > {}/cgroup.procs && exec {} serve",
            group.folder.display(),
            common::misbehave().display()
        );
        options.command = Some(WorkerCommand {
            program: "/bin/sh".into(),
            args: vec!["-c".into(), enter.into()],
            envs: Vec::new(),
        });
        let hungry = job(json!({"do": "allocate", "bytes": 400_000_000, "ms": 600_000}));
        let mut retried = Vec::new();
        let endings = Schedule::new(&[hungry, double(1), double(2)], &common::tasks::perform)
            .options(options.clone())
            .oom_kills(|| group.kills())
            .listener(&mut |event: &RunnerEvent<'_>| {
                if let RunnerEvent::TaskRetried { job, reason, .. } = event {
                    retried.push((*job, (*reason).clone()));
                }
            })
            .run()
            .expect("the batch ran");
        let JobEnding::Failed(failure) = &endings[0] else {
            panic!("{runner:?}: {:?}", endings[0]);
        };
        let death = WorkerError::LikelyOom { confirmed: true };
        assert_eq!(failure.error, death);
        assert_eq!(failure.error.to_string(), "subprocess killed (likely OOM)");
        assert_eq!(retried, [(0, death)]);
        assert_eq!(endings[1..], [2, 4].map(|n| JobEnding::Done(json!(n))));
    }
}
