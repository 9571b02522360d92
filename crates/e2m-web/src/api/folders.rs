//! The folders below the one that is served, for somebody who looks for raw images.

use super::{Asked, fresh};
use crate::error::Refusal;
use crate::state::App;
use axum::extract::State;
use axum::response::Response;
use e2m_io::is_raw_name;
use serde::Deserialize;
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;

/// So many entries of a folder are looked at, and of each folder in it.
const MOST_ENTRIES: usize = 20_000;
const MOST_ENTRIES_WITHIN: usize = 500;
/// So many folders are listed.
const MOST_FOLDERS: usize = 500;

/// Which folder.
#[derive(Debug, Deserialize)]
pub(crate) struct FolderName {
    /// Below the folder that is served; empty for that one.
    #[serde(default)]
    path: String,
}

/// `GET api/folders?path=`: the folders in a folder, and how many raw images lie in it and in each of them.
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    Asked(name): Asked<FolderName>,
) -> Result<Response, Refusal> {
    let shared = Arc::clone(&app);
    let found = app.reading.run(move || listed(&shared, &name.path)).await?;
    Ok(fresh(found))
}

fn listed(app: &App, name: &str) -> Result<Value, Refusal> {
    let path = match name {
        "" => app.folder.root().to_owned(),
        name => app.folder.named(name)?,
    };
    if !path.is_dir() {
        return Err(Refusal::nothing(format!(
            "{name} is no folder; go back and choose one of the list"
        )));
    }
    let content = Content::of(app, &path, MOST_ENTRIES)
        .map_err(|error| Refusal::nothing(format!("{name} cannot be read: {error}")))?;
    let mut names = content.folders;
    names.sort_unstable_by_key(|name| name.to_lowercase());
    let left_out = content.is_cut || names.len() > MOST_FOLDERS;
    names.truncate(MOST_FOLDERS);
    let folder = |name: String| {
        let within = Content::of(app, &path.join(&name), MOST_ENTRIES_WITHIN).unwrap_or_default();
        json!({"name": name, "images": within.images, "folders": within.folders.len(), "more": within.is_cut})
    };
    Ok(json!({
        "path": name,
        "images": content.images,
        "folders": names.into_iter().map(folder).collect::<Vec<_>>(),
        "incomplete": left_out,
    }))
}

/// What lies in a folder.
#[derive(Debug, Default)]
struct Content {
    folders: Vec<String>,
    images: usize,
    /// Whether there is more.
    is_cut: bool,
}

impl Content {
    fn of(app: &App, folder: &Path, most: usize) -> std::io::Result<Self> {
        let mut content = Self::default();
        for (index, entry) in std::fs::read_dir(folder)?.flatten().enumerate() {
            if index >= most {
                content.is_cut = true;
                break;
            }
            let (path, name) = (entry.path(), entry.file_name());
            // What is no text cannot be named in a batch file.
            let Some(name) = name.to_str().filter(|name| !name.starts_with('.')) else {
                continue;
            };
            let Ok(kind) = entry.file_type() else {
                continue;
            };
            // What a link leads to counts only where it lies in the folder as well.
            if kind.is_symlink() && !app.folder.holds(&path) {
                continue;
            }
            let is_folder = kind.is_dir() || (kind.is_symlink() && path.is_dir());
            if is_raw_name(&path, is_folder) {
                content.images += 1;
            } else if is_folder {
                content.folders.push(name.to_owned());
            }
        }
        Ok(content)
    }
}
