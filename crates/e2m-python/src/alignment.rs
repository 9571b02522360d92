//! Alignment of two arrays, and what is known of it.

use crate::arrays::Image;
use crate::documents::parsed_object;
use crate::errors::{Failure, Kind};
use crate::pictures::shrunk;
use crate::waiting::{CancelToken, interrupt_of, quietly};
use e2m_align::{
    AlignObserver, Aligner, BandError, BandSource as _, Mapping, PlaneSource, PlaneView, Size,
    TileResidual, Verdict, WarpedPlane, default_band_rows,
};
use e2m_batch::Interrupt;
use e2m_image::Canvas;
use e2m_pipeline::{ParamValue, Params, alignment_options};
use ndarray::{Array2, s};
use numpy::{IntoPyArray as _, PyArray1, PyArray2, PyReadonlyArray2};
use pyo3::prelude::*;
use serde_json::{Map, Value};

/// The warp from post to pre, and how far it is to be trusted. Made by `align`.
#[pyclass(module = "e2m._e2m", frozen)]
#[derive(Debug)]
pub(crate) struct Alignment {
    mapping: Mapping,
    post: Size,
    pre: Size,
    verdict: Verdict,
    reasons: Vec<String>,
    coarse_method: String,
    residuals: Vec<TileResidual>,
    tiles: usize,
    median_px: Option<f64>,
    p90_px: Option<f64>,
    accuracy_px: Option<f64>,
    overlap_fraction: f64,
    correlation: f64,
    /// Post and aligned pre at reduced resolution.
    previews: [Array2<f32>; 2],
}

#[pymethods]
impl Alignment {
    /// The homography, shape (3, 3): from post pixels (x, y, 1) to pre pixels, pixel centres on integers.
    #[getter]
    fn warp<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray2<f64>> {
        let rows = self.mapping.warp.rows();
        Array2::from_shape_fn((3, 3), |(y, x)| rows[y][x]).into_pyarray(py)
    }

    /// Whether a smooth displacement lies on top of the homography, because the section was deformed.
    #[getter]
    fn is_deformed(&self) -> bool {
        self.mapping.deformation.is_some()
    }

