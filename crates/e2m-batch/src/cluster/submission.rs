//! What is on record of a submission, in a folder of its own.

use super::job_report::REPORTS;
use super::record_error::RecordError;
use crate::batch_file::BatchFile;
use e2m_io::{Attempt, FolderLock, LockSeeker, create_folders, write_atomic};
use e2m_pipeline::TaskSpec;
use jiff::Zoned;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Where submissions are on record, in output_dir.
const FOLDER: &str = ".e2m_slurm";
/// The layout of the record.
pub(super) const SCHEMA: u32 = 1;
const RECORD: &str = "submission.json";
const TASKS: &str = "tasks.json";
const BATCH: &str = "batch.toml";
/// Whoever submits waits for others as long as this: more than it takes to find that the lock of another machine is a dead
/// run's.
pub(super) const PATIENCE: Duration = Duration::from_secs(180);
/// Jobs have time, and nobody who would call them again.
pub(super) const PATIENCE_OF_JOBS: Duration = Duration::from_secs(3600);

/// One job array.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct ArrayRecord {
    /// Name of its script and of its list of tasks, without ending.
    pub(super) name: String,
    /// Its number, once it is submitted.
    pub(super) job: Option<u64>,
    /// The tasks, by their index in the submission; the index here is the number in the array.
    pub(super) tasks: Vec<usize>,
    /// Memory of each, bytes.
    pub(super) memory_bytes: u64,
    /// Time of each, seconds.
    pub(super) seconds: u64,
    /// Processors of each.
    pub(super) cpus: usize,
    /// How many may run at a time.
    pub(super) at_a_time: Option<usize>,
    /// Whether it is a second try, with more memory.
    pub(super) again: bool,
    /// So long before its time is up a job is warned, seconds.
    pub(super) warn_seconds: u64,
    /// The array, by its index in the record, that has to end before this one begins.
    pub(super) after: Option<usize>,
}

/// What is on record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct SubmissionRecord {
    pub(super) schema: u32,
    pub(super) version: String,
    /// The batch file.
    pub(super) batch: PathBuf,
    /// Samples and dyes asked for on the command line.
    pub(super) samples: Vec<String>,
    pub(super) dyes: Vec<String>,
    /// When it was submitted, as in `events.jsonl`.
    pub(super) submitted: Zoned,
    pub(super) arrays: Vec<ArrayRecord>,
    /// The jobs that collect, in the order of their submission.
    pub(super) collectors: Vec<u64>,
    /// Tasks that were taken off the cluster, by their index in the submission: SLURM may not list each.
    pub(super) cancelled: BTreeSet<usize>,
    /// Whether it is over: jobs that are still found to belong to it have nothing to do.
    pub(super) closed: bool,
}

/// A submission.
#[derive(Debug, Clone)]
pub(super) struct Submission {
    pub(super) folder: PathBuf,
    pub(super) record: SubmissionRecord,
}

impl SubmissionRecord {
    pub(super) fn new(batch: &Path, samples: &[String], dyes: &[String]) -> Self {
        Self {
            schema: SCHEMA,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            batch: batch.to_owned(),
            samples: samples.to_vec(),
            dyes: dyes.to_vec(),
            submitted: Zoned::now(),
            arrays: Vec::new(),
            collectors: Vec::new(),
            cancelled: BTreeSet::new(),
            closed: false,
        }
    }
}

/// Where all submissions of an output_dir are.
pub(super) fn submissions_folder(output_dir: &Path) -> PathBuf {
    output_dir.join(FOLDER)
}

/// Waits until nobody else changes what is on record, and keeps it so until the lock is dropped.
pub(super) fn alone(output_dir: &Path, patience: Duration) -> Result<FolderLock, RecordError> {
    wait_for(output_dir, ".lock", patience)
}

/// The same for the files of the batch as a whole: from looking at its tasks to the last file, so that nobody writes what
/// another has seen before. Where nothing was ever submitted, nobody else collects.
pub(super) fn alone_reporting(output_dir: &Path) -> Result<Option<FolderLock>, RecordError> {
    let used = submissions_folder(output_dir).is_dir();
    used.then(|| wait_for(output_dir, ".report_lock", PATIENCE_OF_JOBS))
        .transpose()
}

fn wait_for(output_dir: &Path, name: &str, patience: Duration) -> Result<FolderLock, RecordError> {
    let folder = submissions_folder(output_dir);
    create_folders(&folder)?;
    // One seeker all along: it finds out whether the record of another machine stands still.
    let (began, mut seeker) = (Instant::now(), LockSeeker::new(&folder.join(name)));
    loop {
        match seeker.attempt()? {
            Attempt::Held(lock) => return Ok(lock),
            Attempt::Busy(owner) if began.elapsed() > patience => {
                return Err(RecordError::Busy {
                    path: folder,
                    owner: owner.to_string(),
                });
            }
            Attempt::Busy(_) => std::thread::sleep(Duration::from_millis(200)),
        }
    }
}

