//! Reads the files of all tasks, several at a time.

use super::exports::{self, ExportToRead};
use super::outcome::{VerifiedBatch, VerifiedTask};
use super::subject::VerifySubject;
use crate::environment::Environment;
use e2m_pipeline::{FileKind, Finding, Inventory, RecordedFile, RecordedTask};
use e2m_schedule::Interrupt;
use rayon::ThreadPoolBuilder;
use rayon::prelude::*;
use std::ops::ControlFlow;
use std::time::Instant;

/// A file that has been read, and what was found.
type FileRead = Option<Vec<Finding>>;

/// How far reading is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReadProgress {
    /// Bytes read since the last time; none when it begins.
    pub more_bytes: u64,
    /// Bytes to be read in all.
    pub of_bytes: u64,
}

/// Called with how far reading is, from any thread.
type Progress<'a> = dyn Fn(ReadProgress) + Sync + 'a;

/// Verifies every file of every task. Once `interrupt` is raised no further file is read.
pub fn verify(
    subject: &VerifySubject,
    environment: &Environment,
    interrupt: &Interrupt,
    progress: &Progress<'_>,
) -> VerifiedBatch {
    let began = Instant::now();
    let work = || read_all(subject, interrupt, progress);
    let threads = environment.machine().cpus();
    let tasks = match ThreadPoolBuilder::new().num_threads(threads).build() {
        Ok(pool) => pool.install(work),
        Err(_) => work(),
    };
    VerifiedBatch {
        tasks,
        seconds: began.elapsed().as_secs_f64(),
    }
}

fn read_all(
    subject: &VerifySubject,
    interrupt: &Interrupt,
    progress: &Progress<'_>,
) -> Vec<VerifiedTask> {
    let list = |task: &RecordedTask| Inventory::of(task).map_err(|error| error.to_string());
    let inventories: Vec<Result<Inventory, String>> = subject.tasks.par_iter().map(list).collect();
    let files: Vec<(usize, &Inventory, &RecordedFile)> = inventories
        .iter()
        .enumerate()
        .filter_map(|(task, inventory)| Some((task, inventory.as_ref().ok()?)))
        .flat_map(|(task, inventory)| {
            let files = inventory.files().iter();
            files.map(move |file| (task, inventory, file))
        })
        .collect();
    let exports: Vec<(Vec<ExportToRead>, Vec<Finding>)> =
        subject.tasks.par_iter().map(exports::list).collect();
    let of_exports = exports.iter().flat_map(|(there, _)| there);
    let of_bytes = files.iter().map(|(.., file)| file.bytes).sum::<u64>()
        + of_exports.map(ExportToRead::bytes).sum::<u64>();
    let read_more = |more_bytes| {
        progress(ReadProgress {
            more_bytes,
            of_bytes,
        });
    };
    read_more(0);
    let read: Vec<FileRead> = files
        .par_iter()
        .with_max_len(1)
        .map(|(_, inventory, file)| read_one(inventory, file, interrupt, &read_more))
        .collect();
    let mut outcomes: Vec<VerifiedTask> = inventories.iter().map(VerifiedTask::begun).collect();
    for ((task, _, file), read) in files.iter().zip(read) {
        outcomes[*task].add((file.kind, file.bytes), read);
    }
    for ((there, findings), outcome) in exports.into_iter().zip(&mut outcomes) {
        outcome.add_exports(there.len(), findings);
        let read: Vec<(u64, FileRead)> = there
            .par_iter()
            .with_max_len(1)
            .map(|export| (export.bytes(), read_export(export, interrupt, &read_more)))
            .collect();
        for (bytes, read) in read {
            outcome.add((FileKind::Export, bytes), read);
        }
    }
    outcomes
}

/// What is wrong with an export; `None` where it was not read to its end.
fn read_export(
    export: &ExportToRead,
    interrupt: &Interrupt,
    read_more: &(dyn Fn(u64) + Sync),
) -> FileRead {
    if interrupt.is_raised() {
        return None;
    }
    export.read(&mut |bytes| {
        read_more(bytes);
        match interrupt.is_raised() {
            true => Err(std::io::ErrorKind::Interrupted.into()),
            false => Ok(()),
        }
    })
}

/// What is wrong with a file; `None` where it was not read to its end.
fn read_one(
    inventory: &Inventory,
    file: &RecordedFile,
    interrupt: &Interrupt,
    read_more: &(dyn Fn(u64) + Sync),
) -> FileRead {
    if interrupt.is_raised() {
        return None;
    }
    let watch = |bytes| {
        read_more(bytes);
        if interrupt.is_raised() {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    };
    // There is no other error than that it was to stop.
    inventory.verify(file, &watch).ok()
}
