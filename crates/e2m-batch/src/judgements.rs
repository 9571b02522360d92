//! What people think of a task and of the objects of its catalogue: a small file beside the catalogue, which never changes the
//! catalogue, and what it comes to in `microbes.csv`.
//!
//! A judgement of an object is kept by the object's place, because numbers are others when microbes are looked for again. It belongs
//! to the object that lies within [`SAME_PX`] of that place.

use e2m_io::{AtomicError, write_atomic};
use e2m_pipeline::{Manifest, ObjectFlags};
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::{ErrorKind, Read as _};
use std::path::{Component, Path, PathBuf};

/// The layout of the file.
const SCHEMA: u32 = 1;
/// Two objects are nearer to each other nowhere.
pub const SAME_PX: f64 = 2.0;
/// A file of a million judgements takes 60 MB.
const MOST_BYTES: u64 = 64 << 20;
/// How the name of the file ends, after that of the catalogue.
const ENDING: &str = "_judged.json";
/// Where the tables of a task lie, below its folder.
const TABLES: &str = "pipeline_output";

/// What somebody thinks of an object or a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Opinion {
    /// An object is a microbe, whatever its flags say; a task is to be believed, whatever its status says.
    Accept,
    /// It is none, or is not to be believed.
    Reject,
}

impl Opinion {
    /// `accept` or `reject`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Accept => "accept",
            Self::Reject => "reject",
        }
    }
}

/// A judgement of an object as it is kept.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Judgement {
    x_px: f64,
    y_px: f64,
    opinion: Opinion,
}

/// The judgements of a task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Judgements {
    schema: u32,
    /// The table they are about.
    catalogue: String,
    /// Of the task as a whole.
    #[serde(default)]
    task: Option<Opinion>,
    objects: Vec<Judgement>,
}

/// Why judgements cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum JudgementError {
    /// The file is damaged, or of a later version.
    #[error("the judgements in {} cannot be used: {why}. Put the file aside to begin anew", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// The catalogue has no such object.
    #[error("the catalogue has no object {0}; it was made anew meanwhile, load the page again")]
    NoSuchObject(u64),
    /// The catalogue or the table of the batch cannot be read.
    #[error("{} cannot be read: {source}", path.display())]
    Table {
        /// The table.
        path: PathBuf,
        /// Why.
        source: csv::Error,
    },
    /// Something cannot be written.
    #[error(transparent)]
    Unwritten(#[from] AtomicError),
}

/// Where the objects of a catalogue lie, and which of them count as microbes.
#[derive(Debug, Default)]
pub struct Places {
    ids: Vec<u64>,
    at: Vec<[f64; 2]>,
    counts: Vec<bool>,
}

/// A row of the catalogue, as far as it is needed here.
#[derive(Debug, Deserialize)]
struct Place {
    id: u64,
    x_px: f64,
    y_px: f64,
    #[serde(default)]
    flags: String,
}

impl Places {
    /// Reads those of a catalogue, `05_microbes.csv`.
    ///
    /// # Errors
    /// A table that cannot be read or has no columns `id`, `x_px` and `y_px`.
    pub fn read(catalogue: &Path) -> Result<Self, JudgementError> {
        let failed = |source| JudgementError::Table {
            path: catalogue.to_owned(),
            source,
        };
        let file = File::open(catalogue).map_err(|error| failed(error.into()))?;
        let mut reader = csv::ReaderBuilder::new()
            .comment(Some(b'#'))
            .from_reader(file);
        let mut places = Self::default();
        for row in reader.deserialize() {
            let row: Place = row.map_err(failed)?;
            places.ids.push(row.id);
            places.at.push([row.x_px, row.y_px]);
            places
                .counts
                .push(ObjectFlags::of_names(&row.flags).counts());
        }
        Ok(places)
    }

    /// The object at a place, by its index.
    fn at(&self, judgement: &Judgement) -> Option<usize> {
        let distances = self
            .at
            .iter()
            .map(|[x, y]| (x - judgement.x_px).hypot(y - judgement.y_px));
        let near = distances.enumerate().filter(|(_, away)| *away <= SAME_PX);
        near.min_by(|a, b| a.1.total_cmp(&b.1))
            .map(|(index, _)| index)
    }
}

/// What the judgements of a task come to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Curation {
    /// Of the task as a whole.
    pub task: Option<Opinion>,
    /// Objects that were accepted.
    pub accepted: u64,
    /// Objects that were rejected.
    pub rejected: u64,
    /// Judged objects that are not in the catalogue any more; they count for nothing.
    pub lost: u64,
    /// Microbes that are left: those of the catalogue without the rejected ones and with the accepted ones that it does not count.
    pub microbes: u64,
}

