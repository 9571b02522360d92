//! Batches: running them, and what there is of them.

use crate::documents::{parsed, parsed_object, to_python, to_toml};
use crate::errors::{Failure, Kind};
use crate::waiting::{CancelToken, interrupt_of, watched};
use e2m_batch::batch_file::{Problems, values::Parallel};
use e2m_batch::logs::facts_of;
use e2m_batch::report::PAGE_NAME;
use e2m_batch::{
    BatchEvent, BatchFile, BatchFileError, BatchOutcome, Environment, Plan, PlanOptions, Reporter,
    StageSelection, TaskSelection, WorkerCommand, run as run_plan,
};
use e2m_pipeline::{Params, REGISTRY, Stage, parse_suffix as parsed_suffix};
use pyo3::prelude::*;
use pyo3::types::PyDict;
use serde_json::{Map, Value, json};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::mpsc::Sender;

/// Where a batch that is no file says it is: relative folders are those of Python.
const NO_FILE: &str = "batch from Python";

/// What goes to Python of an event: its name, its task, its facts.
pub(crate) type Told = (&'static str, Option<(String, usize, usize)>, Value);

/// A batch from the package: `{"path": …}` or `{"batch": {…}, "folder": …}`.
pub(crate) fn read(source: &str) -> Result<BatchFile, Failure> {
    let source = parsed_object(source)?;
    let text = |key: &str| source.get(key).and_then(Value::as_str);
    if let Some(path) = text("path") {
        return Ok(BatchFile::read(Path::new(path))?);
    }
    let empty = Map::new();
    let batch = source.get("batch").and_then(Value::as_object);
    let toml = to_toml(batch.unwrap_or(&empty))?;
    let path = Path::new(text("folder").unwrap_or_default()).join(NO_FILE);
    BatchFile::parse(&path, &toml).map_err(|list| {
        let problems = Problems {
            path: NO_FILE.into(),
            text: toml,
            list,
        };
        BatchFileError::Content(problems).into()
    })
}

/// What narrows it, from JSON.
pub(crate) fn plan_options(options: &str) -> Result<PlanOptions, Failure> {
    let options = parsed_object(options)?;
    let names = |key: &str| -> Vec<String> {
        let list = options.get(key).and_then(Value::as_array);
        let names = list.into_iter().flatten().filter_map(Value::as_str);
        names.map(str::to_owned).collect()
    };
    let stage = |key: &str| -> Result<Option<Stage>, Failure> {
        match options.get(key) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => serde_json::from_value(value.clone())
                .map(Some)
                .map_err(|_| {
                    let text = format!("{key} is {value}, it must be a stage from 1 to 5");
                    Failure::new(Kind::BatchFile, text)
                }),
        }
    };
    let flag = |key: &str| options.get(key).and_then(Value::as_bool) == Some(true);
    Ok(PlanOptions {
        tasks: TaskSelection {
            samples: names("samples"),
            dyes: names("dyes"),
        },
        stages: StageSelection {
            from_stage: stage("from_stage")?,
            to_stage: stage("to_stage")?,
            force: flag("force"),
            redraw: flag("redraw"),
        },
    })
}

/// The environment as Python has it, and the program that does tasks in processes of their own.
pub(crate) fn environment(py: Python<'_>, program: Option<PathBuf>) -> PyResult<Environment> {
    let variables = py.import("os")?.getattr("environ")?;
    let variables: Vec<(OsString, OsString)> = variables
        .call_method0("items")?
        .try_iter()?
        .map(|item| item?.extract())
        .collect::<PyResult<_>>()?;
    let environment = Environment::new(variables);
    Ok(match program {
        Some(program) => environment
            .with_program(program.clone())
            .with_worker(WorkerCommand {
                program,
                args: vec!["worker".into(), "-q".into()],
                envs: Vec::new(),
            }),
        None => environment,
    })
}

/// Tells Python what happens, as much of it as is for people and programs.
pub(crate) struct Teller<'a>(pub(crate) &'a Sender<Told>);

impl Reporter for Teller<'_> {
    fn on_event(&mut self, event: &BatchEvent<'_>) {
        let told = match event {
            BatchEvent::StageProgress {
                step,
                megapixels_per_second,
                rss_bytes,
                ..
            } => Some((
                "stage_progress",
                json!({
                    "stage": step.stage,
                    "what": step.what,
                    "rows": step.rows,
                    "of": step.of,
                    "megapixels_per_second": megapixels_per_second,
                    "rss_bytes": rss_bytes,
                }),
            )),
            BatchEvent::Warning { text } => Some(("warning", json!({ "text": text }))),
            BatchEvent::Error { text } => Some(("error", json!({ "text": text }))),
            BatchEvent::RunnerFailed { error } => {
                Some(("error", json!({ "text": error.to_string() })))
            }
            BatchEvent::MemoryLine { text, .. } => Some(("note", json!({ "text": text }))),
            BatchEvent::TaskEnded { result, .. } => Some((
                "task_finished",
                serde_json::to_value(result).unwrap_or_default(),
            )),
            event => facts_of(event),
        };
        if let Some((name, facts)) = told {
            let task = event.task();
            let task = task.map(|task| (task.name.clone(), task.index, task.of));
            // Nobody listens any more only when the call is over.
            let _ = self.0.send((name, task, facts));
        }
    }
}

