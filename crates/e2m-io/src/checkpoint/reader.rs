//! Reads a checkpoint band by band.

use super::fits::{Access, FitsFile, FitsHeader, HeaderProblem, OnesSum, padded};
use super::{CheckpointError, CheckpointFormat, Facts, PixelKind};
use crate::hash::{ContentHash, PixelHasher};
use crate::section::read_exact_at;
use crate::tiff::{ImageLayout, Photometric, PlainRows, Rows, SampleKind, TiffProblem};
use e2m_image::{BandError, BandSource, Size, check_band};
use ndarray::ArrayViewMut2;
use std::fs::File;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// So much is read at a time to be verified.
const PIECE_BYTES: usize = 1 << 20;

/// A complete checkpoint of either format, told apart by content: a [`BandSource`] of its pixels, and its facts.
///
/// Single-channel float images that other programs wrote are accepted too; their facts are what can be understood.
pub struct CheckpointReader {
    path: PathBuf,
    size: Size,
    facts: Facts,
    pixels: Pixels,
}

enum Pixels {
    Tiff(Rows<f32>),
    PlainTiff(PlainRows),
    Fits { file: FitsFile, header: FitsHeader },
    FlagsTiff(Rows<u8>),
    FlagsFits { file: Arc<File>, header: FitsHeader },
}

impl std::fmt::Debug for CheckpointReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CheckpointReader")
            .field("path", &self.path)
            .field("size", &self.size)
            .field("format", &self.format())
            .finish_non_exhaustive()
    }
}

impl CheckpointReader {
    /// Reads the header of a float image and checks that the file is as long as the header says; pixels are not read.
    pub fn open(path: &Path) -> Result<Self, CheckpointError> {
        Self::open_as(path, PixelKind::Float)
    }

    /// The same of a file whose pixels have to be of this kind. As a [`BandSource`] a mask gives its bytes as floats.
    ///
    /// # Errors
    /// As [`CheckpointReader::open`].
    pub fn open_as(path: &Path, kind: PixelKind) -> Result<Self, CheckpointError> {
        let read_error = |source| CheckpointError::read(path, source);
        let file = File::open(path).map_err(read_error)?;
        let metadata = file.metadata().map_err(read_error)?;
        if metadata.is_dir() {
            return Err(read_error(std::io::ErrorKind::IsADirectory.into()));
        }
        let bytes = metadata.len();
        let file = Arc::new(file);
        let mut magic = [0; 6];
        let is_fits = read_exact_at(&file, &mut magic, 0).is_ok() && &magic == b"SIMPLE";
        if is_fits {
            Self::open_fits(path, &file, bytes, kind)
        } else {
            Self::open_tiff(path, &file, bytes, kind)
        }
    }

    fn open_tiff(
        path: &Path,
        file: &Arc<File>,
        bytes: u64,
        kind: PixelKind,
    ) -> Result<Self, CheckpointError> {
        let tiff_error = |problem| CheckpointError::tiff(path, problem);
        let layout = ImageLayout::read(file, bytes).map_err(tiff_error)?;
        if !layout.linked {
            return Err(tiff_error(TiffProblem::damaged(
                "it ends before the link behind its image directory",
            )));
        }
        let sample = match kind {
            PixelKind::Float => SampleKind::F32,
            PixelKind::Flags => SampleKind::U8,
        };
        let as_wanted = layout.sample == sample
            && layout.samples_per_pixel == 1
            && layout.photometric == Photometric::BlackIsZero;
        if !as_wanted {
            return Err(CheckpointError::NotFloat {
                path: path.to_owned(),
                found: format!(
                    "{} samples per pixel of {} bit ({})",
                    layout.samples_per_pixel,
                    layout.sample.bits(),
                    layout.photometric
                ),
            });
        }
        let layout = Arc::new(layout);
        let pixels = match (kind, PlainRows::of(file, &layout)) {
            (PixelKind::Flags, _) => {
                Pixels::FlagsTiff(Rows::new(file, &layout).map_err(tiff_error)?)
            }
            (PixelKind::Float, Some(rows)) => Pixels::PlainTiff(rows),
            (PixelKind::Float, None) => Pixels::Tiff(Rows::new(file, &layout).map_err(tiff_error)?),
        };
        Ok(Self {
            path: path.to_owned(),
            size: layout.size,
            facts: Facts::from_json(layout.description.as_deref().unwrap_or_default()),
            pixels,
        })
    }

