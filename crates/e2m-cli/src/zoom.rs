//! `e2m zoom` and `e2m blink`: a region of a task's images at full resolution, as a picture.

use crate::exit::Exit;
use crate::only_task::only_task;
use crate::terminal::Terminal;
use crate::zoom_args::{BlinkArgs, ViewArgs, ZoomArgs};
use e2m_batch::verify::VerifySubject;
use e2m_io::write_atomic;
use e2m_pipeline::{PixelOrigin, Region, RegionError, RegionPixels, StageImage, TaskImages};
use e2m_plot::{
    PictureFormat, PlotError, Title, ZoomPanel, ZoomPicture, ZoomShows, draw_blink, draw_zoom,
};
use std::path::{Path, PathBuf};

/// Pixels of a region at most: beyond that the picture is larger than any page.
const MOST_PIXELS: u64 = 40_000_000;

/// Why there is no picture: how the program ends, and the sentence.
struct Refusal(Exit, String);

impl Refusal {
    fn question(text: impl Into<String>) -> Self {
        Self(Exit::BadInput, text.into())
    }
}

impl From<RegionError> for Refusal {
    fn from(error: RegionError) -> Self {
        let exit = if error.is_question() {
            Exit::BadInput
        } else {
            Exit::TaskFailed
        };
        Self(exit, error.to_string())
    }
}

impl From<PlotError> for Refusal {
    fn from(error: PlotError) -> Self {
        match error {
            PlotError::PageSize { width, height } => Self::question(format!(
                "the picture would be {width} x {height} px; ask for a smaller region, fewer images or less --magnify"
            )),
            error => Self(Exit::TaskFailed, error.to_string()),
        }
    }
}

/// `e2m zoom`.
pub(crate) fn zoom(args: &ZoomArgs, subject: &VerifySubject, terminal: &Terminal) -> Exit {
    let format = match format_of(args.view.out.as_deref()) {
        Ok(format) => format,
        Err(refusal) => return ended(Err(refusal), terminal),
    };
    let draw = |picture: &ZoomPicture<'_>| draw_zoom(picture, format);
    let written = show(&args.view, &args.stages, "zoom", subject, terminal, draw);
    ended(written, terminal)
}

/// `e2m blink`.
pub(crate) fn blink(args: &BlinkArgs, subject: &VerifySubject, terminal: &Terminal) -> Exit {
    let two = match args.stages.len() {
        2 => Ok(()),
        number => Err(Refusal::question(format!(
            "--stages takes two images to blink, not {number}"
        ))),
    };
    let png = two.and_then(|()| match format_of(args.view.out.as_deref())? {
        PictureFormat::Png => Ok(()),
        PictureFormat::Tiff => Err(Refusal::question(
            "an animation is a PNG; name a file that ends in .png",
        )),
    });
    let draw = |picture: &ZoomPicture<'_>| draw_blink(picture, args.rate);
    let written =
        png.and_then(|()| show(&args.view, &args.stages, "blink", subject, terminal, draw));
    ended(written, terminal)
}

fn ended(written: Result<PathBuf, Refusal>, terminal: &Terminal) -> Exit {
    match written {
        Ok(path) => {
            terminal.result(&format!("Wrote {}", path.display()));
            Exit::Complete
        }
        Err(Refusal(exit, why)) => {
            terminal.error(&why);
            exit
        }
    }
}

/// The format that a file name asks for.
fn format_of(out: Option<&Path>) -> Result<PictureFormat, Refusal> {
    let Some(out) = out else {
        return Ok(PictureFormat::Png);
    };
    let extension = out.extension().map(|e| e.to_string_lossy().to_lowercase());
    match extension.as_deref() {
        Some("png" | "apng") => Ok(PictureFormat::Png),
        Some("tif" | "tiff") => Ok(PictureFormat::Tiff),
        _ => Err(Refusal::question(format!(
            "{} does not say which format it is to have; name a file that ends in .png or .tiff",
            out.display()
        ))),
    }
}

