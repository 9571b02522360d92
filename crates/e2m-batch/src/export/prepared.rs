//! The images of one task, and what their file will tell. Headers and records are read, no pixels.

use super::subject::{ExportRequest, ExportSubject, ExportTask};
use e2m_export::{Channel, Colour, OmeImage, Pyramid};
use e2m_io::FileIdentity;
use e2m_pipeline::{
    KeptCheckpoints, Manifest, NoResult, ResultFile, ResultImage, Stage, Status, TaskResults,
    suffix,
};
use std::path::{Path, PathBuf};

/// The channels of a file when none is named.
const USUAL: [ResultImage; 4] = [
    ResultImage::Post,
    ResultImage::AlignedPre,
    ResultImage::Difference,
    ResultImage::Significance,
];

/// One task, ready to be written.
pub(super) struct Prepared {
    /// Where the file goes.
    pub(super) path: PathBuf,
    /// What it tells.
    pub(super) image: OmeImage,
    /// What its channels are read from.
    pub(super) files: Vec<(ResultImage, ResultFile)>,
    pub(super) status: Status,
    /// What is to be known of it.
    pub(super) notes: Vec<String>,
    /// Whether a file that tells the same is there.
    pub(super) is_up_to_date: bool,
}

impl Prepared {
    /// Bytes of pixels that will be read.
    pub(super) fn bytes_to_read(&self) -> u64 {
        match self.is_up_to_date {
            true => 0,
            false => 4 * self.image.size.pixels() * self.files.len() as u64,
        }
    }
}

/// Why a task cannot be exported, and what its record says where there is one.
pub(super) struct Refused {
    pub(super) status: Option<Status>,
    pub(super) why: String,
}

/// Finds the images of a task.
pub(super) fn prepare(task: &ExportTask, subject: &ExportSubject) -> Result<Prepared, Refused> {
    let run = format!("run `e2m {}`", subject.batch.display());
    let names = (task.sample.as_str(), task.dye.as_str());
    let results =
        TaskResults::read(&task.output_dir, names, &task.params).map_err(|error| Refused {
            status: None,
            why: format!("{error}; {run} first"),
        })?;
    let manifest = &results.manifest;
    let refused = |why| Refused {
        status: Some(manifest.status.clone()),
        why,
    };
    let mut notes = Vec::new();
    notes.extend(touched_since(task, manifest));
    let request = &subject.request;
    let mut files = Vec::new();
    let wanted = match request.images.as_slice() {
        [] => &USUAL[..],
        named => named,
    };
    for &image in wanted {
        match results.file(image) {
            Ok(file) => files.push((image, file)),
            Err(why) => {
                let why = missing(image, &why, &run);
                // What nobody asked for by name may be left out, if that is said.
                if !request.images.is_empty() || is_loss(&results, image) {
                    return Err(refused(why));
                }
                notes.push(format!("without {image}: {why}"));
            }
        }
    }
    if files.is_empty() {
        return Err(refused(format!("it has no image to export; {run}")));
    }
    let image = description_of(task, &results, &files, request);
    let suffix = suffix(&task.params, Stage::LAST);
    let name = format!("{}_{}{suffix}.ome.tif", task.sample, task.dye);
    let path = subject.out.join(name);
    Ok(Prepared {
        is_up_to_date: !request.overwrite && tells(&path, &image),
        path,
        image,
        files,
        status: manifest.status.clone(),
        notes,
    })
}

/// Whether an image is on record and its file is not as it was written: nothing that may be left out.
fn is_loss(results: &TaskResults, image: ResultImage) -> bool {
    matches!(
        results.file(image),
        Err(NoResult::Gone(_) | NoResult::OtherLength { .. })
    )
}

/// Whether the file there tells what this image would.
fn tells(path: &Path, image: &OmeImage) -> bool {
    path.is_file() && e2m_export::description(path).is_ok_and(|text| text == image.ome_xml())
}

/// That a raw image is not what the results were made from any more, as far as its length and times tell.
fn touched_since(task: &ExportTask, manifest: &Manifest) -> Option<String> {
    let [post, pre] = task.raw.as_ref()?;
    let inputs = [(post, &manifest.inputs.post), (pre, &manifest.inputs.pre)];
    let is_other = |path: &Path, recorded: &FileIdentity| {
        FileIdentity::of(path)
            .is_ok_and(|now| now.bytes != recorded.bytes || now.modified != recorded.modified)
    };
    let (path, _) = inputs
        .into_iter()
        .find(|(path, record)| is_other(path, &record.identity()))?;
    Some(format!(
        "{} was touched since the results were made; they are exported as they are, and a run says whether they still hold",
        path.display()
    ))
}

