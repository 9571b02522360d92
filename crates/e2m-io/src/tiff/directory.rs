//! Header and tags of a TIFF file, classic or BigTIFF.

use super::problem::TiffProblem;
use super::tags::ByteOrder;
use crate::section::read_exact_at;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;

/// Pages are counted up to here; more is not worth a longer look.
const MAX_PAGES: usize = 10_000;

/// Directories that are longer have no tags that are worth a look among many pages.
const MAX_LISTED_BYTES: u64 = 1 << 16;

/// An image directory of a file, the first one to begin with.
#[derive(Debug)]
pub(crate) struct Directory<'a> {
    file: &'a File,
    file_bytes: u64,
    pub(crate) byte_order: ByteOrder,
    pub(crate) big_tiff: bool,
    entries: BTreeMap<u16, Entry>,
    /// Where the next directory lies, or 0; `None` where the file ends before it says.
    next: Option<u64>,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    kind: u16,
    count: u64,
    /// The value itself, or where it lies.
    field: [u8; 8],
}

impl<'a> Directory<'a> {
    /// Reads the header and the first directory.
    pub(crate) fn read(file: &'a File, file_bytes: u64) -> Result<Self, TiffProblem> {
        let mut head = [0; 16];
        let have = file_bytes.min(16) as usize;
        read_exact_at(file, &mut head[..have], 0)?;
        let not_tiff = || TiffProblem::NotTiff {
            looks_like: looks_like(&head[..have]),
        };
        let byte_order = match &head[..2] {
            b"II" => ByteOrder::Little,
            b"MM" => ByteOrder::Big,
            _ => return Err(not_tiff()),
        };
        let mut directory = Self {
            file,
            file_bytes,
            byte_order,
            big_tiff: false,
            entries: BTreeMap::new(),
            next: None,
        };
        let first = match directory.number(&head[2..4]) {
            42 if have >= 8 => directory.number(&head[4..8]),
            43 if have >= 16 && directory.number(&head[4..8]) == directory.big_mark() => {
                directory.big_tiff = true;
                directory.number(&head[8..16])
            }
            42 | 43 => {
                return Err(TiffProblem::Truncated {
                    part: "the TIFF header".into(),
                    ends_at: 16,
                    file_bytes,
                });
            }
            _ => return Err(not_tiff()),
        };
        if first == 0 {
            return Err(TiffProblem::damaged(
                "it holds no image directory; whatever wrote it did not finish",
            ));
        }
        directory.load(first)?;
        Ok(directory)
    }

    /// Offset size 8 and a reserved zero, read as one number of four bytes.
    fn big_mark(&self) -> u64 {
        match self.byte_order {
            ByteOrder::Little => 8,
            ByteOrder::Big => 8 << 16,
        }
    }

    /// How many images the file holds; a broken chain ends the count.
    pub(crate) fn pages(&self) -> usize {
        self.later_pages().0.len() + 1
    }

    /// Where the directories behind this one lie, and whether a further one should that the file does not hold.
    pub(crate) fn later_pages(&self) -> (Vec<u64>, bool) {
        let (mut seen, mut later) = (BTreeSet::new(), Vec::new());
        let mut next = self.next.unwrap_or(0);
        while next != 0 && seen.len() < MAX_PAGES && seen.insert(next) {
            // Without the tags between: directories may overlap, and all of their tags together take any time to read.
            let Ok((start, body)) = self.body(next) else {
                return (later, true);
            };
            later.push(next);
            next = self.link(start + body).unwrap_or(0);
        }
        (later, false)
    }

    /// Another directory of the file, and how many bytes its entries take.
    pub(crate) fn at(&self, offset: u64) -> Result<(Self, u64), TiffProblem> {
        let mut other = Self {
            entries: BTreeMap::new(),
            next: None,
            ..*self
        };
        let (_, bytes) = self.body(offset)?;
        if bytes <= MAX_LISTED_BYTES {
            other.load(offset)?;
        }
        Ok((other, bytes))
    }

    /// The directory of page `page`, from the first one, which is 1.
    pub(crate) fn turn_to(mut self, page: usize) -> Result<Self, TiffProblem> {
        if page == 1 {
            return Ok(self);
        }
        let pages = self.pages();
        if page > pages || page == 0 {
            return Err(TiffProblem::NoChannel {
                wanted: page.to_string(),
                holds: format!("{pages} pages, 1 to {pages}"),
            });
        }
        let mut at = self.next.unwrap_or(0);
        for _ in 2..page {
            let (start, body) = self.body(at)?;
            at = self.link(start + body).unwrap_or(0);
        }
        self.entries.clear();
        self.load(at)?;
        Ok(self)
    }

