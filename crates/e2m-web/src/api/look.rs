//! The images of a task: what there is, which range of colours suits, tiles, values and cut-outs.

use super::{Asked, fresh, lasting};
use crate::error::Refusal;
use crate::state::App;
use crate::tasks::{OpenTask, TaskName};
use crate::tiles::{MOST_BLUR_PX, Palette, Stretch, TILE_PX, Tile, levels};
use crate::tiles::{shows, unit};
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use e2m_image::Size;
use e2m_pipeline::{Region, StageImage};
use e2m_plot::{PictureFormat, Title, ZoomPanel, ZoomPicture, ZoomStretch, draw_zoom};
use ndarray::{Array2, s};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::sync::Arc;

/// A range is found from so many squares along each side of the canvas …
const SAMPLES: usize = 5;
/// … of so many px.
const SAMPLE_PX: usize = 200;
/// Pixels of a cut-out at most, of all its images together.
const MOST_CUTOUT_PX: u64 = 6_000_000;
/// Images of a task that one request may ask for.
const MOST_IMAGES: usize = 11;
/// What the task itself is called among its variants.
const TASK_ITSELF: &str = "batch";
/// Lines above a cut-out.
const MOST_LINES: usize = 3;

/// `GET api/view?batch=&sample=&dye=`: the canvas, and which images there are.
pub(crate) async fn view(
    State(app): State<Arc<App>>,
    Asked(name): Asked<TaskName>,
) -> Result<Response, Refusal> {
    let shared = Arc::clone(&app);
    let found = app.reading.run(move || {
        let task = shared.task(&name)?;
        let canvas = task.images.canvas();
        let images: Vec<Value> = StageImage::ALL
            .iter()
            .map(|&image| about(&task, image))
            .collect();
        let alignment = task.images.manifest().alignment.as_ref();
        Ok(json!({
            "version": format!("{:016x}", task.version),
            "width": canvas.width,
            "height": canvas.height,
            "tile_px": TILE_PX,
            "levels": levels(canvas),
            "um_per_px": task.images.um_per_px(),
            "worst_tile": alignment.and_then(|alignment| alignment.worst_tile),
            "checked_tiles": alignment.map_or(&[][..], |alignment| &alignment.checked_tiles),
            "section_outline": alignment.map_or(&[][..], |alignment| &alignment.section_outline),
            "images": images,
        }))
    });
    Ok(fresh(found.await?))
}

fn about(task: &OpenTask, image: StageImage) -> Value {
    let canvas = task.images.canvas();
    let middle = Region {
        x: canvas.width / 2,
        y: canvas.height / 2,
        width: 1,
        height: 1,
    };
    let why_not = task.images.read(image, middle, 1).err();
    json!({
        "name": image.name(),
        "title": image.title(),
        "unit": unit(image),
        "palette": Palette::of(image),
        "why_not": why_not.map(|error| error.to_string()),
    })
}

/// Which image of which task.
#[derive(Debug, Deserialize)]
pub(crate) struct ImageAsked {
    image: String,
    /// `percentile` or `asinh`.
    #[serde(default)]
    stretch: String,
    #[serde(default)]
    blur: f64,
}

/// `GET api/range?…&image=&stretch=&blur=`: the range of colours that suits an image.
pub(crate) async fn range(
    State(app): State<Arc<App>>,
    Asked(name): Asked<TaskName>,
    Asked(asked): Asked<ImageAsked>,
) -> Result<Response, Refusal> {
    let shared = Arc::clone(&app);
    let found = app.tiling.run(move || {
        let image = image(&asked.image)?;
        let (how, blur_px) = (stretch(&asked.stretch)?, blur(asked.blur)?);
        let task = shared.task(&name)?;
        let pixels = sampled(&task, image, blur_px)?;
        let (range, text) = Stretch::of(image, pixels.view(), how);
        Ok(json!({"low": range.low, "high": range.high, "knee": range.knee, "text": text}))
    });
    Ok(fresh(found.await?))
}

/// Squares of an image from all over the canvas, one below another. What lies beside the images has no part in them, as far as
/// there is something else.
fn sampled(task: &OpenTask, image: StageImage, blur_px: f64) -> Result<Array2<f32>, Refusal> {
    let canvas = task.images.canvas();
    let side = |whole: usize| SAMPLE_PX.min(whole.div_ceil(SAMPLES));
    let (width, height) = (side(canvas.width), side(canvas.height));
    let place = |i: usize, whole: usize, side: usize| (2 * i + 1) * (whole - side) / (2 * SAMPLES);
    let mut pixels = Array2::from_elem((SAMPLES * SAMPLES * height, width), f32::NAN);
    for i in 0..SAMPLES * SAMPLES {
        let region = Region {
            x: place(i % SAMPLES, canvas.width, width),
            y: place(i / SAMPLES, canvas.height, height),
            width,
            height,
        };
        let read = task.images.read_blurred(image, region, blur_px)?;
        pixels
            .slice_mut(s![i * height..(i + 1) * height, ..])
            .assign(&read.pixels);
    }
    Ok(pixels)
}

