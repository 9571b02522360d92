//! What a search needs to be told.

use serde::{Deserialize, Serialize};

/// What the alignment and the scale have found about the pair.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct PairFacts {
    /// The factor by which the background became brighter.
    pub scale: f64,
    /// The standard error of that factor.
    pub scale_std_error: f64,
    /// The black level of post, counts.
    pub post_black: f64,
    /// The black level of pre, counts.
    pub pre_black: f64,
    /// How far the alignment may be off, px (root mean square).
    pub alignment_residual_px: f64,
}

impl PairFacts {
    /// A scale that is known, without black levels, of images that are aligned.
    pub fn of_scale(scale: f64) -> Self {
        Self {
            scale,
            scale_std_error: 0.0,
            post_black: 0.0,
            pre_black: 0.0,
            alignment_residual_px: 0.0,
        }
    }
}

/// How to search.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct DetectOptions {
    /// An object needs a pixel of this significance. Larger: fewer false ones and fewer faint ones; 5 leaves about one false
    /// object in ten million pixels of normal noise.
    pub detect_sigma: f64,
    /// The footprint of an object goes down to this significance of the finest filters. Larger: smaller footprints, which touch
    /// less often.
    pub footprint_sigma: f64,
    /// Objects with a smaller footprint are left out, px.
    pub min_area_px: usize,
    /// Objects with a larger footprint are left out, px.
    pub max_area_px: usize,
    /// Footprints wider or higher than this are cut at ever higher levels until they are not, px.
    pub max_extent_px: usize,
    /// Sigma of the point spread, px, that lengths and widths are corrected for; estimated from the thinnest objects where it is
    /// not known.
    pub psf_sigma_px: Option<f64>,
    /// Synthetic microbes that are planted to learn how many are found; 0 for none.
    pub injections: usize,
    /// Rows that are worked on at a time, besides those around them. It changes memory and speed, never the result.
    pub strip_rows: usize,
}

impl Default for DetectOptions {
    fn default() -> Self {
        Self {
            detect_sigma: 5.0,
            footprint_sigma: 2.5,
            min_area_px: 4,
            max_area_px: 6000,
            max_extent_px: 64,
            psf_sigma_px: None,
            injections: 2000,
            strip_rows: 256,
        }
    }
}
