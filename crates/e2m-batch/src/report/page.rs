//! `report.html`: the page that shows the batch.

use super::BatchReport;
use super::problems::problems;
use super::results::{CSV_NAME, JSON_NAME, TaskEnding, TaskResult};
use super::tally::tally;
use crate::plan::missing_reason;
use e2m_image::PixelType;
use e2m_io::{AtomicError, AtomicFile};
use e2m_pipeline::{
    DetectionRecord, InputRecord, Manifest, PictureRecord, Scales, Stage, Status, Verdict,
};
use e2m_plot::{
    Comparison, Pages, PictureKind, ReportError, ReportFile, ReportHead, ReportPage, ReportPicture,
    ReportProblem, ReportRow, ReportScale, ReportStage, ReportStatus, ReportVerdict, TaskSection,
    page_name, write_report, write_report_index, write_report_page,
};
use std::fs::File;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io::{self, BufWriter, ErrorKind, Read as _, Write};
use std::path::{Path, PathBuf};

/// The head up to the fingerprint is shorter than this, bytes.
const BEGINNING: u64 = 128;
/// The name of the run log; that of the Python program, whose users look for it there.
pub(crate) const RUN_LOG_NAME: &str = ".exo2micro_run_log.txt";
/// Its name.
pub(super) const NAME: &str = "report.html";
/// What the names of the pages beside it begin with.
const STEM: &str = "report";

