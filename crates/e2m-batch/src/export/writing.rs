//! Writes the files, one task after another; tiles of a file are compressed with all processors.

use super::outcome::{Exported, ExportedBatch, ExportedTask};
use super::prepared::{Prepared, Refused, prepare};
use super::room;
use super::subject::{ExportSubject, ExportTask};
use crate::environment::Environment;
use crate::export_record::{ExportRecords, content_of};
use e2m_export::{ExportError, write_ome_tiff, write_ome_zarr};
use e2m_image::BandSource;
use e2m_io::{
    CheckpointReader, ContentHash, TaskPaths, VouchedReader, create_folders, is_locked,
    lock_folder, remove_stale_temporaries,
};
use e2m_pipeline::{ResultFile, Status};
use e2m_schedule::Interrupt;
use rayon::ThreadPoolBuilder;
use std::ops::ControlFlow;
use std::path::Path;
use std::time::Instant;

/// How far it is.
#[derive(Debug)]
pub enum ExportProgress<'a> {
    /// Bytes of pixels that were read since the last time (none when it begins), and that will be read in all.
    Read {
        /// Since the last time.
        more_bytes: u64,
        /// In all.
        of_bytes: u64,
    },
    /// A task has been done, one way or the other.
    Done(&'a ExportedTask),
}

/// Called with how far it is, on the thread that exports.
type Progress<'a> = dyn FnMut(ExportProgress<'_>) + Send + 'a;

/// Why a task has no file.
enum NoFile {
    Interrupted,
    Because(String),
}

/// Exports every task. Once `interrupt` is raised, the file at hand is given up and no other begun.
pub fn export(
    subject: &ExportSubject,
    environment: &Environment,
    interrupt: &Interrupt,
    progress: &mut Progress<'_>,
) -> ExportedBatch {
    let began = Instant::now();
    let threads = environment.machine().cpus();
    let mut work = || export_all(subject, interrupt, progress);
    let tasks = match ThreadPoolBuilder::new().num_threads(threads).build() {
        Ok(pool) => pool.install(work),
        Err(_) => work(),
    };
    ExportedBatch {
        tasks,
        seconds: began.elapsed().as_secs_f64(),
    }
}

fn export_all(
    subject: &ExportSubject,
    interrupt: &Interrupt,
    progress: &mut Progress<'_>,
) -> Vec<ExportedTask> {
    let prepared: Vec<_> = subject
        .tasks
        .iter()
        .map(|task| (task, prepare(task, subject)))
        .collect();
    let ready = prepared.iter().filter_map(|(_, ready)| ready.as_ref().ok());
    let of_bytes: u64 = ready.map(Prepared::bytes_to_read).sum();
    // What a killed export left half-written.
    if let Err(error) = remove_stale_temporaries(&subject.out) {
        tracing::warn!(%error, folder = %subject.out.display(), "half-written files may be left");
    }
    let mut tasks = Vec::new();
    for (task, prepared) in prepared {
        if interrupt.is_raised() {
            break;
        }
        let mut on_bytes = |more_bytes| {
            progress(ExportProgress::Read {
                more_bytes,
                of_bytes,
            });
        };
        on_bytes(0);
        let Some(done) = export_one(task, prepared, interrupt, &mut on_bytes) else {
            break;
        };
        progress(ExportProgress::Done(&done));
        tasks.push(done);
    }
    tasks
}

/// Writes the file of one task; `None` where it was stopped.
fn export_one(
    task: &ExportTask,
    prepared: Result<Prepared, Refused>,
    interrupt: &Interrupt,
    on_bytes: &mut dyn FnMut(u64),
) -> Option<ExportedTask> {
    let name = format!("{}/{}", task.sample, task.dye);
    let ended = |status: Option<Status>, result, notes| ExportedTask {
        name: name.clone(),
        status,
        result,
        notes,
    };
    let mut prepared = match prepared {
        Ok(prepared) => prepared,
        Err(Refused { status, why }) => return Some(ended(status, Err(why), Vec::new())),
    };
    let result = match write(task, &mut prepared, interrupt, on_bytes) {
        Ok(exported) => Ok(exported),
        Err(NoFile::Interrupted) => return None,
        Err(NoFile::Because(why)) => Err(why),
    };
    Some(ended(Some(prepared.status), result, prepared.notes))
}

