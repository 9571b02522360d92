//! Rows that lie in a file as they do in memory, read without a detour.

use super::layout::ImageLayout;
use super::orientation::Orientation;
use super::problem::TiffProblem;
use super::tags::{ByteOrder, ChunkLayout, Compression, Predictor, SampleKind};
use crate::section::read_exact_at;
use std::fs::File;
use std::io;
use std::sync::Arc;

/// The rows of an image of one float per pixel in uncompressed strips, in the order of this machine's bytes.
pub(crate) struct PlainRows {
    file: Arc<File>,
    layout: Arc<ImageLayout>,
    strip_rows: usize,
}

impl PlainRows {
    /// `None` for an image of another kind.
    pub(crate) fn of(file: &Arc<File>, layout: &Arc<ImageLayout>) -> Option<Self> {
        let ChunkLayout::Strips { rows: strip_rows } = layout.chunks else {
            return None;
        };
        let native = if cfg!(target_endian = "little") {
            ByteOrder::Little
        } else {
            ByteOrder::Big
        };
        let plain = layout.sample == SampleKind::F32
            && layout.samples_per_pixel == 1
            && layout.compression == Compression::None
            && layout.predictor == Predictor::None
            && layout.byte_order == native
            && !layout.reversed_bits
            && layout.orientation == Orientation::default()
            && (0..layout.offsets.len()).all(|number| !layout.is_sparse(number));
        plain.then(|| Self {
            file: Arc::clone(file),
            layout: Arc::clone(layout),
            strip_rows,
        })
    }

    /// Reads whole rows from `first_row` on; the caller has checked that they are there.
    pub(crate) fn read(&self, first_row: usize, mut out: &mut [f32]) -> Result<(), TiffProblem> {
        let mut row = first_row;
        while !out.is_empty() {
            let (offset, rows) = self.run(row, out.len() / self.layout.size.width);
            let (now, later) = out.split_at_mut(rows * self.layout.size.width);
            read_exact_at(&self.file, bytemuck::cast_slice_mut(now), offset)
                .map_err(|error| self.problem(row, error))?;
            row += rows;
            out = later;
        }
        Ok(())
    }

    /// Reads the columns from `first_column` on of one row; the caller has checked that they are there.
    pub(crate) fn read_part(
        &self,
        row: usize,
        first_column: usize,
        out: &mut [f32],
    ) -> Result<(), TiffProblem> {
        let (offset, _) = self.run(row, 1);
        let offset = offset + (first_column * size_of::<f32>()) as u64;
        read_exact_at(&self.file, bytemuck::cast_slice_mut(out), offset)
            .map_err(|error| self.problem(row, error))
    }

    fn problem(&self, row: usize, error: io::Error) -> TiffProblem {
        if error.kind() != io::ErrorKind::UnexpectedEof {
            return TiffProblem::Read(error);
        }
        let name = self.layout.chunk_name(row / self.strip_rows);
        TiffProblem::damaged(format!("the data of {name} ends before its last row"))
    }

    /// Where `row` is, and how many of `wanted` rows follow each other there, across strips.
    fn run(&self, row: usize, wanted: usize) -> (u64, usize) {
        let layout = &self.layout;
        let mut strip = row / self.strip_rows;
        let above = row % self.strip_rows;
        let mut rows = layout.stored_rows(strip) - above;
        let place = |strip: usize| layout.offsets[strip];
        while rows < wanted && place(strip) + layout.lengths[strip] == place(strip + 1) {
            strip += 1;
            rows += layout.stored_rows(strip);
        }
        let offset = place(row / self.strip_rows) + above as u64 * layout.chunk_row_bytes();
        (offset, rows.min(wanted))
    }
}
