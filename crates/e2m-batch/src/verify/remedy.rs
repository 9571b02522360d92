//! What to do about a finding.

use crate::export_record::ExportRecords;
use e2m_pipeline::{Fault, FileKind, Finding, RecordedTask, Severity};
use std::path::Path;

/// What to do about a finding; `None` where nothing has to be done.
pub fn remedy(finding: &Finding, task: &RecordedTask, batch: &Path) -> Option<String> {
    let run = format!("run `e2m {}`", batch.display());
    Some(match (finding.kind, finding.fault.severity()) {
        (_, Severity::Remark) => return None,
        (FileKind::Export, severity) => {
            let export = format!("`e2m export {}`", batch.display());
            match severity {
                Severity::Outdated => {
                    format!("run {export} with the same channels: it is written anew; or remove it")
                }
                _ => format!("remove it, then run {export} with the same channels: it is written again"),
            }
        }
        (_, Severity::Unrecorded) => {
            format!("{run} with the parameters in its name: it is made again, and goes on record, or is removed; if nobody needs it, remove the file")
        }
        (FileKind::Raw, Severity::Missing) => {
            "put the file back where it was; the results on record are kept, but nothing can be made from it again".into()
        }
        (FileKind::Raw, Severity::Misplaced) => {
            format!("give both raw images their own names again; or, if they are right now, {run}: everything is made anew from them")
        }
        (FileKind::Raw, _) => {
            format!("put the original file back; or, if it was replaced on purpose, {run}: everything is made anew from it")
        }
        (FileKind::Record, _) if is_of_exports(finding) => {
            format!("remove the file, then run `e2m export {}`: exports that are there go on record again", batch.display())
        }
        (FileKind::Record, Severity::Misplaced) => {
            format!("move it back to the folder of that task, then {run}: what this task lacks is made again")
        }
        (FileKind::Record, _) => {
            format!("{run}: what only this record knew is made again; a record of other parameters has to be removed, or put back from a copy")
        }
        (
            FileKind::Checkpoint | FileKind::Picture | FileKind::Table | FileKind::Other,
            severity,
        ) => of_result(finding, severity, task, &run),
    })
}

/// Whether it is the record of a task's exports, and not of a run.
fn is_of_exports(finding: &Finding) -> bool {
    let name = finding.path.file_name();
    name.is_some_and(|name| name == ExportRecords::NAME)
}

/// What to do about a file that a run makes.
fn of_result(finding: &Finding, severity: Severity, task: &RecordedTask, run: &str) -> String {
    if task.raw.is_none() {
        return format!(
            "put the raw images of this task back, then {run}: it can be made again from them only"
        );
    }
    if let Some(record) = &finding.of_other_parameters {
        return format!(
            "this batch does not ask for it: run e2m with the parameters in {record} to make it again, or remove that \
             record and its files"
        );
    }
    // A run believes lengths and times, then pixels; it does not hold headers against the record.
    let unseen = match &finding.fault {
        Fault::Fact { .. } => true,
        Fault::Length { found, recorded } => found > recorded,
        _ => false,
    };
    let remove = severity != Severity::Missing && (finding.looks_untouched || unseen);
    let again = match finding.fault {
        // Either of two that were swapped is made again as soon as a run sees what they hold.
        Fault::Swapped { .. } => "both are made again",
        _ if finding.kind == FileKind::Picture => "it is drawn again",
        _ => "it is made again",
    };
    if remove {
        format!("remove the file, then {run}: {again}")
    } else {
        format!("{run}: {again}")
    }
}
