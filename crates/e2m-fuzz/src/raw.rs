//! Raw images: everything a run and a survey do with one.

use crate::{FileInMemory, ReadOutcome};
use e2m_image::{BandError, BandSource, Size};
use e2m_io::{RawBands, RawImage, survey};
use ndarray::Array2;
use std::error::Error;

/// Rows of a band, few enough that small images have several.
const BAND_ROWS: usize = 7;
/// Side of the crop that is surveyed.
const CROP_PX: usize = 64;

pub(crate) fn read(file: &FileInMemory) -> ReadOutcome {
    let outcome = ReadOutcome::from(everything(file));
    if let ReadOutcome::Refused(error) = &outcome {
        file.assert_named(error);
    }
    outcome
}

fn everything(file: &FileInMemory) -> Result<(), Box<dyn Error>> {
    let mut image = RawImage::open(file.path())?;
    let size = image.info().size;
    // Whatever becomes of the pixels: a look at a part of them must not fail otherwise than with an error.
    let surveyed = survey(file.path(), CROP_PX);
    let choice = image.choose_alone()?;
    let plane = image.load_plane(&choice)?;
    assert_eq!(plane.size(), size);
    let pixel_type = choice.pixel_type(image.info().pixel_type);
    assert_eq!(plane.pixel_type(), pixel_type);
    surveyed?;
    drop(plane);
    let mut bands = image.bands(&choice)?;
    let last = size.height - BAND_ROWS.min(size.height);
    // From the top, and upwards from the end: what is read again has to be the same.
    let first = band(&mut bands, size, 0)?;
    band(&mut bands, size, last)?;
    let again = band(&mut bands, size, 0)?;
    assert_eq!(first, again, "a band changed when it was read again");
    Ok(())
}

fn band(bands: &mut RawBands, size: Size, first: usize) -> Result<Array2<f32>, BandError> {
    let mut pixels = Array2::zeros((BAND_ROWS.min(size.height), size.width));
    bands.read_band(first, pixels.view_mut())?;
    assert!(pixels.iter().all(|v| v.is_finite()), "not a number");
    Ok(pixels)
}
