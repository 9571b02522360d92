//! Small pictures for notebooks.

use crate::arrays::Floats;
use crate::errors::{Failure, Kind};
use e2m_plot::{Painted, ZoomPanel, ZoomShows, ZoomStretch};
use ndarray::{Array2, ArrayView2, s};
use png::{BitDepth, ColorType, Decoder, Encoder, Transformations};
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use std::io::{BufReader, Cursor};
use std::path::{Path, PathBuf};

/// Previews that are kept for a picture have no longer side, px.
const PREVIEW_PX: usize = 320;
/// A picture of a task is no larger than this, bytes; others are not of e2m.
const MOST_BYTES: usize = 256 << 20;

/// An image as a PNG: one channel of counts from black to white, or values around zero in two colours.
#[pyfunction]
#[pyo3(signature = (image, *, signed=false))]
pub(crate) fn thumbnail<'py>(
    py: Python<'py>,
    image: &Bound<'py, PyAny>,
    signed: bool,
) -> PyResult<Bound<'py, PyBytes>> {
    let image = Floats::of("image", image)?;
    let pixels = image.view();
    let bytes = py.detach(|| painted(&shrunk(pixels), signed));
    Ok(PyBytes::new(py, &bytes.map_err(|f| f.raised(py))?))
}

/// A PNG of a file with no more than `width` columns.
#[pyfunction]
pub(crate) fn reduced_png(
    py: Python<'_>,
    path: PathBuf,
    width: usize,
) -> PyResult<Bound<'_, PyBytes>> {
    let bytes = py.detach(|| reduced(&path, width.max(1)));
    Ok(PyBytes::new(py, &bytes.map_err(|f| f.raised(py))?))
}

/// An image of at most [`PREVIEW_PX`] px per side: means of squares.
pub(crate) fn shrunk(image: ArrayView2<'_, f32>) -> Array2<f32> {
    let (height, width) = image.dim();
    let join = height.max(width).div_ceil(PREVIEW_PX).max(1);
    Array2::from_shape_fn((height.div_ceil(join), width.div_ceil(join)), |(y, x)| {
        let rows = y * join..((y + 1) * join).min(height);
        let columns = x * join..((x + 1) * join).min(width);
        let numbers = image.slice(s![rows, columns]);
        let numbers = numbers.iter().filter(|v| v.is_finite());
        let (sum, count) = numbers.fold((0.0, 0u32), |(sum, count), &v| {
            (sum + f64::from(v), count + 1)
        });
        (sum / f64::from(count)) as f32
    })
}

fn painted(pixels: &Array2<f32>, signed: bool) -> Result<Vec<u8>, Failure> {
    let panel = ZoomPanel {
        name: "",
        unit: "",
        shows: if signed {
            ZoomShows::Signed
        } else {
            ZoomShows::Brightness
        },
        pixels: pixels.view(),
    };
    let colours = Painted::of(&panel, ZoomStretch::Percentile);
    let rgb: Vec<u8> = pixels
        .iter()
        .flat_map(|&value| {
            if value.is_nan() {
                [255; 3]
            } else {
                colours.colour(f64::from(value))
            }
        })
        .collect();
    encoded(pixels.dim(), &rgb)
}

fn encoded((height, width): (usize, usize), rgb: &[u8]) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let mut encode = || -> Result<(), png::EncodingError> {
        let mut encoder = Encoder::new(&mut bytes, width as u32, height as u32);
        encoder.set_color(ColorType::Rgb);
        encoder.set_depth(BitDepth::Eight);
        let mut writer = encoder.write_header()?;
        writer.write_image_data(rgb)?;
        writer.finish()
    };
    encode().map_err(|error| Failure::new(Kind::Other, error))?;
    Ok(bytes)
}

fn reduced(path: &Path, most: usize) -> Result<Vec<u8>, Failure> {
    let failed = |what: &dyn std::fmt::Display| {
        let text = format!("the picture {} cannot be shown: {what}", path.display());
        Failure::new(Kind::Result, text)
    };
    let bytes = std::fs::read(path).map_err(|error| failed(&error))?;
    let mut decoder = Decoder::new(BufReader::new(Cursor::new(bytes)));
    decoder.set_transformations(Transformations::EXPAND | Transformations::STRIP_16);
    let mut reader = decoder.read_info().map_err(|error| failed(&error))?;
    let size = reader
        .output_buffer_size()
        .filter(|size| *size <= MOST_BYTES);
    let mut pixels = vec![0; size.ok_or_else(|| failed(&"it is too large"))?];
    let info = reader
        .next_frame(&mut pixels)
        .map_err(|error| failed(&error))?;
    let (width, height) = (info.width as usize, info.height as usize);
    let samples = info.color_type.samples();
    let join = width.div_ceil(most).max(1);
    let shape = (height.div_ceil(join), width.div_ceil(join));
    let mut rgb = Vec::with_capacity(3 * shape.0 * shape.1);
    for (y, x) in (0..shape.0).flat_map(|y| (0..shape.1).map(move |x| (y, x))) {
        let rows = y * join..((y + 1) * join).min(height);
        let columns = x * join..((x + 1) * join).min(width);
        for channel in 0..3 {
            let sample = if samples < 3 { 0 } else { channel };
            let values = rows.clone().flat_map(|y| {
                let pixels = &pixels;
                let row = y * info.line_size;
                columns
                    .clone()
                    .map(move |x| u32::from(pixels[row + x * samples + sample]))
            });
            let sum: u32 = values.sum();
            rgb.push((sum / (rows.len() * columns.len()) as u32) as u8);
        }
    }
    encoded(shape, &rgb)
}
