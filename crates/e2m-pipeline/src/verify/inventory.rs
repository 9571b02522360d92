//! Which files of a task are on record, and which are there besides.

use super::checkpoint::{self, OnRecord};
use super::finding::{Fault, FileKind, Finding, Severity};
use super::records::{self, ReadManifest};
use super::watched::ReadWatch;
use super::{picture, raw};
use crate::artifact::{ArtifactKind, all_artifacts, pixels_of};
use crate::error::PipelineError;
use crate::history::relative_path;
use crate::manifest::{InputRecord, LegacyRecord, Manifest, TableRecord};
use crate::params::Params;
use crate::stage::Stage;
use crate::task::TaskSpec;
use e2m_io::{
    CheckpointFormat, CheckpointReader, ContentHash, FileIdentity, TaskPaths, is_locked,
    is_temporary,
};
use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::path::{Component, Path, PathBuf};

/// A task of which there may be something on record.
#[derive(Debug, Clone, PartialEq)]
pub struct RecordedTask {
    /// The sample.
    pub sample: String,
    /// The dye.
    pub dye: String,
    /// Where results are.
    pub output_dir: PathBuf,
    /// The raw images, post and pre, where both are known now; otherwise those on record are looked for.
    pub raw: Option<[PathBuf; 2]>,
    /// The parameters of the batch; `None` where the batch has no such task.
    pub params: Option<Params>,
}

impl From<&TaskSpec> for RecordedTask {
    fn from(spec: &TaskSpec) -> Self {
        Self {
            sample: spec.sample.clone(),
            dye: spec.dye.clone(),
            output_dir: spec.output_dir.clone(),
            raw: Some([spec.post.clone(), spec.pre.clone()]),
            params: Some(spec.params.clone()),
        }
    }
}

/// A file on record that is there, to be read.
#[derive(Debug, Clone)]
pub struct RecordedFile {
    /// Where it is.
    pub path: PathBuf,
    /// What it is.
    pub kind: FileKind,
    /// Its length.
    pub bytes: u64,
    what: What,
}

/// How a file is compared. Numbers are places in [`Inventory::records`].
#[derive(Debug, Clone)]
enum What {
    /// The checkpoint of this name below the task's folder.
    Checkpoint(String),
    Legacy(LegacyRecord, usize),
    Raw(Stain),
    Picture(usize),
    Table(TableRecord, usize),
}

/// Which raw image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stain {
    Post,
    Pre,
}

impl Stain {
    fn of(self, manifest: &Manifest) -> &InputRecord {
        match self {
            Self::Post => &manifest.inputs.post,
            Self::Pre => &manifest.inputs.pre,
        }
    }

    const fn other(self) -> (Self, &'static str) {
        match self {
            Self::Post => (Self::Pre, "the pre image"),
            Self::Pre => (Self::Post, "the post image"),
        }
    }
}

/// The files of a task that are on record.
#[derive(Debug)]
pub struct Inventory {
    dir: PathBuf,
    records: Vec<ReadManifest>,
    files: Vec<RecordedFile>,
    findings: Vec<Finding>,
}

impl Inventory {
    /// Reads the manifests and lists the folders of a task.
    ///
    /// # Errors
    /// Names that are none. Whatever the file system refuses is a [`Finding`].
    pub fn of(task: &RecordedTask) -> Result<Self, PipelineError> {
        let paths = TaskPaths::new(&task.output_dir, &task.sample, &task.dye)?;
        let (records, findings) = records::read(paths.dir(), task);
        let mut inventory = Self {
            dir: paths.dir().to_owned(),
            records,
            files: Vec::new(),
            findings,
        };
        let on_record = inventory.list_outputs();
        inventory.list_raw(task.raw.as_ref());
        inventory.look_for_others(&paths, &on_record);
        Ok(inventory)
    }

    /// The folder of the task.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// How many manifests can be read.
    pub fn records(&self) -> usize {
        self.records.len()
    }

    /// The files to be read.
    pub fn files(&self) -> &[RecordedFile] {
        &self.files
    }

    /// What was found without reading them.
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// How many files of a kind are on record.
    pub fn on_record(&self, kind: FileKind) -> usize {
        let there = self.files.iter().filter(|file| file.kind == kind).count();
        let missing = self
            .findings
            .iter()
            .filter(|finding| finding.kind == kind && finding.fault.severity() != Severity::Remark);
        there + missing.count()
    }

