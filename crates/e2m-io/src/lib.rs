//! Raw images in, checkpoints out: every file that e2m reads or writes.
//!
//! | type | what it is |
//! |---|---|
//! | [`discover`], [`RawPair`] | the pre and post images of every sample and dye below a folder, and what is missing |
//! | [`RawImage`] | a TIFF of any usual kind or a microscope's CZI, ND2, LIF or OME-Zarr, reduced to the channels that carry the signal: a plane, or bands |
//! | [`choose_channels`] | which channels these are, by one rule for both images of a pair |
//! | [`survey`] | the header and the channels of a crop, without loading the file |
//! | [`CheckpointWriter`], [`CheckpointReader`] | float images with [`Facts`], TIFF or FITS, band by band |
//! | [`write_colour_fits`] | an RGB image as three extensions of a FITS file |
//! | [`VouchedReader`] | the same, held against the hash on record while it is read |
//! | [`TaskPaths`] | the name of every file of a task |
//! | [`AtomicFile`] | a file that appears whole or not at all |
//! | [`ContentHash`], [`FileIdentity`] | what tells that a file is still the same |
//!
//! It builds on `e2m-image` (planes and bands) and knows nothing of alignment or scale; `e2m-pipeline` is its main
//! caller. Nothing here holds more of an image than the caller asked for and some megabytes: files are read row by row and
//! written in a few blocks ([`CheckpointWriter::memory_bytes`]), and sizes in headers are checked against the size of the
//! file before memory is taken. Warnings are `tracing` events.
//!
//! # Example
//!
//! Write a checkpoint, read it back, and see that nothing changed:
//!
//! ```
//! use e2m_image::{BandSink, BandSource, Size, Warp};
//! use e2m_io::{CheckpointCompression, CheckpointFormat, CheckpointReader, CheckpointWriter, Facts};
//! use ndarray::{Array2, array};
//!
//! # let folder = tempfile::tempdir()?;
//! # let folder = folder.path();
//! let mut facts = Facts::new();
//! facts.set("SAMPLE", "CD070", "Sample name")?.set("PAD", 500, "pad")?;
//! facts.set_warp(&Warp::translation(1.0 / 3.0, 0.0));
//!
//! let path = folder.join("02_icp_aligned_pre_pad500.fits");
//! let (format, compression) = (CheckpointFormat::Fits, CheckpointCompression::None);
//! let mut writer = CheckpointWriter::create(&path, Size::new(2, 3), &facts, format, compression)?;
//! writer.write_band(array![[1.0, 2.0]].view())?;
//! writer.write_band(array![[3.0, 4.0], [5.0, 6.0]].view())?;
//! let written = writer.finish()?; // before this line there is no file of that name
//!
//! let mut reader = CheckpointReader::open(&path)?;
//! assert_eq!(reader.facts().warp(), Some(Warp::translation(1.0 / 3.0, 0.0)));
//! assert_eq!(reader.verify()?, written.hash);
//! let mut band = Array2::zeros((1, 2));
//! reader.read_band(1, band.view_mut())?;
//! assert_eq!(band, array![[3.0, 4.0]]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![cfg_attr(
    not(test),
    warn(
        clippy::expect_used,
        clippy::get_unwrap,
        clippy::panic,
        clippy::panic_in_result_fn,
        clippy::string_slice,
        clippy::unreachable
    )
)]

mod append;
mod atomic;
mod atomic_folder;
mod checkpoint;
mod colour_fits;
mod discovery;
#[cfg(all(feature = "fault-injection", not(target_os = "linux")))]
compile_error!("faults are injected on Linux only");
#[cfg_attr(feature = "fault-injection", doc(hidden))]
#[cfg(feature = "fault-injection")]
pub mod fault;
#[cfg(not(feature = "fault-injection"))]
mod fault;
mod folders;
mod hash;
mod lock;
mod output;
mod raw;
mod scratch;
mod section;
mod shortage;
mod tiff;

pub use append::AppendFile;
pub use atomic::{
    AtomicError, AtomicFile, is_temporary, name_bytes_on_the_way, remove_file,
    remove_stale_temporaries, write_atomic,
};
pub use atomic_folder::{AtomicFolder, FolderContent, folder_content};
pub use checkpoint::{
    CfitsioError, CheckpointCompression, CheckpointError, CheckpointFormat, CheckpointReader,
    CheckpointWriter, Fact, FactError, FactValue, Facts, FlagsWriter, NameError, OtherPixels,
    PixelKind, TaskPaths, VouchedReader, WrittenCheckpoint, check_name, task_dir,
};
pub use colour_fits::{ColourFitsError, is_colour_image, write_colour_fits};
pub use discovery::{
    Discovery, DiscoveryError, DiscoveryNote, DyeSpelling, FilePattern, GuessedImage, MissingPair,
    MissingReason, Naming, PatternError, RawPair, Selection, Stain, StainWords, TiffsElsewhere,
    composed, discover, discover_named, guess_images,
};
pub use folders::{FolderError, create_folders};
pub use hash::{
    ContentHash, ContentHasher, FileIdentity, HashParseError, content_hash, content_hash_of,
};
pub use lock::{
    Attempt, FolderLock, LockError, LockOwner, LockSeeker, is_locked, is_shared_disk, lock_folder,
};
pub use raw::{
    Alterations, ChannelChoice, ChannelDifference, ChannelRequest, ChannelStatistics,
    ChannelSurvey, ColourKind, ImageChannels, PageRequest, PairChoice, PixelSize, PixelSizeSource,
    RAW_EXTENSIONS, RawBands, RawError, RawFormat, RawImage, RawInfo, Reduction, Survey,
    choose_channels, is_raw_name, survey,
};
pub use scratch::{Scratch, ScratchError, is_same_disk};
pub use tiff::{ByteOrder, ChunkLayout, Compression, Photometric, Planar, TiffProblem};

/// Makes the example of the README a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