/// Why the page could not be written.
#[derive(Debug, thiserror::Error)]
pub enum PageError {
    /// The file.
    #[error(transparent)]
    File(#[from] AtomicError),
    /// What it is filled with.
    #[error(transparent)]
    Page(#[from] ReportError),
    /// The disk.
    #[error(transparent)]
    Write(#[from] io::Error),
}

/// The page goes to the disk in pieces of this size: it has megabytes.
const PIECE_BYTES: usize = 1 << 20;

/// Writes the page in one step, and the pages beside it where there are many tasks. The pictures of one task are in memory at a time; one
/// that cannot be read is left out. A page that shows the same already is left as it is, where this run did nothing.
pub(super) fn write(report: &BatchReport<'_>) -> Result<(), PageError> {
    let mut head = head(report);
    let folder = &report.plan.output_dir;
    let pages = Pages::of(&head, STEM);
    let idle = !report.results.iter().any(TaskResult::worked);
    let of_row = |row| {
        // Rows behind the results are of pairs that were left out.
        let result = report.results.get(row);
        result.map_or_else(TaskSection::default, |result| section(result, folder))
    };
    for (number, page) in pages.list().iter().enumerate() {
        let rows: Vec<&TaskResult> = page
            .rows
            .iter()
            .filter_map(|&row| report.results.get(row))
            .collect();
        let fingerprint = fingerprint(report, &of_page(&head, page, number, &pages), &rows);
        let idle = !rows.iter().any(|result| result.worked());
        write_one(&folder.join(&page.name), &fingerprint, idle, |out| {
            write_report_page(out, &head, (&pages, number), &fingerprint, of_row)
        })?;
    }
    let all: Vec<&TaskResult> = report.results.iter().collect();
    head.fingerprint = fingerprint(report, &head, &all);
    write_one(&folder.join(NAME), &head.fingerprint, idle, |out| {
        if pages.list().is_empty() {
            write_report(out, &head, of_row)
        } else {
            write_report_index(out, &head, &pages)
        }
    })?;
    remove_pages_from(folder, pages.list().len())
}

/// What a page of sections shows of the batch.
fn of_page(head: &ReportHead, page: &ReportPage, number: usize, pages: &Pages) -> ReportHead {
    let tasks = page.rows.iter().filter_map(|&row| head.tasks.get(row));
    ReportHead {
        batch: format!("{}, page {number} of {}", head.batch, pages.list().len()),
        version: head.version.clone(),
        tasks: tasks.cloned().collect(),
        ..ReportHead::default()
    }
}

/// Removes pages that an earlier run with more tasks has left, from this place on.
fn remove_pages_from(folder: &Path, first: usize) -> Result<(), PageError> {
    for place in first.. {
        match std::fs::remove_file(folder.join(page_name(STEM, place))) {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::NotFound => break,
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// Writes one page, unless it shows the same already and the run did nothing.
fn write_one(
    path: &Path,
    fingerprint: &str,
    idle: bool,
    fill: impl Fn(&mut dyn Write) -> Result<(), ReportError>,
) -> Result<(), PageError> {
    if idle && is_of(path, fingerprint) {
        return Ok(());
    }
    let mut file = Counted {
        writer: AtomicFile::create(path)?,
        bytes: 0,
    };
    match buffered(&mut file, &fill) {
        Ok(()) => Ok(file.writer.commit()?),
        Err(error) => Err(with_missing_bytes(error, path, file.bytes, &fill)),
    }
}

fn buffered(
    writer: &mut impl Write,
    fill: &impl Fn(&mut dyn Write) -> Result<(), ReportError>,
) -> Result<(), PageError> {
    let mut writer = BufWriter::with_capacity(PIECE_BYTES, writer);
    fill(&mut writer)?;
    Ok(writer.flush()?)
}

/// The same error, and where there was no room how much is missing: the page is made once more, for its length.
fn with_missing_bytes(
    error: PageError,
    path: &Path,
    written_bytes: u64,
    fill: &impl Fn(&mut dyn Write) -> Result<(), ReportError>,
) -> PageError {
    let source = match error {
        PageError::Page(ReportError::Write(source)) | PageError::Write(source) => source,
        other => return other,
    };
    let mut length = Counted {
        writer: io::sink(),
        bytes: 0,
    };
    let no_room = matches!(
        source.kind(),
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge
    );
    let known = no_room && buffered(&mut length, fill).is_ok();
    PageError::File(AtomicError {
        action: "write",
        path: path.to_owned(),
        needed_bytes: if known { length.bytes } else { 0 },
        written_bytes,
        source,
    })
}

/// Counts the bytes that go through.
struct Counted<W> {
    writer: W,
    bytes: u64,
}

impl<W: Write> Write for Counted<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.writer.write(bytes)?;
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}

/// Stands for all that a page with these results shows but how long this run took and what it said on its way.
fn fingerprint(report: &BatchReport<'_>, head: &ReportHead, results: &[&TaskResult]) -> String {
    let mut hasher = DefaultHasher::new();
    let rows = head.tasks.iter().map(|row| ReportRow {
        seconds: None,
        peak_bytes: None,
        warnings: Vec::new(),
        ..row.clone()
    });
    let lasting = ReportHead {
        started: String::new(),
        seconds: 0.0,
        tasks: rows.collect(),
        ..head.clone()
    };
    format!("{lasting:?}").hash(&mut hasher);
    for result in results {
        result.lasting_notes.hash(&mut hasher);
        let record = result.record();
        for picture in record.iter().flat_map(|record| &record.pictures) {
            let path = below(result, Path::new(&picture.path));
            let about = std::fs::metadata(report.plan.output_dir.join(&path));
            let about = about.map(|about| (about.len(), about.modified().ok()));
            (path, about.ok()).hash(&mut hasher);
        }
    }
    format!("{:016x}", hasher.finish())
}

/// Whether the page at `path` has this fingerprint.
fn is_of(path: &Path, fingerprint: &str) -> bool {
    let mut beginning = String::new();
    let read =
        File::open(path).and_then(|file| file.take(BEGINNING).read_to_string(&mut beginning));
    // All of it is ASCII.
    read.is_ok()
        && beginning.contains(&format!(
            "<meta name=\"e2m-content\" content=\"{fingerprint}\">"
        ))
}

fn head(report: &BatchReport<'_>) -> ReportHead {
    let missing = report.missing().map(|missing| {
        let dye = missing.dye.as_deref().unwrap_or("*");
        ReportRow {
            why: Some(missing_reason(missing)),
            ..ReportRow::new(&missing.sample, dye, ReportStatus::LeftOut)
        }
    });
    let problems = problems(report).into_iter().map(|p| ReportProblem {
        task: p.task,
        what: p.what,
        // Commands stand between backticks, for the terminal.
        to_do: p.to_do.replace('`', ""),
    });
    let files = [
        ("table (CSV)", CSV_NAME),
        ("results (JSON)", JSON_NAME),
        ("log", RUN_LOG_NAME),
    ];
    let batch = &report.plan.batch_path;
    ReportHead {
        batch: batch
            .file_name()
            .unwrap_or(batch.as_os_str())
            .to_string_lossy()
            .into_owned(),
        version: format!("e2m {}", env!("CARGO_PKG_VERSION")),
        started: report.started.strftime("%Y-%m-%d %H:%M").to_string(),
        seconds: report.seconds,
        tally: tally(report),
        problems: problems.collect(),
        tasks: report.results.iter().map(row).chain(missing).collect(),
        files: files.map(|(label, path)| file(label, path.into())).into(),
        fingerprint: String::new(),
    }
}

fn verdict(verdict: Verdict) -> ReportVerdict {
    match verdict {
        Verdict::Pass => ReportVerdict::Pass,
        Verdict::Suspect => ReportVerdict::Suspect,
        Verdict::Fail => ReportVerdict::Fail,
    }
}

fn row(result: &TaskResult) -> ReportRow {
    let status = match result.ending() {
        TaskEnding::Complete => ReportStatus::Complete,
        TaskEnding::Suspect => ReportStatus::Suspect,
        TaskEnding::Failed => ReportStatus::Failed,
        TaskEnding::Interrupted => ReportStatus::Interrupted,
        TaskEnding::NotBegun | TaskEnding::Queued => ReportStatus::NotBegun,
    };
    let why = match &result.status {
        Status::Complete => None,
        Status::Suspect(why) | Status::Error(why) | Status::Incomplete(why) => Some(why.clone()),
    };
    let record = result.record();
    let record = record.as_ref();
    ReportRow {
        why,
        verdict: result.verdict.map(verdict),
        scale_verdict: result.scale_verdict.map(verdict),
        black_levels: result.post_black.zip(result.pre_black),
        channels: record.and_then(|record| record.inputs.channels()),
        raw: record.map_or_else(Vec::new, raw),
        parameters: record.map_or_else(Vec::new, parameters),
        residual_median_px: result.residual_median_px,
        residual_p90_px: result.residual_p90_px,
        correlation: result.correlation,
        overlap_fraction: result.overlap_fraction,
        scales: record.map_or_else(Vec::new, |record| scales(&record.scales)),
        microbes: record
            .and_then(|record| record.detection.as_ref())
            .map(microbes),
        seconds: result.worked().then_some(result.seconds),
        stages: record.map_or_else(Vec::new, stages),
        peak_bytes: result.peak_rss_bytes,
        plan_bytes: record.map(|record| record.memory.plan_bytes),
        files: record.map_or_else(Vec::new, |record| files(result, record)),
        warnings: warnings(result),
        ..ReportRow::new(&result.sample, &result.dye, status)
    }
}

/// What the task said on its way, and what there is to say of results that were there already.
fn warnings(result: &TaskResult) -> Vec<String> {
    let lasting = result.lasting_notes.iter();
    let unsaid = lasting.filter(|note| !result.notes.contains(note));
    result.notes.iter().chain(unsaid).cloned().collect()
}

/// What the raw files are: name, size and depth.
fn raw(record: &Manifest) -> Vec<(&'static str, String)> {
    let file = |label, input: &InputRecord| {
        let name = Path::new(&input.path).file_name();
        let name = name.map_or_else(|| input.path.clone(), |name| name.to_string_lossy().into());
        let depth = match input.dtype {
            PixelType::U8 => "8 bit",
            PixelType::U16 => "16 bit",
            PixelType::F32 => "float",
        };
        let (width, height) = (input.width, input.height);
        (label, format!("{name}: {width} x {height} px, {depth}"))
    };
    let inputs = &record.inputs;
    vec![file("Post", &inputs.post), file("Pre", &inputs.pre)]
}

/// Parameters that are not at their defaults.
fn parameters(record: &Manifest) -> Vec<(String, String)> {
    let changed = record.params.non_default(Stage::LAST);
    changed
        .map(|(param, value)| (param.name.to_owned(), value.to_string()))
        .collect()
}

fn scales(scales: &Scales) -> Vec<ReportScale> {
    let scale = |method: String, value, std_error| ReportScale {
        method,
        value,
        std_error,
    };
    let moffat = scales
        .moffat
        .as_ref()
        .map(|s| scale("Moffat".into(), s.value, Some(s.std_error)));
    let percentile = scales
        .percentile
        .map(|s| scale(format!("percentile p{}", s.percentile), s.value, None));
    let manual = scales.manual.map(|s| scale("manual".into(), s.value, None));
    [moffat, percentile, manual].into_iter().flatten().collect()
}

/// `1204 on 12.3 Mpx: 97.9 per Mpx (95 %: 88.1 to 109.0), of which 0.3 are expected to be none; …`.
fn microbes(found: &DetectionRecord) -> String {
    let DetectionRecord {
        microbes,
        section_px,
        per_megapixel,
        interval_95: [low, high],
        expected_false,
        flux_90,
        suspect,
        ..
    } = found;
    let mut text = format!(
        "{microbes} on {:.2} Mpx of section: {per_megapixel:.1} per Mpx (95 %: {low:.1} to {high:.1}), of which {expected_false:.1} are \
         expected to be none",
        *section_px as f64 * 1e-6
    );
    if let Some(flux) = flux_90 {
        text += &format!("; 90 % are found from a flux of {flux:.0} counts on");
    }
    if !suspect.is_empty() {
        text += "; the catalogue is suspect";
    }
    text
}

fn stages(record: &Manifest) -> Vec<ReportStage> {
    let stages = record.stages.iter().map(|stage| ReportStage {
        name: format!("{} {}", stage.stage, stage.stage.name()),
        seconds: stage.seconds,
        skipped: stage.skipped,
    });
    stages.collect()
}

/// Links to the results and the manifest: `difference TIFF`, `difference FITS`, `percentile_p50 TIFF`, `mask TIFF` …
fn files(result: &TaskResult, record: &Manifest) -> Vec<ReportFile> {
    let suffix = e2m_pipeline::suffix(&record.params, Stage::LAST);
    let label = |path: &Path| {
        let name = path.file_stem()?.to_str()?;
        let name = name.strip_suffix(&suffix).unwrap_or(name);
        let format = path.extension()?.to_str()?.replace("tiff", "TIFF");
        let format = format.replace("fits", "FITS");
        if name.starts_with("04_mask") {
            return Some(format!("mask {format}"));
        }
        let variant = name.strip_prefix("04_difference_difference")?;
        Some(format!(
            "difference{} {format}",
            variant.replacen('_', " ", 1)
        ))
    };
    let mut files: Vec<ReportFile> = record
        .checkpoints
        .iter()
        .filter_map(|checkpoint| {
            let path = Path::new(&checkpoint.path);
            Some(file(&label(path)?, below(result, path)))
        })
        .collect();
    files.extend(result.manifest.clone().map(|path| file("manifest", path)));
    files
}

fn file(label: &str, path: PathBuf) -> ReportFile {
    ReportFile {
        label: label.to_owned(),
        path,
    }
}

/// A file of the task as seen from output_dir.
fn below(result: &TaskResult, path: &Path) -> PathBuf {
    Path::new(&result.sample).join(&result.dye).join(path)
}

/// Reads the pictures of a task.
fn section(result: &TaskResult, output_dir: &Path) -> TaskSection {
    let Some(record) = result.record() else {
        return TaskSection::default();
    };
    let read = |picture: &PictureRecord| {
        let path = below(result, Path::new(&picture.path));
        match std::fs::read(output_dir.join(&path)) {
            Ok(bytes) => Some((path, bytes)),
            Err(error) => {
                tracing::warn!(path = %path.display(), %error, "a picture is left out of the report");
                None
            }
        }
    };
    let plots = record.pictures.iter().filter_map(|picture| {
        let kind = PictureKind::from_stem(&picture.kind)?;
        let (path, png) = read(picture)?;
        Some(ReportPicture {
            kind,
            variant: picture.variant.clone(),
            png,
            path,
        })
    });
    let preview = |kind: &str| {
        let mut pictures = record.pictures.iter();
        read(pictures.find(|picture| picture.kind == kind)?).map(|(_, bytes)| bytes)
    };
    let compared = preview("comparison_post").zip(preview("comparison_aligned_pre"));
    let close_ups = preview("close_ups_post").zip(preview("close_ups_aligned_pre"));
    TaskSection {
        row: 0,
        pictures: plots.collect(),
        comparison: compared.map(|(post, aligned)| Comparison {
            post,
            aligned,
            factor: record.alignment.as_ref().and_then(|a| a.comparison_factor),
        }),
        close_ups: close_ups.map(|(post, aligned)| Comparison {
            post,
            aligned,
            factor: None,
        }),
    }
}