    /// Checkpoints, images of the Python program, pictures and tables; answers with the paths on record.
    fn list_outputs(&mut self) -> BTreeSet<String> {
        let mut seen = BTreeSet::new();
        for index in 0..self.records.len() {
            let manifest = &self.records[index].manifest;
            let checkpoints = manifest.checkpoints.iter().map(|checkpoint| {
                let what = What::Checkpoint(checkpoint.path.clone());
                (checkpoint.path.clone(), FileKind::Checkpoint, what)
            });
            let legacy = manifest.legacy_aligned.iter().map(|legacy| {
                let what = What::Legacy(legacy.clone(), index);
                (legacy.path.clone(), FileKind::Checkpoint, what)
            });
            let pictures = manifest.pictures.iter().map(|picture| {
                (
                    picture.path.clone(),
                    FileKind::Picture,
                    What::Picture(index),
                )
            });
            let tables = manifest.tables.iter().map(|table| {
                let what = What::Table(table.clone(), index);
                (table.path.clone(), FileKind::Table, what)
            });
            let all = checkpoints.chain(legacy).chain(pictures).chain(tables);
            let all: Vec<_> = all.collect();
            for (relative, kind, what) in all {
                if seen.insert(relative.clone()) {
                    self.list_output(&relative, (kind, what), index);
                }
            }
        }
        seen
    }

    fn list_output(&mut self, relative: &str, (kind, what): (FileKind, What), index: usize) {
        let inside = Path::new(relative)
            .components()
            .all(|part| matches!(part, Component::Normal(_)));
        if inside {
            let path = self.dir.join(relative);
            self.list(path, (kind, what), index);
        } else {
            let fault =
                Fault::Unreadable(format!("it names a file outside its folder: {relative}"));
            let record = &self.records[index];
            let finding = finding((&record.path, FileKind::Record), fault, record);
            self.findings.push(finding);
        }
    }

    /// The raw images that are there now, or else those that manifests name.
    fn list_raw(&mut self, raw: Option<&[PathBuf; 2]>) {
        for (place, stain) in [Stain::Post, Stain::Pre].into_iter().enumerate() {
            let mut seen = BTreeSet::new();
            for index in 0..self.records.len() {
                let recorded = PathBuf::from(&stain.of(&self.records[index].manifest).path);
                let path = raw.map_or(recorded, |raw| raw[place].clone());
                if seen.insert(path.clone()) {
                    self.list(path, (FileKind::Raw, What::Raw(stain)), index);
                }
            }
        }
    }

    /// Adds a file to those to be read if it is there.
    fn list(&mut self, path: PathBuf, (kind, what): (FileKind, What), index: usize) {
        let fault = match std::fs::metadata(&path) {
            Ok(metadata) if metadata.is_file() => {
                let bytes = metadata.len();
                self.files.push(RecordedFile {
                    path,
                    kind,
                    bytes,
                    what,
                });
                return;
            }
            Ok(_) => Fault::Unreadable("it is no file".to_owned()),
            Err(error) if error.kind() == ErrorKind::NotFound => Fault::Missing,
            Err(error) => Fault::Unreadable(error.to_string()),
        };
        let finding = finding((&path, kind), fault, &self.records[index]);
        self.findings.push(finding);
    }

