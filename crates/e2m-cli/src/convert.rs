//! `e2m convert`: a checkpoint from TIFF to FITS, or back; an RGB image to the three extensions of a FITS file; a raw image to a plain
//! OME-TIFF. Its arguments are in `convert_args`.

use crate::convert_args::ConvertArgs;
use crate::exit::Exit;
use crate::terminal::Terminal;
use e2m_batch::{copy_raw, human};
use e2m_image::{BandSource, default_band_rows, stream_bands};
use e2m_io::{
    CheckpointCompression, CheckpointError, CheckpointFormat, CheckpointReader, CheckpointWriter,
    FlagsWriter, PixelKind, WrittenCheckpoint, is_colour_image, write_colour_fits,
};
use ndarray::{Array2, s};
use std::ops::ControlFlow;
use std::path::Path;

/// Why there is no file.
enum NotConverted {
    Arguments(String),
    Failed(String),
}

impl From<CheckpointError> for NotConverted {
    fn from(error: CheckpointError) -> Self {
        Self::Failed(error.to_string())
    }
}

/// Converts a file and says what was written.
pub(crate) fn run(args: &ConvertArgs, terminal: &Terminal) -> Exit {
    match convert(args, terminal) {
        Ok(bytes) => {
            terminal.summary(&format!(
                "Wrote {} ({})",
                args.to.display(),
                human::bytes(bytes)
            ));
            Exit::Complete
        }
        Err(NotConverted::Arguments(why)) => {
            terminal.error(&why);
            Exit::BadInput
        }
        Err(NotConverted::Failed(why)) => {
            terminal.error(&why);
            Exit::TaskFailed
        }
    }
}

/// Answers with the bytes written.
fn convert(args: &ConvertArgs, terminal: &Terminal) -> Result<u64, NotConverted> {
    let format = format_of(&args.to)?;
    if args.to.exists() && !args.overwrite {
        return Err(NotConverted::Arguments(format!(
            "{} is there already; --overwrite replaces it",
            args.to.display()
        )));
    }
    if same_file(&args.from, &args.to) {
        return Err(NotConverted::Arguments(
            "FROM and TO are one file; give TO another name".to_owned(),
        ));
    }
    if is_ome_tiff(&args.to) {
        return copy(args, terminal);
    }
    if args.page.is_some() || args.channel.is_some() {
        return Err(NotConverted::Arguments(
            "--page and --channel choose of a raw image, for a TO that ends in .ome.tif".to_owned(),
        ));
    }
    let mut reader = match open(&args.from) {
        Err(CheckpointError::NotFloat { .. })
            if format == CheckpointFormat::Fits && is_colour_image(&args.from) =>
        {
            let written = write_colour_fits(&args.from, &args.to);
            return written.map_err(|error| NotConverted::Failed(error.to_string()));
        }
        opened => opened?,
    };
    // The sums in a FITS header, and what the pixels have to be in the end.
    let hash = reader.verify()?;
    let written = match reader.kind() {
        PixelKind::Float => write_floats(&mut reader, args, format)?,
        PixelKind::Flags => write_flags(&mut reader, args, format)?,
    };
    if written.hash == hash {
        Ok(written.bytes)
    } else {
        Err(NotConverted::Failed(format!(
            "{} changed while it was read; {} is not the same",
            args.from.display(),
            args.to.display()
        )))
    }
}

/// Writes a plane of a raw image, and says what else there is to know of it.
fn copy(args: &ConvertArgs, terminal: &Terminal) -> Result<u64, NotConverted> {
    let page = args.page.clone().unwrap_or_default();
    let channel = args.channel.clone().unwrap_or_default();
    let copy = copy_raw(&args.from, (&page, &channel), &args.to)
        .map_err(|error| NotConverted::Failed(error.to_string()))?;
    for remark in &copy.remarks {
        terminal.warn(&format!("{}: {remark}", args.from.display()));
    }
    Ok(copy.bytes)
}

fn is_ome_tiff(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let name = name.to_ascii_lowercase();
    name.ends_with(".ome.tif") || name.ends_with(".ome.tiff")
}

/// The format that the ending of a name says.
fn format_of(path: &Path) -> Result<CheckpointFormat, NotConverted> {
    let ending = path.extension().unwrap_or_default().to_string_lossy();
    match ending.to_ascii_lowercase().as_str() {
        "fits" | "fit" | "fts" => Ok(CheckpointFormat::Fits),
        "tiff" | "tif" => Ok(CheckpointFormat::Tiff),
        _ => Err(NotConverted::Arguments(format!(
            "the ending of {} says no format; it has to be .fits, .tiff or .tif",
            path.display()
        ))),
    }
}

fn same_file(from: &Path, to: &Path) -> bool {
    let canonical = |path: &Path| path.canonicalize().ok();
    canonical(from).is_some_and(|from| canonical(to) == Some(from))
}

/// An image, or else a mask.
fn open(path: &Path) -> Result<CheckpointReader, CheckpointError> {
    match CheckpointReader::open(path) {
        Err(no_image @ CheckpointError::NotFloat { .. }) => {
            CheckpointReader::open_as(path, PixelKind::Flags).map_err(|_| no_image)
        }
        opened => opened,
    }
}

fn write_floats(
    reader: &mut CheckpointReader,
    args: &ConvertArgs,
    format: CheckpointFormat,
) -> Result<WrittenCheckpoint, NotConverted> {
    let (size, facts) = (reader.size(), reader.facts().clone());
    let compression = match args.deflate {
        true => CheckpointCompression::Deflate,
        false => CheckpointCompression::None,
    };
    let mut writer = CheckpointWriter::create(&args.to, size, &facts, format, compression)?;
    let rows = default_band_rows(size.width);
    stream_bands(reader, &mut [&mut writer], rows, |_| {
        ControlFlow::Continue(())
    })
    .map_err(|error| NotConverted::Failed(error.to_string()))?;
    Ok(writer.finish()?)
}

fn write_flags(
    reader: &mut CheckpointReader,
    args: &ConvertArgs,
    format: CheckpointFormat,
) -> Result<WrittenCheckpoint, NotConverted> {
    let (size, facts) = (reader.size(), reader.facts().clone());
    let failed = |error: e2m_image::BandError| NotConverted::Failed(error.to_string());
    let mut writer = FlagsWriter::create(&args.to, None, size, &facts, format)?;
    let rows = default_band_rows(size.width).min(size.height);
    let mut band = Array2::zeros((rows, size.width));
    for first in (0..size.height).step_by(rows) {
        let mut band = band.slice_mut(s![..rows.min(size.height - first), ..]);
        reader.read_band(first, band.view_mut()).map_err(failed)?;
        // A mask comes as floats, each of them one of 256.
        let flags = band.mapv(|value: f32| value as u8);
        writer.write_band(flags.view()).map_err(failed)?;
    }
    Ok(writer.finish()?)
}
