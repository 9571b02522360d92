//! Checkpoints that are made on another disk and copied to their place.

use e2m_image::{BandSink, Size};
use e2m_io::{CheckpointCompression, CheckpointFormat, CheckpointReader, CheckpointWriter, Facts};
use ndarray::Array2;
use std::path::Path;

/// More than a block of the writer, with rows of zeros, which are holes.
const SIZE: Size = Size::new(1500, 1700);

const KINDS: [(CheckpointFormat, CheckpointCompression); 3] = [
    (CheckpointFormat::Tiff, CheckpointCompression::None),
    (CheckpointFormat::Tiff, CheckpointCompression::Deflate),
    (CheckpointFormat::Fits, CheckpointCompression::None),
];

fn pixels() -> Array2<f32> {
    Array2::from_shape_fn((SIZE.height, SIZE.width), |(y, x)| {
        if (300..1400).contains(&y) {
            (y * 31 + x * 7) as f32 / 3.0
        } else {
            0.0
        }
    })
}

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).expect("a folder");
    entries
        .map(|entry| {
            entry
                .expect("an entry")
                .file_name()
                .to_string_lossy()
                .into_owned()
        })
        .collect()
}

#[test]
fn the_file_is_the_same_and_nothing_stays_behind() {
    let folder = tempfile::tempdir().expect("a folder");
    let (scratch, place) = (folder.path().join("scratch"), folder.path().join("place"));
    for one in [&scratch, &place] {
        std::fs::create_dir(one).expect("made");
    }
    for (format, compression) in KINDS {
        let path = place.join(format!("image.{}", format.extension()));
        let direct = place.join(format!("direct.{}", format.extension()));
        let mut writer = CheckpointWriter::create_in_scratch(
            &scratch,
            &path,
            SIZE,
            &Facts::new(),
            format,
            compression,
        )
        .expect("creates");
        writer.write_band(pixels().view()).expect("writes");
        assert_eq!(names(&scratch).len(), 1, "it is under construction there");
        assert!(!path.exists());
        let written = writer.finish().expect("finishes");
        assert_eq!(names(&scratch), [""; 0]);
        let mut writer =
            CheckpointWriter::create(&direct, SIZE, &Facts::new(), format, compression)
                .expect("creates");
        writer.write_band(pixels().view()).expect("writes");
        assert_eq!(writer.finish().expect("finishes").hash, written.hash);
        let read = |path: &Path| std::fs::read(path).expect("read");
        assert_eq!(read(&path).len() as u64, written.bytes);
        if format == CheckpointFormat::Tiff {
            assert!(read(&path) == read(&direct), "{format:?}, {compression:?}");
        }
        let mut reader = CheckpointReader::open(&path).expect("opens");
        assert_eq!(reader.verify().expect("verifies"), written.hash);
        for path in [&path, &direct] {
            std::fs::remove_file(path).expect("removed");
        }
    }
    assert_eq!(names(&place), [""; 0]);
}

#[cfg(unix)]
#[test]
fn holes_stay_holes() {
    use std::os::unix::fs::MetadataExt as _;
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("image.tiff");
    let scratch = folder.path().join("scratch");
    std::fs::create_dir(&scratch).expect("made");
    let size = Size::new(2000, 6000);
    let mut writer = CheckpointWriter::create_in_scratch(
        &scratch,
        &path,
        size,
        &Facts::new(),
        CheckpointFormat::Tiff,
        CheckpointCompression::None,
    )
    .expect("creates");
    let empty = Array2::zeros((size.height, size.width));
    writer.write_band(empty.view()).expect("writes");
    writer.finish().expect("finishes");
    let about = std::fs::metadata(&path).expect("there");
    assert!(about.len() > 48_000_000);
    assert!(
        about.blocks() * 512 < about.len() / 2,
        "{} blocks",
        about.blocks()
    );
}

#[test]
fn a_place_that_vanishes_is_told_and_nothing_stays_behind() {
    let folder = tempfile::tempdir().expect("a folder");
    let scratch = folder.path().join("scratch");
    std::fs::create_dir(&scratch).expect("made");
    let path = folder.path().join("gone/image.tiff");
    let mut writer = CheckpointWriter::create_in_scratch(
        &scratch,
        &path,
        SIZE,
        &Facts::new(),
        CheckpointFormat::Tiff,
        CheckpointCompression::None,
    )
    .expect("creates");
    writer.write_band(pixels().view()).expect("writes");
    let error = writer.finish().expect_err("no folder").to_string();
    assert!(error.contains("gone/image.tiff"), "{error}");
    assert_eq!(names(&scratch), [""; 0]);
}
