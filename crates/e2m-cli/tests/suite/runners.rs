//! Every runner gives the same results, and none loses any.

use crate::common::{Bench, Run, quick};
use e2m_testing::sample;
use std::collections::BTreeMap;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

const SERIAL: &str = "[execution]\nthreads = 2\n";
const THREADS: &str =
    "[execution]\nparallel = true\nuse_threads = true\nn_workers = 2\nthreads = 2\n";
const POOL: &str = "[execution]\nparallel = true\nn_workers = 2\nthreads = 2\n";
const SUBPROCESS: &str = "[execution]\nparallel = \"subprocess\"\nthreads = 2\n";

/// The longest that anything here may take.
const PATIENCE: Duration = Duration::from_secs(240);

/// Twelve pairs of different sizes.
fn twelve() -> Bench {
    let bench = Bench::new();
    for index in 0..12 {
        let mut recipe = quick(index);
        recipe.width += 20 * (index as usize % 3);
        let (sample, dye) = (
            format!("s{}", index / 2),
            ["DAPI", "SybrGld"][index as usize % 2],
        );
        bench.pair(&recipe, &sample, dye);
    }
    bench
}

fn clear(bench: &Bench) {
    let _ = std::fs::remove_dir_all(bench.path("out"));
}

fn start(bench: &Bench) -> Child {
    let mut command = bench.command(&["batch.toml"]);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().expect("the program")
}

