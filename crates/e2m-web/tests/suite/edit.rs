//! What a page changes: batch files, and what is thought of objects.

use crate::common::{Lab, task};
use serde_json::{Value, json};
use std::collections::BTreeMap;

#[test]
fn a_batch_file_is_looked_through_changed_and_saved_as_a_whole() {
    let lab = Lab::with_pairs(&[("a", "DAPI")]);
    let served = lab.serve();
    let text = std::fs::read_to_string(lab.path("batch.toml")).expect("a text");
    let check = |text: &str| {
        served
            .post(
                "/api/text/check",
                &json!({"batch": "batch.toml", "text": text}).to_string(),
            )
            .json()
    };
    let good = check(&text);
    assert_eq!(
        (&good["problems"], &good["tasks"], &good["params"]["pad"]),
        (&json!([]), &json!(["a/DAPI"]), &json!(60))
    );
    // The same words as on the command line, with the line.
    let wrong = check(&text.replace("pad", "pda"));
    assert_eq!(wrong["problems"][0]["line"], 4);
    let said = wrong["said"].as_str().expect("words");
    assert!(
        said.contains("pda") && said.contains("\"pad\"") && said.contains("line 4"),
        "{said}"
    );
    let syntax = check("raw_dir = [");
    assert!(!syntax["problems"].as_array().expect("problems").is_empty());
    let elsewhere = check("raw_dir = \"/\"\noutput_dir = \"out\"\n");
    assert!(
        elsewhere["obstacle"]
            .as_str()
            .expect("words")
            .contains("--also"),
        "{elsewhere}"
    );

    let changes = json!({"text": text, "changes": [{"section": "params", "key": "pad", "value": "64"}, {"key": "samples", "value": "[\"a\"]"}]});
    let set = served.post("/api/text/set", &changes.to_string()).json();
    let new = set["text"].as_str().expect("a text").to_owned();
    assert!(
        new.contains("pad = 64") && new.contains("samples = [\"a\"]"),
        "{new}"
    );
    assert_eq!(
        std::fs::read_to_string(lab.path("batch.toml")).expect("a text"),
        text,
        "nothing is saved yet"
    );

    let save = |name: &str, text: &str, was: Option<&str>| {
        served.post(
            "/api/text/save",
            &json!({"batch": name, "text": text, "was": was}).to_string(),
        )
    };
    assert_eq!(save("batch.toml", &new, Some(&text)).status, 200);
    assert_eq!(
        std::fs::read_to_string(lab.path("batch.toml")).expect("a text"),
        new
    );
    // Somebody else was faster; it is there already; it has problems; it lies elsewhere.
    assert_eq!(save("batch.toml", &text, Some(&text)).status, 409);
    assert_eq!(save("batch.toml", &text, None).status, 409);
    assert_eq!(save("batch.toml", "raw_dir = 1", Some(&new)).status, 422);
    for name in [
        "../batch.toml",
        "/tmp/batch.toml",
        "batch.txt",
        "out/../../b.toml",
    ] {
        assert_eq!(save(name, &new, None).status, 400, "{name}");
    }
    let outside = "raw_dir = \"/etc\"\noutput_dir = \"out\"\n";
    assert_eq!(save("other.toml", outside, None).status, 403);
    assert_eq!(save("other.toml", &text, None).status, 200);
    assert_eq!(
        std::fs::read_to_string(lab.path("batch.toml")).expect("a text"),
        new
    );
    let names: Vec<String> = std::fs::read_dir(lab.folder.path())
        .expect("a folder")
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    assert!(names.len() == 3, "a temporary file was left: {names:?}");
}

#[test]
fn judgements_are_kept_beside_the_catalogue_which_stays_as_it_is() {
    let lab = Lab::with_pairs(&[("a", "DAPI")]);
    lab.run();
    let served = lab.serve();
    let this = task("a", "DAPI");
    let catalogue = served.get(&format!("/api/catalogue?{this}")).json();
    let ids = catalogue["columns"]["id"]
        .as_array()
        .expect("objects")
        .clone();
    assert!(ids.len() > 3);
    let found = crate::common::files(&lab.path("out"));
    let (table, _) = found
        .iter()
        .find(|(path, _)| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            name.starts_with("05_microbes") && name.ends_with(".csv")
        })
        .expect("a table");
    let before = std::fs::read(table).expect("a table");
    let judge = |changes: Value| {
        let body = json!({"batch": "batch.toml", "sample": "a", "dye": "DAPI", "changes": changes});
        served.post("/api/judgements", &body.to_string())
    };
    assert_eq!(
        judge(json!([{"id": ids[0], "opinion": "reject"}, {"id": ids[1], "opinion": "accept"}]))
            .status,
        200
    );
    assert_eq!(judge(json!([{"id": ids[1], "opinion": null}])).status, 200);
    assert_eq!(
        judge(json!([{"id": 999_999, "opinion": "accept"}])).status,
        404
    );
    assert_eq!(
        judge(json!([{"id": ids[2], "opinion": "perhaps"}])).status,
        422
    );
    let listed = served.get(&format!("/api/judgements?{this}")).json();
    assert_eq!(
        listed["opinions"],
        json!({ids[0].to_string(): "reject"}),
        "{listed}"
    );
    assert_eq!(
        (&listed["lost"], &listed["task"]),
        (&json!(0), &json!(null))
    );
    assert_eq!(std::fs::read(table).expect("a table"), before);
    // A run that finds everything there leaves it, and so does one that makes all of it again.
    let stem = table.file_stem().unwrap_or_default().to_string_lossy();
    let kept = table.with_file_name(format!("{stem}_judged.json"));
    let judgements = std::fs::read(&kept).expect("judgements");
    let again = json!({"batch": "batch.toml", "force": true}).to_string();
    assert_eq!(served.post("/api/run", &again).status, 200);
    served.until("/api/run", |run| run["run"]["ending"].is_string());
    assert_eq!(std::fs::read(&kept).expect("judgements"), judgements);
    let listed = served.until(&format!("/api/judgements?{this}"), |listed| {
        listed["opinions"].is_object()
    });
    assert_eq!(listed["opinions"][ids[0].to_string()], "reject");
    // One that is damaged is said, and is not written over.
    std::fs::write(&kept, "{").expect("written");
    assert_eq!(served.get(&format!("/api/judgements?{this}")).status, 500);
    assert_eq!(
        judge(json!([{"id": ids[0], "opinion": "accept"}])).status,
        500
    );
    assert_eq!(std::fs::read(&kept).expect("text"), b"{");
}

