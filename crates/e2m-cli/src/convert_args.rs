//! The arguments of `e2m convert`.

use crate::args::TalkArgs;
use clap::Args;
use e2m_io::{ChannelRequest, PageRequest};
use std::path::PathBuf;

/// `e2m convert`.
#[derive(Debug, Args)]
#[command(after_help = "\
Pixels are the same, bit for bit, and so are the facts in the header; FITS gets the time of writing and \
checksums besides. The checksums of a FITS file are compared before anything is written. The first row of \
either file is the upper row of the image, which FITS viewers draw at the bottom. An RGB TIFF becomes a FITS file of three \
extensions, RED1, GREEN2 and BLUE3, in the type of its pixels.

Where TO ends in .ome.tif or .ome.tiff, FROM is any raw image (TIFF, CZI, ND2, LIF, OME-Zarr), and TO one plane of it, tiled, in the type \
of its pixels, with its pixel size: what other programs read. --page and --channel choose as in a batch file.

Exit codes: 0 written, 1 the file cannot be read or written, 2 bad arguments.")]
pub(crate) struct ConvertArgs {
    /// The file: an image or a mask that e2m wrote, any TIFF or FITS of one channel of 32 bit floats, an RGB TIFF, or a raw image
    #[arg(value_name = "FROM")]
    pub(crate) from: PathBuf,
    /// The file to write, whose ending says what it is: .fits, .tiff or .tif
    #[arg(value_name = "TO")]
    pub(crate) to: PathBuf,
    /// The page of a raw image: its number, from 1, or its name
    #[arg(long, value_name = "PAGE", value_parser = page)]
    pub(crate) page: Option<PageRequest>,
    /// The channel of a raw image: R, G, B, sum, luma, its number, from 1, or its name
    #[arg(long, value_name = "CHANNEL", value_parser = channel)]
    pub(crate) channel: Option<ChannelRequest>,
    /// Deflate the pixels of a TIFF
    #[arg(long)]
    pub(crate) deflate: bool,
    /// Replace the file if there is one
    #[arg(long)]
    pub(crate) overwrite: bool,
    #[command(flatten)]
    pub(crate) talk: TalkArgs,
}

fn page(word: &str) -> Result<PageRequest, String> {
    PageRequest::from_word(word).ok_or_else(|| "it names no page".to_owned())
}

fn channel(word: &str) -> Result<ChannelRequest, String> {
    ChannelRequest::from_word(word).ok_or_else(|| "it names no channel".to_owned())
}
