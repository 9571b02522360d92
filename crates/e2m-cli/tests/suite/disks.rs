//! Disks that are full, read-only, not ours, or taken away: reported with the file, and what was made before still counts.

#![expect(clippy::print_stdout, reason = "a test that did not run should say so")]

use crate::common::Bench;
use e2m_testing::prerequisite;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// A file system that is mounted as long as this value is.
struct Disk {
    at: PathBuf,
}

impl Disk {
    /// One in memory of this size; `None` for whoever may not mount anything.
    fn in_memory(at: PathBuf, size: &str) -> Option<Self> {
        fs::create_dir_all(&at).expect("a folder");
        mount(
            &["-t", "tmpfs", "-o", &format!("size={size}"), "e2m-test"],
            &at,
        )
        .then_some(Self { at })
    }

    /// One in a file, whose content outlives it.
    fn in_file(file: &Path, at: PathBuf) -> Option<Self> {
        if !file.exists() {
            let image = fs::File::create(file).expect("a file");
            image.set_len(256 << 20).expect("a length");
            let made = Command::new("mkfs.ext4")
                .args(["-q", "-F"])
                .arg(file)
                .output();
            if !made.is_ok_and(|output| output.status.success()) {
                return None;
            }
        }
        fs::create_dir_all(&at).expect("a folder");
        mount(&["-o", "loop", &file.to_string_lossy()], &at).then_some(Self { at })
    }

    fn remount(&self, options: &str) {
        assert!(
            mount(&["-o", &format!("remount,{options}")], &self.at),
            "{options}"
        );
    }

    /// Takes it away from under whoever uses it.
    fn tear_away(self) {
        unmount(&self.at, &["-l"]);
        std::mem::forget(self);
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        unmount(&self.at, &[]);
    }
}

fn mount(arguments: &[&str], at: &Path) -> bool {
    let output = Command::new("mount").args(arguments).arg(at).output();
    output.is_ok_and(|output| output.status.success())
}

fn unmount(at: &Path, arguments: &[&str]) {
    let status = Command::new("umount").args(arguments).arg(at).status();
    if !status.is_ok_and(|status| status.success()) {
        println!("{} is still mounted", at.display());
    }
}

const MOUNTS: &str = "the right to mount a file system (root has it)";

const TASKS: [(&str, &str); 2] = [("a", "DAPI"), ("b", "DAPI")];

/// What an uninterrupted run of the same pairs leaves.
fn whole() -> std::collections::BTreeMap<String, Vec<u8>> {
    let bench = Bench::with_pairs(&TASKS);
    assert_eq!(bench.run_batch().code, 0);
    bench.images("out")
}

#[test]
fn a_full_disk_is_told_with_what_is_missing_and_what_was_made_before_counts() {
    let bench = Bench::with_pairs(&TASKS);
    let Some(disk) = prerequisite(MOUNTS, Disk::in_memory(bench.path("out"), "9m")) else {
        return;
    };
    let refused = bench.run_batch();
    assert_eq!(refused.code, 3, "{}", refused.err);
    bench.batch("[execution]\nforce_run = true\n");
    let run = bench.run_batch();
    assert_eq!(run.code, 1, "{}{}", run.err, run.out);
    for (task, status) in bench.statuses() {
        assert!(
            status.contains("No space left on device"),
            "{task}: {status}"
        );
        assert!(
            status.contains(&format!("FOLDER/out/{task}/")),
            "{task}: {status}"
        );
        assert!(status.contains(" bytes are missing"), "{task}: {status}");
    }
    assert!(
        run.err.contains("make room on the disk of output_dir"),
        "{}",
        run.err
    );
    bench.assert_tidy();
    let made = bench.images("out");
    assert!(!made.is_empty(), "not even the first checkpoint fits");

    disk.remount("size=200m");
    let run = bench.run_batch();
    assert_eq!(run.code, 0, "{}{}", run.err, run.out);
    let (now, whole) = (bench.images("out"), whole());
    assert!(now == whole, "{:?}", now.keys());
    assert!(made.iter().all(|(name, bytes)| whole[name] == *bytes));
}

