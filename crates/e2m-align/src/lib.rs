//! Finds the warp between two images of the same section, and says what is to be thought of it.
//!
//! [`align`] does it for two arrays in memory. Its steps need little memory whatever the size of the images, and can be
//! taken one by one:
//!
//! 1. [`Previews`]: both images reduced to at most 1,600 px. [`Previews::align_coarsely`] tries two ways and keeps the
//!    one under whose warp the fine structure is most alike ([`CoarseChoice`]): SIFT features
//!    ([`Previews::align_by_features`]; any rotation, magnifications up to 2.5, no outline needed), and the section's
//!    outer boundary ([`align_boundary`]; rings along the outlines correlated over angles and magnifications, then contour
//!    points; no texture needed).
//! 2. [`Previews::correct_inside`]: features inside the section, each looked for where the warp expects it.
//! 3. [`choose_tiles`], [`TileCollector`]: squares at full resolution, spread over what both images show, two thirds
//!    for the fit and one third for the check.
//! 4. [`align_fine`]: the homography is refined on the tiles of the fit by comparing brightness ([`refine`]), the sharper
//!    image blurred as much as the other, to hundredths of a pixel; it is kept only where the tiles of the check do not
//!    speak against it.
//! 5. [`check_alignment`]: how far each tile of the check still is off, and whether it fits better than tiles do at wrong
//!    places; [`Previews::similarity`]: how alike the whole is.
//! 6. [`judge`]: pass, suspect or fail, with the reasons.
//!
//! Warps map post pixels to pre pixels; pixel centres lie on integers, x right, y down. This crate opens no files;
//! `e2m-pipeline` feeds it from row bands. How accurate it is, kind by kind, stands in `docs/accuracy.md`.
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
//!
//! // Tiles that took no part in the fit say how far it is off, and the judgement what to think of that.
//! assert!(alignment.check.summary.is_some_and(|r| r.median_px < 0.1));
//! let judgement = alignment.judgement;
//! assert_eq!(judgement.verdict, Verdict::Pass, "{:?}", judgement.reasons);
//! # Ok::<(), e2m_align::AlignError>(())
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
mod memory;
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
pub use memory::search_memory_bytes;
pub use options::{CoarseOptions, RefineOptions};
pub use pair::{AlignOptions, Alignment, align};
pub use previews::Previews;
pub use refine::{Refinement, refine};
pub use residual::{ResidualSummary, TileResidual};
pub use similarity::Similarity;
pub use tiles::{Tile, TileCollector, TilePlan, TileSpec, choose_tiles};
pub use verdict::{Judgement, Verdict, judge, local_displacement};
