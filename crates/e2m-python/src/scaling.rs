//! The scale of a pair of arrays, and their difference.

use crate::arrays::{Floats, same_shape};
use crate::errors::{Failure, Kind};
use crate::waiting::{CancelToken, cancelled, interrupt_of, quietly};
use e2m_align::default_band_rows;
use e2m_batch::Interrupt;
use e2m_scale::{
    PeakChoice, PercentilePasses, RatioStatistics, ScaleOptions, ScaleVerdict, Subtraction,
    estimate_scale, subtract_scaled,
};
use ndarray::{Array2, ArrayView2, s};
use numpy::{IntoPyArray as _, PyArray2};
use pyo3::prelude::*;

/// By how much brighter the background became, and what is thought of that. Made by `scale`.
#[pyclass(module = "e2m._e2m", frozen)]
#[derive(Debug)]
pub(crate) struct Scale {
    method: &'static str,
    subtraction: Subtraction,
    std_error: Option<f64>,
    verdict: &'static str,
    reasons: Vec<String>,
}

#[pymethods]
impl Scale {
    /// "moffat", "percentile" or "manual".
    #[getter]
    fn method(&self) -> &'static str {
        self.method
    }

    /// The factor by which the background became brighter.
    #[getter]
    fn value(&self) -> f64 {
        self.subtraction.scale
    }

    /// Its standard error; None for a percentile and a given scale.
    #[getter]
    fn std_error(&self) -> Option<f64> {
        self.std_error
    }

    /// The black level that is taken off post, counts.
    #[getter]
    fn post_black(&self) -> f64 {
        self.subtraction.post_black
    }

    /// The black level that is taken off pre, counts.
    #[getter]
    fn pre_black(&self) -> f64 {
        self.subtraction.pre_black
    }

    /// "pass" or "suspect". A percentile and a given scale are not judged and pass.
    #[getter]
    fn verdict(&self) -> &'static str {
        self.verdict
    }

    /// Why it is not "pass", a sentence each.
    #[getter]
    fn reasons(&self) -> Vec<String> {
        self.reasons.clone()
    }

    fn __float__(&self) -> f64 {
        self.subtraction.scale
    }

    fn __repr__(&self) -> String {
        let error = self
            .std_error
            .map(|error| format!(" ± {error:.1e}"))
            .unwrap_or_default();
        format!(
            "<e2m.Scale {:.5}{error} ({}, {})>",
            self.subtraction.scale, self.method, self.verdict
        )
    }

    /// `(post - post_black) - value x (aligned - pre_black)`, counts of post: float32 of the shape of both images.
    fn difference<'py>(
        &self,
        py: Python<'py>,
        post: &Bound<'py, PyAny>,
        aligned: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyArray2<f32>>> {
        let (post, aligned) = (Floats::of("post", post)?, Floats::of("aligned", aligned)?);
        let (post, aligned) = (post.view(), aligned.view());
        same_shape(py, post, aligned)?;
        let difference = quietly(py, &Interrupt::default(), || {
            let mut out = Array2::zeros(post.dim());
            subtract_scaled(post, aligned, &self.subtraction, out.view_mut());
            Ok(out)
        })?;
        Ok(difference.into_pyarray(py))
    }
}

/// How the scale is to be found.
enum Method {
    Moffat(ScaleOptions),
    Percentile(f64, [f64; 2]),
    Manual(Subtraction),
}

