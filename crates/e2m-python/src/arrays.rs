//! numpy arrays as planes.

use crate::errors::{Failure, Kind};
use e2m_image::PlaneView;
use ndarray::ArrayView2;
use numpy::{PyReadonlyArray2, PyUntypedArray, PyUntypedArrayMethods as _};
use pyo3::prelude::*;

/// One channel of an image from Python, shape `(height, width)`: borrowed where its type is uint8, uint16 or float32, a float32
/// copy otherwise.
pub(crate) enum Image<'py> {
    U8(PyReadonlyArray2<'py, u8>),
    U16(PyReadonlyArray2<'py, u16>),
    F32(PyReadonlyArray2<'py, f32>),
}

impl<'py> Image<'py> {
    /// Takes anything that numpy makes an array of.
    pub(crate) fn of(name: &str, given: &Bound<'py, PyAny>) -> PyResult<Self> {
        let array = as_array(name, given)?;
        if let Ok(array) = array.extract() {
            return Ok(Self::F32(array));
        }
        if let Ok(array) = array.extract() {
            return Ok(Self::U8(array));
        }
        if let Ok(array) = array.extract() {
            return Ok(Self::U16(array));
        }
        Ok(Self::F32(as_floats(&array)?))
    }

    pub(crate) fn view(&self) -> PlaneView<'_> {
        match self {
            Self::U8(array) => array.as_array().into(),
            Self::U16(array) => array.as_array().into(),
            Self::F32(array) => array.as_array().into(),
        }
    }
}

/// An image as float32: borrowed where it is, a copy otherwise.
pub(crate) struct Floats<'py>(PyReadonlyArray2<'py, f32>);

impl<'py> Floats<'py> {
    pub(crate) fn of(name: &str, given: &Bound<'py, PyAny>) -> PyResult<Self> {
        let array = as_array(name, given)?;
        let floats = match array.extract() {
            Ok(array) => array,
            Err(_) => as_floats(&array)?,
        };
        Ok(Self(floats))
    }

    pub(crate) fn view(&self) -> ArrayView2<'_, f32> {
        self.0.as_array()
    }
}

/// A mask of flags, uint8: borrowed where it is, a copy otherwise.
pub(crate) struct Flags<'py>(PyReadonlyArray2<'py, u8>);

impl<'py> Flags<'py> {
    pub(crate) fn of(name: &str, given: &Bound<'py, PyAny>) -> PyResult<Self> {
        let array = as_array(name, given)?;
        let flags = match array.extract() {
            Ok(array) => array,
            Err(_) => array.call_method1("astype", ("uint8",))?.extract()?,
        };
        Ok(Self(flags))
    }

    pub(crate) fn view(&self) -> ArrayView2<'_, u8> {
        self.0.as_array()
    }
}

/// Both images have to have one shape.
pub(crate) fn same_shape(
    py: Python<'_>,
    post: ArrayView2<'_, f32>,
    aligned: ArrayView2<'_, f32>,
) -> PyResult<()> {
    if post.dim() == aligned.dim() {
        return Ok(());
    }
    let text = format!(
        "post has the shape {:?} and aligned pre {:?}: both have to be one; `Alignment.warp_image` makes them so",
        post.dim(),
        aligned.dim()
    );
    Err(Failure::new(Kind::Array, text).raised(py))
}

fn as_array<'py>(name: &str, given: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let py = given.py();
    let array = py.import("numpy")?.call_method1("asarray", (given,))?;
    let untyped: &Bound<'_, PyUntypedArray> = array.cast()?;
    let (dimensions, shape) = (untyped.ndim(), untyped.shape());
    if dimensions == 2 && !shape.contains(&0) {
        return Ok(array);
    }
    let text = format!(
        "{name} has the shape {shape:?}; an image of one channel has two dimensions, (height, width), and pixels"
    );
    Err(Failure::new(Kind::Array, text).raised(py))
}

fn as_floats<'py>(array: &Bound<'py, PyAny>) -> PyResult<PyReadonlyArray2<'py, f32>> {
    array.call_method1("astype", ("float32",))?.extract()
}
