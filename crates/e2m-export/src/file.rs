//! The TIFF around the channels: directories, and the file that appears whole or not at all.
//!
//! A file is a BigTIFF, whatever its size: how well tiles compress is not known before they are written, and every reader of pyramids
//! knows BigTIFF. Tiles come first, then the directories: those of the smaller levels of a channel, the largest first, and the
//! channel's own, which names them as SubIFDs.
//!
//! The `tiff` crate writes directories, through its [`DirectoryEncoder`]. Its encoder of whole images writes strips only, knows no
//! SubIFDs, and compresses on one thread.

use crate::error::ExportError;
use crate::image::{Compression, OmeImage};
use crate::ome::SOFTWARE;
use crate::plane::{TilePlace, TileSink, band_bytes, write_plane};
use crate::tiles::{self, Codec, TILE_PX};
use e2m_image::{BandSource, PixelType, Size};
use e2m_io::{AtomicFile, ContentHash, ContentHasher};
use std::borrow::Cow;
use std::fs::File;
use std::io::{self, BufReader, Seek, Write};
use std::mem::ManuallyDrop;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use tiff::decoder::Decoder;
use tiff::encoder::{DirectoryEncoder, Rational, TiffEncoder, TiffKindBig, TiffValue};
use tiff::tags::{
    CompressionMethod, PhotometricInterpretation, Predictor, ResolutionUnit, SampleFormat, Tag,
    Type,
};
use tiff::{TiffError, TiffResult};

/// A NewSubfileType: of an image in full resolution, and in reduced resolution.
const FULL_RESOLUTION: u32 = 0;
const REDUCED_RESOLUTION: u32 = 1;
/// Micrometres of a centimetre, the unit of the resolution tags.
const CENTIMETRE_UM: f64 = 10_000.0;
/// Resolutions are fractions with a power of ten below.
const MAX_DENOMINATOR: u32 = 1_000_000_000;
/// Where a tile is and how long, once for each level, and once more while a directory is written.
const TILE_ENTRY_BYTES: u64 = 64;
/// Descriptions, directories and the rest.
const BASE_BYTES: u64 = 1 << 20;

/// A text that is not only ASCII, of which the `tiff` crate writes none. It holds no byte that is zero.
struct Utf8<'a>(&'a str);

impl TiffValue for Utf8<'_> {
    const BYTE_LEN: u8 = 1;
    const FIELD_TYPE: Type = Type::ASCII;

    fn count(&self) -> usize {
        self.0.len() + 1
    }

    fn data(&self) -> Cow<'_, [u8]> {
        Cow::Owned([self.0.as_bytes(), &[0]].concat())
    }
}

type Encoder<W> = TiffEncoder<W, TiffKindBig>;

/// A level of a channel in the file.
struct StoredLevel {
    size: Size,
    /// Where tiles are in the file, row by row.
    offsets: Vec<u64>,
    /// Their lengths.
    lengths: Vec<u64>,
}

/// The tiles of one channel on their way into the file.
struct TiffPlane<'a, W: Write + Seek> {
    encoder: &'a mut Encoder<W>,
    codec: Codec,
    samples: PixelType,
    levels: Vec<StoredLevel>,
    /// A tile of zeros, which is compressed once.
    zeros: Option<Vec<u8>>,
    hasher: &'a mut ContentHasher,
}

impl<W: Write + Seek> TileSink for TiffPlane<'_, W> {
    fn codec(&self) -> Codec {
        self.codec
    }

    fn samples(&self) -> PixelType {
        self.samples
    }

    fn put(&mut self, place: TilePlace, tile: Option<&[u8]>) -> io::Result<()> {
        let bytes = match (tile, &mut self.zeros) {
            (Some(bytes), _) => bytes,
            (None, Some(zeros)) => zeros,
            (None, none) => none.insert(tiles::stored_zeros(self.codec, self.samples)?),
        };
        self.hasher.update(bytes);
        let offset = append(self.encoder, bytes)?;
        if let Some(level) = self.levels.get_mut(place.level) {
            level.offsets.push(offset);
            level.lengths.push(bytes.len() as u64);
        }
        Ok(())
    }
}

