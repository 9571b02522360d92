//! In which order changes are made: what decides whether a loss of power leaves a file that looks whole and is not.

use crate::way::{SMALL, Way};

/// Before a file gets its name its content is durable, and afterwards the name is.
#[test]
fn content_is_durable_before_a_name_and_the_name_afterwards() {
    for (formats, pool) in [("tiff", false), ("fits", false), ("both", true)] {
        let way = Way::new(formats, pool, SMALL);
        way.uninterrupted();
        let changes = way.changes();
        let mut renames = 0;
        for (place, (operation, path)) in changes.iter().enumerate() {
            if operation != "Rename" {
                continue;
            }
            renames += 1;
            let before = changes[..place].iter().rev().find(|(_, of)| of == path);
            assert_eq!(
                before.map(|(operation, _)| operation.as_str()),
                Some("Sync"),
                "{path} gets its name before its content is on the disk"
            );
            let folder = path.rsplit_once('/').expect("a folder").0;
            let after = changes[place..]
                .iter()
                .any(|(operation, of)| operation == "SyncFolder" && of == folder);
            assert!(after, "the name of {path} may be lost");
        }
        assert!(renames > 15, "only {renames} files got a name");
        // Nothing is written to a file that has its name already, but for lines of logs and the record of a lock.
        let writes = changes.iter().filter(|(operation, _)| operation == "Write");
        for (_, path) in writes {
            let named_once = changes
                .iter()
                .any(|(operation, of)| operation == "Rename" && of == path);
            let grows = [".txt", ".jsonl", ".lock"]
                .iter()
                .any(|end| path.ends_with(end));
            assert!(named_once || grows, "{path} is written in place");
        }
    }
}

/// A folder is durable in the one above it before anything in it has a name.
#[test]
fn folders_are_durable_as_well() {
    let way = Way::new("both", false, SMALL);
    way.uninterrupted();
    let mut changes = way.changes();
    // Lines of logs are written by another thread than that of the task, at any time.
    changes.retain(|(_, path)| ![".jsonl", ".txt"].iter().any(|end| path.ends_with(end)));
    let made = changes
        .iter()
        .enumerate()
        .filter(|(_, (operation, _))| operation == "CreateFolder");
    let mut count = 0;
    for (place, (_, path)) in made {
        count += 1;
        let above = path.rsplit_once('/').map_or(".", |(above, _)| above);
        let next = &changes[place + 1];
        assert_eq!(
            (next.0.as_str(), next.1.as_str()),
            ("SyncFolder", above),
            "{path}"
        );
    }
    assert_eq!(
        count, 6,
        "output_dir, sample, dye, tiff, fits and pipeline_output"
    );
}
