//! Writes rows of floats into a FITS file.

use super::cfitsio::{Access, FitsFile};
use super::checksum::OnesSum;
use super::header::{Header, header_text};
use crate::atomic::AtomicFile;
use crate::checkpoint::facts::Facts;
use e2m_image::Size;
use std::io::{self, Write};

/// Rows are collected up to this many pixels, a megabyte, before CFITSIO gets them.
const BUFFER_PIXELS: usize = 1 << 18;

/// A temporary with a header, opened by CFITSIO, which adds cards and pixels.
///
/// The fields are dropped in their order: CFITSIO closes the file before it is removed.
#[derive(Debug)]
pub(crate) struct FitsWriter {
    fits: FitsFile,
    file: AtomicFile,
    header: Header,
    data: OnesSum,
    pixels_written: u64,
    pixels: Vec<f32>,
}

impl FitsWriter {
    /// `file` is empty, and locked; CFITSIO could create one, but not lock it, and others would take it for stale.
    pub(crate) fn new(
        mut file: AtomicFile,
        size: Size,
        facts: &Facts,
        created: &str,
    ) -> io::Result<Self> {
        let header = header_text(size, facts, created);
        file.write_all(&header.blocks())?;
        let mut fits = FitsFile::open(file.temporary(), Access::Write)?;
        for card in header.fact_cards() {
            fits.write_card(card)?;
        }
        Ok(Self {
            fits,
            file,
            header,
            data: OnesSum::default(),
            pixels_written: 0,
            pixels: Vec::with_capacity(BUFFER_PIXELS),
        })
    }

    /// Takes the next row; the caller has checked its length and that there is room for it.
    pub(crate) fn write_row(&mut self, row: &[f32]) -> io::Result<()> {
        self.data.add_row(row);
        self.pixels.extend_from_slice(row);
        if self.pixels.len() >= BUFFER_PIXELS {
            self.flush()?;
        }
        Ok(())
    }

    /// Writes the rest and the checksums.
    pub(crate) fn finish(mut self) -> io::Result<AtomicFile> {
        self.flush()?;
        for card in self.header.checksum_cards(self.data) {
            self.fits.write_card(&card)?;
        }
        self.fits.close()?;
        Ok(self.file)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.fits
            .write_pixels(self.pixels_written, &mut self.pixels)?;
        self.pixels_written += self.pixels.len() as u64;
        self.pixels.clear();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::path::Path;

    const SMALL: Size = Size::new(70, 50);
    /// More than is buffered.
    const LARGE: Size = Size::new(700, 500);

    fn write(path: &Path, size: Size, facts: &Facts) {
        let file = AtomicFile::create(path).expect("creates");
        let mut writer =
            FitsWriter::new(file, size, facts, "2026-01-02T03:04:05.678901").expect("begins");
        for y in 0..size.height {
            let pixel = |x: usize| (x * y) as f32 / 7.0 - 1000.0;
            let row: Vec<f32> = (0..size.width).map(pixel).collect();
            writer.write_row(&row).expect("writes");
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
        let mut writer = FitsWriter::new(file, LARGE, &Facts::new(), "now").expect("begins");
        let removed = crate::remove_stale_temporaries(folder.path()).expect("looks");
        writer.write_row(&[0.0; 700]).expect("writes");
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
        fs::remove_dir_all(&inside).expect("removes it");
        let error = FitsWriter::new(file, SMALL, &Facts::new(), "now").expect_err("it vanished");
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
        assert!(error.to_string().contains("CFITSIO"), "{error}");
        assert_eq!(fs::read_dir(folder.path()).expect("lists").count(), 0);
    }
}
