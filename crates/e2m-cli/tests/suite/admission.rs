//! What is said before a run, and what is refused. The machine's memory is set by `E2M_MEMORY`.

use crate::common::{Bench, Run};

fn bench() -> Bench {
    Bench::with_pairs(&[("a", "DAPI"), ("b", "DAPI")])
}

/// Runs with so much memory.
fn with_memory(bench: &Bench, memory: &str, arguments: &[&str]) -> Run {
    let output = bench
        .command(arguments)
        .env("E2M_MEMORY", memory)
        .env("E2M_CPUS", "2")
        .output();
    bench.ended(output.expect("the program"))
}

#[test]
fn a_batch_that_cannot_fit_is_refused_before_anything_is_written() {
    let bench = bench();
    let run = with_memory(&bench, "120MB", &["batch.toml"]);
    assert_eq!(run.code, 3, "{}{}", run.err, run.out);
    assert!(run.err.contains("error: refused: "), "{}", run.err);
    assert!(run.err.contains("a/DAPI"), "{}", run.err);
    assert!(
        run.err.contains("E2M_MEMORY"),
        "the limit is named: {}",
        run.err
    );
    assert!(
        run.err.contains("force_run"),
        "the way out is named: {}",
        run.err
    );
    assert!(!bench.path("out").exists());

    bench.batch("[execution]\nforce_run = true\n");
    let run = with_memory(&bench, "120MB", &["batch.toml"]);
    assert_eq!(run.code, 0, "{}{}", run.err, run.out);
    assert!(run.err.contains("warning: "), "{}", run.err);
}

#[test]
fn the_rule_can_be_asked_instead_of_the_plan() {
    let bench = bench();
    // 680 x 600 px of float, six times over: 9.8 MB for the rule, some 200 MB for the plan.
    bench.batch("[resources]\nmemory_gate = \"rule\"\npeak_factor = 400.0\n");
    let run = with_memory(&bench, "600MB", &["batch.toml"]);
    assert_eq!(run.code, 3, "{}{}", run.err, run.out);
    assert!(run.err.contains("memory_gate = \"plan\""), "{}", run.err);
    bench.batch("[resources]\npeak_factor = 400.0\n");
    let run = with_memory(&bench, "600MB", &["batch.toml"]);
    assert_eq!(run.code, 0, "{}{}", run.err, run.out);
}

#[test]
fn check_tells_what_is_needed_and_runs_nothing() {
    let bench = bench();
    let run = with_memory(&bench, "1GB", &["check", "batch.toml"]);
    assert_eq!(run.code, 0, "{}{}", run.err, run.out);
    assert!(
        run.out
            .contains("a/DAPI  560 x 480  680 x 600  1, 2, 3, 4, 5  "),
        "{}",
        run.out
    );
    assert!(run.out.contains("E2M_MEMORY"), "{}", run.out);
    assert!(!bench.path("out").exists());
    assert_eq!(
        with_memory(&bench, "100MB", &["check", "batch.toml"]).code,
        3
    );

    assert_eq!(bench.run_batch().code, 0);
    let run = with_memory(&bench, "100MB", &["check", "batch.toml"]);
    assert_eq!(run.code, 0, "what is done needs nothing: {}", run.err);
    assert!(run.out.contains("all there"), "{}", run.out);
}

#[test]
fn what_will_be_written_is_known_before() {
    let bench = bench();
    let run = bench.run(&["check", "batch.toml"]);
    let said = |run: &Run| -> f64 {
        let line = run
            .out
            .lines()
            .find(|line| line.starts_with("Disk: "))
            .expect("a line");
        let mut words = line.split_whitespace().skip(1);
        let number: f64 = words.next().expect("a number").parse().expect("a number");
        match words.next() {
            Some("MB") => number * 1e6,
            Some("kB") => number * 1e3,
            Some("GB") => number * 1e9,
            _ => number,
        }
    };
    let expected = said(&run);
    assert_eq!(bench.run_batch().code, 0);
    let written: usize = bench
        .files("out")
        .values()
        .map(|(bytes, _)| bytes.len())
        .sum();
    assert!(written as f64 <= expected, "{written} of {expected}");
    assert!(written as f64 >= 0.5 * expected, "{written} of {expected}");
    assert_eq!(said(&bench.run(&["check", "batch.toml"])), 0.0);
    // Without one image, that one has to be written, and those that follow from it.
    std::fs::remove_file(bench.path("out/a/DAPI/tiff/03_interior_aligned_pre_pad60.tiff"))
        .expect("there");
    let rest = said(&bench.run(&["check", "batch.toml"]));
    assert!(rest > 0.0 && rest < 0.6 * expected, "{rest} of {expected}");
}

#[test]
fn the_number_of_workers_follows_from_memory_and_processors() {
    let bench = bench();
    bench.batch("[execution]\nparallel = true\n");
    let how = |memory: &str, cpus: &str, cap: Option<&str>| {
        let mut command = bench.command(&["check", "batch.toml"]);
        command.env("E2M_MEMORY", memory).env("E2M_CPUS", cpus);
        if let Some(cap) = cap {
            command.env("E2M_MAX_WORKERS", cap);
        }
        bench.ended(command.output().expect("the program")).out
    };
    // E2M_CPUS cannot raise what the machine has, so that only the lower bounds are the same everywhere.
    assert!(
        how("8GB", "1", None).contains("2 tasks, one at a time ("),
        "{}",
        how("8GB", "1", None)
    );
    assert!(
        how("8GB", "2", Some("1")).contains("one at a time"),
        "{}",
        how("8GB", "2", Some("1"))
    );
    bench.batch("[execution]\nparallel = true\nn_workers = 2\nthreads = 2\n");
    assert!(
        how("8GB", "1", None).contains("2 tasks, 2 at a time"),
        "{}",
        how("8GB", "1", None)
    );
}

#[test]
fn malformed_variables_are_named_and_ignored() {
    let bench = bench();
    let run = with_memory(&bench, "lots", &["check", "batch.toml"]);
    assert_eq!(run.code, 0, "{}", run.err);
    assert!(
        run.err.contains("E2M_MEMORY") && run.err.contains("lots"),
        "{}",
        run.err
    );
}

#[test]
fn diagnose_describes_the_machine() {
    let bench = Bench::new();
    let run = with_memory(&bench, "3GB", &["diagnose", "--image", "30000x25000"]);
    assert_eq!(run.code, 0, "{}", run.err);
    for part in [
        "Memory\n",
        "Processors\n",
        "Disk of ",
        "writes ",
        "Variables\n",
        "30000 x 25000 px with pad = 2000",
        "  8 bit ",
        "3.00 GB",
        "<- this one counts",
    ] {
        assert!(run.out.contains(part), "{part:?} is not in {}", run.out);
    }
    assert_eq!(
        bench.names("."),
        ["batch.toml"],
        "the measured file is gone"
    );
    assert_eq!(bench.run(&["diagnose", "--image", "big"]).code, 2);
}
