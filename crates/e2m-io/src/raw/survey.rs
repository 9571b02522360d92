//! A quick look at a raw file: its header and the channels of a crop in its centre.

use super::count::Count;
use super::image::{RawError, RawImage};
use super::info::RawInfo;
use super::source::{ColourRows, with_rows};
use crate::tiff::{TiffProblem, with_channel};
use e2m_image::Size;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// One colour channel of a crop.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ChannelSurvey {
    /// `grey`, `R`, `G` or `B`.
    pub name: String,
    /// The largest count.
    pub max: f64,
    /// The mean count.
    pub mean: f64,
    /// The share of pixels that are not zero, 0 to 1.
    pub non_zero_share: f64,
}

/// What [`survey`] found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Survey {
    /// What the header says.
    pub info: RawInfo,
    /// The size of the crop that was looked at.
    pub crop: Size,
    /// Its colour channels.
    pub channels: Vec<ChannelSurvey>,
}

/// Looks at the header of the file at `path` and at its first image; see [`RawImage::survey`].
pub fn survey(path: &Path, crop_px: usize) -> Result<Survey, RawError> {
    RawImage::open(path)?.survey(crop_px)
}

impl RawImage {
    /// Looks at a square of at most `crop_px` pixels in the centre.
    ///
    /// Only a row, or a row of tiles, is held. Where strips are compressed, those above the crop are not read.
    pub fn survey(&self, crop_px: usize) -> Result<Survey, RawError> {
        survey_image(self, crop_px)
    }
}

fn survey_image(image: &RawImage, crop_px: usize) -> Result<Survey, RawError> {
    let info = image.info().clone();
    let stored = image.pixels().size();
    let crop = Size::new(
        crop_px.clamp(1, stored.width),
        crop_px.clamp(1, stored.height),
    );
    let kind = info.colour;
    let names = (0..kind.channels()).map(|channel| kind.channel_name(channel).to_owned());
    let mut rows = image.rows()?;
    let channels = with_rows!(&mut rows, rows => {
        survey_rows(&mut **rows, stored, crop, names.collect())
    });
    Ok(Survey {
        channels: channels.map_err(|problem| image.failed(problem))?,
        info,
        crop: image.pixels().orientation().upright(crop),
    })
}

fn survey_rows<T: Count>(
    rows: &mut dyn ColourRows<T>,
    size: Size,
    crop: Size,
    names: Vec<String>,
) -> Result<Vec<ChannelSurvey>, TiffProblem> {
    let layout = rows.layout();
    let (left, top) = (
        (size.width - crop.width) / 2,
        (size.height - crop.height) / 2,
    );
    let mut channels: Vec<_> = names
        .into_iter()
        .map(|name| ChannelSurvey {
            name,
            max: 0.0,
            mean: 0.0,
            non_zero_share: 0.0,
        })
        .collect();
    for y in top..top + crop.height {
        let (row, _) = rows.row(y)?;
        for (index, channel) in channels.iter_mut().enumerate() {
            with_channel!(layout.channel(row, index), counts => {
                for count in counts.skip(left).take(crop.width) {
                    let value = count.value();
                    channel.max = channel.max.max(value);
                    channel.mean += value;
                    channel.non_zero_share += f64::from(u8::from(value != 0.0));
                }
            });
        }
    }
    for channel in &mut channels {
        channel.mean /= crop.pixels() as f64;
        channel.non_zero_share /= crop.pixels() as f64;
    }
    Ok(channels)
}
