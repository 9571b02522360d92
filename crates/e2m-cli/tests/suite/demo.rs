//! `e2m demo`: three tasks from nothing but the program.

use crate::common::Bench;
use e2m_fixtures::{DEMO, Truth};
use serde_json::Value;

/// Wide enough for every task to be complete, small enough to take a few seconds in all.
const WIDTH: &str = "480";

#[test]
fn the_demo_makes_runs_and_shows_three_tasks_and_goes_on_when_run_again() {
    let bench = Bench::new();
    let demo = ["demo", "first/look", "--width", WIDTH, "--no-open"];
    let run = bench.run(&demo);
    assert_eq!(run.code, 0, "{}{}", run.out, run.err);
    assert!(
        run.out
            .contains("Open this in a browser: FOLDER/first/look/processed/report.html"),
        "{}",
        run.out
    );
    let results: Value =
        serde_json::from_str(&bench.read("first/look/processed/e2m_batch.json")).expect("JSON");
    let tasks = results["tasks"].as_array().expect("tasks");
    assert_eq!(tasks.len(), DEMO.len());
    for demo in DEMO {
        let names = bench.names(&format!(
            "first/look/processed/{}/{}/tiff",
            demo.sample, demo.dye
        ));
        assert!(
            names
                .iter()
                .any(|name| name.starts_with("04_difference_difference")),
            "{names:?}"
        );
        let truth = format!(
            "first/look/raw/{}/{}_{}_truth.json",
            demo.sample, demo.sample, demo.dye
        );
        let truth = Truth::read(&bench.path(&truth)).expect("the truth");
        // What was found is held against what was put there: the demo shows a catalogue that is right.
        let table = format!(
            "first/look/processed/{}/{}/pipeline_output",
            demo.sample, demo.dye
        );
        let table = bench
            .names(&table)
            .into_iter()
            .find(|name| name.starts_with("05_microbes") && name.ends_with(".csv"))
            .map(|name| bench.read(&format!("{table}/{name}")))
            .expect("a catalogue");
        let found = table.lines().filter(|line| !line.starts_with('#')).count() - 1;
        assert!(
            found * 2 > truth.microbes.len() && found < truth.microbes.len() * 2,
            "{found} of {}",
            truth.microbes.len()
        );
    }

    let again = bench.run(&demo);
    assert_eq!(again.code, 0, "{}{}", again.out, again.err);
    let results: Value =
        serde_json::from_str(&bench.read("first/look/processed/e2m_batch.json")).expect("JSON");
    assert_eq!(results["tasks"].as_array().map(Vec::len), Some(DEMO.len()));
}

#[test]
fn a_folder_that_holds_something_else_is_left_as_it_is() {
    let bench = Bench::new(); // with a batch file that no demo has written
    bench.write("raw/precious.tif", "mine");
    let before = bench.read("batch.toml");
    for folder in [".", "raw"] {
        let run = bench.run(&["demo", folder, "--width", WIDTH]);
        assert_eq!(run.code, 2, "{}", run.out);
        assert!(
            run.err.contains("name another folder: e2m demo FOLDER"),
            "{}",
            run.err
        );
    }
    assert_eq!(bench.read("batch.toml"), before);
    assert_eq!(bench.names("raw"), ["precious.tif"]);
}
