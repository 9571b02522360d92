//! Pages as files.

use super::surface::Surface;
use crate::PlotError;
use std::io::Cursor;
use tiff::encoder::{TiffEncoder, colortype::RGB8};

/// The format of a picture that is not only for a browser.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PictureFormat {
    /// PNG.
    #[default]
    Png,
    /// An RGB TIFF without compression, as journals ask for.
    Tiff,
}

/// A page in a format; the same page gives the same bytes.
pub(crate) fn encoded(page: Surface, format: PictureFormat) -> Result<Vec<u8>, PlotError> {
    match format {
        PictureFormat::Png => page.into_png(),
        PictureFormat::Tiff => {
            let (width, height) = page.size();
            let mut bytes = Cursor::new(Vec::new());
            TiffEncoder::new(&mut bytes)?.write_image::<RGB8>(width, height, &page.rgb())?;
            Ok(bytes.into_inner())
        }
    }
}

/// Pages of one size as an animated PNG that begins anew for ever; a viewer that knows no animation shows the first.
pub(crate) fn animated(pages: &[Surface], per_second: f64) -> Result<Vec<u8>, PlotError> {
    /// A delay is counted in these parts of a second.
    const PARTS: u16 = 1000;
    let mut bytes = Vec::new();
    let Some(first) = pages.first() else {
        return Ok(bytes);
    };
    let (width, height) = first.size();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_compression(png::Compression::Fast);
    encoder.set_animated(pages.len() as u32, 0)?;
    let delay = (f64::from(PARTS) / per_second).round();
    encoder.set_frame_delay(delay.clamp(1.0, f64::from(u16::MAX)) as u16, PARTS)?;
    let mut writer = encoder.write_header()?;
    for page in pages {
        writer.write_image_data(&page.rgb())?;
    }
    writer.finish()?;
    Ok(bytes)
}