    fn open_fits(
        path: &Path,
        file: &Arc<File>,
        bytes: u64,
        kind: PixelKind,
    ) -> Result<Self, CheckpointError> {
        let header = FitsHeader::read(file, bytes, kind).map_err(|problem| match problem {
            HeaderProblem::Read(source) => CheckpointError::read(path, source),
            HeaderProblem::Damaged(what) => {
                CheckpointError::fits(path, format!("the file is damaged: {what}"))
            }
            HeaderProblem::NotFloat(found) => CheckpointError::NotFloat {
                path: path.to_owned(),
                found,
            },
            HeaderProblem::Truncated { expected_bytes } => CheckpointError::Truncated {
                path: path.to_owned(),
                expected_bytes,
                found_bytes: bytes,
            },
        })?;
        let read_error = |source| CheckpointError::read(path, source);
        let mut fits = FitsFile::open(path, Access::Read).map_err(read_error)?;
        let (width, height) = (header.size.width as i64, header.size.height as i64);
        let same = fits.cards().map_err(read_error)? == header.cards
            && fits.image().map_err(read_error)? == (kind.bitpix() as i32, 2, [width, height]);
        if !same {
            let problem = "its header is not what CFITSIO reads; was it replaced just now?";
            return Err(CheckpointError::fits(path, problem));
        }
        Ok(Self {
            path: path.to_owned(),
            size: header.size,
            facts: header.facts.clone(),
            pixels: match kind {
                PixelKind::Float => Pixels::Fits { file: fits, header },
                PixelKind::Flags => Pixels::FlagsFits {
                    file: Arc::clone(file),
                    header,
                },
            },
        })
    }

    /// Where the file is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Which format it is of.
    pub fn format(&self) -> CheckpointFormat {
        match self.pixels {
            Pixels::Tiff(_) | Pixels::PlainTiff(_) | Pixels::FlagsTiff(_) => CheckpointFormat::Tiff,
            Pixels::Fits { .. } | Pixels::FlagsFits { .. } => CheckpointFormat::Fits,
        }
    }

    /// What its pixels are.
    pub fn kind(&self) -> PixelKind {
        match self.pixels {
            Pixels::Tiff(_) | Pixels::PlainTiff(_) | Pixels::Fits { .. } => PixelKind::Float,
            Pixels::FlagsTiff(_) | Pixels::FlagsFits { .. } => PixelKind::Flags,
        }
    }

    /// What it says about itself.
    pub fn facts(&self) -> &Facts {
        &self.facts
    }

    /// Reads every pixel and returns their hash, the one [`CheckpointWriter::finish`](super::CheckpointWriter::finish)
    /// told. Checksums in a FITS header are compared with the content; one that e2m wrote has to have both.
    pub fn verify(&mut self) -> Result<ContentHash, CheckpointError> {
        self.verify_watched(&mut |_| ControlFlow::Continue(()))
    }

    /// The same, telling `watch` after each MiB or so how many bytes of pixels it was, and asking whether to go on.
    pub fn verify_watched(
        &mut self,
        watch: &mut dyn FnMut(u64) -> ControlFlow<()>,
    ) -> Result<ContentHash, CheckpointError> {
        if self.kind() == PixelKind::Flags {
            return self.verify_flags(watch);
        }
        let mut hasher = PixelHasher::new();
        let mut data = OnesSum::default();
        let piece_rows = (PIECE_BYTES / (4 * self.size.width)).clamp(1, self.size.height);
        let mut piece = vec![0.0; piece_rows * self.size.width];
        for first in (0..self.size.height).step_by(piece_rows) {
            let rows = piece_rows.min(self.size.height - first);
            let pixels = &mut piece[..rows * self.size.width];
            self.read_rows(first, pixels)?;
            hasher.update(pixels);
            if matches!(self.pixels, Pixels::Fits { .. }) {
                data.add_row(pixels);
            }
            if watch(4 * pixels.len() as u64).is_break() {
                let path = self.path.clone();
                return Err(CheckpointError::Stopped { path });
            }
        }
        if let Pixels::Fits { header, .. } = &self.pixels {
            // What fills up the last block is part of the sums.
            data.add_bytes(&self.fits_padding(header)?);
            self.compare_sums(header, data)?;
        }
        Ok(hasher.finish())
    }