/// A line of the table of the batch, by column.
fn line(lab: &Lab, sample: &str) -> BTreeMap<String, String> {
    let text = std::fs::read_to_string(lab.path("out/microbes.csv")).expect("a table");
    let mut lines = text.lines().map(|line| line.split(','));
    let names = lines.next().expect("names").map(str::to_owned);
    let names: Vec<String> = names.collect();
    let mut lines = lines.map(|line| names.iter().cloned().zip(line.map(str::to_owned)).collect());
    let line: Option<BTreeMap<String, String>> =
        lines.find(|line: &BTreeMap<String, String>| line["sample"] == sample);
    line.expect("a line")
}

#[test]
fn judgements_of_tasks_and_objects_are_columns_of_the_table_of_the_batch() {
    let lab = Lab::with_pairs(&[("a", "DAPI"), ("b", "DAPI")]);
    lab.run();
    let served = lab.serve();
    let before = [line(&lab, "a"), line(&lab, "b")];
    assert_eq!(before[0]["judgement"], "");
    assert_eq!(before[0]["microbes_curated"], before[0]["microbes"]);
    let found: u64 = before[0]["microbes"].parse().expect("a number");
    assert!(found > 3, "{found}");

    let this = task("a", "DAPI");
    let columns = served.get(&format!("/api/catalogue?{this}")).json()["columns"].clone();
    let list = |name: &str| columns[name].as_array().expect("a column").clone();
    let counts = |flags: &Value| {
        let flags = flags.as_str().unwrap_or_default();
        !["dipole", "bright_in_pre", "doubtful", "off_section"]
            .iter()
            .any(|flag| flags.contains(flag))
    };
    let mut microbes = list("id").into_iter().zip(list("flags"));
    let (microbe, _) = microbes
        .find(|(_, flags)| counts(flags))
        .expect("a microbe");
    let judge = |more: Value| {
        let mut body = json!({"batch": "batch.toml", "sample": "a", "dye": "DAPI"});
        let fields = more.as_object().expect("fields").clone();
        body.as_object_mut().expect("fields").extend(fields);
        served.post("/api/judgements", &body.to_string())
    };
    let told = judge(json!({"changes": [{"id": microbe, "opinion": "reject"}]}));
    assert_eq!(told.status, 200, "{}", told.text());
    assert_eq!(told.json()["microbes"], found - 1);
    let row = line(&lab, "a");
    assert_eq!(row["microbes_curated"], (found - 1).to_string());
    assert_eq!(
        (&*row["objects_rejected"], &*row["objects_accepted"]),
        ("1", "0")
    );
    let per = |name: &str| row[name].parse::<f64>().expect("a number");
    let expected = per("per_mpx") * (found - 1) as f64 / found as f64;
    assert!((per("per_mpx_curated") / expected - 1.0).abs() < 1e-6);
    // What was found is as it was, of this task and of the other.
    assert_eq!(row["microbes"], before[0]["microbes"]);
    assert_eq!(line(&lab, "b"), before[1]);

    // A task that is rejected has no count, in the table and in the list; a run writes the same.
    let told = judge(json!({"task": {"opinion": "reject"}}));
    assert_eq!(told.json()["task"], "reject");
    let row = line(&lab, "a");
    assert_eq!(
        (&*row["judgement"], &*row["microbes_curated"]),
        ("reject", "")
    );
    lab.run();
    assert_eq!(line(&lab, "a"), row);
    let shown = served.until("/api/batch?batch=batch.toml", |batch| {
        batch["tasks"][0]["result"].is_object()
    });
    assert_eq!(shown["tasks"][0]["result"]["judgement"], "reject");
    // What is not said of the task leaves it, and none takes it back.
    let told = judge(json!({"changes": [{"id": microbe, "opinion": null}]}));
    assert_eq!(told.json()["task"], "reject");
    assert_eq!(judge(json!({"task": {"opinion": null}})).status, 200);
    assert_eq!(line(&lab, "a"), before[0]);
    for bad in [json!({"task": {"opinion": "x"}}), json!({"task": "reject"})] {
        assert_eq!(judge(bad).status, 422);
    }
}