impl Judgements {
    /// The file beside a catalogue.
    pub fn path_beside(catalogue: &Path) -> PathBuf {
        let stem = catalogue.file_stem().unwrap_or_default().to_string_lossy();
        catalogue.with_file_name(format!("{stem}{ENDING}"))
    }

    /// Reads the judgements of a task; none where there is no file.
    ///
    /// # Errors
    /// A file that cannot be read, is damaged or of a later version.
    pub fn read(path: &Path) -> Result<Self, JudgementError> {
        let damaged = |why: String| JudgementError::Damaged {
            path: path.to_owned(),
            why,
        };
        let mut text = String::new();
        match File::open(path).and_then(|file| file.take(MOST_BYTES).read_to_string(&mut text)) {
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let name = path.file_name().unwrap_or_default().to_string_lossy();
                return Ok(Self::none(name.replace(ENDING, ".csv")));
            }
            Err(error) => return Err(damaged(error.to_string())),
        }
        let read: Self = serde_json::from_str(&text).map_err(|error| damaged(error.to_string()))?;
        if read.schema != SCHEMA {
            return Err(damaged(format!(
                "its layout is {}, and this version knows {SCHEMA}",
                read.schema
            )));
        }
        Ok(read)
    }

    fn none(catalogue: String) -> Self {
        Self {
            schema: SCHEMA,
            catalogue,
            task: None,
            objects: Vec::new(),
        }
    }

    /// Writes the file, in one step.
    ///
    /// # Errors
    /// What the system says.
    pub fn write(&self, path: &Path) -> Result<(), JudgementError> {
        let text = serde_json::to_string_pretty(self).unwrap_or_default();
        Ok(write_atomic(path, format!("{text}\n").as_bytes())?)
    }

    /// Judges an object of the catalogue; none takes a judgement back.
    ///
    /// # Errors
    /// No such object.
    pub fn judge(
        &mut self,
        places: &Places,
        id: u64,
        opinion: Option<Opinion>,
    ) -> Result<(), JudgementError> {
        let index = places.ids.iter().position(|own| *own == id);
        let index = index.ok_or(JudgementError::NoSuchObject(id))?;
        self.objects
            .retain(|judgement| places.at(judgement) != Some(index));
        if let (Some(opinion), Some([x_px, y_px])) = (opinion, places.at.get(index).copied()) {
            self.objects.push(Judgement {
                x_px,
                y_px,
                opinion,
            });
        }
        Ok(())
    }

    /// Judges the task as a whole; none takes the judgement back.
    pub fn judge_task(&mut self, opinion: Option<Opinion>) {
        self.task = opinion;
    }

    /// What is thought of the task as a whole.
    pub fn of_task(&self) -> Option<Opinion> {
        self.task
    }

    /// Objects by number with what is thought of them. Those that are not found any more stay in the file and are left out here.
    pub fn opinions(&self, places: &Places) -> Vec<(u64, Opinion)> {
        let found = |judgement: &Judgement| {
            let id = places.ids.get(places.at(judgement)?)?;
            Some((*id, judgement.opinion))
        };
        self.objects.iter().filter_map(found).collect()
    }

    /// What they come to.
    pub fn curation(&self, places: &Places) -> Curation {
        let mut counts = places.counts.clone();
        let mut curation = Curation {
            task: self.task,
            ..Curation::default()
        };
        for judgement in &self.objects {
            let Some(counted) = places.at(judgement).and_then(|index| counts.get_mut(index)) else {
                curation.lost += 1;
                continue;
            };
            *counted = judgement.opinion == Opinion::Accept;
            match judgement.opinion {
                Opinion::Accept => curation.accepted += 1,
                Opinion::Reject => curation.rejected += 1,
            }
        }
        curation.microbes = counts.iter().filter(|counts| **counts).count() as u64;
        curation
    }
}

/// The table of microbes that a record vouches for, `pipeline_output/05_microbes.csv` below the folder of the task; none where stage 5
/// was not done, or the record names what does not lie there.
pub fn catalogue_path(task_dir: &Path, manifest: &Manifest) -> Option<PathBuf> {
    let is_catalogue = |path: &Path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with("05_microbes") && name.ends_with(".csv")
    };
    let mut tables = manifest.tables.iter().map(|table| Path::new(&table.path));
    let path = tables.find(|path| is_catalogue(path))?;
    let mut parts = path.components();
    let is_below = parts.all(|part| matches!(part, Component::Normal(_)));
    is_below.then(|| task_dir.join(path))
}

