//! What is odd about a raw folder and stops nothing, in sentences.

use super::deeper::TiffsElsewhere;
use super::error::lie;
use std::fmt;
use std::path::PathBuf;

/// One way in which a dye is written in file names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DyeSpelling {
    /// The dye.
    pub dye: String,
    /// Files that have it.
    pub files: usize,
    /// One of them.
    pub example: PathBuf,
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
    /// A folder cannot be listed, and is not taken for a sample.
    Unreadable {
        /// The folder.
        folder: PathBuf,
        /// What the system says.
        reason: String,
    },
    /// TIFFs lie deeper than in the folder of their sample, which has others.
    Deeper {
        /// The folder.
        folder: PathBuf,
        /// The TIFFs.
        elsewhere: TiffsElsewhere,
    },
    /// A file name without an underscore names no dye.
    NoDye {
        /// The file.
        file: PathBuf,
    },
    /// Dyes that a reader would take for one.
    AlikeDyes {
        /// Each of them, at least two.
        spellings: Vec<DyeSpelling>,
    },
    /// A dye whose name ends in what is overlooked.
    OddDye {
        /// The dye.
        spelling: DyeSpelling,
        /// What it ends in.
        ending: &'static str,
        /// The name without that.
        without: String,
    },
    /// TIFFs do not fit the pattern, and are not used.
    NotFitting {
        /// The pattern.
        pattern: String,
        /// How many.
        count: usize,
        /// One of them.
        example: PathBuf,
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
                "{count} image files such as {} lie directly in {} and belong to no sample",
                example.display(),
                folder.display()
            ),
            Self::NoTiffs { folder } => {
                write!(f, "{} holds no images and is no sample", folder.display())
            }
            Self::Unreadable { folder, reason } => write!(
                f,
                "{} cannot be listed ({reason}) and is left out; if it is a sample, make it readable, else move it out of raw_dir",
                folder.display()
            ),
            Self::Deeper { folder, elsewhere } => write!(
                f,
                "{} in folders within {}, such as {}, and are not used; images have to lie directly in the folder of their sample",
                lie(elsewhere),
                folder.display(),
                elsewhere.example.display()
            ),
            Self::NoDye { file } => write!(
                f,
                "{} is left out: its name has no dye behind a last underscore",
                file.display()
            ),
            Self::AlikeDyes { spellings } => {
                let named: Vec<String> = spellings.iter().map(DyeSpelling::named).collect();
                write!(
                    f,
                    "the dyes {} differ only in capitals or in a space or .ome at their end, and are {} dyes to e2m; \
                     if they are one, rename the files so that all end alike, such as _{}.tif",
                    named.join(" and "),
                    spellings.len(),
                    shortest(spellings)
                )
            }
            Self::OddDye {
                spelling,
                ending,
                without,
            } => write!(
                f,
                "the dye {} ends in {ending}, and so do its folders and results; rename the files to end in _{without}.tif \
                 to have it called {without:?}",
                spelling.named()
            ),
            Self::NotFitting {
                pattern,
                count,
                example,
            } => write!(
                f,
                "{count} image {} not fit the pattern {pattern:?} and {} not used, such as {}",
                if *count == 1 { "file does" } else { "files do" },
                if *count == 1 { "is" } else { "are" },
                example.display()
            ),
            Self::NotUnicode { path } => {
                write!(f, "{} is left out: its name is not Unicode", path.display())
            }
        }
    }
}

impl DyeSpelling {
    /// `"dapi" (2 files, such as …)`.
    fn named(&self) -> String {
        let files = if self.files == 1 { "file" } else { "files" };
        format!(
            "{:?} ({} {files}, such as {})",
            self.dye,
            self.files,
            self.example.display()
        )
    }
}

/// The spelling that most likely has nothing at its end.
fn shortest(spellings: &[DyeSpelling]) -> &str {
    let dyes = spellings.iter().map(|spelling| &*spelling.dye);
    dyes.min_by_key(|dye| dye.len()).unwrap_or_default()
}
