//! A raw image file, opened by its header.

use super::bands::RawBands;
use super::channels::{ChannelChoice, ColourKind, Reduction};
use super::contents::{Contents, named};
use super::count::{Alterations, Count, type_of_sums};
use super::format::{self, RawFormat};
use super::info::{RawInfo, TRANSPOSED_ROWS};
use super::pair::{ImageChannels, choose_channels};
use super::pixels::Pixels;
use super::reduce::reduce_row;
use super::request::{ChannelRequest, PageRequest};
use super::source::{self, ColourRows, with_rows};
use super::statistics::{self, ChannelStatistics};
#[cfg(feature = "vendor-formats")]
use super::vendor::{VendorFile, VendorPlane};
use crate::atomic_folder::folder_content;
use crate::hash::{ContentHash, FileIdentity, content_hash_of};
use crate::section::{Section, read_exact_at};
use crate::tiff::{FileOutline, ImageLayout, RowLayout, TiffProblem, with_channel};
use e2m_image::{PixelType, Plane};
use ndarray::{Array1, Array2, ArrayViewMut1};
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

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

/// A raw image, opened by its header; see [`RawImage::load_plane`] and [`RawImage::bands`] for its pixels.
#[derive(Debug)]
pub struct RawImage {
    path: PathBuf,
    content: Content,
    pixels: Pixels,
    info: RawInfo,
    /// What is asked for of this image; what has led to a page or to one of several grey channels is `Auto`.
    request: ChannelRequest,
    alterations: Arc<Mutex<Alterations>>,
}

/// What an image is read from.
#[derive(Debug)]
enum Content {
    File(Arc<File>),
    /// All files of a folder.
    Folder,
}

impl RawImage {
    /// Opens the image at `path`, its first image, whose channels are left to be chosen. See [`RawImage::open_channel`].
    ///
    /// # Errors
    /// As there.
    pub fn open(path: &Path) -> Result<Self, RawError> {
        Self::open_channel(path, &ChannelRequest::Auto)
    }

    /// Opens the image of the file at `path` that `request` asks for. See [`RawImage::open_page`].
    ///
    /// # Errors
    /// As there.
    pub fn open_channel(path: &Path, request: &ChannelRequest) -> Result<Self, RawError> {
        Self::open_page(path, &PageRequest::Auto, request)
    }

    /// Opens the image of the file at `path` that a page and a channel are asked for of, and checks its header; no pixel is read.
    ///
    /// A channel by number or name is one of the file's OME-XML or ImageJ description, or else a page, or else one of the samples of
    /// its pixels. Where nothing is asked for, the first page is taken, or the largest if the first says that it is a copy.
    ///
    /// # Errors
    /// What is not a TIFF, is of a kind that is not read, is truncated or contradicts itself is refused here, before
    /// anything of the size it promises is allocated. So is a request for a page or channel that the file does not hold.
    pub fn open_page(
        path: &Path,
        page: &PageRequest,
        channel: &ChannelRequest,
    ) -> Result<Self, RawError> {
        let failed = |problem| RawError::new(path, problem);
        let opened = Self::opened(path, page, channel).map_err(failed)?;
        let (content, pixels, info, request) = opened;
        Ok(Self {
            path: path.to_owned(),
            content,
            pixels,
            info,
            request,
            alterations: Arc::default(),
        })
    }

    fn opened(
        path: &Path,
        page: &PageRequest,
        channel: &ChannelRequest,
    ) -> Result<(Content, Pixels, RawInfo, ChannelRequest), TiffProblem> {
        let file = File::open(path)?;
        let metadata = file.metadata()?;
        if metadata.is_dir() {
            let Some(format) = RawFormat::of_folder(path) else {
                return Err(io::Error::from(io::ErrorKind::IsADirectory).into());
            };
            let file_bytes = FileIdentity::of(path)?.bytes;
            let (pixels, info, request) =
                Self::of_maker(path, None, (format, file_bytes), (page, channel))?;
            return Ok((Content::Folder, pixels, info, request));
        }
        format::check_name(path)?;
        let file = Arc::new(file);
        let mut head = [0; 16];
        let head = &mut head[..metadata.len().min(16) as usize];
        read_exact_at(&file, head, 0)?;
        let format = RawFormat::of_file(head);
        let (pixels, info, request) = if format == RawFormat::Tiff {
            let opened = Self::of_tiff(&file, metadata.len(), page, channel)?;
            let (layout, info, request) = opened;
            let pixels = Pixels::Tiff {
                file: Arc::clone(&file),
                layout: Arc::new(layout),
            };
            (pixels, info, request)
        } else {
            let of = (format, metadata.len());
            Self::of_maker(path, Some(&file), of, (page, channel))?
        };
        Ok((Content::File(file), pixels, info, request))
    }