/// The scale between post and aligned pre.
#[pyfunction]
#[pyo3(signature = (post, aligned, *, method="moffat", percentile=50.0, value=None, post_black=None, pre_black=None, peak="auto", cancel=None))]
#[expect(
    clippy::too_many_arguments,
    reason = "arguments by keyword of a Python function"
)]
pub(crate) fn scale<'py>(
    py: Python<'py>,
    post: &Bound<'py, PyAny>,
    aligned: &Bound<'py, PyAny>,
    method: &str,
    percentile: f64,
    value: Option<f64>,
    post_black: Option<f64>,
    pre_black: Option<f64>,
    peak: &str,
    cancel: Option<&CancelToken>,
) -> PyResult<Scale> {
    let raised = |text: String| Failure::new(Kind::Scale, text).raised(py);
    let given = [post_black, pre_black].map(|level| level.unwrap_or(0.0));
    let method = match (method, value) {
        ("moffat", _) => Method::Moffat(ScaleOptions {
            post_black,
            pre_black,
            peak: peak_named(peak).ok_or_else(|| {
                raised(format!(
                    "peak is {peak:?}, it must be \"auto\", \"lowest\" or \"largest\""
                ))
            })?,
        }),
        ("percentile", _) => Method::Percentile(percentile, given),
        ("manual", Some(value)) => Method::Manual(Subtraction {
            scale: value,
            post_black: given[0],
            pre_black: given[1],
        }),
        ("manual", None) => {
            return Err(raised(
                "method is \"manual\": the scale has to be given as `value`".to_owned(),
            ));
        }
        _ => {
            return Err(raised(format!(
                "method is {method:?}, it must be \"moffat\", \"percentile\" or \"manual\""
            )));
        }
    };
    let (post, aligned) = (Floats::of("post", post)?, Floats::of("aligned", aligned)?);
    let (post, aligned) = (post.view(), aligned.view());
    same_shape(py, post, aligned)?;
    let interrupt = interrupt_of(cancel);
    quietly(py, &interrupt, || found(post, aligned, method, &interrupt))
}

fn peak_named(name: &str) -> Option<PeakChoice> {
    match name {
        "auto" => Some(PeakChoice::Auto),
        "lowest" => Some(PeakChoice::Lowest),
        "largest" => Some(PeakChoice::Largest),
        _ => None,
    }
}

fn found(
    post: ArrayView2<'_, f32>,
    aligned: ArrayView2<'_, f32>,
    method: Method,
    interrupt: &Interrupt,
) -> Result<Scale, Failure> {
    let judged_by_nobody = |method, subtraction| Scale {
        method,
        subtraction,
        std_error: None,
        verdict: "pass",
        reasons: Vec::new(),
    };
    match method {
        Method::Manual(subtraction) => Ok(judged_by_nobody("manual", subtraction)),
        Method::Percentile(percent, [post_black, pre_black]) => {
            let mut coarse = PercentilePasses::new(percent)?.first();
            each_band(post, aligned, interrupt, |post, aligned| {
                coarse.add_band(post, aligned);
            })?;
            let mut fine = coarse
                .second()
                .ok_or_else(|| Failure::new(Kind::Scale, "no pixel is positive in both images"))?;
            each_band(post, aligned, interrupt, |post, aligned| {
                fine.add_band(post, aligned);
            })?;
            let subtraction = Subtraction {
                scale: fine.value(),
                post_black,
                pre_black,
            };
            Ok(judged_by_nobody("percentile", subtraction))
        }
        Method::Moffat(options) => {
            let mut statistics = RatioStatistics::default();
            each_band(post, aligned, interrupt, |post, aligned| {
                statistics.add_band(post, aligned);
            })?;
            let scale = estimate_scale(&statistics, &options)?;
            let verdict = scale.verdict();
            Ok(Scale {
                method: "moffat",
                subtraction: scale.subtraction(),
                std_error: Some(scale.std_error),
                verdict: if matches!(verdict, ScaleVerdict::Pass) {
                    "pass"
                } else {
                    "suspect"
                },
                reasons: verdict.reasons(),
            })
        }
    }
}

/// Hands both images over band by band.
fn each_band(
    post: ArrayView2<'_, f32>,
    aligned: ArrayView2<'_, f32>,
    interrupt: &Interrupt,
    mut take: impl FnMut(ArrayView2<'_, f32>, ArrayView2<'_, f32>),
) -> Result<(), Failure> {
    let rows = default_band_rows(post.ncols());
    for first in (0..post.nrows()).step_by(rows) {
        if interrupt.is_raised() {
            return Err(cancelled());
        }
        let band = s![first..(first + rows).min(post.nrows()), ..];
        take(post.slice(band), aligned.slice(band));
    }
    Ok(())
}