/// Whether the folder of a task has judgements, of whatever parameters.
pub(crate) fn is_anything_judged(task_dir: &Path) -> bool {
    let entries = std::fs::read_dir(task_dir.join(TABLES)).into_iter();
    let mut names = entries.flatten().flatten().map(|entry| entry.file_name());
    names.any(|name| name.to_string_lossy().ends_with(ENDING))
}

/// What the judgements of a task come to; none where nobody has judged.
///
/// # Errors
/// Judgements or a catalogue that cannot be read.
pub fn curation(task_dir: &Path, manifest: &Manifest) -> Result<Option<Curation>, JudgementError> {
    let Some(catalogue) = catalogue_path(task_dir, manifest) else {
        return Ok(None);
    };
    let path = Judgements::path_beside(&catalogue);
    if !path.exists() {
        return Ok(None);
    }
    let judgements = Judgements::read(&path)?;
    if judgements.task.is_none() && judgements.objects.is_empty() {
        return Ok(None);
    }
    let places = Places::read(&catalogue)?;
    Ok(Some(judgements.curation(&places)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(ids: [u64; 3]) -> Places {
        Places {
            ids: ids.to_vec(),
            at: vec![[10.0, 10.0], [50.0, 50.0], [90.0, 10.0]],
            counts: vec![true, true, false],
        }
    }

    #[test]
    fn a_judgement_stays_with_its_place_when_numbers_change() {
        let mut judgements = Judgements::none("05_microbes.csv".into());
        let judge = |judgements: &mut Judgements, ids, id, opinion| {
            judgements.judge(&places(ids), id, opinion)
        };
        judge(&mut judgements, [1, 2, 3], 2, Some(Opinion::Reject)).expect("judged");
        let renumbered = places([7, 8, 9]);
        assert_eq!(judgements.opinions(&renumbered), [(8, Opinion::Reject)]);
        judge(&mut judgements, [7, 8, 9], 8, Some(Opinion::Accept)).expect("judged");
        assert_eq!(judgements.objects.len(), 1);
        let elsewhere = Places {
            ids: vec![1],
            at: vec![[53.0, 50.0]],
            counts: vec![true],
        };
        assert_eq!(judgements.opinions(&elsewhere), []);
        let curation = judgements.curation(&elsewhere);
        assert_eq!((curation.lost, curation.microbes), (1, 1));
        judge(&mut judgements, [7, 8, 9], 8, None).expect("taken back");
        assert!(judgements.objects.is_empty());
        assert!(judgements.judge(&elsewhere, 5, None).is_err());
    }

    #[test]
    fn what_is_rejected_counts_no_more_and_what_is_accepted_counts() {
        let all = places([1, 2, 3]);
        let mut judgements = Judgements::none(String::new());
        assert_eq!(judgements.curation(&all).microbes, 2);
        judgements
            .judge(&all, 1, Some(Opinion::Reject))
            .expect("judged");
        judgements
            .judge(&all, 2, Some(Opinion::Accept))
            .expect("judged");
        judgements
            .judge(&all, 3, Some(Opinion::Accept))
            .expect("judged");
        judgements.judge_task(Some(Opinion::Accept));
        let expected = Curation {
            task: Some(Opinion::Accept),
            accepted: 2,
            rejected: 1,
            lost: 0,
            microbes: 2,
        };
        assert_eq!(judgements.curation(&all), expected);
    }

    #[test]
    fn a_file_is_read_as_it_was_written_and_one_of_a_later_version_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = Judgements::path_beside(&folder.path().join("05_microbes_pad60.csv"));
        assert!(path.ends_with("05_microbes_pad60_judged.json"));
        let mut judgements = Judgements::read(&path).expect("none yet");
        assert_eq!(judgements.catalogue, "05_microbes_pad60.csv");
        judgements.judge_task(Some(Opinion::Reject));
        judgements.write(&path).expect("written");
        assert_eq!(Judgements::read(&path).expect("read"), judgements);
        // Files from before tasks were judged.
        let text = r#"{"schema": 1, "catalogue": "x.csv", "objects": []}"#;
        std::fs::write(&path, text).expect("written");
        assert_eq!(Judgements::read(&path).expect("read").of_task(), None);
        for damaged in ["", "{}", r#"{"schema": 2, "catalogue": "", "objects": []}"#] {
            std::fs::write(&path, damaged).expect("written");
            assert!(Judgements::read(&path).is_err(), "{damaged}");
        }
    }
}
