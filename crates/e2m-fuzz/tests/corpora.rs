//! What fuzzers found worth keeping, and what ever broke a reader, goes through the readers.

use e2m_fuzz::TARGETS;
use std::path::{Path, PathBuf};

/// The files in a folder of this crate; none where it is not there.
fn files(folder: &str, target: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join(folder)
        .join(target);
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut files: Vec<_> = entries.map(|entry| entry.path()).collect();
    files.sort();
    files
}

#[test]
fn corpora_are_read_or_refused() {
    for target in TARGETS {
        let kept = files("corpus", target.name);
        assert!(kept.len() > 10, "{}: {} files", target.name, kept.len());
        for path in kept {
            (target.run)(&std::fs::read(&path).expect("a file"));
        }
    }
}

#[test]
fn what_broke_a_reader_once_does_not_any_more() {
    for target in TARGETS {
        for path in files("crashes", target.name) {
            (target.run)(&std::fs::read(&path).expect("a file"));
        }
    }
}
