//! Pairs as files: TIFFs written band by band, and the truth beside them.

use crate::camera::{to_u8, to_u16};
use crate::colour::Colours;
use crate::{Channels, Compression, FixtureError, Recipe, Side, World};
use e2m_image::{PixelType, Size};
use ndarray::{Array2, ArrayView2, Axis};
use rayon::prelude::*;
use std::fs::File;
use std::io::{BufWriter, Seek, Write};
use std::path::{Path, PathBuf};
use tiff::TiffError;
use tiff::encoder::compression::{CompressionAlgorithm, Deflate, Lzw};
use tiff::encoder::{DirectoryEncoder, TiffEncoder, TiffKind};
use tiff::tags::Tag;

/// How the files of a pair are called; `{sample}` and `{dye}` are filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileNames {
    /// The post image.
    pub post: String,
    /// The pre image.
    pub pre: String,
    /// The truth.
    pub truth: String,
}

impl Default for FileNames {
    fn default() -> Self {
        Self {
            post: "{sample}_PostStain_{dye}.tif".into(),
            pre: "{sample}_PreStain_{dye}.tif".into(),
            truth: "{sample}_{dye}_truth.json".into(),
        }
    }
}

/// The files of one pair.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrittenPair {
    /// The post image.
    pub post: PathBuf,
    /// The pre image.
    pub pre: PathBuf,
    /// The truth.
    pub truth: PathBuf,
}

/// Renders a pair into `{dir}/{sample}/` under the default [`FileNames`].
pub fn write_pair(
    recipe: &Recipe,
    dir: &Path,
    sample: &str,
    dye: &str,
) -> Result<WrittenPair, FixtureError> {
    write_pair_as(recipe, dir, sample, dye, &FileNames::default())
}

/// Renders a pair into `{dir}/{sample}/`, creating the folder.
pub fn write_pair_as(
    recipe: &Recipe,
    dir: &Path,
    sample: &str,
    dye: &str,
    names: &FileNames,
) -> Result<WrittenPair, FixtureError> {
    let folder = dir.join(sample);
    let path = |name: &str| folder.join(name.replace("{sample}", sample).replace("{dye}", dye));
    let pair = WrittenPair {
        post: path(&names.post),
        pre: path(&names.pre),
        truth: path(&names.truth),
    };
    std::fs::create_dir_all(&folder).map_err(|source| FixtureError::Io {
        path: folder.clone(),
        source,
    })?;
    let world = World::new(recipe)?;
    world.write_tiff(Side::Post, &pair.post)?;
    world.write_tiff(Side::Pre, &pair.pre)?;
    world.truth().write(&pair.truth)?;
    Ok(pair)
}

/// From this many bytes of pixels on, classic TIFF's 32 bit offsets would not do.
const BIG_TIFF_BYTES: u64 = (4 << 30) - (32 << 20);

/// Bytes of rendered floats held at a time.
const BAND_BYTES: usize = 24 << 20;

impl World {
    /// Renders one image into a TIFF, holding only a band of it: as the recipe's pixel type, channels and layout say.
    pub fn write_tiff(&self, side: Side, path: &Path) -> Result<(), FixtureError> {
        let file = File::create(path).map_err(|source| FixtureError::Io {
            path: path.to_owned(),
            source,
        })?;
        let raw_bytes = self.size(side).pixels()
            * (self.samples_per_pixel(side) * self.recipe().pixel.bytes()) as u64;
        let mut file = BufWriter::with_capacity(1 << 20, file);
        let written = if raw_bytes > BIG_TIFF_BYTES {
            TiffEncoder::new_big(&mut file).and_then(|mut tiff| self.encode(side, &mut tiff))
        } else {
            TiffEncoder::new(&mut file).and_then(|mut tiff| self.encode(side, &mut tiff))
        };
        written
            .and_then(|()| file.flush().map_err(TiffError::from))
            .map_err(|source| FixtureError::Tiff {
                path: path.to_owned(),
                source,
            })
    }

