//! The module `e2m._e2m`: what the Python package `e2m` beside this crate is made of.
//!
//! The package (`python/e2m`) is what people import. Its classes are Python; this crate gives them the few functions that need
//! the workspace: batches and tasks of e2m-batch, images of finished tasks, and alignment, scale and detection on numpy arrays.
//! Nothing is computed here that another crate does not compute.
//!
//! | module | what it binds |
//! |---|---|
//! | `batch`, `task` | runs of e2m-batch, records and images of e2m-pipeline |
//! | `alignment`, `scaling`, `detection` | e2m-align, e2m-scale and e2m-detect on arrays |
//! | `arrays` | numpy arrays as planes, without a copy where the type allows it |
//! | `waiting` | work on another thread, while this one listens to Ctrl-C and reports |
//! | `errors`, `documents`, `pictures` | exceptions, JSON, thumbnails |
//!
//! # What is promised
//!
//! - Python goes on while Rust works: the interpreter is given up for as long as a call lasts.
//! - Ctrl-C raises the interrupt of the call, which ends after the rows at hand; then `KeyboardInterrupt` is raised.
//! - Callbacks are called on the thread that called, one at a time.
//! - An exception has the words that the program would print.
#![cfg_attr(
    not(test),
    warn(
        clippy::expect_used,
        clippy::get_unwrap,
        clippy::panic,
        clippy::panic_in_result_fn,
        clippy::string_slice,
        clippy::unreachable
    )
)]

mod alignment;
mod arrays;
mod batch;
mod detection;
mod documents;
mod errors;
mod pictures;
mod scaling;
mod task;
mod waiting;

use pyo3::prelude::*;

/// The functions and classes behind the package `e2m`.
#[pymodule]
fn _e2m(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add_class::<waiting::CancelToken>()?;
    module.add_class::<alignment::Alignment>()?;
    module.add_class::<scaling::Scale>()?;
    module.add_function(wrap_pyfunction!(alignment::align, module)?)?;
    module.add_function(wrap_pyfunction!(scaling::scale, module)?)?;
    module.add_function(wrap_pyfunction!(detection::detect, module)?)?;
    module.add_function(wrap_pyfunction!(detection::read_catalogue, module)?)?;
    module.add_function(wrap_pyfunction!(batch::run, module)?)?;
    module.add_function(wrap_pyfunction!(batch::status, module)?)?;
    module.add_function(wrap_pyfunction!(batch::output_dir, module)?)?;
    module.add_function(wrap_pyfunction!(batch::parameters, module)?)?;
    module.add_function(wrap_pyfunction!(batch::check_param, module)?)?;
    module.add_function(wrap_pyfunction!(batch::parse_suffix, module)?)?;
    module.add_function(wrap_pyfunction!(task::run_task, module)?)?;
    module.add_function(wrap_pyfunction!(task::record, module)?)?;
    module.add_function(wrap_pyfunction!(task::read, module)?)?;
    module.add_function(wrap_pyfunction!(pictures::thumbnail, module)?)?;
    module.add_function(wrap_pyfunction!(pictures::reduced_png, module)?)?;
    Ok(())
}
