//! Whether what `e2m export` wrote of a task is still that, and shows the results that are on record now.

use crate::export_record::{ExportRecord, ExportRecords, content_of};
use e2m_io::{ContentHash, TaskPaths};
use e2m_pipeline::{Fault, FileKind, Finding, Manifest, RecordedTask, ResultImage, TaskResults};
use std::io;
use std::path::{Path, PathBuf};

/// An export on record that is there, to be read.
#[derive(Debug)]
pub(super) struct ExportToRead {
    path: PathBuf,
    record: ExportRecord,
}

impl ExportToRead {
    /// Its length.
    pub(super) fn bytes(&self) -> u64 {
        self.record.bytes
    }

    /// Reads it to its end and holds it against the record; `None` where `on_bytes` stopped it.
    pub(super) fn read(
        &self,
        on_bytes: &mut dyn FnMut(u64) -> io::Result<()>,
    ) -> Option<Vec<Finding>> {
        let mut stopped = false;
        let mut watch = |bytes| on_bytes(bytes).inspect_err(|_| stopped = true);
        let content = content_of(&self.path, self.record.format, &mut watch);
        if stopped {
            return None;
        }
        let recorded = (self.record.bytes, self.record.hash);
        let fault = match content {
            Ok(found) if found == recorded => return Some(Vec::new()),
            Ok((found, _)) if found != recorded.0 => Fault::Length {
                found,
                recorded: recorded.0,
            },
            // Damage, not another content: nobody but e2m writes an export.
            Ok((_, found)) => Fault::Unreadable(format!(
                "its content is not what was written: its hash is {found}, on record is {}",
                recorded.1
            )),
            Err(why) => Fault::Unreadable(why),
        };
        Some(vec![finding(&self.path, FileKind::Export, fault)])
    }
}

/// The exports of a task that are there, and what shows without reading them.
pub(super) fn list(task: &RecordedTask) -> (Vec<ExportToRead>, Vec<Finding>) {
    let Ok(paths) = TaskPaths::new(&task.output_dir, &task.sample, &task.dye) else {
        return (Vec::new(), Vec::new());
    };
    let records = match ExportRecords::read(&paths) {
        Ok(records) => records,
        Err(why) => {
            let path = ExportRecords::path(&paths);
            let why = Fault::Unreadable(why);
            return (Vec::new(), vec![finding(&path, FileKind::Record, why)]);
        }
    };
    let (mut there, mut findings) = (Vec::new(), Vec::new());
    for record in records.exports {
        let path = record.path(&task.output_dir);
        if !path.exists() {
            // Whoever does not need it any more may remove it.
            findings.push(finding(&path, FileKind::Export, Fault::ExportGone));
            continue;
        }
        if let Some(image) = made_anew(&paths, &record) {
            let fault = Fault::OlderResults { image };
            findings.push(finding(&path, FileKind::Export, fault));
        }
        there.push(ExportToRead { path, record });
    }
    (there, findings)
}

/// An image whose pixels on record are others now than those that were exported; where the run's record is gone nobody knows.
fn made_anew(paths: &TaskPaths, record: &ExportRecord) -> Option<String> {
    let manifest = Manifest::open(&paths.dir().join(&record.manifest)).ok()?;
    let results = TaskResults::of(paths.clone(), manifest);
    let is_other = |image: &str, exported: ContentHash| {
        let now = ResultImage::named(image).and_then(|image| results.recorded_hash(image));
        now != Some(exported)
    };
    let mut images = record.images.iter();
    let other = images.find(|one| {
        one.pixels
            .is_some_and(|pixels| is_other(&one.image, pixels))
    })?;
    Some(other.image.clone())
}

fn finding(path: &Path, kind: FileKind, fault: Fault) -> Finding {
    Finding {
        path: path.to_owned(),
        kind,
        fault,
        looks_untouched: false,
        of_other_parameters: None,
    }
}