/// Calls a Python callback with an event: `callback(name, task, index, of, facts)`.
pub(crate) fn tell(
    py: Python<'_>,
    callback: &Option<Py<PyAny>>,
    (name, task, facts): Told,
) -> PyResult<()> {
    let Some(callback) = callback else {
        return Ok(());
    };
    let (task, index, of) = match task {
        Some((task, index, of)) => (Some(task), Some(index), Some(of)),
        None => (None, None, None),
    };
    callback.call1(py, (name, task, index, of, to_python(py, &facts)?))?;
    Ok(())
}

/// Runs a batch to its end; answers with how it and its tasks ended.
#[pyfunction]
#[pyo3(signature = (source, options, *, program=None, callback=None, cancel=None))]
pub(crate) fn run<'py>(
    py: Python<'py>,
    source: &str,
    options: &str,
    program: Option<PathBuf>,
    callback: Option<Py<PyAny>>,
    cancel: Option<&CancelToken>,
) -> PyResult<Bound<'py, PyAny>> {
    let has_program = program.is_some();
    let environment = environment(py, program)?;
    let interrupt = interrupt_of(cancel);
    let ended = watched(
        py,
        &interrupt,
        |tell| -> Result<Value, Failure> {
            let plan = plan_of(source, options, has_program)?;
            let mut teller = Teller(tell);
            for warning in &plan.warnings {
                teller.on_event(&BatchEvent::Warning { text: warning });
            }
            let outcome = run_plan(&plan, &environment, &interrupt, &mut teller)?;
            Ok(document(&plan, &outcome))
        },
        |py, told| tell(py, &callback, told),
    )?;
    to_python(py, &ended.map_err(|failure| failure.raised(py))?)
}

fn plan_of(source: &str, options: &str, has_program: bool) -> Result<Plan, Failure> {
    let file = read(source)?;
    let plan = Plan::new(&file, &plan_options(options)?)?;
    if plan.execution.parallel == Parallel::Slurm {
        let text = "the batch is for a cluster (parallel = \"slurm\"); submit it with the program: e2m BATCH. Here it could run \
                    with parallel = true";
        return Err(Failure::new(Kind::Other, text));
    }
    let needs_program = match plan.execution.parallel {
        Parallel::Subprocess => true,
        Parallel::Pool => !plan.execution.use_threads,
        Parallel::No | Parallel::Slurm => false,
    };
    if needs_program && !has_program {
        let text = "tasks are to run in processes of their own, for which the program e2m is needed, and it was not found beside this \
                    module. Install the wheel, name it by the variable E2M_PROGRAM, or set use_threads = true";
        return Err(Failure::new(Kind::Other, text));
    }
    Ok(plan)
}

fn document(plan: &Plan, outcome: &BatchOutcome) -> Value {
    let unwritten = outcome.unwritten.iter();
    json!({
        "batch": plan.batch_path,
        "output_dir": plan.output_dir,
        "report": plan.output_dir.join(PAGE_NAME),
        "exit_code": outcome.ending.code(),
        "seconds": outcome.seconds,
        "tasks": outcome.results,
        "runner_error": outcome.runner_error.as_ref().map(ToString::to_string),
        "unwritten": unwritten.map(ToString::to_string).collect::<Vec<_>>(),
    })
}

/// What there is of each task of a batch, and what a run would do.
#[pyfunction]
pub(crate) fn status<'py>(
    py: Python<'py>,
    source: &str,
    options: &str,
) -> PyResult<Bound<'py, PyAny>> {
    let environment = environment(py, None)?;
    let document = py.detach(|| -> Result<Value, Failure> {
        let plan = Plan::with_gaps(&read(source)?, &plan_options(options)?)?;
        Ok(e2m_batch::status(&plan, &environment).document())
    });
    to_python(py, &document.map_err(|failure| failure.raised(py))?)
}

/// The output folder of a batch.
#[pyfunction]
pub(crate) fn output_dir(py: Python<'_>, source: &str) -> PyResult<PathBuf> {
    let file = read(source).map_err(|failure| failure.raised(py))?;
    Ok(file.output_dir())
}

/// The table of parameters: a dict for each.
#[pyfunction]
pub(crate) fn parameters(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
    let rows = REGISTRY.iter().map(|spec| {
        json!({
            "name": spec.name,
            "abbreviation": spec.abbreviation,
            "stage": spec.stage,
            "default": spec.default,
            "expected": spec.expected(),
            "meaning": spec.meaning,
            "when": spec.when,
        })
    });
    to_python(py, &Value::Array(rows.collect()))
}

/// The value of a parameter as it is taken; `value` is JSON.
#[pyfunction]
pub(crate) fn check_param<'py>(
    py: Python<'py>,
    name: &str,
    value: &str,
) -> PyResult<Bound<'py, PyAny>> {
    let checked = || -> Result<Value, Failure> {
        let mut given = Map::new();
        given.insert(name.to_owned(), parsed(value)?);
        let mut params = Params::default();
        crate::alignment::set_params(&mut params, &given)?;
        let mut values = REGISTRY.iter().zip(params.values());
        let value = values.find(|(spec, _)| spec.name == name);
        Ok(value.map_or(Value::Null, |(_, value)| json!(value)))
    };
    to_python(py, &checked().map_err(|failure| failure.raised(py))?)
}

/// The parameters that the suffix of a file name says.
#[pyfunction]
pub(crate) fn parse_suffix<'py>(py: Python<'py>, suffix: &str) -> PyResult<Bound<'py, PyDict>> {
    let params = parsed_suffix(suffix);
    let params = params.map_err(|error| Failure::new(Kind::BatchFile, error).raised(py))?;
    let dict = PyDict::new(py);
    for (spec, value) in params.non_default(Stage::LAST) {
        dict.set_item(spec.name, to_python(py, &json!(value))?)?;
    }
    Ok(dict)
}