    /// Whether the link behind the directory is there, which some writers leave out and e2m writes last of all.
    pub(crate) fn is_linked(&self) -> bool {
        self.next.is_some()
    }

    fn load(&mut self, offset: u64) -> Result<(), TiffProblem> {
        let (raw, next) = self.raw_entries(offset)?;
        let step = self.entry_bytes();
        for entry in raw.chunks_exact(step) {
            let tag = self.number(&entry[..2]) as u16;
            let kind = self.number(&entry[2..4]) as u16;
            let mut field = [0; 8];
            let (count, value) = if self.big_tiff {
                (self.number(&entry[4..12]), &entry[12..20])
            } else {
                (self.number(&entry[4..8]), &entry[8..12])
            };
            field[..value.len()].copy_from_slice(value);
            self.entries
                .entry(tag)
                .or_insert(Entry { kind, count, field });
        }
        self.next = next;
        Ok(())
    }

    /// The bytes of all entries of the directory at `offset`, and where the next one lies.
    fn raw_entries(&self, offset: u64) -> Result<(Vec<u8>, Option<u64>), TiffProblem> {
        let (start, body) = self.body(offset)?;
        let raw = self.bytes_at(start, body, directory_name)?;
        Ok((raw, self.link(start + body)))
    }

    /// Where the entries of the directory at `offset` begin, and how many bytes they take; they end within the file.
    fn body(&self, offset: u64) -> Result<(u64, u64), TiffProblem> {
        let count_bytes = if self.big_tiff { 8 } else { 2 };
        let count = self.number(&self.bytes_at(offset, count_bytes, directory_name)?);
        let body = count
            .checked_mul(self.entry_bytes() as u64)
            .ok_or_else(|| TiffProblem::damaged(format!("a directory of {count} tags")))?;
        let start = offset + count_bytes;
        self.check_end(start, body, directory_name)?;
        Ok((start, body))
    }

    /// Where the directory lies that a link at `offset` points to. Some writers leave out the link behind the last one.
    fn link(&self, offset: u64) -> Option<u64> {
        let link_bytes = if self.big_tiff { 8 } else { 4 };
        let link = self.bytes_at(offset, link_bytes, directory_name).ok()?;
        Some(self.number(&link))
    }

    fn entry_bytes(&self) -> usize {
        if self.big_tiff { 20 } else { 12 }
    }

    /// Whether the tag is there.
    pub(crate) fn has(&self, tag: u16) -> bool {
        self.entries.contains_key(&tag)
    }

    /// How many values the tag has; 0 where it is not there.
    pub(crate) fn count(&self, tag: u16) -> u64 {
        self.entries.get(&tag).map_or(0, |entry| entry.count)
    }

    /// The first value of a tag of fractions, or of a number.
    pub(crate) fn fraction(&self, tag: u16) -> Result<Option<f64>, TiffProblem> {
        let Some(entry) = self.entries.get(&tag).copied() else {
            return Ok(None);
        };
        if entry.kind != 5 || entry.count == 0 {
            return Ok(self
                .unsigned(tag)
                .ok()
                .flatten()
                .map(|number| number as f64));
        }
        let bytes = self.value_bytes(tag, entry, 8)?;
        let (above, below) = (self.number(&bytes[..4]), self.number(&bytes[4..]));
        Ok((below > 0).then(|| above as f64 / below as f64))
    }

    /// The single or first unsigned number of a tag.
    pub(crate) fn unsigned(&self, tag: u16) -> Result<Option<u64>, TiffProblem> {
        let Some(entry) = self.entries.get(&tag).copied() else {
            return Ok(None);
        };
        let size = unsigned_bytes(tag, entry.kind)?;
        if entry.count == 0 {
            return Ok(None);
        }
        let bytes = self.value_bytes(tag, entry, size)?;
        Ok(Some(self.number(&bytes)))
    }

    /// All unsigned numbers of a tag; more than `most` are not what the tag means.
    pub(crate) fn unsigneds(&self, tag: u16, most: u64) -> Result<Option<Vec<u64>>, TiffProblem> {
        let Some(entry) = self.entries.get(&tag).copied() else {
            return Ok(None);
        };
        let size = unsigned_bytes(tag, entry.kind)?;
        if entry.count > most {
            return Err(TiffProblem::damaged(format!(
                "tag {tag} holds {} numbers where at most {most} make sense",
                entry.count
            )));
        }
        let bytes = self.value_bytes(tag, entry, entry.count.saturating_mul(size))?;
        let numbers = bytes.chunks_exact(size as usize);
        Ok(Some(numbers.map(|b| self.number(b)).collect()))
    }

