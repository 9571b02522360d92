//! Planes, canvas, warps and row bands: the vocabulary every other e2m crate speaks.
//!
//! | type | what it is |
//! |---|---|
//! | [`Plane`] | one channel of a raw image, kept in the type of its file (u8, u16 or f32) |
//! | [`PlaneView`] | a borrowed plane, made from an `ndarray` view of any of the three types |
//! | [`Canvas`] | the frame both images of a pair are placed on; padding is an offset, never an allocation |
//! | [`Warp`] | a homography from post-canvas pixels to pre-canvas pixels |
//! | [`Deformation`], [`Mapping`] | a smooth displacement on a small grid, and a warp with one on top |
//! | [`BandSource`], [`BandSink`] | whatever is canvas-sized flows from one to the other in bands of rows |
//! | [`Padded`], [`WarpedPlane`] | sources that put a raw image on the canvas, straight or through a warp |
//! | [`BlockMean`] | a sink that keeps a small preview of what flows through it |
//! | [`DefectFinder`], [`Defects`] | a sink that finds hot pixels and bad lines of the sensor, and where they are |
//! | [`HighestLevels`] | a sink that tells at which level an image is cut off |
//!
//! # Coordinates
//!
//! Pixel centres lie on integers, `x` to the right, `y` down. Arrays are indexed `[y, x]`, shapes are
//! `(height, width)`; [`Size`] and points are `(x, y)`-ordered as in `width, height`. Between resolutions with a factor
//! `k` the centre of a pixel moves by `x_small = (x + 0.5) k - 0.5`.
//!
//! Nothing here opens a file or knows OpenCV; `e2m-io` and `e2m-align` build on it.
//!
//! # Example
//!
//! Put a small plane on a canvas through a warp and read it band by band:
//!
//! ```
//! use e2m_image::{BandSource, Canvas, Plane, Size, Warp, WarpedPlane};
//! use ndarray::{Array2, array};
//!
//! let pre = Plane::from(array![[1u8, 2, 3], [4, 5, 6]]);
//! let canvas = Canvas::new(Size::new(3, 2), pre.size(), 1);
//! let half_pixel_right = Warp::translation(0.5, 0.0);
//! let mut aligned = WarpedPlane::new(&pre, canvas, half_pixel_right);
//!
//! let mut band = Array2::zeros((1, canvas.size().width));
//! aligned.read_band(1, band.view_mut())?; // canvas row 1 is raw row 0
//! assert_eq!(band, array![[0.5, 1.5, 2.5, 1.5, 0.0]]);
//! # Ok::<(), e2m_image::BandError>(())
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

mod band;
mod canvas;
mod defects;
mod deformation;
mod mapping;
mod plane;
mod preview;
mod resample;
mod saturation;
mod warp;

pub use band::{
    BandError, BandSink, BandSource, MemorySink, PlaneSource, Tap, check_band, default_band_rows,
    stream_bands,
};
pub use canvas::{Canvas, Padded};
pub use defects::{DefectFinder, Defects, FoundDefects, MendedView, Spot};
pub use deformation::{Deformation, DeformationError, spline_weights};
pub use mapping::{Mapping, square_points};
pub use plane::{PixelType, Plane, PlaneView, Size};
pub use preview::{BlockMean, preview_factor};
pub use resample::{Coverage, WarpedPlane, sample_bilinear};
pub use saturation::{HighestLevels, SaturationLevel};
pub use warp::{Warp, WarpError};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