/// A file that was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OmeTiff {
    /// Where it is.
    pub path: PathBuf,
    /// Its length.
    pub bytes: u64,
    /// Levels of each channel, the full resolution counted.
    pub levels: usize,
    /// The hash of all tiles, in the order in which they are in the file: what [`tiles_hash`](crate::tiles_hash) finds in it.
    pub hash: ContentHash,
}

/// The most bytes of memory that [`write_ome_tiff`] holds for channels of `size`, sources not counted; `threads` compress.
pub fn memory_bytes(size: Size, channels: usize, threads: usize) -> u64 {
    let tile = TILE_PX * TILE_PX;
    let tiles = 2 * size.pixels() / tile as u64 + (size.width + size.height) as u64 / 64 + 64;
    band_bytes(size)
        + tiles::memory_bytes(size.width, threads)
        + channels as u64 * tiles * TILE_ENTRY_BYTES
        + BASE_BYTES
}

/// Writes `image` with the pixels of `sources`, one for each channel, as a pyramidal OME-TIFF at `path`, whose folder has to exist.
///
/// Each source is read once, from top to bottom, one after another. After each band `on_pixels` gets the number of pixels it had;
/// [`ControlFlow::Break`] ends with [`ExportError::Interrupted`]. A file that is there already is replaced in the last moment.
///
/// Resolution tags are written where the pixel size is known, in each level for its own pixels.
///
/// # Errors
/// What does not fit together ([`ExportError::Channels`], [`ExportError::ChannelSize`], [`ExportError::Size`],
/// [`ExportError::PixelSize`]) before anything is written; what sources and the file system say. Nothing remains of the file then.
pub fn write_ome_tiff(
    path: &Path,
    image: &OmeImage,
    sources: &mut [&mut dyn BandSource],
    on_pixels: &mut dyn FnMut(u64) -> ControlFlow<()>,
) -> Result<OmeTiff, ExportError> {
    write_ome_tiff_of(PixelType::F32, path, image, sources, on_pixels)
}

/// The same with samples of another type. Pixels have to be whole numbers that it holds, as those of raw images are; pixels of smaller
/// levels are rounded, and what the type does not hold is cut off at its ends.
///
/// # Errors
/// As [`write_ome_tiff`].
pub fn write_ome_tiff_of(
    samples: PixelType,
    path: &Path,
    image: &OmeImage,
    sources: &mut [&mut dyn BandSource],
    on_pixels: &mut dyn FnMut(u64) -> ControlFlow<()>,
) -> Result<OmeTiff, ExportError> {
    check(path, image, sources)?;
    let mut file = AtomicFile::create(path)?;
    let (bytes, hash) = write_all(&mut file, path, (image, samples), sources, on_pixels)?;
    file.commit()?;
    Ok(OmeTiff {
        path: path.to_owned(),
        bytes,
        hash,
        levels: crate::level_sizes(image.size).len(),
    })
}

/// The description of the first image of a TIFF: of a file of [`write_ome_tiff`], its [`OmeImage::ome_xml`].
///
/// Directories stand at the end of these files, so that one that was cut off has none.
///
/// # Errors
/// A file that is not there, or no TIFF with a description.
pub fn description(path: &Path) -> Result<String, ExportError> {
    let file = File::open(path).map_err(|source| ExportError::Io {
        action: "read",
        path: path.to_owned(),
        source,
    })?;
    Decoder::new(BufReader::new(file))
        .and_then(|mut decoder| decoder.get_tag_ascii_string(Tag::ImageDescription))
        .map_err(ExportError::tiff("read", path))
}

