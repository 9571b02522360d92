//! The pairs of raw images: `{raw_dir}/{sample}/…_{dye}.tif`, once before and once after staining.
//!
//! Discovery reads names only and opens no file. [`scan`] lists folders and diagnoses layouts. [`stain`] reads file names,
//! [`names`] compares them. [`pattern`] and [`by_pattern`] find files whose names follow a pattern of their own, [`words`] knows
//! other words for pre and post. [`deeper`] finds where the TIFFs are that are missing. [`error`], [`missing`] and [`note`] have the
//! sentences.

mod by_pattern;
mod deeper;
mod error;
mod guess;
mod missing;
mod names;
mod note;
mod pattern;
mod scan;
mod stain;
mod words;

use crate::checkpoint::check_name;
use deeper::DeepSearch;
pub use deeper::TiffsElsewhere;
pub use error::DiscoveryError;
pub use guess::{GuessedImage, guess_images};
pub use missing::{MissingPair, MissingReason};
pub use names::composed;
use names::{odd_ending, overlooked};
pub use note::{DiscoveryNote, DyeSpelling};
pub use pattern::{FilePattern, PatternError};
use scan::{NamedFile, SampleFiles};
use serde::{Deserialize, Serialize};
pub use stain::Stain;
use stain::StainInName;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
pub use words::StainWords;

/// Names are suggested when they are at least this similar, 0 to 1.
const MIN_SIMILARITY: f64 = 0.5;

/// The raw images of one task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RawPair {
    /// The sample: the name of the folder, [`composed`].
    pub sample: String,
    /// The dye: what follows the last underscore of the file names, [`composed`].
    pub dye: String,
    /// The image after staining.
    pub post: PathBuf,
    /// The image before staining.
    pub pre: PathBuf,
}

/// Which samples or dyes are wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selection {
    /// Every one that is there.
    All,
    /// These, in this order.
    Named(Vec<String>),
}

impl Selection {
    /// The wanted names out of those that are there, each once.
    fn names<'a>(&self, there: impl Iterator<Item = &'a String>) -> Vec<String> {
        match self {
            Self::All => there.cloned().collect(),
            Self::Named(names) => {
                let mut seen = BTreeSet::new();
                names
                    .iter()
                    .map(|name| composed(name).into_owned())
                    .filter(|name| seen.insert(name.clone()))
                    .collect()
            }
        }
    }
}

/// What was found in a raw folder.
#[derive(Debug, Clone, Default)]
pub struct Discovery {
    /// Complete pairs in the order asked for, sorted by name where all were.
    pub pairs: Vec<RawPair>,
    /// What was asked for and cannot run.
    pub missing: Vec<MissingPair>,
    /// What is odd but stops nothing.
    pub notes: Vec<DiscoveryNote>,
}

/// How raw files are named.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Naming {
    /// Words for pre and post besides these.
    pub words: StainWords,
    /// The pattern of their paths; none where the convention holds: `{sample}/…_{dye}.tif`.
    pub pattern: Option<FilePattern>,
    /// The dyes that every file holds as channels, where the pattern does not say one.
    pub dyes: Vec<String>,
}

/// Finds the pairs of the wanted samples and dyes below `raw_dir`, by the convention. See [`discover_named`].
///
/// # Errors
/// As there.
pub fn discover(
    raw_dir: &Path,
    samples: &Selection,
    dyes: &Selection,
) -> Result<Discovery, DiscoveryError> {
    discover_named(raw_dir, &Naming::default(), samples, dyes)
}

/// Finds the pairs of the wanted samples and dyes below `raw_dir`, whose files are named in this way.
///
/// [`Selection::All`] samples are all folders with TIFFs, in them or deeper; all dyes are those of which the sample has at
/// least one file, so that a dye with only one image of two is reported as missing. Everything missing is reported at once, with
/// where its TIFFs may be instead.
///
/// # Errors
/// A folder that no task at all can be taken from, with what was found in it instead.
pub fn discover_named(
    raw_dir: &Path,
    naming: &Naming,
    samples: &Selection,
    dyes: &Selection,
) -> Result<Discovery, DiscoveryError> {
    if let Some(pattern) = &naming.pattern {
        scan::check_folder(raw_dir)?;
        return by_pattern::discover(raw_dir, pattern, &naming.dyes, (samples, dyes));
    }
    let scan = scan::scan(raw_dir, &naming.words)?;
    let mut finder = Finder {
        raw_dir,
        all_samples: *samples == Selection::All,
        dyes,
        found: &scan.samples,
        search: DeepSearch::new(),
        discovery: Discovery::default(),
    };
    let names = samples.names(scan.samples.keys());
    for sample in &names {
        finder.sample(sample);
    }
    let mut discovery = finder.discovery;
    let mut notes = scan.notes;
    notes.append(&mut discovery.notes);
    let wanted = names.iter().filter_map(|name| scan.samples.get(name));
    notes.extend(notes_on_dyes(wanted));
    Ok(Discovery { notes, ..discovery })
}

