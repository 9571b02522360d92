//! What is wrong with a raw folder as a whole, in sentences.

use super::deeper::TiffsElsewhere;
use std::io;
use std::path::{Path, PathBuf};

/// How raw files are to be laid out, for messages.
const LAYOUT: &str = "expected one folder per sample with its images in it, such as \
    CD070/CD070_PreStain_DAPI.tif and CD070/CD070_PostStain_DAPI.tif";
/// Files named in a message before it says how many more there are.
const MAX_FILES_NAMED: usize = 4;

/// A raw folder that no task can be taken from.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DiscoveryError {
    /// There is no such folder.
    #[error("raw_dir {} does not exist{}; {LAYOUT}", path.display(), existing(parent.as_deref()))]
    Missing {
        /// The folder.
        path: PathBuf,
        /// The nearest folder above it that exists.
        parent: Option<PathBuf>,
    },
    /// It is a file.
    #[error("raw_dir {} is a file, not a folder; name the folder that holds the sample folders", path.display())]
    NotAFolder {
        /// The file.
        path: PathBuf,
    },
    /// It, or a sample folder, cannot be listed.
    #[error("cannot list {}: {source}", path.display())]
    Unreadable {
        /// The folder.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// It is empty.
    #[error("raw_dir {} is empty; {LAYOUT}", path.display())]
    Empty {
        /// The folder.
        path: PathBuf,
    },
    /// There are TIFFs, but directly in raw_dir.
    #[error(
        "{count} image files such as {} lie directly in raw_dir {}{}; {}move them into one folder per sample: {LAYOUT}",
        example.display(), path.display(), beside(*folders), one_too_deep(path, sample.as_deref())
    )]
    LooseTiffs {
        /// The folder.
        path: PathBuf,
        /// TIFFs in it.
        count: usize,
        /// One of them.
        example: PathBuf,
        /// Folders in it, none of which holds TIFFs.
        folders: usize,
        /// The name of the folder, where its files have that name too, as those of a sample do.
        sample: Option<String>,
    },
    /// There are folders, but no TIFFs in them.
    #[error(
        "none of the {} folders in raw_dir {} ({}) holds an image file{}{}{}; {LAYOUT}",
        folders.len(), path.display(), name_some(folders), others(other_types), deeper(path, elsewhere.as_deref()),
        unlisted(unreadable.as_deref())
    )]
    NoTiffs {
        /// The raw folder.
        path: PathBuf,
        /// The folders in it.
        folders: Vec<String>,
        /// Extensions of the files found instead, most frequent first.
        other_types: Vec<String>,
        /// TIFFs in folders within them.
        elsewhere: Option<Box<TiffsElsewhere>>,
        /// What the system says of a folder that cannot be listed.
        unreadable: Option<String>,
    },
    /// No TIFF fits the pattern.
    #[error(
        "no image file below raw_dir {} fits the pattern {pattern:?}{}; its {{stain}} is pre, post or a word listed under [files], and `*` \
         stands for anything within a name",
        path.display(), unfitting(*count, example.as_deref())
    )]
    NothingFits {
        /// The raw folder.
        path: PathBuf,
        /// The pattern.
        pattern: String,
        /// TIFFs that were looked at.
        count: usize,
        /// One of them.
        example: Option<PathBuf>,
    },
    /// There is neither a folder nor a TIFF.
    #[error("raw_dir {} holds neither sample folders nor image files{}; {LAYOUT}", path.display(), others(other_types))]
    NothingUsable {
        /// The folder.
        path: PathBuf,
        /// Extensions of the files in it, most frequent first.
        other_types: Vec<String>,
    },
}

/// TIFFs that a pattern does not fit, as a part of a sentence.
fn unfitting(count: usize, example: Option<&Path>) -> String {
    match example {
        Some(example) => format!(" ({count} do not, such as {})", example.display()),
        None => " (there is none as deep as the pattern goes)".to_owned(),
    }
}

/// What to do where raw_dir is a sample's folder.
fn one_too_deep(path: &Path, sample: Option<&str>) -> String {
    match (sample, path.parent()) {
        (Some(sample), Some(above)) => format!(
            "if {sample:?} is the sample, raw_dir is the folder above it, {}; else ",
            above.display()
        ),
        _ => String::new(),
    }
}

/// TIFFs that lie deeper than in the sample folders of `raw_dir`, as a part of a sentence.
fn deeper(raw_dir: &Path, elsewhere: Option<&TiffsElsewhere>) -> String {
    let Some(found) = elsewhere else {
        return String::new();
    };
    let lies = format!(
        "; {} deeper, such as {}, and have to lie directly in the folder of their sample",
        lie(found),
        found.example.display()
    );
    // raw/2024/CD070/CD070_….tif: the folder above the one that names the file holds the samples.
    let folder = found.example.parent().unwrap_or(raw_dir);
    let above = folder.parent().unwrap_or(raw_dir);
    let named = |name: &str| {
        let stem = found.example.file_stem().unwrap_or_default();
        stem.to_string_lossy()
            .to_lowercase()
            .contains(&name.to_lowercase())
    };
    match folder.file_name().and_then(|name| name.to_str()) {
        Some(sample) if above != raw_dir && above.starts_with(raw_dir) && named(sample) => format!(
            "{lies}; if {sample:?} is a sample, set raw_dir to {}",
            above.display()
        ),
        _ => lies,
    }
}

/// `3 TIFF files lie`, `at least 500 TIFF files lie`.
pub(super) fn lie(found: &TiffsElsewhere) -> String {
    let at_least = if found.at_least { "at least " } else { "" };
    match found.count {
        1 => format!("{at_least}1 image file lies"),
        n => format!("{at_least}{n} image files lie"),
    }
}

fn unlisted(reason: Option<&str>) -> String {
    reason.map_or_else(String::new, |reason| {
        format!("; a folder there cannot be listed ({reason})")
    })
}

fn existing(parent: Option<&Path>) -> String {
    parent.map_or_else(String::new, |p| format!(" ({} does)", p.display()))
}

fn beside(folders: usize) -> String {
    match folders {
        0 => String::new(),
        1 => ", beside a folder without images".into(),
        n => format!(", beside {n} folders without images"),
    }
}

fn others(types: &[String]) -> String {
    if types.is_empty() {
        return String::new();
    }
    format!(", only files of type {}", name_some(types))
}

/// The first few names, and how many more there are.
pub(super) fn name_some(names: &[String]) -> String {
    let shown = names[..names.len().min(MAX_FILES_NAMED)].join(", ");
    match names.len().saturating_sub(MAX_FILES_NAMED) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

/// The same for files, by their names alone.
pub(super) fn name_files(files: &[PathBuf]) -> String {
    let names: Vec<_> = files
        .iter()
        .map(|f| {
            f.file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned()
        })
        .collect();
    name_some(&names)
}
