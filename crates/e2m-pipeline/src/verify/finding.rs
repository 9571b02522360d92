//! What can be found.

use super::checkpoint::IDENTITY;
use e2m_io::ContentHash;
use std::path::PathBuf;

/// What a file is to its task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FileKind {
    /// A manifest.
    Record,
    /// A raw image.
    Raw,
    /// A checkpoint, or a finished image of the Python program that stands for one.
    Checkpoint,
    /// A picture.
    Picture,
    /// A table.
    Table,
    /// A file or folder that `e2m export` wrote from the images of the task.
    Export,
    /// None of these.
    Other,
}

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// It is not there any more.
    Missing,
    /// It is not what was written, or cannot be read.
    Damaged,
    /// A raw image that is another one now.
    Changed,
    /// It is whole, and belongs elsewhere.
    Misplaced,
    /// It is whole, and shows results that were made anew since.
    Outdated,
    /// It is named like a result, and no record vouches for it.
    Unrecorded,
    /// Something to know; nothing is wrong.
    Remark,
}

impl Severity {
    /// In one word: `missing`, `damaged`, `changed`, `misplaced`, `outdated`, `unrecorded`, `remark`.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Damaged => "damaged",
            Self::Changed => "changed",
            Self::Misplaced => "misplaced",
            Self::Outdated => "outdated",
            Self::Unrecorded => "unrecorded",
            Self::Remark => "remark",
        }
    }
}

/// What is not as it should be with one file; the text is for people and does not name the file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// It is not there any more.
    #[error("it is not there any more")]
    Missing,
    /// It has another length.
    #[error("it has {found} bytes; on record are {recorded}")]
    Length {
        /// Bytes it has.
        found: u64,
        /// Bytes it had when it was written.
        recorded: u64,
    },
    /// It cannot be read as what it is, or a checksum in it is wrong.
    #[error("{0}")]
    Unreadable(String),
    /// The pixels of a checkpoint are others.
    #[error(
        "its pixels are not those that were written: their hash is {found}, on record is {recorded}"
    )]
    Pixels {
        /// The hash of what is there.
        found: ContentHash,
        /// The hash of what was written.
        recorded: ContentHash,
    },
    /// The content of a raw image is another.
    #[error(
        "its content is not what the results were made from: its hash is {found}, on record is {recorded}"
    )]
    Content {
        /// The hash of what is there.
        found: ContentHash,
        /// The hash of what was read.
        recorded: ContentHash,
    },
    /// It is what is on record for another file.
    #[error("it holds what is on record for {other}; were the two swapped?")]
    Swapped {
        /// The other file, below the task's folder, or which raw image.
        other: String,
    },
    /// Its header contradicts the manifest.
    #[error("its header says {key} = {found}; on record is {recorded}")]
    Fact {
        /// The keyword.
        key: String,
        /// What the header says, or `nothing`.
        found: String,
        /// What the manifest says.
        recorded: String,
    },
    /// A manifest that is about another task.
    #[error("it is the record of {sample}/{dye}")]
    OtherTask {
        /// The sample it is about.
        sample: String,
        /// The dye it is about.
        dye: String,
    },
    /// An image, picture or table that no manifest knows.
    #[error("not on record: {}", if *.by_e2m { "left over from a run that did not get as far as its record, or of a record that is not there" } else { "from the Python program, or another one" })]
    NotOnRecord {
        /// Whether e2m wrote it: its header says so, or its name says to which record it would belong.
        by_e2m: bool,
    },
    /// A result of e2m that no manifest knows, beside one that cannot be read.
    #[error("not on record, or of the record that cannot be read")]
    OfUnreadableRecord,
    /// A checkpoint that a running task has just finished.
    #[error("not on record yet: a run works on this task")]
    BeingMade,
    /// What a killed run left, or a running one is writing.
    #[error(
        "half-written: a killed run left it and the next one removes it, or a run is writing it now"
    )]
    Temporary,
    /// A manifest of other parameters rests on what is not there any more, because a later run made it anew.
    #[error("it is about an earlier content of {path}, which a later run has made or read anew")]
    Superseded {
        /// The first such file.
        path: String,
    },
    /// An export shows an image that the task has made anew since.
    #[error("it was exported from older results: {image} has been made anew since")]
    OlderResults {
        /// The image.
        image: String,
    },
    /// An export is not where it was written.
    #[error("it was exported, and is not there any more")]
    ExportGone,
    /// An image without a hash on record has another time.
    #[error(
        "it was touched after e2m used it; it has no hash on record that could tell whether it is still the same"
    )]
    Touched,
}

impl Fault {
    /// How bad it is.
    pub fn severity(&self) -> Severity {
        match self {
            Self::Missing => Severity::Missing,
            Self::Length { .. } | Self::Unreadable(_) | Self::Pixels { .. } => Severity::Damaged,
            Self::Content { .. } => Severity::Changed,
            // Whose image it is belongs to the header; anything else in it does not change by itself.
            Self::Fact { key, .. } if !IDENTITY.contains(&key.as_str()) => Severity::Damaged,
            Self::Swapped { .. } | Self::Fact { .. } | Self::OtherTask { .. } => {
                Severity::Misplaced
            }
            Self::OlderResults { .. } => Severity::Outdated,
            Self::NotOnRecord { by_e2m: true } => Severity::Unrecorded,
            Self::NotOnRecord { by_e2m: false }
            | Self::OfUnreadableRecord
            | Self::BeingMade
            | Self::Temporary
            | Self::Superseded { .. }
            | Self::ExportGone
            | Self::Touched => Severity::Remark,
        }
    }
}

/// Something about a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The file.
    pub path: PathBuf,
    /// What it is.
    pub kind: FileKind,
    /// What is wrong with it.
    pub fault: Fault,
    /// Whether its length and time are those on record, so that a run would not notice.
    pub looks_untouched: bool,
    /// The manifest of other parameters that it belongs to, where it is not part of what the batch asks for.
    pub of_other_parameters: Option<String>,
}
