//! The colour channels of a raw image, one row after the other, in the type its plane will have.

use super::channels::ColourKind;
use super::contents::{ChosenPage, Contents, listed};
use super::count::{Alterations, Count};
use super::request::ChannelRequest;
use crate::tiff::{ImageLayout, Photometric, RowLayout, Rows, Sample, TiffProblem, with_channel};
use e2m_image::PixelType;
use std::fs::File;
use std::sync::Arc;

/// Gives rows of colour samples.
pub(crate) trait ColourRows<T>: Send {
    /// Row `y`, and how many of the samples that were read for it are not as they are stored. `layout` says how the samples lie.
    fn row(&mut self, y: usize) -> Result<(&[T], Alterations), TiffProblem>;

    /// How the samples lie in a row.
    fn layout(&self) -> RowLayout;

    /// Reads only these channels from now on, where that saves anything.
    fn want_channels(&mut self, channels: &[usize]);
}

/// The rows of a raw image, by the type of its pixels.
pub(crate) enum RawRows {
    U8(Box<dyn ColourRows<u8>>),
    U16(Box<dyn ColourRows<u16>>),
    F32(Box<dyn ColourRows<f32>>),
}

/// Runs `$body` with `$rows` bound to the typed rows of a [`RawRows`].
macro_rules! with_rows {
    ($any:expr, $rows:ident => $body:expr) => {
        match $any {
            $crate::raw::source::RawRows::U8($rows) => $body,
            $crate::raw::source::RawRows::U16($rows) => $body,
            $crate::raw::source::RawRows::F32($rows) => $body,
        }
    };
}
pub(crate) use with_rows;

/// How the colours of an image are stored.
pub(crate) fn colour_kind(layout: &ImageLayout) -> ColourKind {
    match layout.photometric {
        Photometric::WhiteIsZero | Photometric::BlackIsZero => ColourKind::Grey,
        Photometric::Rgb | Photometric::YCbCr => ColourKind::Rgb,
        Photometric::Palette => ColourKind::Palette,
    }
}

/// What a request means for the image it has led to: its channels, and of several grey ones the number of the one that is read,
/// the first is 0.
pub(crate) fn resolve(
    layout: &ImageLayout,
    contents: &Contents,
    page: &ChosenPage,
    request: &ChannelRequest,
) -> Result<(ChannelRequest, Option<usize>), TiffProblem> {
    let is_grey = colour_kind(layout) == ColourKind::Grey;
    let several = is_grey && layout.colour_samples > 1;
    let missing = |holds: String| TiffProblem::NoChannel {
        wanted: request.to_string(),
        holds,
    };
    let auto = Ok((ChannelRequest::Auto, None));
    match request {
        _ if page.is_by_channel() => auto,
        ChannelRequest::Auto => auto,
        ChannelRequest::Number(number)
            if several && (1..=layout.colour_samples).contains(number) =>
        {
            Ok((ChannelRequest::Auto, Some(number - 1)))
        }
        ChannelRequest::Number(1) if is_grey => auto,
        ChannelRequest::Number(number @ 1..=3) if !is_grey => {
            Ok((ChannelRequest::Colour(number - 1), None))
        }
        ChannelRequest::Name(name) => {
            let names = contents.channel_names();
            let same = |own: &Option<String>| {
                own.as_ref()
                    .is_some_and(|own| own.to_lowercase() == name.to_lowercase())
            };
            let found = names.iter().position(same);
            match found {
                Some(number) if several && names.len() == layout.colour_samples => {
                    Ok((ChannelRequest::Auto, Some(number)))
                }
                _ => Err(missing(match listed(names.into_iter().flatten().collect()) {
                    none if none.is_empty() => {
                        "no names of channels; a page or channel is chosen by its number, the first is 1".to_owned()
                    }
                    names => format!("the channels {names}"),
                })),
            }
        }
        _ if several => Err(missing(format!(
            "{} grey channels, 1 to {}",
            layout.colour_samples, layout.colour_samples
        ))),
        // A single channel is its own sum and luma.
        ChannelRequest::Sum | ChannelRequest::Luma if is_grey => auto,
        ChannelRequest::Colour(_) | ChannelRequest::Number(_) if is_grey => {
            Err(missing("one channel, which is grey".to_owned()))
        }
        ChannelRequest::Number(_) => Err(missing(
            "one page with the channels 1 to 3: R, G and B".to_owned(),
        )),
        ChannelRequest::Colour(_) | ChannelRequest::Sum | ChannelRequest::Luma => {
            Ok((request.clone(), None))
        }
    }
}

/// The type of its samples as a plane: that of its samples, or of its colour table.
pub(crate) fn pixel_type(layout: &ImageLayout) -> PixelType {
    match &layout.palette {
        Some(palette) if table_of_8_bit(palette).is_some() => PixelType::U8,
        Some(_) => PixelType::U16,
        None => layout.sample.pixel_type(),
    }
}