    fn samples_per_pixel(&self, side: Side) -> usize {
        self.recipe().channels_of(side).samples()
    }

    /// Writes one directory whose strips are rendered, packed and compressed band by band.
    ///
    /// The strips are compressed here because the encoder's own `write_strip` leaves them as they are.
    fn encode<W: Write + Seek, K: TiffKind>(
        &self,
        side: Side,
        tiff: &mut TiffEncoder<W, K>,
    ) -> Result<(), TiffError> {
        let size = self.size(side);
        let strip_rows = self.recipe().tiff.rows_per_strip.min(size.height);
        let strips_per_band = (BAND_BYTES / (4 * size.width * strip_rows)).max(1);
        let mut directory = tiff.image_directory()?;
        let (mut offsets, mut byte_counts) = (Vec::new(), Vec::new());
        for first in (0..size.height).step_by(strip_rows * strips_per_band) {
            let end = (first + strip_rows * strips_per_band).min(size.height);
            let counts: Array2<f32> = self.render_rows(side, first..end);
            let strips: Vec<Result<Vec<u8>, TiffError>> = counts
                .axis_chunks_iter(Axis(0), strip_rows)
                .into_par_iter()
                .enumerate()
                .map(|(i, strip)| self.compress(self.pack(side, first + i * strip_rows, strip)))
                .collect();
            for strip in strips {
                let strip = strip?;
                offsets.push(directory.write_data(strip.as_slice())?);
                byte_counts.push(strip.len() as u64);
            }
        }
        self.write_tags(&mut directory, side, strip_rows)?;
        write_extents(&mut directory, Tag::StripOffsets, &offsets)?;
        write_extents(&mut directory, Tag::StripByteCounts, &byte_counts)?;
        directory.finish()
    }

    /// Rounds a strip of counts and lays it out in bytes, channels interleaved, in the machine's byte order (which is
    /// the one the encoder declares).
    fn pack(&self, side: Side, first_row: usize, strip: ArrayView2<'_, f32>) -> Vec<u8> {
        if let Some(colours) = Colours::of(self.recipe(), side) {
            return self.pack_colours(&colours, first_row, strip);
        }
        let channels = self.recipe().channels_of(side);
        let scale = self.recipe().counts_scale as f32;
        let mut bytes = Vec::with_capacity(
            strip.len() * self.samples_per_pixel(side) * self.recipe().pixel.bytes(),
        );
        for &counts in strip {
            match self.recipe().pixel {
                PixelType::U8 => {
                    let v = to_u8(counts);
                    spread(channels, v, 0, v - v / 4, v / 4, |v| bytes.push(v));
                }
                PixelType::U16 => {
                    let v = to_u16(counts * scale);
                    let put = |v: u16| bytes.extend_from_slice(&v.to_ne_bytes());
                    spread(channels, v, 0, v - v / 4, v / 4, put);
                }
                PixelType::F32 => {
                    let v = counts * scale;
                    let put = |v: f32| bytes.extend_from_slice(&v.to_ne_bytes());
                    spread(channels, v, 0.0, v - 0.25 * v, 0.25 * v, put);
                }
            }
        }
        bytes
    }

    /// The same where colours hold shares of the signal, each with noise of its own.
    fn pack_colours(
        &self,
        colours: &Colours,
        first_row: usize,
        strip: ArrayView2<'_, f32>,
    ) -> Vec<u8> {
        let scale = self.recipe().counts_scale as f32;
        let mut bytes = Vec::with_capacity(strip.len() * 3 * self.recipe().pixel.bytes());
        for ((y, x), &counts) in strip.indexed_iter() {
            for counts in colours.split(counts, x, first_row + y) {
                match self.recipe().pixel {
                    PixelType::U8 => bytes.push(to_u8(counts)),
                    PixelType::U16 => bytes.extend(to_u16(counts * scale).to_ne_bytes()),
                    PixelType::F32 => bytes.extend((counts * scale).to_ne_bytes()),
                }
            }
        }
        bytes
    }

