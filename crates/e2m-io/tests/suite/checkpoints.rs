//! What every checkpoint format promises, run for each of them.

use e2m_image::{BandSink, BandSource, Size, Warp};
use e2m_io::{
    CheckpointCompression, CheckpointError, CheckpointFormat, CheckpointReader, CheckpointWriter,
    ContentHash, FactValue, Facts, WrittenCheckpoint,
};
use ndarray::{Array2, s};
use proptest::prelude::*;
use std::path::{Path, PathBuf};

/// A way to write a checkpoint.
#[derive(Debug, Clone, Copy)]
struct Kind {
    format: CheckpointFormat,
    compression: CheckpointCompression,
    big_tiff: Option<bool>,
}

const KINDS: [Kind; 5] = [
    Kind {
        format: CheckpointFormat::Tiff,
        compression: CheckpointCompression::None,
        big_tiff: None,
    },
    Kind {
        format: CheckpointFormat::Tiff,
        compression: CheckpointCompression::Deflate,
        big_tiff: None,
    },
    Kind {
        format: CheckpointFormat::Tiff,
        compression: CheckpointCompression::None,
        big_tiff: Some(true),
    },
    Kind {
        format: CheckpointFormat::Tiff,
        compression: CheckpointCompression::Deflate,
        big_tiff: Some(true),
    },
    Kind {
        format: CheckpointFormat::Fits,
        compression: CheckpointCompression::None,
        big_tiff: None,
    },
];

impl Kind {
    fn create(
        self,
        path: &Path,
        size: Size,
        facts: &Facts,
    ) -> Result<CheckpointWriter, CheckpointError> {
        CheckpointWriter::create_with(
            path,
            size,
            facts,
            self.format,
            self.compression,
            self.big_tiff,
        )
    }

    fn write(
        self,
        path: &Path,
        pixels: &Array2<f32>,
        facts: &Facts,
        band_rows: usize,
    ) -> WrittenCheckpoint {
        let (height, width) = pixels.dim();
        let mut writer = self
            .create(path, Size::new(width, height), facts)
            .expect("creates");
        for first in (0..height).step_by(band_rows) {
            let end = (first + band_rows).min(height);
            writer
                .write_band(pixels.slice(s![first..end, ..]))
                .expect("writes");
        }
        writer.finish().expect("finishes")
    }

    fn path(self, folder: &Path) -> PathBuf {
        folder.join(format!("checkpoint.{}", self.format))
    }
}

fn pixels(width: usize, height: usize) -> Array2<f32> {
    let mut pixels = Array2::from_shape_fn((height, width), |(y, x)| {
        ((x * 7 + y * 13) % 101) as f32 / 3.0 - 5.0
    });
    pixels[(0, 0)] = -0.0;
    if width > 3 && height > 1 {
        pixels[(1, 0)] = f32::NAN;
        pixels[(1, 1)] = f32::INFINITY;
        pixels[(1, 2)] = f32::MIN_POSITIVE / 2.0;
    }
    pixels
}

fn facts() -> Facts {
    let mut facts = Facts::new();
    let set: [(&str, FactValue); 9] = [
        ("SAMPLE", "CD 070 \"x\" é ☃ 𝄞".into()),
        ("DYE", "it's".into()),
        ("STAGE", "02_icp_aligned".into()),
        ("SCALEK", "".into()),
        ("PAD", 500.into()),
        ("SDL", 1e-6.into()),
        ("SMIN", (-0.000_123_456_789_012_345_67).into()),
        ("SAI", true.into()),
        (
            "NOTE",
            "long ' text with \\u0041 and quotes '' ".repeat(12).into(),
        ),
    ];
    for (key, value) in set {
        facts.set(key, value, "a comment").expect("a fact");
    }
    let warp =
        Warp::similarity(1.0 / 3.0, 12.3, (1e4 / 7.0, -3.0)).then(&Warp::translation(0.1, 1e-9));
    facts.set_warp(&warp);
    facts
        .set("VERSION", "0.1.0", "e2m version")
        .expect("a fact");
    facts
}

/// Without CREATED, which only FITS has.
fn own(facts: &Facts) -> Facts {
    let mut own = Facts::new();
    for fact in facts.iter().filter(|f| f.key != "CREATED") {
        own.set(&fact.key, fact.value.clone(), &fact.comment)
            .expect("a fact");
    }
    own
}

