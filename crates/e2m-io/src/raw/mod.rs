//! Raw images: TIFFs of many kinds, reduced to the channels that carry the signal.
//!
//! [`image`] opens a file and offers three ways to read it: a plane in memory, bands of rows, a survey of a crop.
//! [`source`] gives the colour channels of one row after the other, with palettes looked up. [`statistics`] finds what each
//! channel holds, [`request`] is what somebody asks for, and [`pair`] decides for both images of a pair which [`channels`] are
//! taken. [`reduce`] makes one number of them.

mod bands;
mod channels;
mod count;
mod image;
mod pair;
mod reduce;
mod request;
mod source;
mod statistics;
mod survey;

pub use bands::RawBands;
pub use channels::{ChannelChoice, ColourKind, Reduction};
pub use image::{RawError, RawImage, RawInfo};
pub use pair::{ChannelDifference, ImageChannels, PairChoice, choose_channels};
pub use request::ChannelRequest;
pub use statistics::ChannelStatistics;
pub use survey::{ChannelSurvey, Survey, survey};
