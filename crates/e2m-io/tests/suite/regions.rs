//! A region of a checkpoint has the pixels that its bands have, of every format.

use e2m_image::{BandError, BandSink as _, BandSource as _, Size};
use e2m_io::{
    CheckpointCompression, CheckpointFormat, CheckpointReader, CheckpointWriter, Facts,
    FlagsWriter, PixelKind,
};
use ndarray::{Array2, s};
use proptest::prelude::*;
use std::cell::RefCell;
use std::path::{Path, PathBuf};

/// Larger than a strip, and of no round size.
const SIZE: Size = Size::new(1237, 411);

fn pixels() -> Array2<f32> {
    Array2::from_shape_fn(SIZE.shape(), |(y, x)| {
        ((x * 7 + y * 1013) % 9973) as f32 - 0.25
    })
}

/// Every kind of file that e2m writes, of the same pixels; those of the mask are bytes of them.
fn written(folder: &Path) -> Vec<(PathBuf, PixelKind)> {
    let (tiff, fits) = (CheckpointFormat::Tiff, CheckpointFormat::Fits);
    let (none, deflate) = (CheckpointCompression::None, CheckpointCompression::Deflate);
    let mut files = Vec::new();
    for (name, format, compression) in [
        ("a.tiff", tiff, none),
        ("b.tiff", tiff, deflate),
        ("c.fits", fits, none),
    ] {
        let path = folder.join(name);
        let mut writer =
            CheckpointWriter::create(&path, SIZE, &Facts::new(), format, compression).expect("new");
        writer.write_band(pixels().view()).expect("written");
        writer.finish().expect("whole");
        files.push((path, PixelKind::Float));
    }
    for (name, format) in [("m.tiff", tiff), ("m.fits", fits)] {
        let path = folder.join(name);
        let mut writer =
            FlagsWriter::create(&path, None, SIZE, &Facts::new(), format).expect("new");
        let flags = pixels().mapv(|v| v as u8);
        writer.write_band(flags.view()).expect("written");
        writer.finish().expect("whole");
        files.push((path, PixelKind::Flags));
    }
    files
}

#[test]
fn any_region_in_any_order_is_that_of_the_whole() {
    let folder = tempfile::tempdir().expect("a folder");
    for (path, kind) in written(folder.path()) {
        let mut reader = CheckpointReader::open_as(&path, kind).expect("whole");
        let mut whole = Array2::zeros(SIZE.shape());
        reader.read_band(0, whole.view_mut()).expect("read");
        let region = (0..=SIZE.height, 0..=SIZE.width, 0..=80usize, 0..=900usize);
        let config = ProptestConfig {
            cases: 60,
            failure_persistence: None,
            ..ProptestConfig::default()
        };
        let reader = RefCell::new(reader);
        let mut runner = proptest::test_runner::TestRunner::new(config);
        runner
            .run(&region, |(y, x, rows, columns)| {
                let (rows, columns) = (rows.min(SIZE.height - y), columns.min(SIZE.width - x));
                let mut out = Array2::from_elem((rows, columns), f32::NAN);
                reader
                    .borrow_mut()
                    .read_region((y, x), out.view_mut())
                    .expect("read");
                prop_assert_eq!(&out, &whole.slice(s![y..y + rows, x..x + columns]));
                Ok(())
            })
            .unwrap_or_else(|failure| panic!("{}: {failure}", path.display()));
        for (first, shape) in [
            ((0, 0), (1, SIZE.width + 1)),
            ((0, 1), (1, SIZE.width)),
            ((SIZE.height, 0), (1, 1)),
            ((SIZE.height - 1, 0), (2, 1)),
            ((usize::MAX, usize::MAX), (1, 1)),
        ] {
            let mut out = Array2::zeros(shape);
            let refused = reader.borrow_mut().read_region(first, out.view_mut());
            assert!(
                matches!(refused, Err(BandError::Shape { .. })),
                "{first:?} {shape:?}"
            );
        }
    }
}
