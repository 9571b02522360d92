//! Why no scale could be given.

/// Why a scale could not be estimated.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ScaleError {
    /// Too few pixels with signal in both images.
    #[error(
        "only {found} pixels have signal in both images, a scale needs {needed}: do the images overlap?"
    )]
    FewPixels {
        /// Pixels positive in post and in aligned pre.
        found: u64,
        /// Pixels needed.
        needed: u64,
    },
    /// A percentile outside 0 to 100.
    #[error("scale_percentile is {0}, it must lie between 0 and 100")]
    Percentile(f64),
}
