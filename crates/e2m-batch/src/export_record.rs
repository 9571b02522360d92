//! What was exported of a task: `e2m_exports.json` in its folder, beside the records of its runs.
//!
//! A run's record says what that run made, and only a run writes it. An export is made later, any number of times and of the results
//! of several parameters. So it has a record of its own, which says from which pixels it was made.

use e2m_export::{ZarrVersion, description, zarr_description};
use e2m_io::{ContentHash, TaskPaths, write_atomic};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// The layout of the file.
const SCHEMA: u32 = 1;

/// What is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum ExportFormat {
    /// One file: a pyramidal OME-TIFF.
    #[default]
    #[serde(rename = "ome-tiff")]
    OmeTiff,
    /// A folder: OME-Zarr 0.4.
    #[serde(rename = "ome-zarr-0.4")]
    OmeZarr04,
    /// A folder with shards: OME-Zarr 0.5.
    #[serde(rename = "ome-zarr-0.5")]
    OmeZarr05,
}

impl ExportFormat {
    /// `ome.tif` or `ome.zarr`.
    pub const fn extension(self) -> &'static str {
        match self {
            Self::OmeTiff => "ome.tif",
            Self::OmeZarr04 | Self::OmeZarr05 => "ome.zarr",
        }
    }

    /// The version of OME-Zarr, if it is that.
    pub const fn zarr_version(self) -> Option<ZarrVersion> {
        match self {
            Self::OmeTiff => None,
            Self::OmeZarr04 => Some(ZarrVersion::V04),
            Self::OmeZarr05 => Some(ZarrVersion::V05),
        }
    }
}

/// All exports of a task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ExportRecords {
    schema: u32,
    /// In the order in which they were first made.
    pub(crate) exports: Vec<ExportRecord>,
}

/// One export.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ExportRecord {
    /// Where it is: below output_dir, or anywhere.
    pub(crate) path: String,
    /// What it is.
    pub(crate) format: ExportFormat,
    /// The length of the file, or of all files of the folder.
    pub(crate) bytes: u64,
    /// The hash of the tiles of a file, or of all files of a folder.
    pub(crate) hash: ContentHash,
    /// The record of the run whose images it shows, by its name in the task's folder.
    pub(crate) manifest: String,
    /// What it shows.
    pub(crate) images: Vec<ExportedImage>,
}

/// An image in an export.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ExportedImage {
    /// `post`, `aligned_pre`, …
    pub(crate) image: String,
    /// The hash of its pixels, where there is one on record.
    pub(crate) pixels: Option<ContentHash>,
}

impl ExportRecord {
    pub(crate) fn new(
        output_dir: &Path,
        path: &Path,
        format: ExportFormat,
        (bytes, hash): (u64, ContentHash),
    ) -> Self {
        Self {
            path: recorded_path(output_dir, path),
            format,
            bytes,
            hash,
            manifest: String::new(),
            images: Vec::new(),
        }
    }

    /// Where it is.
    pub(crate) fn path(&self, output_dir: &Path) -> PathBuf {
        // An absolute path stays what it is.
        output_dir.join(&self.path)
    }
}

/// A path below output_dir without that, so that the folder may be moved; any other as it is everywhere.
fn recorded_path(output_dir: &Path, path: &Path) -> String {
    let whole = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let path = whole(path);
    let below = path.strip_prefix(whole(output_dir));
    below.unwrap_or(&path).to_string_lossy().into_owned()
}

impl ExportRecords {
    /// The name of its file.
    pub(crate) const NAME: &str = "e2m_exports.json";

    /// The file of a task.
    pub(crate) fn path(paths: &TaskPaths) -> PathBuf {
        paths.dir().join(Self::NAME)
    }

