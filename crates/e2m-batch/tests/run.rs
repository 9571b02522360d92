//! A batch run as a library: which events there are, what comes of it, and why tasks were not begun.

use e2m_batch::{
    BatchEnding, BatchEvent, BatchFile, BatchOutcome, Environment, Interrupt, Plan, PlanOptions,
    Reporter, Reporters, TaskEnding, Unwritten, run,
};
use e2m_fixtures::{Recipe, write_pair};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// A folder with pairs and a batch file that has these lines.
fn batch(dyes: &[&str], rest: &str) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    for (seed, dye) in dyes.iter().enumerate() {
        let recipe = Recipe {
            width: 400,
            height: 360,
            seed: seed as u64 + 1,
            ..Recipe::default()
        };
        write_pair(&recipe, &folder.path().join("raw"), "CD070", dye).expect("a pair");
    }
    let path = folder.path().join("batch.toml");
    let text =
        format!("raw_dir = \"raw\"\noutput_dir = \"processed\"\n{rest}\n[params]\npad = 40\n");
    std::fs::write(&path, text).expect("written");
    (folder, path)
}

fn planned(path: &Path) -> Plan {
    let file = BatchFile::read(path).expect("a batch file");
    Plan::new(&file, &PlanOptions::default()).expect("a plan")
}

fn run_with(path: &Path, interrupt: &Interrupt, reporter: &mut dyn Reporter) -> BatchOutcome {
    run(&planned(path), &Environment::default(), interrupt, reporter).expect("it begins")
}

/// What an event is called, and whether it is about a task.
fn name(event: &BatchEvent<'_>) -> Option<&'static str> {
    Some(match event {
        BatchEvent::Planned { .. } => "planned",
        BatchEvent::Admitted { .. } => "admitted",
        BatchEvent::Started { .. } => "started",
        BatchEvent::TaskStarted { .. } => "task started",
        BatchEvent::StageStarted { .. } => "stage started",
        BatchEvent::StageFinished { .. } => "stage finished",
        BatchEvent::TaskEnded { .. } => "task ended",
        BatchEvent::TasksEnded => "tasks ended",
        BatchEvent::Ended { .. } => "ended",
        _ => return None,
    })
}

#[test]
fn every_reporter_hears_the_whole_of_a_batch() {
    let (folder, path) = batch(&["DAPI"], "");
    let (mut names, mut progress, mut endings) = (Vec::new(), Vec::new(), Vec::new());
    let mut first = |event: &BatchEvent<'_>| names.extend(name(event));
    let mut second = |event: &BatchEvent<'_>| match event {
        BatchEvent::StageProgress {
            step,
            megapixels_per_second,
            rss_bytes,
            ..
        } => progress.push((step.stage, *megapixels_per_second, *rss_bytes)),
        BatchEvent::TaskEnded { task, result, .. } => {
            endings.push(format!("{}: {}", task.label(), result.status));
        }
        _ => {}
    };
    let mut reporters = Reporters::new().with(&mut first).with(&mut second);
    let outcome = run_with(&path, &Interrupt::default(), &mut reporters);

    assert_eq!(outcome.ending, BatchEnding::Complete);
    assert!(outcome.unwritten.is_empty(), "{:?}", outcome.unwritten);
    assert_eq!(endings, ["[1/1] CD070/DAPI: complete"]);
    let stages = ["stage started", "stage finished"].repeat(5);
    let begins = ["planned", "admitted", "started", "task started"];
    let ends = ["task ended", "tasks ended", "ended"];
    assert_eq!(names, [&begins[..], &stages, &ends].concat());
    assert!(
        progress.iter().any(|(_, speed, _)| speed.is_some()),
        "{progress:?}"
    );
    assert!(
        progress
            .iter()
            .all(|(_, _, memory)| memory.is_some_and(|bytes| bytes > 1_000_000)),
        "{progress:?}"
    );
    for name in [
        "e2m_batch.json",
        "e2m_batch.csv",
        "report.html",
        "events.jsonl",
    ] {
        let path = folder.path().join("processed").join(name);
        assert!(path.is_file(), "{name}");
    }
}

#[test]
fn threads_leave_what_a_serial_run_leaves() {
    let dyes = ["DAPI", "SybrGld"];
    let execution = "[execution]\nparallel = true\nuse_threads = true\nn_workers = 2\nthreads = 2\nforce_run = true\n";
    let results = ["", execution].map(|rest| {
        let (_folder, path) = batch(&dyes, rest);
        let mut started = 0;
        let mut reporter =
            |event: &BatchEvent<'_>| started += usize::from(name(event) == Some("task started"));
        let outcome = run_with(&path, &Interrupt::default(), &mut reporter);
        assert_eq!(started, 2);
        let measured = |result: &e2m_batch::TaskResult| {
            assert_eq!(result.ending(), TaskEnding::Complete);
            (result.name(), result.residual_median_px, result.scale)
        };
        outcome.results.iter().map(measured).collect::<Vec<_>>()
    });
    assert_eq!(results[0], results[1]);
}

#[test]
fn a_task_that_was_not_begun_says_why() {
    let statuses = |outcome: &BatchOutcome| -> Vec<String> {
        let results = outcome.results.iter();
        results.map(|result| result.status.to_string()).collect()
    };
    // The user stopped the batch.
    let (_folder, path) = batch(&["DAPI", "SybrGld"], "");
    let interrupt = Interrupt::default();
    interrupt.raise();
    let outcome = run_with(&path, &interrupt, &mut |_: &BatchEvent<'_>| {});
    let stopped = "incomplete: not begun, the batch was interrupted";
    assert_eq!(statuses(&outcome), [stopped, stopped]);
    assert_eq!(outcome.ending, BatchEnding::Interrupted);

    // Nobody stopped it: the runner has no program to start.
    let (_folder, path) = batch(&["DAPI"], "[execution]\nparallel = \"subprocess\"\n");
    let mut said = Vec::new();
    let mut reporter = |event: &BatchEvent<'_>| {
        if let BatchEvent::RunnerFailed { error } = event {
            said.push(error.to_string());
        }
    };
    let outcome = run_with(&path, &Interrupt::default(), &mut reporter);
    let error = outcome
        .runner_error
        .as_ref()
        .expect("no worker")
        .to_string();
    assert_eq!(said, [error.as_str()]);
    assert_eq!(
        statuses(&outcome),
        [format!("incomplete: not begun, {error}")]
    );
    assert_eq!(outcome.results[0].ending(), TaskEnding::NotBegun);
    assert_eq!(outcome.ending, BatchEnding::TaskFailed);
}

#[test]
fn a_batch_whose_page_cannot_be_written_is_none_that_is_complete() {
    let (folder, path) = batch(&["DAPI"], "");
    let output_dir = folder.path().join("processed");
    std::fs::create_dir_all(output_dir.join("report.html")).expect("a folder in its place");
    let outcome = run_with(&path, &Interrupt::default(), &mut |_: &BatchEvent<'_>| {});
    assert_eq!(outcome.results[0].ending(), TaskEnding::Complete);
    assert_eq!(outcome.ending, BatchEnding::TaskFailed);
    assert!(
        matches!(outcome.unwritten.as_slice(), [Unwritten::Page { .. }]),
        "{:?}",
        outcome.unwritten
    );
    let results = std::fs::read_to_string(output_dir.join("e2m_batch.json")).expect("results");
    assert!(results.contains("\"exit_code\": 1"), "{results}");
}