/// Reads what is asked for, draws it and writes it.
fn show(
    view: &ViewArgs,
    images: &[StageImage],
    what: &str,
    subject: &VerifySubject,
    terminal: &Terminal,
    draw: impl FnOnce(&ZoomPicture<'_>) -> Result<Vec<u8>, PlotError>,
) -> Result<PathBuf, Refusal> {
    let names = (view.sample.as_deref(), view.dye.as_deref());
    let task = only_task(names, subject).map_err(Refusal::question)?;
    let files = TaskImages::open(task)?;
    let place = Place::of(view, &files)?;
    let region = place.region(&files, terminal)?;
    let out = view.out.clone().unwrap_or_else(|| {
        let name = format!(
            "{}_{}_{what}_x{}_y{}.png",
            task.sample, task.dye, region.x, region.y
        );
        PathBuf::from(name)
    });
    if out.exists() && !view.overwrite {
        return Err(Refusal::question(format!(
            "{} is there already and was left as it is; name another file with --out, or add --overwrite",
            out.display()
        )));
    }
    let read = images
        .iter()
        .map(|&image| read(&files, image, region, view.blur, terminal));
    let read: Vec<RegionPixels> = read.collect::<Result<_, _>>()?;
    let panels: Vec<ZoomPanel<'_>> = images
        .iter()
        .zip(&read)
        .map(|(image, read)| ZoomPanel {
            name: image.title(),
            unit: unit_of(*image),
            shows: shows_of(*image),
            pixels: read.pixels.view(),
        })
        .collect();
    let title = Title {
        sample: task.sample.clone(),
        dye: task.dye.clone(),
        ..Title::default()
    };
    let lines = lines(&place, region, &files, view.blur);
    let bytes = draw(&ZoomPicture {
        title: &title,
        lines: &lines,
        panels: &panels,
        origin: (region.x, region.y),
        um_per_px: files.um_per_px(),
        stretch: view.stretch.into(),
        magnification: view.magnify,
    })?;
    let written = write_atomic(&out, &bytes);
    written.map_err(|error| Refusal(Exit::TaskFailed, error.to_string()))?;
    Ok(out)
}

/// What is looked at.
struct Place {
    /// First pixel, and the one behind the last; perhaps beyond the canvas.
    corners: [i64; 4],
    /// What is there, in a few words.
    what: Option<String>,
}

impl Place {
    fn of(view: &ViewArgs, files: &TaskImages) -> Result<Self, Refusal> {
        let around = |point, what| Self {
            corners: Region::square_around(point, view.size),
            what,
        };
        let place = &view.place;
        if let Some(corners) = place.region {
            return Ok(Self {
                corners,
                what: None,
            });
        }
        if let Some(id) = place.object {
            let object = files.object(id)?;
            let what = format!("object {id}, {:.1} sigma", object.significance);
            return Ok(around([object.x, object.y], Some(what)));
        }
        if let Some(point) = place.at {
            return Ok(around(point, None));
        }
        let tile = files.worst_tile()?;
        let what = format!("worst residual tile, {:.3} px", tile.length_px());
        Ok(around(tile.centre(), Some(what)))
    }

    /// The part of it that is on the canvas; says where that is not all.
    fn region(&self, files: &TaskImages, terminal: &Terminal) -> Result<Region, Refusal> {
        let canvas = files.canvas();
        let [x0, y0, x1, y1] = self.corners;
        let Some(region) = Region::clipped(self.corners, canvas) else {
            return Err(Refusal::question(format!(
                "x {x0} to {}, y {y0} to {} does not lie on the canvas, which is {canvas} px",
                x1 - 1,
                y1 - 1
            )));
        };
        if region.size().pixels() > MOST_PIXELS {
            return Err(Refusal::question(format!(
                "the region is {} px; at most {} megapixels are shown at full resolution",
                region.size(),
                MOST_PIXELS / 1_000_000
            )));
        }
        if (region.width as i64, region.height as i64) != (x1 - x0, y1 - y0) {
            terminal.warn(&format!(
                "the region reaches beyond the canvas of {canvas} px; shown are the {} px on it",
                region.size()
            ));
        }
        Ok(region)
    }
}

fn read(
    files: &TaskImages,
    image: StageImage,
    region: Region,
    blur: Option<f64>,
    terminal: &Terminal,
) -> Result<RegionPixels, RegionError> {
    let read = match blur {
        Some(sigma) => files.read_blurred(image, region, sigma)?,
        None => files.read(image, region, 1)?,
    };
    if let Some(why) = &read.passed_over {
        terminal.say(&format!("{}: {why}", image.title()));
    }
    if let PixelOrigin::Raw(path) = &read.origin {
        terminal.say(&format!(
            "{} was not kept; made again from {}",
            image.title(),
            path.display()
        ));
    }
    Ok(read)
}

/// What stands below the title.
fn lines(place: &Place, region: Region, files: &TaskImages, blur: Option<f64>) -> Vec<String> {
    let (right, bottom) = (region.x + region.width - 1, region.y + region.height - 1);
    let mut where_it_is = format!(
        "canvas px: x {} to {right}, y {} to {bottom}",
        region.x, region.y
    );
    if let Some([x, y]) = files.um_per_px() {
        where_it_is += &if x == y {
            format!(" · {x:.4} µm per px")
        } else {
            format!(" · {x:.4} x {y:.4} µm per px")
        };
    }
    if let Some(sigma) = blur {
        where_it_is += &format!(" · blurred, sigma {sigma} px");
    }
    place.what.iter().cloned().chain([where_it_is]).collect()
}

fn unit_of(image: StageImage) -> &'static str {
    match image {
        StageImage::Significance => "sigma",
        StageImage::Mask => "",
        _ => "counts",
    }
}

fn shows_of(image: StageImage) -> ZoomShows {
    match image {
        StageImage::Mask => ZoomShows::Flags,
        image if image.is_signed() => ZoomShows::Signed,
        _ => ZoomShows::Brightness,
    }
}
