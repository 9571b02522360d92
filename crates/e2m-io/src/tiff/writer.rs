//! The TIFF files of checkpoints: one channel of floats in strips, the directory behind the pixels.
//!
//! The `tiff` crate writes directories and strips through its
//! [`DirectoryEncoder`](tiff::encoder::DirectoryEncoder). Its encoder of whole images will not do: it has no floating-point
//! predictor, does not compress strips that are given one by one, and borrows the file from the first row to the last.

use super::deflate::StripDeflater;
use super::strips::{rows_per_strip, strip_count};
use e2m_image::Size;
use std::fmt;
use std::io::{self, Seek, SeekFrom, Write};
use std::mem::ManuallyDrop;
use std::sync::{Arc, Mutex, PoisonError};
use tiff::encoder::{Rational, TiffEncoder, TiffKind, TiffKindBig, TiffKindStandard, TiffValue};
use tiff::tags::{
    CompressionMethod, PhotometricInterpretation, Predictor, ResolutionUnit, SampleFormat, Tag,
};
use tiff::{TiffError, TiffResult};

/// Classic TIFF ends at 4 GiB; what comes besides the pixels gets 32 MiB.
pub(super) const MAX_CLASSIC_DATA_BYTES: u64 = (4 << 30) - (32 << 20);

/// What a strip takes in the tables: its offset and length, once in a vector that grows by doubling, and as they are
/// written.
const STRIP_ENTRY_BYTES: u64 = 80;

/// How a checkpoint is laid out.
#[derive(Debug, Clone, Copy)]
pub(crate) struct WriterOptions<'a> {
    pub(crate) deflate: bool,
    /// `None`: where the size calls for it.
    pub(crate) big_tiff: Option<bool>,
    pub(crate) description: &'a str,
    pub(crate) software: &'a str,
    /// Micrometres per pixel along x and y, where that is known.
    pub(crate) um_per_px: Option<[f64; 2]>,
}

/// Writes rows of floats into a TIFF.
#[derive(Debug)]
pub(crate) struct TiffWriter<W: Write + Seek> {
    encoder: Encoder<Shared<W>>,
    out: Shared<W>,
    size: Size,
    rows_per_strip: usize,
    rows_written: usize,
    /// Where strips are compressed.
    deflater: Option<StripDeflater>,
    description: String,
    software: String,
    um_per_px: Option<[f64; 2]>,
    offsets: Vec<u64>,
    lengths: Vec<u64>,
}

/// The most that a writer holds for an image of `size` besides the texts; `threads` compress.
pub(crate) fn writer_memory_bytes(size: Size, deflate: bool, threads: usize) -> u64 {
    let compressing = if deflate {
        StripDeflater::memory_bytes(size, threads)
    } else {
        0
    };
    compressing + STRIP_ENTRY_BYTES * strip_count(size) as u64
}

impl<W: Write + Seek> TiffWriter<W> {
    /// Writes a header that points nowhere yet. `size` has been checked to fit 32 bit and not to be empty.
    pub(crate) fn new(out: W, size: Size, options: WriterOptions<'_>) -> io::Result<Self> {
        let big_tiff = options
            .big_tiff
            .unwrap_or(size.pixels().saturating_mul(4) > MAX_CLASSIC_DATA_BYTES);
        let out = Shared::new(out);
        let encoder = if big_tiff {
            TiffEncoder::new_big(out.clone()).map(Encoder::Big)
        } else {
            TiffEncoder::new(out.clone()).map(Encoder::Classic)
        };
        Ok(Self {
            encoder: encoder.map_err(io_error)?,
            out,
            size,
            rows_per_strip: rows_per_strip(size),
            rows_written: 0,
            deflater: options
                .deflate
                .then(|| StripDeflater::new(size, rayon::current_num_threads())),
            description: options.description.to_owned(),
            software: options.software.to_owned(),
            um_per_px: options.um_per_px,
            offsets: Vec::new(),
            lengths: Vec::new(),
        })
    }

