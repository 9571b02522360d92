//! Finds the warp between two images of the same section and says how well it fits.
//!
//! The work is done in two steps, with little memory whatever the size of the images:
//!
//! 1. [`Previews`]: SIFT features (OpenCV) of both images at a working size of at most 1,600 px, matched, and the
//!    homography that most matches agree on. Any rotation, magnifications up to 2.5, no outline needed.
//! 2. [`choose_tiles`], [`TileCollector`], [`align_fine`]: tiles at full resolution, spread over what both images show, on
//!    which the homography is refined by comparing brightness, to a few hundredths of a pixel.
//!
//! Where a section shows its outline, [`align_boundary`] can take the place of the first step: rings along the outlines are
//! correlated over angles and magnifications, then contour points are fitted. It needs no texture.
//!
//! The result is judged on tiles that took no part in the fit ([`measure_residuals`]), and as a whole by
//! [`similarity`]. [`align`] does all of it for two arrays in memory.
//!
//! Warps map post pixels to pre pixels; pixel centres lie on integers. This crate opens no files; `e2m-pipeline` feeds
//! it from row bands.
//!
//! # Example
//!
//! ```
//! use e2m_align::{AlignOptions, Verdict, align};
//! use e2m_image::{Size, Warp, sample_bilinear};
//! use ndarray::Array2;
//!
//! // A textured image, and the same one turned by three degrees and twice as bright.
//! let texture = |x: f64, y: f64| {
//!     let cell = |n: f64, p: f64| ((x * 0.031 * n + p).sin() * (y * 0.027 * n - p).cos() * 37.3).sin();
//!     (128.0 + 40.0 * cell(1.0, 0.3) + 30.0 * cell(2.3, 1.7)) as f32
//! };
//! let turn = Warp::similarity(1.0, 3.0, (300.0, 240.0));
//! let pre = Array2::from_shape_fn((480, 600), |(y, x)| texture(x as f64, y as f64));
//! let post = Array2::from_shape_fn((480, 600), |(y, x)| {
//!     let (u, v) = turn.apply(x as f64, y as f64);
//!     2.0 * texture(u, v)
//! });
//!
//! let alignment = align(post.view(), pre.view(), &AlignOptions::default())?;
//! assert!(alignment.warp.mean_distance(&turn, Size::new(600, 480)) < 0.05);
//! assert!(alignment.check.summary.is_some_and(|r| r.median_px < 0.1));
//! assert_eq!(alignment.judgement.verdict, Verdict::Pass, "{:?}", alignment.judgement.reasons);
//! # Ok::<(), e2m_align::AlignError>(())
//! ```

mod boundary;
mod check;
mod choice;
mod coarse;
mod comparison;
mod cv;
mod defocus;
mod detail;
mod equations;
mod error;
mod features;
mod fine;
mod frame;
mod interior;
mod matching;
mod options;
mod pair;
mod previews;
mod refine;
mod residual;
mod sampling;
mod similarity;
#[cfg(test)]
mod synthetic;
mod tiles;
mod verdict;

pub use boundary::{
    BoundaryAlignment, BoundaryOptions, Change, EccReport, IcpReport, Outline, TransformModel,
    align_boundary, outline_applies,
};
pub use check::{Chance, Check, check_alignment};
pub use choice::{Candidate, CoarseChoice, CoarseMethod};
pub use coarse::CoarseAlignment;
pub use error::{AlignError, OutlineFlaw, Side};
pub use fine::{FineAlignment, align_fine};
pub use interior::{InteriorCorrection, InteriorOptions};
pub use options::{CoarseOptions, RefineOptions};
pub use pair::{AlignOptions, Alignment, align};
pub use previews::Previews;
pub use refine::{Refinement, refine};
pub use residual::{ResidualSummary, TileResidual};
pub use similarity::Similarity;
pub use tiles::{Tile, TileCollector, TilePlan, TileSpec, choose_tiles};
pub use verdict::{Judgement, Verdict, judge, local_displacement};