/// Why there is no file of an image, and what to do.
fn missing(image: ResultImage, why: &NoResult, run: &str) -> String {
    match why {
        NoResult::NotAskedFor(parameter) => format!(
            "the task makes no {image}, as its parameters have it: set {parameter} in the batch file and {run}"
        ),
        NoResult::NotKept(kept) => {
            let (kept, enough) = match kept {
                KeptCheckpoints::None if !matches!(image, ResultImage::Post | ResultImage::Pre) => {
                    ("none", "aligned")
                }
                KeptCheckpoints::None => ("none", "all"),
                KeptCheckpoints::Aligned | KeptCheckpoints::All => ("aligned", "all"),
            };
            format!(
                "{image} was not kept (checkpoints = \"{kept}\"): set checkpoints = \"{enough}\" in the batch file and {run}, which \
                 writes it from the warp on record"
            )
        }
        NoResult::NotMade(stage) => {
            format!("{image} was not made: the task ended before stage {stage} was done; {run}")
        }
        NoResult::Gone(path) => format!(
            "{image} is on record and {} is not there: {run}, which makes it again",
            path.display()
        ),
        NoResult::OtherLength {
            path,
            recorded,
            found,
        } => format!(
            "{image} in {} has {found} bytes and {recorded} on record: remove the file and {run}, which makes it again",
            path.display()
        ),
    }
}

/// What the file tells.
fn description_of(
    task: &ExportTask,
    results: &TaskResults,
    files: &[(ResultImage, ResultFile)],
    request: &ExportRequest,
) -> OmeImage {
    let manifest = &results.manifest;
    let name = format!("{} {}", task.sample, task.dye);
    let mut image = OmeImage::new(&name, manifest.canvas.size());
    image.pixel_um = results.um_per_px();
    image.compression = request.compression;
    image.description = format!(
        "{name}: status {}. Coordinates are those of the canvas, the raw post image with {} px around it.",
        manifest.status,
        manifest.canvas.pad()
    );
    let mut say = |key: &str, value: String| image.annotations.push((key.to_owned(), value));
    say("status", manifest.status.to_string());
    for doubt in &manifest.doubts {
        say("doubt", doubt.to_string());
    }
    say("pad", manifest.canvas.pad().to_string());
    say("post", manifest.inputs.post.hash.to_string());
    say("pre", manifest.inputs.pre.hash.to_string());
    say("made by", format!("e2m {}", manifest.version));
    for (parameter, value) in &manifest.non_default {
        say(&format!("parameter {parameter}"), value.to_string());
    }
    for (what, file) in files {
        let hash = match &file.hash {
            Some(hash) => hash.to_string(),
            None => "not on record".to_owned(),
        };
        say(&format!("pixels of {what}"), hash);
    }
    for (what, _) in files {
        let pyramid = pyramid_of(*what, request);
        say(&format!("pyramid of {what}"), pyramid.name().to_owned());
    }
    say("compression", request.compression.name().to_owned());
    image.channels = files
        .iter()
        .map(|(what, _)| channel(*what, request))
        .collect();
    image
}

fn pyramid_of(image: ResultImage, request: &ExportRequest) -> Pyramid {
    match image.is_signed() {
        true => request.pyramid.unwrap_or(Pyramid::Maximum),
        false => Pyramid::Mean,
    }
}

fn channel(image: ResultImage, request: &ExportRequest) -> Channel {
    let pyramid = pyramid_of(image, request);
    let plain = match image {
        ResultImage::AlignedPre => "aligned pre".to_owned(),
        ResultImage::DifferencePercentile => "difference, percentile scale".to_owned(),
        ResultImage::DifferenceManual => "difference, manual scale".to_owned(),
        ResultImage::Post
        | ResultImage::Pre
        | ResultImage::Difference
        | ResultImage::Significance => image.name().to_owned(),
    };
    let name = match pyramid {
        Pyramid::Mean => plain,
        Pyramid::Maximum => format!("{plain} (zoomed out: maximum)"),
    };
    let colour = match image {
        ResultImage::Post => Colour::GREEN,
        ResultImage::AlignedPre => Colour::MAGENTA,
        ResultImage::Pre => Colour::CYAN,
        ResultImage::Difference
        | ResultImage::DifferencePercentile
        | ResultImage::DifferenceManual => Colour::WHITE,
        ResultImage::Significance => Colour::YELLOW,
    };
    Channel::new(name, colour, pyramid)
}
