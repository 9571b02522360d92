//! The same pixels come back from every kind of TIFF, as a plane and as bands, whoever wrote it.

#![expect(
    clippy::print_stdout,
    reason = "figures for whoever runs it with --nocapture"
)]

mod common;

use e2m_image::{BandSource, PixelType, Plane, PlaneView};
use e2m_io::{ChannelChoice, RawImage};
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
    /// The channels whose mean exceeds half a count of 255, or the strongest one.
    fn active(&self) -> Vec<usize> {
        let largest = self.channels.iter().fold(0.0_f32, |a, &b| a.max(b));
        let full_scale = match self.pixel_type {
            PixelType::U8 => 255.0,
            PixelType::U16 => 65535.0,
            PixelType::F32 if largest <= 1.0 => 1.0,
            PixelType::F32 if largest <= 255.0 => 255.0,
            PixelType::F32 => 65535.0,
        };
        let mean = |c: usize| {
            let channel = self.channels.slice(s![.., .., c]);
            channel.iter().map(|&v| f64::from(v)).sum::<f64>() / channel.len() as f64
        };
        let means: Vec<f64> = (0..self.channels.dim().2).map(mean).collect();
        let active: Vec<usize> = (0..means.len())
            .filter(|&c| means[c] > 0.5 / 255.0 * full_scale)
            .collect();
        if !active.is_empty() {
            return active;
        }
        let best = means.iter().fold(f64::MIN, |a, &b| a.max(b));
        vec![
            means
                .iter()
                .position(|&m| m == best)
                .expect("a strongest channel"),
        ]
    }

    /// The saturating sum of the active channels.
    fn signal(&self) -> Array2<f32> {
        let limit = match self.pixel_type {
            PixelType::U8 => 255.0,
            PixelType::U16 => 65535.0,
            PixelType::F32 => f32::MAX,
        };
        let mut sum = Array2::<f32>::zeros((self.channels.dim().0, self.channels.dim().1));
        for channel in self.active() {
            sum += &self.channels.slice(s![.., .., channel]);
        }
        sum.mapv(|v| v.min(limit))
    }

    fn check(&self, found: &Array2<f32>, choice: &ChannelChoice, how: &str) {
        let (file, wanted) = (&self.file, self.signal());
        assert_eq!(
            choice.active,
            self.active(),
            "{file}: {choice} of means {:?}",
            choice.means
        );
        assert_eq!(found.dim(), wanted.dim(), "{file}");
        // Lossy files may be off in each of the channels that are summed.
        let tolerance = self.tolerance * choice.active.len() as f32;
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

#[test]
fn every_kind_of_tiff_gives_the_same_pixels() {
    let folder = tempfile::tempdir().expect("folder");
    if common::python("write_matrix.py", &[folder.path()]).is_none() {
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
        let (plane, choice) = image.load_plane().unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(plane.pixel_type(), expected.pixel_type, "{}", expected.file);
        expected.check(&floats(&plane), &choice, "load_plane");
        let chosen = image.choose_channels().expect("chooses");
        assert_eq!(chosen, choice, "{}", expected.file);
        for band_rows in [1, 5, 1000] {
            let pixels = in_bands(&mut image, &choice, band_rows);
            assert_eq!(
                pixels,
                floats(&plane),
                "{}, {band_rows} rows at once",
                expected.file
            );
        }
        assert_eq!(
            upwards(&mut image, &choice),
            floats(&plane),
            "{}, upwards",
            expected.file
        );
    }
    let two = RawImage::open(&folder.path().join("two_pages.tif")).expect("opens");
    assert_eq!(two.info().pages, 2);
    println!("{} files", matrix.len());
}
