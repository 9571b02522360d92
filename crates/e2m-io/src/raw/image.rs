//! A raw image file, opened by its header.

use super::bands::RawBands;
use super::channels::{CLIPPED_SHARE_TO_WARN, ChannelChoice, ColourKind};
use super::source::{self, ColourRows, with_rows};
use super::tally::{Count, Tally, reduce_row};
use crate::hash::{ContentHash, FileIdentity, content_hash_of};
use crate::section::Section;
use crate::tiff::{
    ByteOrder, ChunkLayout, Compression, ImageLayout, Photometric, Planar, TiffProblem,
};
use e2m_image::{PixelType, Plane, Size};
use ndarray::Array2;
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The channels are guessed from this many places spread over the image before it is read.
const SAMPLED_PLACES: usize = 16;
/// Tiles and compressed strips are decoded up to the row that is looked at, so fewer places are.
const SAMPLED_CHUNK_ROWS: usize = 4;

/// A raw image that cannot be read; the message names the file.
#[derive(Debug, thiserror::Error)]
#[error("{}: {problem}", path.display())]
pub struct RawError {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it.
    pub problem: TiffProblem,
}

impl RawError {
    pub(crate) fn new(path: &Path, problem: TiffProblem) -> Self {
        Self {
            path: path.to_owned(),
            problem,
        }
    }
}

/// What the header of a raw image says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RawInfo {
    /// Width and height in pixels.
    pub size: Size,
    /// The type of the plane it is reduced to: that of its samples, or for palettes that of their colours.
    pub pixel_type: PixelType,
    /// How colours are stored.
    pub colour: ColourKind,
    /// Samples per pixel, alpha included.
    pub samples_per_pixel: usize,
    /// What the samples mean.
    pub photometric: Photometric,
    /// Whether channels are stored together.
    pub planar: Planar,
    /// How it is compressed.
    pub compression: Compression,
    /// How it is cut into strips or tiles.
    pub layout: ChunkLayout,
    /// The order of bytes.
    pub byte_order: ByteOrder,
    /// Whether it is a BigTIFF.
    pub big_tiff: bool,
    /// Length of the file in bytes.
    pub file_bytes: u64,
    /// Images in the file; only the first one is read.
    pub pages: usize,
}

impl RawInfo {
    /// What a reader of rows holds at a time, bytes: a row of tiles, a strip of JPEG, or else a row.
    pub fn decoding_bytes(&self) -> u64 {
        let rows = match self.layout {
            ChunkLayout::Tiles { height, .. } => height,
            ChunkLayout::Strips { rows } if self.compression == Compression::Jpeg => rows,
            ChunkLayout::Strips { .. } => 1,
        };
        let samples = self.size.width * self.samples_per_pixel * rows.min(self.size.height);
        (samples * self.pixel_type.bytes()) as u64
    }
}

/// A raw image, opened by its header; see [`RawImage::load_plane`] and [`RawImage::bands`] for its pixels.
#[derive(Debug)]
pub struct RawImage {
    path: PathBuf,
    file: Arc<File>,
    layout: Arc<ImageLayout>,
    info: RawInfo,
}

impl RawImage {
    /// Opens the TIFF at `path` and checks its header; no pixel is read.
    ///
    /// # Errors
    /// What is not a TIFF, is of a kind that is not read, is truncated or contradicts itself is refused here, before
    /// anything of the size it promises is allocated.
    pub fn open(path: &Path) -> Result<Self, RawError> {
        let failed = |problem| RawError::new(path, problem);
        let read_failed = |error: io::Error| failed(TiffProblem::Read(error));
        let file = File::open(path).map_err(read_failed)?;
        let metadata = file.metadata().map_err(read_failed)?;
        if metadata.is_dir() {
            return Err(read_failed(io::ErrorKind::IsADirectory.into()));
        }
        let layout = ImageLayout::read(&file, metadata.len()).map_err(failed)?;
        let info = RawInfo {
            size: layout.size,
            pixel_type: source::pixel_type(&layout),
            colour: source::colour_kind(&layout),
            samples_per_pixel: layout.samples_per_pixel,
            photometric: layout.photometric,
            planar: layout.planar,
            compression: layout.compression,
            layout: layout.chunks,
            byte_order: layout.byte_order,
            big_tiff: layout.big_tiff,
            file_bytes: layout.file_bytes,
            pages: layout.pages,
        };
        let plane_bytes = info.size.pixels() * info.pixel_type.bytes() as u64;
        layout.check_held(plane_bytes).map_err(failed)?;
        layout.check_decoded().map_err(failed)?;
        if info.pages > 1 {
            tracing::warn!(path = %path.display(), pages = info.pages, "several images in one file; only the first is read");
        }
        if layout.samples_per_pixel > layout.colour_samples {
            let extra = layout.samples_per_pixel - layout.colour_samples;
            tracing::debug!(path = %path.display(), extra, "extra samples such as alpha are ignored");
        }
        Ok(Self {
            path: path.to_owned(),
            file: Arc::new(file),
            layout: Arc::new(layout),
            info,
        })
    }

    /// Where the file is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What its header says.
    pub fn info(&self) -> &RawInfo {
        &self.info
    }

    /// What the file system says about the file that is read, whatever has its name by now.
    ///
    /// # Errors
    /// [`TiffProblem::Read`].
    pub fn identity(&self) -> Result<FileIdentity, RawError> {
        let about = self.file.metadata();
        about
            .and_then(|about| FileIdentity::from_metadata(&about))
            .map_err(|error| self.failed(TiffProblem::Read(error)))
    }

