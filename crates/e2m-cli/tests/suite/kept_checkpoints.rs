//! `checkpoints` of a batch file: what is written, what `check` and `verify` say, and what a failed rerun leaves.

use crate::common::{Bench, quick};
use std::fs;

/// The images below a task's folder.
fn images(bench: &Bench, task: &str) -> Vec<String> {
    let names = bench.names(&format!("out/{task}")).into_iter();
    names
        .filter(|name| name.starts_with("tiff/") || name.starts_with("fits/"))
        .collect()
}

const RESULTS: [&str; 3] = [
    "fits/04_difference_difference_pad60.fits",
    "tiff/04_difference_difference_pad60.tiff",
    "tiff/04_mask_pad60.tiff",
];

#[test]
fn a_batch_keeps_what_it_is_asked_to_and_a_task_what_its_override_says() {
    let bench = Bench::with_pairs(&[("a", "DAPI"), ("b", "DAPI")]);
    bench
        .batch("checkpoints = \"none\"\n[[override]]\nsample = \"b\"\ncheckpoints = \"aligned\"\n");
    let run = bench.run_batch();
    assert_eq!(run.code, 0, "{}{}", run.err, run.out);
    assert_eq!(images(&bench, "a/DAPI"), RESULTS);
    assert_eq!(images(&bench, "b/DAPI").len(), 5);
    assert_eq!(bench.run(&["verify", "batch.toml"]).code, 0);
    // Nothing is left to be done, and asking for all of it needs no alignment.
    let again = bench.run_batch();
    assert_eq!(again.code, 0, "{}{}", again.err, again.out);
    assert!(
        !again.err.contains("stage 3 fine alignment"),
        "{}",
        again.err
    );
    bench.batch("");
    let all = bench.run_batch();
    assert_eq!(all.code, 0, "{}{}", all.err, all.out);
    for task in ["a/DAPI", "b/DAPI"] {
        assert_eq!(images(&bench, task).len(), 8, "{task}");
    }
    assert_eq!(bench.run(&["verify", "batch.toml"]).code, 0);
}

#[test]
fn a_word_that_is_none_is_refused_with_those_that_are() {
    let bench = Bench::with_pairs(&[("a", "DAPI")]);
    bench.batch("checkpoints = \"some\"\n");
    let run = bench.run(&["check", "batch.toml"]);
    assert_eq!(run.code, 2, "{}", run.err);
    assert!(
        run.err.contains("\"all\" or \"aligned\" or \"none\""),
        "{}",
        run.err
    );
}

#[test]
fn a_rerun_that_fails_leaves_nothing_that_looks_like_its_result() {
    let bench = Bench::with_pairs(&[("a", "DAPI"), ("b", "DAPI")]);
    assert_eq!(bench.run_batch().code, 0);
    // Pre of another rock.
    let post = fs::read(bench.path("raw/a/a_PostStain_DAPI.tif")).expect("read");
    bench.pair(&quick(71), "a", "DAPI");
    fs::write(bench.path("raw/a/a_PostStain_DAPI.tif"), post).expect("written");
    let failed = bench.run_batch();
    assert_eq!(failed.code, 1, "{}{}", failed.err, failed.out);
    assert!(failed.err.contains("removed "), "{}", failed.err);
    let left = bench.names("out/a/DAPI");
    let is_result = |name: &&String| name.contains("04_") || name.contains("difference");
    assert_eq!(left.iter().find(is_result), None, "{left:?}");
    assert!(
        bench
            .read("out/a/DAPI/e2m_task_pad60.json")
            .contains("\"removed\"")
    );
    let verified = bench.run(&["verify", "batch.toml"]);
    assert!(!verified.out.contains("unrecorded"), "{}", verified.out);
}