fn bits(pixels: &Array2<f32>) -> Vec<u32> {
    pixels.iter().map(|v| v.to_bits()).collect()
}

fn read(reader: &mut CheckpointReader, band_rows: usize) -> Array2<f32> {
    let size = reader.size();
    let mut pixels = Array2::zeros(size.shape());
    for first in (0..size.height).step_by(band_rows) {
        let end = (first + band_rows).min(size.height);
        reader
            .read_band(first, pixels.slice_mut(s![first..end, ..]))
            .expect("reads");
    }
    pixels
}

#[test]
fn pixels_and_facts_come_back_bit_for_bit() {
    let folder = tempfile::tempdir().expect("folder");
    for kind in KINDS {
        for (width, height) in [(1, 1), (1, 40), (1000, 1), (37, 23), (700, 400)] {
            let path = kind.path(folder.path());
            let pixels = pixels(width, height);
            let written = kind.write(&path, &pixels, &facts(), 7);
            assert_eq!(
                written.bytes,
                std::fs::metadata(&path).expect("exists").len()
            );
            let mut reader = CheckpointReader::open(&path).expect("opens");
            assert_eq!(reader.format(), kind.format);
            assert_eq!(reader.size(), Size::new(width, height));
            let found = own(reader.facts());
            assert!(found.same_values(&facts()), "{kind:?}: {found:?}");
            assert_eq!(found.warp(), facts().warp());
            for band_rows in [1, 10, 1000] {
                assert_eq!(
                    bits(&read(&mut reader, band_rows)),
                    bits(&pixels),
                    "{kind:?}"
                );
            }
            assert_eq!(reader.verify().expect("intact"), written.hash);
        }
    }
}

#[test]
fn rows_can_be_read_in_any_order_and_into_any_layout() {
    let folder = tempfile::tempdir().expect("folder");
    for kind in KINDS {
        let pixels = pixels(300, 900);
        kind.write(&kind.path(folder.path()), &pixels, &facts(), 900);
        let mut reader = CheckpointReader::open(&kind.path(folder.path())).expect("opens");
        for first in [890, 0, 450, 449, 700, 3] {
            let mut column_major = Array2::zeros((300, 5)).reversed_axes();
            reader
                .read_band(first, column_major.view_mut())
                .expect("reads");
            assert_eq!(
                bits(&column_major.as_standard_layout().to_owned()),
                bits(&pixels.slice(s![first..first + 5, ..]).to_owned()),
                "{kind:?}"
            );
        }
        let mut band = Array2::zeros((5, 300));
        assert!(reader.read_band(896, band.view_mut()).is_err());
        assert!(reader.read_band(usize::MAX, band.view_mut()).is_err());
    }
}

#[test]
fn the_bytes_do_not_depend_on_the_bands() {
    let folder = tempfile::tempdir().expect("folder");
    for kind in KINDS {
        let pixels = pixels(333, 1001);
        let file = |band_rows: usize| -> (Vec<u8>, ContentHash) {
            let path = kind.path(folder.path());
            let written = kind.write(&path, &pixels, &facts(), band_rows);
            (std::fs::read(&path).expect("reads"), written.hash)
        };
        let (whole, hash) = file(1001);
        for band_rows in [1, 100, 999] {
            let (bytes, band_hash) = file(band_rows);
            assert_eq!(band_hash, hash);
            let differing = whole.iter().zip(&bytes).filter(|(a, b)| a != b).count();
            // CREATED has microseconds, and CHECKSUM covers it.
            let allowed = if kind.format == CheckpointFormat::Fits {
                8 + 16
            } else {
                0
            };
            assert!(
                bytes.len() == whole.len() && differing <= allowed,
                "{kind:?}: {differing} bytes"
            );
        }
    }
}

#[test]
fn the_hash_is_that_of_the_pixels_whatever_the_format() {
    let folder = tempfile::tempdir().expect("folder");
    let image = pixels(60, 50);
    let mut other = image.clone();
    other[(49, 59)] += 1.0;
    let hashes = KINDS.map(|kind| {
        kind.write(&kind.path(folder.path()), &image, &facts(), 9)
            .hash
    });
    assert!(hashes.iter().all(|hash| *hash == hashes[0]));
    let changed = KINDS[0].write(&KINDS[0].path(folder.path()), &other, &facts(), 9);
    assert_ne!(changed.hash, hashes[0]);
}

