//! The manifests of a task, all of them, and which of them cannot be used.

use super::finding::{Fault, FileKind, Finding};
use super::inventory::RecordedTask;
use crate::manifest::{Manifest, SCHEMA};
use crate::manifest_file::bounded;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// One manifest.
#[derive(Debug)]
pub(super) struct ReadManifest {
    pub(super) path: PathBuf,
    pub(super) manifest: Manifest,
    /// Whether it is that of the parameters which the batch asks for.
    pub(super) of_batch: bool,
}

impl ReadManifest {
    /// Its file name, where it is one of other parameters.
    pub(super) fn of_other_parameters(&self) -> Option<String> {
        (!self.of_batch).then(|| name(&self.path))
    }
}

/// The manifests of a task that can be read, that of the batch first, and what is wrong with the others.
pub(super) fn read(dir: &Path, task: &RecordedTask) -> (Vec<ReadManifest>, Vec<Finding>) {
    let mut records = Vec::new();
    let mut findings = Vec::new();
    let wrong = |path: &Path, fault| Finding {
        path: path.to_owned(),
        kind: FileKind::Record,
        fault,
        looks_untouched: false,
        of_other_parameters: None,
    };
    let paths = match manifests_in(dir) {
        Ok(paths) => paths,
        Err(error) => {
            return (
                records,
                vec![wrong(dir, Fault::Unreadable(error.to_string()))],
            );
        }
    };
    for path in paths {
        match load(&path) {
            Ok(manifest) if (&manifest.sample, &manifest.dye) != (&task.sample, &task.dye) => {
                let Manifest { sample, dye, .. } = manifest;
                findings.push(wrong(&path, Fault::OtherTask { sample, dye }));
            }
            Ok(manifest) => records.push(ReadManifest {
                of_batch: task.params.as_ref() == Some(&manifest.params),
                path,
                manifest,
            }),
            Err(why) => findings.push(wrong(&path, Fault::Unreadable(why))),
        }
    }
    records.sort_by_key(|record| !record.of_batch);
    (records, findings)
}

/// Every `e2m_task*.json` of a folder, by name. A folder that is not there has none.
fn manifests_in(dir: &Path) -> std::io::Result<Vec<PathBuf>> {
    let entries = match std::fs::read_dir(dir) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut paths = Vec::new();
    for entry in entries {
        let path = entry?.path();
        let name = name(&path);
        if name.starts_with("e2m_task") && name.ends_with(".json") {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}

fn load(path: &Path) -> Result<Manifest, String> {
    let text = bounded(path).map_err(|error| error.to_string())?;
    let manifest: Manifest = serde_json::from_slice(&text)
        .map_err(|error| format!("it cannot be read as a record: {error}"))?;
    if manifest.schema != SCHEMA {
        return Err(format!(
            "it is laid out by schema {}, this e2m knows {SCHEMA}",
            manifest.schema
        ));
    }
    Ok(manifest)
}

/// The file's own name.
pub(super) fn name(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}
