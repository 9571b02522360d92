//! From pixels to a PNG of 256 colours, the first of which is no colour at all.

use crate::error::Refusal;
use e2m_pipeline::{FLAGS, StageImage};
use e2m_plot::{Painted, ZoomPanel, ZoomShows, ZoomStretch};
use ndarray::ArrayView2;
use png::{BitDepth, ColorType, Compression, Encoder};
use serde::{Deserialize, Serialize};

/// Colours of values: 255, beside the one of pixels without a value.
const SHADES: usize = 255;

/// In which colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Palette {
    /// Black to white.
    Grey,
    /// Black to green: one of two images in one.
    Green,
    /// Black to magenta: the other; together they are grey.
    Magenta,
    /// Blue below zero, black at zero, red above.
    Diverging,
    /// A colour for each flag of a mask.
    Flags,
}

impl Palette {
    /// The one that suits an image.
    pub(crate) fn of(image: StageImage) -> Self {
        match shows(image) {
            ZoomShows::Brightness => Self::Grey,
            ZoomShows::Signed => Self::Diverging,
            ZoomShows::Flags => Self::Flags,
        }
    }

    /// Red, green and blue of each shade.
    fn shades(self) -> Vec<[u8; 3]> {
        let share = |i: usize| i as f64 / (SHADES - 1) as f64;
        let byte = |i: usize| (255.0 * share(i)).round() as u8;
        let shade = |i: usize| match self {
            Self::Grey => [byte(i); 3],
            Self::Green => [0, byte(i), 0],
            Self::Magenta => [byte(i), 0, byte(i)],
            Self::Diverging => Painted::Signed {
                limit: 1.0,
                knee: None,
            }
            .colour(2.0 * share(i) - 1.0),
            Self::Flags => Painted::Flags(u8::MAX).colour(i as f64),
        };
        (0..SHADES).map(shade).collect()
    }
}

/// Which values have which shade: the first at `low`, the last at `high`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct Stretch {
    pub(crate) low: f64,
    pub(crate) high: f64,
    /// With one, shades go by `asinh` of the distance to `low` in units of it; around zero where `low` is `-high`.
    pub(crate) knee: Option<f64>,
}

impl Stretch {
    /// The one that suits these pixels of an image, and what it is in words.
    pub(crate) fn of(
        image: StageImage,
        pixels: ArrayView2<'_, f32>,
        how: ZoomStretch,
    ) -> (Self, String) {
        let unit = unit(image);
        let panel = ZoomPanel {
            name: image.title(),
            unit,
            shows: shows(image),
            pixels,
        };
        let painted = Painted::of(&panel, how);
        let stretch = match painted {
            Painted::Brightness { low, high, knee } => Self { low, high, knee },
            Painted::Signed { limit, knee } => Self {
                low: -limit,
                high: limit,
                knee,
            },
            Painted::Flags(_) => Self {
                low: 0.0,
                high: (SHADES - 1) as f64,
                knee: None,
            },
        };
        let text = match painted {
            Painted::Flags(0) => "no flag is set".to_owned(),
            Painted::Flags(set) => {
                let names = FLAGS.iter().filter(|flag| set & flag.value != 0);
                names
                    .map(|flag| flag.meaning)
                    .collect::<Vec<_>>()
                    .join(", ")
            }
            other => other.range(unit),
        };
        (stretch, text)
    }

    /// Refuses what no value fits into.
    pub(crate) fn check(self) -> Result<Self, Refusal> {
        let finite = self.low.is_finite() && self.high.is_finite();
        let knee = self.knee.is_none_or(|knee| knee.is_finite() && knee > 0.0);
        if finite && knee && self.low < self.high {
            return Ok(self);
        }
        Err(Refusal::bad(
            "a range of colours goes from a number to a larger one, and its knee is a number above 0",
        ))
    }