    /// Files that look like results and are on no record, and what is half-written.
    fn look_for_others(&mut self, paths: &TaskPaths, on_record: &BTreeSet<String>) {
        let formats = [CheckpointFormat::Tiff, CheckpointFormat::Fits];
        let is_worked_on = is_locked(&paths.lock_path());
        // A record that cannot be read may vouch for any of them; it is named already.
        let is_record = |finding: &Finding| finding.kind == FileKind::Record;
        let is_damaged =
            |finding: &Finding| is_record(finding) && finding.fault.severity() == Severity::Damaged;
        let is_damaged = self.findings.iter().any(is_damaged);
        let unrecorded = |by_e2m: bool| match by_e2m {
            true if is_worked_on => Fault::BeingMade,
            true if is_damaged => Fault::OfUnreadableRecord,
            _ => Fault::NotOnRecord { by_e2m },
        };
        // Of pictures and tables only names tell whose they are. The Python program gave the same names.
        let of_records: BTreeSet<String> = self
            .records
            .iter()
            .flat_map(|record| plots_of(paths, &record.manifest.params))
            .collect();
        for dir in paths.all_dirs() {
            let format = formats
                .iter()
                .find(|&&format| paths.format_dir(format) == dir);
            for path in files_in(&dir) {
                let name = records::name(&path);
                let fault = if is_temporary(&name) {
                    Fault::Temporary
                } else if let Some(format) = format
                    && is_checkpoint_name(&name, *format)
                    && !on_record.contains(&format!("{}/{name}", format.folder()))
                {
                    let by_e2m = CheckpointReader::open_as(&path, pixels_of(&name))
                        .is_ok_and(|reader| reader.facts().get_text("VERSION").is_some());
                    unrecorded(by_e2m)
                } else if dir == paths.plots_dir()
                    && let relative = relative_path(paths.dir(), &path)
                    && of_records.contains(&relative)
                    && !on_record.contains(&relative)
                {
                    unrecorded(true)
                } else {
                    continue;
                };
                self.findings.push(Finding {
                    path,
                    kind: FileKind::Other,
                    fault,
                    looks_untouched: false,
                    of_other_parameters: None,
                });
            }
        }
    }

    /// Reads a file from beginning to end and compares it with what is on record of it.
    ///
    /// # Errors
    /// [`PipelineError::Interrupted`] as soon as `watch` says so. Whatever is wrong with the file is a [`Finding`].
    pub fn verify(
        &self,
        file: &RecordedFile,
        watch: ReadWatch<'_>,
    ) -> Result<Vec<Finding>, PipelineError> {
        match &file.what {
            What::Checkpoint(relative) => self.verify_checkpoint(file, relative, watch),
            What::Legacy(legacy, index) => self.verify_legacy(file, (legacy, *index), watch),
            What::Raw(stain) => self.verify_raw(file, *stain, watch),
            What::Picture(index) => {
                let fault = picture::verify(&file.path, watch)?;
                let record = &self.records[*index];
                let fault = fault.map(|fault| Finding {
                    // A run only asks whether there is a file.
                    looks_untouched: true,
                    ..finding((&file.path, file.kind), fault, record)
                });
                Ok(fault.into_iter().collect())
            }
            What::Table(table, index) => self.verify_table(file, (table, *index), watch),
        }
    }

