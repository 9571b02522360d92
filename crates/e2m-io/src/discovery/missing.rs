//! What was asked for and cannot run, and where it may be instead, in sentences.

use super::deeper::TiffsElsewhere;
use super::error::{lie, name_files, name_some};
use super::stain::Stain;
use crate::checkpoint::NameError;
use std::fmt;
use std::path::{Path, PathBuf};

/// A task that was asked for and cannot run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MissingPair {
    /// The sample.
    pub sample: String,
    /// The dye; none where the whole sample is missing.
    pub dye: Option<String>,
    /// Why.
    pub reason: MissingReason,
}

/// Why a task cannot run.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum MissingReason {
    /// There is no folder of that name.
    NoSampleFolder {
        /// Where it was looked for.
        raw_dir: PathBuf,
        /// The sample folder whose name comes nearest.
        nearest: Option<String>,
        /// TIFFs that have the sample's name and lie elsewhere.
        elsewhere: Option<TiffsElsewhere>,
    },
    /// The sample's folder holds no TIFFs.
    NoTiffs {
        /// The folder.
        folder: PathBuf,
        /// TIFFs in folders within it.
        elsewhere: Option<TiffsElsewhere>,
    },
    /// The sample's folder holds TIFFs, and the names of all of them have no dye.
    NoDyes {
        /// The folder.
        folder: PathBuf,
        /// The files.
        files: Vec<PathBuf>,
    },
    /// The sample's folder cannot be listed.
    Unreadable {
        /// The folder.
        folder: PathBuf,
        /// What the system says.
        reason: String,
    },
    /// Two folders have the same name, with accents written in different ways.
    SameName {
        /// The folders.
        folders: [PathBuf; 2],
    },
    /// None of the sample's files is of that dye.
    NoFiles {
        /// The folder.
        folder: PathBuf,
        /// Dyes that are there.
        dyes: Vec<String>,
        /// The one whose name comes nearest.
        nearest: Option<String>,
        /// TIFFs in folders within it.
        elsewhere: Option<TiffsElsewhere>,
    },
    /// One of the two images is missing.
    NoImage {
        /// Which one.
        stain: Stain,
        /// The folder.
        folder: PathBuf,
        /// The other one.
        other: PathBuf,
        /// A file that would be it, if its dye were written the same way.
        alike: Option<PathBuf>,
        /// TIFFs in folders within it.
        elsewhere: Option<TiffsElsewhere>,
    },
    /// Several files could be the same image.
    Duplicate {
        /// Which image.
        stain: Stain,
        /// The files.
        files: Vec<PathBuf>,
    },
    /// Files of this dye do not tell whether they are pre or post.
    UnclearStain {
        /// The files.
        files: Vec<PathBuf>,
    },
    /// No file that fits the pattern is of that sample, or dye.
    NothingFits {
        /// The pattern.
        pattern: String,
        /// The sample or dye whose name comes nearest.
        nearest: Option<String>,
    },
    /// A table of files names one that is not there.
    NotThere {
        /// Which image.
        stain: Stain,
        /// The file; none where the table leaves it empty.
        path: Option<PathBuf>,
        /// Where the table says so.
        said_in: String,
    },
    /// A table of files does not name it.
    NotListed {
        /// The table.
        table: PathBuf,
    },
    /// The sample or dye cannot name a folder of the output.
    UnsafeName(NameError),
}

