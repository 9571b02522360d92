//! Where the files of a task go: `{output_dir}/{sample}/{dye}/{tiff|fits|pipeline_output}/`.

use super::CheckpointFormat;
use crate::atomic::{has_temporaries, remove_temporaries};
use crate::folders::{FolderError, create_folders_below};
use crate::lock::FolderLock;
use std::path::{Path, PathBuf};

/// File systems allow 255 bytes; suffixes and extensions need room too, but they go into other names.
const MAX_NAME_BYTES: usize = 255;

/// Why a sample or dye cannot name a folder.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{name:?} cannot name a folder: {reason}")]
pub struct NameError {
    /// The name.
    pub name: String,
    /// What is wrong with it.
    pub reason: &'static str,
}

/// Fails for names that would leave their folder, cannot be created or cannot be seen.
pub fn check_name(name: &str) -> Result<(), NameError> {
    let reason = if name.is_empty() {
        "it is empty"
    } else if name == "." || name == ".." {
        "it stands for another folder"
    } else if name.contains(['/', '\\']) {
        "it contains a path separator"
    } else if name.chars().any(char::is_control) {
        "it contains a control character"
    } else if name.len() > MAX_NAME_BYTES {
        "it is longer than 255 bytes"
    } else {
        return Ok(());
    };
    Err(NameError {
        name: name.to_owned(),
        reason,
    })
}

fn is_link(path: &Path) -> bool {
    std::fs::symlink_metadata(path).is_ok_and(|about| about.is_symlink())
}

/// The folder of a task: `{output_dir}/{sample}/{dye}`.
pub fn task_dir(output_dir: &Path, sample: &str, dye: &str) -> Result<PathBuf, NameError> {
    check_name(sample)?;
    check_name(dye)?;
    Ok(output_dir.join(sample).join(dye))
}

/// Names every file of one task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskPaths {
    output_dir: PathBuf,
    dir: PathBuf,
}

impl TaskPaths {
    /// The paths of the task (`sample`, `dye`). Nothing is created.
    pub fn new(output_dir: &Path, sample: &str, dye: &str) -> Result<Self, NameError> {
        task_dir(output_dir, sample, dye).map(|dir| Self {
            output_dir: output_dir.to_owned(),
            dir,
        })
    }

    /// The folder of the task.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The folder of the checkpoints of one format: `tiff` or `fits`.
    pub fn format_dir(&self, format: CheckpointFormat) -> PathBuf {
        self.dir.join(format.folder())
    }

    /// The folder of the plots: `pipeline_output`.
    pub fn plots_dir(&self) -> PathBuf {
        self.dir.join("pipeline_output")
    }

    /// A checkpoint, such as `tiff/01_padded_post_pad500.tiff`; `suffix` is empty or begins with an underscore.
    pub fn checkpoint_path(&self, format: CheckpointFormat, stem: &str, suffix: &str) -> PathBuf {
        let name = format!("{stem}{suffix}.{}", format.extension());
        self.format_dir(format).join(name)
    }

    /// A plot, such as `pipeline_output/registration_pad500.png`.
    pub fn plot_path(&self, stem: &str, suffix: &str) -> PathBuf {
        self.plots_dir().join(format!("{stem}{suffix}.png"))
    }

    /// A preview, such as `pipeline_output/comparison_post_pad500.jpg`.
    pub fn preview_path(&self, stem: &str, suffix: &str) -> PathBuf {
        self.plots_dir().join(format!("{stem}{suffix}.jpg"))
    }

    /// A table, such as `pipeline_output/05_microbes_pad500.csv`.
    pub fn table_path(&self, stem: &str, suffix: &str, extension: &str) -> PathBuf {
        self.plots_dir().join(format!("{stem}{suffix}.{extension}"))
    }

    /// The manifest `e2m_task{suffix}.json`.
    pub fn manifest_path(&self, suffix: &str) -> PathBuf {
        self.dir.join(format!("e2m_task{suffix}.json"))
    }

    /// Creates the folder of the task.
    ///
    /// # Errors
    /// [`FolderError`], also where a symbolic link leads out of its place.
    pub fn create_dir(&self) -> Result<(), FolderError> {
        self.create(&self.dir)
    }