    /// The bytes of a tag of texts or undefined bytes, at most `most` of them.
    pub(crate) fn bytes(&self, tag: u16, most: u64) -> Result<Option<Vec<u8>>, TiffProblem> {
        match self.entries.get(&tag).copied() {
            Some(entry) if matches!(entry.kind, 1 | 2 | 7) => self
                .value_bytes(tag, entry, entry.count.min(most))
                .map(Some),
            _ => Ok(None),
        }
    }

    /// The first `length` bytes of an entry's value, which may lie in its field or elsewhere.
    fn value_bytes(&self, tag: u16, entry: Entry, length: u64) -> Result<Vec<u8>, TiffProblem> {
        let room = if self.big_tiff { 8 } else { 4 };
        let whole = entry.count.saturating_mul(type_bytes(entry.kind));
        if whole <= room {
            return Ok(entry.field[..length as usize].to_vec());
        }
        let offset = self.number(&entry.field[..room as usize]);
        self.bytes_at(offset, length, || format!("the value of tag {tag}"))
    }

    fn bytes_at(
        &self,
        offset: u64,
        length: u64,
        part: impl Fn() -> String,
    ) -> Result<Vec<u8>, TiffProblem> {
        self.check_end(offset, length, part)?;
        let mut bytes = vec![0; length as usize];
        read_exact_at(self.file, &mut bytes, offset)?;
        Ok(bytes)
    }

    /// Fails where `length` bytes at `offset` would not end within the file.
    fn check_end(
        &self,
        offset: u64,
        length: u64,
        part: impl Fn() -> String,
    ) -> Result<(), TiffProblem> {
        let ends_at = offset.saturating_add(length);
        if ends_at <= self.file_bytes {
            return Ok(());
        }
        Err(TiffProblem::Truncated {
            part: part(),
            ends_at,
            file_bytes: self.file_bytes,
        })
    }

    /// An unsigned number of up to eight bytes in the file's order.
    fn number(&self, bytes: &[u8]) -> u64 {
        let join = |number, &byte: &u8| number << 8 | u64::from(byte);
        match self.byte_order {
            ByteOrder::Little => bytes.iter().rev().fold(0, join),
            ByteOrder::Big => bytes.iter().fold(0, join),
        }
    }
}

fn directory_name() -> String {
    "the image directory".to_owned()
}

/// Bytes of one value of a TIFF field type; unknown types count as bytes.
fn type_bytes(kind: u16) -> u64 {
    match kind {
        3 | 8 => 2,
        4 | 9 | 11 | 13 => 4,
        5 | 10 | 12 | 16 | 17 | 18 => 8,
        _ => 1,
    }
}

fn unsigned_bytes(tag: u16, kind: u16) -> Result<u64, TiffProblem> {
    match kind {
        1 | 3 | 4 | 13 | 16 | 18 => Ok(type_bytes(kind)),
        _ => Err(TiffProblem::damaged(format!(
            "tag {tag} is of field type {kind}, which is not an unsigned number"
        ))),
    }
}

/// What a file that is not a TIFF looks like, from its first bytes.
fn looks_like(head: &[u8]) -> String {
    let known: [(&[u8], &str); 14] = [
        (b"\x89PNG", "a PNG image"),
        (b"\xff\xd8\xff", "a JPEG image"),
        (b"GIF8", "a GIF image"),
        (b"BM", "a BMP image"),
        (b"ZISRAWFILE", "a Zeiss CZI file; export it as TIFF"),
        (
            b"\x89HDF",
            "an HDF5 file (perhaps Imaris); export it as TIFF",
        ),
        (b"\x70\x00\x00\x00", "a Leica LIF file; export it as TIFF"),
        (b"\xda\xce\xbe\x0a", "a Nikon ND2 file; export it as TIFF"),
        (
            b"\xd0\xcf\x11\xe0",
            "an OLE file (perhaps Olympus OIB or Zeiss ZVI); export it as TIFF",
        ),
        (b"SIMPLE  =", "a FITS file"),
        (b"\x00\x00\x00\x0cjP", "a JPEG 2000 image"),
        (b"PK\x03\x04", "a ZIP archive"),
        (b"\x1f\x8b", "a gzip file"),
        (b"%PDF", "a PDF document"),
    ];
    if head.is_empty() {
        return "an empty file".into();
    }
    if head.iter().all(|&b| b == 0) {
        return "filled with zeros, as after an interrupted copy".into();
    }
    if let Some((_, name)) = known.iter().find(|(magic, _)| head.starts_with(magic)) {
        return (*name).to_owned();
    }
    if head
        .iter()
        .all(|b| b.is_ascii_graphic() || b.is_ascii_whitespace())
    {
        return "a text file".into();
    }
    let shown: Vec<_> = head.iter().take(4).map(|b| format!("{b:02x}")).collect();
    format!(
        "something else (it begins with the bytes {})",
        shown.join(" ")
    )
}
