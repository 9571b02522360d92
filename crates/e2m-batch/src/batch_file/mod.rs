//! The batch file: what it may say, how it is read, and what is wrong with one.
//!
//! Each section has a file (`general`, `execution`, …) in which one table makes its struct, its reader and the
//! description of its keys; each type of value has a file in `values`. [`BatchFile::read`] reads the whole, and reports
//! everything that is wrong at once.

mod assignment;
mod blanks;
mod default_file;
mod execution;
pub mod file_table;
mod files;
mod general;
pub(crate) mod keys;
mod overrides;
mod params;
pub(crate) mod problem;
mod resources;
mod schema;
pub(crate) mod section;
pub(crate) mod setting;
mod slurm;
mod syntax;
pub mod values;

pub use assignment::{Assignment, NoAssignment};
pub use blanks::Blanks;
pub use default_file::DEFAULT_FILE;
pub use execution::Execution;
pub use files::Files;
pub use general::General;
pub use keys::{Key, nearest, sections};
pub use overrides::Override;
pub use params::ParamTable;
pub use problem::{BatchFileError, Problem, Problems};
pub use resources::Resources;
pub use schema::schema;
pub use slurm::Slurm as SlurmSettings;

use e2m_pipeline::Params;
use file_table::FileTable;
use section::{ProblemCollector, Section};
use setting::Setting as _;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use toml::de::DeTable;
use values::FilePath;

/// Name of a batch file where none is given.
pub const USUAL_NAME: &str = "batch.toml";

/// No batch file is longer; ten thousand overrides take less than 1 MB. An image, which is what is named by mistake, is not
/// read into memory.
const MAX_BYTES: u64 = 4 << 20;

/// A batch file, read and checked.
#[derive(Debug, Clone, PartialEq)]
pub struct BatchFile {
    /// Where it is.
    pub path: PathBuf,
    /// Its text, for messages about it.
    pub text: String,
    /// The keys above all headings.
    pub general: General,
    /// `[execution]`.
    pub execution: Execution,
    /// `[resources]`.
    pub resources: Resources,
    /// `[slurm]`.
    pub slurm: SlurmSettings,
    /// `[blanks]`.
    pub blanks: Blanks,
    /// `[files]`.
    pub files: Files,
    /// The table of images that `[files]` names; [`BatchFile::parse`] does not read it.
    pub table: Option<FileTable>,
    /// `[params]` over the defaults.
    pub params: Params,
    /// `[[override]]`.
    pub overrides: Vec<Override>,
}

impl BatchFile {
    /// Reads a batch file.
    ///
    /// # Errors
    /// Everything that is wrong with it, at once.
    pub fn read(path: &Path) -> Result<Self, BatchFileError> {
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let bytes = bounded(&path)?;
        let text = String::from_utf8(bytes).map_err(|error| BatchFileError::NotText {
            path: path.clone(),
            offset: error.utf8_error().valid_up_to(),
        })?;
        match Self::parse(&path, &text) {
            Ok(batch) => batch.with_table(),
            Err(list) => Err(BatchFileError::Content(Problems { path, text, list })),
        }
    }

    /// The same with the table of images that `[files]` names.
    fn with_table(mut self) -> Result<Self, BatchFileError> {
        let Some(FilePath(named)) = &self.files.table else {
            return Ok(self);
        };
        match FileTable::read(&self.folder(named)) {
            Ok(table) => {
                self.table = Some(table);
                Ok(self)
            }
            Err(problems) => {
                Err(self.refused(problems.into_iter().map(Problem::of_file).collect()))
            }
        }
    }

    /// Reads the text of a batch file that lies at `path`; what is not in it is not looked at.
    ///
    /// # Errors
    /// Everything that is wrong with it, at once.
    pub fn parse(path: &Path, text: &str) -> Result<Self, Vec<Problem>> {
        let (root, errors) = DeTable::parse_recoverable(text);
        if !errors.is_empty() {
            return Err(syntax::problems(text, &errors));
        }
        let root = root.get_ref();
        let mut collector = ProblemCollector::new(text);
        let keys: Vec<_> = General::keys().into_iter().chain(keys::TABLES).collect();
        let general = General::read(&mut Section::open(
            General::NAME,
            Some(root),
            &keys,
            &mut collector,
        ));
        let table = |name: &'static str, collector: &mut ProblemCollector<'_>| {
            table_of(root, name, collector)
        };
        let execution = table(Execution::NAME, &mut collector);
        let execution = Execution::read(&mut Section::open(
            Execution::NAME,
            execution,
            &Execution::keys(),
            &mut collector,
        ));
        let resources = table(Resources::NAME, &mut collector);
        let resources = Resources::read(&mut Section::open(
            Resources::NAME,
            resources,
            &Resources::keys(),
            &mut collector,
        ));
        let slurm = table(SlurmSettings::NAME, &mut collector);
        let slurm = SlurmSettings::read(&mut Section::open(
            SlurmSettings::NAME,
            slurm,
            &SlurmSettings::keys(),
            &mut collector,
        ));
        let blanks = table(Blanks::NAME, &mut collector);
        let blanks = Blanks::read(&mut Section::open(
            Blanks::NAME,
            blanks,
            &Blanks::keys(),
            &mut collector,
        ));
        let files_at = table(Files::NAME, &mut collector);
        let files = Files::read(&mut Section::open(
            Files::NAME,
            files_at,
            &Files::keys(),
            &mut collector,
        ));
        if let Some(files) = &files {
            files.check(files_at, &mut collector);
        }
        let given = ParamTable::read("params", root.get("params"), &mut collector);
        let overrides = overrides::read(root.get(overrides::NAME), &mut collector);
        let params = given.over(Params::default());
        check_together(&params, &given, &overrides, &mut collector);
        if let Some(general) = &general {
            check_folders(general, root, &mut collector);
        }
        match (general, execution, resources, slurm, blanks, files) {
            (
                Some(general),
                Some(execution),
                Some(resources),
                Some(slurm),
                Some(blanks),
                Some(files),
            ) if collector.problems.is_empty() => Ok(Self {
                path: path.to_owned(),
                text: text.to_owned(),
                general,
                execution,
                resources,
                slurm,
                blanks,
                files,
                table: None,
                params,
                overrides,
            }),
            _ => Err(collector.problems),
        }
    }

