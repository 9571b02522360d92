//! What is wrong with a raw folder, and what of it is missing, in sentences.

use super::stain::Stain;
use crate::checkpoint::NameError;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// How raw files are to be laid out, for messages.
const LAYOUT: &str = "expected one folder per sample with its TIFFs in it, such as \
    CD070/CD070_PreStain_DAPI.tif and CD070/CD070_PostStain_DAPI.tif";
/// Files named in a message before it says how many more there are.
const MAX_FILES_NAMED: usize = 4;

/// A raw folder that no task can be taken from.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DiscoveryError {
    /// There is no such folder.
    #[error("raw_dir {} does not exist{}; {LAYOUT}", path.display(), existing(parent.as_deref()))]
    Missing {
        /// The folder.
        path: PathBuf,
        /// The nearest folder above it that exists.
        parent: Option<PathBuf>,
    },
    /// It is a file.
    #[error("raw_dir {} is a file, not a folder; name the folder that holds the sample folders", path.display())]
    NotAFolder {
        /// The file.
        path: PathBuf,
    },
    /// It, or a sample folder, cannot be listed.
    #[error("cannot list {}: {source}", path.display())]
    Unreadable {
        /// The folder.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// It is empty.
    #[error("raw_dir {} is empty; {LAYOUT}", path.display())]
    Empty {
        /// The folder.
        path: PathBuf,
    },
    /// There are TIFFs, but directly in raw_dir.
    #[error(
        "{count} TIFF files such as {} lie directly in raw_dir {}{}; move them into one folder per sample: {LAYOUT}",
        example.display(), path.display(), beside(*folders)
    )]
    LooseTiffs {
        /// The folder.
        path: PathBuf,
        /// TIFFs in it.
        count: usize,
        /// One of them.
        example: PathBuf,
        /// Folders in it, none of which holds TIFFs.
        folders: usize,
    },
    /// There are folders, but no TIFFs in them.
    #[error(
        "none of the {} folders in raw_dir {} ({}) holds a .tif or .tiff file{}; folders within them are not searched; {LAYOUT}",
        folders.len(), path.display(), name_some(folders), others(other_types)
    )]
    NoTiffs {
        /// The raw folder.
        path: PathBuf,
        /// The folders in it.
        folders: Vec<String>,
        /// Extensions of the files found instead, most frequent first.
        other_types: Vec<String>,
    },
    /// There is neither a folder nor a TIFF.
    #[error("raw_dir {} holds neither sample folders nor TIFF files{}; {LAYOUT}", path.display(), others(other_types))]
    NothingUsable {
        /// The folder.
        path: PathBuf,
        /// Extensions of the files in it, most frequent first.
        other_types: Vec<String>,
    },
}

fn existing(parent: Option<&Path>) -> String {
    parent.map_or_else(String::new, |p| format!(" ({} does)", p.display()))
}

fn beside(folders: usize) -> String {
    match folders {
        0 => String::new(),
        1 => ", beside a folder without TIFFs".into(),
        n => format!(", beside {n} folders without TIFFs"),
    }
}

fn others(types: &[String]) -> String {
    if types.is_empty() {
        return String::new();
    }
    format!(", only files of type {}", name_some(types))
}

fn name_some(names: &[String]) -> String {
    let shown = names[..names.len().min(MAX_FILES_NAMED)].join(", ");
    match names.len().saturating_sub(MAX_FILES_NAMED) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

fn name_files(files: &[PathBuf]) -> String {
    let names: Vec<_> = files
        .iter()
        .map(|f| {
            f.file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned()
        })
        .collect();
    name_some(&names)
}

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
    },
    /// The sample's folder holds no TIFFs.
    NoTiffs {
        /// The folder.
        folder: PathBuf,
    },
    /// None of the sample's files is of that dye.
    NoFiles {
        /// The folder.
        folder: PathBuf,
        /// Dyes that are there.
        dyes: Vec<String>,
        /// The one whose name comes nearest.
        nearest: Option<String>,
    },
    /// One of the two images is missing.
    NoImage {
        /// Which one.
        stain: Stain,
        /// The folder.
        folder: PathBuf,
        /// The other one.
        other: PathBuf,
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
    /// The sample or dye cannot name a folder of the output.
    UnsafeName(NameError),
}

impl fmt::Display for MissingPair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let task = match &self.dye {
            Some(dye) => format!("{:?}, {dye:?}", self.sample),
            None => format!("{:?}", self.sample),
        };
        let did_you_mean = |nearest: &Option<String>| {
            nearest
                .as_ref()
                .map_or_else(String::new, |n| format!("; did you mean {n:?}?"))
        };
        write!(f, "{task}: ")?;
        match &self.reason {
            MissingReason::NoSampleFolder { raw_dir, nearest } => write!(
                f,
                "there is no such folder in {}{}",
                raw_dir.display(),
                did_you_mean(nearest)
            ),
            MissingReason::NoTiffs { folder } => {
                write!(f, "{} holds no .tif or .tiff file", folder.display())
            }
            MissingReason::NoFiles {
                folder,
                dyes,
                nearest,
            } => {
                write!(
                    f,
                    "no file in {} ends in _{}.tif",
                    folder.display(),
                    self.dye.as_deref().unwrap_or("?")
                )?;
                if self.dye.as_ref().is_some_and(|dye| dye.contains('_')) {
                    f.write_str("; a dye holds no underscore, it is what follows the last one in the file name")?;
                }
                if dyes.is_empty() {
                    f.write_str("; no file there names a dye")?;
                } else {
                    write!(f, "; its dyes are {}", name_some(dyes))?;
                }
                f.write_str(&did_you_mean(nearest))
            }
            MissingReason::NoImage {
                stain,
                folder,
                other,
            } => write!(
                f,
                "the {stain} image is missing in {}; only {} is there",
                folder.display(),
                name_files(std::slice::from_ref(other))
            ),
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
            MissingReason::UnsafeName(error) => error.fmt(f),
        }
    }
}

/// Something odd that stops nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum DiscoveryNote {
    /// TIFFs lie beside the sample folders.
    LooseTiffs {
        /// The raw folder.
        folder: PathBuf,
        /// How many.
        count: usize,
        /// One of them.
        example: PathBuf,
    },
    /// A folder without TIFFs is not taken for a sample.
    NoTiffs {
        /// The folder.
        folder: PathBuf,
    },
    /// A file name without an underscore names no dye.
    NoDye {
        /// The file.
        file: PathBuf,
    },
    /// A name that is not Unicode.
    NotUnicode {
        /// The file or folder.
        path: PathBuf,
    },
}

impl fmt::Display for DiscoveryNote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LooseTiffs {
                folder,
                count,
                example,
            } => write!(
                f,
                "{count} TIFF files such as {} lie directly in {} and belong to no sample",
                example.display(),
                folder.display()
            ),
            Self::NoTiffs { folder } => {
                write!(f, "{} holds no TIFFs and is no sample", folder.display())
            }
            Self::NoDye { file } => write!(
                f,
                "{} is left out: its name has no dye behind a last underscore",
                file.display()
            ),
            Self::NotUnicode { path } => {
                write!(f, "{} is left out: its name is not Unicode", path.display())
            }
        }
    }
}
