//! `e2m apply`: an image, points or outlines through the warp of a task. Its arguments are in `apply_args`.

use crate::apply_args::ApplyArgs;
use crate::environment::environment;
use crate::exit::Exit;
use crate::only_task::only_task;
use crate::signals;
use crate::terminal::Terminal;
use e2m_batch::apply::{
    ApplyError, Direction, Frame, ImageRequest, Standing, TaskWarp, warp_geojson, warp_image,
    warp_points,
};
use e2m_batch::verify::VerifySubject;
use e2m_batch::{Interrupt, human};
use e2m_image::BandError;
use e2m_io::CheckpointFormat;
use std::path::Path;

/// What a file holds, as its name says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Image(CheckpointFormat),
    Points,
    Outlines,
}

/// Why nothing was written: how the program ends, and the sentence.
struct Refusal(Exit, String);

impl Refusal {
    fn question(text: impl Into<String>) -> Self {
        Self(Exit::BadInput, text.into())
    }
}

impl From<ApplyError> for Refusal {
    fn from(error: ApplyError) -> Self {
        let exit = match &error {
            ApplyError::Pixels(BandError::Interrupted) => Exit::Interrupted,
            error if error.is_question() => Exit::BadInput,
            _ => Exit::TaskFailed,
        };
        Self(exit, error.to_string())
    }
}

/// Warps a file and says what was written.
pub(crate) fn run(args: &ApplyArgs, subject: &VerifySubject, terminal: &Terminal) -> Exit {
    match apply(args, subject, terminal) {
        Ok(exit) => exit,
        Err(Refusal(exit, why)) => {
            terminal.error(&why);
            exit
        }
    }
}

fn apply(args: &ApplyArgs, subject: &VerifySubject, terminal: &Terminal) -> Result<Exit, Refusal> {
    let kind = kinds(args)?;
    let task = only_task((args.sample.as_deref(), args.dye.as_deref()), subject);
    let warp = TaskWarp::of(task.map_err(Refusal::question)?)?;
    if !args.anyway {
        warp.refuse_failed()?;
    }
    let exit = match &warp.standing {
        Standing::Pass => Exit::Complete,
        Standing::Suspect(reasons) => {
            let why = reasons.join("; ");
            terminal.warn(&format!("the alignment of {} is suspect: {why}", warp.task));
            Exit::Suspect
        }
        Standing::Failed(reasons) => {
            let why = reasons.join("; ");
            terminal.warn(&format!(
                "the alignment of {} failed: {why}; its warp was taken all the same",
                warp.task
            ));
            Exit::Suspect
        }
    };
    let way = match args.inverse {
        true => Direction::PostToPre,
        false => Direction::PreToPost,
    };
    let frame = match args.frame.as_str() {
        "raw" => Frame::Raw,
        _ => Frame::Canvas,
    };
    let what = match kind {
        Kind::Points => {
            let points = warp_points(&warp, (way, frame), &args.from, &args.to)?;
            format!("{}, {} px", human::count(points, "point"), frame.name())
        }
        Kind::Outlines => {
            let positions = warp_geojson(&warp, (way, frame), &args.from, &args.to)?;
            format!(
                "{}, {} px",
                human::count(positions, "position"),
                frame.name()
            )
        }
        Kind::Image(format) => {
            let request = image_request(args, format, (way, frame));
            let machine = environment(args.talk).machine();
            let free = machine.available_memory().available_bytes;
            let interrupt = Interrupt::default();
            signals::listen(&interrupt, terminal);
            let written = warp_image(&warp, &request, free, &interrupt)?;
            let size = human::bytes(written.bytes);
            match frame {
                Frame::Canvas => format!("{size}; on the canvas, pad {} px", warp.canvas.pad()),
                Frame::Raw if args.inverse => format!("{size}; as raw pre"),
                Frame::Raw => format!("{size}; as raw post"),
            }
        }
    };
    let direction = match args.inverse {
        true => "from post to pre",
        false => "from pre to post",
    };
    terminal.summary(&format!(
        "Wrote {} ({what}; {direction} of {})",
        args.to.display(),
        warp.task
    ));
    Ok(exit)
}

/// What is warped, if FROM and TO are of one kind and TO may be written.
fn kinds(args: &ApplyArgs) -> Result<Kind, Refusal> {
    let unknown = |path: &Path| {
        Refusal::question(format!(
            "the ending of {} says nothing of what it is; it has to be .tif or .tiff (an image), .csv (points), or .geojson \
             or .json (outlines)",
            path.display()
        ))
    };
    let from = kind_of(&args.from).ok_or_else(|| unknown(&args.from))?;
    let to = kind_of(&args.to).ok_or_else(|| unknown(&args.to))?;
    let is_one = match (from, to) {
        (Kind::Image(CheckpointFormat::Fits), _) => {
            return Err(Refusal::question(format!(
                "{} is FITS, and images are read as TIFF; `e2m convert` makes one of it",
                args.from.display()
            )));
        }
        (Kind::Image(_), Kind::Image(_)) => true,
        (from, to) => from == to,
    };
    if !is_one {
        return Err(Refusal::question(format!(
            "{} and {} are not of one kind: what is warped stays what it is",
            args.from.display(),
            args.to.display()
        )));
    }
    if args.nearest && !matches!(from, Kind::Image(_)) {
        return Err(Refusal::question(
            "--nearest is about images; points have no pixels between them",
        ));
    }
    if args.to.exists() && !args.overwrite {
        return Err(Refusal::question(format!(
            "{} is there already; --overwrite replaces it",
            args.to.display()
        )));
    }
    let whole = |path: &Path| path.canonicalize().ok();
    if whole(&args.from).is_some_and(|from| whole(&args.to) == Some(from)) {
        return Err(Refusal::question(
            "FROM and TO are one file; give TO another name",
        ));
    }
    Ok(to)
}

fn kind_of(path: &Path) -> Option<Kind> {
    let ending = path.extension()?.to_string_lossy().to_ascii_lowercase();
    Some(match ending.as_str() {
        "tif" | "tiff" => Kind::Image(CheckpointFormat::Tiff),
        "fits" | "fit" | "fts" => Kind::Image(CheckpointFormat::Fits),
        "csv" => Kind::Points,
        "geojson" | "json" => Kind::Outlines,
        _ => return None,
    })
}

fn image_request(
    args: &ApplyArgs,
    format: CheckpointFormat,
    (direction, frame): (Direction, Frame),
) -> ImageRequest {
    ImageRequest {
        from: args.from.clone(),
        page: args.page.clone().unwrap_or_default(),
        channel: args.channel.clone().unwrap_or_default(),
        direction,
        frame,
        nearest: args.nearest,
        to: args.to.clone(),
        format,
        deflate: args.deflate,
    }
}