fn write(
    task: &ExportTask,
    prepared: &mut Prepared,
    interrupt: &Interrupt,
    on_bytes: &mut dyn FnMut(u64),
) -> Result<Exported, NoFile> {
    let paths = TaskPaths::new(&task.output_dir, &task.sample, &task.dye);
    let paths = paths.map_err(|error| NoFile::Because(error.to_string()))?;
    let was_there = prepared.is_up_to_date;
    let content = match (was_there, prepared.is_on_record) {
        (true, true) => recorded(task, prepared, &paths),
        // Of a version that kept no record, or the record was lost.
        (true, false) => content_of(&prepared.path, prepared.format, &mut |_| Ok(())).ok(),
        (false, _) => Some(write_anew(prepared, &paths, interrupt, on_bytes)?),
    };
    if let (Some(content), false) = (content, prepared.is_on_record)
        && let Err(why) = put_on_record(task, prepared, &paths, content)
    {
        let note = format!("it is not on record, and `e2m verify` does not know of it: {why}");
        prepared.notes.push(note);
    }
    let mut images: Vec<_> = prepared.files.iter().map(|channel| channel.image).collect();
    images.dedup();
    Ok(Exported {
        path: prepared.path.clone(),
        bytes: content.map_or(0, |(bytes, _)| bytes),
        images,
        was_there,
    })
}

/// What is on record of an export that is there.
fn recorded(
    task: &ExportTask,
    prepared: &Prepared,
    paths: &TaskPaths,
) -> Option<(u64, ContentHash)> {
    let records = ExportRecords::read(paths).ok()?;
    let record = records.of(&task.output_dir, &prepared.path)?;
    Some((record.bytes, record.hash))
}

/// Puts an export on record, under the lock of the task's folder.
fn put_on_record(
    task: &ExportTask,
    prepared: &Prepared,
    paths: &TaskPaths,
    content: (u64, ContentHash),
) -> Result<(), String> {
    let lock = lock_folder(&paths.lock_path()).map_err(|error| error.to_string())?;
    let Some(_lock) = lock else {
        return Err("a run works on the task; export it again once that has ended".to_owned());
    };
    let mut records = ExportRecords::read(paths)?;
    records.note(&task.output_dir, prepared.record(task, content));
    records.write(paths)
}

/// Writes the file, or folder, and answers with its length and hash.
fn write_anew(
    prepared: &Prepared,
    paths: &TaskPaths,
    interrupt: &Interrupt,
    on_bytes: &mut dyn FnMut(u64),
) -> Result<(u64, ContentHash), NoFile> {
    let because = |error: &dyn std::fmt::Display| NoFile::Because(error.to_string());
    if is_locked(&paths.lock_path()) {
        let why = "a run is working on it just now; export it once that has ended";
        return Err(NoFile::Because(why.to_owned()));
    }
    let path = &prepared.path;
    room::check(path, &prepared.image, &prepared.files).map_err(NoFile::Because)?;
    let files = prepared.files.iter();
    let mut sources: Vec<Box<dyn BandSource>> = files
        .map(|channel| open(&channel.file).map_err(|error| because(&error)))
        .collect::<Result<_, _>>()?;
    let mut sources: Vec<&mut dyn BandSource> = sources
        .iter_mut()
        .map(|source| source.as_mut() as &mut dyn BandSource)
        .collect();
    create_folders(path.parent().unwrap_or(Path::new("."))).map_err(|error| because(&error))?;
    let mut on_pixels = |pixels| {
        on_bytes(4 * pixels);
        match interrupt.is_raised() {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    };
    let image = &prepared.image;
    let written = match prepared.format.zarr_version() {
        None => write_ome_tiff(path, image, &mut sources, &mut on_pixels)
            .map(|written| (written.bytes, written.hash)),
        Some(version) => write_ome_zarr(path, version, image, &mut sources, &mut on_pixels)
            .map(|written| (written.bytes, written.hash)),
    };
    written.map_err(|error| match error {
        ExportError::Interrupted { .. } => NoFile::Interrupted,
        error => because(&error),
    })
}

/// The pixels of a file, held against the record on the way.
fn open(file: &ResultFile) -> Result<Box<dyn BandSource>, e2m_io::CheckpointError> {
    let reader = CheckpointReader::open(&file.path)?;
    Ok(match file.hash {
        Some(hash) => Box::new(VouchedReader::new(reader, hash)),
        None => Box::new(reader),
    })
}
