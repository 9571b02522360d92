//! Runs that a browser starts: followed by several, stopped by none that goes away, found again on the disk.

use crate::common::{Lab, task};
use std::io::{BufRead as _, BufReader};
use std::net::TcpStream;

const BATCH: &str = "{\"batch\": \"batch.toml\"}";

/// Events until one is as it should be; all that came.
fn heard(stream: TcpStream, good: impl Fn(&serde_json::Value) -> bool) -> Vec<serde_json::Value> {
    let mut all = Vec::new();
    for line in BufReader::new(stream).lines() {
        let line = line.expect("a line before the patience is at its end");
        let Some(text) = line.strip_prefix("data: ") else {
            continue;
        };
        let event: serde_json::Value = serde_json::from_str(text).expect("JSON");
        all.push(event.clone());
        if good(&event) {
            return all;
        }
    }
    panic!("the stream has ended: {all:?}");
}

#[test]
fn several_follow_a_run_and_one_that_goes_away_stops_nothing() {
    let lab = Lab::with_pairs(&[("a", "DAPI"), ("b", "DAPI")]);
    let served = lab.serve();
    let check = served.get("/api/check?batch=batch.toml&samples=a").json();
    assert_eq!(check["tasks"].as_array().expect("tasks").len(), 1);
    assert!(
        check["memory_plan_bytes"].as_u64().expect("bytes") > 1_000_000
            && check["refused"] == false
    );
    assert!(!lab.path("out").exists());

    let (first, second) = (served.listen(), served.listen());
    let started = served.post("/api/run", BATCH);
    assert_eq!(started.status, 200, "{}", started.text());
    heard(first, |event| event["run"]["of"] == 2); // and is closed
    let another = served.post("/api/run", BATCH);
    assert_eq!(another.status, 409, "{}", another.text());
    assert!(another.error().contains("is running"));
    let events = heard(second, |event| event["run"]["ending"].is_string());
    let last = &events.last().expect("events")["run"];
    assert_eq!(last["ending"], "complete", "{last}");
    let log: Vec<&str> = events
        .iter()
        .flat_map(|event| event["run"]["log"].as_array())
        .flatten()
        .filter_map(|line| line.as_str())
        .collect();
    assert!(
        log.iter().any(|line| line.starts_with("[2/2] b/DAPI")),
        "{log:?}"
    );
    assert!(
        events
            .iter()
            .any(|event| event["machine"]["available_bytes"].as_u64() > Some(0))
    );
    assert!(
        events
            .iter()
            .any(|event| event["run"]["tasks"][0]["stage"] == 2
                || event["run"]["tasks"][0]["stage"] == 3),
        "stages were seen"
    );
    // Whoever comes late is told how it ended.
    let run = served.get("/api/run").json();
    assert_eq!(
        (
            &run["run"]["ending"],
            run["run"]["tasks"].as_array().map(Vec::len)
        ),
        (&"complete".into(), Some(2))
    );
    assert!(!served.end());
    // Another server finds what is there.
    let next = lab.serve();
    assert!(next.get("/api/run").json()["run"].is_null());
    let batch = next.get("/api/batch?batch=batch.toml").json();
    assert!(
        batch["tasks"]
            .as_array()
            .expect("tasks")
            .iter()
            .all(|one| one["finished"] == true)
    );
    assert_eq!(
        next.get(&format!("/api/view?{}", task("b", "DAPI"))).status,
        200
    );
}

#[test]
fn an_aborted_run_keeps_what_is_finished_and_the_next_goes_on() {
    let lab = Lab::with_pairs(&[("a", "DAPI"), ("b", "DAPI")]);
    let served = lab.serve();
    assert_eq!(served.post("/api/run/abort", BATCH).status, 409);
    assert_eq!(served.post("/api/run", BATCH).status, 200);
    let begun = |run: &serde_json::Value| {
        run["run"]["tasks"][0]["phase"] == "ended" || run["run"]["ending"].is_string()
    };
    served.until("/api/run", begun);
    assert_eq!(served.post("/api/run/abort", BATCH).status, 200);
    let ended = served.until("/api/run", |run| run["run"]["ending"].is_string());
    assert_eq!(ended["run"]["ending"], "aborted", "{ended}");
    let batch = served.get("/api/batch?batch=batch.toml").json();
    assert_eq!(
        (
            &batch["tasks"][0]["finished"],
            &batch["tasks"][1]["finished"]
        ),
        (&true.into(), &false.into())
    );
    assert_eq!(served.post("/api/run", BATCH).status, 200);
    let ended = served.until("/api/run", |run| run["run"]["ending"].is_string());
    assert_eq!(ended["run"]["ending"], "complete", "{ended}");
}

#[test]
fn a_server_that_ends_stops_what_runs_and_a_cluster_is_not_its_matter() {
    let lab = Lab::with_pairs(&[("a", "DAPI")]);
    lab.write(
        "cluster.toml",
        "raw_dir = \"raw\"\noutput_dir = \"out\"\n[execution]\nparallel = \"slurm\"\n",
    );
    let served = lab.serve();
    let refused = served.post("/api/run", "{\"batch\": \"cluster.toml\"}");
    assert_eq!(refused.status, 409);
    assert!(
        refused.error().contains("e2m submit"),
        "{}",
        refused.error()
    );
    let listening = served.listen();
    assert_eq!(served.post("/api/run", BATCH).status, 200);
    served.until("/api/run", |run| run["run"]["of"] == 1);
    assert!(served.end(), "a batch was running");
    drop(listening);
    let next = lab.serve();
    let batch = next.get("/api/batch?batch=batch.toml").json();
    assert_eq!(batch["tasks"][0]["finished"], false, "{batch}");
}
