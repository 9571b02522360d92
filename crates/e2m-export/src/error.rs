//! What can go wrong while a file is written.

use e2m_image::{BandError, Size};
use e2m_io::AtomicError;
use std::io;
use std::path::{Path, PathBuf};
use tiff::TiffError;

/// Why a file was not written. Nothing of it remains.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExportError {
    /// There is nothing to write, or something to write without a description.
    #[error(
        "{} cannot be written: it is described with {channels} channels and {sources} images were given; one image a channel, and at least one, makes a file",
        path.display()
    )]
    Channels {
        /// The file.
        path: PathBuf,
        /// Channels of the description.
        channels: usize,
        /// Images that were given.
        sources: usize,
    },
    /// No pixels, or an axis longer than 32 bit can say.
    #[error("{} cannot be written: an image of {size} px has no place in an export", path.display())]
    Size {
        /// The file.
        path: PathBuf,
        /// Its size.
        size: Size,
    },
    /// The channels of a file have one size.
    #[error(
        "{} cannot be written: its channel {channel:?} is {found} px, the others are {expected}",
        path.display()
    )]
    ChannelSize {
        /// The file.
        path: PathBuf,
        /// The channel.
        channel: String,
        /// The size of its image.
        found: Size,
        /// The size of the file's.
        expected: Size,
    },
    /// A pixel size that is none.
    #[error(
        "{} cannot be written: {} x {} um is no size of a pixel",
        path.display(), um[0], um[1]
    )]
    PixelSize {
        /// The file.
        path: PathBuf,
        /// Micrometres along x and y.
        um: [f64; 2],
    },
    /// An image could not be read.
    #[error("the channel {channel:?} of {} cannot be read: {source}", path.display())]
    Source {
        /// The file that was being written.
        path: PathBuf,
        /// The channel.
        channel: String,
        /// What its source said.
        source: BandError,
    },
    /// The caller asked to stop.
    #[error("interrupted; nothing of {} was left", path.display())]
    Interrupted {
        /// The file that was being written.
        path: PathBuf,
    },
    /// The file cannot be made, or not be given its name.
    #[error(transparent)]
    File(#[from] AtomicError),
    /// The file cannot be written or read.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// What was being done: `read`, `write`.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl ExportError {
    /// What went wrong with the bytes of a file.
    pub(crate) fn tiff(action: &'static str, path: &Path) -> impl FnOnce(TiffError) -> Self {
        let path = path.to_owned();
        move |error| Self::Io {
            action,
            path,
            source: match error {
                TiffError::IoError(source) => source,
                other => io::Error::other(other),
            },
        }
    }
}
