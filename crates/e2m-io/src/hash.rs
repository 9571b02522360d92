//! Content hashes and what the file system says about a file.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::path::Path;
use std::str::FromStr;
use xxhash_rust::xxh3::Xxh3;

/// Files are hashed in pieces of this size.
const PIECE_BYTES: usize = 1 << 20;
/// Folders within folders are looked at so deep.
const MAX_DEPTH: usize = 16;

/// A 128 bit xxh3 hash; shown and serialised as `xxh3:` and 32 hexadecimal digits.
///
/// It tells different contents apart; it is no defence against someone who wants two files to collide.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ContentHash(u128);

impl fmt::Display for ContentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "xxh3:{:032x}", self.0)
    }
}

impl ContentHash {
    /// One hash of several contents, whatever their order.
    pub(crate) fn of_all(hashes: impl IntoIterator<Item = Self>) -> Self {
        let add = |sum: u128, hash: Self| sum.wrapping_add(hash.0);
        Self(hashes.into_iter().fold(0, add))
    }
}

/// A text that is not a [`ContentHash`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a content hash: {0:?} (expected xxh3: and 32 hexadecimal digits)")]
pub struct HashParseError(String);

impl FromStr for ContentHash {
    type Err = HashParseError;

    fn from_str(text: &str) -> Result<Self, HashParseError> {
        let wrong = || HashParseError(text.to_owned());
        let digits = text.strip_prefix("xxh3:").ok_or_else(wrong)?;
        if digits.len() != 32 || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(wrong());
        }
        u128::from_str_radix(digits, 16)
            .map(Self)
            .map_err(|_| wrong())
    }
}

impl TryFrom<String> for ContentHash {
    type Error = HashParseError;

    fn try_from(text: String) -> Result<Self, HashParseError> {
        text.parse()
    }
}

impl From<ContentHash> for String {
    fn from(hash: ContentHash) -> Self {
        hash.to_string()
    }
}

/// Hashes the bytes of the file at `path` without holding more than a piece of it.
pub fn content_hash(path: &Path) -> io::Result<ContentHash> {
    content_hash_of(File::open(path)?)
}

/// The same of whatever can be read, in pieces of 1 MiB: for those who want to know how far it is.
pub fn content_hash_of(mut content: impl Read) -> io::Result<ContentHash> {
    let mut piece = vec![0; PIECE_BYTES];
    let mut state = Xxh3::new();
    loop {
        match content.read(&mut piece) {
            Ok(0) => return Ok(ContentHash(state.digest128())),
            Ok(read) => state.update(&piece[..read]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// Hashes content piece by piece, as it is written: the same as [`content_hash_of`] all of it.
#[derive(Clone, Default)]
pub struct ContentHasher {
    state: Xxh3,
}

impl ContentHasher {
    /// Adds the next piece.
    pub fn update(&mut self, piece: &[u8]) {
        self.state.update(piece);
    }

    /// The hash of all pieces so far.
    pub fn finish(&self) -> ContentHash {
        ContentHash(self.state.digest128())
    }
}

impl fmt::Debug for ContentHasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ContentHasher")
            .field(&self.finish())
            .finish()
    }
}

/// Hashes float pixels, row by row, as little-endian bytes: the same for every file format.
#[derive(Clone)]
pub(crate) struct PixelHasher {
    state: Xxh3,
}

impl PixelHasher {
    pub(crate) fn new() -> Self {
        Self { state: Xxh3::new() }
    }

    pub(crate) fn update(&mut self, row: &[f32]) {
        if cfg!(target_endian = "little") {
            self.state.update(bytemuck::cast_slice(row));
        } else {
            for pixel in row {
                self.state.update(&pixel.to_le_bytes());
            }
        }
    }

    /// The same of pixels that are bytes.
    pub(crate) fn update_bytes(&mut self, row: &[u8]) {
        self.state.update(row);
    }

    pub(crate) fn finish(&self) -> ContentHash {
        ContentHash(self.state.digest128())
    }
}

impl fmt::Debug for PixelHasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PixelHasher({})", self.finish())
    }
}

/// What the file system says about a file: enough to tell cheaply that it was probably not replaced.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileIdentity {
    /// Length in bytes.
    pub bytes: u64,
    /// Time of the last change of the content, RFC 3339 with nanoseconds, UTC.
    pub modified: String,
    /// Time of the last change of content or metadata in nanoseconds since 1970; 0 where there is none. Unlike
    /// `modified` it cannot be set by hand.
    #[serde(default)]
    pub changed_ns: i128,
    /// Number of the file in its file system; 0 where there is none.
    #[serde(default)]
    pub inode: u64,
}

