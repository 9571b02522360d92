//! Every pixel of every level of an OME-Zarr of either version, read by a reader that knows nothing of the writer, and what becomes
//! of a folder that is not finished.

use crate::common::{assert_same, image, next_level, pixels};
use e2m_export::{
    Compression, ExportError, OmeImage, OmeZarr, Pyramid, ZarrVersion, level_sizes, write_ome_zarr,
    zarr_description,
};
use e2m_image::{BandSource, PlaneSource, Size};
use ndarray::Array2;
use serde_json::Value;
use std::io::Read as _;
use std::ops::ControlFlow;
use std::path::Path;

fn write(
    path: &Path,
    version: ZarrVersion,
    image: &OmeImage,
    planes: &[Array2<f32>],
    on_pixels: &mut dyn FnMut(u64) -> ControlFlow<()>,
) -> Result<OmeZarr, ExportError> {
    let mut sources: Vec<PlaneSource<'_>> =
        planes.iter().map(|p| PlaneSource::new(p.view())).collect();
    let mut sources: Vec<&mut dyn BandSource> = sources
        .iter_mut()
        .map(|source| source as &mut dyn BandSource)
        .collect();
    write_ome_zarr(path, version, image, &mut sources, on_pixels)
}

fn json(path: &Path) -> Value {
    let text = std::fs::read_to_string(path).expect("reads");
    serde_json::from_str(&text).expect("JSON")
}

/// The bytes of a chunk of a channel; none where it is left out.
fn chunk(
    folder: &Path,
    version: ZarrVersion,
    channel: &str,
    [y, x]: [usize; 2],
) -> Option<Vec<u8>> {
    match version {
        ZarrVersion::V04 => std::fs::read(folder.join(format!("{channel}{y}/{x}"))).ok(),
        ZarrVersion::V05 => {
            let name = format!("c/{channel}{}/{}", y / 8, x / 8);
            let shard = std::fs::read(folder.join(name)).ok()?;
            let index = &shard[shard.len() - 64 * 16 - 4..];
            let number = |at: usize| {
                let bytes = index[8 * at..8 * at + 8].try_into().expect("eight");
                u64::from_le_bytes(bytes) as usize
            };
            let place = y % 8 * 8 + x % 8;
            let (first, length) = (number(2 * place), number(2 * place + 1));
            (first != usize::MAX).then(|| shard[first..first + length].to_vec())
        }
    }
}

fn inflated(bytes: &[u8], version: ZarrVersion, compression: Compression) -> Vec<u8> {
    let mut out = Vec::new();
    match (compression, version) {
        (Compression::None, _) => out.extend_from_slice(bytes),
        (_, ZarrVersion::V04) => {
            let mut decoder = flate2::read::ZlibDecoder::new(bytes);
            decoder.read_to_end(&mut out).expect("zlib");
        }
        (_, ZarrVersion::V05) => {
            let mut decoder = flate2::read::GzDecoder::new(bytes);
            decoder.read_to_end(&mut out).expect("gzip");
        }
    }
    out
}

fn read(path: &Path, version: ZarrVersion, image: &OmeImage, channel: usize) -> Vec<Array2<f32>> {
    let several = image.channels.len() > 1;
    let channel = if several {
        format!("{channel}/")
    } else {
        String::new()
    };
    let levels = level_sizes(image.size).into_iter().enumerate();
    let read_level = |(level, size): (usize, Size)| {
        let folder = path.join(level.to_string());
        let mut pixels = Array2::zeros(size.shape());
        for y in 0..size.height.div_ceil(512) {
            for x in 0..size.width.div_ceil(512) {
                let Some(bytes) = chunk(&folder, version, &channel, [y, x]) else {
                    continue;
                };
                let bytes = inflated(&bytes, version, image.compression);
                assert_eq!(bytes.len(), 4 * 512 * 512);
                for (place, value) in bytes.chunks(4).enumerate() {
                    let (row, column) = (512 * y + place / 512, 512 * x + place % 512);
                    if row < size.height && column < size.width {
                        let value = value.try_into().expect("four");
                        pixels[(row, column)] = f32::from_le_bytes(value);
                    }
                }
            }
        }
        pixels
    };
    levels.map(read_level).collect()
}

