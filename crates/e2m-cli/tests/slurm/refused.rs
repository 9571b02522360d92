//! What the cluster does not take.

use crate::cluster::{Cluster, wait_until};
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

    // What e2m sets itself is not overridden.
    bench.batch("[slurm]\nextra = [\"--nice\", \"--array=0-3\"]\n");
    let own = cluster.e2m(&bench, &["submit", "batch.toml"]);
    assert_eq!(own.code, 2, "{}", own.err);
    assert!(
        own.err.contains("extra under [slurm] has --array"),
        "{}",
        own.err
    );

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

#[test]
fn jobs_that_never_come_to_run_e2m_are_told_of_and_made_good_elsewhere() {
    let Some(cluster) = Cluster::up("setup") else {
        return;
    };
    let bench = Bench::with_pairs(&[("CD070", "DAPI"), ("CD071", "DAPI")]);
    bench.batch("[slurm]\ncpus = 1\nmax_running = 1\nsetup = \"echo there is no module opencv >&2; sleep 4; exit 3\"\n");
    let submitted = cluster.e2m(&bench, &["submit", "batch.toml"]);
    assert_eq!(submitted.code, 0, "{}", submitted.err);
    wait_until("one runs", || {
        cluster.jobs().iter().any(|job| job.contains(" RUNNING "))
    });
    // Some of it can be cancelled, whatever has become of the raw images.
    std::fs::rename(bench.path("raw"), bench.path("elsewhere")).expect("renamed");
    let cancelled = cluster.e2m(&bench, &["cancel", "--samples", "CD071", "batch.toml"]);
    assert!(
        cancelled.out.contains("Cancelled 1 job."),
        "{}{}",
        cancelled.out,
        cancelled.err
    );
    let misspelt = cluster.e2m(&bench, &["cancel", "--samples", "CD72", "batch.toml"]);
    assert_eq!(misspelt.code, 2, "{}", misspelt.err);
    std::fs::rename(bench.path("elsewhere"), bench.path("raw")).expect("renamed");
    // The job that collects has the same setup: nobody collects.
    cluster.wait_for_all();
    let status = cluster.e2m(&bench, &["status", "batch.toml"]);
    assert!(status.out.contains("failed, job "), "{}", status.out);
    let collected = cluster.e2m(&bench, &["collect", "batch.toml"]);
    assert_eq!(collected.code, 1, "{}", collected.err);
    assert_eq!(
        bench.statuses()["CD070/DAPI"],
        "error: subprocess exited 3 with no result"
    );
    assert_eq!(
        bench.statuses()["CD071/DAPI"],
        "incomplete: cancelled, the next run goes on from here"
    );
    assert!(
        bench
            .read("out/report.html")
            .contains("there is no module opencv")
    );
    // Its submission is over.
    let status = cluster.e2m(&bench, &["status", "batch.toml"]);
    assert!(!status.out.contains("on the cluster"), "{}", status.out);
    assert!(status.out.contains("1 failed, 1 to do"), "{}", status.out);
    assert!(
        status.out.contains("subprocess exited 3 with no result"),
        "{}",
        status.out
    );
    assert_eq!(bench.run_batch().code, 0);
    assert_eq!(cluster.e2m(&bench, &["collect", "batch.toml"]).code, 0);
    assert_eq!(bench.statuses()["CD070/DAPI"], "complete");
}