impl FileIdentity {
    /// Asks the file system about the file at `path`, following symbolic links. Of a folder it is the length of all files in it, and
    /// the latest of each time, so that whatever changes within is seen; the number is the folder's own.
    pub fn of(path: &Path) -> io::Result<Self> {
        let about = std::fs::metadata(path)?;
        let mut all = Self::from_metadata(&about)?;
        if about.is_dir() {
            all.bytes = 0;
            all.add_below(path, MAX_DEPTH)?;
        }
        Ok(all)
    }

    /// Adds what lies below a folder, in folders within folders so deep: links may lead in circles.
    fn add_below(&mut self, folder: &Path, depth: usize) -> io::Result<()> {
        for entry in std::fs::read_dir(folder)? {
            let path = entry?.path();
            let about = std::fs::metadata(&path)?;
            let one = Self::from_metadata(&about)?;
            self.changed_ns = self.changed_ns.max(one.changed_ns);
            // All are in UTC and of one length.
            self.modified = std::mem::take(&mut self.modified).max(one.modified);
            if !about.is_dir() {
                self.bytes = self.bytes.saturating_add(one.bytes);
            } else if depth > 0 {
                self.add_below(&path, depth - 1)?;
            }
        }
        Ok(())
    }

    /// That of a file of which the file system has said so much.
    pub(crate) fn from_metadata(metadata: &Metadata) -> io::Result<Self> {
        let modified = jiff::Timestamp::try_from(metadata.modified()?)
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
        let (changed_ns, inode) = change_and_inode(metadata);
        Ok(Self {
            bytes: metadata.len(),
            modified: format!("{modified:.9}"),
            changed_ns,
            inode,
        })
    }
}

#[cfg(unix)]
fn change_and_inode(metadata: &Metadata) -> (i128, u64) {
    use std::os::unix::fs::MetadataExt;
    let ns = i128::from(metadata.ctime()) * 1_000_000_000 + i128::from(metadata.ctime_nsec());
    (ns, metadata.ino())
}

#[cfg(not(unix))]
fn change_and_inode(_: &Metadata) -> (i128, u64) {
    (0, 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_that_of_the_content_and_reads_back() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("file");
        std::fs::write(&path, b"").expect("writes");
        let empty = content_hash(&path).expect("hashes");
        assert_eq!(empty.to_string(), "xxh3:99aa06d3014798d86001c324468d497f");
        assert_eq!(empty.to_string().parse(), Ok(empty));
        std::fs::write(&path, vec![7; 3 * PIECE_BYTES + 5]).expect("writes");
        assert_ne!(content_hash(&path).expect("hashes"), empty);
        for wrong in [
            "",
            "xxh3:",
            "xxh3:+0000000000000000000000000000001",
            "md5:00",
        ] {
            assert!(wrong.parse::<ContentHash>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn pixels_hash_the_same_however_they_are_cut() {
        let pixels: Vec<f32> = (0..1000).map(|i| i as f32 / 7.0).collect();
        let mut whole = PixelHasher::new();
        whole.update(&pixels);
        let mut cut = PixelHasher::new();
        for part in pixels.chunks(33) {
            cut.update(part);
        }
        assert_eq!(whole.finish(), cut.finish());
    }

    #[test]
    fn the_identity_of_a_folder_is_that_of_all_in_it() {
        let folder = tempfile::tempdir().expect("folder");
        let image = folder.path().join("x.zarr");
        std::fs::create_dir_all(image.join("0/1")).expect("made");
        std::fs::write(image.join("0/1/chunk"), [7; 100]).expect("written");
        std::fs::write(image.join(".zattrs"), "{}").expect("written");
        let identity = || FileIdentity::of(&image).expect("identity");
        let before = identity();
        assert_eq!((before.bytes, &identity()), (102, &before));
        std::fs::write(image.join("0/1/chunk"), [8; 100]).expect("written");
        let changed = identity();
        assert_ne!(changed, before);
        std::fs::remove_file(image.join("0/1/chunk")).expect("removed");
        assert_ne!(identity(), changed);
    }

    #[test]
    fn an_identity_notices_a_rewrite() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("file");
        std::fs::write(&path, b"one").expect("writes");
        let before = FileIdentity::of(&path).expect("identity");
        assert_eq!(before.bytes, 3);
        assert!(before.modified.ends_with('Z'), "{}", before.modified);
        std::fs::write(&path, b"three").expect("writes");
        assert_ne!(FileIdentity::of(&path).expect("identity"), before);
    }
}
