//! Reads back what was written, to tell whether it still is that.

use crate::error::ExportError;
use e2m_io::{ContentHash, ContentHasher};
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::Path;
use tiff::decoder::Decoder;
use tiff::tags::{IfdPointer, Tag};
use tiff::{Directory, TiffResult};

/// Tiles are read in pieces of this size.
const PIECE_BYTES: u64 = 1 << 20;
/// More levels than any image has.
const MAX_LEVELS: usize = 64;
/// More channels than any file has.
const MAX_CHANNELS: usize = 4096;

/// The hash of all tiles of an OME-TIFF, in the order in which they are in the file.
///
/// Of a file of [`write_ome_tiff`](crate::write_ome_tiff) it is that of its [`OmeTiff`](crate::OmeTiff), as long as no tile and no
/// directory was changed. `on_bytes` is told how much was read, piece by piece; where it fails, so does this.
///
/// # Errors
/// A file that cannot be read, or is no TIFF of tiles; what `on_bytes` says.
pub fn tiles_hash(
    path: &Path,
    on_bytes: &mut dyn FnMut(u64) -> io::Result<()>,
) -> Result<ContentHash, ExportError> {
    let failed = |source| ExportError::Io {
        action: "read",
        path: path.to_owned(),
        source,
    };
    let file = File::open(path).map_err(failed)?;
    let length = file.metadata().map_err(failed)?.len();
    let mut places = tiles_of(BufReader::new(file)).map_err(ExportError::tiff("read", path))?;
    places.sort_unstable();
    let mut file = File::open(path).map_err(failed)?;
    let mut hasher = ContentHasher::default();
    let mut piece = Vec::new();
    for (offset, bytes) in places {
        if offset.checked_add(bytes).is_none_or(|end| end > length) {
            return Err(failed(io::ErrorKind::UnexpectedEof.into()));
        }
        file.seek(SeekFrom::Start(offset)).map_err(failed)?;
        let mut left = bytes;
        while left > 0 {
            piece.resize(left.min(PIECE_BYTES) as usize, 0);
            file.read_exact(&mut piece).map_err(failed)?;
            hasher.update(&piece);
            left -= piece.len() as u64;
            on_bytes(piece.len() as u64).map_err(failed)?;
        }
    }
    Ok(hasher.finish())
}

/// Where the tiles of all levels of all channels are, and how long.
fn tiles_of(file: BufReader<File>) -> TiffResult<Vec<(u64, u64)>> {
    let mut decoder = Decoder::new(file)?;
    let mut places = Vec::new();
    let mut next = decoder.ifd_pointer();
    for _ in 0..MAX_CHANNELS {
        let Some(place) = next else {
            break;
        };
        let directory = decoder.read_directory(place)?;
        next = directory.next();
        add_tiles(&mut decoder, &directory, &mut places)?;
        for place in numbers(&mut decoder, &directory, Tag::SubIfd)?
            .into_iter()
            .take(MAX_LEVELS)
        {
            let level = decoder.read_directory(IfdPointer(place))?;
            add_tiles(&mut decoder, &level, &mut places)?;
        }
    }
    Ok(places)
}

fn add_tiles(
    decoder: &mut Decoder<BufReader<File>>,
    directory: &Directory,
    places: &mut Vec<(u64, u64)>,
) -> TiffResult<()> {
    let offsets = numbers(decoder, directory, Tag::TileOffsets)?;
    let lengths = numbers(decoder, directory, Tag::TileByteCounts)?;
    places.extend(offsets.into_iter().zip(lengths));
    Ok(())
}

/// The numbers of a tag; none where there is no such tag.
fn numbers(
    decoder: &mut Decoder<BufReader<File>>,
    directory: &Directory,
    tag: Tag,
) -> TiffResult<Vec<u64>> {
    let found = decoder.read_directory_tags(directory).find_tag(tag)?;
    found.map_or(Ok(Vec::new()), tiff::decoder::ifd::Value::into_u64_vec)
}