/// All submissions of an output_dir, the oldest first, and why others cannot be read.
pub(super) fn all(output_dir: &Path) -> (Vec<Submission>, Vec<RecordError>) {
    let entries = std::fs::read_dir(submissions_folder(output_dir))
        .into_iter()
        .flatten();
    let mut folders: Vec<PathBuf> = entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.join(RECORD).is_file())
        .collect();
    folders.sort();
    let mut found = (Vec::new(), Vec::new());
    for folder in folders {
        match Submission::read(&folder) {
            Ok(submission) => found.0.push(submission),
            Err(error) => found.1.push(error),
        }
    }
    found
}

impl Submission {
    /// A folder for a new one; nothing is written yet.
    pub(super) fn new(output_dir: &Path, record: SubmissionRecord) -> Self {
        let stamp = record.submitted.strftime("%Y%m%dT%H%M%S").to_string();
        let names = std::iter::once(stamp.clone()).chain((2..).map(|n| format!("{stamp}-{n}")));
        let mut folders = names.map(|name| submissions_folder(output_dir).join(name));
        let free = folders.find(|folder| !folder.exists());
        Self {
            folder: free.unwrap_or_else(|| submissions_folder(output_dir).join(stamp)),
            record,
        }
    }

    /// Whether a file was written after the submission was made; `false` where nobody knows.
    ///
    /// The time of the file is compared with that of the list of tasks, which is written once, before any job can start. Both
    /// times were set by the same file server. The clocks of the machines that submit, run and collect may differ from it and
    /// from each other.
    pub(super) fn is_older_than(&self, path: &Path) -> bool {
        let written = |path: &Path| std::fs::metadata(path).and_then(|about| about.modified());
        match (written(&self.folder.join(TASKS)), written(path)) {
            (Ok(submitted), Ok(file)) => file > submitted,
            _ => false,
        }
    }

    /// Reads one.
    pub(super) fn read(folder: &Path) -> Result<Self, RecordError> {
        Ok(Self {
            folder: folder.to_owned(),
            record: read_json(&folder.join(RECORD))?,
        })
    }

    /// Makes its folders and writes what does not change: the batch file as it is now, and the tasks.
    pub(super) fn begin(&self, batch: &str, tasks: &[TaskSpec]) -> Result<(), RecordError> {
        for below in ["logs", REPORTS, "starts"] {
            create_folders(&self.folder.join(below))?;
        }
        write_atomic(&self.folder.join(BATCH), batch.as_bytes())?;
        self.write_json(TASKS, &tasks)?;
        self.write()
    }

    /// Writes what is on record.
    pub(super) fn write(&self) -> Result<(), RecordError> {
        self.write_json(RECORD, &self.record)
    }

    /// Writes a file of the submission.
    pub(super) fn write_json(
        &self,
        name: &str,
        content: &impl Serialize,
    ) -> Result<(), RecordError> {
        write_json(&self.folder.join(name), content)
    }

    /// The batch file as it was, with folders as seen from where it lies.
    pub(super) fn batch(&self) -> Result<BatchFile, RecordError> {
        let path = self.folder.join(BATCH);
        let text = std::fs::read_to_string(&path).map_err(|source| RecordError::Read {
            path: path.clone(),
            source,
        })?;
        BatchFile::parse(&self.record.batch, &text).map_err(|_| RecordError::Batch { path })
    }

    /// The tasks.
    pub(super) fn tasks(&self) -> Result<Vec<TaskSpec>, RecordError> {
        read_json(&self.folder.join(TASKS))
    }

    /// Every job of it.
    pub(super) fn jobs(&self) -> Vec<u64> {
        let arrays = self.record.arrays.iter().filter_map(|array| array.job);
        arrays
            .chain(self.record.collectors.iter().copied())
            .collect()
    }

    /// The array that a task is in now, and its number there; the last where it was tried again.
    pub(super) fn array_of(&self, task: usize) -> Option<(&ArrayRecord, usize)> {
        self.record.arrays.iter().rev().find_map(|array| {
            let number = array.tasks.iter().position(|one| *one == task)?;
            array.job.map(|_| (array, number))
        })
    }

    /// The job of a task, as `12_3`.
    pub(super) fn job_of(&self, task: usize) -> Option<String> {
        let (array, number) = self.array_of(task)?;
        Some(format!("{}_{number}", array.job?))
    }

    /// Where a job writes what it says.
    pub(super) fn log_of(&self, job: &str) -> PathBuf {
        self.folder.join("logs").join(format!("{job}.log"))
    }

    /// Whether a job, as `12_3`, is one of its own.
    pub(super) fn owns(&self, job: &str) -> bool {
        let array = job.split('_').next().and_then(|text| text.parse().ok());
        self.record
            .arrays
            .iter()
            .any(|one| one.job.is_some() && one.job == array)
    }

    /// A path as text, for scripts.
    pub(super) fn text(path: &Path) -> Result<&str, RecordError> {
        let text = path.to_str().filter(|text| !text.contains(['\n', '\r']));
        text.ok_or_else(|| RecordError::NotText {
            path: path.to_owned(),
        })
    }
}

