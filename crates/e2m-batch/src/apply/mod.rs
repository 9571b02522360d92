//! Warps other images, points and outlines with the warp that a task has found.
//!
//! `warp` reads it from the task's record, with what is to be thought of it; `image` warps an image of the same raw size; `points` a
//! table, `geojson` outlines.
//!
//! # Coordinates
//!
//! A pixel's centre has whole coordinates, counted from 0 at the first pixel: of the canvas, or of the raw images, which lie `pad` px
//! from its edges. GeoJSON counts from the corner of a pixel, as QuPath does, so that the centre of the first pixel is (0.5, 0.5).

mod back;
mod error;
mod geojson;
mod image;
mod nearest;
mod points;
mod warp;

pub use error::ApplyError;
pub use geojson::warp_geojson;
pub use image::{ImageRequest, warp_image};
pub use points::warp_points;
pub use warp::{Direction, Frame, Standing, TaskWarp};
