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
    /// Enough pixels have signal in both, but nowhere does a part of the section stand out above the black levels of both.
    #[error(
        "{found} pixels have signal in both images, but no part of the section stands out above the black level of both: are channel \
         and exposure right?"
    )]
    NoBackground {
        /// Pixels positive in post and in aligned pre.
        found: u64,
    },
    /// A percentile outside 0 to 100.
    #[error("scale_percentile is {0}, it must lie between 0 and 100")]
    Percentile(f64),
}
