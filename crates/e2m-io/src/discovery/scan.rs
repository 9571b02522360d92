//! Lists the raw folder and its sample folders, and tells what kind of layout that is.

use super::deeper::DeepSearch;
use super::error::DiscoveryError;
use super::names::{composed, without_ome};
use super::note::DiscoveryNote;
use super::stain::{StainInName, dye_of, stain_of};
use super::words::StainWords;
use crate::raw::is_raw_name;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fs::{self, DirEntry};
use std::io;
use std::path::{Path, PathBuf};

/// The TIFFs of a sample, by dye.
#[derive(Debug, Default)]
pub(super) struct SampleFiles {
    pub(super) folder: PathBuf,
    pub(super) dyes: BTreeMap<String, Vec<NamedFile>>,
    pub(super) tiffs: usize,
    /// TIFFs whose names have no dye.
    pub(super) without_dye: Vec<PathBuf>,
    /// Whether there are folders within.
    pub(super) has_folders: bool,
    /// What the system says where the folder cannot be listed.
    pub(super) unreadable: Option<String>,
    /// Another folder whose name is the same but for the way its accents are written.
    pub(super) twin: Option<PathBuf>,
}

/// A TIFF and what its name says.
#[derive(Debug)]
pub(super) struct NamedFile {
    pub(super) path: PathBuf,
    pub(super) stain: StainInName,
}

/// Everything below a raw folder that could be a sample.
#[derive(Debug, Default)]
pub(super) struct Scan {
    pub(super) samples: BTreeMap<String, SampleFiles>,
    pub(super) notes: Vec<DiscoveryNote>,
}

/// How often each file extension occurs.
#[derive(Debug, Default)]
struct OtherTypes(BTreeMap<String, usize>);

impl OtherTypes {
    fn count(&mut self, name: &str) {
        let extension = Path::new(name)
            .extension()
            .map(|e| e.to_string_lossy().to_lowercase());
        let shown = extension.map_or_else(|| "without extension".to_owned(), |e| format!(".{e}"));
        *self.0.entry(shown).or_default() += 1;
    }

    fn most_frequent_first(self) -> Vec<String> {
        let mut types: Vec<_> = self.0.into_iter().collect();
        types.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        types.into_iter().map(|(name, _)| name).collect()
    }
}

/// Fails where `raw_dir` is no folder.
pub(super) fn check_folder(raw_dir: &Path) -> Result<(), DiscoveryError> {
    match fs::metadata(raw_dir) {
        Ok(metadata) if metadata.is_dir() => Ok(()),
        Ok(_) => Err(DiscoveryError::NotAFolder {
            path: raw_dir.to_owned(),
        }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let parent = raw_dir.ancestors().skip(1).find(|p| p.is_dir());
            Err(DiscoveryError::Missing {
                path: raw_dir.to_owned(),
                parent: parent.map(Path::to_owned),
            })
        }
        Err(source) => Err(DiscoveryError::Unreadable {
            path: raw_dir.to_owned(),
            source,
        }),
    }
}

/// Lists `raw_dir`, where `words` tell pre from post besides these. Fails where nothing in it can be a task.
pub(super) fn scan(raw_dir: &Path, words: &StainWords) -> Result<Scan, DiscoveryError> {
    check_folder(raw_dir)?;
    let mut scan = Scan::default();
    let mut loose = Vec::new();
    let mut others = OtherTypes::default();
    let entries = list(raw_dir, &mut scan.notes).map_err(|source| DiscoveryError::Unreadable {
        path: raw_dir.to_owned(),
        source,
    })?;
    for entry in entries {
        match entry.kind {
            Kind::Folder => {
                let named = (&*entry.path, &*entry.name, words);
                let files = sample_files(named, &mut scan.notes, &mut others);
                match scan.samples.entry(entry.name) {
                    Entry::Vacant(place) => {
                        place.insert(files);
                    }
                    Entry::Occupied(mut place) => place.get_mut().twin = Some(files.folder),
                }
            }
            Kind::Image => loose.push(entry.path),
            Kind::Other => others.count(&entry.name),
        }
    }
    loose.sort();
    check_layout(raw_dir, &mut scan, loose, others)?;
    Ok(scan)
}

