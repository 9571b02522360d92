//! The TIFF container: read by this module, written by the `tiff` crate.
//!
//! Reading is not left to that crate. Its decoder expands whole chunks, and the most common files here hold the whole image
//! in one chunk. It refuses palettes, and directories with more than 32,768 chunks. The container itself is small.
//!
//! Nothing is allocated that is out of proportion to the size of the file.
//!
//! | module | what it does |
//! |---|---|
//! | [`directory`] | reads tags |
//! | [`interpret`] | knows what tags mean |
//! | [`layout`] | checks that the tags together describe an image that can be there |
//! | [`plausible`] | checks that the image can be as large as the tags say |
//! | [`pages`] | lists the images of a file |
//! | [`chunk`] | turns one strip or tile into rows |
//! | [`codec`] | decodes strips and tiles that are images of their own |
//! | [`xz`] | decompresses LZMA |
//! | [`rows`] | turns all strips or tiles into rows of the image |
//! | [`plain`] | reads uncompressed floats without a detour |
//! | [`writer`] | writes checkpoints |
//! | [`flags`] | writes masks |
//! | [`strips`] | cuts the rows of a checkpoint into strips |
//! | [`deflate`] | compresses strips |
//!
//! `raw` and `checkpoint` build on this module.

mod chunk;
mod codec;
mod decompress;
mod deflate;
mod directory;
mod flags;
mod interpret;
mod jpeg;
mod jpeg2000;
mod jpeg_stream;
mod layout;
mod orientation;
mod pages;
mod plain;
mod plausible;
mod predictor;
mod problem;
mod rows;
mod sample;
mod strips;
mod tags;
mod webp;
mod writer;
mod xz;

pub(crate) use flags::{FlagsTiff, flags_memory_bytes, flags_table_bytes};
pub(crate) use layout::ImageLayout;
pub(crate) use orientation::Orientation;
pub(crate) use pages::{FileOutline, PageOutline};
pub(crate) use plain::PlainRows;
pub(crate) use plausible::check_proportion;
#[cfg(feature = "vendor-formats")]
pub(crate) use problem::ByteBudget;
pub use problem::TiffProblem;
pub(crate) use rows::{Channel, RowLayout, Rows, with_channel};
pub(crate) use sample::Sample;
#[cfg(feature = "vendor-formats")]
pub(crate) use sample::Stored as StoredSample;
pub(crate) use strips::strip_table_bytes;
pub(crate) use tags::SampleKind;
pub use tags::{ByteOrder, ChunkLayout, Compression, Photometric, Planar};
pub(crate) use writer::{TiffWriter, WriterOptions, writer_memory_bytes};