    #[cfg(feature = "vendor-formats")]
    fn of_maker(
        path: &Path,
        file: Option<&Arc<File>>,
        (format, file_bytes): (RawFormat, u64),
        (page, channel): (&PageRequest, &ChannelRequest),
    ) -> Result<(Pixels, RawInfo, ChannelRequest), TiffProblem> {
        let from = VendorFile {
            path,
            file,
            file_bytes,
            format,
        };
        let (plane, info, request) = VendorPlane::open(from, page, channel)?;
        Ok((Pixels::Vendor(Arc::new(plane)), info, request))
    }

    #[cfg(not(feature = "vendor-formats"))]
    fn of_maker(
        _: &Path,
        _: Option<&Arc<File>>,
        (format, _): (RawFormat, u64),
        _: (&PageRequest, &ChannelRequest),
    ) -> Result<(Pixels, RawInfo, ChannelRequest), TiffProblem> {
        Err(TiffProblem::Unsupported {
            found: format!("{format} in a program built without the feature vendor-formats"),
            advice: "export the image as OME-TIFF",
        })
    }

    fn of_tiff(
        file: &File,
        file_bytes: u64,
        page: &PageRequest,
        channel: &ChannelRequest,
    ) -> Result<(ImageLayout, RawInfo, ChannelRequest), TiffProblem> {
        let contents = Contents::of(FileOutline::read(file, file_bytes)?);
        let chosen = contents.choose(page, channel)?;
        let mut layout = ImageLayout::read_page(file, file_bytes, chosen.page)?;
        let (request, sample) = source::resolve(&layout, &contents, &chosen, channel)?;
        layout.first_sample = sample.unwrap_or(0);
        let mut remarks = std::mem::take(&mut layout.remarks);
        let is_corrected = !remarks.is_empty();
        remarks.extend(chosen.remark.clone());
        let mut pixel_size = contents.pixel_size(&mut remarks);
        if let Some(size) = pixel_size
            .as_mut()
            .filter(|_| layout.orientation.is_transposed())
        {
            size.um.reverse();
        }
        let mut others = contents.others(&chosen, layout.size);
        others.extend(contents.larger(&chosen, layout.size));
        let colour = source::colour_kind(&layout);
        if colour == ColourKind::Grey && sample.is_none() {
            let names = contents.channel_names();
            others.extend((1..layout.colour_samples).map(|sample| {
                let name = names
                    .get(sample)
                    .filter(|_| names.len() == layout.colour_samples);
                named("channel", sample + 1, name.and_then(Option::as_deref))
            }));
        }
        let info = RawInfo {
            format: RawFormat::Tiff,
            size: layout.orientation.upright(layout.size),
            pixel_type: source::pixel_type(&layout),
            colour,
            samples_per_pixel: layout.samples_per_pixel,
            photometric: layout.photometric,
            planar: layout.planar,
            compression: layout.compression,
            coding: None,
            layout: layout.chunks,
            byte_order: layout.byte_order,
            big_tiff: layout.big_tiff,
            file_bytes: layout.file_bytes,
            pages: layout.pages,
            page: chosen.page,
            sample: layout.first_sample + 1,
            others,
            remarks,
            is_corrected,
            is_transposed: layout.orientation.is_transposed(),
            pixel_size,
            decoder_bytes: layout.decoder_bytes(),
        };
        let plane_bytes = info.size.pixels() * info.pixel_type.bytes() as u64;
        layout.check_held(plane_bytes)?;
        layout.check_decoded()?;
        Ok((layout, info, request))
    }

