//! Pages as files.

use super::surface::Surface;
use crate::PlotError;

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
            Ok(tiff(width, height, &page.rgb()))
        }
    }
}

/// A baseline TIFF: one strip of 8 bit red, green and blue, of which a page has at most 200 MB.
fn tiff(width: u32, height: u32, rgb: &[u8]) -> Vec<u8> {
    const SHORT: u16 = 3;
    const LONG: u16 = 4;
    const DIRECTORY: u32 = 8;
    const ENTRIES: u32 = 10;
    let bits_at = DIRECTORY + 2 + 12 * ENTRIES + 4;
    let pixels_at = bits_at + 6;
    let entries: [(u16, u16, u32, u32); ENTRIES as usize] = [
        (256, LONG, 1, width),
        (257, LONG, 1, height),
        // Bits per sample, three of them.
        (258, SHORT, 3, bits_at),
        // No compression; red, green and blue; where they are.
        (259, SHORT, 1, 1),
        (262, SHORT, 1, 2),
        (273, LONG, 1, pixels_at),
        (277, SHORT, 1, 3),
        (278, LONG, 1, height),
        (279, LONG, 1, rgb.len() as u32),
        (284, SHORT, 1, 1),
    ];
    let mut bytes = b"II*\0".to_vec();
    bytes.extend(DIRECTORY.to_le_bytes());
    bytes.extend((ENTRIES as u16).to_le_bytes());
    for (tag, kind, count, value) in entries {
        bytes.extend(tag.to_le_bytes());
        bytes.extend(kind.to_le_bytes());
        bytes.extend(count.to_le_bytes());
        bytes.extend(value.to_le_bytes());
    }
    bytes.extend(0u32.to_le_bytes());
    bytes.extend([8u16; 3].map(u16::to_le_bytes).concat());
    bytes.extend(rgb);
    bytes
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
