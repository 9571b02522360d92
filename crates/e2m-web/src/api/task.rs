//! The record of a task, its pictures and its catalogue.

use super::{Asked, fresh, lasting};
use crate::error::Refusal;
use crate::state::App;
use crate::tasks::{OpenTask, TaskName};
use axum::extract::State;
use axum::response::Response;
use e2m_batch::judgements::catalogue_path;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::fs::File;
use std::io::Read as _;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

/// A picture is no longer: larger ones are not of e2m.
const MOST_PICTURE_BYTES: u64 = 64 << 20;
/// A catalogue of a million objects takes 150 MB; more are not drawn.
const MOST_CATALOGUE_BYTES: u64 = 160 << 20;

/// `GET api/task?batch=NAME&sample=NAME&dye=NAME`: the manifest.
pub(crate) async fn record(
    State(app): State<Arc<App>>,
    Asked(name): Asked<TaskName>,
) -> Result<Response, Refusal> {
    let shared = Arc::clone(&app);
    let found = app.reading.run(move || {
        let task = shared.task(&name)?;
        let manifest = serde_json::to_value(task.images.manifest());
        let manifest = manifest.map_err(|error| Refusal::fault(error.to_string()))?;
        Ok(json!({
            "version": format!("{:016x}", task.version),
            "manifest": manifest,
            "notes": task.images.manifest().all_notes(),
            "um_per_px": task.images.um_per_px(),
        }))
    });
    Ok(fresh(found.await?))
}

/// Which picture of a task.
#[derive(Debug, Deserialize)]
pub(crate) struct PictureName {
    /// As the manifest has it.
    path: String,
}

/// `GET api/picture?…&path=NAME`: a picture that the record vouches for.
pub(crate) async fn picture(
    State(app): State<Arc<App>>,
    Asked(name): Asked<TaskName>,
    Asked(asked): Asked<PictureName>,
) -> Result<Response, Refusal> {
    let shared = Arc::clone(&app);
    let bytes = app.reading.run(move || {
        let task = shared.task(&name)?;
        let mut pictures = task.images.manifest().pictures.iter();
        if !pictures.any(|picture| picture.path == asked.path) {
            return Err(Refusal::nothing(format!(
                "no picture {:?} is on record of this task",
                asked.path
            )));
        }
        let path = file_of(&task, &asked.path)?;
        shared.folder.check(&path)?;
        read(&path, MOST_PICTURE_BYTES)
    });
    let bytes = bytes.await?;
    let kind = if bytes.starts_with(&[0xff, 0xd8]) {
        "image/jpeg"
    } else {
        "image/png"
    };
    Ok(lasting(kind, bytes))
}

/// The content of a file that a record names.
fn read(path: &Path, most_bytes: u64) -> Result<Vec<u8>, Refusal> {
    let mut bytes = Vec::new();
    let file = File::open(path).and_then(|file| file.take(most_bytes + 1).read_to_end(&mut bytes));
    file.map_err(|error| {
        Refusal::nothing(format!(
            "{} cannot be read: {error}. Run the batch again: what is missing is made again, and nothing else",
            path.display()
        ))
    })?;
    if bytes.len() as u64 > most_bytes {
        return Err(Refusal::fault(format!(
            "{} is longer than {most_bytes} bytes and is not shown",
            path.display()
        )));
    }
    Ok(bytes)
}

/// A file below the task's folder. A record is a file like others, and may name anything.
fn file_of(task: &OpenTask, name: &str) -> Result<PathBuf, Refusal> {
    let mut parts = Path::new(name).components();
    if !parts.all(|part| matches!(part, Component::Normal(_))) {
        return Err(Refusal::forbidden(format!(
            "the record of this task names {name:?}, which is no file below its folder"
        )));
    }
    Ok(task.images.dir().join(name))
}

/// `GET api/catalogue?…`: the objects, a list for each column.
pub(crate) async fn catalogue(
    State(app): State<Arc<App>>,
    Asked(name): Asked<TaskName>,
) -> Result<Response, Refusal> {
    let shared = Arc::clone(&app);
    let found = app.reading.run(move || {
        let task = shared.task(&name)?;
        let path = open_catalogue(&shared, &task)?;
        let bytes = read(&path, MOST_CATALOGUE_BYTES)?;
        columns(&String::from_utf8_lossy(&bytes))
    });
    Ok(fresh(found.await?))
}

/// The table of a task's microbes.
pub(crate) fn open_catalogue(app: &App, task: &OpenTask) -> Result<PathBuf, Refusal> {
    let path = catalogue_path(task.images.dir(), task.images.manifest());
    let path = path.ok_or_else(|| {
        Refusal::nothing("this task has no catalogue of microbes: stage 5 was not done")
    })?;
    app.folder.check(&path)?;
    Ok(path)
}

/// The columns of a table by name: numbers where they are numbers, otherwise texts. Lines that begin with `#` are said apart.
fn columns(text: &str) -> Result<Value, Refusal> {
    let (notes, rows): (Vec<&str>, Vec<&str>) = text
        .lines()
        .filter(|line| !line.trim().is_empty())
        .partition(|line| line.starts_with('#'));
    let mut rows = rows
        .into_iter()
        .map(|row| row.split(',').collect::<Vec<_>>());
    let names = rows.next().unwrap_or_default();
    if !["id", "x_px", "y_px"]
        .iter()
        .all(|name| names.contains(name))
    {
        return Err(Refusal::fault(
            "the catalogue is damaged: it has no columns id, x_px and y_px; `e2m verify` tells more",
        ));
    }
    let mut columns: Vec<Vec<Value>> = vec![Vec::new(); names.len()];
    for row in rows {
        if row.len() != names.len() {
            return Err(Refusal::fault(
                "the catalogue is damaged: a row has too few columns or too many; `e2m verify` tells more",
            ));
        }
        for (column, cell) in columns.iter_mut().zip(row) {
            column.push(value(cell));
        }
    }
    let notes: Vec<&str> = notes
        .iter()
        .map(|note| note.trim_start_matches(['#', ' ']))
        .collect();
    let columns: Map<String, Value> = names
        .into_iter()
        .zip(columns)
        .map(|(name, column)| (name.to_owned(), Value::Array(column)))
        .collect();
    Ok(json!({"notes": notes, "columns": columns}))
}

/// A whole number, a number, or a text.
fn value(cell: &str) -> Value {
    if let Ok(whole) = cell.parse::<i64>() {
        return json!(whole);
    }
    let number = cell.parse::<f64>().ok().filter(|number| number.is_finite());
    number.map_or_else(|| json!(cell), |number| json!(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_catalogue_becomes_columns_and_a_damaged_one_an_error() {
        let found = columns("# a note\nid,x_px,y_px,flags\n1,2.5,3,\n2,4,5,DIPOLE|EDGE\n")
            .expect("a table");
        assert_eq!(found["columns"]["x_px"], json!([2.5, 4]));
        assert_eq!(found["columns"]["flags"], json!(["", "DIPOLE|EDGE"]));
        assert_eq!(found["notes"], json!(["a note"]));
        for damaged in ["", "id,x_px\n1,2", "id,x_px,y_px\n1,2"] {
            assert!(columns(damaged).is_err(), "{damaged:?}");
        }
    }
}
