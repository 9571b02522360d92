//! What can be wrong with a TIFF file.

use e2m_image::Size;
use std::io;

/// Why a TIFF file cannot be read. The file's name is added by whoever opened it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TiffProblem {
    /// The file does not start like a TIFF.
    #[error("not a TIFF file: it is {looks_like}")]
    NotTiff {
        /// What the first bytes look like.
        looks_like: String,
    },
    /// A valid file of a kind that is not read.
    #[error("not supported: {found}; {advice}")]
    Unsupported {
        /// What the file holds.
        found: String,
        /// What to do about it.
        advice: &'static str,
    },
    /// Data lies behind the end of the file.
    #[error(
        "the file is truncated: {part} ends at byte {ends_at}, but the file has only {file_bytes} bytes; copy it again"
    )]
    Truncated {
        /// Which part of the image.
        part: String,
        /// Where the part should end.
        ends_at: u64,
        /// How long the file is.
        file_bytes: u64,
    },
    /// The file contradicts itself or its compressed data cannot be decoded.
    #[error("the file is damaged: {what}")]
    Damaged {
        /// What does not fit.
        what: String,
    },
    /// Reading would take more memory than a fixed limit allows.
    #[error("{what} needs {wish_bytes} bytes of memory, the limit is {limit_bytes}; {advice}")]
    TooLarge {
        /// What needs the memory.
        what: String,
        /// How much it needs.
        wish_bytes: u64,
        /// How much is allowed.
        limit_bytes: u64,
        /// What to do about it.
        advice: &'static str,
    },
    /// The image is out of proportion to its file.
    #[error(
        "an image of {size} px would take {needed_bytes} bytes {what}, but its file has only {file_bytes} bytes, and no more than \
         {limit_bytes} are taken for such a file. The image is blank, or nearly so, or the file is damaged. If it is right, crop it \
         or save it without compression"
    )]
    Implausible {
        /// The size of the image.
        size: Size,
        /// Where it takes them: in memory or decompressed.
        what: &'static str,
        /// How much it would take.
        needed_bytes: u64,
        /// How long the file is.
        file_bytes: u64,
        /// How much a file of this length may take.
        limit_bytes: u64,
    },
    /// A page or channel is asked for that the file does not hold.
    #[error(
        "channel {wanted:?} is asked for, but the file holds {holds}; see `channel` in docs/parameters.md"
    )]
    NoChannel {
        /// What is asked for.
        wanted: String,
        /// What there is.
        holds: String,
    },
    /// A page is asked for that the file does not hold.
    #[error(
        "page {wanted:?} is asked for, but the file holds {holds}; see `page` in docs/parameters.md"
    )]
    NoPage {
        /// What is asked for.
        wanted: String,
        /// What there is.
        holds: String,
    },
    /// Its images lie in several files.
    #[error(
        "the file is one of an OME set of several ({files}), which are not read together; export the channel as a file of its own, or \
         give `page` to read a page of this file alone"
    )]
    OneOfSet {
        /// Their names.
        files: String,
    },
    /// The operating system refused to read.
    #[error("reading failed: {0}")]
    Read(#[from] io::Error),
}

impl TiffProblem {
    /// A file that contradicts itself.
    pub(crate) fn damaged(what: impl Into<String>) -> Self {
        Self::Damaged { what: what.into() }
    }
}

/// Memory that one step may take at most; checked before the allocation.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ByteBudget(pub(crate) u64);

impl ByteBudget {
    /// For what has to be decoded in one go: a JPEG strip or a row of tiles.
    pub(crate) const CHUNK: Self = Self(512 << 20);

    /// Fails when `wish_bytes` exceeds the budget.
    pub(crate) fn check(
        self,
        wish_bytes: u64,
        what: impl FnOnce() -> String,
    ) -> Result<(), TiffProblem> {
        let advice =
            "save the image in smaller strips or tiles, for instance with tiffcp -t -w 256 -l 256";
        self.check_or(wish_bytes, advice, what)
    }

    /// The same with other advice than for a TIFF.
    pub(crate) fn check_or(
        self,
        wish_bytes: u64,
        advice: &'static str,
        what: impl FnOnce() -> String,
    ) -> Result<(), TiffProblem> {
        if wish_bytes <= self.0 {
            return Ok(());
        }
        Err(TiffProblem::TooLarge {
            what: what(),
            wish_bytes,
            limit_bytes: self.0,
            advice,
        })
    }
}
