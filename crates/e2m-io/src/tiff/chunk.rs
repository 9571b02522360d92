//! One strip or tile as a sequence of rows.

use super::codec;
use super::decompress::decompress;
use super::layout::ImageLayout;
use super::problem::TiffProblem;
use super::sample::{Sample, Stored, undo_differences};
use super::tags::{Compression, Predictor};
use crate::section::Section;
use std::fs::File;
use std::io::{self, Cursor, Read};
use std::sync::Arc;

/// Reads the rows of one chunk from top to bottom.
pub(crate) struct ChunkRows {
    bytes: Box<dyn Read + Send>,
    row: Vec<u8>,
    name: String,
    samples: usize,
    stored: Stored,
    predictor: Predictor,
    /// Whether three bytes are YCbCr, to be made red, green and blue.
    ycbcr: bool,
    /// How many samples were not held exactly.
    inexact: u64,
}

impl ChunkRows {
    /// Opens chunk `number`, which holds `rows` rows, at its row `first_row`.
    pub(crate) fn open(
        layout: &ImageLayout,
        file: &Arc<File>,
        number: usize,
        rows: usize,
        first_row: usize,
    ) -> Result<Self, TiffProblem> {
        let row_bytes = layout.chunk_row_bytes();
        let (offset, length) = (layout.offsets[number], layout.lengths[number]);
        // Without compression a row is where it is; otherwise what lies before has to be decoded.
        let skipped = match layout.compression {
            Compression::None => row_bytes * first_row as u64,
            _ => 0,
        };
        let (is_image, is_sparse) = (layout.compression.is_image(), layout.is_sparse(number));
        let bytes: Box<dyn Read + Send> = if is_sparse {
            Box::new(io::repeat(0))
        } else if is_image {
            Box::new(Cursor::new(codec::decode(layout, file, number, rows)?))
        } else {
            let section = Section::new(file, offset + skipped, length - skipped);
            decompress(
                layout.compression,
                section,
                length,
                layout.reversed_bits,
                layout.dictionary_bytes,
            )
        };
        let order = if is_image {
            codec::SAMPLE_ORDER
        } else {
            layout.byte_order
        };
        let mut chunk = Self {
            bytes,
            row: vec![0; row_bytes as usize],
            name: layout.chunk_name(number),
            samples: layout.chunk_samples(),
            stored: Stored {
                kind: layout.sample,
                order,
            },
            predictor: layout.predictor,
            ycbcr: layout.is_ycbcr && !is_image && !is_sparse,
            inexact: 0,
        };
        if skipped == 0 {
            for _ in 0..first_row {
                chunk.read_bytes()?;
            }
        }
        Ok(chunk)
    }

    /// Passes over the next row.
    pub(crate) fn skip_row(&mut self) -> Result<(), TiffProblem> {
        self.read_bytes()
    }

    /// Reads the next row. `out` may be shorter than the chunk is wide: the rest of the row falls away.
    pub(crate) fn read_row<T: Sample>(&mut self, out: &mut [T]) -> Result<(), TiffProblem> {
        self.read_bytes()?;
        match self.predictor {
            Predictor::FloatingPoint => {
                T::undo_float_planes(&mut self.row, self.stored, self.samples, out);
                return Ok(());
            }
            Predictor::Horizontal => undo_differences(&mut self.row, self.stored, self.samples),
            Predictor::None => {}
        }
        if self.ycbcr {
            codec::to_rgb(&mut self.row);
        }
        self.inexact += T::decode(&self.row, self.stored, out);
        Ok(())
    }

    /// How many of the samples that were read are not held exactly by the type they were read into.
    pub(crate) fn inexact(&self) -> u64 {
        self.inexact
    }

    fn read_bytes(&mut self) -> Result<(), TiffProblem> {
        self.bytes.read_exact(&mut self.row).map_err(|error| {
            let name = &self.name;
            match error.kind() {
                io::ErrorKind::UnexpectedEof => {
                    TiffProblem::damaged(format!("the data of {name} ends before its last row"))
                }
                io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput => TiffProblem::damaged(
                    format!("the data of {name} cannot be decompressed ({error})"),
                ),
                _ => TiffProblem::Read(error),
            }
        })
    }
}
