//! TIFFs that lie deeper than they are looked for: found for messages only, never taken for a task.

use super::names::overlooked;
use crate::raw::is_raw_name;
use std::collections::VecDeque;
use std::fs;
use std::path::{Path, PathBuf};

/// Folders within folders that are looked into, from the sample's folder or the raw folder down. Exports by date, session
/// and channel have three.
const MAX_DEPTH: usize = 5;
/// Entries of folders that are looked at in all for one discovery: a second on a network disk.
const MAX_ENTRIES: usize = 20_000;

/// TIFFs that lie where none are looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TiffsElsewhere {
    /// How many were seen.
    pub count: usize,
    /// Whether the search was given up before it had seen everything.
    pub at_least: bool,
    /// The one that lies least deep, the first by name.
    pub example: PathBuf,
}

/// A search with a limit.
#[derive(Debug)]
pub(super) struct DeepSearch {
    entries_left: usize,
}

impl DeepSearch {
    pub(super) fn new() -> Self {
        Self {
            entries_left: MAX_ENTRIES,
        }
    }

    /// The TIFFs in the folders within `folder`; not those in `folder` itself.
    pub(super) fn below(&mut self, folder: &Path) -> Option<TiffsElsewhere> {
        self.find(folder, 1, |_| true)
    }

    /// The TIFFs below `raw_dir` that have the sample's name in their own, or in that of a folder they lie in which is none of
    /// the sample folders.
    pub(super) fn of_sample(&mut self, raw_dir: &Path, sample: &str) -> Option<TiffsElsewhere> {
        let sample = overlooked(sample);
        if sample.is_empty() {
            return None;
        }
        self.find(raw_dir, 0, |path| {
            let below = path.strip_prefix(raw_dir).unwrap_or(path);
            names(below, &sample)
        })
    }

    /// Breadth first, so that the example lies least deep. Names are sorted, as folders list them in any order.
    fn find(
        &mut self,
        folder: &Path,
        least_depth: usize,
        is_wanted: impl Fn(&Path) -> bool,
    ) -> Option<TiffsElsewhere> {
        let mut found: Option<TiffsElsewhere> = None;
        let mut at_least = false;
        let mut folders = VecDeque::from([(folder.to_owned(), 0)]);
        while let Some((folder, depth)) = folders.pop_front() {
            let (paths, all) = self.entries(&folder);
            at_least |= !all;
            for path in paths {
                let is_folder = path.is_dir();
                let is_raw = is_raw_name(&path, is_folder);
                if is_folder && !is_raw {
                    at_least |= depth == MAX_DEPTH;
                    if depth < MAX_DEPTH {
                        folders.push_back((path, depth + 1));
                    }
                } else if depth >= least_depth && is_raw && is_wanted(&path) {
                    let found = found.get_or_insert(TiffsElsewhere {
                        count: 0,
                        at_least: false,
                        example: path,
                    });
                    found.count += 1;
                }
            }
        }
        found.map(|found| TiffsElsewhere { at_least, ..found })
    }

    /// What a folder shows, sorted, and whether that is all of it. A folder that cannot be read shows nothing.
    fn entries(&mut self, folder: &Path) -> (Vec<PathBuf>, bool) {
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        let mut paths: Vec<PathBuf> = entries
            .filter(|entry| !entry.file_name().to_string_lossy().starts_with('.'))
            .take(self.entries_left + 1)
            .map(|entry| entry.path())
            .collect();
        let all = paths.len() <= self.entries_left;
        paths.truncate(self.entries_left);
        self.entries_left -= paths.len();
        paths.sort();
        (paths, all)
    }
}

/// Whether a path below the raw folder names a sample, as [`overlooked`]: a folder that is not the first, or a word of the file's
/// name. The first folder is another sample, or this one misspelt, which has a hint of its own.
fn names(below: &Path, sample: &str) -> bool {
    let is_sample = |name: &str| overlooked(name) == sample;
    let folders = below.parent().unwrap_or(Path::new(""));
    let mut folders = folders.iter().map(|name| name.to_string_lossy());
    if folders.next().is_some_and(|first| is_sample(&first)) {
        return false;
    }
    let stem = below.file_stem().unwrap_or_default().to_string_lossy();
    folders.any(|name| is_sample(&name)) || stem.split(['_', '-', ' ', '.']).any(is_sample)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(files: &[&str]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().expect("a folder");
        for file in files {
            let path = dir.path().join(file);
            fs::create_dir_all(path.parent().expect("a folder")).expect("creates");
            fs::write(path, b"").expect("writes");
        }
        dir
    }

    #[test]
    fn the_search_is_bounded_in_depth_and_number() {
        let dir = tree(&[
            "a/b/c/d/e/x.tif",
            "a/b/c/d/e/f/y.tif",
            "a/z.TIFF",
            "top.tif",
        ]);
        let found = DeepSearch::new().below(dir.path()).expect("some");
        assert_eq!((found.count, found.at_least), (2, true));
        assert_eq!(found.example, dir.path().join("a/z.TIFF"));
        let mut short = DeepSearch { entries_left: 1 };
        assert_eq!(short.below(dir.path()), None);
        assert_eq!(short.entries_left, 0);
    }

    #[cfg(unix)]
    #[test]
    fn links_in_a_circle_come_to_an_end() {
        let dir = tree(&["a/x.tif"]);
        std::os::unix::fs::symlink(dir.path(), dir.path().join("a/again")).expect("links");
        let found = DeepSearch::new().below(dir.path()).expect("some");
        assert!(found.count >= 1 && found.at_least);
    }

    #[test]
    fn a_sample_is_found_by_any_part_of_the_path() {
        let dir = tree(&["2024/CD063/x.tif", "cd063_post_DAPI.tif", "CD064/y.tif"]);
        let found = DeepSearch::new()
            .of_sample(dir.path(), "CD063")
            .expect("some");
        assert_eq!(found.count, 2);
        assert_eq!(found.example, dir.path().join("cd063_post_DAPI.tif"));
        for other in ["CD070", "CD06", "cd064", "D063", ""] {
            assert_eq!(
                DeepSearch::new().of_sample(dir.path(), other),
                None,
                "{other}"
            );
        }
    }
}
