//! The diagnostic pictures of a task, the statistics they are drawn from, and the report of a batch.
//!
//! Each picture is one struct of plain data and one function that turns it into the bytes of a PNG. Nothing here opens a
//! file or needs a display or installed fonts; the same data give the same bytes.
//!
//! | module | what lives there |
//! |---|---|
//! | `statistics` | what is counted while bands go by |
//! | `picture` | the pictures, one file each |
//! | `draw` | what they share: surface, axes, panels, legends, type |
//! | `readable` | whether a picture on disk is still whole: [`check_picture`] |
//! | `report` | the HTML page of a batch; its templates, style and script are in `templates/report` |
//!
//! | picture | what it shows | drawn from |
//! |---|---|---|
//! | [`draw_registration`] | post and pre with their rings, both after the coarse alignment, the difference | previews, contours |
//! | [`draw_fine_alignment`] | the rings before and after ICP, whole and close up | preview, contours |
//! | [`draw_registration_residual`] | the displacement that remains, tile by tile, as magnified arrows on post | preview, arrows |
//! | [`draw_pre_post_heatmap`] | how many pixels have each pair of brightness | [`JointHistogram`] |
//! | [`draw_excess_heatmap`] | what lies above the diagonal beyond its mirror image, with the scales | [`JointHistogram`] |
//! | [`draw_pre_post_histograms`] | how bright the pixels of each image are | [`BrightnessHistogram`] |
//! | [`draw_difference_histogram`] | post - pre for all pixels, both positive, post only | [`DifferenceHistogram`] |
//! | [`draw_ratio_histogram`] | the ratios of pixels, the peak of those of blocks with fit, scale and error | counts per log ratio |
//! | [`draw_difference_image`] | post - scale x pre, with every single microbe | [`DifferenceSummary`] |
//! | [`draw_microbes`] | every object of the catalogue as a circle on post | preview, places |
//! | [`draw_significance_histogram`] | how the significance is distributed, and the normal curve | counts |
//! | [`draw_zoom`] | a region of several images at full resolution, side by side, PNG or TIFF | pixels |
//! | [`draw_blink`] | the same one after another, as an animated PNG | pixels |
//! | [`draw_comparison`] | post and aligned pre as two bare images of one frame, JPEG | previews |
//!
//! # Statistics
//!
//! [`PairStatistics`] takes row bands of post and aligned pre and gathers the joint histogram, the differences and the
//! brightness of aligned pre in one pass; [`BrightnessHistogram`] counts a raw image; [`DifferencePreview`] keeps the
//! extreme of each block. Brightness is counted in [`Levels`], of which integer images have one per count. Padding is
//! what lies outside the [`Outline`] of an image. Memory does not depend on the image, and band height and threads do
//! not change a count.
//!
//! Pictures of images are drawn from a [`Preview`]; their axes and everything on them are in full-resolution px, pixel
//! centres on whole numbers, `x` right, `y` down. What is empty, constant or not a number is drawn as such, with "no
//! data" where nothing can be shown; data never cause an error.
//!
//! # The report
//!
//! [`ReportWriter`] writes one page of HTML for a batch to any [`Write`](std::io::Write): first what is wrong and a table
//! of all tasks ([`ReportHead`]), then a section with the pictures of each task ([`TaskSection`]), given one after the
//! other so that only those of one are in memory. The page needs nothing beside it: pictures are embedded, large ones as
//! JPEG of at most 1,400 px, about 2 MB for a task with all of them, and links lead to the files. Without a script it is
//! still whole; with it the table sorts, and post and aligned pre lie on top of each other to be swiped or blinked. A
//! content security policy forbids the page everything else. [`PictureKind::guide`] has what to look for on each picture.
//!
//! # How it draws
//!
//! `tiny-skia` fills paths, `ab_glyph` reads glyphs from the DejaVu Sans that the `dejavu` crate embeds, `colorous` has
//! the colour maps of matplotlib, `png` encodes. Charting libraries were looked at and left: `plotters` wants a font
//! registered by the caller and leaves legends, colour bars and shared scales to be drawn by hand; `kuva` knows
//! heatmaps and quivers, but no raster image for them to stand on. What is left to do here is axes, ticks and legends.
//! `askama` fills the report's templates and escapes what goes into them, `jpeg-encoder` encodes what a page has to hold.
//! The font comes under the Bitstream Vera licence, which asks for its notice where the font is passed on:
//! [`FONT_LICENCE`].
//!
//! # Examples
//!
//! Count a pair and draw its joint histogram:
//!
//! ```
//! use e2m_plot::{Levels, Outline, PairStatistics, PrePostHeatmapPicture, Title, draw_pre_post_heatmap};
//! use ndarray::Array2;
//!
//! let pre = Array2::from_shape_fn((50, 80), |(y, x)| (20 + (x * y) % 90) as f32);
//! let post = pre.mapv(|v| (1.3 * v).round());
//! let frame = Outline::upright(0.0, 0.0, 80.0, 50.0); // no padding here
//! let mut statistics = PairStatistics::new(Levels::COUNTS, frame, frame);
//! statistics.add_band(0, post.view(), pre.view());
//! let (joint, _differences, _aligned) = statistics.finish();
//!
//! let title = Title { sample: "CD070".into(), dye: "DAPI".into(), um_per_px: Some([0.325, 0.325]) };
//! let png = draw_pre_post_heatmap(&PrePostHeatmapPicture { title: &title, joint: &joint })?;
//! # assert!(png.starts_with(b"\x89PNG"));
//! # Ok::<(), e2m_plot::PlotError>(())
//! ```
//!
//! Draw residual displacements:
//!
//! ```
//! use e2m_plot::{Preview, ResidualArrow, ResidualPicture, Title, draw_registration_residual};
//! use ndarray::Array2;
//!
//! let post = Array2::from_elem((100, 120), 40.0f32);
//! let title = Title { sample: "CD070".into(), dye: "DAPI".into(), um_per_px: Some([0.325, 0.325]) };
//! let arrows = [ResidualArrow { x: 900.0, y: 700.0, dx: 0.02, dy: -0.01, ok: true }];
//! let png = draw_registration_residual(&ResidualPicture {
//!     title: &title,
//!     post: Preview { pixels: post.view(), factor: 15.0 },
//!     origin: (0.0, 0.0),
//!     arrows: &arrows,
//! })?;
//! assert!(png.starts_with(b"\x89PNG"));
//! # Ok::<(), e2m_plot::PlotError>(())
//! ```
//!
//! Report a batch of one task:
//!
//! ```
//! use e2m_plot::{
//!     Comparison, ComparisonPicture, Preview, ReportHead, ReportRow, ReportStatus, ReportWriter, TaskSection,
//!     draw_comparison,
//! };
//! use ndarray::Array2;
//!
//! let head = ReportHead {
//!     batch: "batch.toml".into(),
//!     tally: "1 complete".into(),
//!     tasks: vec![ReportRow {
//!         residual_median_px: Some(0.021),
//!         ..ReportRow::new("CD070", "DAPI", ReportStatus::Complete)
//!     }],
//!     ..ReportHead::default()
//! };
//! let mut page = Vec::new(); // a file, elsewhere
//! let mut report = ReportWriter::new(&mut page, &head)?;
//! for row in head.order() {
//!     let (post, pre) = (Array2::from_elem((90, 120), 40.0), Array2::from_elem((90, 120), 31.0));
//!     let preview = |pixels| Preview { pixels, factor: 15.0 };
//!     let images = draw_comparison(&ComparisonPicture {
//!         post: preview(post.view()),
//!         aligned: preview(pre.view()),
//!         um_per_px: None,
//!     })?;
//!     report.task(&TaskSection {
//!         row,
//!         pictures: Vec::new(), // read from the task's folder
//!         comparison: Some(Comparison {
//!             post: images.post,
//!             aligned: images.aligned,
//!             factor: Some(images.factor),
//!         }),
//!         close_ups: None,
//!     })?;
//! }
//! report.finish()?;
//! assert!(page.starts_with(b"<!doctype html>"));
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

#[cfg(test)]
mod decoded;
mod draw;
mod error;
mod jpeg;
mod picture;
mod preview;
mod readable;
mod report;
mod statistics;

/// The licence of DejaVu Sans, the font of the pictures, which is part of whatever is built with this crate; it has to be passed
/// on with it.
pub const FONT_LICENCE: &str = include_str!("../licences/DejaVu.txt");

pub use draw::encode::PictureFormat;
pub use error::PlotError;
pub use picture::*;
pub use preview::{Preview, Title};
pub use readable::{UnreadablePicture, check_picture};
pub use report::{
    Comparison, Pages, ReportError, ReportFile, ReportHead, ReportPage, ReportPicture,
    ReportProblem, ReportRow, ReportScale, ReportStage, ReportStatus, ReportVerdict, ReportWriter,
    TASKS_PER_PAGE, TaskSection, page_name, write_report, write_report_index, write_report_page,
};
pub use statistics::{
    BrightnessHistogram, DifferenceClass, DifferenceHistogram, DifferencePreview,
    DifferenceSummary, JointGrid, JointHistogram, Levels, Outline, PairStatistics,
};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
