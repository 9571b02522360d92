//! Writes rows of floats, or of bytes, into a FITS file.
//!
//! Floats are big-endian. The pixels follow the header and go straight to the file. CFITSIO does one thing at a time in a
//! whole process. It therefore writes the header only, once everything else is there.

use super::cfitsio::{Access, FitsFile};
use super::checksum::OnesSum;
use super::header::{Header, header_text};
use super::padded;
use crate::atomic::AtomicFile;
use crate::checkpoint::PixelKind;
use crate::checkpoint::facts::Facts;
use crate::fault::{self, Operation};
use crate::output::OutputFile;
use e2m_image::Size;
use std::io::{self, Write};

/// Bytes of a word of the sum over the data.
const WORD_BYTES: usize = 4;

/// A file with a header that has room for its cards, to which pixels are added.
#[derive(Debug)]
pub(crate) struct FitsWriter {
    out: OutputFile,
    header: Header,
    data: OnesSum,
    data_bytes: u64,
    /// Bytes that do not fill a word of the sum yet.
    pending: Vec<u8>,
}

impl FitsWriter {
    /// `file` is empty, and locked; CFITSIO could create one, but not lock it, and others would take it for stale.
    pub(crate) fn new(
        file: AtomicFile,
        size: Size,
        kind: PixelKind,
        facts: &Facts,
        created: &str,
    ) -> io::Result<Self> {
        let header = header_text(size, kind, facts, created);
        let blocks = header.blocks();
        let bytes = blocks.len() as u64 + padded(kind.bytes() * size.pixels());
        let mut out = OutputFile::new(file, bytes)?;
        out.write_all(&blocks)?;
        Ok(Self {
            out,
            header,
            data: OnesSum::default(),
            data_bytes: 0,
            pending: Vec::new(),
        })
    }

    /// Takes the next rows of bytes; the caller has checked that they are whole and that there is room for them.
    pub(crate) fn write_bytes(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.out.write_all(bytes)?;
        self.data_bytes += bytes.len() as u64;
        let missing = (WORD_BYTES - self.pending.len() % WORD_BYTES) % WORD_BYTES;
        let (first, rest) = bytes.split_at(missing.min(bytes.len()));
        self.pending.extend_from_slice(first);
        if !rest.is_empty() {
            self.data.add_bytes(&self.pending);
            self.pending.clear();
            let whole = rest.len() - rest.len() % WORD_BYTES;
            self.data.add_bytes(&rest[..whole]);
            self.pending.extend_from_slice(&rest[whole..]);
        }
        Ok(())
    }

    /// Takes the next rows; the caller has checked that they are whole and that there is room for them.
    pub(crate) fn write_rows(&mut self, mut pixels: &[f32]) -> io::Result<()> {
        while !pixels.is_empty() {
            // Header blocks and pixels are multiples of four bytes, and so is the room.
            let room = self.out.room()?.as_chunks_mut().0;
            let (now, later) = pixels.split_at(pixels.len().min(room.len()));
            self.data.add_sum(copy_big_endian(now, room));
            self.out.advance(size_of_val(now));
            self.data_bytes += size_of_val(now) as u64;
            pixels = later;
        }
        Ok(())
    }

    /// Fills the last block, then has CFITSIO complete the header: facts and checksums.
    pub(crate) fn finish(mut self) -> io::Result<AtomicFile> {
        self.data.add_bytes(&self.pending);
        let fill = padded(self.data_bytes) - self.data_bytes;
        self.out.write_all(&vec![0; fill as usize])?;
        let file = self.out.finish()?;
        // CFITSIO's own writes, of which the last come when it closes the file.
        fault::point(Operation::Write, file.path())?;
        let mut fits = FitsFile::open(file.temporary(), Access::Write)?;
        for card in self.header.fact_cards() {
            fits.write_card(card)?;
        }
        for card in self.header.checksum_cards(self.data) {
            fits.write_card(&card)?;
        }
        fault::point(Operation::Write, file.path())?;
        fits.close()?;
        Ok(file)
    }
}