    fn compress(&self, bytes: Vec<u8>) -> Result<Vec<u8>, TiffError> {
        let mut packed = Vec::new();
        match self.recipe().tiff.compression {
            Compression::None => return Ok(bytes),
            Compression::Lzw => Lzw.write_to(&mut packed, &bytes)?,
            Compression::Deflate => Deflate::default().write_to(&mut packed, &bytes)?,
        };
        Ok(packed)
    }

    fn write_tags<W: Write + Seek, K: TiffKind>(
        &self,
        directory: &mut DirectoryEncoder<'_, W, K>,
        side: Side,
        strip_rows: usize,
    ) -> Result<(), TiffError> {
        let size: Size = self.size(side);
        let channels = self.recipe().channels_of(side);
        let samples = channels.samples();
        let bits = (8 * self.recipe().pixel.bytes()) as u16;
        let (unsigned, float) = (1u16, 3u16);
        let format = match self.recipe().pixel {
            PixelType::U8 | PixelType::U16 => unsigned,
            PixelType::F32 => float,
        };
        let compression: u16 = match self.recipe().tiff.compression {
            Compression::None => 1,
            Compression::Lzw => 5,
            Compression::Deflate => 8,
        };
        let (black_is_zero, rgb, palette, chunky) = (1u16, 2u16, 3u16, 1u16);
        directory.write_tag(Tag::ImageWidth, size.width as u32)?;
        directory.write_tag(Tag::ImageLength, size.height as u32)?;
        directory.write_tag(Tag::BitsPerSample, vec![bits; samples].as_slice())?;
        directory.write_tag(Tag::Compression, compression)?;
        let photometric = match channels {
            Channels::Grey => black_is_zero,
            Channels::GreyPalette => palette,
            _ => rgb,
        };
        if channels == Channels::GreyPalette {
            let greys = (0..=u16::from(u8::MAX)).map(|grey| 257 * grey);
            let table: Vec<u16> = [greys.clone(), greys.clone(), greys]
                .into_iter()
                .flatten()
                .collect();
            directory.write_tag(Tag::ColorMap, table.as_slice())?;
        }
        directory.write_tag(Tag::PhotometricInterpretation, photometric)?;
        directory.write_tag(Tag::SamplesPerPixel, samples as u16)?;
        directory.write_tag(Tag::RowsPerStrip, strip_rows as u32)?;
        directory.write_tag(Tag::PlanarConfiguration, chunky)?;
        directory.write_tag(Tag::SampleFormat, vec![format; samples].as_slice())
    }
}

/// Puts a value into its channel, or its two parts into two.
#[inline]
fn spread<P: Copy>(
    channels: Channels,
    value: P,
    zero: P,
    most: P,
    rest: P,
    mut put: impl FnMut(P),
) {
    let rgb = match channels {
        Channels::Grey | Channels::GreyPalette => return put(value),
        Channels::Red => [value, zero, zero],
        Channels::Green => [zero, value, zero],
        Channels::Blue => [zero, zero, value],
        Channels::GreenBlue => [zero, most, rest],
        Channels::GreyRgb => [value; 3],
    };
    rgb.into_iter().for_each(&mut put);
}

/// Offsets and lengths as 64 bit numbers where they need it; classic TIFF has 32 bit ones only.
fn write_extents<W: Write + Seek, K: TiffKind>(
    directory: &mut DirectoryEncoder<'_, W, K>,
    tag: Tag,
    values: &[u64],
) -> Result<(), TiffError> {
    let narrow: Result<Vec<u32>, _> = values.iter().map(|&v| u32::try_from(v)).collect();
    match narrow {
        Ok(narrow) => directory.write_tag(tag, narrow.as_slice()),
        Err(_) => directory.write_tag(tag, values),
    }
}