/// Opens the rows of an image.
pub(crate) fn open(file: &Arc<File>, layout: &Arc<ImageLayout>) -> Result<RawRows, TiffProblem> {
    let pixel_type = layout.sample.pixel_type();
    let Some(palette) = &layout.palette else {
        return Ok(match pixel_type {
            PixelType::U8 => RawRows::U8(Box::new(DirectSamples::open(file, layout)?)),
            PixelType::U16 => RawRows::U16(Box::new(DirectSamples::open(file, layout)?)),
            PixelType::F32 => RawRows::F32(Box::new(DirectSamples::open(file, layout)?)),
        });
    };
    let wide = pixel_type == PixelType::U16;
    Ok(match (table_of_8_bit(palette), wide) {
        (Some(table), true) => {
            let rows = PaletteSamples::<u16, u8>::open(file, layout, table)?;
            RawRows::U8(Box::new(rows))
        }
        (Some(table), false) => {
            let rows = PaletteSamples::<u8, u8>::open(file, layout, table)?;
            RawRows::U8(Box::new(rows))
        }
        (None, true) => {
            let rows = PaletteSamples::<u16, u16>::open(file, layout, palette.clone())?;
            RawRows::U16(Box::new(rows))
        }
        (None, false) => {
            let rows = PaletteSamples::<u8, u16>::open(file, layout, palette.clone())?;
            RawRows::U16(Box::new(rows))
        }
    })
}

/// The colour table in 8 bit if it holds nothing finer: TIFF stores 16 bit, as multiples of 257 or 256, and some
/// writers leave 8 bit values as they are.
fn table_of_8_bit(palette: &[u16]) -> Option<Vec<u8>> {
    let all = |fits: fn(u16) -> bool| palette.iter().all(|&colour| fits(colour));
    if all(|c| c < 256) {
        Some(palette.iter().map(|&c| c as u8).collect())
    } else if all(|c| c % 257 == 0) || all(|c| c % 256 == 0) {
        Some(palette.iter().map(|&c| (c >> 8) as u8).collect())
    } else {
        None
    }
}

/// Samples as they are stored, inverted where zero is white.
struct DirectSamples<T> {
    rows: Rows<T>,
    /// The largest sample, where that is black.
    black: Option<u16>,
    row: Vec<T>,
}

impl<T: Count> DirectSamples<T> {
    fn open(file: &Arc<File>, layout: &Arc<ImageLayout>) -> Result<Self, TiffProblem> {
        let inverted = layout.photometric == Photometric::WhiteIsZero;
        Ok(Self {
            rows: Rows::new(file, layout)?,
            black: inverted.then(|| layout.sample.largest()),
            row: Vec::new(),
        })
    }
}

impl<T: Count> ColourRows<T> for DirectSamples<T> {
    fn row(&mut self, y: usize) -> Result<(&[T], Alterations), TiffProblem> {
        self.rows.row(y)?;
        let mut alterations = Alterations {
            not_numbers: 0,
            inexact: self.rows.take_inexact(),
        };
        // The row is held: nothing is read a second time.
        let row = self.rows.row(y)?;
        if self.black.is_none() && !T::MAY_BE_NO_NUMBER {
            return Ok((row, alterations));
        }
        self.row.clear();
        match self.black {
            Some(black) => {
                (self.row).extend(row.iter().map(|sample| sample.counted_from_white(black)));
            }
            None => self.row.extend_from_slice(row),
        }
        alterations.not_numbers = T::sanitise(&mut self.row);
        Ok((&self.row, alterations))
    }

    fn layout(&self) -> RowLayout {
        self.rows.row_layout()
    }

    fn want_channels(&mut self, channels: &[usize]) {
        self.rows.want_channels(channels);
    }
}

/// Indices of type `S`, looked up in a table of colours of type `T`.
struct PaletteSamples<S, T> {
    rows: Rows<S>,
    width: usize,
    /// All reds, all greens, all blues.
    table: Vec<T>,
    row: Vec<T>,
}

impl<S: Sample, T: Count> PaletteSamples<S, T> {
    fn open(
        file: &Arc<File>,
        layout: &Arc<ImageLayout>,
        table: Vec<T>,
    ) -> Result<Self, TiffProblem> {
        Ok(Self {
            rows: Rows::new(file, layout)?,
            width: layout.size.width,
            table,
            row: Vec::new(),
        })
    }
}

impl<S: Sample + Into<usize>, T: Count> ColourRows<T> for PaletteSamples<S, T> {
    fn row(&mut self, y: usize) -> Result<(&[T], Alterations), TiffProblem> {
        let indices = self.rows.row_layout();
        let row = self.rows.row(y)?;
        let colours = self.table.len() / 3;
        self.row.clear();
        with_channel!(indices.channel(row, 0), indices => {
            for &index in indices {
                let index: usize = index.into();
                self.row
                    .extend((0..3).map(|channel| self.table[channel * colours + index]));
            }
        });
        Ok((&self.row, Alterations::default()))
    }

    fn layout(&self) -> RowLayout {
        RowLayout::chunky(self.width, 3)
    }

    /// All three channels come from the same index.
    fn want_channels(&mut self, _: &[usize]) {}
}
