//! What the raw images of a folder may be, whatever their names look like: for people to correct, never taken for a task.

use super::names::plain;
use super::stain::{Stain, StainInName, stain_of};
use super::words::StainWords;
use super::{composed, stain};
use crate::raw::is_raw_name;
use std::collections::VecDeque;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Folders within folders that are looked into.
const MAX_DEPTH: usize = 8;
/// Images that are listed, at most.
const MAX_IMAGES: usize = 100_000;

/// An image, and what its path suggests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GuessedImage {
    /// The file.
    pub path: PathBuf,
    /// The sample: the first folder below the raw one, or for an image that lies directly in it what its name begins with.
    pub sample: String,
    /// The dye: the last part of its name that is neither sample nor stain; none where nothing is left.
    pub dye: Option<String>,
    /// The stain; none where the name does not tell.
    pub stain: Option<Stain>,
}

/// Lists all TIFFs below `raw_dir`, sorted by path, with what their paths suggest.
///
/// # Errors
/// `raw_dir` cannot be listed. Folders within it that cannot be listed are passed over.
pub fn guess_images(raw_dir: &Path, words: &StainWords) -> io::Result<Vec<GuessedImage>> {
    let mut folders = VecDeque::from([(raw_dir.to_owned(), 0)]);
    let mut images = Vec::new();
    let mut entries = Some(fs::read_dir(raw_dir)?);
    while let Some((folder, depth)) = folders.pop_front() {
        let listed = entries.take().or_else(|| fs::read_dir(&folder).ok());
        for entry in listed.into_iter().flatten().flatten() {
            let path = entry.path();
            let hidden = entry.file_name().to_string_lossy().starts_with('.');
            if hidden || images.len() >= MAX_IMAGES {
                continue;
            }
            let is_folder = path.is_dir();
            if is_raw_name(&path, is_folder) {
                images.extend(guess(raw_dir, path, words));
            } else if is_folder && depth < MAX_DEPTH {
                folders.push_back((path, depth + 1));
            }
        }
    }
    images.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(images)
}

/// Nothing for a name that is not Unicode.
fn guess(raw_dir: &Path, path: PathBuf, words: &StainWords) -> Option<GuessedImage> {
    let stem = composed(path.file_stem()?.to_str()?).into_owned();
    let stem = plain(&stem).to_owned();
    let folders: Vec<String> = path
        .strip_prefix(raw_dir)
        .ok()?
        .parent()?
        .components()
        .map(|folder| composed(&folder.as_os_str().to_string_lossy()).into_owned())
        .collect();
    let parts: Vec<&str> = stem.split('_').filter(|part| !part.is_empty()).collect();
    let is_stain = |part: &str| stain::is_word(part) || words.in_name(part) != [false, false];
    let sample = match folders.first() {
        Some(folder) => folder.clone(),
        None => {
            let before: Vec<&str> = parts
                .iter()
                .copied()
                .take_while(|part| !is_stain(part))
                .collect();
            match before.as_slice() {
                [] => stem.clone(),
                // S1_DAPI_pre: the dye is the last of them.
                [first, _] if parts.last().is_some_and(|last| is_stain(last)) => {
                    (*first).to_owned()
                }
                parts => parts.join("_"),
            }
        }
    };
    let in_name = match stain_of(&stem, &sample, words) {
        StainInName::Named(stain) => Some(stain),
        StainInName::Silent | StainInName::Ambiguous => None,
    };
    // Exports by session put the stain into a folder: S1/pre/DAPI.tif.
    let in_folder = || {
        let inner = folders.iter().skip(1).rev();
        inner
            .into_iter()
            .find_map(|folder| match stain_of(folder, "", words) {
                StainInName::Named(stain) => Some(stain),
                StainInName::Silent | StainInName::Ambiguous => None,
            })
    };
    let of_sample: Vec<&str> = sample.split('_').collect();
    let mut left = parts
        .iter()
        .rev()
        .filter(|part| !is_stain(part) && !of_sample.contains(*part));
    Some(GuessedImage {
        dye: left.next().map(|part| (*part).to_owned()),
        stain: in_name.or_else(in_folder),
        sample,
        path,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_many_labs() {
        let words = StainWords {
            pre: vec!["before".into(), "unstained".into()],
            post: vec!["after".into(), "stained".into()],
        };
        use Stain::{Post, Pre};
        for (path, sample, dye, stain) in [
            (
                "CD070/CD070_PreStain_DAPI.tif",
                "CD070",
                Some("DAPI"),
                Some(Pre),
            ),
            (
                "CD070/2024-03-01/after_DAPI.tif",
                "CD070",
                Some("DAPI"),
                Some(Post),
            ),
            ("CD070/unstained/DAPI.tif", "CD070", Some("DAPI"), Some(Pre)),
            ("S1_DAPI_post.tif", "S1", Some("DAPI"), Some(Post)),
            ("S1_pre_DAPI.tif", "S1", Some("DAPI"), Some(Pre)),
            ("S1/stained_GFP.ome.tif", "S1", Some("GFP"), Some(Post)),
            ("S1/S1_DAPI.tif", "S1", Some("DAPI"), None),
            ("S1/before.tif", "S1", None, Some(Pre)),
        ] {
            let found = guess(Path::new("/raw"), Path::new("/raw").join(path), &words).expect(path);
            assert_eq!(found.sample, sample, "{path}");
            assert_eq!(found.dye.as_deref(), dye, "{path}");
            assert_eq!(found.stain, stain, "{path}");
        }
    }
}
