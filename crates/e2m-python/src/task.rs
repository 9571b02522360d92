//! One task: running it, its record, and parts of its images.

use crate::batch::{Teller, environment, plan_options, read as read_batch, tell};
use crate::documents::to_python;
use crate::errors::{Failure, Kind};
use crate::waiting::{CancelToken, cancelled, interrupt_of, watched};
use e2m_batch::{Plan, SingleTask, TaskResult, only_task};
use e2m_pipeline::{
    RecordedTask, Region, RegionError, RegionPixels, StageImage, Status, TaskImages,
};
use numpy::IntoPyArray as _;
use pyo3::prelude::*;
use serde_json::{Value, json};

/// Runs the one task of a sample and a dye in this process; nothing is written but its own folder.
#[pyfunction]
#[pyo3(signature = (source, sample, dye, options, *, callback=None, cancel=None))]
pub(crate) fn run_task<'py>(
    py: Python<'py>,
    source: &str,
    sample: &str,
    dye: &str,
    options: &str,
    callback: Option<Py<PyAny>>,
    cancel: Option<&CancelToken>,
) -> PyResult<Bound<'py, PyAny>> {
    let environment = environment(py, None)?;
    let interrupt = interrupt_of(cancel);
    let ended = watched(
        py,
        &interrupt,
        |tell| -> Result<Value, Failure> {
            let plan = Plan::with_gaps(&read_batch(source)?, &plan_options(options)?)?;
            let plan = only_task(plan, sample, dye)?;
            let task = plan.tasks.first();
            let task = task.ok_or_else(|| Failure::new(Kind::Other, "the plan has no task"))?;
            let mut teller = Teller(tell);
            let single = SingleTask::prepare(&plan, task, &environment, &mut teller)?;
            let outcome = single.run(&interrupt, None, &mut teller);
            if outcome.interrupted {
                return Err(cancelled());
            }
            if let Status::Error(why) = &outcome.status {
                let kind = outcome.failure.map_or(Kind::Task, Kind::from);
                return Err(Failure::new(kind, why));
            }
            let result = TaskResult::of(task, &outcome, &plan.output_dir);
            Ok(serde_json::to_value(result).unwrap_or_default())
        },
        |py, told| tell(py, &callback, told),
    )?;
    to_python(py, &ended.map_err(|failure| failure.raised(py))?)
}

/// A task of a batch by what is on record of it; its raw images need not be there.
fn opened(source: &str, sample: &str, dye: &str) -> Result<TaskImages, Failure> {
    let file = read_batch(source)?;
    let recorded = |raw| RecordedTask {
        sample: sample.to_owned(),
        dye: dye.to_owned(),
        output_dir: file.output_dir(),
        raw,
        params: Some(file.params.clone()),
    };
    let plan = Plan::with_gaps(&file, &Default::default());
    let raw = plan.ok().and_then(|plan| {
        let task = plan.tasks.into_iter().next()?;
        Some([task.post, task.pre])
    });
    Ok(TaskImages::open(&recorded(raw))?)
}

/// The record of a task: its folder, canvas, catalogue and manifest.
#[pyfunction]
pub(crate) fn record<'py>(
    py: Python<'py>,
    source: &str,
    sample: &str,
    dye: &str,
) -> PyResult<Bound<'py, PyAny>> {
    let found = py.detach(|| -> Result<Value, Failure> {
        let images = opened(source, sample, dye)?;
        let manifest = images.manifest();
        let mut tables = manifest.tables.iter().map(|table| &table.path);
        let catalogue = tables.find(|path| {
            let path = path.as_str();
            let name = path.rsplit('/').next().unwrap_or(path);
            name.starts_with("05_microbes") && name.ends_with(".csv")
        });
        let canvas = images.canvas();
        Ok(json!({
            "dir": images.dir(),
            "shape": [canvas.height, canvas.width],
            "um_per_px": images.um_per_px(),
            "catalogue": catalogue.map(|path| images.dir().join(path)),
            "images": StageImage::ALL.map(StageImage::name),
            "manifest": manifest,
        }))
    });
    to_python(py, &found.map_err(|failure| failure.raised(py))?)
}

/// Pixels of an image of a task: float32, uint8 for the mask. `box` is (x, y, width, height) on the canvas.
#[pyfunction]
#[pyo3(signature = (source, sample, dye, image, region=None, step=1))]
pub(crate) fn read<'py>(
    py: Python<'py>,
    source: &str,
    sample: &str,
    dye: &str,
    image: &str,
    region: Option<[usize; 4]>,
    step: usize,
) -> PyResult<(Bound<'py, PyAny>, Option<String>)> {
    let image: StageImage = image
        .parse()
        .map_err(|error| Failure::new(Kind::Result, error).raised(py))?;
    let read = py.detach(|| -> Result<RegionPixels, Failure> {
        let images = opened(source, sample, dye)?;
        let canvas = images.canvas();
        let [x, y, width, height] = region.unwrap_or([0, 0, canvas.width, canvas.height]);
        let end = |from: usize, side: usize| from.checked_add(side);
        if end(x, width).is_none() || end(y, height).is_none() {
            return Err(RegionError::Outside { canvas }.into());
        }
        let region = Region {
            x,
            y,
            width,
            height,
        };
        Ok(images.read(image, region, step)?)
    });
    let read = read.map_err(|failure| failure.raised(py))?;
    let pixels = if image == StageImage::Mask {
        read.pixels
            .mapv(|flags| flags as u8)
            .into_pyarray(py)
            .into_any()
    } else {
        read.pixels.into_pyarray(py).into_any()
    };
    Ok((pixels, read.passed_over))
}