    /// The same of a mask.
    fn verify_flags(
        &mut self,
        watch: &mut dyn FnMut(u64) -> ControlFlow<()>,
    ) -> Result<ContentHash, CheckpointError> {
        let mut hasher = PixelHasher::new();
        let mut data = OnesSum::default();
        // Whole words of the sum, whatever the width.
        let piece_rows = 4 * (PIECE_BYTES / (4 * self.size.width)).max(1);
        let mut piece = vec![0; piece_rows.min(self.size.height) * self.size.width];
        for first in (0..self.size.height).step_by(piece_rows) {
            let rows = piece_rows.min(self.size.height - first);
            let pixels = &mut piece[..rows * self.size.width];
            self.read_flags(first, pixels)?;
            hasher.update_bytes(pixels);
            data.add_bytes(pixels);
            if watch(pixels.len() as u64).is_break() {
                let path = self.path.clone();
                return Err(CheckpointError::Stopped { path });
            }
        }
        if let Pixels::FlagsFits { header, .. } = &self.pixels {
            // The last pixels fill a word of the sum together with the first bytes behind them.
            let in_last_word = (self.size.pixels() % 4) as usize;
            let mut tail = vec![0; in_last_word];
            tail.extend(self.fits_padding(header)?);
            data.add_bytes(&tail);
            self.compare_sums(header, data)?;
        }
        Ok(hasher.finish())
    }

    /// Compares the sums that a header tells with that of its data.
    fn compare_sums(&self, header: &FitsHeader, data: OnesSum) -> Result<(), CheckpointError> {
        let mut unit = header.sum;
        unit.add(data.value());
        let ours = self.facts.get_text("VERSION").is_some();
        let what = if header.datasum.map_or(ours, |sum| sum != data.value()) {
            "DATASUM"
        } else if header.has_checksum && !unit.is_intact() || ours && !header.has_checksum {
            "CHECKSUM"
        } else {
            return Ok(());
        };
        Err(CheckpointError::Checksum {
            path: self.path.clone(),
            what,
        })
    }

    /// Reads whole rows of a mask that lie one behind another.
    fn read_flags(&mut self, first_row: usize, out: &mut [u8]) -> Result<(), CheckpointError> {
        match &mut self.pixels {
            Pixels::FlagsTiff(rows) => {
                for (y, out) in (first_row..).zip(out.chunks_mut(self.size.width)) {
                    let row = rows.row(y).map_err(|problem| match problem {
                        TiffProblem::Read(source) => CheckpointError::read(&self.path, source),
                        problem => CheckpointError::tiff(&self.path, problem),
                    })?;
                    out.copy_from_slice(row);
                }
                Ok(())
            }
            Pixels::FlagsFits { file, header } => {
                let place = header.data_start + first_row as u64 * self.size.width as u64;
                read_exact_at(file, out, place)
                    .map_err(|source| CheckpointError::read(&self.path, source))
            }
            Pixels::Tiff(_) | Pixels::PlainTiff(_) | Pixels::Fits { .. } => {
                out.fill(0);
                Ok(())
            }
        }
    }

    /// The bytes between the last pixel and the end of its block.
    fn fits_padding(&self, header: &FitsHeader) -> Result<Vec<u8>, CheckpointError> {
        let data_bytes = self.kind().bytes() * self.size.pixels();
        let mut padding = vec![0; (padded(data_bytes) - data_bytes) as usize];
        File::open(&self.path)
            .and_then(|file| read_exact_at(&file, &mut padding, header.data_start + data_bytes))
            .map_err(|source| CheckpointError::read(&self.path, source))?;
        Ok(padding)
    }