    /// "pass", "suspect" or "fail".
    #[getter]
    fn verdict(&self) -> &'static str {
        match self.verdict {
            Verdict::Pass => "pass",
            Verdict::Suspect => "suspect",
            Verdict::Fail => "fail",
        }
    }

    /// Why it is not "pass", a sentence each.
    #[getter]
    fn reasons(&self) -> Vec<String> {
        self.reasons.clone()
    }

    /// How the coarse warp was found: "features", "boundary" or "correlation".
    #[getter]
    fn coarse_method(&self) -> &str {
        &self.coarse_method
    }

    /// Median of the shifts that remain on tiles outside the fit, px; None where no tile could be measured.
    #[getter]
    fn residual_median_px(&self) -> Option<f64> {
        self.median_px
    }

    /// Nine in ten of these shifts are no longer, px.
    #[getter]
    fn residual_p90_px(&self) -> Option<f64> {
        self.p90_px
    }

    /// The expected mean error of the warp, px; None where it was not refined.
    #[getter]
    fn estimated_accuracy_px(&self) -> Option<f64> {
        self.accuracy_px
    }

    /// Share of post's signal on which pre has signal too, 0 to 1.
    #[getter]
    fn overlap_fraction(&self) -> f64 {
        self.overlap_fraction
    }

    /// Correlation of both images under the warp, -1 to 1.
    #[getter]
    fn correlation(&self) -> f64 {
        self.correlation
    }

    /// Tiles that were to be measured.
    #[getter]
    fn tiles(&self) -> usize {
        self.tiles
    }

    /// Shape of post, (height, width): that of a warped image.
    #[getter]
    fn post_shape(&self) -> (usize, usize) {
        self.post.shape()
    }

    /// Shape of pre, (height, width).
    #[getter]
    fn pre_shape(&self) -> (usize, usize) {
        self.pre.shape()
    }

    /// The columns of the residuals, float64 each, one row a tile: x, y (its middle, px of post), side_px, dx, dy (what remains,
    /// px), error_px, correlation.
    fn residual_columns<'py>(&self, py: Python<'py>) -> Vec<Bound<'py, PyArray1<f64>>> {
        let column = |value: fn(&TileResidual) -> f64| {
            let values: Vec<f64> = self.residuals.iter().map(value).collect();
            values.into_pyarray(py)
        };
        vec![
            column(|residual| residual.tile.centre().0),
            column(|residual| residual.tile.centre().1),
            column(|residual| residual.tile.side_px as f64),
            column(|residual| residual.dx),
            column(|residual| residual.dy),
            column(|residual| residual.error_px),
            column(|residual| residual.correlation),
        ]
    }

    /// An image of pre's shape as post sees it: float32 of post's shape, one bilinear interpolation, 0 where pre has no pixel.
    #[pyo3(signature = (image, *, cancel=None))]
    fn warp_image<'py>(
        &self,
        py: Python<'py>,
        image: &Bound<'py, PyAny>,
        cancel: Option<&CancelToken>,
    ) -> PyResult<Bound<'py, PyArray2<f32>>> {
        let image = Image::of("image", image)?;
        let view = image.view();
        if view.size() != self.pre {
            let text = format!(
                "the image has the shape {:?} and pre {:?}: only what lies pixel on pixel with pre can be warped",
                view.size().shape(),
                self.pre.shape()
            );
            return Err(Failure::new(Kind::Array, text).raised(py));
        }
        let interrupt = interrupt_of(cancel);
        let warped = quietly(py, &interrupt, || {
            warp(view, (self.post, self.pre), &self.mapping, &interrupt)
        })?;
        Ok(warped.into_pyarray(py))
    }

    /// Where points of post, float64 of shape (n, 2) as (x, y), lie in pre: an array of that shape.
    fn apply<'py>(
        &self,
        py: Python<'py>,
        points: PyReadonlyArray2<'py, f64>,
    ) -> PyResult<Bound<'py, PyArray2<f64>>> {
        let points = points.as_array();
        if points.ncols() != 2 {
            let text = format!(
                "points have the shape {:?}, it must be (n, 2)",
                points.dim()
            );
            return Err(Failure::new(Kind::Array, text).raised(py));
        }
        let mut there = Array2::zeros(points.dim());
        for (from, mut to) in points.rows().into_iter().zip(there.rows_mut()) {
            (to[0], to[1]) = self.mapping.apply(from[0], from[1]);
        }
        Ok(there.into_pyarray(py))
    }

    /// Post and aligned pre at reduced resolution, for pictures: float32, one shape.
    fn previews<'py>(&self, py: Python<'py>) -> [Bound<'py, PyArray2<f32>>; 2] {
        self.previews
            .each_ref()
            .map(|preview| preview.clone().into_pyarray(py))
    }
}

/// Aligns pre to post; `options` is JSON of parameters.
#[pyfunction]
#[pyo3(signature = (post, pre, options="{}", cancel=None))]
pub(crate) fn align<'py>(
    py: Python<'py>,
    post: &Bound<'py, PyAny>,
    pre: &Bound<'py, PyAny>,
    options: &str,
    cancel: Option<&CancelToken>,
) -> PyResult<Alignment> {
    let params = params_of(options).map_err(|failure| failure.raised(py))?;
    let (post, pre) = (Image::of("post", post)?, Image::of("pre", pre)?);
    let (post, pre) = (post.view(), pre.view());
    let interrupt = interrupt_of(cancel);
    quietly(py, &interrupt, || {
        aligned(post, pre, &params, interrupt.clone())
    })
}

/// The parameters of an alignment. Results lie on post, without a margin.
fn params_of(options: &str) -> Result<Params, Failure> {
    let mut params = Params::default();
    set_params(&mut params, &parsed_object(options)?)?;
    params.validate()?;
    params.pad = 0;
    Ok(params)
}

/// Sets parameters by name.
pub(crate) fn set_params(params: &mut Params, given: &Map<String, Value>) -> Result<(), Failure> {
    for (name, value) in given {
        params.set(name, param_value(name, value)?)?;
    }
    Ok(())
}

