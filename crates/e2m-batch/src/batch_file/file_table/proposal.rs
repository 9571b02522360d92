//! A table of the images that lie below a folder, for people to correct.

use super::COLUMNS;
use e2m_io::{GuessedImage, Stain, StainWords, guess_images};
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

/// What a table says of itself.
const HEAD: &str = "\
# The raw images of a batch: one line for each sample and dye. Files are relative to the folder of this table.\n\
# Correct what was guessed wrongly, and remove lines that are not wanted. Lines that begin with # do not count.\n\
# Further columns are parameters by name, such as channel, page or pixel_size_um (`e2m params` lists them).\n";

/// A table, and what it came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProposedTable {
    /// Its text.
    pub csv: String,
    /// Rows with both images.
    pub complete: usize,
    /// Rows that lack one.
    pub incomplete: usize,
    /// Images that have no place, which are in comments.
    pub unplaced: usize,
}

/// Proposes a table of the TIFFs below `raw_dir`, to lie in `folder`. Words besides the convention's tell pre from post.
///
/// # Errors
/// `raw_dir` cannot be listed.
pub fn propose_table(
    raw_dir: &Path,
    folder: &Path,
    words: &StainWords,
) -> io::Result<ProposedTable> {
    let images = guess_images(raw_dir, words)?;
    let mut rows: BTreeMap<(String, String), [Option<PathBuf>; 2]> = BTreeMap::new();
    let mut unplaced = Vec::new();
    for image in images {
        let GuessedImage {
            path,
            sample,
            dye,
            stain,
        } = image;
        let Some(stain) = stain else {
            unplaced.push((path, "does not tell whether it is pre or post"));
            continue;
        };
        let key = (sample, dye.unwrap_or_else(|| "stain".to_owned()));
        let side = match stain {
            Stain::Pre => 0,
            Stain::Post => 1,
        };
        let place = &mut rows.entry(key).or_default()[side];
        match place {
            None => *place = Some(path),
            Some(_) => unplaced.push((path, "is a second one of its kind")),
        }
    }
    let written = |path: &Path| {
        let below = path.strip_prefix(folder).unwrap_or(path);
        below.to_string_lossy().into_owned()
    };
    let mut writer = csv::Writer::from_writer(Vec::new());
    let mut complete = 0;
    writer.write_record(COLUMNS)?;
    for ((sample, dye), images) in &rows {
        let [pre, post] = images
            .each_ref()
            .map(|path| path.as_deref().map_or_else(String::new, written));
        complete += usize::from(images.iter().all(Option::is_some));
        writer.write_record([sample.clone(), dye.clone(), pre, post])?;
    }
    let table = writer
        .into_inner()
        .map_err(csv::IntoInnerError::into_error)?;
    let mut csv = HEAD.to_owned();
    csv.push_str(&String::from_utf8_lossy(&table));
    for (path, why) in &unplaced {
        csv.push_str(&format!("# {}: {why}\n", written(path)));
    }
    Ok(ProposedTable {
        csv,
        complete,
        incomplete: rows.len() - complete,
        unplaced: unplaced.len(),
    })
}

#[cfg(test)]
mod tests {
    use super::super::FileTable;
    use super::*;
    use e2m_io::Selection;

    #[test]
    fn what_is_proposed_can_be_read_and_finds_its_files() {
        let folder = tempfile::tempdir().expect("a folder");
        let raw = folder.path().join("raw");
        for name in [
            "S1/S1_pre_DAPI.tif",
            "S1/S1_post_DAPI.tif",
            "S1/deep, er/pre/GFP.tif",
            "S1/x.tif",
            "S2_DAPI_post.tif",
            "S1/again/S1_post_DAPI.tif",
        ] {
            let path = raw.join(name);
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
            std::fs::write(path, b"x").expect("written");
        }
        let table = propose_table(&raw, folder.path(), &StainWords::default()).expect("listed");
        assert_eq!(
            (table.complete, table.incomplete, table.unplaced),
            (1, 2, 2)
        );
        let path = folder.path().join("files.csv");
        std::fs::write(&path, &table.csv).expect("written");
        let read = FileTable::read(&path).expect(&table.csv);
        let found = read.discover(&Selection::All, &Selection::All);
        assert_eq!(found.pairs.len(), 1, "{}", table.csv);
        assert_eq!(found.pairs[0].post, raw.join("S1/S1_post_DAPI.tif"));
        assert_eq!(found.missing.len(), 2);
        assert!(
            table.csv.contains("# raw/S1/x.tif: does not tell"),
            "{}",
            table.csv
        );
    }
}