/// Which tile in which colours.
#[derive(Debug, Deserialize)]
pub(crate) struct TileAsked {
    image: String,
    level: u32,
    x: usize,
    y: usize,
    low: f64,
    high: f64,
    knee: Option<f64>,
    palette: Option<Palette>,
    #[serde(default)]
    blur: f64,
    /// Whether few rows will do where there is no overview yet.
    #[serde(default)]
    quick: bool,
}

/// `GET api/tile?…&image=&level=&x=&y=&low=&high=&knee=&palette=&blur=&quick=`: level 0 is full resolution. The `version` of the view
/// belongs to the address, so that a browser asks again when the record is another.
pub(crate) async fn tile(
    State(app): State<Arc<App>>,
    Asked(name): Asked<TaskName>,
    Asked(asked): Asked<TileAsked>,
) -> Result<Response, Refusal> {
    let range = Stretch {
        low: asked.low,
        high: asked.high,
        knee: asked.knee,
    }
    .check()?;
    let tile = Tile {
        image: image(&asked.image)?,
        level: asked.level,
        column: asked.x,
        row: asked.y,
        blur_px: blur(asked.blur)?,
        is_quick: asked.quick,
    };
    let palette = asked.palette.unwrap_or_else(|| Palette::of(tile.image));
    let desk = if tile.needs_overview() && !tile.is_quick {
        &app.overviewing
    } else {
        &app.tiling
    };
    let shared = Arc::clone(&app);
    let png = desk.run(move || {
        let task = shared.task(&name)?;
        let pixels = tile.pixels(&task, &shared.overviews)?;
        range.png(palette, pixels.view())
    });
    Ok(lasting("image/png", png.await?))
}

/// `GET api/overview?…&image=`: makes the overview of an image, and answers when it is there.
pub(crate) async fn overview(
    State(app): State<Arc<App>>,
    Asked(name): Asked<TaskName>,
    Asked(asked): Asked<ImageAsked>,
) -> Result<Response, Refusal> {
    let shared = Arc::clone(&app);
    let made = app.overviewing.run(move || {
        let image = image(&asked.image)?;
        let task = shared.task(&name)?;
        let overview = shared.overviews.of(&task, image)?;
        Ok(json!({"height": overview.nrows(), "width": overview.ncols()}))
    });
    Ok(fresh(made.await?))
}

/// Which pixel.
#[derive(Debug, Deserialize)]
pub(crate) struct PixelAsked {
    /// Names of images, with commas between them.
    images: String,
    x: usize,
    y: usize,
}

/// `GET api/values?…&images=post,aligned_pre&x=&y=`: the value of a pixel of the canvas in each image; null where there is none.
pub(crate) async fn values(
    State(app): State<Arc<App>>,
    Asked(name): Asked<TaskName>,
    Asked(asked): Asked<PixelAsked>,
) -> Result<Response, Refusal> {
    let shared = Arc::clone(&app);
    let found = app.tiling.run(move || {
        let images = images(&asked.images)?;
        let task = shared.task(&name)?;
        let region = Region {
            x: asked.x,
            y: asked.y,
            width: 1,
            height: 1,
        };
        let mut values = Map::new();
        for image in images {
            let pixels = task.images.read(image, region, 1)?.pixels;
            let value = pixels.first().copied().filter(|value| value.is_finite());
            values.insert(image.name().to_owned(), json!(value));
        }
        Ok(json!({"x": asked.x, "y": asked.y, "values": values}))
    });
    Ok(fresh(found.await?))
}

/// Which part of which images, as a picture.
#[derive(Debug, Deserialize)]
pub(crate) struct CutoutAsked {
    images: String,
    x: i64,
    y: i64,
    width: i64,
    height: i64,
    #[serde(default)]
    stretch: String,
    #[serde(default)]
    blur: f64,
    /// What stands above it, a few lines.
    #[serde(default)]
    line: String,
    /// Another variant of the task, whose images stand on the right of these; `batch` is the task itself.
    with: Option<String>,
    /// Its images.
    #[serde(default)]
    with_images: String,
}