    /// How many of the samples that were read so far, by a plane or in bands, are not as they are stored.
    pub fn alterations(&self) -> Alterations {
        *self
            .alterations
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Where the file is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What its header says.
    pub fn info(&self) -> &RawInfo {
        &self.info
    }

    /// The widest type of plane that its channels can make: what memory is planned for before pixels are read.
    pub fn widest_type(&self) -> PixelType {
        match (self.info.colour, &self.request) {
            (ColourKind::Grey, _) | (_, ChannelRequest::Colour(_)) => self.info.pixel_type,
            (_, ChannelRequest::Luma) => PixelType::F32,
            (_, _) => type_of_sums(self.info.pixel_type),
        }
    }

    /// What the file system says about the file that is read, whatever has its name by now; of a folder, about all files in it.
    ///
    /// # Errors
    /// [`TiffProblem::Read`].
    pub fn identity(&self) -> Result<FileIdentity, RawError> {
        let identity = match &self.content {
            Content::File(file) => file
                .metadata()
                .and_then(|about| FileIdentity::from_metadata(&about)),
            Content::Folder => FileIdentity::of(&self.path),
        };
        identity.map_err(|error| self.failed(TiffProblem::Read(error)))
    }

    /// Hashes the content of the file that is read; of a folder, the names and contents of all files in it.
    ///
    /// # Errors
    /// [`TiffProblem::Read`].
    pub fn content_hash(&self) -> Result<ContentHash, RawError> {
        let hash = match &self.content {
            Content::File(file) => content_hash_of(Section::new(file, 0, u64::MAX)),
            Content::Folder => {
                folder_content(&self.path, &mut |_| Ok(())).map(|content| content.hash)
            }
        };
        hash.map_err(|error| self.failed(TiffProblem::Read(error)))
    }

    /// What its colour channels hold, from a sample of its rows; as far as compression allows, only these are read.
    pub fn channel_statistics(&self) -> Result<ChannelStatistics, RawError> {
        let (kind, page) = (self.info.colour, self.info.page);
        let mut rows = self.rows()?;
        let of = (self.pixels.size(), self.pixels.reach());
        with_rows!(&mut rows, rows => statistics::look(&mut **rows, kind, of, page))
            .map_err(|problem| self.failed(problem))
    }

    /// What is known of its channels: from its header, from what was asked for, and from `statistics`, which grey images need not
    /// have.
    pub fn channels(&self, statistics: Option<ChannelStatistics>) -> ImageChannels {
        ImageChannels {
            kind: self.info.colour,
            page: self.info.page,
            sample: self.info.sample,
            request: self.request.clone(),
            statistics,
        }
    }

    /// The channels that carry its signal, if it is looked at alone. Those of a pair are chosen together, by [`choose_channels`].
    pub fn choose_alone(&self) -> Result<ChannelChoice, RawError> {
        let statistics = match self.info.colour {
            ColourKind::Grey => None,
            ColourKind::Rgb | ColourKind::Palette => Some(self.channel_statistics()?),
        };
        let channels = self.channels(statistics);
        Ok(choose_channels(&channels, &channels).post)
    }

    /// Reads the signal of the chosen channels into memory: in the type of the file, or for sums in one that holds them.
    ///
    /// Holds the plane and a row, or a row of tiles.
    pub fn load_plane(&self, choice: &ChannelChoice) -> Result<Plane, RawError> {
        choice.check(&self.path)?;
        let pixel_type = choice.pixel_type(self.info.pixel_type);
        let plane_bytes = self.info.size.pixels() * pixel_type.bytes() as u64;
        let checked = self.pixels.check_held(plane_bytes);
        checked.map_err(|problem| self.failed(problem))?;
        let mut rows = self.rows()?;
        let wanted = &choice.active;
        let loaded = with_rows!(&mut rows, rows => {
            rows.want_channels(wanted);
            self.load(&mut **rows, choice)
        });
        let (plane, alterations) = loaded.map_err(|problem| self.failed(problem))?;
        *self
            .alterations
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = alterations;
        Ok(plane)
    }

    /// Streams the signal of the chosen channels as float rows; going down the image is cheap, going up is not.
    ///
    /// The pixels are those of [`RawImage::load_plane`]. Where rows of the file are columns of the image
    /// ([`RawInfo::is_transposed`]), that plane is held.
    pub fn bands(&mut self, choice: &ChannelChoice) -> Result<RawBands, RawError> {
        if self.info.is_transposed {
            let plane = self.load_plane(choice)?;
            return Ok(RawBands::of_plane(&self.path, plane));
        }
        let alterations = Arc::clone(&self.alterations);
        RawBands::new(
            &self.path,
            self.info.size,
            self.rows()?,
            choice,
            alterations,
        )
    }

    /// Where its pixels come from.
    pub(crate) fn pixels(&self) -> &Pixels {
        &self.pixels
    }

    /// A fresh reader of the file's rows.
    pub(crate) fn rows(&self) -> Result<source::RawRows, RawError> {
        self.pixels.rows().map_err(|problem| self.failed(problem))
    }

    pub(crate) fn failed(&self, problem: TiffProblem) -> RawError {
        RawError::new(&self.path, problem)
    }

    fn load<T: Count>(
        &self,
        rows: &mut dyn ColourRows<T>,
        choice: &ChannelChoice,
    ) -> Result<(Plane, Alterations), TiffProblem> {
        if let (Reduction::Sum, [channel]) = (choice.reduction, &*choice.active) {
            return self.fill(rows, |row, layout, out: &mut ArrayViewMut1<'_, T>| {
                with_channel!(layout.channel(row, *channel), counts => {
                    out.iter_mut().zip(counts).for_each(|(out, &count)| *out = count);
                });
            });
        }
        if choice.pixel_type(self.info.pixel_type) == PixelType::F32 {
            return self.fill(rows, |row, layout, out: &mut ArrayViewMut1<'_, f32>| {
                reduce_row(row, layout, choice, out);
            });
        }
        let mut sums = Array1::zeros(self.pixels.size().width);
        self.fill(rows, |row, layout, out: &mut ArrayViewMut1<'_, u16>| {
            reduce_row(row, layout, choice, &mut sums.view_mut());
            let sums = out.iter_mut().zip(&sums);
            // Whole and at most 3 x 255.
            sums.for_each(|(out, &sum): (&mut u16, &f32)| *out = sum as u16);
        })
    }

    /// Makes a plane row by row; tells how many samples are not as they are stored.
    fn fill<T: Count, P: Count>(
        &self,
        rows: &mut dyn ColourRows<T>,
        mut reduce: impl FnMut(&[T], RowLayout, &mut ArrayViewMut1<'_, P>),
    ) -> Result<(Plane, Alterations), TiffProblem> {
        let mut plane = Array2::from_elem(self.info.size.shape(), P::default());
        let layout = rows.layout();
        let mut alterations = Alterations::default();
        let orientation = self.pixels.orientation();
        if orientation.is_transposed() {
            let stored = self.pixels.size();
            let mut some = Array2::from_elem((TRANSPOSED_ROWS, stored.width), P::default());
            for first in (0..stored.height).step_by(TRANSPOSED_ROWS) {
                let height = TRANSPOSED_ROWS.min(stored.height - first);
                for (y, mut out) in (first..first + height).zip(some.rows_mut()) {
                    let (row, altered) = rows.row(y)?;
                    alterations += altered;
                    reduce(row, layout, &mut out);
                }
                for (mut row, column) in plane.rows_mut().into_iter().zip(some.columns()) {
                    for (y, &pixel) in column.iter().take(height).enumerate() {
                        row[orientation.column(first + y, stored.height)] = pixel;
                    }
                }
            }
            return Ok((P::plane(plane), alterations));
        }
        for (y, mut out) in plane.rows_mut().into_iter().enumerate() {
            let (row, altered) = rows.row(y)?;
            alterations += altered;
            reduce(row, layout, &mut out);
        }
        Ok((P::plane(plane), alterations))
    }
}

impl ChannelChoice {
    /// Refuses channels that a file of its kind does not have.
    pub(crate) fn check(&self, path: &Path) -> Result<(), RawError> {
        let channels = self.kind.channels();
        if !self.active.is_empty() && self.active.iter().all(|&c| c < channels) {
            return Ok(());
        }
        let problem = TiffProblem::damaged(format!("it has no channels {:?}", self.active));
        Err(RawError::new(path, problem))
    }
}