#[test]
fn a_read_only_disk_is_told_before_anything_runs() {
    let bench = Bench::with_pairs(&TASKS);
    let Some(disk) = prerequisite(MOUNTS, Disk::in_memory(bench.path("out"), "100m")) else {
        return;
    };
    disk.remount("ro");
    let run = bench.run_batch();
    assert_eq!(run.code, 2, "{}{}", run.err, run.out);
    assert!(
        run.err
            .contains("output_dir FOLDER/out takes no files: Read-only file system"),
        "{}",
        run.err
    );
    // Results that are there can be looked at all the same.
    disk.remount("rw");
    assert_eq!(bench.run_batch().code, 0);
    disk.remount("ro");
    let status = bench.run(&["status", "batch.toml"]);
    assert!(
        status.out.contains("complete"),
        "{}{}",
        status.out,
        status.err
    );
}

#[test]
fn a_disk_that_is_taken_away_is_told_and_the_next_run_goes_on() {
    let bench = Bench::with_pairs(&TASKS);
    let image = bench.path("disk.img");
    let Some(disk) = prerequisite(MOUNTS, Disk::in_file(&image, bench.path("out"))) else {
        return;
    };
    let mut command = bench.command(&["batch.toml"]);
    let child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let child = child.expect("the program");
    let first = bench.path("out/a/DAPI/tiff/01_padded_post_pad60.tiff");
    let began = Instant::now();
    while !first.exists() {
        assert!(
            began.elapsed() < Duration::from_secs(240),
            "the moment never came"
        );
        std::thread::sleep(Duration::from_millis(2));
    }
    disk.tear_away();
    let run = bench.ended(child.wait_with_output().expect("an end"));
    assert_eq!(run.code, 1, "{}{}", run.err, run.out);
    assert!(
        run.err.contains("FOLDER/out/a/DAPI/") && run.err.contains("No such file or directory"),
        "{}",
        run.err
    );
    // What was said of the end went to the folder below, which is not the disk.
    fs::remove_dir_all(bench.path("out")).expect("removes");
    let disk = Disk::in_file(&image, bench.path("out")).expect("as before");
    assert!(first.exists());
    let run = bench.run_batch();
    assert_eq!(run.code, 0, "{}{}", run.err, run.out);
    bench.assert_tidy();
    assert!(bench.images("out") == whole());
    drop(disk);
}

/// Runs the program as somebody who may do nothing in particular.
fn as_nobody(bench: &Bench) -> Option<crate::common::Run> {
    let mut command = Command::new("setpriv");
    command
        .args(["--reuid", "65534", "--regid", "65534", "--clear-groups"])
        .arg(env!("CARGO_BIN_EXE_e2m"))
        .arg("batch.toml")
        .current_dir(bench.path("."));
    let run = bench.ended(command.output().ok()?);
    // Without the right to become somebody else, or without a way to the program for others.
    let impossible = run.err.contains("setpriv:") || run.code == 126 || run.code == 127;
    (!impossible).then_some(run)
}

fn allow(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("permissions");
}

#[test]
fn a_folder_that_is_not_ours_fails_its_task_only() {
    let bench = Bench::with_pairs(&TASKS);
    fs::create_dir_all(bench.path("out/a")).expect("a folder");
    allow(&bench.path("."), 0o755);
    let Some(run) = prerequisite("the right to become nobody", as_nobody(&bench)) else {
        return;
    };
    assert_eq!(run.code, 2, "{}{}", run.err, run.out);
    assert!(
        run.err
            .contains("output_dir FOLDER/out takes no files: Permission denied"),
        "{}",
        run.err
    );
    allow(&bench.path("out"), 0o777);
    let run = as_nobody(&bench).expect("as before");
    assert_eq!(run.code, 1, "{}{}", run.err, run.out);
    let statuses = bench.statuses();
    assert_eq!(statuses["b/DAPI"], "complete");
    assert!(
        statuses["a/DAPI"].contains("FOLDER/out/a/DAPI cannot be made: Permission denied"),
        "{statuses:?}"
    );
    assert!(run.err.contains("make output_dir writable"), "{}", run.err);
    // A raw file that may not be read.
    allow(&bench.path("out/a"), 0o777);
    for image in fs::read_dir(bench.path("raw/a"))
        .expect("a folder")
        .flatten()
    {
        allow(&image.path(), 0o600);
    }
    let run = as_nobody(&bench).expect("as before");
    let statuses = bench.statuses();
    assert_eq!(run.code, 1, "{}{}", run.err, run.out);
    assert!(
        statuses["a/DAPI"].contains("FOLDER/raw/a/")
            && statuses["a/DAPI"].contains("Permission denied"),
        "{statuses:?}"
    );
}