    /// Takes the next rows; the caller has checked that they are whole and that there is room for them.
    pub(crate) fn write_rows(&mut self, mut pixels: &[f32]) -> io::Result<()> {
        if self.deflater.is_none() {
            return self.write_plain(pixels);
        }
        while let Some(deflater) = &mut self.deflater
            && !pixels.is_empty()
        {
            pixels = deflater.push(pixels);
            if deflater.is_full() {
                self.write_compressed()?;
            }
        }
        Ok(())
    }

    /// Writes the directory and makes the header point to it.
    pub(crate) fn finish(mut self) -> io::Result<W> {
        self.write_compressed()?;
        let directory = Directory {
            size: self.size,
            rows_per_strip: self.rows_per_strip as u32,
            pixels: if self.deflater.is_some() {
                StoredPixels::DeflatedFloats
            } else {
                StoredPixels::Floats
            },
            description: &self.description,
            software: &self.software,
            um_per_px: self.um_per_px,
            offsets: &self.offsets,
            lengths: &self.lengths,
        };
        // What compressing took is not needed any more.
        self.deflater = None;
        match &mut self.encoder {
            Encoder::Classic(encoder) => directory.write(encoder),
            Encoder::Big(encoder) => directory.write(encoder),
        }
        .map_err(io_error)?;
        drop(self.encoder);
        self.out.into_inner()
    }

    /// Rows go as they are; a strip begins where one has to.
    fn write_plain(&mut self, pixels: &[f32]) -> io::Result<()> {
        for row in pixels.chunks(self.size.width) {
            let offset = self.encoder.write_data(row).map_err(io_error)?;
            if self.rows_written.is_multiple_of(self.rows_per_strip) {
                self.offsets.push(offset);
                self.lengths.push(0);
            }
            if let Some(length) = self.lengths.last_mut() {
                *length += size_of_val(row) as u64;
            }
            self.rows_written += 1;
        }
        Ok(())
    }

    /// Writes the strips that have been collected.
    fn write_compressed(&mut self) -> io::Result<()> {
        let Some(deflater) = &mut self.deflater else {
            return Ok(());
        };
        for strip in deflater.compress()? {
            let offset = self.encoder.write_data(strip).map_err(io_error)?;
            self.offsets.push(offset);
            self.lengths.push(strip.len() as u64);
        }
        deflater.clear();
        Ok(())
    }
}

/// How the pixels of an image are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum StoredPixels {
    Floats,
    DeflatedFloats,
    /// Bytes, deflated without a predictor.
    DeflatedBytes,
}

/// The image directory.
pub(super) struct Directory<'a> {
    pub(super) size: Size,
    pub(super) rows_per_strip: u32,
    pub(super) pixels: StoredPixels,
    pub(super) description: &'a str,
    pub(super) software: &'a str,
    pub(super) um_per_px: Option<[f64; 2]>,
    pub(super) offsets: &'a [u64],
    pub(super) lengths: &'a [u64],
}

