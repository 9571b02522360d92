//! `e2m compare`: the tasks of a batch with several values of some parameters, as one table and as pictures of the same places.

use crate::admission;
use crate::args::CompareArgs;
use crate::exit::Exit;
use crate::signals;
use crate::table::Table;
use crate::terminal::Terminal;
use e2m_batch::batch_file::Assignment;
use e2m_batch::compare::{Axis, CompareError, FOLDER, Variant, variants};
use e2m_batch::report::TaskResult;
use e2m_batch::{BatchEnding, Environment, Interrupt, PlanOptions, Reporters, StartError, human};
use e2m_io::write_atomic;
use e2m_pipeline::{RecordedTask, Region, RegionError, StageImage, TaskImages, Verdict};
use e2m_plot::{PictureFormat, Title, ZoomPanel, ZoomPicture, ZoomShows, ZoomStretch, draw_zoom};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// Side of what a picture shows of each variant, px.
const SIDE_PX: usize = 300;

/// What came of a variant.
struct Tried {
    variant: Variant,
    results: Vec<TaskResult>,
}

/// Runs every variant, prints the table and draws the pictures. Besides how that ended: the values that are to be kept.
pub(crate) fn compare(
    args: &CompareArgs,
    environment: &Environment,
    terminal: &Terminal,
) -> (Exit, Option<Vec<Assignment>>) {
    match tried(args, environment, terminal) {
        Ok((exit, values)) => (exit, values),
        Err(exit) => (exit, None),
    }
}

fn tried(
    args: &CompareArgs,
    environment: &Environment,
    terminal: &Terminal,
) -> Result<(Exit, Option<Vec<Assignment>>), Exit> {
    let batch = &args.batch;
    let axes = axes(args).map_err(|error| refused(&error, terminal))?;
    let options = PlanOptions {
        tasks: args.tasks.selection(),
        ..PlanOptions::default()
    };
    let planned = variants(batch, &args.set.set, &axes, &options);
    let planned = planned.map_err(|error| match error {
        CompareError::Plan(error) => {
            terminal.error(&error.to_string());
            Exit::from(&error)
        }
        error => refused(&error.to_string(), terminal),
    })?;
    let saved = match args.save.map(|number| number as usize) {
        Some(number) if number > planned.len() => {
            let why = format!("--save {number}: there are {} variants", planned.len());
            return Err(refused(&why, terminal));
        }
        Some(number) => Some(planned[number - 1].values.clone()),
        None => None,
    };
    let interrupt = Interrupt::default();
    signals::listen(&interrupt, terminal);
    let mut tried = Vec::new();
    let number = planned.len();
    for (index, variant) in planned.into_iter().enumerate() {
        terminal.say(&format!(
            "variant {} of {number}: {}",
            index + 1,
            variant.label()
        ));
        let outcome = e2m_batch::run(
            &variant.plan,
            environment,
            &interrupt,
            &mut Reporters::new(),
        );
        match outcome {
            Ok(outcome) if outcome.ending == BatchEnding::Interrupted => {
                terminal.say("interrupted; what is finished stays, and the same command goes on");
                return Err(Exit::Interrupted);
            }
            Ok(outcome) => tried.push(Tried {
                variant,
                results: outcome.results,
            }),
            Err(error) => {
                match &error {
                    StartError::Refused(refused) => admission::show(refused, terminal),
                    other => terminal.error(&other.to_string()),
                }
                return Err(Exit::from(&error));
            }
        }
    }
    let pictures = draw_all(&tried, terminal);
    show(&tried, &pictures, args, terminal);
    let failed = tried
        .iter()
        .flat_map(|one| &one.results)
        .any(|result| result.verdict.is_none());
    let exit = if failed {
        Exit::TaskFailed
    } else {
        Exit::Complete
    };
    Ok((exit, saved))
}

fn refused(why: &str, terminal: &Terminal) -> Exit {
    terminal.error(why);
    Exit::BadInput
}

