//! What was found, as one JSON document for programs.

use super::outcome::{FileCount, VerifiedBatch, VerifiedTask};
use super::remedy::remedy;
use super::subject::VerifySubject;
use crate::plan::missing_reason;
use e2m_pipeline::{FileKind, Finding, RecordedTask};
use serde_json::{Value, json};
use std::path::Path;

/// The layout of the document.
const SCHEMA: u32 = 1;

/// The document.
pub fn document(subject: &VerifySubject, outcome: &VerifiedBatch) -> String {
    let tasks = subject.tasks.iter().zip(&outcome.tasks);
    let tasks: Vec<Value> = tasks
        .map(|(task, outcome)| of_task(task, outcome, &subject.batch))
        .collect();
    let missing: Vec<Value> = subject
        .missing
        .iter()
        .map(|missing| json!({"sample": missing.sample, "dye": missing.dye, "why": missing_reason(missing)}))
        .collect();
    let sum = |of: fn(&VerifiedTask) -> u64| outcome.tasks.iter().map(of).sum::<u64>();
    let document = json!({
        "schema": SCHEMA,
        "version": env!("CARGO_PKG_VERSION"),
        "batch": subject.batch,
        "exit_code": outcome.ending(subject).code(),
        "interrupted": outcome.interrupted(),
        "files_read": sum(|task| task.files_read as u64),
        "bytes_read": sum(|task| task.bytes_read),
        "seconds": outcome.seconds,
        "tasks": tasks,
        "missing": missing,
    });
    format!("{document:#}")
}

fn of_task(task: &RecordedTask, outcome: &VerifiedTask, batch: &Path) -> Value {
    let count = |count: FileCount| json!({"on_record": count.on_record, "right": count.right});
    let problems: Vec<Value> = outcome
        .problems()
        .map(|one| of_finding(one, task, batch))
        .collect();
    let remarks: Vec<Value> = outcome
        .remarks()
        .map(|one| of_finding(one, task, batch))
        .collect();
    let mut document = json!({
        "sample": task.sample,
        "dye": task.dye,
        "in_batch": task.params.is_some(),
        "result": outcome.result(),
        "records": outcome.records.as_ref().ok(),
        "checkpoints": count(outcome.checkpoints),
        "raw_files": count(outcome.raw),
        "pictures": count(outcome.pictures),
        "files_read": outcome.files_read,
        "bytes_read": outcome.bytes_read,
        "not_read": outcome.not_read,
        "problems": problems,
        "remarks": remarks,
    });
    if outcome.exports.on_record > 0 {
        document["exports"] = count(outcome.exports);
    }
    if outcome.tables.on_record > 0 {
        document["tables"] = count(outcome.tables);
    }
    document
}

fn of_finding(finding: &Finding, task: &RecordedTask, batch: &Path) -> Value {
    let kind = match finding.kind {
        FileKind::Record => "record",
        FileKind::Raw => "raw",
        FileKind::Checkpoint => "checkpoint",
        FileKind::Picture => "picture",
        FileKind::Table => "table",
        FileKind::Export => "export",
        FileKind::Other => "other",
    };
    json!({
        "file": finding.path,
        "kind": kind,
        "severity": finding.fault.severity().word(),
        "what": finding.fault.to_string(),
        "to_do": remedy(finding, task, batch),
    })
}
