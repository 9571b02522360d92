//! The arguments of `e2m demo`.

use crate::args::TalkArgs;
use clap::Args;
use std::path::PathBuf;

/// `e2m demo`.
#[derive(Debug, Args)]
#[command(after_help = "\
Nothing but this program is needed. The images come with their truth: where every pixel of pre belongs, and \
every microbe. Run again in the same folder, it goes on from what is there; nothing is removed.")]
pub(crate) struct DemoArgs {
    /// Folder for images and results; made if it is not there
    #[arg(value_name = "FOLDER", default_value = "e2m-demo")]
    pub(crate) dir: PathBuf,
    /// Width of the images, px, instead of 2200 to 2400: smaller is quicker
    #[arg(long, value_name = "PX", value_parser = clap::value_parser!(u32).range(400..=60_000))]
    pub(crate) width: Option<u32>,
    /// Do not open the report in a browser
    #[arg(long)]
    pub(crate) no_open: bool,
    #[command(flatten)]
    pub(crate) talk: TalkArgs,
}
