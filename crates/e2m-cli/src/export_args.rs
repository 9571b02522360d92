//! The arguments of `e2m export`.

use crate::args::{SetArgs, TalkArgs, TaskArgs};
use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use e2m_batch::export::{
    Compression, ExportFormat, ExportRequest, ResultImage, SignedPyramid, ZarrVersion,
};
use std::path::PathBuf;

/// The formats.
const OME_TIFF: &str = "ome-tiff";
const OME_ZARR: &str = "ome-zarr";

/// `e2m export`.
#[derive(Debug, Args)]
#[command(after_help = "\
Writes one file {sample}_{dye}.ome.tif for each task, with the traces of its parameters in the name as \
elsewhere: a BigTIFF of tiles with a level for every magnification, which QuPath, Fiji, napari and OMERO \
open with pixel size, channel names and colours. With --format ome-zarr it writes a folder \
{sample}_{dye}.ome.zarr with the same pixels in chunks, for napari and for viewers that read over a network. \
What was written goes on record, and `e2m verify` reads it. Read are the images in the task's folder, which are held \
against the record on the way. A file that is up to date is left as it is.

Zoomed out, a pixel of a difference or of the significance is the maximum of those it stands for, so that \
microbes stay visible, and the channel's name says so; --pyramid mean shows them as a microscope would.

Tasks that failed or are suspect are exported too: their status is in the file and is said here.

Exit codes:
    0  every task has its file, and all are complete
    1  a task has no file, or its last run failed; the others were exported
    2  bad arguments or batch file
    4  raw_dir is not there, or raw images are missing of a task that has nothing on record
    5  every task has its file, but some are suspect
  130  interrupted; nothing half-written is left")]
pub(crate) struct ExportArgs {
    /// The batch file
    #[arg(value_name = "BATCH")]
    pub(crate) batch: PathBuf,
    #[command(flatten)]
    pub(crate) tasks: TaskArgs,
    /// The channels, separated by commas, in this order [default: post, aligned_pre, difference and significance, as far as
    /// the task has them]
    #[arg(long, value_name = "IMAGES", value_delimiter = ',', value_parser = image())]
    image: Vec<ResultImage>,
    /// How smaller levels of differences and significance are made; `both` makes two channels of each. Those of other images
    /// are means
    #[arg(long, value_name = "HOW", default_value = "maximum", value_parser = pyramid())]
    pyramid: SignedPyramid,
    /// What is written: one file for each task, or a folder of chunks
    #[arg(long, value_name = "FORMAT", default_value = OME_TIFF, value_parser = [OME_TIFF, OME_ZARR])]
    format: String,
    /// The version of OME-Zarr; 0.5 has 64 chunks in one file, for newer viewers [default: 0.4]
    #[arg(long, value_name = "VERSION", value_parser = zarr_version())]
    zarr_version: Option<ZarrVersion>,
    /// How tiles are stored; `none` is faster and larger
    #[arg(long, value_name = "HOW", default_value = "deflate", value_parser = compression())]
    compression: Compression,
    /// Where files go [default: the folder export in output_dir]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Write files again that are up to date
    #[arg(long)]
    overwrite: bool,
    #[command(flatten)]
    pub(crate) set: SetArgs,
    #[command(flatten)]
    pub(crate) talk: TalkArgs,
}

impl ExportArgs {
    /// The same without a command line.
    ///
    /// # Errors
    /// Arguments that contradict each other.
    pub(crate) fn request(&self) -> Result<ExportRequest, String> {
        let format = match (self.format.as_str(), self.zarr_version) {
            (OME_ZARR, None | Some(ZarrVersion::V04)) => ExportFormat::OmeZarr04,
            (OME_ZARR, Some(ZarrVersion::V05)) => ExportFormat::OmeZarr05,
            (_, None) => ExportFormat::OmeTiff,
            (_, Some(version)) => {
                return Err(format!(
                    "--zarr-version {} is a version of OME-Zarr; add --format {OME_ZARR}",
                    version.name()
                ));
            }
        };
        Ok(ExportRequest {
            images: self.image.clone(),
            pyramid: self.pyramid,
            compression: self.compression,
            format,
            out: self.out.clone(),
            overwrite: self.overwrite,
        })
    }
}

/// One of several values by its name.
fn by_name<T: Clone + Send + Sync + 'static>(
    values: &'static [T],
    name: fn(&T) -> &'static str,
) -> impl TypedValueParser<Value = T> {
    PossibleValuesParser::new(values.iter().map(name)).try_map(move |word| {
        let found = values.iter().find(|value| name(value) == word);
        found.cloned().ok_or("it is none of these")
    })
}

fn image() -> impl TypedValueParser<Value = ResultImage> {
    by_name(&ResultImage::ALL, |image| image.name())
}

fn pyramid() -> impl TypedValueParser<Value = SignedPyramid> {
    let all = &[
        SignedPyramid::Maximum,
        SignedPyramid::Mean,
        SignedPyramid::Both,
    ];
    by_name(all, |pyramid| pyramid.name())
}

fn compression() -> impl TypedValueParser<Value = Compression> {
    let all = &[Compression::Deflate, Compression::None];
    by_name(all, |compression| compression.name())
}

fn zarr_version() -> impl TypedValueParser<Value = ZarrVersion> {
    by_name(&[ZarrVersion::V04, ZarrVersion::V05], |version| {
        version.name()
    })
}