#[test]
fn the_length_of_a_file_is_known_before() {
    let dir = tempfile::tempdir().expect("a folder");
    let sizes = [(1, 1), (300, 7), (700, 900), (3, 5000)];
    for (kind, (width, height)) in KINDS.iter().flat_map(|k| sizes.map(|size| (k, size))) {
        let size = Size::new(width, height);
        let path = dir.path().join("image");
        let written = kind
            .write(&path, &pixels(width, height), &facts(), height)
            .bytes;
        let expected = CheckpointWriter::file_bytes(size, kind.format);
        assert!(
            written <= expected,
            "{kind:?} {size}: {written} of {expected}"
        );
        let close = expected < written + (16 << 10) + 16 * height as u64;
        assert!(
            close || kind.compression == CheckpointCompression::Deflate,
            "{kind:?} {size}: {written} of {expected}"
        );
    }
}

#[test]
fn what_is_not_finished_leaves_nothing() {
    let folder = tempfile::tempdir().expect("folder");
    for kind in KINDS {
        let path = kind.path(folder.path());
        let mut writer = kind
            .create(&path, Size::new(4, 3), &facts())
            .expect("creates");
        writer.write_band(pixels(4, 2).view()).expect("writes");
        let error = writer.finish().expect_err("a row is missing");
        assert!(
            matches!(
                error,
                CheckpointError::Unfinished {
                    rows_written: 2,
                    ..
                }
            ),
            "{error}"
        );
        drop(
            kind.create(&path, Size::new(4, 3), &facts())
                .expect("creates"),
        );
        let left = std::fs::read_dir(folder.path()).expect("folder").count();
        assert_eq!(left, 0, "{kind:?}");
    }
}

#[test]
fn bands_that_do_not_fit_are_refused() {
    let folder = tempfile::tempdir().expect("folder");
    for kind in KINDS {
        let path = kind.path(folder.path());
        let mut writer = kind
            .create(&path, Size::new(4, 3), &facts())
            .expect("creates");
        assert!(writer.write_band(pixels(5, 1).view()).is_err());
        assert!(writer.write_band(pixels(4, 4).view()).is_err());
        writer
            .write_band(Array2::zeros((0, 4)).view())
            .expect("an empty band is none");
        writer.write_band(pixels(4, 3).view()).expect("writes");
        assert!(writer.write_band(pixels(4, 1).view()).is_err());
        writer.finish().expect("finishes");
        for size in [Size::new(0, 3), Size::new(3, 0), Size::new(1 << 33, 1)] {
            let error = kind
                .create(&path, size, &facts())
                .expect_err("no such image");
            assert!(matches!(error, CheckpointError::Size { .. }), "{error}");
        }
    }
}

#[test]
fn truncated_files_are_refused_and_named() {
    let folder = tempfile::tempdir().expect("folder");
    for kind in KINDS {
        let path = kind.path(folder.path());
        kind.write(&path, &pixels(200, 300), &facts(), 50);
        let bytes = std::fs::read(&path).expect("reads");
        let cuts = (0..100)
            .map(|i| i * bytes.len() / 100)
            .chain([bytes.len() - 1]);
        for cut in cuts {
            std::fs::write(&path, &bytes[..cut]).expect("writes");
            let error = match CheckpointReader::open(&path) {
                Err(error) => error,
                // A directory cut off behind its last needed value still tells where everything is.
                Ok(mut reader) => match reader.verify() {
                    Err(error) => error,
                    Ok(_) => panic!("{kind:?} cut to {cut} of {} bytes passes", bytes.len()),
                },
            };
            assert!(error.to_string().contains("checkpoint."), "{error}");
        }
    }
}

#[test]
fn a_changed_byte_is_noticed() {
    let folder = tempfile::tempdir().expect("folder");
    for kind in KINDS {
        let path = kind.path(folder.path());
        let written = kind.write(&path, &pixels(200, 300), &facts(), 50);
        let bytes = std::fs::read(&path).expect("reads");
        let at = if kind.format == CheckpointFormat::Fits {
            10_000
        } else {
            5_000
        };
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        std::fs::write(&path, &changed).expect("writes");
        let verified = CheckpointReader::open(&path).and_then(|mut reader| reader.verify());
        assert!(!verified.is_ok_and(|hash| hash == written.hash), "{kind:?}");
    }
}

