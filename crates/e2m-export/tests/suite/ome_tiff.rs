//! Every pixel of every level of files of every kind of size, and what becomes of a file that is not finished.

use crate::common::{assert_same, image, next_level, pixels, read, write};
use e2m_export::{
    Compression, ExportError, OmeImage, Pyramid, description, level_sizes, tiles_hash,
    write_ome_tiff,
};
use e2m_image::{BandError, BandSource, PlaneSource, Size};
use ndarray::{Array2, ArrayViewMut2};
use std::ops::ControlFlow;
use std::path::Path;

/// Writes an image and compares every level of every channel with its definition.
fn round_trip(image: &OmeImage, planes: &[Array2<f32>]) -> u64 {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("x.ome.tif");
    let written = write(&path, image, planes).expect("writes");
    let sizes = level_sizes(image.size);
    assert_eq!(written.levels, sizes.len());
    assert_eq!(written.bytes, path.metadata().expect("there").len());
    assert_eq!(description(&path).expect("a TIFF"), image.ome_xml());
    let mut bytes = 0;
    let mut count = |more| {
        bytes += more;
        Ok(())
    };
    assert_eq!(tiles_hash(&path, &mut count).expect("reads"), written.hash);
    assert!(bytes > 0 && bytes < written.bytes);
    let channels = read(&path);
    assert_eq!(channels.len(), planes.len());
    for ((levels, plane), channel) in channels.iter().zip(planes).zip(&image.channels) {
        assert_eq!(levels.len(), sizes.len());
        let mut expected = plane.clone();
        for (index, (level, size)) in levels.iter().zip(&sizes).enumerate() {
            assert_eq!(level.size, *size);
            assert_eq!(level.subfile, u32::from(index > 0));
            let what = format!("{} of {}, level {index}", channel.name, image.size);
            assert_same(&level.pixels, &expected, &what);
            expected = next_level(&expected, channel.pyramid);
            if let Some(um) = image.pixel_um {
                let found = level.resolution.expect("a resolution");
                let own = [
                    um[0] * image.size.width as f64 / size.width as f64,
                    um[1] * image.size.height as f64 / size.height as f64,
                ];
                for axis in 0..2 {
                    let error = found[axis] * own[axis] / 10_000.0 - 1.0;
                    assert!(error.abs() < 1e-8, "{error}");
                }
            } else {
                assert_eq!(level.resolution, None);
            }
        }
    }
    written.bytes
}

#[test]
fn every_pixel_of_every_level_is_what_it_should_be() {
    use Pyramid::{Maximum, Mean};
    let sizes = [
        (1, 1),
        (37, 5),
        (512, 512),
        (513, 511),
        (1, 1025),
        (1030, 2),
        (1537, 1111),
        (2050, 1023),
    ];
    for (index, (width, height)) in sizes.into_iter().enumerate() {
        let size = Size::new(width, height);
        let planes = [pixels(size, 1), pixels(size, 2)];
        let mut image = image(size, &[Mean, Maximum]);
        if index % 2 == 1 {
            image.pixel_um = Some([0.325, 0.65]);
        }
        round_trip(&image, &planes);
    }
}

#[test]
fn no_data_takes_no_part_and_nothing_but_no_data_stays_so() {
    let size = Size::new(1100, 700);
    let mut plane = pixels(size, 3);
    for ((y, x), value) in plane.indexed_iter_mut() {
        match (x / 40 + y / 30, x * 7 + y) {
            (0..=3, _) => *value = f32::NAN,
            (_, odd) if odd.is_multiple_of(11) => *value = f32::NAN,
            (_, odd) if odd.is_multiple_of(101) => *value = f32::INFINITY,
            (30.., odd) if !odd.is_multiple_of(3) => *value = 0.0,
            _ => {}
        }
    }
    let image = image(size, &[Pyramid::Mean, Pyramid::Maximum]);
    round_trip(&image, &[plane.clone(), plane]);
}

#[test]
fn a_bright_pixel_stays_as_bright_in_the_smallest_level_of_maxima_only() {
    let size = Size::new(4000, 600);
    let mut plane = Array2::zeros(size.shape());
    plane[(555, 3210)] = 800.0;
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("x.ome.tif");
    let image = image(size, &[Pyramid::Mean, Pyramid::Maximum]);
    write(&path, &image, &[plane.clone(), plane]).expect("writes");
    let [mean, maximum] = <[_; 2]>::try_from(read(&path)).expect("two channels");
    let last = |levels: &[crate::common::Read]| levels.last().expect("a level").pixels[(69, 401)];
    assert_eq!(last(&maximum), 800.0);
    assert_eq!(last(&mean), 800.0 / 64.0);
}

