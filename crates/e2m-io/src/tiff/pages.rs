//! The images of a file, by the few tags that tell them apart.

use super::directory::Directory;
use super::problem::TiffProblem;
use super::tags;
use e2m_image::Size;
use std::fs::File;

/// Bytes of directories that are looked at: directories may overlap, and all of them together take any time to read.
const MAX_DIRECTORY_BYTES: u64 = 16 << 20;
/// Descriptions are read up to here: OME-XML of many planes is long.
const MAX_DESCRIPTION_BYTES: u64 = 16 << 20;
/// Names of pages are read up to here.
const MAX_NAME_BYTES: u64 = 200;
/// NewSubfileType: a copy of another page in lower resolution, and a transparency mask of one. Both bits are set in labels.
const REDUCED: u64 = 1;
const MASK: u64 = 4;
/// SubfileType of old: a copy in lower resolution.
const OLD_REDUCED: u64 = 2;

/// A page, as far as it is needed to choose among pages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PageOutline {
    /// The first one is 1.
    pub(crate) number: usize,
    /// `None` where the directory does not tell.
    pub(crate) size: Option<Size>,
    /// Whether it says that it is a copy in lower resolution, a label or a mask.
    pub(crate) is_reduced: bool,
    /// Its name (tag 285).
    pub(crate) name: Option<String>,
}

/// What is to be known of a file before one of its pages is chosen.
#[derive(Debug)]
pub(crate) struct FileOutline {
    /// In order. A broken chain ends the list, and so do directories that are too long to be any.
    pub(crate) pages: Vec<PageOutline>,
    /// Whether a further page should follow that the file does not hold, as when it was copied in part.
    pub(crate) is_cut: bool,
    /// The description of the first page.
    pub(crate) description: Option<String>,
    /// Pixels per unit along x and y, and the code of the unit, of the first page.
    pub(crate) resolution: Option<([f64; 2], u64)>,
}

impl FileOutline {
    /// Looks at the directories of a file.
    pub(crate) fn read(file: &File, file_bytes: u64) -> Result<Self, TiffProblem> {
        let first = Directory::read(file, file_bytes)?;
        let description = first.bytes(tags::IMAGE_DESCRIPTION, MAX_DESCRIPTION_BYTES);
        let per_unit = |tag| first.fraction(tag).ok().flatten().filter(|&n| n > 0.0);
        let unit = first.unsigned(tags::RESOLUTION_UNIT).ok().flatten();
        let (pages, is_cut) = pages(&first);
        Ok(Self {
            pages,
            is_cut,
            description: description
                .ok()
                .flatten()
                .map(|bytes| super::layout::text(&bytes)),
            resolution: per_unit(tags::X_RESOLUTION)
                .zip(per_unit(tags::Y_RESOLUTION))
                .map(|(x, y)| ([x, y], unit.unwrap_or(2))),
        })
    }
}

/// The pages of a file, and whether a further one is missing.
fn pages(first: &Directory<'_>) -> (Vec<PageOutline>, bool) {
    let mut pages = vec![outline(first, 1)];
    let mut looked_at = 0;
    let (later, is_cut) = first.later_pages();
    for offset in later {
        let Ok((page, bytes)) = first.at(offset) else {
            break;
        };
        looked_at += bytes;
        if looked_at > MAX_DIRECTORY_BYTES {
            break;
        }
        pages.push(outline(&page, pages.len() + 1));
    }
    (pages, is_cut)
}

fn outline(page: &Directory<'_>, number: usize) -> PageOutline {
    let value = |tag| page.unsigned(tag).ok().flatten();
    let size = match (value(tags::IMAGE_WIDTH), value(tags::IMAGE_LENGTH)) {
        (Some(width @ 1..), Some(height @ 1..)) => Some(Size::new(width as usize, height as usize)),
        _ => None,
    };
    let kind = value(tags::NEW_SUBFILE_TYPE).unwrap_or(0);
    let old = value(tags::SUBFILE_TYPE) == Some(OLD_REDUCED);
    let name = page.bytes(tags::PAGE_NAME, MAX_NAME_BYTES).ok().flatten();
    PageOutline {
        number,
        size,
        is_reduced: old || kind & (REDUCED | MASK) != 0,
        name: name
            .map(|bytes| super::layout::text(&bytes).trim().to_owned())
            .filter(|name| !name.is_empty()),
    }
}
