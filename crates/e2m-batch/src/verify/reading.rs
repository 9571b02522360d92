//! Reads the files of all tasks, several at a time.

use super::outcome::{Outcome, TaskOutcome};
use super::subject::Subject;
use crate::machine;
use crate::terminal::{Reading, Terminal};
use e2m_pipeline::{Finding, Inventory, RecordedFile, RecordedTask};
use e2m_schedule::Interrupt;
use rayon::ThreadPoolBuilder;
use rayon::prelude::*;
use std::ops::ControlFlow;
use std::time::Instant;

/// A file that has been read, and what was found.
type FileRead = Option<Vec<Finding>>;

/// Verifies every file of every task.
pub(super) fn read(subject: &Subject, interrupt: &Interrupt, terminal: &Terminal) -> Outcome {
    let began = Instant::now();
    let work = || read_all(subject, interrupt, terminal);
    let threads = machine::detect().cpus();
    let tasks = match ThreadPoolBuilder::new().num_threads(threads).build() {
        Ok(pool) => pool.install(work),
        Err(_) => work(),
    };
    Outcome {
        tasks,
        seconds: began.elapsed().as_secs_f64(),
    }
}

fn read_all(subject: &Subject, interrupt: &Interrupt, terminal: &Terminal) -> Vec<TaskOutcome> {
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
    let progress = terminal.reading(files.iter().map(|(.., file)| file.bytes).sum());
    let read: Vec<FileRead> = files
        .par_iter()
        .with_max_len(1)
        .map(|(_, inventory, file)| read_one(inventory, file, interrupt, &progress))
        .collect();
    drop(progress);
    let mut outcomes: Vec<TaskOutcome> = inventories.iter().map(TaskOutcome::begun).collect();
    for ((task, _, file), read) in files.iter().zip(read) {
        outcomes[*task].add(file, read);
    }
    outcomes
}

/// What is wrong with a file; `None` where it was not read to its end.
fn read_one(
    inventory: &Inventory,
    file: &RecordedFile,
    interrupt: &Interrupt,
    progress: &Reading,
) -> FileRead {
    if interrupt.is_raised() {
        return None;
    }
    let watch = |bytes| {
        progress.add(bytes);
        if interrupt.is_raised() {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    };
    // There is no other error than that it was to stop.
    inventory.verify(file, &watch).ok()
}
