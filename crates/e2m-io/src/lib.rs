//! Files of e2m.
mod atomic;
mod checkpoint;
mod hash;
mod raw;
mod section;
mod tiff;

pub use atomic::{AtomicError, AtomicFile, remove_stale_temporaries, write_atomic};
pub use checkpoint::{
    CheckpointCompression, CheckpointError, CheckpointFormat, CheckpointReader, CheckpointWriter,
    Fact, FactError, FactValue, Facts, NameError, TaskPaths, WrittenCheckpoint, check_name, task_dir,
};
pub use hash::{ContentHash, FileIdentity, HashParseError, content_hash};
pub use raw::{
    ChannelChoice, ChannelSurvey, ColourKind, RawBands, RawError, RawImage, RawInfo, Survey, survey,
};
pub use tiff::{ByteOrder, ChunkLayout, Compression, Photometric, Planar, TiffProblem};
