//! Manifests as files: written in one step, and read with no more trust than any other file deserves.

use crate::error::PipelineError;
use crate::manifest::{Manifest, SCHEMA};
use e2m_io::write_atomic;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};

/// No manifest is longer: one takes about 20 kB, most of it pictures and checkpoints, and their number is fixed. What JSON of
/// this length becomes in memory at worst (arrays of single digits) is some 150 MB.
pub const MAX_MANIFEST_BYTES: u64 = 4 << 20;

/// What is wrong with the content of a manifest.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ManifestProblem {
    /// It cannot be read.
    #[error("it cannot be read: {0}")]
    Read(#[from] io::Error),
    /// Longer than any manifest.
    #[error("it is longer than {limit_bytes} bytes, as no manifest is")]
    TooLong {
        /// The length up to which files are read.
        limit_bytes: u64,
    },
    /// Not JSON, or not that of a manifest.
    #[error("it is not what e2m writes: {0}")]
    Content(#[from] serde_json::Error),
    /// Written by another version of e2m.
    #[error("its schema is {schema}, this version of e2m reads schema {SCHEMA}")]
    Schema {
        /// The schema it says it has.
        schema: u32,
    },
    /// It names a file that is not one of the task's.
    #[error("it names the file {path:?}, which is not below the task's folder")]
    Outside {
        /// The path as it stands there.
        path: String,
    },
}

/// A manifest that cannot be used; the message names the file.
#[derive(Debug, thiserror::Error)]
#[error("the manifest {} is not used: {problem}", path.display())]
pub struct ManifestError {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it.
    pub problem: ManifestProblem,
}

impl Manifest {
    /// The manifest that `json` holds.
    ///
    /// # Errors
    /// What is not JSON, not a manifest, or one of another schema; and one that names files outside the task's folder, which
    /// would end up in reports.
    pub fn parse(json: &[u8]) -> Result<Self, ManifestProblem> {
        let mut manifest: Self = serde_json::from_slice(json)?;
        if manifest.schema != SCHEMA {
            let schema = manifest.schema;
            return Err(ManifestProblem::Schema { schema });
        }
        let checkpoints = manifest.checkpoints.iter().map(|c| &c.path);
        let pictures = manifest.pictures.iter().map(|p| &p.path);
        let tables = manifest.tables.iter().map(|t| &t.path);
        let legacy = manifest.legacy_aligned.iter().map(|f| &f.path);
        if let Some(path) = checkpoints
            .chain(pictures)
            .chain(tables)
            .chain(legacy)
            .find(|path| !is_inside(path))
        {
            let path = path.chars().take(200).collect();
            return Err(ManifestProblem::Outside { path });
        }
        manifest.judge_old_scale();
        Ok(manifest)
    }

    /// Reads the manifest at `path`, of which no more than [`MAX_MANIFEST_BYTES`] is taken into memory.
    ///
    /// # Errors
    /// Whatever is wrong with the file, which the error names.
    pub fn open(path: &Path) -> Result<Self, ManifestError> {
        let failed = |problem| ManifestError {
            path: path.to_owned(),
            problem,
        };
        let json = bounded(path).map_err(failed)?;
        Self::parse(&json).map_err(failed)
    }

    /// Reads a manifest. `None` for a file that is none, or of another schema, with a warning: whatever it vouches for is done
    /// again.
    pub fn read(path: &Path) -> Option<Self> {
        match Self::open(path) {
            Ok(manifest) => Some(manifest),
            Err(error) => {
                let is_there = !matches!(&error.problem, ManifestProblem::Read(source) if source.kind() == io::ErrorKind::NotFound);
                if is_there {
                    tracing::warn!("{error}");
                }
                None
            }
        }
    }

    /// Writes the manifest in one step.
    pub fn write(&self, path: &Path) -> Result<(), PipelineError> {
        let json = serde_json::to_vec_pretty(self).map_err(|error| {
            PipelineError::io(path, "writing the manifest")(io::Error::other(error))
        })?;
        Ok(write_atomic(path, &json)?)
    }
}

/// The content of the file, unless there is too much of it.
pub(crate) fn bounded(path: &Path) -> Result<Vec<u8>, ManifestProblem> {
    let mut json = Vec::new();
    // Not by its length: what grows, or has none, is cut off all the same.
    let read = File::open(path)?
        .take(MAX_MANIFEST_BYTES + 1)
        .read_to_end(&mut json)?;
    if read as u64 > MAX_MANIFEST_BYTES {
        return Err(ManifestProblem::TooLong {
            limit_bytes: MAX_MANIFEST_BYTES,
        });
    }
    Ok(json)
}

/// Whether a path stays below the folder it is joined to.
fn is_inside(path: &str) -> bool {
    let mut parts = Path::new(path).components();
    parts.all(|part| matches!(part, Component::Normal(_)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_than_the_limit_is_read() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("e2m_task.json");
        // A hole: it takes no room on the disk, and would take all of the memory.
        let file = File::create(&path).expect("creates");
        file.set_len(1 << 40).expect("a terabyte of zeros");
        let error = Manifest::open(&path).expect_err("no manifest");
        let text = error.to_string();
        assert!(text.contains("e2m_task.json"), "{text}");
        assert!(text.contains("longer than 4194304 bytes"), "{text}");
        assert!(Manifest::read(&path).is_none());
    }

    #[test]
    fn paths_stay_below_the_folder() {
        assert!(is_inside("tiff/01_padded_post.tiff"));
        for outside in ["/etc/passwd", "../x.png", "tiff/../../x.png"] {
            assert!(!is_inside(outside), "{outside}");
        }
    }
}
