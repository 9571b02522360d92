//! The images of one task, and what their file will tell. Headers and records are read, no pixels.

use super::subject::{ExportRequest, ExportSubject, ExportTask};
use crate::export_record::{ExportFormat, ExportRecord, ExportRecords, ExportedImage, told_by};
use e2m_export::{Channel, Colour, OmeImage, Pyramid};
use e2m_io::{ContentHash, FileIdentity, TaskPaths};
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

/// What a channel is read from.
pub(super) struct ChannelFile {
    pub(super) image: ResultImage,
    pub(super) file: ResultFile,
    pyramid: Pyramid,
}

/// One task, ready to be written.
pub(super) struct Prepared {
    /// Where the file, or folder, goes.
    pub(super) path: PathBuf,
    pub(super) format: ExportFormat,
    /// What it tells.
    pub(super) image: OmeImage,
    /// What its channels are read from.
    pub(super) files: Vec<ChannelFile>,
    pub(super) status: Status,
    /// What is to be known of it.
    pub(super) notes: Vec<String>,
    /// Whether a file that tells the same is there.
    pub(super) is_up_to_date: bool,
    /// Whether that is on record with the length that it has.
    pub(super) is_on_record: bool,
    /// The record of the run whose images it shows.
    manifest: String,
}

impl Prepared {
    /// What is put on record of it once it is there.
    pub(super) fn record(&self, task: &ExportTask, content: (u64, ContentHash)) -> ExportRecord {
        let image = |channel: &ChannelFile| ExportedImage {
            image: channel.image.name().to_owned(),
            pixels: channel.file.hash,
        };
        ExportRecord {
            manifest: self.manifest.clone(),
            images: self.files.iter().map(image).collect(),
            ..ExportRecord::new(&task.output_dir, &self.path, self.format, content)
        }
    }

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
            Ok(file) => {
                let other = file.instead_of.as_ref();
                notes.extend(other.and_then(|why| why.passed_over(&file.path)));
                let pyramids = match image.is_signed() {
                    true => request.pyramid.of_channels(),
                    false => &[Pyramid::Mean],
                };
                files.extend(pyramids.iter().map(|&pyramid| ChannelFile {
                    image,
                    file: file.clone(),
                    pyramid,
                }));
            }
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
    let extension = request.format.extension();
    let name = format!("{}_{}{suffix}.{extension}", task.sample, task.dye);
    let path = subject.out.join(name);
    let (is_up_to_date, is_on_record) = match request.overwrite {
        true => (false, false),
        false => what_is_there(task, &path, request.format, &image),
    };
    Ok(Prepared {
        is_up_to_date,
        is_on_record,
        manifest: manifest_name(&suffix),
        path,
        format: request.format,
        image,
        files,
        status: manifest.status.clone(),
        notes,
    })
}

fn manifest_name(suffix: &str) -> String {
    format!("e2m_task{suffix}.json")
}

/// Whether what is at the place of an export is up to date, and whether it is on record so.
///
/// It tells the same, and is as long as it was written: a file that was cut off behind its directories is not right.
fn what_is_there(
    task: &ExportTask,
    path: &Path,
    format: ExportFormat,
    image: &OmeImage,
) -> (bool, bool) {
    if told_by(path, format).is_none_or(|text| text != image.ome_xml()) {
        return (false, false);
    }
    let paths = TaskPaths::new(&task.output_dir, &task.sample, &task.dye).ok();
    let records = paths.and_then(|paths| ExportRecords::read(&paths).ok());
    let record = records
        .as_ref()
        .and_then(|records| records.of(&task.output_dir, path));
    let length = std::fs::metadata(path).map_or(0, |about| about.len());
    match record {
        // The files of a folder have their names at once, and are not measured again.
        Some(record) if record.format == format => {
            let is_right = format != ExportFormat::OmeTiff || record.bytes == length;
            (is_right, is_right)
        }
        _ => (true, false),
    }
}

/// Whether an image is on record and its file is not as it was written: nothing that may be left out.
fn is_loss(results: &TaskResults, image: ResultImage) -> bool {
    matches!(
        results.file(image),
        Err(NoResult::Gone(_) | NoResult::OtherLength { .. })
    )
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
        NoResult::NoBetter => format!(
            "there is no {image}: a scale that varies over the section leaves no less background than one scale; the difference will do"
        ),
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
    files: &[ChannelFile],
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
    for ChannelFile { image, file, .. } in files {
        let hash = match &file.hash {
            Some(hash) => hash.to_string(),
            None => "not on record".to_owned(),
        };
        say(&format!("pixels of {image}"), hash);
    }
    for ChannelFile { image, pyramid, .. } in files {
        say(&format!("pyramid of {image}"), pyramid.name().to_owned());
    }
    say("compression", request.compression.name().to_owned());
    image.channels = files
        .iter()
        .map(|file| channel(file.image, file.pyramid))
        .collect();
    image
}

fn channel(image: ResultImage, pyramid: Pyramid) -> Channel {
    let plain = match image {
        ResultImage::AlignedPre => "aligned pre".to_owned(),
        ResultImage::DifferencePercentile => "difference, percentile scale".to_owned(),
        ResultImage::DifferenceManual => "difference, manual scale".to_owned(),
        ResultImage::DifferenceField => "difference, scale field".to_owned(),
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
        | ResultImage::DifferenceManual
        | ResultImage::DifferenceField => Colour::WHITE,
        ResultImage::Significance => Colour::YELLOW,
    };
    Channel::new(name, colour, pyramid)
}