/// Whether what is to be written fits together.
pub(crate) fn check(
    path: &Path,
    image: &OmeImage,
    sources: &[&mut dyn BandSource],
) -> Result<(), ExportError> {
    let path = || path.to_owned();
    if image.channels.len() != sources.len() || sources.is_empty() {
        return Err(ExportError::Channels {
            path: path(),
            channels: image.channels.len(),
            sources: sources.len(),
        });
    }
    let size = image.size;
    let is_axis = |length: usize| length > 0 && u32::try_from(length).is_ok();
    if !is_axis(size.width) || !is_axis(size.height) {
        return Err(ExportError::Size { path: path(), size });
    }
    for (channel, source) in image.channels.iter().zip(sources) {
        if source.size() != size {
            return Err(ExportError::ChannelSize {
                path: path(),
                channel: channel.name.clone(),
                found: source.size(),
                expected: size,
            });
        }
    }
    if let Some(um) = image.pixel_um
        && um.iter().any(|um| resolution(*um, 1.0).is_none())
    {
        return Err(ExportError::PixelSize { path: path(), um });
    }
    Ok(())
}

/// Writes everything and answers with the length of the file and the hash of its tiles.
fn write_all(
    file: &mut AtomicFile,
    path: &Path,
    (image, samples): (&OmeImage, PixelType),
    sources: &mut [&mut dyn BandSource],
    on_pixels: &mut dyn FnMut(u64) -> ControlFlow<()>,
) -> Result<(u64, ContentHash), ExportError> {
    let written = ExportError::tiff;
    let mut encoder = TiffEncoder::new_big(&mut *file).map_err(written("write", path))?;
    let mut planes: Vec<Vec<StoredLevel>> = Vec::new();
    let mut hasher = ContentHasher::default();
    for (channel, source) in image.channels.iter().zip(sources) {
        let mut plane = TiffPlane {
            encoder: &mut encoder,
            codec: Codec::of_tiff(image.compression),
            samples,
            levels: levels_of(image.size),
            zeros: None,
            hasher: &mut hasher,
        };
        write_plane(*source, channel.pyramid, &mut plane, on_pixels)
            .map_err(|error| error.of(path, &channel.name))?;
        planes.push(plane.levels);
    }
    let description = image.ome_xml_of(samples);
    for (index, levels) in planes.iter().enumerate() {
        let description = (index == 0).then_some(description.as_str());
        write_directories(&mut encoder, (image, samples), levels, description)
            .map_err(written("write", path))?;
    }
    let bytes = file
        .seek(io::SeekFrom::End(0))
        .map_err(|source| ExportError::Io {
            action: "write",
            path: path.to_owned(),
            source,
        })?;
    Ok((bytes, hasher.finish()))
}

/// The levels of a channel before any tile is written.
fn levels_of(size: Size) -> Vec<StoredLevel> {
    let sizes = crate::level_sizes(size).into_iter();
    let empty = |size| StoredLevel {
        size,
        offsets: Vec::new(),
        lengths: Vec::new(),
    };
    sizes.map(empty).collect()
}

/// Writes a tile and tells where.
fn append<W: Write + Seek>(encoder: &mut Encoder<W>, bytes: &[u8]) -> io::Result<u64> {
    // A directory that was only opened to write data must not be written itself, as it would be when dropped.
    encoder
        .extra_directory()
        .and_then(|directory| ManuallyDrop::new(directory).write_data(bytes))
        .map_err(|error| match error {
            TiffError::IoError(error) => error,
            error => io::Error::other(error),
        })
}

/// Writes the directories of a channel: its smaller levels, then itself.
fn write_directories<W: Write + Seek>(
    encoder: &mut Encoder<W>,
    image: (&OmeImage, PixelType),
    levels: &[StoredLevel],
    description: Option<&str>,
) -> TiffResult<()> {
    let Some((full, smaller)) = levels.split_first() else {
        return Ok(());
    };
    let mut places: Vec<u64> = Vec::new();
    for level in smaller {
        let mut directory = encoder.extra_directory()?;
        describe(&mut directory, image, level, REDUCED_RESOLUTION)?;
        places.push(directory.finish_with_offsets()?.offset);
    }
    let mut directory = encoder.image_directory()?;
    describe(&mut directory, image, full, FULL_RESOLUTION)?;
    if let Some(text) = description {
        directory.write_tag(Tag::ImageDescription, Utf8(text))?;
    }
    if !places.is_empty() {
        directory.write_tag(Tag::SubIfd, &places[..])?;
    }
    directory.finish()
}