#[test]
fn compression_and_threads_change_no_pixel_and_threads_no_byte() {
    let size = Size::new(1300, 900);
    let planes = [pixels(size, 5)];
    let mut image = image(size, &[Pyramid::Mean]);
    image.compression = Compression::None;
    let plain = round_trip(&image, &planes);
    image.compression = Compression::Deflate;
    let deflated = round_trip(&image, &planes);
    assert!(deflated < plain, "{deflated} of {plain}");
    let folder = tempfile::tempdir().expect("a folder");
    let with = |threads: usize| {
        let path = folder.path().join(format!("{threads}.ome.tif"));
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
        let pool = pool.build().expect("threads");
        pool.install(|| write(&path, &image, &planes))
            .expect("writes");
        std::fs::read(&path).expect("reads")
    };
    assert_eq!(with(1), with(5));
}

/// A source that ends in an error, or tells what was asked of it.
struct Failing<'a> {
    from: PlaneSource<'a>,
    fails_at: usize,
}

impl BandSource for Failing<'_> {
    fn size(&self) -> Size {
        self.from.size()
    }

    fn read_band(&mut self, first: usize, band: ArrayViewMut2<'_, f32>) -> Result<(), BandError> {
        if first >= self.fails_at {
            return Err(BandError::other(std::io::Error::other("a bad sector")));
        }
        self.from.read_band(first, band)
    }
}

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).expect("a folder");
    let name = |entry: std::io::Result<std::fs::DirEntry>| {
        let name = entry.expect("an entry").file_name();
        name.to_string_lossy().into_owned()
    };
    entries.map(name).collect()
}

#[test]
fn what_is_not_finished_leaves_nothing_and_the_file_before_it_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("x.ome.tif");
    let size = Size::new(600, 1700);
    let (plane, image) = (pixels(size, 1), image(size, &[Pyramid::Mean]));
    let attempt = |stop_at: u64, fails_at: usize| {
        let from = PlaneSource::new(plane.view());
        let mut source = Failing { from, fails_at };
        let mut done = 0;
        write_ome_tiff(&path, &image, &mut [&mut source], &mut |pixels| {
            done += pixels;
            if done >= stop_at {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        })
    };
    let error = attempt(600 * 1024, usize::MAX).expect_err("stopped");
    assert!(matches!(error, ExportError::Interrupted { .. }), "{error}");
    let error = attempt(u64::MAX, 1024).expect_err("failed");
    let text = error.to_string();
    assert!(
        text.contains("\"channel 0\"") && text.contains("a bad sector") && text.contains("x.ome"),
        "{text}"
    );
    assert_eq!(names(folder.path()), [""; 0]);
    attempt(u64::MAX, usize::MAX).expect("writes");
    let before = std::fs::read(&path).expect("reads");
    attempt(600 * 512, usize::MAX).expect_err("stopped");
    assert_eq!(names(folder.path()), ["x.ome.tif"]);
    assert_eq!(std::fs::read(&path).expect("reads"), before);
}

#[test]
fn what_does_not_fit_together_is_refused_before_anything_is_written() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("x.ome.tif");
    let size = Size::new(4, 3);
    let plane = pixels(size, 1);
    let refused = |image: &OmeImage, planes: &[Array2<f32>]| {
        let error = write(&path, image, planes).expect_err("refused");
        assert_eq!(names(folder.path()), [""; 0]);
        error.to_string()
    };
    let two = image(size, &[Pyramid::Mean, Pyramid::Mean]);
    let text = refused(&two, std::slice::from_ref(&plane));
    assert!(
        text.contains("2 channels and 1 images were given"),
        "{text}"
    );
    refused(&image(size, &[]), &[]);
    let text = refused(&two, &[plane.clone(), pixels(Size::new(4, 4), 1)]);
    assert!(
        text.contains("\"channel 1\"") && text.contains("4 x 4"),
        "{text}"
    );
    let mut one = image(size, &[Pyramid::Mean]);
    one.pixel_um = Some([0.0, 1.0]);
    let text = refused(&one, &[plane]);
    assert!(text.contains("0 x 1 um"), "{text}");
    let none = Size::new(0, 3);
    refused(&image(none, &[Pyramid::Mean]), &[pixels(none, 1)]);
    let nowhere = folder.path().join("no/x.ome.tif");
    let plane = pixels(size, 1);
    let error = write(&nowhere, &image(size, &[Pyramid::Mean]), &[plane]).expect_err("no folder");
    assert!(matches!(error, ExportError::File(_)), "{error}");
}

#[test]
fn a_file_that_was_cut_off_has_no_description() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("x.ome.tif");
    let size = Size::new(700, 600);
    write(&path, &image(size, &[Pyramid::Mean]), &[pixels(size, 1)]).expect("writes");
    let whole = std::fs::read(&path).expect("reads");
    for length in [0, 7, 16, whole.len() / 2, whole.len() - 3000] {
        std::fs::write(&path, &whole[..length]).expect("writes");
        let error = description(&path).expect_err("no TIFF");
        assert!(error.to_string().contains("x.ome.tif"), "{error}");
    }
    assert!(description(&folder.path().join("none")).is_err());
}
