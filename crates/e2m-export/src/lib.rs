//! Pyramidal OME-TIFF and OME-Zarr from images that flow by row band.
//!
//! [`write_ome_tiff`] takes an [`OmeImage`], which says what the file shows, and one
//! [`BandSource`](e2m_image::BandSource) for each of its [`Channel`]s. It writes a BigTIFF of deflated tiles with the smaller
//! levels of each channel as SubIFDs, the layout that Bio-Formats (hence QuPath, Fiji and OMERO) and tifffile (hence napari) know as a
//! pyramid. [`write_ome_zarr`] takes the same and writes a folder of arrays in chunks, which are read over a network as well.
//!
//! | module | what it does |
//! |---|---|
//! | `image` | what a file shows: channels, colours, pixel size, annotations |
//! | `ome` | the same as OME-XML |
//! | `levels` | the sizes of the levels, and how a level becomes the next one |
//! | `tiles` | one row of tiles, compressed in parallel |
//! | `plane` | one channel: its bands through all levels |
//! | `file` | the TIFF around the channels: directories, and the file that appears whole or not at all |
//! | `zarr` | the OME-Zarr: chunks or shards, the JSON around them, the windows of the channels |
//! | `estimate` | how long an export will be |
//! | `verifying` | reads back what was written |
//!
//! # What is promised
//!
//! * All pixels are 32 bit floats, as channels of one OME image have one type, and differences have signs; [`write_ome_tiff_of`]
//!   writes whole numbers as they are. The pixels of the first level are those of the source, bit for bit.
//! * Memory does not depend on the height of the image: [`memory_bytes`].
//! * The same image and pixels give the same bytes, whatever the number of threads.
//! * The file, or folder, has its name only once all of it is on the disk.
//!
//! It builds on `e2m-image` (bands) and `e2m-io` (atomic files); `e2m-batch` is its main caller. The README has an example.
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

mod error;
mod estimate;
mod file;
mod image;
mod levels;
mod ome;
mod plane;
mod tiles;
mod verifying;
mod zarr;

pub use error::ExportError;
pub use estimate::estimated_bytes;
pub use file::{OmeTiff, description, memory_bytes, write_ome_tiff, write_ome_tiff_of};
pub use image::{Channel, Colour, Compression, OmeImage, Pyramid};
pub use levels::level_sizes;
pub use verifying::tiles_hash;
pub use zarr::{OmeZarr, ZarrVersion, write_ome_zarr, zarr_description};

/// Makes the example of the README a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
