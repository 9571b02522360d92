//! Starting, stopping and watching runs, and the check before one.

use super::{Asked, Given, fresh};
use crate::error::Refusal;
use crate::state::App;
use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse as _, Response};
use e2m_batch::batch_file::values::Parallel;
use e2m_batch::{
    Admission, Experience, Plan, PlanOptions, StageSelection, TaskSelection, inspect, task_name,
};
use futures_util::stream::unfold;
use serde::Deserialize;
use serde_json::{Value, json};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

/// Changes are sent so far apart at least: what changes more often is not read.
const SENT_EVERY: Duration = Duration::from_millis(200);
/// The machine is measured, and the end of the server looked for, so often.
const TICK: Duration = Duration::from_secs(1);

/// What is to run.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    batch: String,
    /// All of the batch file where none is named.
    #[serde(default)]
    samples: Vec<String>,
    #[serde(default)]
    dyes: Vec<String>,
    /// Whether all stages are done again.
    #[serde(default)]
    force: bool,
}

/// `POST api/run`
pub(crate) async fn start(
    State(app): State<Arc<App>>,
    Given(wanted): Given<Wanted>,
) -> Result<Response, Refusal> {
    let shared = Arc::clone(&app);
    let started = app.reading.run(move || {
        let plan = planned(&shared, &wanted)?;
        if plan.execution.parallel == Parallel::Slurm {
            return Err(Refusal::conflict(format!(
                "{} hands its tasks to a cluster, which this page does not do; in a terminal: e2m submit {}",
                wanted.batch, wanted.batch
            )));
        }
        for task in &plan.tasks {
            let folder = plan.output_dir.join(&task.sample);
            shared.folder.check(&folder.join(&task.dye))?;
            for raw in [&task.post, &task.pre] {
                shared.folder.check(raw)?;
            }
        }
        let environment = shared.environment.clone();
        shared.runs.start(&wanted.batch, plan, environment)
    });
    started.await?;
    Ok(fresh(json!({"started": true})))
}

fn planned(app: &App, wanted: &Wanted) -> Result<Plan, Refusal> {
    let batch = app.batch(&wanted.batch)?;
    let options = PlanOptions {
        tasks: TaskSelection {
            samples: wanted.samples.clone(),
            dyes: wanted.dyes.clone(),
        },
        stages: StageSelection {
            force: wanted.force,
            ..StageSelection::default()
        },
    };
    Ok(Plan::new(&batch, &options)?)
}

/// Which run is to stop.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Stopped {
    batch: String,
}

/// `POST api/run/abort`
pub(crate) async fn abort(
    State(app): State<Arc<App>>,
    Given(stopped): Given<Stopped>,
) -> Result<Response, Refusal> {
    app.runs.abort(&stopped.batch)?;
    Ok(fresh(json!({"aborting": true})))
}

/// What somebody has seen.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Seen {
    #[serde(default)]
    since: u64,
}

/// `GET api/run?since=`: the run that goes on, or the last one.
pub(crate) async fn state(State(app): State<Arc<App>>, Asked(seen): Asked<Seen>) -> Response {
    fresh(json!({"run": app.runs.since(seen.since)}))
}

/// `GET api/run/events`: the same as server-sent events, as long as somebody listens; and the machine.
pub(crate) async fn events(State(app): State<Arc<App>>) -> Response {
    let watch = app.runs.watch();
    let first = (app, watch, 0_u64, true);
    let stream = unfold(first, |(app, mut watch, seen, is_first)| async move {
        if !is_first {
            tokio::time::sleep(SENT_EVERY).await;
            // Whether something has changed, or a second is over.
            let _ = tokio::time::timeout(TICK, watch.changed()).await;
        }
        watch.mark_unchanged();
        if app.ending.is_raised() {
            return None;
        }
        app.machine.measure();
        let run = app.runs.since(seen);
        let now = run.as_ref().map_or(seen, |run| run.version);
        let changed = is_first || now != seen;
        let document = json!({
            "run": run.filter(|_| changed),
            "machine": app.machine.last(),
        });
        let event = Event::default().data(document.to_string());
        Some((Ok::<_, Infallible>(event), (app, watch, now, false)))
    });
    Sse::new(stream)
        .keep_alive(KeepAlive::default())
        .into_response()
}

/// Which tasks are to be checked.
#[derive(Debug, Deserialize)]
pub(crate) struct Checked {
    batch: String,
    /// Names with commas between them; all where there is none.
    #[serde(default)]
    samples: String,
    #[serde(default)]
    dyes: String,
}

/// `GET api/check?batch=&samples=&dyes=`: what a run would need, and whether the machine has it.
pub(crate) async fn check(
    State(app): State<Arc<App>>,
    Asked(checked): Asked<Checked>,
) -> Result<Response, Refusal> {
    let shared = Arc::clone(&app);
    let list = |names: &str| {
        let names = names.split(',').filter(|name| !name.is_empty());
        names.map(str::to_owned).collect()
    };
    let wanted = Wanted {
        samples: list(&checked.samples),
        dyes: list(&checked.dyes),
        batch: checked.batch,
        force: false,
    };
    let found = app.reading.run(move || {
        let plan = planned(&shared, &wanted)?;
        Ok(assessed(&shared, &plan))
    });
    Ok(fresh(found.await?))
}

fn assessed(app: &App, plan: &Plan) -> Value {
    let previews = inspect(plan);
    let admission = Admission::of(plan, &previews, &app.environment.machine());
    let tasks = plan.tasks.iter().zip(&previews).zip(admission.needs());
    let tasks = tasks.map(|((task, preview), need)| {
        let name = task_name(task);
        match preview {
            Ok(preview) => json!({
                "name": name,
                "finished": preview.is_finished(),
                "to_do": preview.to_do(),
                "plan_bytes": need.plan_bytes,
                "rule_bytes": need.rule_bytes,
                "disk_bytes": need.disk_bytes,
            }),
            Err(error) => json!({"name": name, "problem": error.to_string()}),
        }
    });
    let memory = admission.memory();
    let expected = Experience::of(plan).expect(&previews, admission.workers());
    json!({
        "expected": expected.map(|expected| json!({
            "seconds": expected.seconds,
            "megapixels_per_second": expected.megapixels_per_second,
            "tasks": expected.tasks,
        })),
        "cpus": app.environment.machine().cpus(),
        "tasks": tasks.collect::<Vec<_>>(),
        "workers": admission.workers(),
        "threads": admission.threads(),
        "how": admission.how(),
        "refused": admission.refuses(),
        "lines": admission.lines(),
        "memory_plan_bytes": admission.preflight().memory.plan_bytes,
        "memory_rule_bytes": admission.preflight().memory.rule_bytes,
        "memory_available_bytes": memory.available_bytes,
        "memory_limit": memory.to_string(),
        "disk_bytes": admission.disk_bytes(),
        "warnings": plan.warnings,
    })
}
