//! Which batch files there are, and what is there of the tasks of one.

use super::{Asked, fresh};
use crate::error::Refusal;
use crate::state::App;
use axum::extract::State;
use axum::response::Response;
use e2m_batch::batch_file::DEFAULT_FILE;
use e2m_batch::batch_file::values::Parallel;
use e2m_batch::judgements::curation;
use e2m_batch::{BatchFile, Plan, PlanOptions, missing_reason, status};
use e2m_pipeline::{RecordedTask, TaskImages, TaskSpec};
use serde::Deserialize;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Batch files are looked for so many folders deep …
const DEPTH: usize = 3;
/// … among so many entries, and so many are listed: a folder of images may hold a million files.
const MOST_ENTRIES: usize = 20_000;
const MOST_BATCHES: usize = 500;

/// The name of a batch file.
#[derive(Debug, Deserialize)]
pub(crate) struct BatchName {
    batch: String,
}

/// `GET api/batches`
pub(crate) async fn list(State(app): State<Arc<App>>) -> Result<Response, Refusal> {
    let shared = Arc::clone(&app);
    let found = app.reading.run(move || Ok(batches(&shared))).await?;
    Ok(fresh(found))
}

fn batches(app: &App) -> Value {
    let mut search = Search::default();
    search.look_in(app, app.folder.root(), DEPTH);
    search.found.sort();
    let one = |path: &PathBuf| {
        let name = app.folder.name_of(path);
        match app.batch(&name) {
            Ok(batch) => json!({
                "name": name,
                "raw_dir": batch.general.raw_dir,
                "output_dir": batch.general.output_dir,
                "ran": batch.output_dir().join("e2m_batch.json").exists(),
                "modified": modified(path),
            }),
            Err(refusal) => {
                json!({"name": name, "problem": refusal.text, "modified": modified(path)})
            }
        }
    };
    json!({
        "batches": search.found.iter().map(one).collect::<Vec<_>>(),
        "example": DEFAULT_FILE,
        "incomplete": search.left_out(),
    })
}

/// Seconds since 1970.
fn modified(path: &Path) -> Option<f64> {
    let time = path.metadata().ok()?.modified().ok()?;
    let since = time.duration_since(std::time::UNIX_EPOCH).ok()?;
    Some(since.as_secs_f64())
}

/// The way through the folders.
#[derive(Debug, Default)]
struct Search {
    found: Vec<PathBuf>,
    entries: usize,
}

impl Search {
    fn left_out(&self) -> bool {
        self.entries >= MOST_ENTRIES || self.found.len() >= MOST_BATCHES
    }

    fn look_in(&mut self, app: &App, folder: &Path, depth: usize) {
        let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
        let mut folders = Vec::new();
        for entry in entries {
            self.entries += 1;
            if self.left_out() {
                return;
            }
            let (path, name) = (entry.path(), entry.file_name());
            let name = name.to_string_lossy();
            if name.starts_with('.') || name == "target" || name == "node_modules" {
                continue;
            }
            let Ok(kind) = entry.file_type() else {
                continue;
            };
            if kind.is_dir() {
                folders.push(path);
            } else if name.ends_with(".toml") && app.folder.holds(&path) && is_batch(&path) {
                self.found.push(path);
            }
        }
        if depth > 0 {
            for folder in folders {
                self.look_in(app, &folder, depth - 1);
            }
        }
    }
}

/// Whether a TOML file speaks of raw images; others are of other programs.
fn is_batch(path: &Path) -> bool {
    use std::io::Read as _;
    let mut text = String::new();
    let file = std::fs::File::open(path);
    let read = file.and_then(|file| file.take(1 << 20).read_to_string(&mut text));
    let mut lines = text.lines().map(str::trim_start);
    read.is_ok() && lines.any(|line| line.starts_with("raw_dir") || line.starts_with("output_dir"))
}

/// `GET api/batch?batch=NAME`
pub(crate) async fn one(
    State(app): State<Arc<App>>,
    Asked(name): Asked<BatchName>,
) -> Result<Response, Refusal> {
    let shared = Arc::clone(&app);
    let found = app.reading.run(move || batch(&shared, &name.batch)).await?;
    Ok(fresh(found))
}