/// A value of a parameter from JSON.
fn param_value(name: &str, value: &Value) -> Result<ParamValue, Failure> {
    Ok(match value {
        Value::Null => ParamValue::None,
        Value::Bool(flag) => ParamValue::Bool(*flag),
        Value::Number(number) => match number.as_i64() {
            Some(whole) => ParamValue::Int(whole),
            None => ParamValue::Float(number.as_f64().unwrap_or(f64::NAN)),
        },
        Value::String(text) => ParamValue::Text(text.clone()),
        Value::Array(_) | Value::Object(_) => {
            let text = format!("{name} is {value}, it must be a number, a word, a bool or None");
            return Err(Failure::new(Kind::BatchFile, text));
        }
    })
}

/// Stops the aligner.
struct UntilStopped(Interrupt);

impl AlignObserver for UntilStopped {
    fn should_stop(&self) -> bool {
        self.0.is_raised()
    }
}

fn aligned(
    post: PlaneView<'_>,
    pre: PlaneView<'_>,
    params: &Params,
    interrupt: Interrupt,
) -> Result<Alignment, Failure> {
    let sizes = (post.size(), pre.size());
    let aligner = Aligner::new(sizes.0, sizes.1, alignment_options(params));
    let mut bands = PlaneSource::new(post);
    let mut observer = UntilStopped(interrupt);
    let previews = aligner.read_previews(&mut bands, pre, &mut observer)?;
    let coarse = aligner.align_coarsely(&previews, &mut observer)?;
    let found = aligner.align_finely(&previews, &coarse.warp, &mut bands, pre, &mut observer)?;
    let (similarity, assessment) = aligner.assess(&previews, &found, &mut observer)?;
    if assessment.verdict == Verdict::Fail
        && let Some(mirrored) = aligner.mirrored(&previews)
    {
        return Err(mirrored.into());
    }
    let fine = &found.fine;
    let of_warp = fine.refinement.rejected.is_none();
    let of_warp = of_warp.then_some(fine.refinement.estimated_accuracy_px);
    let of_field = fine.correction().map(|local| local.estimated_accuracy_px);
    let summary = fine.check.summary.as_ref();
    let (mapping, factor) = (fine.mapping(), previews.factor() as f64);
    // The homography alone is as good as all of it at this resolution.
    let reduced = mapping.warp.at_reduced_resolution(factor, factor);
    let reduced = reduced_pre(previews.post(), previews.pre(), &reduced.into())?;
    Ok(Alignment {
        post: sizes.0,
        pre: sizes.1,
        verdict: assessment.verdict,
        reasons: assessment.reasons,
        coarse_method: coarse.method.to_string(),
        residuals: fine.check.residuals.clone(),
        tiles: fine.check.tiles.len(),
        median_px: summary.map(|summary| summary.median_px),
        p90_px: summary.map(|summary| summary.p90_px),
        accuracy_px: of_field.or(of_warp).filter(|px| px.is_finite()),
        overlap_fraction: similarity.overlap_fraction,
        correlation: similarity.correlation,
        previews: [shrunk(previews.post()), shrunk(reduced.view())],
        mapping,
    })
}

fn reduced_pre(
    post: ndarray::ArrayView2<'_, f32>,
    pre: ndarray::ArrayView2<'_, f32>,
    mapping: &Mapping,
) -> Result<Array2<f32>, Failure> {
    let sizes = [post, pre].map(|image| Size::new(image.ncols(), image.nrows()));
    warp(
        pre.into(),
        (sizes[0], sizes[1]),
        mapping,
        &Interrupt::default(),
    )
}

/// An image of the size of pre on the pixels of post.
fn warp(
    image: PlaneView<'_>,
    (post, pre): (Size, Size),
    mapping: &Mapping,
    interrupt: &Interrupt,
) -> Result<Array2<f32>, Failure> {
    let canvas = Canvas::new(post, pre, 0);
    let mut source = WarpedPlane::new(image, canvas, mapping.clone());
    let mut out = Array2::zeros(post.shape());
    let width = canvas.size().width;
    let rows = default_band_rows(width);
    for first in (0..post.height).step_by(rows) {
        if interrupt.is_raised() {
            return Err(crate::waiting::cancelled());
        }
        let last = (first + rows).min(post.height);
        let mut band = Array2::zeros((last - first, width));
        source
            .read_band(first, band.view_mut())
            .map_err(|error: BandError| Failure::new(Kind::Other, error))?;
        out.slice_mut(s![first..last, ..])
            .assign(&band.slice(s![.., ..post.width]));
    }
    Ok(out)
}