/// Copies pixels, fewer than 2^32, with their most significant bytes first, and returns the sum of their bits.
fn copy_big_endian(pixels: &[f32], out: &mut [[u8; 4]]) -> u64 {
    let mut sum = 0;
    for (pixel, bytes) in pixels.iter().zip(out) {
        let bits = pixel.to_bits();
        *bytes = bits.to_be_bytes();
        sum += u64::from(bits);
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::path::Path;

    const SMALL: Size = Size::new(70, 50);
    const LARGE: Size = Size::new(700, 500);

    fn write(path: &Path, size: Size, facts: &Facts) {
        let file = AtomicFile::create(path).expect("creates");
        let mut writer = FitsWriter::new(
            file,
            size,
            PixelKind::Float,
            facts,
            "2026-01-02T03:04:05.678901",
        )
        .expect("begins");
        for y in 0..size.height {
            let pixel = |x: usize| (x * y) as f32 / 7.0 - 1000.0;
            let row: Vec<f32> = (0..size.width).map(pixel).collect();
            writer.write_rows(&row).expect("writes");
        }
        let file = writer.finish().expect("finishes");
        file.commit().expect("commits");
    }

    #[test]
    fn cfitsio_finds_both_checksums_right_whatever_the_length_of_the_header() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("image.fits");
        let mut facts = Facts::new();
        // With nothing else there are ten cards; blocks end after 36 and 72.
        for count in 0..70 {
            write(&path, SMALL, &facts);
            let mut file = FitsFile::open(&path, Access::Read).expect("opens");
            let right = file.checksums_are_right().expect("verifies");
            assert_eq!(right, (true, true), "{count} facts");
            assert_eq!(file.cards().expect("cards").len(), 9 + count);
            facts
                .set(&format!("F{count}"), 1, "a fact")
                .expect("a fact");
        }
    }

    #[test]
    fn pixels_are_turned_and_summed_up_at_once() {
        let bits = |i: u32| i.wrapping_mul(0x9E37_79B9);
        for length in [0, 1, 5, 1000] {
            let pixels: Vec<f32> = (0..length).map(|i| f32::from_bits(bits(i))).collect();
            let mut bytes = vec![[0; 4]; pixels.len() + 1];
            let sum = copy_big_endian(&pixels, &mut bytes);
            assert_eq!(sum, (0..length).map(|i| u64::from(bits(i))).sum::<u64>());
            let wanted = (0..length).map(|i| bits(i).to_be_bytes());
            assert!(bytes.iter().copied().eq(wanted.chain([[0; 4]])));
        }
    }

    #[test]
    fn any_name_is_taken_literally() {
        let folder = tempfile::tempdir().expect("folder");
        for name in [
            "a[1].fits",
            "[1]",
            "a.fits[1:2,3]",
            "a.fits+3",
            "a(x).fits",
            "(x)",
            "!a.fits",
            "mem:a",
            "file:a",
            "a b.fits",
            " a.fits",
            "~a.fits",
            "-",
            "a.fits.gz",
            "%41.fits",
            "é ☃ 𝄞.fits",
            "@a.fits",
            "a'b\"c;d&e|f.fits",
        ] {
            let inside = folder.path().join(name);
            fs::create_dir(&inside).expect("makes a folder");
            let path = inside.join(name);
            write(&path, LARGE, &Facts::new());
            let mut file = FitsFile::open(&path, Access::Read).expect(name);
            let right = file.checksums_are_right().expect(name);
            assert_eq!(right, (true, true), "{name}");
            assert_eq!(fs::read_dir(&inside).expect("lists").count(), 1, "{name}");
        }
    }

    #[test]
    fn what_cfitsio_writes_is_not_taken_for_stale() {
        let folder = tempfile::tempdir().expect("folder");
        let file = AtomicFile::create(&folder.path().join("image.fits")).expect("creates");
        let mut writer =
            FitsWriter::new(file, LARGE, PixelKind::Float, &Facts::new(), "now").expect("begins");
        let removed = crate::remove_stale_temporaries(folder.path()).expect("looks");
        writer.write_rows(&[0.0; 700]).expect("writes");
        assert_eq!(removed, 0);
        drop(writer);
        assert_eq!(fs::read_dir(folder.path()).expect("lists").count(), 0);
    }

    #[test]
    fn a_failure_of_cfitsio_is_told_and_leaves_nothing() {
        let folder = tempfile::tempdir().expect("folder");
        let inside = folder.path().join("inside");
        fs::create_dir(&inside).expect("makes a folder");
        let file = AtomicFile::create(&inside.join("image.fits")).expect("creates");
        let mut writer =
            FitsWriter::new(file, SMALL, PixelKind::Float, &Facts::new(), "now").expect("begins");
        writer.write_rows(&[0.0; 70 * 50]).expect("writes");
        fs::remove_dir_all(&inside).expect("removes it");
        let error = writer.finish().expect_err("it vanished");
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
        assert!(error.to_string().contains("CFITSIO"), "{error}");
        assert_eq!(fs::read_dir(folder.path()).expect("lists").count(), 0);
    }
}
