//! The pairs of raw images: `{raw_dir}/{sample}/…_{dye}.tif`, once before and once after staining.
//!
//! Discovery reads names only and opens no file. [`scan`] lists folders and diagnoses layouts. [`stain`] reads file names.
//! [`error`] has the sentences.

mod error;
mod scan;
mod stain;

use crate::checkpoint::check_name;
pub use error::{DiscoveryError, DiscoveryNote, MissingPair, MissingReason};
use scan::{NamedFile, SampleFiles, Scan};
use serde::{Deserialize, Serialize};
pub use stain::Stain;
use stain::StainInName;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Names are suggested when they are at least this similar, 0 to 1.
const MIN_SIMILARITY: f64 = 0.5;

/// The raw images of one task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RawPair {
    /// The sample: the name of the folder.
    pub sample: String,
    /// The dye: what follows the last underscore of the file names.
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
    fn names<'a>(&'a self, there: impl Iterator<Item = &'a String>) -> Vec<&'a str> {
        match self {
            Self::All => there.map(String::as_str).collect(),
            Self::Named(names) => {
                let mut seen = BTreeSet::new();
                names
                    .iter()
                    .map(String::as_str)
                    .filter(|name| seen.insert(*name))
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

/// Finds the pairs of the wanted samples and dyes below `raw_dir`.
///
/// [`Selection::All`] samples are all folders with TIFFs; all dyes are those of which the sample has at least one file, so
/// that a dye with only one image of two is reported as missing. Everything missing is reported at once.
///
/// # Errors
/// A folder that no task at all can be taken from, with what was found in it instead.
pub fn discover(
    raw_dir: &Path,
    samples: &Selection,
    dyes: &Selection,
) -> Result<Discovery, DiscoveryError> {
    let Scan {
        samples: found,
        mut notes,
    } = scan::scan(raw_dir)?;
    let mut discovery = Discovery::default();
    for sample in samples.names(found.keys()) {
        let folder = raw_dir.join(sample);
        let mut missing = |reason| {
            discovery.missing.push(MissingPair {
                sample: sample.to_owned(),
                dye: None,
                reason,
            });
        };
        if let Err(error) = check_name(sample) {
            missing(MissingReason::UnsafeName(error));
            continue;
        }
        match found.get(sample) {
            None => missing(MissingReason::NoSampleFolder {
                raw_dir: raw_dir.to_owned(),
                nearest: nearest(sample, found.keys()),
            }),
            Some(files) if files.tiffs == 0 && *samples == Selection::All => {
                notes.push(DiscoveryNote::NoTiffs { folder });
            }
            Some(files) if files.tiffs == 0 => missing(MissingReason::NoTiffs { folder }),
            Some(files) => pair_up(sample, &folder, files, dyes, &found, &mut discovery),
        }
    }
    discovery.notes = notes;
    Ok(discovery)
}

/// Adds the pairs of one sample, or why they are none.
fn pair_up(
    sample: &str,
    folder: &Path,
    files: &SampleFiles,
    dyes: &Selection,
    found: &BTreeMap<String, SampleFiles>,
    discovery: &mut Discovery,
) {
    for dye in dyes.names(files.dyes.keys()) {
        let pair = match (check_name(dye), files.dyes.get(dye)) {
            (Err(error), _) => Err(MissingReason::UnsafeName(error)),
            (Ok(()), Some(named)) => pair_of(folder, named),
            (Ok(()), None) => Err(MissingReason::NoFiles {
                folder: folder.to_owned(),
                dyes: files.dyes.keys().cloned().collect(),
                nearest: nearest_dye(dye, files, found),
            }),
        };
        match pair {
            Ok((pre, post)) => discovery.pairs.push(RawPair {
                sample: sample.to_owned(),
                dye: dye.to_owned(),
                post,
                pre,
            }),
            Err(reason) => discovery.missing.push(MissingPair {
                sample: sample.to_owned(),
                dye: Some(dye.to_owned()),
                reason,
            }),
        }
    }
}

/// The pre and post image among the files of one sample and dye.
fn pair_of(folder: &Path, files: &[NamedFile]) -> Result<(PathBuf, PathBuf), MissingReason> {
    let of = |stain| -> Vec<PathBuf> {
        let named = files
            .iter()
            .filter(|f| f.stain == StainInName::Named(stain));
        named.map(|f| f.path.clone()).collect()
    };
    let (pre, post) = (of(Stain::Pre), of(Stain::Post));
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
    let folder = || folder.to_owned();
    match (pre.first(), post.first()) {
        (Some(pre), Some(post)) if unclear.is_empty() => Ok((pre.clone(), post.clone())),
        _ if !unclear.is_empty() => Err(MissingReason::UnclearStain { files: unclear }),
        (Some(other), _) => Err(MissingReason::NoImage {
            stain: Stain::Post,
            folder: folder(),
            other: other.clone(),
        }),
        (None, Some(other)) => Err(MissingReason::NoImage {
            stain: Stain::Pre,
            folder: folder(),
            other: other.clone(),
        }),
        (None, None) => Err(MissingReason::UnclearStain { files: unclear }),
    }
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