    /// Hashes the content of the file that is read.
    ///
    /// # Errors
    /// [`TiffProblem::Read`].
    pub fn content_hash(&self) -> Result<ContentHash, RawError> {
        content_hash_of(Section::new(&self.file, 0, u64::MAX))
            .map_err(|error| self.failed(TiffProblem::Read(error)))
    }

    /// Reads the whole image once, row by row, and decides which channels carry the signal.
    pub fn choose_channels(&self) -> Result<ChannelChoice, RawError> {
        let kind = self.info.colour;
        let height = self.info.size.height;
        let mut rows = self.rows()?;
        with_rows!(&mut rows, rows => tally(&mut **rows, kind, 0..height))
            .map_err(|problem| self.failed(problem))
    }

    /// Reads the signal into memory in the type of the file, and tells which channels it was taken from.
    ///
    /// Normally the file is read once: the channels are guessed from a few rows and the guess is checked against all of
    /// them on the way. Holds the plane and a row, or a row of tiles.
    pub fn load_plane(&self) -> Result<(Plane, ChannelChoice), RawError> {
        let mut rows = self.rows()?;
        let loaded = with_rows!(&mut rows, rows => self.load(&mut **rows));
        let (
            plane,
            Filled {
                choice,
                clipped,
                not_numbers,
            },
        ) = loaded.map_err(|problem| self.failed(problem))?;
        let path = self.path.display();
        if clipped as f64 > CLIPPED_SHARE_TO_WARN * self.info.size.pixels() as f64 {
            tracing::warn!(%path, channels = %choice, clipped, "the sum of the channels exceeds the range of their type");
        }
        if not_numbers > 0 {
            tracing::warn!(%path, not_numbers, "samples that are infinite or not a number are read as zero");
        }
        Ok((plane, choice))
    }

    /// Streams the signal of the chosen channels as float rows; going down the image is cheap, going up is not.
    ///
    /// The pixels are those of [`RawImage::load_plane`].
    pub fn bands(&mut self, choice: &ChannelChoice) -> Result<RawBands, RawError> {
        RawBands::new(&self.path, self.info.size, self.rows()?, choice)
    }

    /// A fresh reader of the file's rows.
    pub(crate) fn rows(&self) -> Result<source::RawRows, RawError> {
        source::open(&self.file, &self.layout).map_err(|problem| self.failed(problem))
    }

    pub(crate) fn failed(&self, problem: TiffProblem) -> RawError {
        RawError::new(&self.path, problem)
    }

    fn load<T: Count>(&self, rows: &mut dyn ColourRows<T>) -> Result<(Plane, Filled), TiffProblem> {
        let kind = self.info.colour;
        let guess = match kind {
            ColourKind::Grey => ChannelChoice::decide(kind, vec![0.0], 1.0),
            _ => tally(rows, kind, self.sampled_rows())?,
        };
        let mut plane = Array2::from_elem(self.info.size.shape(), T::default());
        let mut filled = self.fill(rows, &guess, &mut plane)?;
        if filled.choice.active != guess.active {
            let choice = filled.choice;
            tracing::debug!(path = %self.path.display(), %guess, %choice, "read again for other channels");
            filled = self.fill(rows, &choice, &mut plane)?;
        }
        Ok((T::plane(plane), filled))
    }

    /// Reads all rows into `plane` by the channels of `guess`, and decides by what passed.
    fn fill<T: Count>(
        &self,
        rows: &mut dyn ColourRows<T>,
        guess: &ChannelChoice,
        plane: &mut Array2<T>,
    ) -> Result<Filled, TiffProblem> {
        let layout = rows.layout();
        let mut tally = Tally::new(guess.kind);
        let (mut clipped, mut not_numbers) = (0, 0);
        for (y, mut out) in plane.rows_mut().into_iter().enumerate() {
            let (row, replaced) = rows.row(y)?;
            not_numbers += replaced;
            tally.add_row(row, layout);
            if let Some(out) = out.as_slice_mut() {
                clipped += reduce_row(row, layout, &guess.active, out);
            }
        }
        Ok(Filled {
            choice: tally.decide::<T>(guess.kind),
            clipped,
            not_numbers,
        })
    }

    /// Rows spread over the image that are cheap to reach: anywhere without compression, else at the top of chunks.
    fn sampled_rows(&self) -> Vec<usize> {
        let height = self.info.size.height;
        let chunk_rows = match self.info.layout {
            ChunkLayout::Strips { .. } if self.info.compression == Compression::None => 1,
            ChunkLayout::Strips { rows } => rows,
            ChunkLayout::Tiles { height, .. } => height,
        };
        let places = if chunk_rows == 1 {
            SAMPLED_PLACES
        } else {
            SAMPLED_CHUNK_ROWS
        };
        let chunks = height.div_ceil(chunk_rows);
        let rows_each = if matches!(self.info.layout, ChunkLayout::Tiles { .. }) {
            chunk_rows
        } else {
            1
        };
        let mut rows = Vec::new();
        for place in 0..places.min(chunks) {
            let first = (2 * place + 1) * chunks / (2 * places.min(chunks)) * chunk_rows;
            rows.extend(first..(first + rows_each).min(height));
        }
        rows
    }
}

/// What a pass over the file found.
struct Filled {
    choice: ChannelChoice,
    clipped: u64,
    not_numbers: u64,
}

/// Sums up the rows `ys` and decides by them.
fn tally<T: Count>(
    rows: &mut dyn ColourRows<T>,
    kind: ColourKind,
    ys: impl IntoIterator<Item = usize>,
) -> Result<ChannelChoice, TiffProblem> {
    let layout = rows.layout();
    let mut tally = Tally::new(kind);
    for y in ys {
        tally.add_row(rows.row(y)?.0, layout);
    }
    Ok(tally.decide::<T>(kind))
}