/// Goes through the wanted samples.
struct Finder<'a> {
    raw_dir: &'a Path,
    all_samples: bool,
    dyes: &'a Selection,
    found: &'a BTreeMap<String, SampleFiles>,
    search: DeepSearch,
    discovery: Discovery,
}

impl<'a> Finder<'a> {
    /// Adds the pairs of one sample, or why there are none.
    fn sample(&mut self, sample: &str) {
        let files = self.found.get(sample);
        let reason = match (check_name(sample), files) {
            (Err(error), _) => MissingReason::UnsafeName(error),
            (Ok(()), None) => MissingReason::NoSampleFolder {
                raw_dir: self.raw_dir.to_owned(),
                nearest: nearest(sample, self.found.keys()),
                elsewhere: self.search.of_sample(self.raw_dir, sample),
            },
            (Ok(()), Some(files)) => match self.whole_sample(files) {
                Some(reason) => reason,
                None => return,
            },
        };
        self.discovery.missing.push(MissingPair {
            sample: sample.to_owned(),
            dye: None,
            reason,
        });
    }

    /// Adds the pairs of a sample that has a folder. A reason where all of it is missing.
    fn whole_sample(&mut self, files: &'a SampleFiles) -> Option<MissingReason> {
        let folder = || files.folder.clone();
        if let Some(twin) = &files.twin {
            return Some(MissingReason::SameName {
                folders: [folder(), twin.clone()],
            });
        }
        if let Some(reason) = files.unreadable.clone() {
            if !self.all_samples {
                return Some(MissingReason::Unreadable {
                    folder: folder(),
                    reason,
                });
            }
            self.discovery.notes.push(DiscoveryNote::Unreadable {
                folder: folder(),
                reason,
            });
            return None;
        }
        if files.tiffs == 0 {
            let elsewhere = self.deeper(files);
            if elsewhere.is_none() && self.all_samples {
                let note = DiscoveryNote::NoTiffs { folder: folder() };
                self.discovery.notes.push(note);
                return None;
            }
            return Some(MissingReason::NoTiffs {
                folder: folder(),
                elsewhere,
            });
        }
        if files.dyes.is_empty() {
            return Some(MissingReason::NoDyes {
                folder: folder(),
                files: files.without_dye.clone(),
            });
        }
        self.note_without_dye(files);
        self.pairs(files);
        None
    }

    fn note_without_dye(&mut self, files: &SampleFiles) {
        let notes = files.without_dye.iter().cloned();
        let notes = notes.map(|file| DiscoveryNote::NoDye { file });
        self.discovery.notes.extend(notes);
    }

    /// TIFFs in folders within that of a sample.
    fn deeper(&mut self, files: &SampleFiles) -> Option<TiffsElsewhere> {
        let has_folders = files.has_folders;
        has_folders.then(|| self.search.below(&files.folder))?
    }

    /// Adds the pairs of a sample, or why they are none.
    fn pairs(&mut self, files: &'a SampleFiles) {
        let elsewhere = self.deeper(files);
        let mut all_there = true;
        for dye in self.dyes.names(files.dyes.keys()) {
            let pair = match (check_name(&dye), files.dyes.get(&dye)) {
                (Err(error), _) => Err(MissingReason::UnsafeName(error)),
                (Ok(()), Some(_)) => pair_of(files, &dye, elsewhere.as_ref()),
                (Ok(()), None) => Err(MissingReason::NoFiles {
                    folder: files.folder.clone(),
                    dyes: files.dyes.keys().cloned().collect(),
                    nearest: nearest_dye(&dye, files, self.found),
                    elsewhere: elsewhere.clone(),
                }),
            };
            let sample = sample_name(&files.folder);
            match pair {
                Ok((pre, post)) => self.discovery.pairs.push(RawPair {
                    sample,
                    dye,
                    post,
                    pre,
                }),
                Err(reason) => {
                    all_there = false;
                    self.discovery.missing.push(MissingPair {
                        sample,
                        dye: Some(dye),
                        reason,
                    });
                }
            }
        }
        if let Some(elsewhere) = elsewhere.filter(|_| all_there) {
            self.discovery.notes.push(DiscoveryNote::Deeper {
                folder: files.folder.clone(),
                elsewhere,
            });
        }
    }
}

/// The sample whose folder this is.
fn sample_name(folder: &Path) -> String {
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    composed(&name).into_owned()
}

