//! Raw files that were mixed up: swapped, given twice, given for several samples. They are told at the end of a run and whenever the
//! batch is looked at later.

use crate::common::{Bench, quick};
use e2m_fixtures::Recipe;
use serde_json::Value;
use std::fs;

const SUSPECT: i32 = 5;

fn raw(sample: &str, when: &str) -> String {
    format!("raw/{sample}/{sample}_{when}Stain_DAPI.tif")
}

fn copy(bench: &Bench, from: (&str, &str), to: (&str, &str)) {
    let (from, to) = (raw(from.0, from.1), raw(to.0, to.1));
    fs::copy(bench.path(&from), bench.path(&to)).expect("copied");
}

/// The kinds of the doubts of a task in `e2m_batch.json`.
fn kinds(bench: &Bench, sample: &str) -> Vec<String> {
    let all: Value = serde_json::from_str(&bench.read("out/e2m_batch.json")).expect("JSON");
    let tasks = all["tasks"].as_array().expect("a list");
    let task = tasks.iter().find(|task| task["sample"] == sample);
    let kinds = task.expect("the task")["doubts"]
        .as_array()
        .expect("a list")
        .iter();
    kinds
        .map(|kind| kind.as_str().expect("text").to_owned())
        .collect()
}

#[test]
fn a_file_of_several_samples_is_told_of_each_until_it_is_replaced() {
    let bench = Bench::with_pairs(&[("a", "DAPI"), ("b", "DAPI"), ("c", "DAPI")]);
    for when in ["Post", "Pre"] {
        fs::rename(bench.path(&raw("b", when)), bench.path(when)).expect("kept");
        copy(&bench, ("a", when), ("b", when));
    }
    let run = bench.run_batch();
    assert_eq!(run.code, SUSPECT, "{}{}", run.out, run.err);
    let both = format!("{}{}", run.out, run.err);
    assert!(both.contains("PROBLEMS (2)"), "{both}");
    assert!(
        both.contains("the post image is the same file as that of b/DAPI (post)"),
        "{both}"
    );
    for (sample, other) in [("a", "b"), ("b", "a")] {
        let status = &bench.statuses()[&format!("{sample}/DAPI")];
        assert!(
            status.starts_with("suspect: the post image")
                && status.contains(&format!("{other}/DAPI (pre)")),
            "{status}"
        );
        assert_eq!(kinds(&bench, sample), ["shared_file", "shared_file"]);
    }
    assert_eq!(bench.statuses()["c/DAPI"], "complete");
    assert!(
        bench
            .read("out/e2m_batch.csv")
            .contains("shared_file shared_file")
    );
    assert!(
        bench
            .read("out/report.html")
            .contains("is the same file as that of")
    );
    assert!(
        bench
            .read("out/events.jsonl")
            .contains("is the same file as that of")
    );
    let log = bench.read("out/.exo2micro_run_log.txt");
    assert!(
        log.contains("problem: b/DAPI: suspect: the post image"),
        "{log}"
    );

    // Whoever looks later is told, and nothing is computed.
    let status = bench.run(&["status", "batch.toml"]);
    assert!(
        status
            .out
            .contains("b/DAPI: suspect: the post image is the same file as that of a/DAPI (post)"),
        "{}",
        status.out
    );
    let again = bench.run(&["batch.toml", "--samples", "a"]);
    assert_eq!(again.code, SUSPECT, "{}", again.err);
    assert!(again.out.contains("was there"), "{}", again.out);

    // The right files: neither is doubted any more, not even the one that is not run again.
    for when in ["Post", "Pre"] {
        fs::rename(bench.path(when), bench.path(&raw("b", when))).expect("put back");
    }
    let run = bench.run(&["batch.toml", "--samples", "b"]);
    assert_eq!(run.code, 0, "{}{}", run.out, run.err);
    assert_eq!(bench.statuses()["a/DAPI"], "complete");
    assert_eq!(bench.run_batch().code, 0);
}

#[test]
fn one_pre_image_may_stand_for_several_dyes_of_its_sample() {
    let bench = Bench::new();
    for dye in ["DAPI", "FITC"] {
        bench.pair(&quick(4), "a", dye);
    }
    // Another stain of the same section.
    let recipe = Recipe {
        gain: 1.2,
        ..quick(4)
    };
    bench.pair(&recipe, "a", "FITC");
    let run = bench.run_batch();
    assert_eq!(run.code, 0, "{}{}", run.out, run.err);
}

#[test]
fn a_failed_task_says_what_its_error_does_not() {
    let bench = Bench::with_pairs(&[("a", "DAPI"), ("b", "DAPI")]);
    copy(&bench, ("a", "Post"), ("b", "Post"));
    let run = bench.run_batch();
    assert_eq!(run.code, 1, "{}{}", run.out, run.err);
    let both = format!("{}{}", run.out, run.err);
    assert!(
        both.contains("besides, the post image is the same file"),
        "{both}"
    );
    assert_eq!(kinds(&bench, "b"), ["shared_file"]);
}

#[test]
fn notes_are_said_by_every_run_and_by_status() {
    let bench = Bench::with_pairs(&[("a", "DAPI")]);
    assert_eq!(bench.run_batch().code, 0);
    let path = "out/a/DAPI/e2m_task_pad60.json";
    let mut record: Value = serde_json::from_str(&bench.read(path)).expect("JSON");
    record["notes"] = serde_json::json!([{"stage": 3, "text": "the light flickered"}]);
    bench.write(path, record.to_string());
    let again = bench.run_batch();
    let both = format!("{}{}", again.out, again.err);
    assert!(
        again.code == 0 && both.contains("the light flickered"),
        "{both}"
    );
    for file in [
        "report.html",
        "e2m_batch.json",
        "e2m_batch.csv",
        "events.jsonl",
        ".exo2micro_run_log.txt",
    ] {
        assert!(
            bench
                .read(&format!("out/{file}"))
                .contains("the light flickered"),
            "{file}"
        );
    }
    let status = bench.run(&["status", "batch.toml"]);
    assert!(
        status.out.contains("a/DAPI: note: the light flickered"),
        "{}",
        status.out
    );
    // Stage 4 is done again, and stage 3 is not.
    let again = bench.run(&["batch.toml", "--from-stage", "4"]);
    let both = format!("{}{}", again.out, again.err);
    assert!(both.contains("the light flickered"), "{both}");
    let again = bench.run(&["batch.toml", "--from-stage", "3"]);
    let both = format!("{}{}", again.out, again.err);
    assert!(!both.contains("the light flickered"), "{both}");
}