    /// The shade of a value, from 0 to 254; none of what is no number.
    fn shade(self, value: f32) -> Option<usize> {
        let value = f64::from(value);
        if value.is_nan() {
            return None;
        }
        let share = match self.knee {
            None => (value - self.low) / (self.high - self.low),
            // A range around zero is bent on both sides of it.
            Some(knee) if self.low == -self.high => {
                0.5 + 0.5 * (value / knee).asinh() / (self.high / knee).asinh()
            }
            Some(knee) => {
                ((value - self.low) / knee).asinh() / ((self.high - self.low) / knee).asinh()
            }
        };
        Some((share.clamp(0.0, 1.0) * (SHADES - 1) as f64).round() as usize)
    }

    /// The pixels as a PNG.
    pub(crate) fn png(
        self,
        palette: Palette,
        pixels: ArrayView2<'_, f32>,
    ) -> Result<Vec<u8>, Refusal> {
        let indices: Vec<u8> = pixels
            .iter()
            .map(|&value| self.shade(value).map_or(0, |shade| (shade + 1) as u8))
            .collect();
        let (rows, columns) = pixels.dim();
        let mut colours = vec![0; 3];
        colours.extend(palette.shades().iter().flatten());
        let mut bytes = Vec::new();
        let encode = || -> Result<(), png::EncodingError> {
            let mut encoder = Encoder::new(&mut bytes, columns as u32, rows as u32);
            encoder.set_color(ColorType::Indexed);
            encoder.set_depth(BitDepth::Eight);
            encoder.set_compression(Compression::Fast);
            encoder.set_palette(colours);
            encoder.set_trns(vec![0]);
            let mut writer = encoder.write_header()?;
            writer.write_image_data(&indices)?;
            writer.finish()
        };
        encode()
            .map_err(|error| Refusal::fault(format!("the tile could not be encoded: {error}")))?;
        Ok(bytes)
    }
}

/// What the pixels of an image are.
pub(crate) fn shows(image: StageImage) -> ZoomShows {
    match image {
        StageImage::Mask => ZoomShows::Flags,
        image if image.is_signed() => ZoomShows::Signed,
        _ => ZoomShows::Brightness,
    }
}

/// The unit of its pixels.
pub(crate) fn unit(image: StageImage) -> &'static str {
    match image {
        StageImage::Significance => "sigma",
        StageImage::Mask => "",
        _ => "counts",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_images_that_are_alike_are_grey_together() {
        let (green, magenta, grey) = (
            Palette::Green.shades(),
            Palette::Magenta.shades(),
            Palette::Grey.shades(),
        );
        for ((green, magenta), grey) in green.iter().zip(&magenta).zip(&grey) {
            let sum: Vec<u8> = green.iter().zip(magenta).map(|(a, b)| a + b).collect();
            assert_eq!(sum, grey);
        }
    }

    #[test]
    fn zero_is_black_and_what_is_no_number_has_no_colour() {
        let around = Stretch {
            low: -4.0,
            high: 4.0,
            knee: Some(0.5),
        };
        let shades = Palette::Diverging.shades();
        assert_eq!(shades[around.shade(0.0).expect("a number")], [0, 0, 0]);
        assert_eq!(around.shade(f32::NAN), None);
        assert_eq!(
            (around.shade(-9.0), around.shade(f32::INFINITY)),
            (Some(0), Some(254))
        );
        let pixels = ndarray::array![[f32::NAN, 4.0]];
        let png = around
            .png(Palette::Diverging, pixels.view())
            .expect("a PNG");
        let mut decoder = png::Decoder::new(std::io::Cursor::new(png));
        decoder.set_transformations(png::Transformations::EXPAND);
        let mut reader = decoder.read_info().expect("a header");
        let mut decoded = vec![0; reader.output_buffer_size().expect("a size")];
        reader.next_frame(&mut decoded).expect("pixels");
        let brightest = shades[254];
        assert_eq!(
            decoded,
            [0, 0, 0, 0, brightest[0], brightest[1], brightest[2], 255]
        );
    }

    #[test]
    fn a_range_without_room_is_refused() {
        for (low, high, knee) in [
            (1.0, 1.0, None),
            (2.0, 1.0, None),
            (f64::NAN, 1.0, None),
            (0.0, 1.0, Some(0.0)),
            (0.0, f64::INFINITY, None),
        ] {
            assert!(
                Stretch { low, high, knee }.check().is_err(),
                "{low} {high} {knee:?}"
            );
        }
    }
}
