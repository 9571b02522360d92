//! Twelve tasks over both nodes, one of which takes more memory than it was given, while a node dies.

use crate::cluster::{Cluster, logs, wait_until};
use crate::common::Bench;
use std::collections::BTreeSet;

const SAMPLES: [&str; 6] = ["S1", "S2", "S3", "S4", "S5", "S6"];
const DYES: [&str; 2] = ["DAPI", "SybrGld"];

/// What the sixth task of the batch, and whatever is given more memory than others, holds besides soon after its start: with
/// it 200 MB are not enough, and half as much again is. The cluster looks at memory once a second, and the task takes three.
const HOG: &str = r#"
if [ "$SLURM_ARRAY_TASK_ID" = 5 ] || [ "$SLURM_MEM_PER_NODE" = 287 ]; then
    (sleep 0.5; exec python3 -c 'import time; held = bytearray(150 << 20); time.sleep(60)') &
fi
"#;

#[test]
fn every_task_ends_well_although_memory_runs_out_and_a_node_dies() {
    let Some(cluster) = Cluster::up("twelve") else {
        return;
    };
    let tasks: Vec<(&str, &str)> = SAMPLES
        .iter()
        .flat_map(|sample| DYES.map(|dye| (*sample, dye)))
        .collect();
    let bench = Bench::with_pairs(&tasks);
    bench.batch(&format!(
        "[execution]\nparallel = \"slurm\"\n[slurm]\ncpus = 1\nmemory = \"200MB\"\nmax_running = 6\nsetup = '''{HOG}'''\n"
    ));
    let submitted = cluster.e2m(&bench, &["batch.toml"]);
    assert_eq!(submitted.code, 0, "{}", submitted.err);
    assert!(
        submitted.err.contains("Submitted 12 tasks:"),
        "{}",
        submitted.err
    );
    assert!(
        submitted
            .err
            .contains("12 tasks, each with 200 MB of memory, 1 CPU"),
        "{}",
        submitted.err
    );

    // SLURM fills one node before the next.
    wait_until("tasks run on both nodes", || {
        let running = |node: &str| {
            cluster
                .jobs()
                .iter()
                .any(|job| job.contains(&format!("RUNNING {node}")))
        };
        running("n1") && running("n2")
    });
    let status = cluster.e2m(&bench, &["status", "batch.toml"]);
    assert!(status.out.contains("running on n1, job "), "{}", status.out);
    assert!(status.out.contains(" queued, "), "{}", status.out);
    let at_a_time = cluster
        .jobs()
        .iter()
        .filter(|job| job.contains(" RUNNING "))
        .count();
    assert!(at_a_time <= 6, "{at_a_time}");
    cluster.kill_node("n2");
    cluster.wait_for_all();

    let said = logs(&bench);
    let statuses = bench.statuses();
    assert_eq!(statuses.len(), 12);
    assert!(
        statuses.values().all(|status| status == "complete"),
        "{statuses:#?}\n{said}"
    );
    // The one that had too little was killed, and given half as much again.
    assert!(said.contains("exceeded memory limit"), "{said}");
    assert!(
        said.contains("submitted again with 300 MB as job"),
        "{said}"
    );
    assert!(
        said.contains("S3/SybrGld: memory limit 0.20 GB exceeded (peak "),
        "{said}"
    );
    // What ran on the dead node was started again on the other one.
    assert!(said.contains("started again (1 time)"), "{said}");
    let nodes: BTreeSet<&str> = said
        .lines()
        .filter_map(|line| line.split(" on n").nth(1)?.get(..1))
        .collect();
    assert_eq!(nodes, BTreeSet::from(["1", "2"]), "{said}");
    let batch: serde_json::Value =
        serde_json::from_str(&bench.read("out/e2m_batch.json")).expect("JSON");
    assert_eq!(batch["exit_code"], 0);
    assert!(bench.read("out/report.html").contains("S6"));
    assert!(bench.read("out/e2m_batch.csv").lines().count() == 13);

    bench.assert_tidy();
    let verified = cluster.e2m(&bench, &["verify", "batch.toml"]);
    assert_eq!(verified.code, 0, "{}{}", verified.out, verified.err);
    // There is nothing to hand over any more, nor to do here; and here the same comes out.
    let again = cluster.e2m(&bench, &["submit", "batch.toml"]);
    assert!(
        again
            .err
            .contains("Nothing to submit: everything is finished"),
        "{}",
        again.err
    );
    assert_eq!(cluster.jobs().len(), 0);

    // Whoever collects once more finds the same, and a job that comes too late does nothing.
    let submission = bench.path(&format!("out/.e2m_slurm/{}", submission(&bench)));
    let folder = submission.display().to_string();
    let collected = cluster.e2m(&bench, &["slurm-collect", &folder]);
    assert_eq!(collected.code, 0, "{}", collected.err);
    assert_eq!(bench.statuses(), statuses);
    let mut late = bench.command(&["slurm-task", &format!("{folder}/array-1.json")]);
    late.envs([("SLURM_ARRAY_TASK_ID", "3"), ("SLURM_ARRAY_JOB_ID", "1")]);
    let late = bench.ended(late.output().expect("the program"));
    assert_eq!(late.code, 2, "{}", late.err);
    assert!(
        late.err.contains("is over; nothing is to be done for it"),
        "{}",
        late.err
    );

    let images = bench.images("out");
    bench.batch("");
    let local = bench.run_batch();
    assert_eq!(local.code, 0, "{}", local.err);
    assert_eq!(local.out.matches("was there").count(), 12, "{}", local.out);
    std::fs::rename(bench.path("out"), bench.path("of_cluster")).expect("renamed");
    assert_eq!(bench.run_batch().code, 0);
    assert!(
        images == bench.images("out"),
        "a local run leaves other images"
    );
}

/// The name of the only submission.
fn submission(bench: &Bench) -> String {
    let names = bench.names("out/.e2m_slurm");
    let record = names.iter().find(|name| name.ends_with("/submission.json"));
    record
        .and_then(|name| name.split('/').next())
        .expect("a submission")
        .to_owned()
}