/// Waits until `moment`; `false` where the program ended before.
fn wait_for(child: &mut Child, moment: impl Fn() -> bool) -> bool {
    let began = Instant::now();
    while !moment() {
        assert!(began.elapsed() < PATIENCE, "the moment never came");
        if child.try_wait().expect("a state").is_some() {
            return false;
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    true
}

fn signal(child: &Child, name: &str) {
    let sent = std::process::Command::new("kill")
        .args([name, &child.id().to_string()])
        .status();
    assert!(sent.is_ok_and(|status| status.success()), "{name} failed");
}

/// Lines of `events.jsonl`.
fn events(bench: &Bench) -> Vec<serde_json::Value> {
    let text = bench.read("out/events.jsonl");
    let lines = text.lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{line}: {error}")))
        .collect()
}

fn count(events: &[serde_json::Value], name: &str) -> usize {
    events.iter().filter(|event| event["event"] == name).count()
}

/// Processes whose parent this is.
fn children(pid: u32) -> Vec<u32> {
    let stats = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let is_child = |pid_of_child: u32| {
        let stat = std::fs::read_to_string(format!("/proc/{pid_of_child}/stat")).ok()?;
        let parent: u32 = stat
            .rsplit(')')
            .next()?
            .split_whitespace()
            .nth(1)?
            .parse()
            .ok()?;
        (parent == pid).then_some(pid_of_child)
    };
    stats
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter_map(is_child)
        .collect()
}

/// Whether a process is there and no zombie.
fn lives(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let state = stat
        .rsplit(") ")
        .next()
        .and_then(|rest| rest.chars().next());
    !stat.is_empty() && state != Some('Z')
}

#[test]
fn all_runners_give_the_same_bytes_and_so_does_an_abort_with_a_restart() {
    let bench = twelve();
    let mut expected: Option<BTreeMap<String, Vec<u8>>> = None;
    let others = sample("runners of a whole batch", [THREADS, POOL, SUBPROCESS], 1);
    for runner in [SERIAL].into_iter().chain(others) {
        clear(&bench);
        bench.batch(runner);
        let run = bench.run_batch();
        assert_eq!(run.code, 0, "{runner}{}{}", run.err, run.out);
        bench.assert_tidy();
        let images = bench.images("out");
        assert_eq!(images.len(), 12 * 8, "{runner}");
        let events_seen = events(&bench);
        assert_eq!(count(&events_seen, "task_started"), 12, "{runner}");
        assert_eq!(count(&events_seen, "task_finished"), 12, "{runner}");
        assert_eq!(count(&events_seen, "stage_finished"), 60, "{runner}");
        assert_eq!(
            (
                count(&events_seen, "run_started"),
                count(&events_seen, "run_finished")
            ),
            (1, 1)
        );
        let expected = expected.get_or_insert_with(|| images.clone());
        assert_same(expected, &images, runner);
    }
    let expected = expected.expect("runs");
    for runner in sample("runners that are aborted", [POOL, SUBPROCESS, THREADS], 1) {
        clear(&bench);
        bench.batch(runner);
        abort_in_the_middle(&bench);
        let again = bench.run_batch();
        assert_eq!(again.code, 0, "{runner}{}", again.err);
        bench.assert_tidy();
        assert_same(&expected, &bench.images("out"), runner);
    }
}

fn assert_same(
    expected: &BTreeMap<String, Vec<u8>>,
    images: &BTreeMap<String, Vec<u8>>,
    how: &str,
) {
    assert!(expected.keys().eq(images.keys()), "{how}: other files");
    for (name, bytes) in expected {
        assert!(images[name] == *bytes, "{how}: {name} differs");
    }
}

/// Interrupts a batch once a few tasks are done.
fn abort_in_the_middle(bench: &Bench) {
    let mut child = start(bench);
    let done = || {
        bench
            .path("out/s1/DAPI/fits/04_difference_difference_pad60.fits")
            .exists()
    };
    assert!(wait_for(&mut child, done), "it ended before it was stopped");
    signal(&child, "-INT");
    let run: Run = bench.ended(child.wait_with_output().expect("an end"));
    assert_eq!(run.code, 130, "{}{}", run.err, run.out);
    bench.assert_tidy();
    let statuses = bench.statuses();
    assert_eq!(statuses.len(), 12);
    let complete = statuses
        .values()
        .filter(|status| *status == "complete")
        .count();
    assert!((1..12).contains(&complete), "{statuses:?}");
}

#[test]
fn workers_do_not_outlive_a_killed_parent() {
    let bench = Bench::new();
    for (seed, sample) in (1..).zip(["a", "b", "c", "d"]) {
        let mut recipe = quick(seed);
        (recipe.width, recipe.height) = (1500, 1400);
        bench.pair(&recipe, sample, "DAPI");
    }
    bench.batch(POOL);
    let mut child = start(&bench);
    let busy = || {
        ["a", "b"].iter().all(|sample| {
            bench
                .path(&format!("out/{sample}/DAPI/tiff/01_padded_post_pad60.tiff"))
                .exists()
        })
    };
    assert!(wait_for(&mut child, busy), "it ended too early");
    let workers = children(child.id());
    assert_eq!(workers.len(), 2, "{workers:?}");
    signal(&child, "-KILL");
    let killed = Instant::now();
    child.wait().expect("an end");
    while workers.iter().any(|pid| lives(*pid)) {
        assert!(
            killed.elapsed() < Duration::from_secs(20),
            "a worker lives on"
        );
        std::thread::sleep(Duration::from_millis(5));
    }
    // What they left half-written is no obstacle.
    let again = bench.run_batch();
    assert_eq!(again.code, 0, "{}", again.err);
    bench.assert_tidy();
}

#[test]
fn a_worker_beyond_its_memory_is_stopped_tried_again_and_told() {
    let bench = Bench::with_pairs(&[("a", "DAPI"), ("b", "DAPI")]);
    bench.batch(
        "[execution]\nparallel = true\nn_workers = 2\nmemory_limit = \"60MB\"\nretries = 1\n",
    );
    let run = bench.run_batch();
    assert_eq!(run.code, 1, "{}{}", run.err, run.out);
    assert!(
        run.err
            .contains("memory_limit is 60 MB, and 2 tasks may need more"),
        "{}",
        run.err
    );
    for (name, status) in bench.statuses() {
        assert!(
            status.starts_with("error: memory limit 0.06 GB exceeded (peak 0."),
            "{name}: {status}"
        );
    }
    let events_seen = events(&bench);
    assert_eq!(count(&events_seen, "task_retried"), 2, "{events_seen:?}");
    bench.assert_tidy();
}

#[test]
fn a_task_that_takes_too_long_is_stopped_and_the_others_go_on() {
    let bench = Bench::new();
    bench.pair(&quick(1), "small", "DAPI");
    let mut large = quick(2);
    (large.width, large.height) = (9000, 9000);
    bench.pair(&large, "big", "DAPI");
    bench.batch("[execution]\nparallel = \"subprocess\"\ntimeout_per_task = 3\n");
    let run = bench.run_batch();
    assert_eq!(run.code, 1, "{}{}", run.err, run.out);
    let statuses = bench.statuses();
    assert_eq!(statuses["big/DAPI"], "error: subprocess timed out after 3s");
    assert!(
        run.err.contains("set timeout_per_task higher"),
        "{}{}",
        run.err,
        run.out
    );
    bench.assert_tidy();
}

#[test]
fn memory_is_told_around_each_task_in_every_runner() {
    let bench = Bench::with_pairs(&[("a", "DAPI"), ("b", "DAPI")]);
    for runner in [SERIAL, THREADS, POOL, SUBPROCESS] {
        clear(&bench);
        bench.batch(&format!("{runner}memory_debug = true\n"));
        let run = bench.run_batch();
        assert_eq!(run.code, 0, "{runner}{}", run.err);
        for task in ["a/DAPI", "b/DAPI"] {
            for when in ["before", "after "] {
                let end = format!(" GB  {when} {task}");
                let found = run
                    .err
                    .lines()
                    .any(|line| line.starts_with("[mem]  0.") && line.contains(&end));
                assert!(found, "{runner}: no {end:?} in {}", run.err);
            }
        }
        assert!(
            run.err.contains("[mem]  baseline 0."),
            "{runner}{}",
            run.err
        );
    }
}

#[test]
fn one_worker_runs_serially_and_says_so() {
    let bench = Bench::with_pairs(&[("a", "DAPI")]);
    bench.batch("[execution]\nparallel = true\nn_workers = 1\n");
    let run = bench.run_batch();
    assert_eq!(run.code, 0, "{}", run.err);
    assert!(
        run.err
            .contains("one worker: tasks run one after another in this process"),
        "{}",
        run.err
    );
    // With nothing to do, there is nothing to say either.
    assert!(!bench.run_batch().err.contains("one worker:"));
}

#[test]
fn what_a_worker_logs_and_notes_arrives() {
    let bench = Bench::with_pairs(&[("a", "DAPI"), ("b", "DAPI")]);
    bench.batch(POOL);
    assert_eq!(bench.run_batch().code, 0);
    // A checkpoint that is damaged is done again, and that is said.
    let path = bench.path("out/a/DAPI/tiff/02_icp_aligned_pre_pad60.tiff");
    let bytes = std::fs::read(&path).expect("a checkpoint");
    std::fs::write(&path, &bytes[..bytes.len() / 2]).expect("cut");
    bench.pair(&quick(9), "b", "DAPI");
    let run = bench.run(&["batch.toml", "-v"]);
    assert_eq!(run.code, 0, "{}", run.err);
    assert!(run.err.contains(" INFO "), "{}", run.err);
    assert!(
        run.err
            .contains("[1/2] a/DAPI  note: 02_icp_aligned is done again"),
        "{}",
        run.err
    );
    assert!(run.err.contains("[2/2] b/DAPI  note: "), "{}", run.err);
}

#[test]
fn a_raw_file_that_cannot_be_read_stops_no_sibling_in_any_runner() {
    let bench = Bench::with_pairs(&[("a", "DAPI"), ("b", "DAPI"), ("c", "DAPI")]);
    bench.write("raw/b/b_PreStain_DAPI.tif", b"II*\0nonsense");
    for runner in [SERIAL, THREADS, POOL, SUBPROCESS] {
        clear(&bench);
        bench.batch(runner);
        let run = bench.run_batch();
        assert_eq!(run.code, 1, "{runner}{}", run.err);
        let statuses = bench.statuses();
        assert_eq!(
            (&*statuses["a/DAPI"], &*statuses["c/DAPI"]),
            ("complete", "complete"),
            "{runner}"
        );
        assert!(
            statuses["b/DAPI"].starts_with("error: ")
                && statuses["b/DAPI"].contains("b_PreStain_DAPI.tif"),
            "{statuses:?}"
        );
    }
}

#[test]
fn what_is_finished_does_not_decide_how_the_rest_is_computed() {
    let bench = Bench::with_pairs(&[("a", "DAPI"), ("b", "DAPI")]);
    bench.batch("[execution]\nthreads = 1\n");
    assert_eq!(bench.run(&["batch.toml", "--samples", "a"]).code, 0);
    let run = bench.run_batch();
    assert_eq!(run.code, 0, "{}", run.err);
    assert!(!run.err.contains("WARN"), "{}", run.err);
    let threads = |event: &serde_json::Value| event["threads"].as_u64();
    let started = events(&bench);
    let started = started
        .iter()
        .filter(|event| event["event"] == "task_started");
    assert_eq!(started.filter_map(threads).collect::<Vec<_>>(), [1, 1]);
}

#[test]
fn what_a_killed_run_left_is_removed_before_room_is_counted() {
    let bench = Bench::with_pairs(&[("a", "DAPI")]);
    let name = "out/a/DAPI/tiff/.01_padded_post_pad60.tiff.4000000-0.e2m-tmp";
    bench.write(name, b"half");
    let run = bench
        .command(&["batch.toml"])
        .env("E2M_MEMORY", "20MB")
        .output();
    let run = bench.ended(run.expect("the program"));
    assert_eq!(run.code, 3, "{}", run.err);
    assert!(!bench.path(name).exists(), "{name} is still there");
}
