//! Raw images that no microscope takes, through a whole task: it always ends with a status that names what is wrong, or with
//! images.

use e2m_image::{BandSink, Size};
use e2m_io::{CheckpointCompression, CheckpointFormat, CheckpointWriter, Facts};
use e2m_pipeline::{Params, Status, Unobserved, run_task};
use ndarray::Array2;
use std::path::{Path, PathBuf};

const SIDE: usize = 120;

fn section(height: usize, width: usize) -> Array2<f32> {
    Array2::from_shape_fn((height, width), |(y, x)| {
        let (x, y) = (x as f32, y as f32);
        let (dx, dy) = (x - width as f32 / 2.0, y - height as f32 / 2.0);
        let texture = 120.0 + 60.0 * ((x * 0.31).sin() * (y * 0.27).cos() * 9.0).sin();
        if dx.hypot(dy) < 0.4 * height.min(width) as f32 {
            texture
        } else {
            4.0
        }
    })
}

/// Names and images of floats.
fn hostile() -> Vec<(&'static str, Array2<f32>)> {
    let flat = |value: f32| Array2::from_elem((SIDE, SIDE), value);
    let spoilt = |value: f32, every: usize| {
        let mut image = section(SIDE, SIDE);
        image.iter_mut().step_by(every).for_each(|v| *v = value);
        image
    };
    vec![
        ("one_pixel", Array2::from_elem((1, 1), 7.0)),
        ("one_row", section(1, 200)),
        ("one_column", section(200, 1)),
        ("smaller_than_a_tile", section(30, 26)),
        ("zeros", flat(0.0)),
        ("no_numbers", flat(f32::NAN)),
        ("infinite", flat(f32::INFINITY)),
        ("the_largest", flat(f32::MAX)),
        ("holes", spoilt(f32::NAN, 3)),
        ("spikes", spoilt(f32::MAX, 11)),
        ("negative_spikes", spoilt(f32::MIN, 11)),
        ("least_numbers", section(SIDE, SIDE).mapv(|v| v * 1e-42)),
        ("huge_numbers", section(SIDE, SIDE).mapv(|v| v * 1e36)),
    ]
}

fn write(folder: &Path, name: &str, image: &Array2<f32>) -> PathBuf {
    let path = folder.join(format!("{name}.tif"));
    let (format, compression) = (CheckpointFormat::Tiff, CheckpointCompression::None);
    let size = Size::new(image.ncols(), image.nrows());
    let mut writer =
        CheckpointWriter::create(&path, size, &Facts::new(), format, compression).expect("creates");
    writer.write_band(image.view()).expect("writes");
    writer.finish().expect("finishes");
    path
}

#[test]
fn any_pair_of_images_ends_with_a_status() {
    let folder = tempfile::tempdir().expect("a folder");
    let good = write(folder.path(), "good", &section(SIDE, SIDE));
    for (name, image) in hostile() {
        let bad = write(folder.path(), name, &image);
        for (sample, post, pre) in [
            (format!("{name}_post"), &bad, &good),
            (format!("{name}_pre"), &good, &bad),
            (format!("{name}_both"), &bad, &bad),
        ] {
            let params = Params {
                pad: 5,
                ..Params::default()
            };
            let out = folder.path().join("out");
            let task = crate::common::task(&out, &sample, "DAPI", post, pre, params);
            let outcome = run_task(&task, &mut Unobserved);
            let status = outcome.status.to_string();
            assert!(
                !matches!(outcome.status, Status::Incomplete(_)),
                "{sample}: {status}"
            );
            assert!(!status.contains("OpenCV"), "{sample}: {status}");
            assert!(!status.contains("panic"), "{sample}: {status}");
        }
    }
}
