//! The diagnostic pictures of a task, and the statistics they are drawn from.
//!
//! Each picture is one struct of plain data and one function that turns it into the bytes of a PNG. Nothing here opens a
//! file or needs a display or installed fonts; the same data give the same bytes.
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
//! # How it draws
//!
//! `tiny-skia` fills paths, `ab_glyph` reads glyphs from the DejaVu Sans that the `dejavu` crate embeds, `colorous` has
//! the colour maps of matplotlib, `png` encodes. Charting libraries were looked at and left: `plotters` wants a font
//! registered by the caller and leaves legends, colour bars and shared scales to be drawn by hand; `kuva` knows
//! heatmaps and quivers, but no raster image for them to stand on. What is left to do here is axes, ticks and legends.
//! The font comes under the Bitstream Vera licence, which asks for its notice where the font is passed on.
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
//! let title = Title { sample: "CD070".into(), dye: "DAPI".into() };
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
//! let title = Title { sample: "CD070".into(), dye: "DAPI".into() };
//! let arrows = [ResidualArrow { x: 900.0, y: 700.0, dx: 0.02, dy: -0.01, ok: true }];
//! let png = draw_registration_residual(&ResidualPicture {
//!     title: &title,
//!     post: Preview { pixels: post.view(), factor: 15.0 },
//!     arrows: &arrows,
//! })?;
//! assert!(png.starts_with(b"\x89PNG"));
//! # Ok::<(), e2m_plot::PlotError>(())
//! ```

#[cfg(test)]
mod decoded;
mod draw;
mod error;
mod jpeg;
mod picture;
mod preview;
mod report;
mod statistics;

pub use error::PlotError;
pub use picture::{
    ComparisonImages, ComparisonPicture, Contour, DifferenceHistogramPicture,
    DifferenceImagePicture, ExcessHeatmapPicture, FineAlignmentPicture, MoffatProfile,
    PrePostHeatmapPicture, PrePostHistogramsPicture, RatioHistogramPicture, RatioPeak,
    RegistrationPicture, ResidualArrow, ResidualPicture, ScaleLine, ScaleMethod, draw_comparison,
    draw_difference_histogram, draw_difference_image, draw_excess_heatmap, draw_fine_alignment,
    draw_pre_post_heatmap, draw_pre_post_histograms, draw_ratio_histogram, draw_registration,
    draw_registration_residual,
};
pub use preview::{Preview, Title};
pub use report::{
    Comparison, PICTURE_GUIDES, PictureGuide, PictureKind, ReportError, ReportFile, ReportHead,
    ReportPicture, ReportProblem, ReportRow, ReportScale, ReportStage, ReportStatus, ReportVerdict,
    ReportWriter, TaskSection, write_report,
};
pub use statistics::{
    BrightnessHistogram, DifferenceClass, DifferenceHistogram, DifferencePreview,
    DifferenceSummary, JointGrid, JointHistogram, Levels, Outline, PairStatistics,
};
