//! What came of it, task by task.

use super::subject::Subject;
use crate::exit::Exit;
use e2m_pipeline::{Fault, FileKind, Finding, Inventory, RecordedFile, Severity};
use std::collections::BTreeSet;
use std::path::Path;

/// What came of it.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// In the order of the subject.
    pub(crate) tasks: Vec<TaskOutcome>,
    /// How long it took.
    pub(crate) seconds: f64,
}

/// What came of one task.
#[derive(Debug)]
pub(crate) struct TaskOutcome {
    /// Manifests that can be read; an error where the task's names are none.
    pub(crate) records: Result<usize, String>,
    /// Files of each kind on record.
    pub(crate) checkpoints: Count,
    pub(crate) raw: Count,
    pub(crate) pictures: Count,
    pub(crate) files_read: usize,
    pub(crate) bytes_read: u64,
    /// Files that were not read because it was to stop.
    pub(crate) not_read: usize,
    /// The worst first.
    pub(crate) findings: Vec<Finding>,
}

/// Files of one kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Count {
    /// On record.
    pub(crate) on_record: usize,
    /// As they were written.
    pub(crate) right: usize,
}

impl TaskOutcome {
    /// What shows before files are read.
    pub(super) fn begun(inventory: &Result<Inventory, String>) -> Self {
        let count = |kind| Count {
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

    /// Adds a file that was read, or was not because it was to stop.
    pub(super) fn add(&mut self, file: &RecordedFile, read: Option<Vec<Finding>>) {
        let Some(findings) = read else {
            self.not_read += 1;
            return;
        };
        self.files_read += 1;
        self.bytes_read += file.bytes;
        let right = findings.iter().all(is_remark);
        if right && let Some(count) = self.count(file.kind) {
            count.right += 1;
        }
        self.note(findings);
    }

    fn count(&mut self, kind: FileKind) -> Option<&mut Count> {
        match kind {
            FileKind::Checkpoint => Some(&mut self.checkpoints),
            FileKind::Raw => Some(&mut self.raw),
            FileKind::Picture => Some(&mut self.pictures),
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
    pub(crate) fn problems(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|finding| !is_remark(finding))
    }

    /// What there is to know besides.
    pub(crate) fn remarks(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|finding| is_remark(finding))
    }

    /// Whether no run of the task got as far as a record.
    pub(crate) fn has_not_run(&self) -> bool {
        self.records == Ok(0) && self.problems().next().is_none()
    }

    /// Whether everything on record was read and is right.
    pub(crate) fn is_right(&self) -> bool {
        self.records.is_ok() && self.not_read == 0 && self.problems().next().is_none()
    }

    /// Files with a problem of this severity.
    pub(crate) fn files_with(&self, severity: Severity) -> usize {
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

impl Outcome {
    /// Whether it was stopped before everything was read.
    pub(crate) fn interrupted(&self) -> bool {
        self.tasks.iter().any(|task| task.not_read > 0)
    }

    /// The exit code.
    pub(crate) fn exit(&self, subject: &Subject) -> Exit {
        let wrong = |task: &TaskOutcome| task.records.is_err() || task.problems().next().is_some();
        if self.interrupted() {
            Exit::Interrupted
        } else if self.tasks.iter().any(wrong) {
            Exit::TaskFailed
        } else if subject.strict && !subject.missing.is_empty() {
            Exit::RawFiles
        } else {
            Exit::Complete
        }
    }
}
