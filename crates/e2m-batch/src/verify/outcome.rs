//! What came of it, task by task.

use super::subject::VerifySubject;
use e2m_pipeline::{Fault, FileKind, Finding, Inventory, Severity};
use std::collections::BTreeSet;
use std::path::Path;

/// The severities of problems, the worst first.
const PROBLEMS: [Severity; 6] = [
    Severity::Missing,
    Severity::Damaged,
    Severity::Changed,
    Severity::Misplaced,
    Severity::Outdated,
    Severity::Unrecorded,
];

/// What came of it.
#[derive(Debug)]
pub struct VerifiedBatch {
    /// In the order of the subject.
    pub tasks: Vec<VerifiedTask>,
    /// How long it took.
    pub seconds: f64,
}

/// What came of one task.
#[derive(Debug)]
pub struct VerifiedTask {
    /// Manifests that can be read; an error where the task's names are none.
    pub records: Result<usize, String>,
    /// Checkpoints.
    pub checkpoints: FileCount,
    /// Raw images.
    pub raw: FileCount,
    /// Pictures.
    pub pictures: FileCount,
    /// Tables.
    pub tables: FileCount,
    /// Files and folders of `e2m export`.
    pub exports: FileCount,
    /// Files that were read to their end.
    pub files_read: usize,
    /// Their bytes.
    pub bytes_read: u64,
    /// Files that were not read because it was to stop.
    pub not_read: usize,
    /// The worst first.
    pub findings: Vec<Finding>,
}

/// Files of one kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FileCount {
    /// On record.
    pub on_record: usize,
    /// As they were written.
    pub right: usize,
}

impl VerifiedTask {
    /// What shows before files are read.
    pub(super) fn begun(inventory: &Result<Inventory, String>) -> Self {
        let count = |kind| FileCount {
            on_record: inventory.as_ref().map_or(0, |all| all.on_record(kind)),
            right: 0,
        };
        let mut begun = Self {
            records: inventory
                .as_ref()
                .map(Inventory::records)
                .map_err(Clone::clone),
            checkpoints: count(FileKind::Checkpoint),
            raw: count(FileKind::Raw),
            pictures: count(FileKind::Picture),
            tables: count(FileKind::Table),
            exports: FileCount::default(),
            files_read: 0,
            bytes_read: 0,
            not_read: 0,
            findings: Vec::new(),
        };
        if let Ok(inventory) = inventory {
            begun.note(inventory.findings().to_vec());
        }
        begun
    }

    /// Adds what the exports of the task show before they are read, and how many are there.
    pub(super) fn add_exports(&mut self, there: usize, findings: Vec<Finding>) {
        self.exports.on_record = there;
        self.note(findings);
    }

    /// Adds a file of this kind and length that was read, or was not because it was to stop.
    pub(super) fn add(&mut self, (kind, bytes): (FileKind, u64), read: Option<Vec<Finding>>) {
        let Some(findings) = read else {
            self.not_read += 1;
            return;
        };
        self.files_read += 1;
        self.bytes_read += bytes;
        let right = findings.iter().all(is_remark);
        if right && let Some(count) = self.count(kind) {
            count.right += 1;
        }
        self.note(findings);
    }

    fn count(&mut self, kind: FileKind) -> Option<&mut FileCount> {
        match kind {
            FileKind::Checkpoint => Some(&mut self.checkpoints),
            FileKind::Raw => Some(&mut self.raw),
            FileKind::Picture => Some(&mut self.pictures),
            FileKind::Table => Some(&mut self.tables),
            FileKind::Export => Some(&mut self.exports),
            FileKind::Record | FileKind::Other => None,
        }
    }

    fn note(&mut self, findings: Vec<Finding>) {
        let superseded = |finding: &Finding| matches!(finding.fault, Fault::Superseded { .. });
        for finding in findings {
            // That a record is of the past needs one file to show it.
            let known = |other: &Finding| superseded(other) && other.path == finding.path;
            if !(superseded(&finding) && self.findings.iter().any(known)) {
                self.findings.push(finding);
            }
        }
        self.findings
            .sort_by_key(|finding| (finding.fault.severity(), finding.path.clone()));
    }

    /// What is wrong.
    pub fn problems(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|finding| !is_remark(finding))
    }

    /// What there is to know besides.
    pub fn remarks(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|finding| is_remark(finding))
    }

    /// Whether no run of the task got as far as a record.
    pub fn has_not_run(&self) -> bool {
        self.records == Ok(0) && self.problems().next().is_none()
    }

    /// Whether everything on record was read and is right.
    pub fn is_right(&self) -> bool {
        self.records.is_ok() && self.not_read == 0 && self.problems().next().is_none()
    }

    /// How a task came out, in a few words.
    pub fn result(&self) -> String {
        if let Err(why) = &self.records {
            return why.clone();
        }
        if self.has_not_run() {
            return "has not run yet".to_owned();
        }
        let mut words: Vec<String> = PROBLEMS
            .iter()
            .map(|&severity| (self.files_with(severity), severity))
            .filter(|(files, _)| *files > 0)
            .map(|(files, severity)| format!("{files} {}", severity.word()))
            .collect();
        if self.not_read > 0 {
            words.push(format!("{} not read", self.not_read));
        }
        if words.is_empty() {
            "all right".to_owned()
        } else {
            words.join(", ")
        }
    }

    /// Files with a problem of this severity.
    pub fn files_with(&self, severity: Severity) -> usize {
        let paths: BTreeSet<&Path> = self
            .findings
            .iter()
            .filter(|finding| finding.fault.severity() == severity)
            .map(|finding| finding.path.as_path())
            .collect();
        paths.len()
    }
}

fn is_remark(finding: &Finding) -> bool {
    finding.fault.severity() == Severity::Remark
}

impl VerifiedBatch {
    /// Whether it was stopped before everything was read.
    pub fn interrupted(&self) -> bool {
        self.tasks.iter().any(|task| task.not_read > 0)
    }

    /// How it ended.
    pub fn ending(&self, subject: &VerifySubject) -> VerifyEnding {
        let wrong = |task: &VerifiedTask| task.records.is_err() || task.problems().next().is_some();
        if self.interrupted() {
            VerifyEnding::Interrupted
        } else if self.tasks.iter().any(wrong) {
            VerifyEnding::Problems
        } else if subject.strict && !subject.missing.is_empty() {
            VerifyEnding::RawFilesMissing
        } else {
            VerifyEnding::Right
        }
    }
}

/// How verifying a batch ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VerifyEnding {
    /// Everything on record is as it was written.
    Right,
    /// Something is missing, damaged, changed or misplaced.
    Problems,
    /// Raw images are missing of a task that has nothing on record.
    RawFilesMissing,
    /// Stopped before everything was read.
    Interrupted,
}

impl VerifyEnding {
    /// Its number in the JSON document, which is also the exit code of `e2m verify`.
    pub const fn code(self) -> u8 {
        match self {
            Self::Right => 0,
            Self::Problems => 1,
            Self::RawFilesMissing => 4,
            Self::Interrupted => 130,
        }
    }
}
