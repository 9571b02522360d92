//! The arguments of `e2m apply`.

use crate::args::{SetArgs, TalkArgs};
use clap::Args;
use e2m_io::{ChannelRequest, PageRequest};
use std::path::PathBuf;

/// `e2m apply`.
#[derive(Debug, Args)]
#[command(after_help = "\
Without --inverse, what lies on pre comes to lie on post, as aligned pre does. An image has to have the size of the \
raw pre image (with --inverse: of post); what is written is on the canvas, 32 bit floats, bilinear and zero beyond \
the image. --nearest is for masks and labels; an image of bytes stays one of bytes.

Points are the columns x and y, or x_px and y_px, of a CSV, and pixel centres have whole coordinates, counted from 0. \
GeoJSON counts from the corner of a pixel, as QuPath does. Both are px of the canvas, or with --frame raw of the raw \
images: those of 05_microbes.csv are of the canvas, those of 05_microbes.geojson raw.

Examples:
  e2m apply batch.toml raw/CD070/CD070_PreStain_SYBR.tif sybr.tiff --sample CD070 --dye DAPI
  e2m apply batch.toml mask.tif mask_on_post.tiff --nearest
  e2m apply batch.toml regions.geojson regions_on_pre.geojson --inverse --frame raw

Exit codes: 0 written, 1 a file cannot be read or written, or the alignment failed and nothing was written, 2 bad \
arguments or batch file, no alignment on record, or an image of another size, 4 raw_dir is not there, 5 written, \
and the alignment is suspect, or failed and --anyway was given, 130 interrupted.")]
pub(crate) struct ApplyArgs {
    /// The batch file
    #[arg(value_name = "BATCH")]
    pub(crate) batch: PathBuf,
    /// What is warped: an image (.tif, .tiff), points (.csv) or outlines (.geojson, .json)
    #[arg(value_name = "FROM")]
    pub(crate) from: PathBuf,
    /// The file to write: .tiff, .tif or .fits for an image, the ending of FROM otherwise
    #[arg(value_name = "TO")]
    pub(crate) to: PathBuf,
    /// The sample; may be left out where the batch has only one
    #[arg(long, value_name = "NAME")]
    pub(crate) sample: Option<String>,
    /// The dye; may be left out where the sample has only one
    #[arg(long, value_name = "NAME")]
    pub(crate) dye: Option<String>,
    /// From post to pre, instead of from pre to post
    #[arg(long)]
    pub(crate) inverse: bool,
    /// Take the nearest pixel: for masks and labels
    #[arg(long)]
    pub(crate) nearest: bool,
    /// The frame of the image that is written, and of points that are read and written
    #[arg(long, value_name = "FRAME", default_value = "canvas", value_parser = ["canvas", "raw"])]
    pub(crate) frame: String,
    /// The page of an image: its number, from 1, or its name
    #[arg(long, value_name = "PAGE", value_parser = page)]
    pub(crate) page: Option<PageRequest>,
    /// The channel of an image: R, G, B, sum, luma, its number, from 1, or its name
    #[arg(long, value_name = "CHANNEL", value_parser = channel)]
    pub(crate) channel: Option<ChannelRequest>,
    /// Take the warp of an alignment that failed as well
    #[arg(long)]
    pub(crate) anyway: bool,
    /// Deflate the pixels of a TIFF
    #[arg(long)]
    pub(crate) deflate: bool,
    /// Replace the file if there is one
    #[arg(long)]
    pub(crate) overwrite: bool,
    #[command(flatten)]
    pub(crate) set: SetArgs,
    #[command(flatten)]
    pub(crate) talk: TalkArgs,
}

fn page(word: &str) -> Result<PageRequest, String> {
    PageRequest::from_word(word).ok_or_else(|| "it names no page".to_owned())
}

fn channel(word: &str) -> Result<ChannelRequest, String> {
    ChannelRequest::from_word(word).ok_or_else(|| "it names no channel".to_owned())
}
