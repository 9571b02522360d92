//! A job that is warned goes on later from where it was; one that is cancelled does not; and nothing is submitted twice.

use crate::cluster::{Cluster, logs, wait_until};
use crate::common::{Bench, quick};
use e2m_fixtures::Recipe;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};

/// A pair that takes some seconds, so that there is a middle.
fn slow(bench: &Bench) {
    let recipe = Recipe {
        width: 2400,
        height: 2200,
        ..quick(7)
    };
    bench.pair(&recipe, "CD070", "DAPI");
}

fn manifest(bench: &Bench) -> String {
    std::fs::read_to_string(bench.path("out/CD070/DAPI/e2m_task_pad60.json")).unwrap_or_default()
}

fn inode(bench: &Bench) -> u64 {
    let path = bench.path("out/CD070/DAPI/tiff/01_padded_pre_pad60.tiff");
    std::fs::metadata(path).expect("the first checkpoint").ino()
}

#[test]
fn warned_started_again_and_cancelled() {
    let Some(cluster) = Cluster::up("restart") else {
        return;
    };
    let bench = Bench::new();
    slow(&bench);
    bench.batch("[slurm]\ncpus = 1\ntime = \"00:10:00\"\n");
    let first_stage = || manifest(&bench).contains("of 5 is done");

    let submitted = cluster.e2m(&bench, &["submit", "batch.toml"]);
    assert_eq!(submitted.code, 0, "{}", submitted.err);
    let twice = cluster.e2m(&bench, &["submit", "batch.toml"]);
    assert_eq!(twice.code, 0, "{}", twice.err);
    assert!(
        twice.err.contains("CD070/DAPI is left to job "),
        "{}",
        twice.err
    );
    assert!(twice.err.contains("Nothing to submit"), "{}", twice.err);

    // A cluster that does not answer is no reason to submit once more.
    bench.write(
        "broken/squeue",
        "#!/bin/sh\necho 'slurm_load_jobs error: Socket timed out' >&2; exit 1\n",
    );
    std::fs::set_permissions(
        bench.path("broken/squeue"),
        std::fs::Permissions::from_mode(0o755),
    )
    .expect("executable");
    let path = format!(
        "{}:{}",
        bench.path("broken").display(),
        std::env::var("PATH").expect("a path")
    );
    let mut unknown = bench.command(&["submit", "batch.toml"]);
    unknown.env("SLURM_CONF", cluster.conf()).env("PATH", path);
    let unknown = bench.ended(unknown.output().expect("the program"));
    assert_eq!(unknown.code, 2, "{}", unknown.err);
    assert!(unknown.err.contains("Socket timed out"), "{}", unknown.err);
    assert!(
        unknown.err.contains("Nothing was submitted"),
        "{}",
        unknown.err
    );

    wait_until("a stage is done", first_stage);
    let before = inode(&bench);
    let job = cluster
        .jobs()
        .iter()
        .find_map(|job| Some(job.split_once(" RUNNING ")?.0.to_owned()))
        .expect("it runs");
    cluster.ask("scancel", &["--batch", "--signal=USR1", &job]);
    wait_until("it is put back", || {
        cluster
            .jobs()
            .iter()
            .any(|line| line.starts_with(&format!("{job} PENDING")))
    });
    let said = logs(&bench);
    assert!(
        said.contains("SLURM warns that the time of this job is nearly up"),
        "{said}"
    );
    let status = cluster.e2m(&bench, &["status", "batch.toml"]);
    assert!(status.out.contains("incomplete  there"), "{}", status.out);
    assert!(status.out.contains("1 queued"), "{}", status.out);
    cluster.wait_for_all();
    assert_eq!(
        bench.statuses()["CD070/DAPI"],
        "complete",
        "{}",
        logs(&bench)
    );
    assert!(logs(&bench).contains("started again (1 time)"));
    assert_eq!(inode(&bench), before, "the first stage was done again");
    bench.assert_tidy();

    preempted(&cluster, &bench);

    // All of it again, and stopped for good in the middle.
    let forced = cluster.e2m(&bench, &["submit", "--force", "batch.toml"]);
    assert_eq!(forced.code, 0, "{}", forced.err);
    wait_until("it runs", || {
        cluster.jobs().iter().any(|job| job.contains(" RUNNING "))
    });
    wait_until("a stage is done", first_stage);
    let cancelled = cluster.e2m(&bench, &["cancel", "batch.toml"]);
    assert_eq!(cancelled.code, 0, "{}", cancelled.err);
    assert!(
        cancelled.out.contains("Cancelled 1 job."),
        "{}",
        cancelled.out
    );
    assert!(
        cancelled.out.contains("writes the report of what there is"),
        "{}",
        cancelled.out
    );
    cluster.wait_for_all();
    assert!(
        logs(&bench).contains("SLURM ends this job"),
        "{}",
        logs(&bench)
    );
    assert_ne!(inode(&bench), before);
    bench.assert_tidy();
    let status = &bench.statuses()["CD070/DAPI"];
    assert!(status.starts_with("incomplete: interrupted"), "{status}");
    let nothing = cluster.e2m(&bench, &["cancel", "batch.toml"]);
    assert!(
        nothing.out.contains("Nothing of it waits or runs."),
        "{}",
        nothing.out
    );
    // It goes on here.
    let local = bench.run_batch();
    assert_eq!(local.code, 0, "{}", local.err);
    assert!(!local.err.contains("stage 1 padding"), "{}", local.err);
}

/// Others who go first push a job out. It is warned, has itself put back, and goes on when they are gone.
fn preempted(cluster: &Cluster, bench: &Bench) {
    let submitted = cluster.e2m(bench, &["submit", "--force", "batch.toml"]);
    assert_eq!(submitted.code, 0, "{}", submitted.err);
    let running = || {
        let jobs = cluster.jobs().into_iter();
        jobs.filter_map(|job| Some(job.split_once(" RUNNING ")?.0.to_owned()))
            .next()
    };
    wait_until("it runs", || running().is_some());
    let job = running().expect("it runs");
    wait_until("a stage is done", || {
        manifest(bench).contains("of 5 is done")
    });
    let urgent = [
        "--partition=urgent",
        "--nodes=2",
        "--ntasks=8",
        "--output=/dev/null",
        "--wrap=sleep 3",
    ];
    cluster.ask("sbatch", &urgent);
    wait_until("it is put back", || {
        cluster
            .jobs()
            .iter()
            .any(|line| line.starts_with(&format!("{job} PENDING")))
    });
    let warnings = logs(bench)
        .matches("SLURM warns that the time of this job is nearly up")
        .count();
    assert_eq!(warnings, 2, "{}", logs(bench));
    cluster.wait_for_all();
    assert_eq!(
        bench.statuses()["CD070/DAPI"],
        "complete",
        "{}",
        logs(bench)
    );
    let log = logs(bench);
    let last = log
        .rsplit("== ")
        .find(|log| log.contains(&format!("/logs/{job}.log")))
        .expect("its log");
    let (_, after) = last
        .split_once("started again (1 time)")
        .expect("a second start");
    assert!(
        !after.contains("stage 1 padding"),
        "the first stage was done a third time:\n{last}"
    );
}
