//! The diagnostic pictures of a task.
//!
//! Each picture is one struct of plain data and one function that turns it into the bytes of a PNG. Nothing here opens a
//! file or needs a display or installed fonts; the same data give the same bytes.
//!
//! | picture | what it shows |
//! |---|---|
//! | [`draw_registration_residual`] | the displacement that remains, tile by tile, as magnified arrows on post |
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
//!
//! # Example
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
mod picture;
mod preview;
mod statistics;

pub use error::PlotError;
pub use picture::{
    Contour, DifferenceHistogramPicture, DifferenceImagePicture, ExcessHeatmapPicture,
    FineAlignmentPicture, MoffatProfile, PrePostHeatmapPicture, PrePostHistogramsPicture,
    RatioHistogramPicture, RegistrationPicture, ResidualArrow, ResidualPicture, ScaleLine,
    ScaleMethod, draw_difference_histogram, draw_difference_image, draw_excess_heatmap,
    draw_fine_alignment, draw_pre_post_heatmap, draw_pre_post_histograms, draw_ratio_histogram,
    draw_registration, draw_registration_residual,
};
pub use preview::{Preview, Title};
pub use statistics::{
    BrightnessHistogram, DifferenceClass, DifferenceHistogram, DifferencePreview,
    DifferenceSummary, JointGrid, JointHistogram, Levels, Outline, PairStatistics,
};
