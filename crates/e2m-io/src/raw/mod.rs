//! Raw images: TIFFs of many kinds and the files of microscopes' makers, reduced to the channels that carry the signal.
//!
//! [`image`] opens a file and offers three ways to read it: a plane in memory, bands of rows, a survey of a crop.
//! [`source`] gives the colour channels of one row after the other, with palettes looked up. [`statistics`] finds what each
//! channel holds, [`request`] is what somebody asks for, and [`pair`] decides for both images of a pair which [`channels`] are
//! taken. [`reduce`] makes one number of them. [`contents`] says what a file holds, from its directories, [`ome`] and [`imagej`],
//! and which page is meant; [`pixel_size`] how large its pixels are. [`format`](mod@format) tells by its first bytes what a file is, and
//! [`pixels`] gets rows from a TIFF or, in `vendor`, from a file of a maker.

mod bands;
mod channels;
mod contents;
mod count;
mod format;
mod image;
mod imagej;
mod info;
mod ome;
mod pair;
mod pixel_size;
mod pixels;
mod reduce;
mod request;
mod source;
mod statistics;
mod survey;
#[cfg(feature = "vendor-formats")]
mod vendor;

pub use bands::RawBands;
pub use channels::{ChannelChoice, ColourKind, Reduction};
pub use count::Alterations;
pub use format::{RAW_EXTENSIONS, RawFormat, is_raw_name};
pub use image::{RawError, RawImage};
pub use info::RawInfo;
pub use pair::{ChannelDifference, ImageChannels, PairChoice, choose_channels};
pub use pixel_size::{PixelSize, PixelSizeSource};
pub use request::{ChannelRequest, PageRequest};
pub use statistics::ChannelStatistics;
pub use survey::{ChannelSurvey, Survey, survey};
