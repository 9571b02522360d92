//! Masks: written in any bands, read back, compressed, checked, and told from images.

use e2m_image::{BandSource as _, Size};
use e2m_io::{
    CheckpointCompression, CheckpointError, CheckpointFormat, CheckpointReader, CheckpointWriter,
    Facts, FlagsWriter, PixelKind, WrittenCheckpoint,
};
use ndarray::{Array2, s};
use std::fs;
use std::path::Path;

const FORMATS: [CheckpointFormat; 2] = [CheckpointFormat::Tiff, CheckpointFormat::Fits];

/// Padding around a turned frame with some squares in it, as masks are; other for each seed.
fn mask(size: Size, seed: usize) -> Array2<u8> {
    Array2::from_shape_fn(size.shape(), |(y, x)| {
        let (left, top) = (5 + y / (7 + seed), 3 + seed);
        let outside = x < left || y < top || x + 4 > size.width || y + 2 > size.height;
        let square = (x / 16 + 3 * (y / 16) + seed).is_multiple_of(11);
        (3 * u8::from(outside)) | (32 * u8::from(square))
    })
}

fn facts() -> Facts {
    let mut facts = Facts::new();
    facts.set("SAMPLE", "S1", "Sample name").expect("a fact");
    facts.set("VERSION", "0", "Version of e2m").expect("a fact");
    facts
}

fn write(
    path: &Path,
    format: CheckpointFormat,
    mask: &Array2<u8>,
    rows: usize,
) -> WrittenCheckpoint {
    let size = Size::new(mask.ncols(), mask.nrows());
    let mut writer = FlagsWriter::create(path, None, size, &facts(), format).expect("begins");
    for first in (0..size.height).step_by(rows) {
        let end = (first + rows).min(size.height);
        writer
            .write_band(mask.slice(s![first..end, ..]))
            .expect("writes");
    }
    writer.finish().expect("finishes")
}

#[test]
fn a_mask_is_read_back_as_it_was_written_whatever_the_bands() {
    let folder = tempfile::tempdir().expect("a folder");
    // Widths that are no multiple of a word of the checksum, and one with several strips.
    for (seed, (width, height)) in [(1, 1), (7, 5), (61, 203), (3001, 2400)]
        .into_iter()
        .enumerate()
    {
        let mask = mask(Size::new(width, height), seed);
        let mut hashes = Vec::new();
        for format in FORMATS {
            let path = folder.path().join(format!("mask.{}", format.extension()));
            let bands = [1, 7, height];
            let written: Vec<_> = bands
                .into_iter()
                .map(|rows| {
                    let written = write(&path, format, &mask, rows);
                    (written.hash, fs::read(&path).expect("there"))
                })
                .collect();
            assert!(written.iter().all(|(hash, _)| *hash == written[0].0));
            if format == CheckpointFormat::Tiff {
                assert!(written.iter().all(|(_, bytes)| *bytes == written[0].1));
            }
            let mut reader = CheckpointReader::open_as(&path, PixelKind::Flags).expect("opens");
            assert_eq!(reader.facts().get_text("SAMPLE"), Some("S1"));
            assert_eq!(reader.verify().expect("intact"), written[0].0, "{format}");
            let mut read = Array2::zeros(mask.dim());
            reader.read_band(0, read.view_mut()).expect("reads");
            assert!(read == mask.mapv(f32::from), "{format} {width} x {height}");
            hashes.push(written[0].0);
            let bytes = fs::metadata(&path).expect("there").len();
            assert!(bytes <= FlagsWriter::file_bytes(Size::new(width, height), format));
            if format == CheckpointFormat::Tiff && width > 1000 {
                assert!(bytes < (width * height / 20) as u64, "{bytes}");
            }
        }
        assert_eq!(hashes[0], hashes[1]);
    }
}

#[test]
fn other_bands_than_the_next_and_missing_rows_are_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    for format in FORMATS {
        let path = folder.path().join(format!("mask.{}", format.extension()));
        let size = Size::new(10, 6);
        let mut writer = FlagsWriter::create(&path, None, size, &facts(), format).expect("begins");
        let wide = Array2::zeros((2, 11));
        writer.write_band(wide.view()).expect_err("too wide");
        let rows = Array2::zeros((2, 10));
        writer.write_band(rows.view()).expect("fits");
        let error = writer.finish().expect_err("rows are missing");
        assert!(matches!(
            error,
            CheckpointError::Unfinished {
                rows_written: 2,
                ..
            }
        ));
        assert!(!path.exists());
    }
}

#[test]
fn masks_and_images_are_told_apart_and_damage_is_found() {
    let folder = tempfile::tempdir().expect("a folder");
    let size = Size::new(300, 200);
    let mask = mask(size, 3);
    for format in FORMATS {
        let path = folder.path().join(format!("mask.{}", format.extension()));
        let written = write(&path, format, &mask, 50);
        assert!(matches!(
            CheckpointReader::open(&path),
            Err(CheckpointError::NotFloat { .. })
        ));
        let mut bytes = fs::read(&path).expect("there");
        let at = match format {
            CheckpointFormat::Tiff => 40,
            CheckpointFormat::Fits => bytes.len() - 3000,
        };
        bytes[at] ^= 8;
        fs::write(&path, &bytes).expect("writes");
        let read = CheckpointReader::open_as(&path, PixelKind::Flags)
            .and_then(|mut reader| reader.verify());
        assert!(read.as_ref().map_or(true, |hash| *hash != written.hash));
        if format == CheckpointFormat::Fits {
            // What fills up the last block counts as well.
            bytes[at] ^= 8;
            let last = bytes.len() - 1;
            bytes[last] ^= 1;
            fs::write(&path, &bytes).expect("writes");
            let read = CheckpointReader::open_as(&path, PixelKind::Flags)
                .and_then(|mut reader| reader.verify());
            assert!(
                matches!(read, Err(CheckpointError::Checksum { .. })),
                "{read:?}"
            );
        }

        let image = folder.path().join(format!("image.{}", format.extension()));
        let compression = CheckpointCompression::Deflate;
        let mut writer =
            CheckpointWriter::create(&image, size, &facts(), format, compression).expect("begins");
        let floats = mask.mapv(f32::from);
        e2m_image::BandSink::write_band(&mut writer, floats.view()).expect("writes");
        writer.finish().expect("finishes");
        assert!(CheckpointReader::open_as(&image, PixelKind::Flags).is_err());
    }
}
