//! What the cluster does not take.

use crate::cluster::Cluster;
use crate::common::{Bench, quick};

#[test]
fn what_sbatch_says_is_told_with_the_script_and_nothing_stays_in_the_queue() {
    let Some(cluster) = Cluster::up("refused") else {
        return;
    };
    let bench = Bench::with_pairs(&[("CD070", "DAPI")]);
    bench.batch("[slurm]\npartition = \"nowhere\"\n");
    let refused = cluster.e2m(&bench, &["submit", "batch.toml"]);
    assert_eq!(refused.code, 2, "{}", refused.err);
    assert!(
        refused
            .err
            .contains("sbatch: error: invalid partition specified: nowhere"),
        "{}",
        refused.err
    );
    assert!(refused.err.contains("/array-1.sh)"), "{}", refused.err);

    // By the rule, a pad makes one task far larger than the other: two arrays.
    bench.pair(&quick(3), "CD071", "DAPI");
    bench.batch(
        "[slurm]\nextra = \"--exclude=n1\"\ncpus = 3\n[resources]\nmemory_gate = \"rule\"\n\
         [[override]]\nsample = \"CD071\"\nparams = { pad = 1500 }\n",
    );
    std::fs::remove_dir_all(bench.path("out")).expect("removed");
    let both = cluster.e2m(&bench, &["submit", "--dry-run", "batch.toml"]);
    assert_eq!(both.code, 0, "{}", both.err);
    assert_eq!(both.out.matches("--array=0-0").count(), 2, "{}", both.out);
    assert_eq!(
        both.out.matches("#SBATCH --exclude=n1\n").count(),
        3,
        "{}",
        both.out
    );
    assert!(!bench.path("out").exists(), "a dry run writes nothing");
    bench.batch("[slurm]\nmemory = \"8GB\"\n");
    let too_much = cluster.e2m(&bench, &["submit", "batch.toml"]);
    assert_eq!(too_much.code, 2, "{}", too_much.err);
    assert!(
        too_much
            .err
            .contains("Memory specification can not be satisfied"),
        "{}",
        too_much.err
    );
    assert_eq!(cluster.jobs(), [""; 0]);
    let status = cluster.e2m(&bench, &["status", "batch.toml"]);
    assert!(status.out.contains("2 to do"), "{}", status.out);

    // Less than a task needs is refused before anything is handed over.
    bench.batch("[slurm]\nmemory = \"50MB\"\n");
    let too_little = cluster.e2m(&bench, &["submit", "batch.toml"]);
    assert_eq!(too_little.code, 3, "{}", too_little.err);
    assert!(
        too_little.err.contains("slurm.memory"),
        "{}",
        too_little.err
    );
}

#[test]
fn a_machine_without_slurm_says_so() {
    let bench = Bench::with_pairs(&[("CD070", "DAPI")]);
    let output = bench
        .command(&["submit", "batch.toml"])
        .env("PATH", bench.path("empty"))
        .output();
    let refused = bench.ended(output.expect("the program"));
    assert_eq!(refused.code, 2, "{}", refused.err);
    assert!(
        refused.err.contains("sbatch is not on the PATH"),
        "{}",
        refused.err
    );
    let status = bench.run(&["status", "batch.toml"]);
    assert_eq!(status.code, 0, "{}", status.err);
}
