//! Files open in tifffile, which napari reads with, as what they are: one pyramid of named channels with a pixel size.

use crate::common::{image, next_level, pixels, write};
use e2m_export::{Compression, Pyramid, ZarrVersion, level_sizes, write_ome_zarr};
use e2m_image::{BandSource, PlaneSource, Size};
use std::ops::ControlFlow;
use std::path::Path;
use std::process::Command;

/// Writes a file, what it holds beside it, and answers with its name.
fn example(
    folder: &Path,
    (name, size): (&str, Size),
    pyramids: &[Pyramid],
    um: Option<[f64; 2]>,
    compression: Compression,
) {
    let mut image = image(size, pyramids);
    image.pixel_um = um;
    image.compression = compression;
    image.description = "status suspect: median residual 1.3 px < 2 µm & more".to_owned();
    image.annotations = vec![("status".to_owned(), "suspect: \"x\"".to_owned())];
    let mut planes = Vec::new();
    for seed in 1..=pyramids.len() as u64 {
        let mut plane = pixels(size, seed);
        for value in plane.iter_mut().step_by(13) {
            *value = f32::NAN;
        }
        planes.push(plane);
    }
    let path = folder.join(format!("{name}.ome.tif"));
    write(&path, &image, &planes).expect("writes");
    for version in [ZarrVersion::V04, ZarrVersion::V05] {
        let mut sources: Vec<PlaneSource<'_>> =
            planes.iter().map(|p| PlaneSource::new(p.view())).collect();
        let sources = sources.iter_mut().map(|s| s as &mut dyn BandSource);
        let mut sources: Vec<&mut dyn BandSource> = sources.collect();
        let path = folder.join(format!("{name}-{}.ome.zarr", version.name()));
        let go_on = &mut |_| ControlFlow::Continue(());
        write_ome_zarr(&path, version, &image, &mut sources, go_on).expect("writes");
    }
    let sizes: Vec<String> = level_sizes(size)
        .iter()
        .map(|size| format!("[{}, {}]", size.width, size.height))
        .collect();
    let names: Vec<String> = image
        .channels
        .iter()
        .map(|channel| format!("{:?}", channel.name))
        .collect();
    let um = um.map_or("null".to_owned(), |um| format!("{um:?}"));
    let (sizes, names) = (sizes.join(", "), names.join(", "));
    let json = format!("{{\"levels\": [{sizes}], \"names\": [{names}], \"um\": {um}}}");
    std::fs::write(folder.join(format!("{name}.json")), json).expect("writes");
    let mut bytes: Vec<u8> = Vec::new();
    for (plane, pyramid) in planes.into_iter().zip(pyramids) {
        let mut level = plane;
        for _ in level_sizes(size) {
            bytes.extend(level.iter().flat_map(|value| value.to_ne_bytes()));
            level = next_level(&level, *pyramid);
        }
    }
    std::fs::write(folder.join(format!("{name}.bin")), bytes).expect("writes");
}

#[test]
fn tifffile_takes_them_for_pyramids_and_reads_every_pixel() {
    check_with("tifffile", "check_export.py");
}

/// zarr reads every pixel, and ome-zarr-models finds the attributes as OME-NGFF wants them.
#[test]
fn zarr_reads_every_pixel_and_the_attributes_are_valid() {
    check_with("zarr", "check_zarr.py");
}

fn check_with(package: &str, script: &str) {
    use Pyramid::{Maximum, Mean};
    let Some(python) = e2m_testing::python() else {
        return;
    };
    let import = format!("import {package}");
    let there = Command::new(&python).args(["-c", &import]).output();
    let there = there.is_ok_and(|output| output.status.success());
    if e2m_testing::prerequisite(package, there.then_some(())).is_none() {
        return;
    }
    // Kept where somebody wants to hold other programs against the same files.
    let kept = std::env::var_os("E2M_TEST_KEEP_EXPORTS").map(std::path::PathBuf::from);
    let temporary = tempfile::tempdir().expect("a folder");
    let folder = kept.unwrap_or_else(|| temporary.path().to_owned());
    let (deflate, none) = (Compression::Deflate, Compression::None);
    let four = [Mean, Mean, Maximum, Maximum];
    let um = Some([0.325, 0.3251]);
    let add = |name, size, pyramids, um, compression| {
        example(&folder, (name, size), pyramids, um, compression);
    };
    add("four", Size::new(1301, 777), &four, um, deflate);
    add("one", Size::new(1025, 1537), &[Mean], None, deflate);
    add("plain", Size::new(700, 513), &[Maximum], um, none);
    add("small", Size::new(37, 11), &[Mean, Maximum], um, deflate);
    let script = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests")
        .join(script);
    let output = Command::new(python).arg(script).arg(&folder).output();
    let output = output.expect("Python");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}{errors}");
    assert_eq!(
        said,
        "four: CYX 3 levels\none: YX 3 levels\nplain: YX 2 levels\nsmall: CYX 1 levels\n"
    );
}