#[test]
fn fits_headers_are_covered_by_their_checksum() {
    let folder = tempfile::tempdir().expect("folder");
    let kind = KINDS[4];
    let path = kind.path(folder.path());
    kind.write(&path, &pixels(20, 30), &facts(), 50);
    let text = std::fs::read(&path).expect("reads");
    let at = text.windows(3).position(|w| w == b"500").expect("the pad");
    let mut changed = text.clone();
    changed[at] = b'6';
    std::fs::write(&path, &changed).expect("writes");
    let mut reader = CheckpointReader::open(&path).expect("opens");
    let error = reader.verify().expect_err("the header was changed");
    assert!(
        matches!(
            error,
            CheckpointError::Checksum {
                what: "CHECKSUM",
                ..
            }
        ),
        "{error}"
    );
}

#[test]
fn other_files_are_no_checkpoints() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("x.tiff");
    let error = CheckpointReader::open(&path).expect_err("missing");
    assert!(matches!(error, CheckpointError::Read { .. }), "{error}");
    for (content, says) in [
        (&b""[..], "empty file"),
        (b"hello world, this is text", "text file"),
        (b"\x89PNG\r\n\x1a\n0123456789", "PNG"),
        (b"SIMPLE  =", "truncated"),
    ] {
        std::fs::write(&path, content).expect("writes");
        let error = CheckpointReader::open(&path)
            .expect_err("not a checkpoint")
            .to_string();
        assert!(error.contains(says) && error.contains("x.tiff"), "{error}");
    }
    let error = CheckpointReader::open(folder.path()).expect_err("a folder");
    assert!(error.to_string().contains("directory"), "{error}");
}

#[test]
fn odd_file_names_work() {
    let folder = tempfile::tempdir().expect("folder");
    for kind in KINDS {
        for name in ["a[1:2,3].x", "!new (copy).y", "mem:z+1", "é ü"] {
            let path = folder.path().join(name);
            let written = kind.write(&path, &pixels(3, 3), &facts(), 1);
            let mut reader = CheckpointReader::open(&path).expect("opens");
            assert_eq!(reader.verify().expect("intact"), written.hash);
        }
    }
    assert_eq!(std::fs::read_dir(folder.path()).expect("folder").count(), 4);
}

#[test]
fn no_character_of_a_path_means_anything() {
    let folder = tempfile::tempdir().expect("folder");
    for kind in KINDS {
        for name in [
            "[1]",
            "a (x) +3",
            "!a",
            "a+3",
            " ~é ☃ 𝄞",
            "a.gz",
            "mem:",
            "%20",
        ] {
            let inside = folder.path().join(format!("{name}{}", kind.format));
            std::fs::create_dir_all(&inside).expect("makes a folder");
            let path = inside.join(name);
            let written = kind.write(&path, &pixels(30, 20), &facts(), 7);
            let mut reader = CheckpointReader::open(&path).expect(name);
            assert_eq!(reader.verify().expect(name), written.hash, "{name}");
            assert_eq!(std::fs::read_dir(&inside).expect("lists").count(), 1);
        }
    }
}

#[test]
fn what_is_given_up_halfway_leaves_nothing() {
    let folder = tempfile::tempdir().expect("folder");
    for kind in KINDS {
        let size = Size::new(20_000, 20_000);
        let path = kind.path(folder.path());
        let mut writer = kind.create(&path, size, &facts()).expect("creates");
        let band = Array2::from_elem((40, size.width), 1.5);
        writer.write_band(band.view()).expect("writes");
        assert!(!path.exists());
        let left = || std::fs::read_dir(folder.path()).expect("folder").count();
        assert_eq!(left(), 1, "the temporary");
        drop(writer);
        assert_eq!(left(), 0, "{kind:?}");
    }
}

