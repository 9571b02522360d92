//! The sources and sinks of this crate, held to what all of them promise.

#[path = "../../e2m-image/tests/conformance/mod.rs"]
mod conformance;

use conformance::{image, sink, source};
use e2m_image::{BandSink as _, Size};
use e2m_io::{
    CheckpointCompression, CheckpointFormat, CheckpointReader, CheckpointWriter, Facts, RawImage,
};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

const SIZE: Size = Size::new(5, 7);

const KINDS: [(&str, CheckpointFormat, CheckpointCompression); 3] = [
    (
        "a.tiff",
        CheckpointFormat::Tiff,
        CheckpointCompression::None,
    ),
    (
        "b.tiff",
        CheckpointFormat::Tiff,
        CheckpointCompression::Deflate,
    ),
    (
        "c.fits",
        CheckpointFormat::Fits,
        CheckpointCompression::None,
    ),
];

fn written(folder: &Path, kind: (&str, CheckpointFormat, CheckpointCompression)) -> PathBuf {
    let (name, format, compression) = kind;
    let path = folder.join(name);
    let facts = Facts::new();
    let mut writer =
        CheckpointWriter::create(&path, SIZE, &facts, format, compression).expect("creates");
    writer.write_band(image(SIZE).view()).expect("writes");
    writer.finish().expect("finishes");
    path
}

#[test]
fn checkpoints_as_sources() {
    let folder = tempfile::tempdir().expect("folder");
    for kind in KINDS {
        let path = written(folder.path(), kind);
        let mut reader = CheckpointReader::open(&path).expect("opens");
        source(kind.0, &mut reader, &image(SIZE));
    }
}

#[test]
fn raw_images_as_sources() {
    let folder = tempfile::tempdir().expect("folder");
    for kind in KINDS.into_iter().filter(|kind| kind.0.ends_with("tiff")) {
        let path = written(folder.path(), kind);
        let mut raw = RawImage::open(&path).expect("opens");
        let choice = raw.choose_alone().expect("one channel");
        let mut bands = raw.bands(&choice).expect("bands");
        source(kind.0, &mut bands, &image(SIZE));
    }
}

/// The bytes of the file, but for the time of writing, are those of the pixels.
#[test]
fn checkpoints_as_sinks() {
    let folder = tempfile::tempdir().expect("folder");
    let count = AtomicUsize::new(0);
    for (name, format, compression) in KINDS {
        let make = || {
            let number = count.fetch_add(1, Ordering::Relaxed);
            let path = folder.path().join(format!("{number}-{name}"));
            CheckpointWriter::create(&path, SIZE, &Facts::new(), format, compression)
                .expect("creates")
        };
        let result = |writer: CheckpointWriter| {
            let written = writer.finish().expect("finishes");
            let mut reader = CheckpointReader::open(&written.path).expect("opens");
            assert_eq!(reader.verify().expect("whole"), written.hash);
            (written.hash, written.bytes)
        };
        sink(name, SIZE, make, result);
    }
}
