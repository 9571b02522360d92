//! A checkpoint that is read against its record.

use e2m_image::{BandError, BandSink, BandSource, Size};
use e2m_io::{
    CheckpointCompression, CheckpointFormat, CheckpointReader, CheckpointWriter, Facts,
    OtherPixels, VouchedReader, WrittenCheckpoint,
};
use ndarray::{Array2, s};
use std::path::Path;

const SIZE: Size = Size::new(9, 23);

fn pixels() -> Array2<f32> {
    Array2::from_shape_fn(SIZE.shape(), |(y, x)| (y * 100 + x) as f32 / 7.0 - 20.0)
}

fn written(path: &Path, format: CheckpointFormat) -> WrittenCheckpoint {
    let none = CheckpointCompression::None;
    let mut writer =
        CheckpointWriter::create(path, SIZE, &Facts::new(), format, none).expect("creates");
    writer.write_band(pixels().view()).expect("writes");
    writer.finish().expect("finishes")
}

/// Reads all rows, so many at a time.
fn read(reader: &mut VouchedReader, rows: usize) -> Result<Array2<f32>, BandError> {
    let mut image = Array2::zeros(SIZE.shape());
    for first in (0..SIZE.height).step_by(rows) {
        let last = SIZE.height.min(first + rows);
        reader.read_band(first, image.slice_mut(s![first..last, ..]))?;
    }
    Ok(image)
}

#[test]
fn pixels_on_record_are_read_and_others_are_refused_with_the_last_band() {
    let folder = tempfile::tempdir().expect("a folder");
    for format in [CheckpointFormat::Tiff, CheckpointFormat::Fits] {
        let path = folder.path().join(format!("x.{}", format.extension()));
        let record = written(&path, format);
        let vouched = || {
            let reader = CheckpointReader::open(&path).expect("opens");
            VouchedReader::new(reader, record.hash)
        };
        for rows in [1, 7, 23] {
            assert_eq!(read(&mut vouched(), rows).expect("reads"), pixels());
        }
        // One bit of one pixel in the middle, after the header of either format.
        let mut bytes = std::fs::read(&path).expect("reads");
        let value = pixels()[(11, 4)];
        let stored = match format {
            CheckpointFormat::Tiff => value.to_le_bytes(),
            CheckpointFormat::Fits => value.to_be_bytes(),
        };
        let place = bytes.windows(4).position(|four| four == stored);
        bytes[place.expect("the pixel")] ^= 1;
        std::fs::write(&path, bytes).expect("writes");
        for rows in [1, 7, 23] {
            let error = read(&mut vouched(), rows).expect_err("refused");
            let BandError::Other(error) = error else {
                panic!("{error}");
            };
            let error = error.downcast::<OtherPixels>().expect("other pixels");
            assert_eq!(error.path, path);
        }
    }
}

#[test]
fn a_row_out_of_turn_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("x.tiff");
    let record = written(&path, CheckpointFormat::Tiff);
    let reader = CheckpointReader::open(&path).expect("opens");
    let mut vouched = VouchedReader::new(reader, record.hash);
    let mut band = Array2::zeros((5, SIZE.width));
    let error = vouched.read_band(5, band.view_mut()).expect_err("refused");
    assert!(matches!(error, BandError::Shape { .. }), "{error}");
    vouched.read_band(0, band.view_mut()).expect("reads");
    assert!(vouched.read_band(0, band.view_mut()).is_err());
}
