//! Runs of a part of a batch: other tasks keep what was said of them.

use crate::common::Bench;

fn json(bench: &Bench) -> serde_json::Value {
    serde_json::from_str(&bench.read("out/e2m_batch.json")).expect("JSON")
}

/// Whether result, table and page all say this of a task.
fn assert_said(bench: &Bench, sample: &str, words: &str) {
    for name in ["e2m_batch.json", "e2m_batch.csv", "report.html"] {
        let text = bench.read(&format!("out/{name}"));
        assert!(
            text.contains(sample) && text.contains(words),
            "{name}: {sample}: {words}"
        );
    }
}

#[test]
fn a_partial_run_keeps_the_failures_of_others_and_its_own_exit_code() {
    let bench = Bench::with_pairs(&[("A", "DAPI"), ("B", "DAPI"), ("C", "DAPI")]);
    // B fails before it has a record of its own, and D is not there.
    bench.write("raw/B/B_PreStain_DAPI.tif", "no image");
    bench.write("raw/D/deeper/D_PreStain_DAPI.tif", "");
    bench.batch("strict_dyes = false\n");
    let run = bench.run_batch();
    assert_eq!(run.code, 1, "{}{}", run.err, run.out);
    let why = bench.statuses()["B/DAPI"].clone();
    assert!(why.starts_with("error: "), "{why}");
    assert_eq!(json(&bench)["batch_exit_code"], 1);

    bench.batch("strict_dyes = true\n");
    for sample in ["A", "C"] {
        let run = bench.run(&["batch.toml", "--samples", sample]);
        assert_eq!(run.code, 0, "{}{}", run.err, run.out);
        assert_eq!(bench.statuses()["B/DAPI"], why);
        assert_said(&bench, "B", "B_PreStain_DAPI.tif");
        assert_said(&bench, "D", "deeper/D_PreStain_DAPI.tif");
        let all = json(&bench);
        assert_eq!(
            (&all["exit_code"], &all["batch_exit_code"]),
            (&0.into(), &1.into())
        );
        assert_eq!(all["run"], serde_json::json!([format!("{sample}/DAPI")]));
        assert_eq!(all["missing"][0]["sample"], "D");
        assert!(
            run.err
                .contains("not asked for: 1 failed, 1 without images"),
            "{}",
            run.err
        );
    }
    // Once B is mended, only D is left, which a strict batch does not forgive.
    bench.pair(&crate::common::quick(9), "B", "DAPI");
    let run = bench.run(&["batch.toml", "--samples", "B"]);
    assert_eq!(run.code, 0, "{}{}", run.err, run.out);
    let all = json(&bench);
    assert_eq!(
        (&all["exit_code"], &all["batch_exit_code"]),
        (&0.into(), &4.into())
    );
    assert_eq!(bench.statuses().len(), 3);
    assert!(!run.err.contains("failed"), "{}", run.err);
}

#[test]
fn a_task_that_the_batch_file_names_no_more_stays_as_long_as_its_folder() {
    let bench = Bench::with_pairs(&[("A", "DAPI"), ("B", "DAPI")]);
    bench.write("raw/B/B_PreStain_DAPI.tif", "no image");
    assert_eq!(bench.run_batch().code, 1);
    std::fs::create_dir_all(bench.path("out/B/DAPI")).expect("creates");
    bench.batch("samples = [\"A\"]\n");
    let run = bench.run_batch();
    assert_eq!(run.code, 0, "{}{}", run.err, run.out);
    assert!(bench.statuses()["B/DAPI"].starts_with("error: "));
    assert_said(&bench, "B", "B_PreStain_DAPI.tif");
    std::fs::remove_dir_all(bench.path("out/B")).expect("removes");
    assert_eq!(bench.run_batch().code, 0);
    assert_eq!(bench.statuses().len(), 1);
}

#[test]
fn rows_that_lead_elsewhere_are_not_followed() {
    let bench = Bench::with_pairs(&[("A", "DAPI")]);
    assert_eq!(bench.run_batch().code, 0);
    let mut all = json(&bench);
    let mut row = all["tasks"][0].clone();
    row["sample"] = "..".into();
    row["dye"] = "raw".into();
    row["manifest"] = "/etc/passwd".into();
    all["tasks"].as_array_mut().expect("a list").push(row);
    bench.write("out/e2m_batch.json", all.to_string());
    let run = bench.run_batch();
    assert_eq!(run.code, 0, "{}{}", run.err, run.out);
    assert_eq!(bench.statuses().len(), 1);
    bench.write(
        "out/e2m_batch.json",
        "{\"tasks\": [{\"sample\": 5}, null, 7]}",
    );
    assert_eq!(bench.run_batch().code, 0);
}