/// Tells a usable layout from the ways it can be wrong.
fn check_layout(
    raw_dir: &Path,
    scan: &mut Scan,
    loose: Vec<PathBuf>,
    others: OtherTypes,
) -> Result<(), DiscoveryError> {
    let path = raw_dir.to_owned();
    let usable = scan.samples.values().any(|sample| sample.tiffs > 0);
    match (usable, loose.first()) {
        (true, Some(example)) => scan.notes.push(DiscoveryNote::LooseTiffs {
            folder: path,
            count: loose.len(),
            example: example.clone(),
        }),
        (true, None) => {}
        (false, Some(example)) => {
            return Err(DiscoveryError::LooseTiffs {
                path,
                count: loose.len(),
                example: example.clone(),
                folders: scan.samples.len(),
                sample: sample_of(raw_dir, example),
            });
        }
        (false, None) if !scan.samples.is_empty() => {
            return Err(DiscoveryError::NoTiffs {
                path,
                folders: scan.samples.keys().cloned().collect(),
                other_types: others.most_frequent_first(),
                elsewhere: DeepSearch::new().below(raw_dir).map(Box::new),
                unreadable: scan.samples.values().find_map(|s| s.unreadable.clone()),
            });
        }
        (false, None) if others.0.is_empty() => return Err(DiscoveryError::Empty { path }),
        (false, None) => {
            return Err(DiscoveryError::NothingUsable {
                path,
                other_types: others.most_frequent_first(),
            });
        }
    }
    Ok(())
}

/// The name of a folder, where the file in it has that name too: the folder is a sample's then.
fn sample_of(folder: &Path, file: &Path) -> Option<String> {
    let name = folder.file_name()?.to_str()?;
    let stem = file.file_stem()?.to_str()?;
    let has = stem.to_lowercase().contains(&name.to_lowercase());
    has.then(|| name.to_owned())
}

/// What lies in a sample's folder. One that cannot be listed is no reason to refuse the others.
fn sample_files(
    (folder, sample, words): (&Path, &str, &StainWords),
    notes: &mut Vec<DiscoveryNote>,
    others: &mut OtherTypes,
) -> SampleFiles {
    let mut files = SampleFiles {
        folder: folder.to_owned(),
        ..SampleFiles::default()
    };
    let entries = match list(folder, notes) {
        Ok(entries) => entries,
        Err(error) => {
            files.unreadable = Some(error.to_string());
            return files;
        }
    };
    for entry in entries {
        match entry.kind {
            Kind::Image => {}
            Kind::Folder => {
                files.has_folders = true;
                continue;
            }
            Kind::Other => {
                others.count(&entry.name);
                continue;
            }
        }
        files.tiffs += 1;
        let name = without_ome(&entry.name).unwrap_or_else(|| entry.name.clone());
        let stem = name.rsplit_once('.').map_or(&*name, |(stem, _)| stem);
        match dye_of(stem) {
            Some(dye) => files
                .dyes
                .entry(dye.to_owned())
                .or_default()
                .push(NamedFile {
                    stain: stain_of(stem, sample, words),
                    path: entry.path,
                }),
            None => files.without_dye.push(entry.path),
        }
    }
    for named in files.dyes.values_mut() {
        named.sort_by(|a, b| a.path.cmp(&b.path));
    }
    files.without_dye.sort();
    files
}

enum Kind {
    Folder,
    Image,
    Other,
}

struct Listed {
    /// In the form that names are compared in.
    name: String,
    path: PathBuf,
    kind: Kind,
}

/// What a folder shows: hidden files, broken links and names that are not Unicode are left out.
fn list(folder: &Path, notes: &mut Vec<DiscoveryNote>) -> io::Result<Vec<Listed>> {
    let mut entries = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let path = entry.path();
        let Ok(name) = entry.file_name().into_string() else {
            notes.push(DiscoveryNote::NotUnicode { path });
            continue;
        };
        if name.starts_with('.') {
            continue;
        }
        if let Some(kind) = kind_of(&entry) {
            let name = composed(&name).into_owned();
            entries.push(Listed { name, path, kind });
        }
    }
    // Folders list their entries in any order; which of two of one name comes first must not depend on that.
    entries.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(entries)
}

/// Nothing for a broken link, and for what has gone since it was listed.
fn kind_of(entry: &DirEntry) -> Option<Kind> {
    let mut file_type = entry.file_type().ok()?;
    if file_type.is_symlink() {
        file_type = fs::metadata(entry.path()).ok()?.file_type();
    }
    Some(if is_raw_name(&entry.path(), file_type.is_dir()) {
        Kind::Image
    } else if file_type.is_dir() {
        Kind::Folder
    } else {
        Kind::Other
    })
}
