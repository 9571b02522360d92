//! A raw image as a plain OME-TIFF: for programs that do not read the file it came in.

use e2m_export::{Channel, Colour, Compression, ExportError, OmeImage, Pyramid, write_ome_tiff_of};
use e2m_image::{BandSource, PixelType};
use e2m_io::{ChannelRequest, ColourKind, PageRequest, RawBands, RawError, RawImage};
use std::ops::ControlFlow;
use std::path::Path;

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawCopy {
    /// The length of the file, bytes.
    pub bytes: u64,
    /// What of the raw file is in it, such as `channel 2`.
    pub taken: Vec<String>,
    /// What else the raw file holds, and what is odd about it: sentences without subject or end.
    pub remarks: Vec<String>,
}

/// Why there is no copy.
#[derive(Debug, thiserror::Error)]
pub enum RawCopyError {
    /// The raw image cannot be read.
    #[error(transparent)]
    Raw(#[from] RawError),
    /// The copy cannot be written.
    #[error(transparent)]
    Export(#[from] ExportError),
}

/// Writes the plane of a raw image that a page and a channel are asked for of as a tiled OME-TIFF with smaller levels, in the type
/// of its samples. Of an image in colour red, green and blue become three channels, unless one of them is asked for.
///
/// # Errors
/// What is said of the raw image when it is opened or read, and of the file when it is written. Nothing remains of it then.
pub fn copy_raw(
    from: &Path,
    (page, channel): (&PageRequest, &ChannelRequest),
    to: &Path,
) -> Result<RawCopy, RawCopyError> {
    let image = RawImage::open_page(from, page, channel)?;
    let info = image.info().clone();
    let is_colour = info.colour != ColourKind::Grey && *channel == ChannelRequest::Auto;
    let requests: Vec<ChannelRequest> = match is_colour {
        true => (0..3).map(ChannelRequest::Colour).collect(),
        false => vec![channel.clone()],
    };
    let name = from.file_name().unwrap_or_default().to_string_lossy();
    let mut described = OmeImage::new(&name, info.size);
    described.pixel_um = info.pixel_size.map(|size| size.um);
    described.compression = Compression::Deflate;
    let mut samples = info.pixel_type;
    let (mut taken, mut bands) = (Vec::<String>::new(), Vec::<RawBands>::new());
    for request in &requests {
        let mut image = RawImage::open_page(from, page, request)?;
        let choice = image.choose_alone()?;
        if choice.pixel_type(info.pixel_type) == PixelType::F32 {
            samples = PixelType::F32;
        } else if samples != PixelType::F32 {
            let own = choice.pixel_type(info.pixel_type);
            samples = if own.bytes() > samples.bytes() {
                own
            } else {
                samples
            };
        }
        let colour = match request {
            ChannelRequest::Colour(colour @ 0..3) => {
                let mut rgb = [0; 3];
                rgb[*colour] = 255;
                Colour { rgb }
            }
            _ => Colour::WHITE,
        };
        let name = match request {
            ChannelRequest::Name(name) => name.clone(),
            _ => choice.to_string(),
        };
        described
            .channels
            .push(Channel::new(name.clone(), colour, Pyramid::Mean));
        taken.push(name);
        bands.push(image.bands(&choice)?);
    }
    let mut sources: Vec<&mut dyn BandSource> = bands
        .iter_mut()
        .map(|band| band as &mut dyn BandSource)
        .collect();
    let mut go_on = |_| ControlFlow::Continue(());
    let written = write_ome_tiff_of(samples, to, &described, &mut sources, &mut go_on)?;
    let mut remarks = info.remarks;
    if !info.others.is_empty() {
        remarks.push(format!("not in it: {}", info.others.join(", ")));
    }
    Ok(RawCopy {
        bytes: written.bytes,
        taken,
        remarks,
    })
}