fn batch(app: &App, name: &str) -> Result<Value, Refusal> {
    let path = app.batch_path(name)?;
    let text = std::fs::read_to_string(&path)
        .map_err(|error| Refusal::nothing(format!("{name} cannot be read: {error}")))?;
    let mut document = json!({
        "name": name,
        "text": text,
    });
    let more = app.batch(name).and_then(|batch| tasks(app, &batch));
    let Value::Object(fields) = &mut document else {
        return Ok(document);
    };
    match more {
        Ok(Value::Object(more)) => fields.extend(more),
        Ok(_) => {}
        // The text of a batch file that cannot be used is what is wanted most.
        Err(refusal) => {
            fields.insert("problem".to_owned(), json!(refusal.text));
        }
    }
    Ok(document)
}

/// The tasks of a batch with what is there of each.
fn tasks(app: &App, batch: &BatchFile) -> Result<Value, Refusal> {
    let plan = Plan::with_gaps(batch, &PlanOptions::default())?;
    let status = status(&plan, &app.environment);
    let mut document = status.document();
    let missing = plan.missing.iter().map(|missing| {
        json!({"sample": missing.sample, "dye": missing.dye, "why": missing_reason(missing)})
    });
    let missing: Vec<Value> = missing.collect();
    if let Some(list) = document.get_mut("tasks").and_then(Value::as_array_mut) {
        for (task, facts) in plan.tasks.iter().zip(list) {
            let Value::Object(facts) = facts else {
                continue;
            };
            for file in ["post", "pre"] {
                let name = facts.get(file).and_then(Value::as_str).map(Path::new);
                let name = name.map(|path| app.folder.name_of(path));
                facts.insert(file.to_owned(), json!(name));
            }
            facts.insert("result".to_owned(), result(task));
        }
    }
    Ok(json!({
        "tasks": document["tasks"],
        "missing": missing,
        "warnings": plan.warnings,
        "output_dir": app.folder.name_of(&plan.output_dir),
        "raw_dir": app.folder.name_of(&batch.raw_dir()),
        "cluster": plan.execution.parallel == Parallel::Slurm,
        "report": plan.output_dir.join("report.html").is_file(),
    }))
}

/// What is on record of a task.
fn result(task: &TaskSpec) -> Value {
    let Ok(images) = TaskImages::open(&RecordedTask::from(task)) else {
        return Value::Null;
    };
    let manifest = images.manifest();
    let alignment = manifest.alignment.as_ref();
    // Before stage 3 there is a way in which it was found, and nothing that was measured on it.
    let alignment = alignment.filter(|alignment| alignment.is_judged());
    let moffat = manifest.scales.moffat.as_ref();
    let found = manifest.detection.as_ref();
    // A million pixels of 1 um^2 are 1 mm^2.
    let mm2_per_mpx = images.um_per_px().map(|[x, y]| x * y);
    let per_mm2 = found
        .zip(mm2_per_mpx)
        .map(|(found, mm2)| found.per_megapixel / mm2);
    // Judgements that cannot be read are told where they are shown.
    let judged = curation(images.dir(), manifest).ok().flatten();
    json!({
        "status": manifest.status,
        "judgement": judged.and_then(|judged| judged.task),
        "microbes_curated": judged.map(|judged| judged.microbes),
        "verdict": alignment.map(|alignment| alignment.verdict),
        "residual_median_px": alignment.and_then(|alignment| alignment.residual_median_px),
        "estimated_accuracy_px": alignment.and_then(|alignment| alignment.estimated_accuracy_px),
        "scale": moffat.map(|scale| scale.value),
        "scale_std_error": moffat.map(|scale| scale.std_error),
        "scale_verdict": manifest.scale.as_ref().map(|scale| scale.verdict),
        "microbes": found.map(|found| found.microbes),
        "microbes_per_mm2": per_mm2,
        "microbes_per_mpx": found.map(|found| found.per_megapixel),
        "expected_false_microbes": found.map(|found| found.expected_false),
        "microbes_suspect": found.map(|found| !found.suspect.is_empty()),
    })
}