#[test]
fn every_pixel_of_every_level_is_what_it_should_be() {
    use Pyramid::{Maximum, Mean};
    let cases = [
        (1, 1, Compression::Deflate),
        (513, 37, Compression::None),
        // More than a shard along one axis.
        (4700, 530, Compression::Deflate),
        (520, 4200, Compression::Deflate),
    ];
    for (width, height, compression) in cases {
        for version in [ZarrVersion::V04, ZarrVersion::V05] {
            let size = Size::new(width, height);
            let mut planes = vec![pixels(size, 1), pixels(size, 2)];
            // A corner of padding: chunks that are left out.
            planes[0]
                .indexed_iter_mut()
                .filter(|((y, x), _)| *y < 512 && *x < 1100)
                .for_each(|(_, value)| *value = 0.0);
            let mut image = image(size, &[Mean, Maximum]);
            image.compression = compression;
            if height == 37 {
                image.channels.truncate(1);
                planes.truncate(1);
            }
            let folder = tempfile::tempdir().expect("a folder");
            let path = folder.path().join("x.ome.zarr");
            let go_on = &mut |_| ControlFlow::Continue(());
            let written = write(&path, version, &image, &planes, go_on).expect("writes");
            let found = e2m_io::folder_content(&path, &mut |_| Ok(())).expect("reads");
            assert_eq!((written.files, written.bytes), (found.files, found.bytes));
            assert_eq!(written.hash, found.hash);
            let description = zarr_description(&path, version).expect("a description");
            assert_eq!(description, image.ome_xml());
            for (index, (plane, channel)) in planes.iter().zip(&image.channels).enumerate() {
                let mut expected = plane.clone();
                for (level, found) in read(&path, version, &image, index).iter().enumerate() {
                    let what = format!("{} of {size}, level {level}", channel.name);
                    assert_same(found, &expected, &what);
                    expected = next_level(&expected, channel.pyramid);
                }
            }
        }
    }
}

#[test]
fn what_is_known_of_the_image_is_in_the_attributes() {
    let size = Size::new(1200, 700);
    let mut image = image(size, &[Pyramid::Mean, Pyramid::Maximum]);
    image.pixel_um = Some([0.25, 0.5]);
    image.annotations = vec![
        ("doubt".to_owned(), "one".to_owned()),
        ("doubt".to_owned(), "two".to_owned()),
    ];
    let mut plane = Array2::from_elem(size.shape(), 3.0);
    plane[(5, 5)] = f32::NAN;
    plane[(6, 6)] = 900.0;
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("x.ome.zarr");
    let go_on = &mut |_| ControlFlow::Continue(());
    let planes = [plane.clone(), plane];
    write(&path, ZarrVersion::V04, &image, &planes, go_on).expect("writes");
    let attributes = json(&path.join(".zattrs"));
    let multiscale = &attributes["multiscales"][0];
    assert_eq!(multiscale["version"], "0.4");
    assert_eq!(multiscale["type"], "by channel: mean, maximum");
    let axes: Vec<&Value> = multiscale["axes"]
        .as_array()
        .expect("axes")
        .iter()
        .collect();
    let names: Vec<&Value> = axes.iter().map(|axis| &axis["name"]).collect();
    assert_eq!(names, ["c", "y", "x"]);
    assert_eq!(axes[1]["unit"], "micrometer");
    let third = &multiscale["datasets"][2]["coordinateTransformations"];
    assert_eq!(third[0]["scale"], serde_json::json!([1.0, 2.0, 1.0]));
    let centre = serde_json::json!([0.0, 0.75, 0.375]);
    assert_eq!(third[1]["translation"], centre);
    let channels = &attributes["omero"]["channels"];
    assert_eq!(channels[0]["color"], "00FFFF");
    assert_eq!(channels[0]["window"]["max"], 900.0);
    assert_eq!(channels[1]["window"]["start"], 0.0);
    assert_eq!(attributes["e2m"]["annotations"]["doubt"], "one\ntwo");
    // The other version has the same where it wants it.
    write(&path, ZarrVersion::V05, &image, &planes, go_on).expect("writes");
    let other = json(&path.join("zarr.json"));
    assert_eq!(other["attributes"]["ome"]["version"], "0.5");
    assert_eq!(
        other["attributes"]["ome"]["omero"], attributes["omero"],
        "both say the same"
    );
    assert!(!path.join(".zattrs").exists(), "it is replaced, not mixed");
    assert!(zarr_description(&path, ZarrVersion::V04).is_err());
}

#[test]
fn nothing_is_left_of_a_folder_that_is_not_finished() {
    let size = Size::new(600, 1700);
    let image = image(size, &[Pyramid::Mean]);
    let planes = [pixels(size, 4)];
    let work = tempfile::tempdir().expect("a folder");
    let path = work.path().join("x.ome.zarr");
    let mut bands = 0;
    let stop = &mut |_| {
        bands += 1;
        match bands {
            2 => ControlFlow::Break(()),
            _ => ControlFlow::Continue(()),
        }
    };
    let stopped = write(&path, ZarrVersion::V05, &image, &planes, stop);
    assert!(
        matches!(stopped, Err(ExportError::Interrupted { .. })),
        "{stopped:?}"
    );
    assert_eq!(std::fs::read_dir(work.path()).expect("lists").count(), 0);
}