impl fmt::Display for MissingPair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.dye {
            Some(dye) => write!(f, "{:?}, {dye:?}: ", self.sample)?,
            None => write!(f, "{:?}: ", self.sample)?,
        }
        match &self.reason {
            MissingReason::NoSampleFolder {
                raw_dir,
                nearest,
                elsewhere,
            } => {
                write!(f, "there is no such folder in {}", raw_dir.display())?;
                f.write_str(&did_you_mean(nearest.as_deref()))?;
                self.write_elsewhere(f, &raw_dir.join(&self.sample), elsewhere.as_ref())
            }
            MissingReason::NoTiffs { folder, elsewhere } => {
                write!(f, "{} holds no image file", folder.display())?;
                self.write_elsewhere(f, folder, elsewhere.as_ref())
            }
            MissingReason::NoDyes { folder, files } => write!(
                f,
                "the names of the image files in {} have no dye behind a last underscore: {}; name them like {}",
                folder.display(),
                name_files(files),
                self.good_name()
            ),
            MissingReason::Unreadable { folder, reason } => write!(
                f,
                "{} cannot be listed: {reason}; make it readable",
                folder.display()
            ),
            MissingReason::SameName { folders: [a, b] } => write!(
                f,
                "two folders have this name, with accents written in different ways (Unicode NFC and NFD): {} and {}; rename one",
                a.display(),
                b.display()
            ),
            MissingReason::NoFiles {
                folder,
                dyes,
                nearest,
                elsewhere,
            } => {
                self.write_no_files(f, folder, dyes)?;
                f.write_str(&did_you_mean(nearest.as_deref()))?;
                self.write_elsewhere(f, folder, elsewhere.as_ref())
            }
            MissingReason::NoImage {
                stain,
                folder,
                other,
                alike,
                elsewhere,
            } => {
                write!(
                    f,
                    "the {stain} image is missing in {}; only {} is there",
                    folder.display(),
                    name_files(std::slice::from_ref(other))
                )?;
                match alike {
                    Some(alike) => write!(
                        f,
                        "; is it {}? Rename that to end in _{}.tif",
                        name_files(std::slice::from_ref(alike)),
                        self.dye.as_deref().unwrap_or("?")
                    ),
                    None => self.write_elsewhere(f, folder, elsewhere.as_ref()),
                }
            }
            MissingReason::Duplicate { stain, files } => write!(
                f,
                "{} files could be the {stain} image: {}; keep one",
                files.len(),
                files
                    .iter()
                    .map(|f| f.display().to_string())
                    .collect::<Vec<_>>()
                    .join(", ")
            ),
            MissingReason::UnclearStain { files } => write!(
                f,
                "{} does not tell whether it is pre or post; put the word PreStain or PostStain into the name",
                name_files(files)
            ),
            MissingReason::NothingFits { pattern, nearest } => {
                write!(f, "no file of it fits the pattern {pattern:?}")?;
                f.write_str(&did_you_mean(nearest.as_deref()))
            }
            MissingReason::NotThere {
                stain,
                path: Some(path),
                said_in,
            } => write!(
                f,
                "the {stain} image {} is not there ({said_in})",
                path.display()
            ),
            MissingReason::NotThere {
                stain,
                path: None,
                said_in,
            } => write!(f, "the {stain} image is left empty ({said_in})"),
            MissingReason::NotListed { table } => {
                write!(f, "no row of {} has that name", table.display())
            }
            MissingReason::UnsafeName(error) => error.fmt(f),
        }
    }
}

impl MissingPair {
    fn write_no_files(
        &self,
        f: &mut fmt::Formatter<'_>,
        folder: &Path,
        dyes: &[String],
    ) -> fmt::Result {
        let dye = self.dye.as_deref().unwrap_or("?");
        write!(f, "no file in {} ends in _{dye}.tif", folder.display())?;
        if dye.contains('_') {
            f.write_str(
                "; a dye holds no underscore, it is what follows the last one in the file name",
            )?;
        }
        if dyes.is_empty() {
            f.write_str("; no file there names a dye")
        } else {
            write!(f, "; its dyes are {}", name_some(dyes))
        }
    }

    /// Where TIFFs are instead, and what they should be called in which folder.
    fn write_elsewhere(
        &self,
        f: &mut fmt::Formatter<'_>,
        folder: &Path,
        elsewhere: Option<&TiffsElsewhere>,
    ) -> fmt::Result {
        let Some(found) = elsewhere else {
            return Ok(());
        };
        write!(
            f,
            "; {} elsewhere, such as {}: move them into {}, with names such as {}",
            lie(found),
            found.example.display(),
            folder.display(),
            self.good_name()
        )
    }

    /// A name that a file of this pair could have.
    fn good_name(&self) -> String {
        let dye = self.dye.as_deref().unwrap_or("DAPI");
        format!("{}_PostStain_{dye}.tif", self.sample)
    }
}

fn did_you_mean(nearest: Option<&str>) -> String {
    nearest.map_or_else(String::new, |name| format!("; did you mean {name:?}?"))
}
