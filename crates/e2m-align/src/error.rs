//! Why an alignment was not found.

/// The image a fact belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// After staining.
    Post,
    /// Before staining.
    Pre,
}

impl std::fmt::Display for Side {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Post => "post",
            Self::Pre => "pre",
        })
    }
}

/// Why no warp could be given. Every variant is a final answer about this pair, not a passing fault.
#[derive(Debug, thiserror::Error)]
pub enum AlignError {
    /// An image without any contrast.
    #[error("the {side} image is blank: all of its pixels have the value {value}")]
    Blank {
        /// Which image.
        side: Side,
        /// The value of all its pixels.
        value: f32,
    },
    /// Too small to hold any structure to follow.
    #[error(
        "the {side} image has {width} x {height} px, alignment needs at least {least} px on each side"
    )]
    TooSmall {
        /// Which image.
        side: Side,
        /// Its columns.
        width: usize,
        /// Its rows.
        height: usize,
        /// What is needed.
        least: usize,
    },
    /// Not enough distinct structure in an image.
    #[error(
        "only {found} features were found in the {side} image, alignment needs {needed}: is it out of focus or empty?"
    )]
    FewFeatures {
        /// Which image.
        side: Side,
        /// Features found.
        found: usize,
        /// Features needed.
        needed: usize,
    },
    /// The features of the two images do not fit together.
    #[error(
        "only {consistent} of {matched} matched features agree on one warp, {needed} are needed: \
         do both images show the same section?"
    )]
    FewMatches {
        /// Pairs of features that look alike.
        matched: usize,
        /// Of these, how many agree with the best warp.
        consistent: usize,
        /// How many must agree.
        needed: usize,
    },
    /// A warp no microscope makes.
    #[error("the best warp found is implausible ({reason}): do both images show the same section?")]
    Implausible {
        /// What is wrong with it, with figures.
        reason: String,
    },
    /// One image shows the section from behind.
    #[error(
        "pre is a mirror image of post: {inliers} features agree once it is flipped; flip one of the two and run again"
    )]
    Mirrored {
        /// Features that agree on one warp after flipping pre left to right.
        inliers: usize,
    },
    /// OpenCV refused.
    #[error("OpenCV: {0}")]
    OpenCv(#[from] opencv::Error),
}