/// The pre and post image among the files of one sample and dye.
fn pair_of(
    sample: &SampleFiles,
    dye: &str,
    elsewhere: Option<&TiffsElsewhere>,
) -> Result<(PathBuf, PathBuf), MissingReason> {
    let files = sample.dyes.get(dye).map_or(&[][..], Vec::as_slice);
    let (pre, post) = (of_stain(files, Stain::Pre), of_stain(files, Stain::Post));
    for (stain, images) in [(Stain::Pre, &pre), (Stain::Post, &post)] {
        if images.len() > 1 {
            return Err(MissingReason::Duplicate {
                stain,
                files: images.clone(),
            });
        }
    }
    let unclear: Vec<_> = files
        .iter()
        .filter(|f| !matches!(f.stain, StainInName::Named(_)))
        .map(|f| f.path.clone())
        .collect();
    let missing = |stain, other: &PathBuf| MissingReason::NoImage {
        stain,
        folder: sample.folder.clone(),
        other: other.clone(),
        alike: alike(sample, dye, stain),
        elsewhere: elsewhere.cloned(),
    };
    match (pre.first(), post.first()) {
        (Some(pre), Some(post)) if unclear.is_empty() => Ok((pre.clone(), post.clone())),
        _ if !unclear.is_empty() => Err(MissingReason::UnclearStain { files: unclear }),
        (Some(other), _) => Err(missing(Stain::Post, other)),
        (None, Some(other)) => Err(missing(Stain::Pre, other)),
        (None, None) => Err(MissingReason::UnclearStain { files: unclear }),
    }
}

/// The files of a stain.
fn of_stain(files: &[NamedFile], stain: Stain) -> Vec<PathBuf> {
    let named = files
        .iter()
        .filter(|f| f.stain == StainInName::Named(stain));
    named.map(|f| f.path.clone()).collect()
}

/// The file of this stain whose dye is the same but for what is overlooked, if there is one such file.
fn alike(sample: &SampleFiles, dye: &str, stain: Stain) -> Option<PathBuf> {
    let others = sample
        .dyes
        .iter()
        .filter(|(other, _)| *other != dye && overlooked(other) == overlooked(dye));
    let mut files = others.flat_map(|(_, files)| of_stain(files, stain));
    files.next().filter(|_| files.next().is_none())
}

/// What is odd about the names of the dyes of all these samples.
fn notes_on_dyes<'a>(samples: impl Iterator<Item = &'a SampleFiles>) -> Vec<DiscoveryNote> {
    let mut groups: BTreeMap<String, BTreeMap<&str, DyeSpelling>> = BTreeMap::new();
    for (dye, files) in samples.flat_map(|sample| &sample.dyes) {
        let Some(first) = files.first() else {
            continue;
        };
        let group = groups.entry(overlooked(dye)).or_default();
        let spelling = group.entry(dye).or_insert_with(|| DyeSpelling {
            dye: dye.clone(),
            files: 0,
            example: first.path.clone(),
        });
        spelling.files += files.len();
    }
    let note = |group: BTreeMap<&str, DyeSpelling>| {
        let mut spellings: Vec<DyeSpelling> = group.into_values().collect();
        if spellings.len() > 1 {
            return Some(DiscoveryNote::AlikeDyes { spellings });
        }
        let spelling = spellings.pop()?;
        let ending = odd_ending(&spelling.dye)?;
        let without = names::plain(&spelling.dye).to_owned();
        Some(DiscoveryNote::OddDye {
            spelling,
            ending,
            without,
        })
    };
    groups.into_values().filter_map(note).collect()
}

/// The dye whose name comes nearest, of this sample if it has one, else of any; for a name with an underscore the part
/// behind the last one comes first.
fn nearest_dye(
    dye: &str,
    files: &SampleFiles,
    found: &BTreeMap<String, SampleFiles>,
) -> Option<String> {
    if let Some((_, last)) = dye.rsplit_once('_')
        && files.dyes.contains_key(last)
    {
        return Some(last.to_owned());
    }
    let alike = |other: &&String| overlooked(other) == overlooked(dye);
    if let Some(other) = files.dyes.keys().find(alike) {
        return Some(other.clone());
    }
    let elsewhere = found.values().flat_map(|sample| sample.dyes.keys());
    nearest(dye, files.dyes.keys())
        .or_else(|| nearest(dye, elsewhere.filter(|other| *other != dye)))
}

/// The most similar of some names, case aside.
fn nearest<'a>(name: &str, names: impl Iterator<Item = &'a String>) -> Option<String> {
    let name = name.to_lowercase();
    names
        .map(|other| {
            (
                strsim::normalized_damerau_levenshtein(&name, &other.to_lowercase()),
                other,
            )
        })
        .filter(|(similarity, _)| *similarity >= MIN_SIMILARITY)
        .fold(None, |best: Option<(f64, &String)>, next| match best {
            Some(best) if best.0 >= next.0 => Some(best),
            _ => Some(next),
        })
        .map(|(_, other)| other.clone())
}
