//! What earlier runs left under the names of a task's files, and no record vouches for any more.
//!
//! A run that fails, or is stopped, takes off the record what it was about to make anew. The old files would still look like
//! results of the task: its difference, its pictures. They are removed when the run ends. What is not e2m's is left alone.

use crate::artifact::{Artifact, ArtifactKind, all_artifacts, pixels_of};
use crate::context::TaskContext;
use crate::history::History;
use crate::manifest::Manifest;
use e2m_io::{CheckpointReader, remove_file};
use std::collections::BTreeSet;
use std::path::Path;

/// Removes the files with names of this task that are not on `record`, the task's own, nor on that of a run with other
/// parameters. `revoked` are those that the run itself has made and taken back. Answers with their names below the task's folder.
pub(crate) fn remove(
    task: &TaskContext<'_>,
    record: &Manifest,
    history: &History,
    revoked: &[String],
) -> Vec<String> {
    let params = &task.spec.params;
    let mut vouched_for: BTreeSet<&str> = on_record(record).collect();
    let others = history.manifests().iter();
    vouched_for.extend(
        others
            .filter(|other| other.params != *params)
            .flat_map(on_record),
    );
    let mut known: BTreeSet<&str> = history.manifests().iter().flat_map(on_record).collect();
    known.extend(revoked.iter().map(String::as_str));
    let mut removed = Vec::new();
    for artifact in all_artifacts(params) {
        for relative in artifact.paths_below(&task.paths, params) {
            let path = task.paths.dir().join(&relative);
            if vouched_for.contains(relative.as_str()) || !path.is_file() {
                continue;
            }
            if !known.contains(relative.as_str()) && !is_of_e2m(&artifact, &path) {
                continue;
            }
            match remove_file(&path) {
                Ok(()) => removed.push(relative),
                Err(error) => {
                    tracing::warn!(path = %path.display(), %error, "a file that no record vouches for stays");
                }
            }
        }
    }
    removed
}

/// Everything that a manifest vouches for.
pub(crate) fn on_record(manifest: &Manifest) -> impl Iterator<Item = &str> {
    let checkpoints = manifest.checkpoints.iter().map(|record| &record.path);
    let pictures = manifest.pictures.iter().map(|record| &record.path);
    let tables = manifest.tables.iter().map(|record| &record.path);
    let legacy = manifest.legacy_aligned.iter().map(|record| &record.path);
    let all = checkpoints.chain(pictures).chain(tables).chain(legacy);
    all.map(String::as_str)
}

/// Whether an image says that e2m wrote it. A picture says nothing.
fn is_of_e2m(artifact: &Artifact, path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    match artifact.kind {
        ArtifactKind::Image(_) => CheckpointReader::open_as(path, pixels_of(&name))
            .is_ok_and(|reader| reader.facts().get_text("VERSION").is_some()),
        ArtifactKind::Picture(_) | ArtifactKind::Table(_) => false,
    }
}
