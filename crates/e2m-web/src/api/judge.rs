//! What people think of a task and of the objects of its catalogue. The file is that of [`e2m_batch::judgements`]; what it comes to goes
//! into the table of the batch.

use super::task::open_catalogue;
use super::{Asked, Given, fresh};
use crate::error::Refusal;
use crate::state::App;
use crate::tasks::{OpenTask, TaskName};
use axum::extract::State;
use axum::response::Response;
use e2m_batch::judgements::{JudgementError, Judgements, Opinion, Places};
use e2m_batch::report::{MICROBES_NAME, enter_judgements};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::path::PathBuf;
use std::sync::{Arc, PoisonError};

/// So many objects are judged at a time.
const MOST_CHANGES: usize = 10_000;

/// `GET api/judgements?batch=&sample=&dye=`: the opinion of the task and of each object that was judged, by its number.
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    Asked(name): Asked<TaskName>,
) -> Result<Response, Refusal> {
    let shared = Arc::clone(&app);
    let found = app.reading.run(move || {
        let opened = Opened::new(&shared, &name)?;
        Ok(told(&Judgements::read(&opened.path)?, &opened.places))
    });
    Ok(fresh(found.await?))
}

/// What is to be thought of objects, and of the task as a whole.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Judged {
    batch: String,
    sample: String,
    dye: String,
    #[serde(default)]
    changes: Vec<Change>,
    /// Where it is not there, the task's stays as it is.
    task: Option<TaskChange>,
}

/// Of an object: none takes a judgement back.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    id: u64,
    opinion: Option<Opinion>,
}

/// Of the task: none takes the judgement back.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct TaskChange {
    opinion: Option<Opinion>,
}

/// `POST api/judgements`
pub(crate) async fn judge(
    State(app): State<Arc<App>>,
    Given(judged): Given<Judged>,
) -> Result<Response, Refusal> {
    if judged.changes.len() > MOST_CHANGES {
        return Err(Refusal::bad(format!(
            "at most {MOST_CHANGES} objects are judged at a time"
        )));
    }
    let shared = Arc::clone(&app);
    let done = app.reading.run(move || {
        let name = TaskName {
            batch: judged.batch,
            sample: judged.sample,
            dye: judged.dye,
            // Variants are held against each other; what is judged is the batch.
            variant: String::new(),
        };
        let opened = Opened::new(&shared, &name)?;
        let _one_at_a_time = shared
            .judging
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let mut judgements = Judgements::read(&opened.path)?;
        for change in &judged.changes {
            judgements.judge(&opened.places, change.id, change.opinion)?;
        }
        if let Some(change) = judged.task {
            judgements.judge_task(change.opinion);
        }
        judgements.write(&opened.path)?;
        let curation = judgements.curation(&opened.places);
        let output_dir = &opened.task.task.output_dir;
        enter_judgements(output_dir, (&name.sample, &name.dye), curation)?;
        Ok(told(&judgements, &opened.places))
    });
    Ok(fresh(done.await?))
}

/// The file of a task, and where its objects lie.
struct Opened {
    task: Arc<OpenTask>,
    path: PathBuf,
    places: Places,
}

impl Opened {
    fn new(app: &App, name: &TaskName) -> Result<Self, Refusal> {
        let task = app.task(name)?;
        let catalogue = open_catalogue(app, &task)?;
        let path = Judgements::path_beside(&catalogue);
        app.folder.check(&path)?;
        app.folder
            .check(&task.task.output_dir.join(MICROBES_NAME))?;
        Ok(Self {
            task,
            path,
            places: Places::read(&catalogue)?,
        })
    }
}

fn told(judgements: &Judgements, places: &Places) -> Value {
    let opinions = judgements.opinions(places).into_iter();
    let opinions: Map<String, Value> = opinions
        .map(|(id, opinion)| (id.to_string(), json!(opinion)))
        .collect();
    let curation = judgements.curation(places);
    json!({
        "task": judgements.of_task(),
        "opinions": opinions,
        "lost": curation.lost,
        "microbes": curation.microbes,
    })
}

impl From<JudgementError> for Refusal {
    fn from(error: JudgementError) -> Self {
        match error {
            JudgementError::NoSuchObject(_) => Self::nothing(error.to_string()),
            _ => Self::fault(error.to_string()),
        }
    }
}