/// `GET api/cutout?…&images=&x=&y=&width=&height=&stretch=&blur=&line=&with=&with_images=`: what `e2m zoom` draws, with title and scale bar.
/// Images of another variant stand on the right.
pub(crate) async fn cutout(
    State(app): State<Arc<App>>,
    Asked(name): Asked<TaskName>,
    Asked(asked): Asked<CutoutAsked>,
) -> Result<Response, Refusal> {
    let shared = Arc::clone(&app);
    let bytes = app.tiling.run(move || drawn(&shared, name, &asked)).await?;
    let headers = [
        (header::CONTENT_TYPE, "image/png"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    Ok((headers, bytes).into_response())
}

fn drawn(app: &App, name: TaskName, asked: &CutoutAsked) -> Result<Vec<u8>, Refusal> {
    let (how, blur_px) = (stretch(&asked.stretch)?, blur(asked.blur)?);
    let task = app.task(&name)?;
    let canvas = task.images.canvas();
    let mut shown: Vec<(Arc<OpenTask>, StageImage)> = Vec::new();
    for image in images(&asked.images)? {
        shown.push((Arc::clone(&task), image));
    }
    if let Some(variant) = &asked.with {
        let variant = if variant == TASK_ITSELF { "" } else { variant };
        let variant = variant.to_owned();
        let other = app.task(&TaskName { variant, ..name })?;
        if other.images.canvas() != canvas {
            return Err(Refusal::bad(
                "the canvases of these variants are not of the same size (pad)",
            ));
        }
        for image in images(&asked.with_images)? {
            shown.push((Arc::clone(&other), image));
        }
    }
    let region = asked.region(canvas)?;
    if region.size().pixels() * shown.len() as u64 > MOST_CUTOUT_PX {
        return Err(Refusal::bad(format!(
            "at most {} megapixels are drawn at full resolution, of all images together; zoom in, or use `e2m zoom`",
            MOST_CUTOUT_PX / 1_000_000
        )));
    }
    let read = shown.iter().map(|(task, image)| {
        let read = task.images.read_blurred(*image, region, blur_px);
        read.map(|read| read.pixels)
    });
    let read: Vec<Array2<f32>> = read.collect::<Result<_, _>>()?;
    let panels = shown
        .iter()
        .zip(&read)
        .map(|(&(_, image), pixels)| ZoomPanel {
            name: image.title(),
            unit: unit(image),
            shows: shows(image),
            pixels: pixels.view(),
        });
    let panels: Vec<ZoomPanel<'_>> = panels.collect();
    let title = Title {
        sample: task.task.sample.clone(),
        dye: task.task.dye.clone(),
        um_per_px: task.images.um_per_px(),
    };
    let lines = asked.line.lines().take(MOST_LINES);
    let lines: Vec<String> = lines.map(|line| line.chars().take(200).collect()).collect();
    let picture = ZoomPicture {
        title: &title,
        lines: &lines,
        panels: &panels,
        origin: (region.x, region.y),
        um_per_px: task.images.um_per_px(),
        stretch: how,
        magnification: None,
    };
    draw_zoom(&picture, PictureFormat::Png).map_err(|error| Refusal::fault(error.to_string()))
}

impl CutoutAsked {
    /// What lies on the canvas of what is asked for.
    fn region(&self, canvas: Size) -> Result<Region, Refusal> {
        let end = |from: i64, side: i64| from.saturating_add(side);
        let corners = [
            self.x,
            self.y,
            end(self.x, self.width),
            end(self.y, self.height),
        ];
        Region::clipped(corners, canvas).ok_or_else(|| {
            Refusal::bad(format!(
                "this does not lie on the canvas, which is {canvas} px"
            ))
        })
    }
}

fn image(name: &str) -> Result<StageImage, Refusal> {
    let image = name.parse::<StageImage>();
    image.map_err(|error| Refusal::bad(error.to_string()))
}

fn images(names: &str) -> Result<Vec<StageImage>, Refusal> {
    let images: Vec<StageImage> = names.split(',').map(image).collect::<Result<_, _>>()?;
    if images.len() > MOST_IMAGES {
        return Err(Refusal::bad(format!(
            "at most {MOST_IMAGES} images are shown at a time"
        )));
    }
    Ok(images)
}

fn stretch(name: &str) -> Result<ZoomStretch, Refusal> {
    match name {
        "" | "percentile" => Ok(ZoomStretch::Percentile),
        "asinh" => Ok(ZoomStretch::Asinh),
        other => Err(Refusal::bad(format!(
            "there is no stretch {other:?}; it is percentile or asinh"
        ))),
    }
}

fn blur(sigma_px: f64) -> Result<f64, Refusal> {
    if (0.0..=MOST_BLUR_PX).contains(&sigma_px) {
        return Ok(sigma_px);
    }
    Err(Refusal::bad(format!(
        "a blur is from 0 to {MOST_BLUR_PX} px"
    )))
}
