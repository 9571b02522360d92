//! All strips or tiles of an image as a sequence of its rows.

use super::chunk::ChunkRows;
use super::layout::ImageLayout;
use super::orientation::Orientation;
use super::problem::{ByteBudget, TiffProblem};
use super::sample::Sample;
use super::tags::{ChunkLayout, Planar};
use std::fs::File;
use std::sync::Arc;

/// Where the samples of a channel lie in a row: at `offset`, then every `stride`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RowLayout {
    planar: Planar,
    width: usize,
    samples: usize,
    /// The sample that is the first channel.
    first: usize,
}

impl RowLayout {
    /// A row of `width` pixels with `samples` samples each, lying together.
    pub(crate) fn chunky(width: usize, samples: usize) -> Self {
        Self {
            planar: Planar::Chunky,
            width,
            samples,
            first: 0,
        }
    }

    /// The samples of `channel` in `row`, as many as the image is wide.
    pub(crate) fn channel<T>(self, row: &[T], channel: usize) -> Channel<'_, T> {
        let channel = channel + self.first;
        let row = &row[..self.width * self.samples];
        match (self.planar, self.samples) {
            (Planar::Planar, _) => Channel::Alone(&row[channel * self.width..][..self.width]),
            (Planar::Chunky, 1) => Channel::Alone(row),
            (Planar::Chunky, 3) => Channel::OfThree(row.as_chunks().0, channel),
            (Planar::Chunky, 4) => Channel::OfFour(row.as_chunks().0, channel),
            (Planar::Chunky, samples) => Channel::OfMany(row, samples, channel),
        }
    }
}

