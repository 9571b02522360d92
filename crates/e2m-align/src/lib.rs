//! Finds the warp between two images of the same section, and says what is to be thought of it.
//!
//! [`align`] does it for two arrays in memory. [`Aligner`] does the same step by step over bands of rows, so that memory
//! stays small whatever the size of the images. Its steps:
//!
//! 1. [`Aligner::read_previews`]: both images reduced to at most 1,600 px ([`Previews`]).
//! 2. [`Aligner::align_coarsely`]: two methods are tried, and the one is kept under whose warp the fine structure is most
//!    alike ([`CoarseChoice`]). SIFT features ([`Previews::align_by_features`]) allow any rotation and magnifications up to
//!    2.5, and need no outline. The section's outer boundary ([`align_boundary`]) needs no texture: rings along the outlines
//!    are correlated over angles and magnifications, then contour points are fitted. Where features leave a doubt, each warp
//!    is refined and checked on tiles of the previews, and the one that most tiles agree with is kept. Where tiles agree with
//!    none, edges and details are correlated over shifts, rotations and magnifications ([`Previews::align_by_correlation`]):
//!    that needs neither features nor an outline, and finds what is sparse, noisy, or dyed otherwise.
//! 3. [`Aligner::correct_inside`]: features inside the section, each looked for where the warp expects it.
//! 4. [`Aligner::refine`]: tiles at full resolution are chosen ([`choose_tiles`]) and read ([`TileCollector`]), spread over
//!    what both images show, two thirds for the fit and one third for the check. [`align_fine`] refines the homography on the
//!    tiles of the fit by comparing brightness ([`refine`]), the sharper image blurred as much as the other, to hundredths of
//!    a pixel. The result is kept only where the tiles of the check do not speak against it. [`check_alignment`] measures how
//!    far each tile of the check still is off, and whether it fits better than tiles do at wrong places.
//!    Where the check shows that the section is deformed, a smooth displacement goes on top of the warp, if it helps tiles that it
//!    has not seen ([`LocalCorrection`]).
//! 5. [`Aligner::assess`]: pass, suspect or fail, with the reasons ([`assess`]).
//!
//! Warps map post pixels to pre pixels; pixel centres lie on integers, x right, y down. This crate opens no files;
//! `e2m-pipeline` feeds it from row bands. How accurate it is, kind by kind, stands in `docs/accuracy.md`.
//!
//! # Without OpenCV
//!
//! The search (steps 1 to 3) needs OpenCV, behind the feature `opencv`, which is on by default. Without it the crate builds on
//! any machine, and what remains is for a warp that is there already: choosing tiles, refining, checking and assessing it.
//!
//! ```
//! use e2m_align::ndarray::Array2;
//! use e2m_align::{
//!     PlaneSource, PlaneView, RefineOptions, SignalSimilarity, Size, TileCollector, Verdict, Warp, align_fine, assess,
//!     choose_tiles, stream_bands,
//! };
//! use std::ops::ControlFlow;
//! # let texture = |x: usize, y: usize| {
//! #     let cell = |n: f64, p: f64| ((x as f64 * 0.031 * n + p).sin() * (y as f64 * 0.027 * n - p).cos() * 37.3).sin();
//! #     128.0 + 40.0 * cell(1.0, 0.3) as f32 + 30.0 * cell(2.3, 1.7) as f32
//! # };
//!
//! let post = Array2::from_shape_fn((480, 600), |(y, x)| 2.0 * texture(x + 9, y + 4));
//! let pre = Array2::from_shape_fn((500, 620), |(y, x)| texture(x, y));
//! let (size, pre) = (Size::new(600, 480), PlaneView::from(pre.view()));
//! let known = Warp::translation(8.0, 5.0); // from elsewhere, a pixel off
//!
//! let options = RefineOptions::default();
//! let plan = choose_tiles(post.view(), 1, size, pre.size(), &known, &options);
//! let mut fit = TileCollector::new(size, plan.fit);
//! let mut check = TileCollector::new(size, plan.check);
//! stream_bands(&mut PlaneSource::new(post.view()), &mut [&mut fit, &mut check], 64, |_| ControlFlow::Continue(()))?;
//! let fine = align_fine(&fit.into_tiles(), &check.into_tiles(), size, pre.into(), &known, &options);
//! assert!(fine.warp.mean_distance(&Warp::translation(9.0, 4.0), size) < 0.05);
//!
//! let preview = Array2::from_shape_fn((500, 620), |(y, x)| texture(x, y));
//! let overlap = SignalSimilarity::of(post.view(), preview.view(), 1, &fine.warp).overlap_fraction;
//! assert_eq!(assess(&fine.check, overlap, None, 0).verdict, Verdict::Pass);
//! # Ok::<(), e2m_align::BandError>(())
//! ```
//!
//! # Example
//!
//! ```
//! # #[cfg(feature = "opencv")] {
//! use e2m_align::ndarray::Array2;
//! use e2m_align::{AlignOptions, Size, Verdict, Warp, align};
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
//!
//! // Tiles that took no part in the fit say how far it is off, and the assessment what to think of that.
//! assert!(alignment.check.summary.is_some_and(|r| r.median_px < 0.1));
//! let assessment = alignment.assessment;
//! assert_eq!(assessment.verdict, Verdict::Pass, "{:?}", assessment.reasons);
//! # }
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

mod check;
mod comparison;
mod defocus;
mod deformation;
mod elsewhere;
mod equations;
mod fine;
mod frame;
mod groups;
mod local;
mod misaligned;
mod options;
mod parsimony;
mod percentile;
mod refine;
mod residual;
mod rims;
mod sampling;
#[cfg(feature = "opencv")]
mod search;
mod similarity;
mod slopes;
mod survey;
#[cfg(test)]
mod synthetic;
mod tiles;
mod uncertainty;
mod verdict;

pub use check::{Check, NullCorrelation, check_alignment, check_mapping};
pub use deformation::{local_deformation, local_displacement};
pub use fine::{FineAlignment, align_fine};
pub use local::{
    LocalCorrection, LocalOutcome, LocalPair, choose_local_tiles, correct_locally,
    local_memory_bytes, needs_local_correction,
};
pub use misaligned::{MisalignedRegion, MisalignedTile, misaligned_tiles};
pub use options::RefineOptions;
pub use refine::{Refinement, refine};
pub use residual::{ResidualSummary, TileResidual};
#[cfg(feature = "opencv")]
pub use search::*;
pub use similarity::SignalSimilarity;
pub use survey::{MisplacedPart, PartFate};
pub use tiles::{Tile, TileCollector, TilePlan, TileSpec, choose_tiles};
pub use verdict::{Assessment, Verdict, assess};

// What the functions above ask for and return, so that a program needs no other crate of the project.
pub use e2m_image::{
    BandError, BandSink, BandSource, BlockMean, Defects, Deformation, HighestLevels, Mapping,
    MemorySink, MendedView, PixelType, Plane, PlaneSource, PlaneView, Size, Warp, WarpError,
    WarpedPlane, default_band_rows, preview_factor, sample_bilinear, stream_bands,
};
pub use ndarray;

#[cfg(all(doctest, feature = "opencv"))]
#[doc = include_str!("../README.md")]
struct Readme;
