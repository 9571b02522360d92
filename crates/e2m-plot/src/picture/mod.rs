//! The pictures, one file each.

mod comparison;
mod difference_histogram;
mod difference_image;
mod fine_alignment;
mod heatmap;
mod histograms;
mod ratio_histogram;
mod registration;
mod residual;
mod scale_line;

pub use comparison::{ComparisonImages, ComparisonPicture, draw_comparison};
pub use difference_histogram::{DifferenceHistogramPicture, draw_difference_histogram};
pub use difference_image::{DifferenceImagePicture, draw_difference_image};
pub use fine_alignment::{FineAlignmentPicture, draw_fine_alignment};
pub use heatmap::{
    ExcessHeatmapPicture, PrePostHeatmapPicture, draw_excess_heatmap, draw_pre_post_heatmap,
};
pub use histograms::{PrePostHistogramsPicture, draw_pre_post_histograms};
pub use ratio_histogram::{MoffatProfile, RatioHistogramPicture, RatioPeak, draw_ratio_histogram};
pub use registration::{Contour, RegistrationPicture, draw_registration};
pub use residual::{ResidualArrow, ResidualPicture, draw_registration_residual};
pub use scale_line::{ScaleLine, ScaleMethod};