    /// Fills `out`, shape `(rows, columns)`, with the pixels whose first row and column are given. Of a file without compression
    /// nothing else is read; of others the strips that the rows lie in. A mask gives its bytes as floats.
    ///
    /// # Errors
    /// [`BandError::Shape`] for what does not lie within the image; what is wrong with the file.
    pub fn read_region(
        &mut self,
        (first_row, first_column): (usize, usize),
        mut out: ArrayViewMut2<'_, f32>,
    ) -> Result<(), BandError> {
        let (rows, columns) = out.dim();
        let Size { width, height } = self.size;
        let fits = |first: usize, count: usize, of: usize| first <= of && count <= of - first;
        if !fits(first_row, rows, height) || !fits(first_column, columns, width) {
            return Err(BandError::Shape {
                first_row,
                band_rows: rows,
                band_width: columns,
                size: self.size,
            });
        }
        let mut part = vec![0.0; columns];
        let mut whole = Vec::new();
        for (y, mut out) in (first_row..).zip(out.rows_mut()) {
            let read = match &mut self.pixels {
                Pixels::PlainTiff(plain) => plain
                    .read_part(y, first_column, &mut part)
                    .map_err(|problem| self.tiff_error(problem)),
                Pixels::Fits { file, .. } => {
                    let first = y as u64 * width as u64 + first_column as u64;
                    file.read_pixels(first, &mut part)
                        .map_err(|source| CheckpointError::read(&self.path, source))
                }
                Pixels::Tiff(_) | Pixels::FlagsTiff(_) | Pixels::FlagsFits { .. } => {
                    whole.resize(width, 0.0);
                    let read = self.read_rows(y, &mut whole);
                    part.copy_from_slice(&whole[first_column..first_column + columns]);
                    read
                }
            };
            read.map_err(BandError::other)?;
            out.iter_mut().zip(&part).for_each(|(out, &v)| *out = v);
        }
        Ok(())
    }

    fn tiff_error(&self, problem: TiffProblem) -> CheckpointError {
        match problem {
            TiffProblem::Read(source) => CheckpointError::read(&self.path, source),
            problem => CheckpointError::tiff(&self.path, problem),
        }
    }

    /// Reads whole rows that lie one behind another.
    fn read_rows(&mut self, first_row: usize, out: &mut [f32]) -> Result<(), CheckpointError> {
        let tiff_error = |problem| match problem {
            TiffProblem::Read(source) => CheckpointError::read(&self.path, source),
            problem => CheckpointError::tiff(&self.path, problem),
        };
        match &mut self.pixels {
            Pixels::Tiff(rows) => {
                for (y, out) in (first_row..).zip(out.chunks_mut(self.size.width)) {
                    out.copy_from_slice(rows.row(y).map_err(tiff_error)?);
                }
                Ok(())
            }
            Pixels::PlainTiff(rows) => rows.read(first_row, out).map_err(tiff_error),
            Pixels::Fits { file, .. } => {
                let first = first_row as u64 * self.size.width as u64;
                file.read_pixels(first, out)
                    .map_err(|source| CheckpointError::read(&self.path, source))
            }
            Pixels::FlagsTiff(_) | Pixels::FlagsFits { .. } => {
                let mut bytes = vec![0; out.len()];
                self.read_flags(first_row, &mut bytes)?;
                out.iter_mut()
                    .zip(bytes)
                    .for_each(|(out, byte)| *out = f32::from(byte));
                Ok(())
            }
        }
    }
}

impl BandSource for CheckpointReader {
    fn size(&self) -> Size {
        self.size
    }

    fn read_band(
        &mut self,
        first_row: usize,
        mut band: ArrayViewMut2<'_, f32>,
    ) -> Result<(), BandError> {
        check_band(self.size, first_row, band.dim())?;
        if let Some(pixels) = band.as_slice_mut() {
            return self.read_rows(first_row, pixels).map_err(BandError::other);
        }
        let mut buffer = vec![0.0; self.size.width];
        for (y, mut row) in (first_row..).zip(band.rows_mut()) {
            self.read_rows(y, &mut buffer).map_err(BandError::other)?;
            row.iter_mut()
                .zip(&buffer)
                .for_each(|(to, from)| *to = *from);
        }
        Ok(())
    }
}
