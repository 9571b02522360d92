//! Warps an image: read whole, as one plane in the type of its file, and written in bands.

use super::back::BackwardPlane;
use super::error::ApplyError;
use super::nearest::NearestPlane;
use super::warp::{Direction, Frame, TaskWarp, size_of};
use e2m_image::{BandError, BandSource, Plane, WarpedPlane, default_band_rows, stream_bands};
use e2m_io::{
    ChannelChoice, ChannelRequest, CheckpointCompression, CheckpointFormat, CheckpointWriter,
    Facts, FileIdentity, FlagsWriter, PageRequest, RawImage, WrittenCheckpoint,
};
use e2m_schedule::Interrupt;
use ndarray::{Array2, s};
use std::ops::ControlFlow;
use std::path::PathBuf;

/// Bytes of a band of floats, and of what is read and written beside it.
const BESIDE_PLANE_BYTES: u64 = 128 << 20;

/// What is warped, and how it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageRequest {
    /// The image.
    pub from: PathBuf,
    /// Its page.
    pub page: PageRequest,
    /// Its channel.
    pub channel: ChannelRequest,
    /// Which way.
    pub direction: Direction,
    /// The frame of the result.
    pub frame: Frame,
    /// Take the nearest pixel instead of what lies between four: for masks and labels.
    pub nearest: bool,
    /// The file to be written.
    pub to: PathBuf,
    /// What it is.
    pub format: CheckpointFormat,
    /// Deflate the pixels of a TIFF.
    pub deflate: bool,
}

/// Warps an image and writes it: 32 bit floats, or bytes where the nearest pixel of an image of bytes was asked for.
///
/// Between pixels the value is bilinear, as in every aligned image of a task; beyond the image it is zero. Held in memory is the image
/// in the type of its file, and one band of the result.
///
/// # Errors
/// An image of another size than the raw image that the warp is about; one that does not fit into `free_memory` bytes; what cannot be
/// read or written.
pub fn warp_image(
    warp: &TaskWarp,
    request: &ImageRequest,
    free_memory: u64,
    interrupt: &Interrupt,
) -> Result<WrittenCheckpoint, ApplyError> {
    let image = RawImage::open_page(&request.from, &request.page, &request.channel)?;
    let (record, stain) = warp.warped(request.direction);
    let expected = size_of(record);
    let found = image.info().size;
    if found != expected {
        let path = request.from.clone();
        return Err(ApplyError::Geometry {
            path,
            found,
            stain,
            expected,
        });
    }
    let needed = found.pixels() * image.widest_type().bytes() as u64 + BESIDE_PLANE_BYTES;
    if needed > free_memory {
        return Err(ApplyError::Memory {
            path: request.from.clone(),
            needed,
            available: free_memory,
        });
    }
    let plane = image.load_plane(&choice(warp, request, &image)?)?;
    let facts = facts(warp, request)?;
    if let Some((canvas, to_pre)) = warp.to_turn_around(request.direction, request.frame) {
        let one_way = || ApplyError::OneWay {
            task: warp.task.clone(),
        };
        let mut source =
            BackwardPlane::new(&plane, canvas, &to_pre, request.nearest).ok_or_else(one_way)?;
        if request.nearest && matches!(&plane, Plane::U8(_)) {
            return write_bytes(&mut source, request, &facts, interrupt);
        }
        return write_floats(&mut source, request, &facts, interrupt);
    }
    let (canvas, sampling) = warp.sampling(request.direction, request.frame);
    if request.nearest {
        let mut source = NearestPlane::new(&plane, canvas, &sampling);
        if matches!(&plane, Plane::U8(_)) {
            return write_bytes(&mut source, request, &facts, interrupt);
        }
        return write_floats(&mut source, request, &facts, interrupt);
    }
    let mut source = WarpedPlane::new(plane.view(), canvas, sampling);
    write_floats(&mut source, request, &facts, interrupt)
}

/// The channels of the signal: of the task's own raw image those on record, of any other what it holds.
fn choice(
    warp: &TaskWarp,
    request: &ImageRequest,
    image: &RawImage,
) -> Result<ChannelChoice, ApplyError> {
    let (record, _) = warp.warped(request.direction);
    let is_asked = request.page != PageRequest::Auto || request.channel != ChannelRequest::Auto;
    let is_own = image
        .identity()
        .is_ok_and(|now| is_same(&now, &record.identity()));
    match is_own && !is_asked {
        true => Ok(record.channels.clone()),
        false => Ok(image.choose_alone()?),
    }
}

fn is_same(a: &FileIdentity, b: &FileIdentity) -> bool {
    (a.bytes, &a.modified) == (b.bytes, &b.modified)
}

/// What the header says.
fn facts(warp: &TaskWarp, request: &ImageRequest) -> Result<Facts, ApplyError> {
    let mut facts = Facts::new();
    let name = request
        .from
        .file_name()
        .unwrap_or_default()
        .to_string_lossy();
    let way = match request.direction {
        Direction::PreToPost => "pre to post",
        Direction::PostToPre => "post to pre",
    };
    let pad = match request.frame {
        Frame::Canvas => warp.canvas.pad() as i64,
        Frame::Raw => 0,
    };
    facts
        .set("TASK", warp.task.as_str(), "Task whose warp was applied")?
        .set("INPUT", name.as_ref(), "Image that was warped")?
        .set("WAY", way, "Direction")?
        .set("PAD", pad, "Padding per side (px)")?;
    let (_, sampling) = warp.sampling(Direction::PreToPost, Frame::Canvas);
    facts.set_warp(&sampling.warp);
    Ok(facts)
}

fn on_band(interrupt: &Interrupt) -> impl FnMut(usize) -> ControlFlow<()> {
    move |_| match interrupt.is_raised() {
        true => ControlFlow::Break(()),
        false => ControlFlow::Continue(()),
    }
}

fn write_floats(
    source: &mut dyn BandSource,
    request: &ImageRequest,
    facts: &Facts,
    interrupt: &Interrupt,
) -> Result<WrittenCheckpoint, ApplyError> {
    let compression = match request.deflate {
        true => CheckpointCompression::Deflate,
        false => CheckpointCompression::None,
    };
    let size = source.size();
    let to = &request.to;
    let mut writer = CheckpointWriter::create(to, size, facts, request.format, compression)?;
    let rows = default_band_rows(size.width);
    stream_bands(source, &mut [&mut writer], rows, on_band(interrupt))?;
    Ok(writer.finish()?)
}

fn write_bytes(
    source: &mut dyn BandSource,
    request: &ImageRequest,
    facts: &Facts,
    interrupt: &Interrupt,
) -> Result<WrittenCheckpoint, ApplyError> {
    let size = source.size();
    let mut writer = FlagsWriter::create(&request.to, None, size, facts, request.format)?;
    let rows = default_band_rows(size.width).min(size.height);
    let mut band = Array2::zeros((rows, size.width));
    for first in (0..size.height).step_by(rows.max(1)) {
        let mut band = band.slice_mut(s![..rows.min(size.height - first), ..]);
        source.read_band(first, band.view_mut())?;
        // Each of them one of 256.
        writer.write_band(band.mapv(|value: f32| value as u8).view())?;
        if interrupt.is_raised() {
            return Err(BandError::Interrupted.into());
        }
    }
    Ok(writer.finish()?)
}
