//! The same pixels come back from every kind of TIFF, as a plane and as bands, whoever wrote it.

#![expect(
    clippy::print_stdout,
    reason = "figures for whoever runs it with --nocapture"
)]

use e2m_image::{BandSource, PixelType, Plane, PlaneView};
use e2m_io::{ChannelChoice, ChannelRequest, RawImage, Reduction};
use ndarray::{Array2, Array3, s};
use std::path::Path;

/// What a file should read as.
struct Expected {
    file: String,
    /// Height x width x colour channels.
    channels: Array3<f32>,
    pixel_type: PixelType,
    tolerance: f32,
}

fn matrix(folder: &Path) -> Vec<Expected> {
    let text = std::fs::read_to_string(folder.join("matrix.tsv")).expect("matrix.tsv");
    text.lines()
        .map(|line| {
            let fields: Vec<&str> = line.split('\t').collect();
            let number = |i: usize| fields[i].parse::<usize>().expect("a number");
            let bytes = std::fs::read(folder.join(fields[1])).expect("expected pixels");
            let (pixel_type, values): (_, Vec<f32>) = match fields[2] {
                "uint8" => (PixelType::U8, bytes.iter().map(|&b| b.into()).collect()),
                "uint16" => {
                    let values = bytes.as_chunks().0.iter();
                    (
                        PixelType::U16,
                        values.map(|&b| u16::from_le_bytes(b).into()).collect(),
                    )
                }
                _ => {
                    let values = bytes.as_chunks().0.iter();
                    (
                        PixelType::F32,
                        values.map(|&b| f32::from_le_bytes(b)).collect(),
                    )
                }
            };
            let shape = (number(3), number(4), number(5));
            Expected {
                file: fields[0].to_owned(),
                channels: Array3::from_shape_vec(shape, values).expect("shape"),
                pixel_type,
                tolerance: number(6) as f32,
            }
        })
        .collect()
}

impl Expected {
    /// The channels of `choice`, added or weighted.
    fn signal(&self, choice: &ChannelChoice) -> Array2<f32> {
        let mut sum = Array2::<f32>::zeros((self.channels.dim().0, self.channels.dim().1));
        for &channel in &choice.active {
            let weight = match choice.reduction {
                Reduction::Sum => 1.0,
                Reduction::Luma => [0.299, 0.587, 0.114][channel],
            };
            sum.scaled_add(weight, &self.channels.slice(s![.., .., channel]));
        }
        sum.mapv(|v| v.clamp(f32::MIN, f32::MAX))
    }

    /// What can be asked for where there are colours: their sum is wider, and never cut off.
    fn requests(&self) -> Vec<ChannelRequest> {
        match self.channels.dim().2 {
            1 => Vec::new(),
            _ => vec![
                ChannelRequest::Colour(2),
                ChannelRequest::Sum,
                ChannelRequest::Luma,
            ],
        }
    }

    fn check(&self, found: &Array2<f32>, choice: &ChannelChoice, how: &str) {
        let (file, wanted) = (&self.file, self.signal(choice));
        assert_eq!(found.dim(), wanted.dim(), "{file}");
        // Lossy files may be off in each of the channels that are summed, and a count of Cb is nearly two of blue.
        let counts = choice.active.len().max(self.channels.dim().2.min(2));
        let tolerance = self.tolerance * counts as f32;
        for ((y, x), &value) in found.indexed_iter() {
            let expected = wanted[(y, x)];
            assert!(
                (value - expected).abs() <= tolerance,
                "{file}: {how} gives {value} at ({x}, {y}) where {expected} belongs"
            );
        }
    }
}

fn floats(plane: &Plane) -> Array2<f32> {
    PlaneView::from(plane).window(0, 0, plane.size())
}

fn in_bands(image: &mut RawImage, choice: &ChannelChoice, band_rows: usize) -> Array2<f32> {
    let mut source = image.bands(choice).expect("bands");
    let size = source.size();
    let mut pixels = Array2::from_elem(size.shape(), f32::NAN);
    for first in (0..size.height).step_by(band_rows) {
        let end = (first + band_rows).min(size.height);
        let band = pixels.slice_mut(s![first..end, ..]);
        source.read_band(first, band).expect("reads a band");
    }
    pixels
}

fn upwards(image: &mut RawImage, choice: &ChannelChoice) -> Array2<f32> {
    let mut source = image.bands(choice).expect("bands");
    let size = source.size();
    let mut pixels = Array2::from_elem(size.shape(), f32::NAN);
    for y in (0..size.height).rev() {
        source
            .read_band(y, pixels.slice_mut(s![y..=y, ..]))
            .expect("reads a row");
    }
    pixels
}

/// A plane and bands of every height hold the signal of these channels.
fn check_choice(expected: &Expected, image: &mut RawImage, choice: &ChannelChoice) {
    let file = &expected.file;
    let plane = image
        .load_plane(choice)
        .unwrap_or_else(|error| panic!("{error}"));
    let pixel_type = choice.pixel_type(expected.pixel_type);
    assert_eq!(plane.pixel_type(), pixel_type, "{file}");
    expected.check(&floats(&plane), choice, "load_plane");
    for band_rows in [1, 5, 1000] {
        let pixels = in_bands(image, choice, band_rows);
        assert_eq!(pixels, floats(&plane), "{file}, {band_rows} rows at once");
    }
    assert_eq!(upwards(image, choice), floats(&plane), "{file}, upwards");
}

#[test]
fn every_kind_of_tiff_gives_the_same_pixels() {
    let folder = tempfile::tempdir().expect("folder");
    if crate::common::python("write_matrix.py", &[folder.path()]).is_none() {
        return;
    }
    let matrix = matrix(folder.path());
    assert!(matrix.len() > 1000, "only {} files", matrix.len());
    for expected in &matrix {
        let path = folder.path().join(&expected.file);
        let mut image = RawImage::open(&path).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(
            image.info().pixel_type,
            expected.pixel_type,
            "{}",
            expected.file
        );
        let auto = image
            .choose_alone()
            .unwrap_or_else(|error| panic!("{error}"));
        check_choice(expected, &mut image, &auto);
        for request in expected.requests() {
            let mut image = RawImage::open_channel(&path, &request).expect("opens");
            let choice = image.choose_alone().expect("chooses");
            check_choice(expected, &mut image, &choice);
        }
    }
    let path = folder.path().join("two_pages.tif");
    let two = RawImage::open(&path).expect("opens");
    assert_eq!((two.info().pages, two.info().page), (2, 1));
    let second = RawImage::open_channel(&path, &ChannelRequest::Number(2)).expect("opens");
    assert_eq!(second.info().page, 2);
    assert_eq!(second.choose_alone().expect("grey").to_string(), "page 2");
    let third = RawImage::open_channel(&path, &ChannelRequest::Number(3));
    let error = third.expect_err("no such page").to_string();
    assert!(error.contains("2 pages, 1 to 2"), "{error}");
    println!("{} files", matrix.len());
}
