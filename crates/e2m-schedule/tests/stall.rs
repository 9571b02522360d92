//! Tasks that show no sign of life. The one test has a process of its own, because in process it is the whole process
//! whose work counts as a sign of life.

mod common;

use common::{Batch, job, options};
use e2m_schedule::{JobEnding, Options, Runner};
use serde_json::json;
use std::time::Duration;

#[test]
fn a_stall_is_told_once_and_the_task_goes_on() {
    let runners = [
        Runner::Serial,
        Runner::Threads { workers: 2 },
        Runner::Pool { workers: 2 },
        Runner::Subprocess,
    ];
    for runner in runners {
        let options = Options {
            stall_after: Duration::from_millis(1500),
            ..options(runner, "serve")
        };
        let batch = Batch::run(&[job(json!({"do": "sleep", "ms": 5000}))], &options);
        assert_eq!(batch.endings(), [JobEnding::Done(json!("slept"))]);
        let messages = &batch.recorder.messages;
        assert_eq!(
            *messages,
            ["started 0", "stalled 0", "finished 0"],
            "{runner:?}"
        );

        // Work and words are signs of life.
        let jobs = [job(json!({"do": "work", "ms": 4000}))];
        let batch = Batch::run(&jobs, &options);
        assert_eq!(
            batch.recorder.messages,
            ["started 0", "finished 0"],
            "{runner:?}"
        );
    }
}
