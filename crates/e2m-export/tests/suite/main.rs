//! Exports, opened again by this crate and by others.

mod common;
mod ome_tiff;
mod ome_zarr;
mod viewers;
