//! The pairs of a raw folder whose names follow a pattern.

use super::error::DiscoveryError;
use super::missing::{MissingPair, MissingReason};
use super::names::without_ome;
use super::note::DiscoveryNote;
use super::pattern::FilePattern;
use super::stain::Stain;
use super::{Discovery, RawPair, Selection, composed, nearest};
use crate::checkpoint::check_name;
use crate::raw::is_raw_name;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The files of a sample and dye.
#[derive(Debug, Default)]
struct Files {
    pre: Vec<PathBuf>,
    post: Vec<PathBuf>,
}

/// What lies below the raw folder, by the pattern.
struct Listing<'a> {
    pattern: &'a FilePattern,
    /// Dyes of every file; none where the pattern says them.
    dyes: &'a [String],
    /// By sample, then dye.
    samples: BTreeMap<String, BTreeMap<String, Files>>,
    /// TIFFs at their depth or above that do not fit.
    others: Vec<PathBuf>,
    notes: Vec<DiscoveryNote>,
}

/// Finds the pairs of the wanted samples and dyes.
pub(super) fn discover(
    raw_dir: &Path,
    pattern: &FilePattern,
    dyes_of_files: &[String],
    (samples, dyes): (&Selection, &Selection),
) -> Result<Discovery, DiscoveryError> {
    let mut listing = Listing {
        pattern,
        dyes: dyes_of_files,
        samples: BTreeMap::new(),
        others: Vec::new(),
        notes: Vec::new(),
    };
    listing.folder(raw_dir, "", 0);
    let Listing {
        samples: found,
        mut others,
        mut notes,
        ..
    } = listing;
    others.sort();
    match (found.is_empty(), others.first()) {
        (false, None) => {}
        (false, Some(example)) => notes.push(DiscoveryNote::NotFitting {
            pattern: pattern.to_string(),
            count: others.len(),
            example: example.clone(),
        }),
        (true, example) => {
            return Err(DiscoveryError::NothingFits {
                path: raw_dir.to_owned(),
                pattern: pattern.to_string(),
                count: others.len(),
                example: example.cloned(),
            });
        }
    }
    let mut discovery = Discovery {
        notes,
        ..Discovery::default()
    };
    for sample in samples.names(found.keys()) {
        let Some(of_sample) = found.get(&sample) else {
            let reason = MissingReason::NothingFits {
                pattern: pattern.to_string(),
                nearest: nearest(&sample, found.keys()),
            };
            discovery.missing.push(MissingPair {
                sample,
                dye: None,
                reason,
            });
            continue;
        };
        for dye in dyes.names(of_sample.keys()) {
            match pair_of(&sample, &dye, of_sample, pattern) {
                Ok(pair) => discovery.pairs.push(pair),
                Err(reason) => discovery.missing.push(MissingPair {
                    sample: sample.clone(),
                    dye: Some(dye),
                    reason,
                }),
            }
        }
    }
    Ok(discovery)
}

fn pair_of(
    sample: &str,
    dye: &str,
    of_sample: &BTreeMap<String, Files>,
    pattern: &FilePattern,
) -> Result<RawPair, MissingReason> {
    for name in [sample, dye] {
        check_name(name).map_err(MissingReason::UnsafeName)?;
    }
    let files = of_sample
        .get(dye)
        .ok_or_else(|| MissingReason::NothingFits {
            pattern: pattern.to_string(),
            nearest: nearest(dye, of_sample.keys()),
        })?;
    for (stain, images) in [(Stain::Pre, &files.pre), (Stain::Post, &files.post)] {
        if images.len() > 1 {
            let files = images.clone();
            return Err(MissingReason::Duplicate { stain, files });
        }
    }
    let missing = |stain, other: &PathBuf| MissingReason::NoImage {
        stain,
        folder: other.parent().unwrap_or(other).to_owned(),
        other: other.clone(),
        alike: None,
        elsewhere: None,
    };
    match (files.pre.first(), files.post.first()) {
        (Some(pre), Some(post)) => Ok(RawPair {
            sample: sample.to_owned(),
            dye: dye.to_owned(),
            post: post.clone(),
            pre: pre.clone(),
        }),
        (Some(other), None) => Err(missing(Stain::Post, other)),
        (None, Some(other)) => Err(missing(Stain::Pre, other)),
        (None, None) => Err(MissingReason::NothingFits {
            pattern: pattern.to_string(),
            nearest: None,
        }),
    }
}

impl Listing<'_> {
    /// Adds what lies in a folder and, as deep as the pattern goes, in those within it. `below` is its path from the raw folder.
    fn folder(&mut self, folder: &Path, below: &str, depth: usize) {
        let entries = match fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(error) => {
                self.notes.push(DiscoveryNote::Unreadable {
                    folder: folder.to_owned(),
                    reason: error.to_string(),
                });
                return;
            }
        };
        let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
        // Folders list their entries in any order.
        paths.sort();
        for path in paths {
            let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
                self.notes.push(DiscoveryNote::NotUnicode { path });
                continue;
            };
            if name.starts_with('.') {
                continue;
            }
            let below = match below {
                "" => name.to_owned(),
                above => format!("{above}/{name}"),
            };
            let is_folder = path.is_dir();
            if is_raw_name(&path, is_folder) {
                self.file(path, &below);
            } else if is_folder && depth < self.pattern.folders() {
                self.folder(&path, &below, depth + 1);
            }
        }
    }

    fn file(&mut self, path: PathBuf, below: &str) {
        let below = composed(below);
        // An OME-Zarr says so before its extension, which is no part of a dye.
        let plain = without_ome(&below).and_then(|plain| self.pattern.read(&plain));
        let Some(named) = plain.or_else(|| self.pattern.read(&below)) else {
            self.others.push(path);
            return;
        };
        let dyes = match named.dye {
            Some(dye) => vec![dye],
            None => self.dyes.to_vec(),
        };
        let of_sample = self.samples.entry(named.sample).or_default();
        for dye in dyes {
            let files = of_sample.entry(dye).or_default();
            match named.stain {
                Stain::Pre => files.pre.push(path.clone()),
                Stain::Post => files.post.push(path.clone()),
            }
        }
    }
}
