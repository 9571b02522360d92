//! A disk fails at each change: what happened is reported with the file, nothing half-written stays, and the next run completes.

use crate::way::{SMALL, Way};
use e2m_testing::{is_sampled, sample};

/// So many points are in a sample.
const SAMPLE: usize = 8;
/// The same of those sweeps that leave out most points anyway.
const SPARSE_SAMPLE: usize = 3;

/// What the system may say. A quota and a full disk also tell how much is missing.
const ERRORS: [&str; 5] = ["ENOSPC", "EDQUOT", "EIO", "EROFS", "ESTALE"];
/// What these are in the words of the system.
const WORDS: [&str; 5] = [
    "No space left on device",
    "Disk quota exceeded",
    "Input/output error",
    "Read-only file system",
    "Stale file handle",
];

/// Runs with a fault and looks at what it says and leaves.
fn fails_well(way: &Way, fault: &str, words: &str) -> bool {
    way.clear();
    let run = way.run(Some(fault));
    let said = format!("{}{}", run.out, run.err);
    let failed = run.code != 0;
    assert!(
        [0, 1, 2].contains(&run.code),
        "{fault}: exit code {}: {said}",
        run.code
    );
    let changes = way.changes();
    let point: usize = fault
        .trim_start_matches("fail@")
        .split([':', '+'])
        .next()
        .and_then(|number| number.parse().ok())
        .expect("a number");
    let (operation, path) = &changes[point - 1];
    // The lock shows who holds it where it can; that it cannot is no harm. Nor is a temporary that stays once.
    let harmless = path.ends_with(".lock") && operation != "Create"
        || operation == "Remove"
        || operation == "Resize" && !failed;
    if !harmless {
        assert!(
            said.contains(words),
            "{fault} at {operation} {path}: {said}"
        );
        // Of a folder that cannot be synced, the folder is named, or the file in it.
        let shown = path.replace(&*way.bench.path("").to_string_lossy(), "FOLDER/");
        let name = match operation.as_str() {
            "SyncFolder" => shown.strip_prefix("FOLDER/").unwrap_or("FOLDER"),
            _ => path.rsplit('/').next().expect("a name"),
        };
        assert!(
            said.contains(name) || said.contains("output_dir FOLDER/out takes no files"),
            "{fault} at {operation} does not name {path}: {said}"
        );
    }
    if ["ENOSPC", "EDQUOT"]
        .iter()
        .any(|no_room| fault.contains(no_room))
        && operation == "Write"
        && failed
        && !path.ends_with(".txt")
        && !path.ends_with(".jsonl")
        // How long the mask gets when it is compressed is known when it is there, and how long a table, when it is written.
        && !path.contains("/tiff/04_mask")
        && !path.contains("/05_microbes")
    {
        assert!(
            said.contains("bytes are missing"),
            "{fault} at {operation} {path}: {said}"
        );
    }
    // What cannot be removed stays until the next run.
    if !fault.contains('+') && operation != "Remove" {
        way.bench.assert_tidy();
    }
    failed
}

#[test]
fn once_at_every_point() {
    let way = Way::new("both", false, SMALL);
    let (whole, points) = way.uninterrupted();
    let mut failed = 0;
    for point in sample("failures once at a point", 1..=points, SAMPLE) {
        let kind = point % ERRORS.len();
        let fault = format!("fail@{point}:{}", ERRORS[kind]);
        failed += usize::from(fails_well(&way, &fault, WORDS[kind]));
        way.assert_completes(&whole, &fault);
    }
    println!(
        "{failed} of {points} failures failed the task; the rest was about logs, locks and the like"
    );
    assert!(
        is_sampled() || failed * 3 > points * 2,
        "{failed} of {points}"
    );
}

#[test]
fn from_a_point_on() {
    let way = Way::new("both", false, SMALL);
    let (whole, points) = way.uninterrupted();
    let from = (1..=points).step_by(7);
    for point in sample("failures from a point on", from, SPARSE_SAMPLE) {
        let kind = point % 2;
        let fault = format!("fail@{point}+:{}", ERRORS[kind]);
        fails_well(&way, &fault, WORDS[kind]);
        way.assert_completes(&whole, &fault);
    }
}

#[test]
fn siblings_go_on() {
    // With two workers one task meets the fault; the other one completes in the same run.
    let way = Way::new("tiff", true, SMALL);
    let (whole, points) = way.uninterrupted();
    let mut seen = 0;
    let at = (1..=points).step_by(9);
    for point in sample("failures of one of two tasks", at, SPARSE_SAMPLE) {
        way.clear();
        let fault = format!("fail@{point}:ENOSPC");
        let run = way.run(Some(&fault));
        let (_, path) = &way.changes()[point - 1];
        if run.code == 1 && ["/a/", "/b/"].iter().any(|task| path.contains(task)) {
            let statuses = way.bench.statuses();
            let (failed, other) = if path.contains("/a/") {
                ("a/DAPI", "b/DAPI")
            } else {
                ("b/DAPI", "a/DAPI")
            };
            assert!(
                statuses[failed].starts_with("error: "),
                "{fault}: {statuses:?}"
            );
            assert_eq!(statuses[other], "complete", "{fault}");
            seen += 1;
        }
        way.assert_completes(&whole, &fault);
    }
    assert!(is_sampled() || seen > 5, "only {seen} faults failed a task");
}
