//! What people think of the objects of a catalogue: a small file beside it, which never changes the catalogue.
//!
//! A judgement is kept by the place of its object, because numbers are others when microbes are looked for again. It belongs to the
//! object that lies within [`SAME_PX`] of that place.

use super::task::catalogue_of;
use super::{Asked, Given, fresh};
use crate::error::Refusal;
use crate::state::App;
use crate::tasks::TaskName;
use axum::extract::State;
use axum::response::Response;
use e2m_io::write_atomic;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::fs::File;
use std::io::{ErrorKind, Read as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError};

/// The layout of the file.
const SCHEMA: u32 = 1;
/// Two objects are nearer to each other nowhere.
const SAME_PX: f64 = 2.0;
/// A file of a million judgements takes 60 MB.
const MOST_BYTES: u64 = 64 << 20;
/// So many objects are judged at a time.
const MOST_CHANGES: usize = 10_000;

/// What somebody thinks of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Opinion {
    /// It is a microbe, whatever its flags say.
    Accept,
    /// It is none.
    Reject,
}

/// A judgement as it is kept.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Judgement {
    x_px: f64,
    y_px: f64,
    opinion: Opinion,
}

/// The file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Judgements {
    schema: u32,
    /// The table they are about.
    catalogue: String,
    objects: Vec<Judgement>,
}

/// Where the objects of a catalogue lie.
struct Places {
    ids: Vec<u64>,
    at: Vec<[f64; 2]>,
}

impl Places {
    fn of(catalogue: &Value) -> Self {
        let column = |name: &str| {
            let column = catalogue["columns"][name].as_array();
            column
                .into_iter()
                .flatten()
                .map(|cell| cell.as_f64().unwrap_or(f64::NAN))
        };
        Self {
            ids: column("id").map(|id| id as u64).collect(),
            at: column("x_px")
                .zip(column("y_px"))
                .map(|(x, y)| [x, y])
                .collect(),
        }
    }

    /// The object at a place, by its index.
    fn at(&self, judgement: &Judgement) -> Option<usize> {
        let distances = self
            .at
            .iter()
            .map(|[x, y]| (x - judgement.x_px).hypot(y - judgement.y_px));
        let near = distances.enumerate().filter(|(_, away)| *away <= SAME_PX);
        near.min_by(|a, b| a.1.total_cmp(&b.1))
            .map(|(index, _)| index)
    }
}

/// `GET api/judgements?batch=&sample=&dye=`: the opinion of each object that was judged, by its number.
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    Asked(name): Asked<TaskName>,
) -> Result<Response, Refusal> {
    let shared = Arc::clone(&app);
    let found = app.reading.run(move || {
        let (path, places) = opened(&shared, &name)?;
        Ok(told(&read(&path)?, &places))
    });
    Ok(fresh(found.await?))
}

/// What is to be thought of objects.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Judged {
    batch: String,
    sample: String,
    dye: String,
    changes: Vec<Change>,
}

/// Of one: none takes a judgement back.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    id: u64,
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
        };
        let (path, places) = opened(&shared, &name)?;
        let _one_at_a_time = shared
            .judging
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let mut judgements = read(&path)?;
        for change in &judged.changes {
            apply(&mut judgements, &places, change)?;
        }
        let text = serde_json::to_string_pretty(&judgements).unwrap_or_default();
        write_atomic(&path, format!("{text}\n").as_bytes())
            .map_err(|error| Refusal::fault(error.to_string()))?;
        Ok(told(&judgements, &places))
    });
    Ok(fresh(done.await?))
}

/// The file of a task, and where its objects lie.
fn opened(app: &App, name: &TaskName) -> Result<(PathBuf, Places), Refusal> {
    let task = app.task(name)?;
    let (catalogue, table) = catalogue_of(app, &task)?;
    let stem = catalogue.file_stem().unwrap_or_default().to_string_lossy();
    let path = catalogue.with_file_name(format!("{stem}_judged.json"));
    app.folder.check(&path)?;
    Ok((path, Places::of(&table)))
}

fn read(path: &Path) -> Result<Judgements, Refusal> {
    let damaged = |why: String| {
        Refusal::fault(format!(
            "the judgements in {} cannot be used: {why}. Put the file aside to begin anew",
            path.display()
        ))
    };
    let mut text = String::new();
    match File::open(path).and_then(|file| file.take(MOST_BYTES).read_to_string(&mut text)) {
        Ok(_) => {}
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            return Ok(Judgements {
                schema: SCHEMA,
                catalogue: name.replace("_judged.json", ".csv"),
                objects: Vec::new(),
            });
        }
        Err(error) => return Err(damaged(error.to_string())),
    }
    let read: Judgements =
        serde_json::from_str(&text).map_err(|error| damaged(error.to_string()))?;
    if read.schema != SCHEMA {
        return Err(damaged(format!(
            "its layout is {}, and this version knows {SCHEMA}",
            read.schema
        )));
    }
    Ok(read)
}

fn apply(judgements: &mut Judgements, places: &Places, change: &Change) -> Result<(), Refusal> {
    let index = places.ids.iter().position(|id| *id == change.id);
    let index = index.ok_or_else(|| {
        Refusal::nothing(format!(
            "the catalogue has no object {}; it was made anew meanwhile, load the page again",
            change.id
        ))
    })?;
    judgements
        .objects
        .retain(|judgement| places.at(judgement) != Some(index));
    if let (Some(opinion), Some([x_px, y_px])) = (change.opinion, places.at.get(index).copied()) {
        judgements.objects.push(Judgement {
            x_px,
            y_px,
            opinion,
        });
    }
    Ok(())
}

fn told(judgements: &Judgements, places: &Places) -> Value {
    let mut opinions = Map::new();
    let mut lost = 0;
    for judgement in &judgements.objects {
        match places.at(judgement).and_then(|index| places.ids.get(index)) {
            Some(id) => {
                opinions.insert(id.to_string(), json!(judgement.opinion));
            }
            None => lost += 1,
        }
    }
    // Those of objects that are not found any more stay in the file.
    json!({"opinions": opinions, "lost": lost})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_judgement_stays_with_its_place_when_numbers_change() {
        let catalogue = |ids: [u64; 2]| {
            Places::of(&json!({"columns": {"id": ids, "x_px": [10.0, 50.0], "y_px": [10.0, 50.0]}}))
        };
        let mut judgements = Judgements {
            schema: SCHEMA,
            catalogue: String::new(),
            objects: Vec::new(),
        };
        let change = |id, opinion| Change { id, opinion };
        apply(
            &mut judgements,
            &catalogue([1, 2]),
            &change(2, Some(Opinion::Reject)),
        )
        .expect("judged");
        assert_eq!(
            told(&judgements, &catalogue([7, 8]))["opinions"],
            json!({"8": "reject"})
        );
        apply(
            &mut judgements,
            &catalogue([7, 8]),
            &change(8, Some(Opinion::Accept)),
        )
        .expect("judged");
        assert_eq!(judgements.objects.len(), 1);
        let elsewhere =
            Places::of(&json!({"columns": {"id": [1], "x_px": [53.0], "y_px": [50.0]}}));
        assert_eq!(
            told(&judgements, &elsewhere),
            json!({"opinions": {}, "lost": 1})
        );
        apply(&mut judgements, &catalogue([7, 8]), &change(8, None)).expect("taken back");
        assert!(judgements.objects.is_empty());
        assert!(apply(&mut judgements, &elsewhere, &change(5, None)).is_err());
    }
}