    /// What is on record of a checkpoint in each manifest, that of the batch first.
    fn all_on_record(&self, relative: &str) -> Vec<OnRecord<'_>> {
        let records = self.records.iter();
        records
            .filter_map(|record| {
                let mut checkpoints = record.manifest.checkpoints.iter();
                Some((record, checkpoints.find(|c| c.path == relative)?))
            })
            .collect()
    }

    fn verify_checkpoint(
        &self,
        file: &RecordedFile,
        relative: &str,
        watch: ReadWatch<'_>,
    ) -> Result<Vec<Finding>, PipelineError> {
        let recorded = self.all_on_record(relative);
        let Some(&first) = recorded.first() else {
            return Ok(Vec::new());
        };
        let known = |hash: ContentHash| {
            let all = self.records.iter().flat_map(|r| &r.manifest.checkpoints);
            let other = |c: &&crate::CheckpointRecord| c.hash == hash && c.path != relative;
            all.into_iter().find(other).map(|c| c.path.clone())
        };
        let outcome = checkpoint::verify(&file.path, &recorded, first, &known, watch)?;
        let (record, checkpoint) = outcome.judge;
        let wrong = outcome.fault.map(|fault| Finding {
            looks_untouched: FileIdentity::of(&file.path)
                .is_ok_and(|now| now == checkpoint.identity()),
            ..finding((&file.path, file.kind), fault, record)
        });
        let superseded = outcome.superseded.into_iter();
        let superseded = superseded.map(|record| superseded_by(record, relative));
        Ok(wrong.into_iter().chain(superseded).collect())
    }

    fn verify_legacy(
        &self,
        file: &RecordedFile,
        (legacy, index): (&LegacyRecord, usize),
        watch: ReadWatch<'_>,
    ) -> Result<Vec<Finding>, PipelineError> {
        let fault = if file.bytes == legacy.bytes {
            match checkpoint::read(&file.path, file.bytes, watch) {
                Err(e2m_io::CheckpointError::Stopped { .. }) => {
                    return Err(PipelineError::Interrupted);
                }
                Err(error) => {
                    let why = checkpoint::without_path(&error, &file.path);
                    Some(Fault::Unreadable(why))
                }
                Ok(_) => {
                    let untouched = FileIdentity::of(&file.path)
                        .is_ok_and(|now| now.modified == legacy.modified);
                    (!untouched).then_some(Fault::Touched)
                }
            }
        } else {
            Some(Fault::Length {
                found: file.bytes,
                recorded: legacy.bytes,
            })
        };
        let record = &self.records[index];
        let found = fault.map(|fault| finding((&file.path, file.kind), fault, record));
        Ok(found.into_iter().collect())
    }

    fn verify_table(
        &self,
        file: &RecordedFile,
        (table, index): (&TableRecord, usize),
        watch: ReadWatch<'_>,
    ) -> Result<Vec<Finding>, PipelineError> {
        let fault = if file.bytes == table.bytes {
            match raw::hash(&file.path, watch)? {
                Ok(found) if found == table.hash => None,
                Ok(found) => Some(Fault::Content {
                    found,
                    recorded: table.hash,
                }),
                Err(fault) => Some(fault),
            }
        } else {
            Some(Fault::Length {
                found: file.bytes,
                recorded: table.bytes,
            })
        };
        let record = &self.records[index];
        let found = fault.map(|fault| Finding {
            // A run only asks whether there is a file of that length.
            looks_untouched: file.bytes == table.bytes,
            ..finding((&file.path, file.kind), fault, record)
        });
        Ok(found.into_iter().collect())
    }

    fn verify_raw(
        &self,
        file: &RecordedFile,
        stain: Stain,
        watch: ReadWatch<'_>,
    ) -> Result<Vec<Finding>, PipelineError> {
        let hash = raw::hash(&file.path, watch)?;
        let Some(first) = self.records.first() else {
            return Ok(Vec::new());
        };
        let wrong = |fault, record| vec![finding((&file.path, file.kind), fault, record)];
        let hash = match hash {
            Ok(hash) => hash,
            Err(fault) => return Ok(wrong(fault, first)),
        };
        let right = |record: &ReadManifest| stain.of(&record.manifest).hash == hash;
        // What the batch asks for has to rest on the file that is there; of others it is enough that one does.
        if !right(first) && (first.of_batch || !self.records.iter().any(right)) {
            let (other, name) = stain.other();
            let recorded = stain.of(&first.manifest).hash;
            let fault = if other.of(&first.manifest).hash == hash {
                let other = name.to_owned();
                Fault::Swapped { other }
            } else {
                Fault::Content {
                    found: hash,
                    recorded,
                }
            };
            return Ok(wrong(fault, first));
        }
        let earlier = self.records.iter().filter(|record| !right(record));
        let path = file.path.display().to_string();
        Ok(earlier.map(|record| superseded_by(record, &path)).collect())
    }
}

fn finding((path, kind): (&Path, FileKind), fault: Fault, record: &ReadManifest) -> Finding {
    Finding {
        path: path.to_owned(),
        kind,
        fault,
        looks_untouched: false,
        of_other_parameters: record.of_other_parameters(),
    }
}

fn superseded_by(record: &ReadManifest, path: &str) -> Finding {
    let path = path.to_owned();
    finding(
        (&record.path, FileKind::Record),
        Fault::Superseded { path },
        record,
    )
}

/// The pictures and tables that a task with these parameters makes, below its folder.
fn plots_of(paths: &TaskPaths, params: &Params) -> Vec<String> {
    let artifacts = all_artifacts(params).into_iter();
    artifacts
        .filter(|artifact| !matches!(artifact.kind, ArtifactKind::Image(_)))
        .flat_map(|artifact| artifact.paths_below(paths, params))
        .collect()
}

/// `01_….tiff`, as both e2m and the Python program name them.
fn is_checkpoint_name(name: &str, format: CheckpointFormat) -> bool {
    let numbered = Stage::ALL
        .iter()
        .any(|stage| name.starts_with(&format!("0{stage}_")));
    let extension = Path::new(name).extension();
    numbered && extension.is_some_and(|extension| extension == format.extension())
}

/// The files of a folder, by name; none where it cannot be read, which shows in the files on record.
fn files_in(dir: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
    let mut paths: Vec<PathBuf> = entries
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_file()))
        .map(|entry| entry.path())
        .collect();
    paths.sort();
    paths
}
