//! What every picture of an image is given.

use ndarray::ArrayView2;

/// What a picture says of its task. Sample and dye are for the first line; either may be empty.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Title {
    /// Sample, as in `CD070`.
    pub sample: String,
    /// Dye, as in `SybrGld`.
    pub dye: String,
    /// Micrometres per full-resolution px along x and y, where they are known: images then have a scale bar.
    pub um_per_px: Option<[f64; 2]>,
}

/// A reduced image, shape `(height, width)`.
///
/// Pixel `(x, y)` stands for the block of `factor` x `factor` full-resolution px from `factor * x` on, so that
/// `x_small = (x + 0.5) / factor - 0.5`. NaN means that there is nothing, and is drawn white.
#[derive(Debug, Clone, Copy)]
pub struct Preview<'a> {
    /// Brightness in counts.
    pub pixels: ArrayView2<'a, f32>,
    /// Full-resolution px per preview px.
    pub factor: f64,
}

impl Preview<'_> {
    /// The same preview for a shorter time, which `ArrayView2` does not allow by itself.
    pub(crate) fn reborrow(&self) -> Preview<'_> {
        Preview {
            pixels: self.pixels.reborrow(),
            factor: self.factor,
        }
    }
}