#[test]
fn a_folder_that_vanishes_is_told() {
    let folder = tempfile::tempdir().expect("folder");
    for kind in KINDS {
        let inside = folder.path().join("inside");
        let path = kind.path(&inside);
        let error = kind
            .create(&path, Size::new(4, 3), &facts())
            .expect_err("there is none yet");
        assert!(error.to_string().contains("inside"), "{error}");
        std::fs::create_dir(&inside).expect("makes a folder");
        let mut writer = kind
            .create(&path, Size::new(4, 3), &facts())
            .expect("creates");
        writer.write_band(pixels(4, 3).view()).expect("writes");
        std::fs::remove_dir_all(&inside).expect("removes it");
        let error = writer.finish().expect_err("it vanished");
        assert!(error.to_string().contains("inside"), "{error}");
        assert_eq!(error.path(), path);
    }
}

#[test]
fn what_is_cut_while_it_is_read_is_told() {
    let folder = tempfile::tempdir().expect("folder");
    for kind in KINDS {
        let path = kind.path(folder.path());
        kind.write(&path, &pixels(700, 900), &facts(), 50);
        let mut reader = CheckpointReader::open(&path).expect("opens");
        let file = std::fs::File::options().write(true).open(&path);
        file.and_then(|f| f.set_len(20_000)).expect("cuts");
        let error = reader.verify().expect_err("it was cut");
        assert_eq!(error.path(), path);
    }
}

#[test]
fn the_decoder_of_the_tiff_crate_reads_the_same() {
    use tiff::decoder::{Decoder, DecodingResult};
    let folder = tempfile::tempdir().expect("folder");
    for kind in &KINDS[..4] {
        for (width, height) in [(1, 1), (37, 23), (700, 400)] {
            let path = kind.path(folder.path());
            let wanted = pixels(width, height);
            kind.write(&path, &wanted, &facts(), 50);
            let file = std::io::BufReader::new(std::fs::File::open(&path).expect("opens"));
            let mut decoder = Decoder::new(file).expect("a TIFF");
            assert_eq!(
                decoder.dimensions().expect("a size"),
                (width as u32, height as u32)
            );
            assert!(!decoder.more_images());
            let description = decoder
                .get_tag_ascii_string(tiff::tags::Tag::ImageDescription)
                .expect("a description");
            assert!(description.starts_with("{\"SAMPLE\":"), "{description}");
            let DecodingResult::F32(found) = decoder.read_image().expect("pixels") else {
                panic!("{kind:?} does not hold floats");
            };
            let found = Array2::from_shape_vec((height, width), found).expect("shape");
            assert_eq!(bits(&found), bits(&wanted), "{kind:?}");
        }
    }
}

fn any_value() -> impl Strategy<Value = FactValue> {
    prop_oneof![
        any::<bool>().prop_map(FactValue::Bool),
        any::<i64>().prop_map(FactValue::Int),
        any::<f64>()
            .prop_filter("finite", |v| v.is_finite())
            .prop_map(FactValue::Float),
        any::<String>().prop_map(FactValue::Text),
        "[ '\\\\&/u0-9]{0,200}".prop_map(FactValue::Text),
        "[ -~]{60,300}".prop_map(FactValue::Text),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn any_facts_come_back(values in proptest::collection::btree_map("[A-Z][A-Z0-9_-]{0,7}", (any_value(), any::<String>()), 0..12)) {
        let folder = tempfile::tempdir().expect("folder");
        let mut facts = Facts::new();
        for (key, (value, comment)) in values {
            // Reserved keys are refused.
            let _ = facts.set(&key, value, &comment);
        }
        for kind in [KINDS[0], KINDS[4]] {
            let path = kind.path(folder.path());
            kind.write(&path, &pixels(2, 2), &facts, 1);
            let mut reader = CheckpointReader::open(&path).expect("opens");
            let (found, wanted) = (own(reader.facts()), own(&facts));
            prop_assert!(found.same_values(&wanted), "{:?}: {:?} is not {:?}", kind, found, wanted);
            reader.verify().expect("intact");
        }
    }
}

#[test]
fn facts_refuse_what_cannot_be_written() {
    let mut facts = Facts::new();
    for key in [
        "",
        "lower",
        "TOOLONGKEY",
        "A B",
        "É",
        "NAXIS1",
        "END",
        "CHECKSUM",
    ] {
        assert!(facts.set(key, 1, "").is_err(), "{key}");
    }
    assert!(facts.set("SCALE", f64::NAN, "").is_err());
    assert!(facts.set("SCALE", f64::INFINITY, "").is_err());
    assert!(facts.is_empty());
}