impl Directory<'_> {
    pub(super) fn write<W: Write + Seek, K: TiffKind>(
        &self,
        encoder: &mut TiffEncoder<W, K>,
    ) -> TiffResult<()> {
        let (compression, predictor) = match self.pixels {
            StoredPixels::Floats => (CompressionMethod::None, Predictor::None),
            StoredPixels::DeflatedFloats => (CompressionMethod::Deflate, Predictor::FloatingPoint),
            StoredPixels::DeflatedBytes => (CompressionMethod::Deflate, Predictor::None),
        };
        let (bits, format) = match self.pixels {
            StoredPixels::Floats | StoredPixels::DeflatedFloats => (32_u16, SampleFormat::IEEEFP),
            StoredPixels::DeflatedBytes => (8, SampleFormat::Uint),
        };
        let places = |places: &[u64]| -> TiffResult<Vec<K::OffsetType>> {
            places.iter().map(|&p| K::convert_offset(p)).collect()
        };
        let (offsets, lengths) = (places(self.offsets)?, places(self.lengths)?);
        let mut directory = encoder.image_directory()?;
        directory.write_tag(Tag::NewSubfileType, 0_u32)?;
        directory.write_tag(Tag::ImageWidth, self.size.width as u32)?;
        directory.write_tag(Tag::ImageLength, self.size.height as u32)?;
        directory.write_tag(Tag::BitsPerSample, bits)?;
        directory.write_tag(Tag::Compression, compression.to_u16())?;
        directory.write_tag(
            Tag::PhotometricInterpretation,
            PhotometricInterpretation::BlackIsZero.to_u16(),
        )?;
        directory.write_tag(Tag::ImageDescription, self.description)?;
        directory.write_tag(Tag::StripOffsets, K::convert_slice(&offsets))?;
        directory.write_tag(Tag::SamplesPerPixel, 1_u16)?;
        directory.write_tag(Tag::RowsPerStrip, self.rows_per_strip)?;
        directory.write_tag(Tag::StripByteCounts, K::convert_slice(&lengths))?;
        directory.write_tag(Tag::PlanarConfiguration, 1_u16)?;
        directory.write_tag(Tag::Software, self.software)?;
        directory.write_tag(Tag::Predictor, predictor.to_u16())?;
        directory.write_tag(Tag::SampleFormat, format.to_u16())?;
        if let Some([x, y]) = self.um_per_px.map(|um| um.map(per_centimetre))
            && let (Some(x), Some(y)) = (x, y)
        {
            directory.write_tag(Tag::XResolution, x)?;
            directory.write_tag(Tag::YResolution, y)?;
            directory.write_tag(Tag::ResolutionUnit, ResolutionUnit::Centimeter.to_u16())?;
        }
        directory.finish()
    }
}

/// Pixels per centimetre, as exactly as two whole numbers of 32 bit tell; none for a size that is none.
fn per_centimetre(um_per_px: f64) -> Option<Rational> {
    const UM_PER_CM: f64 = 1e4;
    let resolution = UM_PER_CM / um_per_px;
    let fits = |d: &u32| resolution * f64::from(*d) <= f64::from(u32::MAX);
    let powers = (0..10).map(|power| 10_u32.pow(power));
    let d = powers.take_while(fits).last()?;
    let n = (resolution * f64::from(d)).round();
    // Not a number fails as well.
    (n >= 1.0).then_some(Rational { n: n as u32, d })
}

/// The encoder of either kind of TIFF.
pub(super) enum Encoder<W: Write + Seek> {
    Classic(TiffEncoder<W, TiffKindStandard>),
    Big(TiffEncoder<W, TiffKindBig>),
}

impl<W: Write + Seek> Encoder<W> {
    /// Writes a strip and tells where.
    pub(super) fn write_data<T: TiffValue>(&mut self, data: T) -> TiffResult<u64> {
        // A directory that was only opened to write data must not be written itself, as it would be when dropped.
        match self {
            Self::Classic(encoder) => {
                ManuallyDrop::new(encoder.extra_directory()?).write_data(data)
            }
            Self::Big(encoder) => ManuallyDrop::new(encoder.extra_directory()?).write_data(data),
        }
    }
}

impl<W: Write + Seek> fmt::Debug for Encoder<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Classic(_) => "Classic",
            Self::Big(_) => "Big",
        })
    }
}

/// A file that is had back from an encoder, which does not give it away.
#[derive(Debug)]
pub(super) struct Shared<W>(Arc<Mutex<W>>);

impl<W> Clone for Shared<W> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<W> Shared<W> {
    pub(super) fn new(out: W) -> Self {
        Self(Arc::new(Mutex::new(out)))
    }

    /// The file, once nobody else shares it.
    pub(super) fn into_inner(self) -> io::Result<W> {
        let file = Arc::into_inner(self.0).ok_or(io::ErrorKind::ResourceBusy)?;
        Ok(file.into_inner().unwrap_or_else(PoisonError::into_inner))
    }

    fn with<T>(&self, work: impl FnOnce(&mut W) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl<W: Write> Write for Shared<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.with(|out| out.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.with(Write::flush)
    }
}

impl<W: Seek> Seek for Shared<W> {
    fn seek(&mut self, position: SeekFrom) -> io::Result<u64> {
        self.with(|out| out.seek(position))
    }
}

pub(super) fn io_error(error: TiffError) -> io::Error {
    match error {
        TiffError::IoError(error) => error,
        error => io::Error::other(error),
    }
}
