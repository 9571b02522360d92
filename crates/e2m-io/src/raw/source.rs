//! The colour channels of a raw image, one row after the other, in the type its plane will have.

use super::channels::ColourKind;
use super::count::Count;
use super::request::ChannelRequest;
use crate::tiff::{
    ImageLayout, Photometric, RowLayout, Rows, Sample, SampleKind, TiffProblem, with_channel,
};
use e2m_image::PixelType;
use std::fs::File;
use std::sync::Arc;

/// Gives rows of colour samples.
pub(crate) trait ColourRows<T>: Send {
    /// Row `y` and how many of its samples were not numbers. `layout` says how the samples lie.
    fn row(&mut self, y: usize) -> Result<(&[T], u64), TiffProblem>;

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

/// The page of a file that a request is for: a number in a file of several pages, or the first one.
pub(crate) fn page_of(
    file: &File,
    file_bytes: u64,
    request: &ChannelRequest,
) -> Result<usize, TiffProblem> {
    match request {
        ChannelRequest::Number(number) if *number > 1 => {
            let pages = ImageLayout::count_pages(file, file_bytes)?;
            // Of a file with one page it is a channel.
            Ok(if pages > 1 { *number } else { 1 })
        }
        _ => Ok(1),
    }
}

/// What a request means for the image it has led to.
pub(crate) fn resolve(
    layout: &ImageLayout,
    request: &ChannelRequest,
) -> Result<ChannelRequest, TiffProblem> {
    let is_grey = colour_kind(layout) == ColourKind::Grey;
    let missing = |holds: &str| TiffProblem::NoChannel {
        wanted: request.to_string(),
        holds: holds.to_owned(),
    };
    match request {
        ChannelRequest::Auto => Ok(ChannelRequest::Auto),
        ChannelRequest::Number(_) if layout.pages > 1 => Ok(ChannelRequest::Auto),
        ChannelRequest::Number(1) if is_grey => Ok(ChannelRequest::Auto),
        ChannelRequest::Number(number @ 1..=3) if !is_grey => {
            Ok(ChannelRequest::Colour(number - 1))
        }
        // A single channel is its own sum and luma.
        ChannelRequest::Sum | ChannelRequest::Luma if is_grey => Ok(ChannelRequest::Auto),
        ChannelRequest::Colour(_) | ChannelRequest::Number(_) if is_grey => {
            Err(missing("one channel, which is grey"))
        }
        ChannelRequest::Number(_) => Err(missing("one page with the channels 1 to 3: R, G and B")),
        ChannelRequest::Name(_) => Err(missing(
            "no channel names that e2m reads; a page is chosen by its number, the first is 1",
        )),
        ChannelRequest::Colour(_) | ChannelRequest::Sum | ChannelRequest::Luma => {
            Ok(request.clone())
        }
    }
}

/// The type of its samples as a plane: that of its samples, or of its colour table.
pub(crate) fn pixel_type(layout: &ImageLayout) -> PixelType {
    match (&layout.palette, layout.sample) {
        (Some(palette), _) => match table_of_8_bit(palette) {
            Some(_) => PixelType::U8,
            None => PixelType::U16,
        },
        (None, SampleKind::U8) => PixelType::U8,
        (None, SampleKind::U16) => PixelType::U16,
        (None, SampleKind::F32) => PixelType::F32,
    }
}

/// Opens the rows of an image.
pub(crate) fn open(file: &Arc<File>, layout: &Arc<ImageLayout>) -> Result<RawRows, TiffProblem> {
    let Some(palette) = &layout.palette else {
        let inverted = layout.photometric == Photometric::WhiteIsZero;
        return Ok(match layout.sample {
            SampleKind::U8 => RawRows::U8(Box::new(DirectSamples::open(
                file,
                layout,
                inverted.then_some(|v| u8::MAX - v),
            )?)),
            SampleKind::U16 => RawRows::U16(Box::new(DirectSamples::open(
                file,
                layout,
                inverted.then_some(|v| u16::MAX - v),
            )?)),
            SampleKind::F32 => RawRows::F32(Box::new(DirectSamples::open(file, layout, None)?)),
        });
    };
    Ok(match (table_of_8_bit(palette), layout.sample) {
        (Some(table), SampleKind::U16) => RawRows::U8(Box::new(PaletteSamples::<u16, u8>::open(
            file, layout, table,
        )?)),
        (Some(table), _) => RawRows::U8(Box::new(PaletteSamples::<u8, u8>::open(
            file, layout, table,
        )?)),
        (None, SampleKind::U16) => RawRows::U16(Box::new(PaletteSamples::<u16, u16>::open(
            file,
            layout,
            palette.clone(),
        )?)),
        (None, _) => RawRows::U16(Box::new(PaletteSamples::<u8, u16>::open(
            file,
            layout,
            palette.clone(),
        )?)),
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
    invert: Option<fn(T) -> T>,
    row: Vec<T>,
}

impl<T: Count> DirectSamples<T> {
    fn open(
        file: &Arc<File>,
        layout: &Arc<ImageLayout>,
        invert: Option<fn(T) -> T>,
    ) -> Result<Self, TiffProblem> {
        Ok(Self {
            rows: Rows::new(file, layout)?,
            invert,
            row: Vec::new(),
        })
    }
}

impl<T: Count> ColourRows<T> for DirectSamples<T> {
    fn row(&mut self, y: usize) -> Result<(&[T], u64), TiffProblem> {
        let row = self.rows.row(y)?;
        if self.invert.is_none() && !T::MAY_BE_NO_NUMBER {
            return Ok((row, 0));
        }
        self.row.clear();
        match self.invert {
            Some(invert) => self.row.extend(row.iter().map(|&sample| invert(sample))),
            None => self.row.extend_from_slice(row),
        }
        let replaced = T::sanitise(&mut self.row);
        Ok((&self.row, replaced))
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
    fn row(&mut self, y: usize) -> Result<(&[T], u64), TiffProblem> {
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
        Ok((&self.row, 0))
    }

    fn layout(&self) -> RowLayout {
        RowLayout::chunky(self.width, 3)
    }

    /// All three channels come from the same index.
    fn want_channels(&mut self, _: &[usize]) {}
}