    /// A folder that the file names, from the file's own.
    pub fn folder(&self, named: &Path) -> PathBuf {
        self.path.parent().unwrap_or(Path::new("")).join(named)
    }

    /// The folder of the raw images.
    pub fn raw_dir(&self) -> PathBuf {
        self.folder(&self.general.raw_dir)
    }

    /// The folder of the results.
    pub fn output_dir(&self) -> PathBuf {
        self.folder(&self.general.output_dir)
    }

    /// A problem of this file that was found after it was read.
    pub(crate) fn refused(&self, list: Vec<Problem>) -> BatchFileError {
        BatchFileError::Content(Problems {
            path: self.path.clone(),
            text: self.text.clone(),
            list,
        })
    }
}

/// The content of the file, unless it is longer than any batch file.
fn bounded(path: &Path) -> Result<Vec<u8>, BatchFileError> {
    let mut bytes = Vec::new();
    // Not by its length: what comes out of a pipe or a device has none.
    let read = File::open(path)
        .and_then(|file| file.take(MAX_BYTES + 1).read_to_end(&mut bytes))
        .map_err(|source| cannot_read(path, source))?;
    if read as u64 > MAX_BYTES {
        return Err(BatchFileError::TooLong {
            path: path.to_owned(),
            limit_bytes: MAX_BYTES,
        });
    }
    Ok(bytes)
}

/// The table below a heading.
fn table_of<'r, 'i>(
    root: &'r DeTable<'i>,
    name: &'static str,
    collector: &mut ProblemCollector<'_>,
) -> Option<&'r DeTable<'i>> {
    let value = root.get(name)?;
    let table = value.get_ref().as_table();
    if table.is_none() {
        let shown = collector.shown(value.span());
        let text = format!("{name} is {shown}, it must be a heading [{name}] with keys below it");
        collector.note(Problem::at(value.span(), text));
    }
    table
}

/// Checks parameters against each other, for all tasks and for those of each override.
fn check_together(
    params: &Params,
    given: &ParamTable,
    overrides: &[Override],
    collector: &mut ProblemCollector<'_>,
) {
    if let Err(error) = params.validate() {
        let problem = given.at.clone().map_or_else(
            || Problem::of_file(error.to_string()),
            |at| Problem::at(at, error.to_string()),
        );
        collector.note(problem);
        return;
    }
    for one in overrides {
        if let Err(error) = one.params.over(params.clone()).validate() {
            collector.note(Problem::at(
                one.at.clone(),
                format!("{error} for the tasks of this override"),
            ));
        }
    }
}

/// Results among the raw files would be taken for samples by the next run.
fn check_folders(general: &General, root: &DeTable<'_>, collector: &mut ProblemCollector<'_>) {
    // Below a root, so that "./raw/" and "raw" are the same.
    let plain = |folder: &Path| {
        Path::new("/")
            .join(folder)
            .components()
            .collect::<PathBuf>()
    };
    if plain(&general.raw_dir) == plain(&general.output_dir) {
        let text = "output_dir is the same folder as raw_dir; results need a folder of their own, such as \"processed\"";
        let at = root.get("output_dir").map(toml::Spanned::span);
        collector.note(Problem {
            at,
            text: text.into(),
        });
    }
    if general.from_stage > general.to_stage {
        let (from, to) = (general.from_stage.written(), general.to_stage.written());
        let at = root
            .get("from_stage")
            .or_else(|| root.get("to_stage"))
            .map(toml::Spanned::span);
        let text = format!(
            "from_stage is {from} and to_stage is {to}: nothing would run; from_stage must not be above to_stage"
        );
        collector.note(Problem { at, text });
    }
}

/// Why a file cannot be read, with a hint where there is one.
fn cannot_read(path: &Path, source: std::io::Error) -> BatchFileError {
    let path = path.to_owned();
    if path.is_dir() {
        let inside = path.join(USUAL_NAME);
        let hint = if inside.is_file() {
            format!("; did you mean {}?", inside.display())
        } else {
            String::new()
        };
        return BatchFileError::Folder {
            hint: Some(hint),
            path,
        };
    }
    match source.kind() {
        std::io::ErrorKind::NotFound => BatchFileError::NotThere {
            hint: Some(instead_of(&path)),
            path,
        },
        _ => BatchFileError::Unreadable { path, source },
    }
}

/// What may have been meant by a file that is not there.
fn instead_of(path: &Path) -> String {
    let folder = path.parent().unwrap_or(Path::new(""));
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    if !folder.is_dir() {
        return format!("; there is no folder {} either", folder.display());
    }
    let others = toml_files(folder);
    match nearest(&name, others.iter().map(String::as_str), 0.5) {
        Some(near) => format!("; did you mean {near}?"),
        None => "; `e2m init` writes one to start from".into(),
    }
}

fn toml_files(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
    names.filter(|name| name.ends_with(".toml")).collect()
}

#[cfg(test)]
mod tests;