    /// What is on record; nothing where there is no file.
    ///
    /// # Errors
    /// A file that cannot be read, in a sentence.
    pub(crate) fn read(paths: &TaskPaths) -> Result<Self, String> {
        let none = Self {
            schema: SCHEMA,
            exports: Vec::new(),
        };
        let text = match std::fs::read_to_string(Self::path(paths)) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(none),
            Err(error) => return Err(error.to_string()),
        };
        let read: Self = serde_json::from_str(&text).map_err(|error| error.to_string())?;
        match read.schema {
            SCHEMA => Ok(read),
            other => Err(format!(
                "its layout is {other}, and this e2m knows {SCHEMA}"
            )),
        }
    }

    /// What is on record of the export at a path.
    pub(crate) fn of(&self, output_dir: &Path, path: &Path) -> Option<&ExportRecord> {
        let recorded = recorded_path(output_dir, path);
        self.exports.iter().find(|export| export.path == recorded)
    }

    /// Takes a new export in, and forgets those that are not there any more.
    pub(crate) fn note(&mut self, output_dir: &Path, new: ExportRecord) {
        self.exports
            .retain(|export| export.path != new.path && export.path(output_dir).exists());
        self.exports.push(new);
    }

    /// Writes the file. The caller holds the lock of the task's folder.
    ///
    /// # Errors
    /// What the system says, in a sentence.
    pub(crate) fn write(&self, paths: &TaskPaths) -> Result<(), String> {
        let mut text = serde_json::to_string_pretty(self).map_err(|error| error.to_string())?;
        text.push('\n');
        write_atomic(&Self::path(paths), text.as_bytes()).map_err(|error| error.to_string())
    }
}

/// The OME-XML of an export that is there.
pub(crate) fn told_by(path: &Path, format: ExportFormat) -> Option<String> {
    match format {
        ExportFormat::OmeTiff => description(path).ok(),
        ExportFormat::OmeZarr04 | ExportFormat::OmeZarr05 => {
            zarr_description(path, format.zarr_version()?).ok()
        }
    }
}

/// The length of an export that is there, and its hash, for which all of it is read; `on_bytes` is told how much.
///
/// # Errors
/// What cannot be read, in a sentence; what `on_bytes` says.
pub(crate) fn content_of(
    path: &Path,
    format: ExportFormat,
    on_bytes: &mut dyn FnMut(u64) -> std::io::Result<()>,
) -> Result<(u64, ContentHash), String> {
    match format {
        ExportFormat::OmeTiff => {
            let bytes = std::fs::metadata(path)
                .map_err(|error| error.to_string())?
                .len();
            let hash = e2m_export::tiles_hash(path, on_bytes);
            Ok((bytes, hash.map_err(|error| error.to_string())?))
        }
        ExportFormat::OmeZarr04 | ExportFormat::OmeZarr05 => {
            let content = e2m_io::folder_content(path, on_bytes);
            let content = content.map_err(|error| error.to_string())?;
            Ok((content.bytes, content.hash))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_come_back_and_forget_what_is_gone() {
        let folder = tempfile::tempdir().expect("a folder");
        let output_dir = folder.path().join("out");
        let paths = TaskPaths::new(&output_dir, "a", "DAPI").expect("names");
        paths.create_dir().expect("made");
        let none = ExportRecords::read(&paths).expect("nothing");
        assert!(none.exports.is_empty());
        let hash = e2m_io::ContentHasher::default().finish();
        let record =
            |path: &Path| ExportRecord::new(&output_dir, path, ExportFormat::OmeZarr05, (7, hash));
        let (inside, outside) = (
            output_dir.join("export/x.ome.zarr"),
            folder.path().join("y"),
        );
        std::fs::write(&outside, "").expect("written");
        let mut records = none;
        records.note(&output_dir, record(&inside));
        assert_eq!(records.exports[0].path, "export/x.ome.zarr");
        records.write(&paths).expect("written");
        assert_eq!(ExportRecords::read(&paths), Ok(records.clone()));
        // The first was never there.
        records.note(&output_dir, record(&outside));
        assert_eq!(records.exports.len(), 1);
        assert_eq!(records.exports[0].path(&output_dir), outside);
        assert!(records.of(&output_dir, &outside).is_some());
        std::fs::write(ExportRecords::path(&paths), "{\"schema\": 2}").expect("written");
        assert!(ExportRecords::read(&paths).is_err());
    }
}
