//! Two runs on one output tree: a task is done by one of them at a time, and results are never of both.

use crate::common::{Bench, Run};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(240);

fn start(bench: &Bench, arguments: &[&str]) -> Child {
    let mut command = bench.command(arguments);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().expect("the program")
}

fn end(bench: &Bench, child: Child) -> Run {
    bench.ended(child.wait_with_output().expect("an end"))
}

fn signal(child: &Child, name: &str) {
    let id = child.id().to_string();
    let sent = std::process::Command::new("kill")
        .args([name, &id])
        .status();
    assert!(sent.is_ok_and(|status| status.success()), "{name} failed");
}

fn wait_until(moment: impl Fn() -> bool) {
    let began = Instant::now();
    while !moment() {
        assert!(began.elapsed() < PATIENCE, "the moment never came");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Starts a run and stops it in the middle of its task.
fn stopped_half_way(bench: &Bench) -> Child {
    let child = start(bench, &["batch.toml"]);
    let post = bench.path("out/a/DAPI/tiff/01_padded_post_pad60.tiff");
    wait_until(|| post.exists());
    signal(&child, "-STOP");
    child
}

fn note(bench: &Bench) -> bool {
    let log = std::fs::read_to_string(bench.path("out/events.jsonl")).unwrap_or_default();
    log.contains("another run works on this task")
}

#[test]
fn the_second_waits_for_the_first_and_finds_its_results() {
    let whole = Bench::with_pairs(&[("a", "DAPI")]);
    assert_eq!(whole.run_batch().code, 0);

    let bench = Bench::with_pairs(&[("a", "DAPI")]);
    let first = stopped_half_way(&bench);
    let second = start(&bench, &["batch.toml"]);
    wait_until(|| note(&bench));
    let events = bench.read("out/events.jsonl");
    let holder = format!("(process {} on host ", first.id());
    assert!(events.contains(&holder), "{holder}: {events}");
    signal(&first, "-CONT");
    let (first, second) = (end(&bench, first), end(&bench, second));
    assert_eq!(
        (first.code, second.code),
        (0, 0),
        "{}{}",
        first.err,
        second.err
    );
    assert!(bench.images("out") == whole.images("out"));
    bench.assert_tidy();
    // The second did nothing again.
    let done: Vec<_> = bench
        .read("out/events.jsonl")
        .lines()
        .filter(|line| line.contains("task_finished"))
        .map(str::to_owned)
        .collect();
    assert_eq!(done.len(), 2);
    assert!(done[1].contains("\"stages_done\":[]"), "{done:?}");
}

#[test]
fn a_killed_run_holds_nothing_up() {
    let bench = Bench::with_pairs(&[("a", "DAPI")]);
    let mut first = stopped_half_way(&bench);
    let second = start(&bench, &["batch.toml"]);
    wait_until(|| note(&bench));
    first.kill().expect("kills");
    first.wait().expect("ends");
    let second = end(&bench, second);
    assert_eq!(second.code, 0, "{}", second.err);
    bench.assert_tidy();
}

#[test]
fn whoever_waits_can_be_interrupted() {
    let bench = Bench::with_pairs(&[("a", "DAPI")]);
    let mut first = stopped_half_way(&bench);
    let second = start(&bench, &["batch.toml"]);
    wait_until(|| note(&bench));
    signal(&second, "-INT");
    let second = end(&bench, second);
    assert_eq!(second.code, 130, "{}", second.err);
    first.kill().expect("kills");
    first.wait().expect("ends");
    assert_eq!(bench.run_batch().code, 0);
}

#[test]
fn runs_with_other_parameters_take_turns_and_mix_nothing() {
    let tasks = [("a", "DAPI"), ("b", "DAPI"), ("c", "DAPI")];
    let alone = |rest: &str| {
        let bench = Bench::with_pairs(&tasks);
        bench.batch(rest);
        assert_eq!(bench.run_batch().code, 0);
        bench.images("out")
    };
    let other = "[params]\npad = 60\nmanual_scale = 1.3\n";
    let (usual, manual) = (alone(""), alone(other));

    let bench = Bench::with_pairs(&tasks);
    bench.batch(other);
    std::fs::rename(bench.path("batch.toml"), bench.path("other.toml")).expect("renames");
    bench.batch("");
    let runs: Vec<_> = ["batch.toml", "other.toml", "batch.toml", "other.toml"]
        .iter()
        .map(|batch| start(&bench, &["-q", batch]))
        .collect();
    for run in runs {
        let run = end(&bench, run);
        assert_eq!(run.code, 0, "{}{}", run.err, run.out);
    }
    bench.assert_tidy();
    let images = bench.images("out");
    for (name, bytes) in usual.iter().chain(&manual) {
        assert!(images[name] == *bytes, "{name} differs");
    }
    let names: std::collections::BTreeSet<_> = usual.keys().chain(manual.keys()).collect();
    assert_eq!(
        images.keys().collect::<std::collections::BTreeSet<_>>(),
        names
    );
    for batch in ["batch.toml", "other.toml"] {
        let again = bench.run(&[batch]);
        assert!(
            again.err.contains("nothing to do") || again.out.contains("nothing to do"),
            "{}{}",
            again.err,
            again.out
        );
    }
}
