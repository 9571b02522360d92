//! Writes rows of floats into a FITS file.

use super::checksum::OnesSum;
use super::header::{Header, header_text};
use super::padded;
use crate::checkpoint::facts::Facts;
use e2m_image::Size;
use std::io::{self, Seek, SeekFrom, Write};

/// The header is written twice: as long as it will be at first, with its checksums at the end.
#[derive(Debug)]
pub(crate) struct FitsWriter<W> {
    out: W,
    header: Header,
    data: OnesSum,
    data_bytes: u64,
    row: Vec<u8>,
}

impl<W: Write + Seek> FitsWriter<W> {
    pub(crate) fn new(mut out: W, size: Size, facts: &Facts, created: &str) -> io::Result<Self> {
        let header = header_text(size, facts, created);
        // Blank until the end: a file whose header never came is no FITS file.
        let room = header.sealed(OnesSum::default()).len();
        out.write_all(&vec![b' '; room])?;
        Ok(Self {
            out,
            header,
            data: OnesSum::default(),
            data_bytes: 0,
            row: Vec::with_capacity(4 * size.width),
        })
    }

    /// Takes the next row; the caller has checked its length and that there is room for it.
    pub(crate) fn write_row(&mut self, row: impl Iterator<Item = f32>) -> io::Result<()> {
        self.row.clear();
        for pixel in row {
            self.data.add(pixel.to_bits());
            self.row.extend_from_slice(&pixel.to_be_bytes());
        }
        self.data_bytes += self.row.len() as u64;
        self.out.write_all(&self.row)
    }

    /// Pads the data and writes the header.
    pub(crate) fn finish(mut self) -> io::Result<W> {
        let padding = padded(self.data_bytes) - self.data_bytes;
        self.out.write_all(&vec![0; padding as usize])?;
        self.out.seek(SeekFrom::Start(0))?;
        self.out.write_all(&self.header.sealed(self.data))?;
        Ok(self.out)
    }
}
