//! Planes whose rows lie in the file as they are, or in one zlib stream.

use super::rows::StoredRows;
use crate::section::{Section, read_exact_at};
use crate::tiff::TiffProblem;
use flate2::read::ZlibDecoder;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::ops::Range;
use std::sync::Arc;

/// Where the samples of a plane lie.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub(super) file: Arc<File>,
    /// In the order they are laid down: a later one covers an earlier one.
    pub(super) tiles: Vec<Tile>,
    /// Pixels of a tile in a row, and rows of it.
    pub(super) tile: [usize; 2],
    /// Columns of the plane.
    pub(super) width: usize,
    /// Bytes of the samples of a pixel that are read.
    pub(super) pixel_bytes: usize,
    /// Bytes from one pixel of a tile to the next, and from one row to the next.
    pub(super) strides: [u64; 2],
    /// Bytes of a sample whose pixels are blue, green and red: these are turned round.
    pub(super) blue_first: Option<usize>,
    /// Where the only tile is a zlib stream: its place and length. Offsets are within what it holds.
    pub(super) stream: Option<[u64; 2]>,
}

/// A rectangle of samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tile {
    /// Where its first sample lies.
    pub(super) offset: u64,
    /// Where its first pixel belongs.
    pub(super) x: usize,
    pub(super) y: usize,
}

impl Place {
    pub(super) fn is_compressed(&self) -> bool {
        self.stream.is_some()
    }

    /// Bytes of a row of a tile, from its first sample to its last.
    fn row_span(&self) -> u64 {
        let pixels = (self.tile[0] as u64).saturating_sub(1);
        (self.strides[0].saturating_mul(pixels)).saturating_add(self.pixel_bytes as u64)
    }

    /// Bytes of a tile, from its first sample to its last.
    pub(super) fn span(&self) -> u64 {
        let rows = (self.tile[1] as u64).saturating_sub(1);
        (self.strides[1].saturating_mul(rows)).saturating_add(self.row_span())
    }

    /// What reading holds beside the row it gives: a row as it is stored, and a decompressor.
    pub(super) fn reading_bytes(&self) -> u64 {
        let stream = if self.stream.is_some() { 512 << 10 } else { 0 };
        self.row_span().saturating_add(stream)
    }

    /// Fails where samples lie beyond the end of the file.
    pub(super) fn check(&self, file_bytes: u64) -> Result<(), TiffProblem> {
        let ends: Vec<u64> = match self.stream {
            Some([offset, length]) => vec![offset.saturating_add(length)],
            None => {
                let ends = self.tiles.iter().map(|tile| tile.offset);
                ends.map(|offset| offset.saturating_add(self.span()))
                    .collect()
            }
        };
        for (number, &ends_at) in ends.iter().enumerate() {
            if ends_at > file_bytes {
                return Err(TiffProblem::Truncated {
                    part: match ends.len() {
                        1 => "the plane".to_owned(),
                        tiles => format!("tile {} of {tiles}", number + 1),
                    },
                    ends_at,
                    file_bytes,
                });
            }
        }
        Ok(())
    }
}

/// Reads rows of a [`Place`].
pub(super) struct PlaceRows {
    place: Place,
    stream: Option<Stream>,
    /// A row of a tile as it is stored.
    row: Vec<u8>,
}

/// A zlib stream, and how much of what it holds has been read.
struct Stream {
    decoder: ZlibDecoder<BufReader<Section>>,
    position: u64,
}

impl PlaceRows {
    pub(super) fn open(place: &Place) -> Self {
        Self {
            place: place.clone(),
            stream: None,
            row: Vec::new(),
        }
    }

    /// Reads what lies at `offset` into the row.
    fn fetch(&mut self, offset: u64) -> Result<(), TiffProblem> {
        let span = self.place.row_span() as usize;
        self.row.resize(span, 0);
        let Some([start, length]) = self.place.stream else {
            return Ok(read_exact_at(&self.place.file, &mut self.row, offset)?);
        };
        let stream = match self.stream.take() {
            Some(stream) if stream.position <= offset => self.stream.insert(stream),
            _ => self.stream.insert(Stream {
                decoder: ZlibDecoder::new(BufReader::new(Section::new(
                    &self.place.file,
                    start,
                    length,
                ))),
                position: 0,
            }),
        };
        let skipped = offset - stream.position;
        let read = io::copy(&mut stream.decoder.by_ref().take(skipped), &mut io::sink()).and_then(
            |passed| match passed == skipped {
                true => stream.decoder.read_exact(&mut self.row),
                false => Err(io::ErrorKind::UnexpectedEof.into()),
            },
        );
        stream.position = offset + span as u64;
        read.map_err(|error| {
            self.stream = None;
            match error.kind() {
                io::ErrorKind::UnexpectedEof => {
                    TiffProblem::damaged("the compressed data of the plane end before its last row")
                }
                io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData => {
                    TiffProblem::damaged(format!("the plane cannot be decompressed: {error}"))
                }
                _ => TiffProblem::Read(error),
            }
        })
    }

    fn read_row(&mut self, y: usize, out: &mut [u8]) -> Result<(), TiffProblem> {
        let [columns, rows] = self.place.tile;
        for number in 0..self.place.tiles.len() {
            let tile = self.place.tiles[number];
            if y < tile.y || y - tile.y >= rows || tile.x >= self.place.width {
                continue;
            }
            let down = self.place.strides[1].saturating_mul((y - tile.y) as u64);
            self.fetch(tile.offset.saturating_add(down))?;
            let pixel = self.place.pixel_bytes;
            let width = columns.min(self.place.width - tile.x);
            let out = &mut out[tile.x * pixel..][..width * pixel];
            let stride = self.place.strides[0] as usize;
            if stride == pixel {
                out.copy_from_slice(&self.row[..width * pixel]);
            } else {
                for (out, stored) in out.chunks_exact_mut(pixel).zip(self.row.chunks(stride)) {
                    out.copy_from_slice(&stored[..pixel]);
                }
            }
        }
        if let Some(bytes) = self.place.blue_first {
            for pixel in out.chunks_exact_mut(3 * bytes) {
                let (blue, rest) = pixel.split_at_mut(bytes);
                blue.swap_with_slice(&mut rest[bytes..]);
            }
        }
        Ok(())
    }
}

impl StoredRows for PlaceRows {
    fn read(&mut self, rows: Range<usize>, out: &mut Vec<u8>) -> Result<(), TiffProblem> {
        let row_bytes = self.place.width * self.place.pixel_bytes;
        // Where tiles leave a gap there is nothing.
        out.clear();
        out.resize(rows.len() * row_bytes, 0);
        for (y, row) in rows.zip(out.chunks_exact_mut(row_bytes)) {
            self.read_row(y, row)?;
        }
        Ok(())
    }
}
