//! The TIFF container: directories, chunk layout, decompression, rows; and checkpoints, which the `tiff` crate writes.
//!
//! Why reading is not left to that crate too: its decoder expands whole chunks, and the most common files here hold the
//! whole image in one chunk; it refuses palettes and directories with more than 32,768 chunks. The container itself is
//! small. Everything here is bounded by the size of the file before anything is allocated.
//!
//! [`directory`] reads tags, [`interpret`] knows what they mean, [`layout`] checks that together they describe an image
//! that can be there, [`plausible`] that it can be as large as it says, [`chunk`] turns one strip or tile into rows, [`rows`] turns all of them into rows of the image;
//! [`plain`] is the short way for uncompressed floats. `raw` and `checkpoint` build on both. [`writer`] writes checkpoints,
//! [`strips`] cuts their rows, [`deflate`] compresses them.

mod chunk;
mod decompress;
mod deflate;
mod directory;
mod interpret;
mod jpeg;
mod layout;
mod plain;
mod plausible;
mod predictor;
mod problem;
mod rows;
mod sample;
mod strips;
mod tags;
mod writer;

pub(crate) use layout::ImageLayout;
pub(crate) use plain::PlainRows;
pub use problem::TiffProblem;
pub(crate) use rows::{Channel, RowLayout, Rows, with_channel};
pub(crate) use sample::Sample;
pub(crate) use strips::strip_table_bytes;
pub(crate) use tags::SampleKind;
pub use tags::{ByteOrder, ChunkLayout, Compression, Photometric, Planar};
pub(crate) use writer::{TiffWriter, WriterOptions, writer_memory_bytes};