    /// Creates the folder of the task and those of pictures and the given formats.
    ///
    /// # Errors
    /// As [`TaskPaths::create_dir`].
    pub fn create_dirs(&self, formats: &[CheckpointFormat]) -> Result<(), FolderError> {
        let wanted = formats.iter().map(|&format| self.format_dir(format));
        wanted
            .chain([self.plots_dir()])
            .try_for_each(|dir| self.create(&dir))
    }

    fn create(&self, dir: &Path) -> Result<(), FolderError> {
        let below = dir.strip_prefix(&self.output_dir).unwrap_or(dir);
        create_folders_below(&self.output_dir, below)
    }

    /// The file that whoever works on the task has locked.
    pub fn lock_path(&self) -> PathBuf {
        self.dir.join(".e2m_task.lock")
    }

    /// Whether something half-written is there, of a run that was killed or of one that goes on.
    ///
    /// # Errors
    /// [`FolderError::Read`].
    pub fn has_temporaries(&self) -> Result<bool, FolderError> {
        for dir in self.own_dirs() {
            if has_temporaries(&dir).map_err(|source| FolderError::read(&dir, source))? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Removes what killed runs left half-written and answers how many files that were. Whoever has the lock of
    /// [`TaskPaths::lock_path`] knows that nobody is writing.
    ///
    /// # Errors
    /// [`FolderError::Read`].
    pub fn remove_temporaries(&self, _: &FolderLock) -> Result<usize, FolderError> {
        let mut removed = 0;
        for dir in self.own_dirs() {
            removed +=
                remove_temporaries(&dir).map_err(|source| FolderError::read(&dir, source))?;
        }
        Ok(removed)
    }

    /// Those of [`TaskPaths::all_dirs`] to which no symbolic link leads: nothing behind one is ours.
    fn own_dirs(&self) -> impl Iterator<Item = PathBuf> {
        let above = self.dir.parent().is_some_and(is_link) || is_link(&self.dir);
        let dirs = self.all_dirs().into_iter();
        dirs.filter(move |dir| !above && !is_link(dir))
    }

    /// Every folder that files of the task are written to, whether it exists or not.
    pub fn all_dirs(&self) -> [PathBuf; 4] {
        [
            self.dir.clone(),
            self.format_dir(CheckpointFormat::Tiff),
            self.format_dir(CheckpointFormat::Fits),
            self.plots_dir(),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_are_those_of_the_contract() {
        let paths = TaskPaths::new(Path::new("processed"), "T1500", "DAPI").expect("valid names");
        let show = |path: PathBuf| path.to_string_lossy().into_owned();
        assert_eq!(
            show(paths.checkpoint_path(CheckpointFormat::Tiff, "01_padded_post", "_pad500")),
            "processed/T1500/DAPI/tiff/01_padded_post_pad500.tiff"
        );
        assert_eq!(
            show(paths.checkpoint_path(CheckpointFormat::Fits, "03_interior_aligned_pre", "")),
            "processed/T1500/DAPI/fits/03_interior_aligned_pre.fits"
        );
        assert_eq!(
            show(paths.plot_path("registration", "_sp50_msc1.42")),
            "processed/T1500/DAPI/pipeline_output/registration_sp50_msc1.42.png"
        );
        assert_eq!(
            show(paths.manifest_path("_pad500")),
            "processed/T1500/DAPI/e2m_task_pad500.json"
        );
    }

    #[test]
    fn names_that_would_leave_the_folder_are_refused() {
        for name in [
            "",
            ".",
            "..",
            "a/b",
            "/etc",
            "a\\b",
            "a\nb",
            "\0",
            &"x".repeat(256),
        ] {
            assert!(check_name(name).is_err(), "{name:?}");
        }
        for name in ["CD 070", "-x", "..a", "é.1", "[1]", &"x".repeat(255)] {
            assert!(check_name(name).is_ok(), "{name:?}");
        }
    }

    proptest! {
        #[test]
        fn a_task_never_leaves_the_output(sample in any::<String>(), dye in "[./\\\\\\PC]{0,12}") {
            let output = Path::new("/output");
            if let Ok(dir) = task_dir(output, &sample, &dye) {
                let below = dir.strip_prefix(output).expect("below the output");
                let names: Vec<_> = below.components().collect();
                prop_assert_eq!(names.len(), 2);
                prop_assert!(names.iter().all(|n| matches!(n, std::path::Component::Normal(_))));
            }
        }
    }
}
