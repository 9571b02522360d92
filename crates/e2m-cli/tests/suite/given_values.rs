//! `--set`: values in place of those of the batch file, for one run.

use crate::common::Bench;
use insta::assert_snapshot;
use serde_json::Value;

#[test]
fn a_value_is_taken_for_one_run_and_the_file_stays_as_it_is() {
    let bench = Bench::with_pairs(&[("S1", "DAPI"), ("S2", "DAPI")]);
    bench.batch(
        "\n[[override]]\nsample = \"S2\"\nparams = { manual_scale = 3.0 }\n[params]\npad = 60\n",
    );
    let before = bench.read("batch.toml");
    let given = ["--set", "stage4.manual_scale=1.5", "--set", "detect=false"];
    let run = bench.run(&[&["batch.toml", "--json"], &given[..]].concat());
    assert_eq!(run.code, 0, "{}", run.err);
    assert_eq!(bench.read("batch.toml"), before);
    // Standard output is the document and nothing else, the same as the file.
    let document: Value = serde_json::from_str(&run.out).expect("one document");
    let file: Value = serde_json::from_str(&bench.read("out/e2m_batch.json")).expect("JSON");
    assert_eq!(document["tasks"].as_array().map(Vec::len), Some(2));
    for facts in ["seconds", "exit_code", "run", "missing"] {
        assert_eq!(document[facts], file[facts], "{facts}");
    }
    for sample in ["S1", "S2"] {
        let folder = bench.path(&format!("out/{sample}/DAPI"));
        let names: Vec<String> = std::fs::read_dir(folder)
            .expect("a folder")
            .map(|entry| {
                entry
                    .expect("an entry")
                    .file_name()
                    .to_string_lossy()
                    .into_owned()
            })
            .collect();
        let has = |part: &str| names.iter().any(|name| name.contains(part));
        assert!(has("msc1.5") && !has("msc3"), "{sample}: {names:?}");
    }
    // With the same values everything is there; without them it is another run.
    let finished = |arguments: &[&str]| {
        let run = bench.run(arguments);
        assert_eq!(run.code, 0, "{}", run.err);
        let document: Value = serde_json::from_str(&run.out).expect("one document");
        let tasks = document["tasks"].as_array().expect("a list").clone();
        tasks
            .iter()
            .all(|task| task["finished"] == Value::Bool(true))
    };
    assert!(finished(
        &[&["status", "batch.toml", "--json"], &given[..]].concat()
    ));
    assert!(!finished(&["status", "batch.toml", "--json"]));
}

#[test]
fn a_value_that_makes_no_sense_is_refused_before_anything_runs() {
    let bench = Bench::with_pairs(&[("S1", "DAPI")]);
    bench.batch("");
    let run = bench.run(&["batch.toml", "--set", "stage1.pad=-4"]);
    assert_eq!(run.code, 2);
    assert_snapshot!("a_wrong_value", run.err);
    let run = bench.run(&["batch.toml", "--set", "stage3.scale_percentile=50"]);
    assert_eq!(run.code, 2);
    assert_snapshot!("a_wrong_stage", run.err);
    assert!(!bench.path("out").exists());
}

#[test]
fn commands_that_print_tables_print_documents_too() {
    let bench = Bench::with_pairs(&[("S1", "DAPI")]);
    bench.batch("");
    let document = |arguments: &[&str]| -> Value {
        let run = bench.run(arguments);
        assert_eq!(run.code, 0, "{arguments:?}: {}", run.err);
        serde_json::from_str(&run.out).unwrap_or_else(|error| panic!("{arguments:?}: {error}"))
    };
    let survey = document(&["survey", "batch.toml", "--json"]);
    assert_eq!(survey["images"].as_array().map(Vec::len), Some(2));
    assert!(survey["images"][0]["survey"]["info"]["size"].is_object());
    let check = document(&["check", "batch.toml", "--json"]);
    assert_eq!(check["tasks"][0]["sample"], "S1");
    assert!(check["tasks"][0]["plan_bytes"].as_u64() > Some(1_000_000));
    assert_eq!(check["refused"], false);
    let dry = document(&[
        "batch.toml",
        "--dry-run",
        "--json",
        "--set",
        "manual_scale=2",
    ]);
    assert_eq!(dry["tasks"][0]["params"]["manual_scale"], 2.0);
    assert_eq!(dry["tasks"][0]["suffix"], "_pad60_msc2");
    let machine = document(&["diagnose", "--no-disk", "--json"]);
    assert_eq!(machine["capacity"].as_array().map(Vec::len), Some(3));
    let params = document(&["params", "stage4.scale", "--json"]);
    let names: Vec<&str> = params["parameters"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|one| one["name"].as_str())
        .collect();
    assert_eq!(names, ["scale_percentile", "scale_peak", "scale_field"]);
}

#[test]
fn the_program_explains_itself() {
    let bench = Bench::new();
    let run = bench.run(&["params", "detect_sigma"]);
    assert_eq!(run.code, 0);
    assert_snapshot!("params", run.out);
    let run = bench.run(&["docs"]);
    assert_eq!(run.code, 0);
    assert_snapshot!("docs", run.out);
    let run = bench.run(&["docs", "trust"]);
    assert!(run.code == 0 && run.out.starts_with("# "), "{}", run.out);
    let run = bench.run(&["docs", "turst"]);
    assert_eq!(run.code, 2);
    assert!(
        run.err.contains("did you mean `e2m docs trust`?"),
        "{}",
        run.err
    );
    let run = bench.run(&["man", "pages"]);
    assert_eq!(run.code, 0, "{}", run.err);
    let page = bench.read("pages/e2m-run.1");
    assert!(page.contains("from") && page.contains(".TH"), "{page}");
    // What only e2m calls is nobody's business.
    assert!(!bench.path("pages/e2m-worker.1").exists());
    for shell in ["bash", "zsh", "fish"] {
        let run = bench.run(&["completions", shell]);
        assert!(run.code == 0 && run.out.contains("survey"), "{shell}");
    }
}
