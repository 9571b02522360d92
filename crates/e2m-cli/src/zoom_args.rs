//! The arguments of `e2m zoom` and `e2m blink`.

use crate::args::{SetArgs, TalkArgs};
use clap::{Args, ValueEnum};
use e2m_pipeline::StageImage;
use e2m_plot::ZoomStretch;
use std::path::PathBuf;

/// Pixels per side of what is shown, unless something else is asked for.
const SIDE_PX: usize = 400;

/// `e2m zoom`.
#[derive(Debug, Args)]
#[command(after_help = "\
Positions are canvas px, as in the files of results and in the catalogue: raw px plus pad. What was not kept is \
made again from the raw images through the warp on record. Only the rows that are shown are read; nothing \
but the picture is written.

Examples:
  e2m zoom batch.toml --worst                       where the alignment leaves most
  e2m zoom batch.toml --object 12 --size 60         a microbe of 05_microbes.csv, pixel by pixel
  e2m zoom batch.toml --sample CD070 --dye DAPI --at 5200,4100 --stages post,difference,significance
  e2m zoom batch.toml --box 5000,4000,5800,4500 --blur 1.5 --stretch asinh --out region.tiff

Exit codes: 0 the picture is written, 1 a file is damaged or changed, 2 bad arguments or batch file, or \
nothing of the kind is there, 4 raw_dir is not there.")]
pub(crate) struct ZoomArgs {
    #[command(flatten)]
    pub(crate) view: ViewArgs,
    /// Images, side by side in this order: post, pre, coarse_pre, icp_pre, interior_pre, aligned_pre,
    /// difference, difference_percentile, difference_manual, difference_field, mask, significance
    #[arg(
        long,
        value_name = "IMAGES",
        value_delimiter = ',',
        default_value = "post,aligned_pre,difference"
    )]
    pub(crate) stages: Vec<StageImage>,
}

/// `e2m blink`.
#[derive(Debug, Args)]
#[command(after_help = "\
What moves between the two images is misaligned; what comes and goes has taken up the stain. Any browser shows an \
animated PNG; a viewer that does not shows the first image.

Examples:
  e2m blink batch.toml --worst
  e2m blink batch.toml --at 5200,4100 --stages icp_pre,interior_pre --rate 4

Exit codes: as of `e2m zoom`.")]
pub(crate) struct BlinkArgs {
    #[command(flatten)]
    pub(crate) view: ViewArgs,
    /// The two images; names as for `e2m zoom`
    #[arg(
        long,
        value_name = "IMAGES",
        value_delimiter = ',',
        default_value = "post,aligned_pre"
    )]
    pub(crate) stages: Vec<StageImage>,
    /// Images per second
    #[arg(long, value_name = "NUMBER", default_value_t = 2.0, value_parser = rate)]
    pub(crate) rate: f64,
}

/// What is shown, and how.
#[derive(Debug, Args)]
pub(crate) struct ViewArgs {
    /// The batch file
    #[arg(value_name = "BATCH")]
    pub(crate) batch: PathBuf,
    /// The sample; may be left out where the batch has only one
    #[arg(long, value_name = "NAME")]
    pub(crate) sample: Option<String>,
    /// The dye; may be left out where the sample has only one
    #[arg(long, value_name = "NAME")]
    pub(crate) dye: Option<String>,
    #[command(flatten)]
    pub(crate) place: PlaceArgs,
    /// Width and height around the place, px
    #[arg(long, value_name = "PX", default_value_t = SIDE_PX, value_parser = side, conflicts_with = "region")]
    pub(crate) size: usize,
    /// Blur by a Gaussian of this sigma, px
    #[arg(long, value_name = "SIGMA", value_parser = sigma)]
    pub(crate) blur: Option<f64>,
    /// How brightness becomes grey, and differences colour
    #[arg(long, value_name = "KIND", value_enum, default_value_t = StretchArg::Percentile)]
    pub(crate) stretch: StretchArg,
    /// Px of the picture per pixel; without it small regions are magnified to some 480 px
    #[arg(long, value_name = "N", value_parser = magnification)]
    pub(crate) magnify: Option<usize>,
    /// The picture; without it a name from sample, dye and place, in the current folder
    #[arg(long, short, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// Replace the file if there is one
    #[arg(long)]
    pub(crate) overwrite: bool,
    #[command(flatten)]
    pub(crate) set: SetArgs,
    #[command(flatten)]
    pub(crate) talk: TalkArgs,
}

/// The place: exactly one of these.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct PlaceArgs {
    /// Around this point, canvas px
    #[arg(long, value_name = "X,Y", value_parser = point, allow_hyphen_values = true)]
    pub(crate) at: Option<[f64; 2]>,
    /// From this pixel up to but without that one, canvas px
    #[arg(id = "region", long = "box", value_name = "X0,Y0,X1,Y1", value_parser = corners, allow_hyphen_values = true)]
    pub(crate) region: Option<[i64; 4]>,
    /// Around this object of 05_microbes.csv
    #[arg(long, value_name = "ID")]
    pub(crate) object: Option<u64>,
    /// Around the tile on which the alignment leaves the longest shift
    #[arg(long)]
    pub(crate) worst: bool,
}

/// How values become colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum StretchArg {
    /// Linear between percentiles of what is shown
    Percentile,
    /// Linear within the noise, logarithmic beyond it, up to the brightest pixel
    Asinh,
}

impl From<StretchArg> for ZoomStretch {
    fn from(stretch: StretchArg) -> Self {
        match stretch {
            StretchArg::Percentile => Self::Percentile,
            StretchArg::Asinh => Self::Asinh,
        }
    }
}

fn numbers<T: std::str::FromStr, const N: usize>(text: &str) -> Option<[T; N]> {
    let numbers: Option<Vec<T>> = text
        .split(',')
        .map(|part| part.trim().parse().ok())
        .collect();
    numbers?.try_into().ok()
}

fn point(text: &str) -> Result<[f64; 2], String> {
    let point = numbers::<f64, 2>(text).filter(|point| point.iter().all(|v| v.is_finite()));
    point.ok_or_else(|| format!("{text:?} is no point; it must be like 5200,4100"))
}

fn corners(text: &str) -> Result<[i64; 4], String> {
    let wrong = |what: &str| format!("{text:?} {what}; it must be like 5000,4000,5400,4300");
    let corners = numbers::<i64, 4>(text).ok_or_else(|| wrong("is no box"))?;
    if corners[0] >= corners[2] || corners[1] >= corners[3] {
        return Err(wrong("is empty: X1 has to be beyond X0, and Y1 beyond Y0"));
    }
    Ok(corners)
}

/// A number within limits, both included.
fn within<T: std::str::FromStr + PartialOrd + std::fmt::Display>(
    text: &str,
    low: T,
    high: T,
) -> Result<T, String> {
    let number = text.trim().parse().ok();
    number
        .filter(|number| (&low..=&high).contains(&number))
        .ok_or_else(|| format!("{text:?} is not from {low} to {high}"))
}

fn side(text: &str) -> Result<usize, String> {
    within(text, 1, 8000)
}

fn sigma(text: &str) -> Result<f64, String> {
    within(text, 0.1, 100.0)
}

fn rate(text: &str) -> Result<f64, String> {
    within(text, 0.1, 50.0)
}

fn magnification(text: &str) -> Result<usize, String> {
    within(text, 1, 64)
}
