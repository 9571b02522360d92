//! Detection on arrays, and catalogues that a task has written: both as columns by name.

use crate::arrays::{Flags as MaskFlags, Floats, same_shape};
use crate::documents::to_python;
use crate::errors::{Failure, Kind};
use crate::waiting::{CancelToken, cancelled, interrupt_of, quietly};
use e2m_align::{BandError, Size};
use e2m_batch::Interrupt;
use e2m_detect::{
    COLUMNS, Catalogue, DetectOptions, Flags, PairArrays, PairFacts, PairSource, detect as search,
};
use ndarray::ArrayViewMut2;
use numpy::IntoPyArray as _;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// The columns that hold whole numbers.
const WHOLE: [&str; 2] = ["id", "area_px"];

/// A catalogue as it goes to Python.
struct Columns {
    /// In the order of [`COLUMNS`]; NaN where there is no number.
    numbers: Vec<Vec<f64>>,
    flags: Vec<String>,
    counts: Vec<bool>,
    facts: Value,
}

impl Columns {
    fn new(facts: Value) -> Self {
        Self {
            numbers: vec![Vec::new(); COLUMNS.len()],
            flags: Vec::new(),
            counts: Vec::new(),
            facts,
        }
    }

    fn of(catalogue: &Catalogue) -> Self {
        let completeness = catalogue.completeness.as_ref();
        let mut columns = Self::new(json!({
            "microbes": catalogue.density.objects,
            "section_px": catalogue.density.section_px,
            "per_megapixel": catalogue.density.per_megapixel,
            "interval_95": catalogue.density.interval_95,
            "expected_false": catalogue.false_positives.expected,
            "flux_50": completeness.and_then(|found| found.flux_50),
            "flux_90": completeness.and_then(|found| found.flux_90),
            "significance_mean": catalogue.background.mean,
            "significance_std_dev": catalogue.background.std_dev,
            "psf_sigma_px": catalogue.psf_sigma_px,
            "left_out": catalogue.left_out,
        }));
        for object in &catalogue.objects {
            let finite = |value: f64| if value.is_finite() { value } else { f64::NAN };
            // The arrays are the raw images; how large their pixels are is not known.
            let row: [f64; COLUMNS.len()] = [
                f64::from(object.id),
                object.x_px,
                object.y_px,
                object.x_px,
                object.y_px,
                f64::NAN,
                f64::NAN,
                object.flux,
                object.flux_err,
                object.peak,
                object.significance,
                f64::from(object.area_px),
                f64::NAN,
                object.length_px,
                object.width_px,
                object.orientation_deg,
                object.circularity,
                object.background,
                finite(object.nearest_px),
            ];
            columns.add(&row, object.flags);
        }
        columns
    }

    fn add(&mut self, row: &[f64], flags: Flags) {
        for (column, value) in self.numbers.iter_mut().zip(row) {
            column.push(*value);
        }
        self.flags.push(flags.to_string());
        self.counts.push(flags.counts());
    }

    fn into_python(self, py: Python<'_>) -> PyResult<(Bound<'_, PyDict>, Bound<'_, PyAny>)> {
        let columns = PyDict::new(py);
        for (name, values) in COLUMNS.iter().zip(self.numbers) {
            if WHOLE.contains(name) {
                let whole: Vec<u32> = values.iter().map(|value| *value as u32).collect();
                columns.set_item(name, whole.into_pyarray(py))?;
            } else {
                columns.set_item(name, values.into_pyarray(py))?;
            }
        }
        columns.set_item("flags", self.flags)?;
        columns.set_item("counts", self.counts.into_pyarray(py))?;
        Ok((columns, to_python(py, &self.facts)?))
    }
}

/// A pair that ends the search when it is to stop.
struct Stoppable<'a> {
    pair: PairArrays<'a>,
    interrupt: &'a Interrupt,
}

impl PairSource for Stoppable<'_> {
    fn size(&self) -> Size {
        self.pair.size()
    }

    fn read_pair(
        &mut self,
        first_row: usize,
        post: ArrayViewMut2<'_, f32>,
        aligned: ArrayViewMut2<'_, f32>,
        mask: ArrayViewMut2<'_, u8>,
    ) -> Result<(), BandError> {
        if self.interrupt.is_raised() {
            return Err(BandError::Interrupted);
        }
        self.pair.read_pair(first_row, post, aligned, mask)
    }
}