/// Reads a file of JSON that has a layout number, or none.
pub(super) fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T, RecordError> {
    #[derive(Deserialize)]
    struct Layout {
        schema: u32,
    }
    let text = std::fs::read_to_string(path).map_err(|source| RecordError::Read {
        path: path.to_owned(),
        source,
    })?;
    if let Ok(Layout { schema }) = serde_json::from_str::<Layout>(&text)
        && schema != SCHEMA
    {
        return Err(RecordError::Schema {
            path: path.to_owned(),
            found: schema,
        });
    }
    serde_json::from_str(&text).map_err(|source| RecordError::Content {
        path: path.to_owned(),
        source,
    })
}

/// Writes a file of JSON in one step.
pub(super) fn write_json(path: &Path, content: &impl Serialize) -> Result<(), RecordError> {
    let text = serde_json::to_string_pretty(content).map_err(|source| RecordError::Content {
        path: path.to_owned(),
        source,
    })?;
    Ok(write_atomic(path, format!("{text}\n").as_bytes())?)
}

/// Whether two are about the same pair, with whatever parameters.
pub(super) fn is_same(one: &TaskSpec, other: &TaskSpec) -> bool {
    (&one.sample, &one.dye) == (&other.sample, &other.dye)
}

/// The list of an array's tasks: what its jobs read.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct TaskList {
    pub(super) schema: u32,
    pub(super) version: String,
    /// By number in the array.
    pub(super) tasks: Vec<ListedTask>,
}

/// A task of an array.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct ListedTask {
    /// Its index in the submission.
    pub(super) index: usize,
    pub(super) task: TaskSpec,
}

impl TaskList {
    pub(super) fn of(array: &ArrayRecord, tasks: &[TaskSpec]) -> Self {
        let listed = |index: &usize| {
            Some(ListedTask {
                index: *index,
                task: tasks.get(*index)?.clone(),
            })
        };
        Self {
            schema: SCHEMA,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            tasks: array.tasks.iter().filter_map(listed).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn array(name: &str, job: Option<u64>, tasks: &[usize]) -> ArrayRecord {
        ArrayRecord {
            name: name.into(),
            job,
            tasks: tasks.to_vec(),
            memory_bytes: 1,
            seconds: 1,
            cpus: 1,
            at_a_time: None,
            again: false,
            warn_seconds: 1,
            after: None,
        }
    }

    #[test]
    fn a_record_is_read_as_it_was_written_and_the_last_try_counts() {
        let folder = tempfile::tempdir().expect("folder");
        let mut record = SubmissionRecord::new(Path::new("/b/batch.toml"), &[], &["DAPI".into()]);
        record.arrays = vec![
            array("array-1", Some(12), &[4, 0, 2]),
            array("array-1-again", Some(15), &[2]),
            array("array-2-again", None, &[0]),
        ];
        record.collectors = vec![13, 16];
        let submission = Submission::new(folder.path(), record);
        submission.begin("raw_dir = \"raw\"", &[]).expect("writes");
        let (found, errors) = all(folder.path());
        assert!(errors.is_empty(), "{errors:?}");
        assert_eq!(found[0].record, submission.record);
        assert_eq!(found[0].job_of(2).as_deref(), Some("15_0"));
        // The last was not submitted.
        assert_eq!(found[0].job_of(0).as_deref(), Some("12_1"));
        assert_eq!(found[0].job_of(1), None);
        assert_eq!(found[0].jobs(), [12, 15, 13, 16]);
        let next = Submission::new(folder.path(), submission.record.clone());
        assert_ne!(next.folder, submission.folder);
    }

    /// The machine that submits has a clock of its own; only the times of the server's files are compared.
    #[test]
    fn a_clock_that_is_wrong_by_an_hour_changes_nothing() {
        let folder = tempfile::tempdir().expect("folder");
        let file = |name: &str| {
            let path = folder.path().join(name);
            write_atomic(&path, b"{}").expect("writes");
            // File systems keep times in steps.
            std::thread::sleep(Duration::from_millis(50));
            path
        };
        for hours in [-1, 1] {
            let before = file("before.json");
            let mut record = SubmissionRecord::new(Path::new("/b/batch.toml"), &[], &[]);
            record.submitted = &record.submitted + jiff::Span::new().hours(hours);
            let submission = Submission::new(folder.path(), record);
            submission.begin("raw_dir = \"raw\"", &[]).expect("writes");
            std::thread::sleep(Duration::from_millis(50));
            // The record is written again with every change; the list of tasks is not.
            submission.write().expect("writes");
            let after = file("after.json");
            assert!(submission.is_older_than(&after), "{hours} h");
            assert!(!submission.is_older_than(&before), "{hours} h");
            assert!(!submission.is_older_than(&folder.path().join("none.json")));
        }
    }

    #[test]
    fn a_record_of_another_layout_is_named() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join(FOLDER).join("x").join(RECORD);
        create_folders(path.parent().expect("a folder")).expect("makes");
        write_atomic(&path, br#"{"schema": 7}"#).expect("writes");
        let (found, errors) = all(folder.path());
        assert!(found.is_empty());
        assert!(
            errors[0].to_string().contains("layout 7 instead of 1"),
            "{}",
            errors[0]
        );
    }
}