/// `--param` and `--values` in pairs.
fn axes(args: &CompareArgs) -> Result<Vec<Axis>, String> {
    if args.params.len() != args.values.len() {
        return Err(format!(
            "each --param needs --values behind it: --param boundary_width --values 10,15,20 (given: {} and {})",
            human::count(args.params.len(), "parameter"),
            human::count(args.values.len(), "list")
        ));
    }
    let pairs = args.params.iter().zip(&args.values);
    Ok(pairs
        .map(|(key, values)| Axis {
            key: key.clone(),
            values: values
                .split(',')
                .map(|value| value.trim().to_owned())
                .collect(),
        })
        .collect())
}

fn show(tried: &[Tried], pictures: &[PathBuf], args: &CompareArgs, terminal: &Terminal) {
    if args.json {
        terminal.result(&document(tried, pictures).to_string());
        return;
    }
    let mut table = Table::new(&[
        "task", "variant", "verdict", "residual", "scale", "microbes", "false", "time",
    ]);
    for (task, variant, result) in by_task(tried) {
        table.row(row(task, variant, result, subtracted(tried)));
    }
    terminal.result(&table.to_string());
    let mut said = Vec::new();
    for (task, _, result) in by_task(tried).filter(|(.., result)| result.verdict.is_none()) {
        let why = format!("{task}: {}", result.status);
        if !said.contains(&why) {
            terminal.problem(&why);
            said.push(why);
        }
    }
    for path in pictures {
        terminal.summary(&format!("Wrote {}", path.display()));
    }
    if args.save.is_none() {
        terminal.summary(&format!(
            "Results of the batch are as they were; those of the variants are in its folder {FOLDER}. The same command with \
             --save N makes variant N a result of the batch; so does its value in the batch file."
        ));
    }
}

/// What is compared, task by task.
fn by_task(tried: &[Tried]) -> impl Iterator<Item = (String, String, &TaskResult)> {
    let tasks = tried.first().map_or(0, |one| one.results.len());
    (0..tasks).flat_map(move |task| {
        tried.iter().enumerate().filter_map(move |(index, one)| {
            let result = one.results.get(task)?;
            let label = format!("{}: {}", index + 1, one.variant.label());
            Some((result.name(), label, result))
        })
    })
}

/// The difference that the values concern.
fn subtracted(tried: &[Tried]) -> StageImage {
    let values = tried.iter().flat_map(|one| &one.variant.values);
    let of = |key: &str| match key {
        "manual_scale" => Some(StageImage::ManualDifference),
        "scale_percentile" => Some(StageImage::PercentileDifference),
        _ => None,
    };
    let own = values.filter_map(|value| of(value.key())).next();
    own.unwrap_or(StageImage::Difference)
}

fn number(value: Option<f64>) -> String {
    value.map_or_else(String::new, |value| format!("{value:.4}"))
}

fn row(task: String, variant: String, result: &TaskResult, subtracted: StageImage) -> [String; 8] {
    let verdict = match result.verdict {
        Some(Verdict::Pass) => "pass".to_owned(),
        Some(Verdict::Suspect) => "suspect".to_owned(),
        Some(Verdict::Fail) => "fail".to_owned(),
        // Why stands below the table.
        None => "none".to_owned(),
    };
    let scale = match (subtracted, result.scale, result.scale_std_error) {
        (StageImage::ManualDifference, ..) => number(result.scale_manual),
        (StageImage::PercentileDifference, ..) => number(result.scale_percentile),
        (_, Some(scale), Some(error)) => format!("{scale:.4} ± {error:.4}"),
        (_, scale, _) => number(scale),
    };
    let text = |value: Option<String>| value.unwrap_or_default();
    [
        task,
        variant,
        verdict,
        text(result.residual_median_px.map(|px| format!("{px:.3} px"))),
        scale,
        text(result.microbes.map(|number| number.to_string())),
        text(
            result
                .expected_false_microbes
                .map(|number| format!("{number:.1}")),
        ),
        human::seconds(result.seconds),
    ]
}

fn document(tried: &[Tried], pictures: &[PathBuf]) -> Value {
    let variants = tried.iter().map(|one| {
        let values: Vec<String> = one.variant.values.iter().map(ToString::to_string).collect();
        json!({"values": values, "tasks": one.results})
    });
    json!({
        "schema": 1,
        "version": env!("CARGO_PKG_VERSION"),
        "variants": variants.collect::<Vec<_>>(),
        "pictures": pictures,
    })
}

