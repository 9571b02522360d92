//! The raw images of a task before it is run: what their headers say, and thumbnails.

use super::{Asked, fresh, lasting};
use crate::error::Refusal;
use crate::state::App;
use crate::tasks::TaskName;
use crate::tiles::thumbnail;
use axum::extract::State;
use axum::response::Response;
use e2m_batch::{Plan, PlanOptions, TaskSelection};
use e2m_io::{ChannelChoice, ChunkLayout, Compression, FileIdentity, RawImage};
use e2m_pipeline::{TaskSpec, choose_pair};
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;

/// Where rows cannot be read alone, all of a file is decoded; of a longer one no thumbnail is made.
const MOST_DECODED_BYTES: u64 = 4 << 30;

/// `GET api/raw?batch=&sample=&dye=`: size, bit depth, channel and pixel size of post and pre, what is odd about them, and which
/// channels would be compared.
pub(crate) async fn about(
    State(app): State<Arc<App>>,
    Asked(name): Asked<TaskName>,
) -> Result<Response, Refusal> {
    let shared = Arc::clone(&app);
    let found = app.tiling.run(move || {
        let task = planned(&shared, &name)?;
        Ok(pair(&shared, &task))
    });
    Ok(fresh(found.await?))
}

/// The task as it would be run.
fn planned(app: &App, name: &TaskName) -> Result<TaskSpec, Refusal> {
    let batch = app.batch(&name.batch)?;
    let options = PlanOptions {
        tasks: TaskSelection {
            samples: vec![name.sample.clone()],
            dyes: vec![name.dye.clone()],
        },
        ..PlanOptions::default()
    };
    let plan = Plan::with_gaps(&batch, &options)?;
    let mut tasks = plan.tasks.into_iter();
    let task = tasks.find(|task| task.sample == name.sample && task.dye == name.dye);
    let task = task.ok_or_else(|| {
        Refusal::nothing(format!(
            "{} has no images for {}/{}",
            name.batch, name.sample, name.dye
        ))
    })?;
    for raw in [&task.post, &task.pre] {
        app.folder.check(raw)?;
    }
    Ok(task)
}

/// Post and pre, opened by their headers.
fn opened(task: &TaskSpec) -> [Result<RawImage, Refusal>; 2] {
    let (pages, channels) = (task.params.pages(), task.params.channels());
    let open = |index: usize| {
        let path = [&task.post, &task.pre][index];
        let image = RawImage::open_page(path, pages[index], channels[index]);
        image.map_err(|error| Refusal::nothing(error.to_string()))
    };
    [open(0), open(1)]
}

fn pair(app: &App, task: &TaskSpec) -> Value {
    let images = opened(task);
    let (choices, doubts) = match &images {
        [Ok(post), Ok(pre)] => match choose_pair(post, pre) {
            Ok((choice, doubts)) => {
                let doubts = doubts.iter().map(ToString::to_string).collect();
                ([Some(choice.post), Some(choice.pre)], doubts)
            }
            Err(error) => ([None, None], vec![error.to_string()]),
        },
        _ => ([None, None], Vec::new()),
    };
    let asked = task.params.pixel_size_um.map(|um| [um, um]);
    let paths = [&task.post, &task.pre];
    let about = |index: usize| {
        let name = app.folder.name_of(paths[index]);
        match &images[index] {
            Err(refusal) => json!({"name": name, "problem": refusal.text}),
            Ok(image) => {
                let info = image.info();
                json!({
                    "name": name,
                    "format": info.format.to_string(),
                    "width": info.size.width,
                    "height": info.size.height,
                    "bits": 8 * info.pixel_type.bytes(),
                    "type": info.pixel_type,
                    "bytes": info.file_bytes,
                    "pages": info.pages,
                    "page": info.page,
                    "channel": choices[index].as_ref().map(ToString::to_string),
                    "why_channel": choices[index].as_ref().map(|choice| &choice.why),
                    "um_per_px": asked.or(info.pixel_size.map(|size| size.um)),
                    "remarks": info.remarks,
                })
            }
        }
    };
    json!({"post": about(0), "pre": about(1), "doubts": doubts, "version": version(task)})
}

/// Another where a file is another: names, lengths and times.
fn version(task: &TaskSpec) -> String {
    use std::hash::{DefaultHasher, Hash as _, Hasher as _};
    let mut hasher = DefaultHasher::new();
    for path in [&task.post, &task.pre] {
        let about = FileIdentity::of(path).ok();
        let about = about.map(|about| (about.bytes, about.modified));
        (path, about).hash(&mut hasher);
    }
    let asked = (task.params.channels(), task.params.pages());
    format!("{asked:?}").hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}

/// Of which image a thumbnail is asked for.
#[derive(Debug, Deserialize)]
pub(crate) struct ThumbnailAsked {
    stain: Stain,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Stain {
    Post,
    Pre,
}

/// `GET api/thumbnail?batch=&sample=&dye=&stain=`: a small picture of a raw image, from few of its rows.
pub(crate) async fn picture(
    State(app): State<Arc<App>>,
    Asked(name): Asked<TaskName>,
    Asked(asked): Asked<ThumbnailAsked>,
) -> Result<Response, Refusal> {
    let shared = Arc::clone(&app);
    let png = app.overviewing.run(move || {
        let task = planned(&shared, &name)?;
        let index = asked.stain as usize;
        let key = format!("{} {index}", version(&task));
        if let Some(png) = shared.thumbnails.get(&key) {
            return Ok(png);
        }
        let [post, pre] = opened(&task);
        let (mut image, choice) = match (post, pre, asked.stain) {
            (Ok(post), Ok(pre), stain) => {
                let chosen = choose_pair(&post, &pre);
                let (chosen, _) = chosen.map_err(|error| Refusal::nothing(error.to_string()))?;
                match stain {
                    Stain::Post => (post, chosen.post),
                    Stain::Pre => (pre, chosen.pre),
                }
            }
            // The other of the pair cannot be read.
            (Ok(image), Err(_), Stain::Post) | (Err(_), Ok(image), Stain::Pre) => {
                let choice = image.choose_alone();
                let choice = choice.map_err(|error| Refusal::nothing(error.to_string()))?;
                (image, choice)
            }
            (Err(refusal), _, Stain::Post) | (_, Err(refusal), Stain::Pre) => return Err(refusal),
        };
        let png = thumbnail_of(&mut image, &choice)?;
        shared.thumbnails.keep(key, &png);
        Ok(png)
    });
    Ok(lasting("image/png", png.await?))
}

fn thumbnail_of(image: &mut RawImage, choice: &ChannelChoice) -> Result<Vec<u8>, Refusal> {
    let info = image.info();
    let samples = info.size.pixels() * info.samples_per_pixel as u64;
    let bytes = samples * info.pixel_type.bytes() as u64;
    let reads_all = info.is_transposed
        || ((info.compression != Compression::None || info.coding.is_some())
            && matches!(info.layout, ChunkLayout::Strips { .. }));
    if reads_all && bytes > MOST_DECODED_BYTES {
        return Err(Refusal::nothing(
            "there is no thumbnail of this image: it is compressed, and all of it would have to be read",
        ));
    }
    let path = image.path().to_owned();
    let mut bands = image
        .bands(choice)
        .map_err(|error| Refusal::nothing(error.to_string()))?;
    thumbnail(&mut bands).map_err(|error| {
        error.unwrap_or_else(|error| {
            Refusal::nothing(format!("{} cannot be read: {error}", path.display()))
        })
    })
}