/// The samples of a channel, by how they lie: for each kind its own loop, of a stride that is known where it is compiled.
pub(crate) enum Channel<'a, T> {
    Alone(&'a [T]),
    OfThree(&'a [[T; 3]], usize),
    OfFour(&'a [[T; 4]], usize),
    OfMany(&'a [T], usize, usize),
}

/// Runs `$body` with `$samples` bound to the iterator over a [`Channel`].
macro_rules! with_channel {
    ($channel:expr, $samples:ident => $body:expr) => {
        match $channel {
            $crate::tiff::Channel::Alone(samples) => {
                let $samples = samples.iter();
                $body
            }
            $crate::tiff::Channel::OfThree(pixels, channel) => {
                let $samples = pixels.iter().map(|pixel| &pixel[channel]);
                $body
            }
            $crate::tiff::Channel::OfFour(pixels, channel) => {
                let $samples = pixels.iter().map(|pixel| &pixel[channel]);
                $body
            }
            $crate::tiff::Channel::OfMany(row, samples, channel) => {
                let $samples = row.chunks_exact(samples).map(|pixel| &pixel[channel]);
                $body
            }
        }
    };
}
pub(crate) use with_channel;

/// Reads rows of samples. Going down is cheap: every chunk is decoded once. Going up decodes a strip anew.
pub(crate) struct Rows<T> {
    file: Arc<File>,
    layout: Arc<ImageLayout>,
    /// Planes that are read; the others stay zero.
    wanted: Vec<bool>,
    /// Strips: one row. Tiles, and strips that are held whole: the rows of one row of them.
    rows: Vec<T>,
    state: State,
    /// How many of the samples read since it was asked are not held exactly.
    inexact: u64,
    /// A row with its columns the other way round, where the image is stored mirrored.
    mirrored: Vec<T>,
}

enum State {
    /// Open strips, one per plane.
    Strips {
        open: Vec<Option<ChunkRows>>,
        strip: usize,
        next_row: usize,
        /// The row that `rows` holds.
        held: Option<usize>,
    },
    Tiles {
        /// The row of tiles that `rows` holds.
        held: Option<usize>,
    },
}

impl<T: Sample> Rows<T> {
    /// The rows of an image. Fails when a row of tiles would take too much memory.
    pub(crate) fn new(file: &Arc<File>, layout: &Arc<ImageLayout>) -> Result<Self, TiffProblem> {
        let row = layout.size.width * layout.samples_per_pixel;
        let held_rows = layout.held_rows();
        let state = match layout.chunks {
            ChunkLayout::Strips { .. } if !layout.holds_strips() => State::Strips {
                open: Vec::new(),
                strip: 0,
                next_row: 0,
                held: None,
            },
            _ => State::Tiles { held: None },
        };
        layout.check_held(0)?;
        ByteBudget::CHUNK.check(layout.reading_bytes(), || match layout.chunks {
            ChunkLayout::Strips { .. } => "a strip".to_owned(),
            ChunkLayout::Tiles { .. } => format!("a row of tiles {held_rows} pixels high"),
        })?;
        Ok(Self {
            file: Arc::clone(file),
            layout: Arc::clone(layout),
            wanted: vec![true; layout.planes()],
            rows: vec![T::default(); row * held_rows],
            state,
            inexact: 0,
            mirrored: Vec::new(),
        })
    }

    /// Reads only these channels from now on, where they are stored apart.
    pub(crate) fn want_channels(&mut self, channels: &[usize]) {
        if self.layout.planar == Planar::Planar {
            for (plane, wanted) in self.wanted.iter_mut().enumerate() {
                *wanted = channels
                    .iter()
                    .any(|channel| channel + self.layout.first_sample == plane);
            }
            match &mut self.state {
                State::Strips { open, held, .. } => {
                    open.clear();
                    *held = None;
                }
                State::Tiles { held } => *held = None,
            }
        }
    }

    /// How the samples lie in a row.
    pub(crate) fn row_layout(&self) -> RowLayout {
        RowLayout {
            planar: self.layout.planar,
            width: self.layout.size.width,
            samples: self.layout.samples_per_pixel,
            first: self.layout.first_sample,
        }
    }

    /// Row `y` of the image, upright but for rows that are columns: all samples of it, in the order [`Rows::row_layout`] tells.
    pub(crate) fn row(&mut self, y: usize) -> Result<&[T], TiffProblem> {
        let Orientation {
            upside_down,
            mirrored,
            ..
        } = self.layout.orientation;
        let last = self.layout.size.height - 1;
        let y = if upside_down {
            last.saturating_sub(y)
        } else {
            y
        };
        if !mirrored {
            return self.stored_row(y);
        }
        let samples = self.layout.chunk_samples();
        let plane_row = self.layout.size.width * samples;
        let mut turned = std::mem::take(&mut self.mirrored);
        turned.clear();
        for plane in self.stored_row(y)?.chunks_exact(plane_row) {
            turned.extend(plane.chunks_exact(samples).rev().flatten());
        }
        self.mirrored = turned;
        Ok(&self.mirrored)
    }

    /// Row `y` as the file counts them.
    fn stored_row(&mut self, y: usize) -> Result<&[T], TiffProblem> {
        // ASSERT: who asks for a row that is not there is wrong in this crate; in a release it is a read beyond the last strip.
        debug_assert!(y < self.layout.size.height);
        let height = self.layout.chunk_size().height;
        if let State::Strips { .. } = self.state {
            self.read_strip_row(y, height)?;
            return Ok(&self.rows);
        }
        self.read_tile_row(y / height)?;
        let row = self.layout.size.width * self.layout.samples_per_pixel;
        let start = y % height * row;
        Ok(&self.rows[start..start + row])
    }

    /// How many of the samples read since this was asked last are not held exactly.
    pub(crate) fn take_inexact(&mut self) -> u64 {
        std::mem::take(&mut self.inexact)
    }

    fn read_strip_row(&mut self, y: usize, strip_rows: usize) -> Result<(), TiffProblem> {
        let State::Strips {
            open,
            strip,
            next_row,
            held,
        } = &mut self.state
        else {
            return Ok(());
        };
        if *held == Some(y) {
            return Ok(());
        }
        *held = None;
        let layout = &self.layout;
        if open.is_empty() || *strip != y / strip_rows || y < *next_row {
            open.clear(); // the old strips' memory goes before the new ones' comes
            *strip = y / strip_rows;
            let stored = layout.stored_rows(*strip);
            let first_row = y % strip_rows;
            for (plane, &wanted) in self.wanted.iter().enumerate() {
                let number = layout.chunk_number(plane, *strip, 0);
                let rows = || ChunkRows::open(layout, &self.file, number, stored, first_row);
                open.push(wanted.then(rows).transpose()?);
            }
            *next_row = y;
        }
        let plane_row = layout.size.width * layout.chunk_samples();
        for (rows, out) in open.iter_mut().zip(self.rows.chunks_exact_mut(plane_row)) {
            if let Some(rows) = rows {
                for _ in *next_row..y {
                    rows.skip_row()?;
                }
                let before = rows.inexact();
                rows.read_row(out)?;
                self.inexact += rows.inexact() - before;
            }
        }
        *next_row = y + 1;
        *held = Some(y);
        Ok(())
    }

    fn read_tile_row(&mut self, tile_row: usize) -> Result<(), TiffProblem> {
        let State::Tiles { held } = &mut self.state else {
            return Ok(());
        };
        if *held == Some(tile_row) {
            return Ok(());
        }
        *held = None;
        let layout = &self.layout;
        let (image, tile) = (layout.size, layout.chunk_size());
        let samples = layout.chunk_samples();
        let rows = tile.height.min(image.height - tile_row * tile.height);
        let row = image.width * layout.samples_per_pixel;
        for (plane, _) in self
            .wanted
            .iter()
            .enumerate()
            .filter(|(_, wanted)| **wanted)
        {
            for column in 0..layout.grid().width {
                let number = layout.chunk_number(plane, tile_row, column);
                let stored = layout.stored_rows(tile_row);
                let mut tile_rows = ChunkRows::open(layout, &self.file, number, stored, 0)?;
                let x = column * tile.width;
                let width = tile.width.min(image.width - x);
                let start = (plane * image.width + x) * samples;
                for y in 0..rows {
                    let first = y * row + start;
                    tile_rows.read_row(&mut self.rows[first..first + width * samples])?;
                }
                self.inexact += tile_rows.inexact();
            }
        }
        *held = Some(tile_row);
        Ok(())
    }
}
