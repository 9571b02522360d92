//! Raw images: TIFFs of many kinds, reduced to the one channel that carries the signal.
//!
//! [`image`] opens a file and offers three ways to read it: a plane in memory, bands of rows, a survey of a crop.
//! [`source`] gives the colour channels of one row after the other, with palettes looked up. [`channels`] decides which
//! channel carries the signal.

mod bands;
mod channels;
mod image;
mod source;
mod survey;
mod tally;

pub use bands::RawBands;
pub use channels::{ChannelChoice, ColourKind};
pub use image::{RawError, RawImage, RawInfo};
pub use survey::{ChannelSurvey, Survey, survey};
