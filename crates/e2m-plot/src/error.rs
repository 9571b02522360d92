//! What can go wrong when a picture is drawn.

use thiserror::Error;

/// Why there is no picture. Data alone never cause one: what is empty or not a number is drawn as "no data".
#[derive(Debug, Error)]
pub enum PlotError {
    /// The page could not be made at this size, px.
    #[error("a picture of {width} x {height} px cannot be made")]
    PageSize {
        /// Width asked for.
        width: f64,
        /// Height asked for.
        height: f64,
    },
    /// The embedded font could not be read.
    #[error("the embedded font could not be read: {0}")]
    Font(String),
    /// The PNG encoder failed.
    #[error("the picture could not be encoded as PNG: {0}")]
    Encode(#[from] png::EncodingError),
    /// The JPEG encoder failed.
    #[error("the picture could not be encoded as JPEG: {0}")]
    EncodeJpeg(#[from] jpeg_encoder::EncodingError),
    /// Two images of a comparison are not of the same frame.
    #[error(
        "post has {post:?} px (rows, columns) and aligned pre {aligned:?}; they cannot be compared"
    )]
    FramesDiffer {
        /// Shape of post.
        post: (usize, usize),
        /// Shape of aligned pre.
        aligned: (usize, usize),
    },
}