/// A picture for each task and place; what cannot be drawn is said and stops nothing.
fn draw_all(tried: &[Tried], terminal: &Terminal) -> Vec<PathBuf> {
    let tasks = tried.first().map_or(0, |one| one.variant.plan.tasks.len());
    let mut written = Vec::new();
    for task in 0..tasks {
        match draw(tried, task) {
            Ok(paths) => written.extend(paths),
            Err(error) => terminal.warn(&format!("no picture for the comparison: {error}")),
        }
    }
    written
}

/// The difference of every variant at the same places: where the alignment of the first one leaves most, and around its most
/// significant microbe.
fn draw(tried: &[Tried], task: usize) -> Result<Vec<PathBuf>, String> {
    let images: Vec<(String, TaskImages)> = tried
        .iter()
        .filter_map(|one| {
            let spec = one.variant.plan.tasks.get(task)?;
            let images = TaskImages::open(&RecordedTask::from(spec)).ok()?;
            Some((one.variant.label(), images))
        })
        .collect();
    let Some((_, first)) = images.first() else {
        return Ok(Vec::new());
    };
    let Some(spec) = tried
        .first()
        .and_then(|one| one.variant.plan.tasks.get(task))
    else {
        return Ok(Vec::new());
    };
    let worst = first.worst_tile().map(|tile| tile.centre());
    let microbe = first.object(1).map(|object| [object.x, object.y]);
    let places = [("worst_tile", worst), ("microbe", microbe)];
    let mut written = Vec::new();
    for (name, place) in places {
        let Ok(centre) = place else {
            continue;
        };
        let path = spec
            .output_dir
            .join(format!("{}_{}_{name}.png", spec.sample, spec.dye));
        if draw_place(
            (&images, subtracted(tried)),
            centre,
            (&spec.sample, &spec.dye),
            &path,
        )? {
            written.push(path);
        }
    }
    Ok(written)
}

/// Whether there was anything to draw.
fn draw_place(
    (images, subtracted): (&[(String, TaskImages)], StageImage),
    centre: [f64; 2],
    (sample, dye): (&str, &str),
    path: &Path,
) -> Result<bool, String> {
    let Some((_, first)) = images.first() else {
        return Ok(false);
    };
    let pad = |images: &TaskImages| images.manifest().canvas.pad() as f64;
    // The same place of post, whatever margin a variant has around it.
    let read = |(label, images): &(String, TaskImages)| {
        let moved = pad(images) - pad(first);
        let corners = Region::square_around(centre.map(|c| c + moved), SIDE_PX);
        let region = Region::clipped(corners, images.canvas())?;
        let read: Result<_, RegionError> = images.read(subtracted, region, 1);
        Some((label.clone(), region, read.ok()?))
    };
    let mut read: Vec<_> = images.iter().filter_map(read).collect();
    let Some(region) = read.first().map(|(_, region, _)| *region) else {
        return Ok(false);
    };
    // Near the border of a canvas with less margin a piece of it is missing.
    read.retain(|(_, own, _)| own.size() == region.size());
    let panels: Vec<ZoomPanel<'_>> = read
        .iter()
        .map(|(label, _, pixels)| ZoomPanel {
            name: label,
            unit: "counts",
            shows: ZoomShows::Signed,
            pixels: pixels.pixels.view(),
        })
        .collect();
    let title = Title {
        sample: sample.to_owned(),
        dye: dye.to_owned(),
        ..Title::default()
    };
    let lines = [format!(
        "difference of each variant, canvas px: x {} to {}, y {} to {}",
        region.x,
        region.x + region.width - 1,
        region.y,
        region.y + region.height - 1
    )];
    let picture = ZoomPicture {
        title: &title,
        lines: &lines,
        panels: &panels,
        origin: (region.x, region.y),
        um_per_px: first.um_per_px(),
        stretch: ZoomStretch::Percentile,
        magnification: None,
    };
    let bytes = draw_zoom(&picture, PictureFormat::Png).map_err(|error| error.to_string())?;
    write_atomic(path, &bytes).map_err(|error| error.to_string())?;
    Ok(true)
}