/// Finds microbes in post that aligned pre has not; answers with the columns of the catalogue, and facts about it.
#[pyfunction]
#[pyo3(signature = (post, aligned, facts, *, mask=None, detect_sigma=5.0, min_area_px=4, max_area_px=6000, psf_sigma_px=None, injections=2000, cancel=None))]
#[expect(
    clippy::too_many_arguments,
    reason = "arguments by keyword of a Python function"
)]
pub(crate) fn detect<'py>(
    py: Python<'py>,
    post: &Bound<'py, PyAny>,
    aligned: &Bound<'py, PyAny>,
    facts: [f64; 5],
    mask: Option<&Bound<'py, PyAny>>,
    detect_sigma: f64,
    min_area_px: usize,
    max_area_px: usize,
    psf_sigma_px: Option<f64>,
    injections: usize,
    cancel: Option<&CancelToken>,
) -> PyResult<(Bound<'py, PyDict>, Bound<'py, PyAny>)> {
    let (post, aligned) = (Floats::of("post", post)?, Floats::of("aligned", aligned)?);
    let mask = mask.map(|mask| MaskFlags::of("mask", mask)).transpose()?;
    let (post, aligned) = (post.view(), aligned.view());
    same_shape(py, post, aligned)?;
    let pair = PairArrays::new(post, aligned, mask.as_ref().map(MaskFlags::view));
    let pair = pair.ok_or_else(|| {
        let text = format!(
            "the mask has another shape than the images, which have {:?}",
            post.dim()
        );
        Failure::new(Kind::Array, text).raised(py)
    })?;
    let [
        scale,
        scale_std_error,
        post_black,
        pre_black,
        alignment_residual_px,
    ] = facts;
    let facts = PairFacts {
        scale,
        scale_std_error,
        post_black,
        pre_black,
        alignment_residual_px,
    };
    let options = DetectOptions {
        detect_sigma,
        min_area_px,
        max_area_px,
        psf_sigma_px,
        injections,
        ..DetectOptions::default()
    };
    let interrupt = interrupt_of(cancel);
    let columns = quietly(py, &interrupt, || {
        let mut pair = Stoppable {
            pair,
            interrupt: &interrupt,
        };
        match search(&mut pair, &facts, &options, None) {
            Ok(catalogue) => Ok(Columns::of(&catalogue)),
            Err(BandError::Interrupted) => Err(cancelled()),
            Err(error) => Err(Failure::new(Kind::Other, error)),
        }
    })?;
    columns.into_python(py)
}

/// The columns of a catalogue that a task has written as CSV, and the lines above them.
#[pyfunction]
pub(crate) fn read_catalogue(
    py: Python<'_>,
    path: PathBuf,
) -> PyResult<(Bound<'_, PyDict>, Bound<'_, PyAny>)> {
    let columns = py.detach(|| read(&path));
    columns
        .map_err(|failure| failure.raised(py))?
        .into_python(py)
}

fn read(path: &Path) -> Result<Columns, Failure> {
    let failed = |what: String| {
        let text = format!("the catalogue {} cannot be used: {what}", path.display());
        Failure::new(Kind::Result, text)
    };
    let text = std::fs::read_to_string(path).map_err(|error| failed(error.to_string()))?;
    let (notes, rows): (Vec<&str>, Vec<&str>) = text
        .lines()
        .filter(|line| !line.trim().is_empty())
        .partition(|line| line.starts_with('#'));
    let notes: Vec<&str> = notes
        .iter()
        .map(|note| note.trim_start_matches(['#', ' ']))
        .collect();
    let mut columns = Columns::new(json!({ "notes": notes }));
    let mut rows = rows.into_iter();
    let header = format!("{},flags", COLUMNS.join(","));
    if rows.next() != Some(header.as_str()) {
        return Err(failed("it has other columns".to_owned()));
    }
    for row in rows {
        let cells: Vec<&str> = row.split(',').collect();
        let Some((flags, numbers)) = cells.split_last() else {
            continue;
        };
        let numbers: Option<Vec<f64>> = numbers.iter().map(|cell| number(cell)).collect();
        match (numbers, flags_named(flags)) {
            (Some(numbers), Some(flags)) if numbers.len() == COLUMNS.len() => {
                columns.add(&numbers, flags);
            }
            _ => return Err(failed(format!("the row {row:?} is damaged"))),
        }
    }
    Ok(columns)
}

/// A cell; NaN where it is empty.
fn number(cell: &str) -> Option<f64> {
    if cell.is_empty() {
        return Some(f64::NAN);
    }
    cell.parse().ok()
}

fn flags_named(text: &str) -> Option<Flags> {
    let mut flags = Flags::default();
    for name in text.split('|').filter(|name| !name.is_empty()) {
        let bit = (0..u8::BITS)
            .map(|bit| 1 << bit)
            .find(|&bit| Flags(bit).to_string() == name)?;
        flags.0 |= bit;
    }
    Some(flags)
}
