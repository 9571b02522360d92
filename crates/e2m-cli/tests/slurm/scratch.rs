//! Files under construction on a disk of the node.

use crate::cluster::{Cluster, logs};
use crate::common::Bench;

#[test]
fn what_is_made_in_a_scratch_folder_is_the_same() {
    let Some(cluster) = Cluster::up("scratch") else {
        return;
    };
    let bench = Bench::with_pairs(&[("a b", "DAPI"), ("CD070", "DAPI")]);
    let scratch = bench
        .path("scratch of $NAME")
        .display()
        .to_string()
        .replace("$NAME", "${SLURM_JOB_PARTITION}");
    bench.batch(&format!(
        "checkpoint_format = \"both\"\n[slurm]\ncpus = 2\nscratch = \"{scratch}\"\n"
    ));
    let submitted = cluster.e2m(&bench, &["submit", "batch.toml"]);
    assert_eq!(submitted.code, 0, "{}", submitted.err);
    cluster.wait_for_all();
    let said = logs(&bench);
    assert!(said.contains("/scratch of main/e2m-scratch-"), "{said}");
    assert_eq!(bench.statuses()["a b/DAPI"], "complete", "{said}");
    assert_eq!(bench.names("scratch of main"), [""; 0]);
    bench.assert_tidy();
    let images = bench.images("out");
    std::fs::rename(bench.path("out"), bench.path("aside")).expect("renamed");
    assert_eq!(bench.run_batch().code, 0);
    assert!(
        images == bench.images("out"),
        "other images through scratch"
    );

    // In memory is no place for it: said, and done without.
    bench.batch("[slurm]\nscratch = \"/dev/shm/e2m\"\ncpus = 1\n");
    let forced = cluster.e2m(
        &bench,
        &[
            "submit",
            "--from-stage",
            "4",
            "--samples",
            "CD070",
            "batch.toml",
        ],
    );
    assert_eq!(forced.code, 0, "{}", forced.err);
    cluster.wait_for_all();
    assert!(
        logs(&bench).contains("no scratch folder is used: /dev/shm/e2m is in memory"),
        "{}",
        logs(&bench)
    );
    assert_eq!(bench.statuses()["CD070/DAPI"], "complete");
}