fn describe<W: Write + Seek>(
    directory: &mut DirectoryEncoder<'_, W, TiffKindBig>,
    (image, samples): (&OmeImage, PixelType),
    level: &StoredLevel,
    subfile: u32,
) -> TiffResult<()> {
    let compression = match image.compression {
        Compression::Deflate => CompressionMethod::Deflate,
        Compression::None => CompressionMethod::None,
    };
    directory.write_tag(Tag::NewSubfileType, subfile)?;
    directory.write_tag(Tag::ImageWidth, level.size.width as u32)?;
    directory.write_tag(Tag::ImageLength, level.size.height as u32)?;
    directory.write_tag(Tag::BitsPerSample, 8 * samples.bytes() as u16)?;
    directory.write_tag(Tag::Compression, compression.to_u16())?;
    directory.write_tag(
        Tag::PhotometricInterpretation,
        PhotometricInterpretation::BlackIsZero.to_u16(),
    )?;
    directory.write_tag(Tag::SamplesPerPixel, 1_u16)?;
    directory.write_tag(Tag::PlanarConfiguration, 1_u16)?;
    directory.write_tag(Tag::Software, SOFTWARE)?;
    directory.write_tag(Tag::Predictor, Predictor::None.to_u16())?;
    directory.write_tag(Tag::TileWidth, TILE_PX as u32)?;
    directory.write_tag(Tag::TileLength, TILE_PX as u32)?;
    directory.write_tag(Tag::TileOffsets, &level.offsets[..])?;
    directory.write_tag(Tag::TileByteCounts, &level.lengths[..])?;
    let format = match samples {
        PixelType::F32 => SampleFormat::IEEEFP,
        PixelType::U8 | PixelType::U16 => SampleFormat::Uint,
    };
    directory.write_tag(Tag::SampleFormat, format.to_u16())?;
    if let Some([x, y]) = image.pixel_um {
        let times = |full: usize, own: usize| full as f64 / own as f64;
        let x = resolution(x, times(image.size.width, level.size.width));
        let y = resolution(y, times(image.size.height, level.size.height));
        if let (Some(x), Some(y)) = (x, y) {
            directory.write_tag(Tag::XResolution, x)?;
            directory.write_tag(Tag::YResolution, y)?;
            directory.write_tag(Tag::ResolutionUnit, ResolutionUnit::Centimeter.to_u16())?;
        }
    }
    Ok(())
}

/// Pixels of `um` micrometres, `times` as large, in a centimetre: the most precise fraction that TIFF can hold.
fn resolution(um: f64, times: f64) -> Option<Rational> {
    let per_centimetre = CENTIMETRE_UM / (um * times);
    let mut d = MAX_DENOMINATOR;
    loop {
        let n = (per_centimetre * f64::from(d)).round();
        if (1.0..=f64::from(u32::MAX)).contains(&n) {
            return Some(Rational { n: n as u32, d });
        }
        // Too large, and not NaN.
        if d == 1 || n.is_nan() || n < 1.0 {
            return None;
        }
        d /= 10;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resolutions_are_as_precise_as_they_can_be() {
        for um in [0.001, 0.01, 0.325, 1.0 / 3.0, 1.0, 10.0, 99.9, 1000.0] {
            let Rational { n, d } = resolution(um, 1.0).expect("a resolution");
            let back = CENTIMETRE_UM * f64::from(d) / f64::from(n);
            assert!((back / um - 1.0).abs() < 2e-9, "{um}: {n}/{d} = {back}");
        }
        for wrong in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e-9, 1e20] {
            assert!(resolution(wrong, 1.0).is_none(), "{wrong}");
        }
    }
}
