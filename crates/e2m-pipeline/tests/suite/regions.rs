//! Parts of the images of a task: the pixels of its files, from these or made again from the raw images.

use crate::common::{image, task};
use e2m_fixtures::{Recipe, write_pair};
use e2m_image::Size;
use e2m_io::{CheckpointCompression, CheckpointFormat, PixelKind};
use e2m_pipeline::{
    CheckpointFormats, KeptCheckpoints, Manifest, Params, PixelOrigin, RecordedTask, Region,
    RegionError, StageImage, Status, TaskImages, TaskSpec, Unobserved, run_task,
};
use ndarray::{Array2, s};
use std::collections::BTreeMap;
use std::path::Path;

const PAD: usize = 40;

/// The images that have a file, with the folder-less stem of its name.
const FILES: [(StageImage, &str); 8] = [
    (StageImage::Post, "01_padded_post"),
    (StageImage::Pre, "01_padded_pre"),
    (StageImage::IcpPre, "02_icp_aligned_pre"),
    (StageImage::InteriorPre, "03_interior_aligned_pre"),
    (StageImage::AlignedPre, "03_interior_aligned_pre"),
    (StageImage::Difference, "04_difference_difference"),
    (StageImage::Mask, "04_mask"),
    (StageImage::Significance, "05_significance"),
];

/// A finished task on a pair that is turned, magnified and of two sizes.
fn finished(
    work: &Path,
    formats: CheckpointFormats,
    compression: CheckpointCompression,
) -> TaskSpec {
    let recipe = Recipe {
        seed: 3,
        width: 560,
        height: 500,
        pre_width: Some(590),
        pre_height: Some(480),
        gain: 1.4,
        rotation_deg: 7.0,
        magnification: 1.03,
        ..Recipe::default()
    };
    let pair = write_pair(&recipe, &work.join("raw"), "S1", "DAPI").expect("a pair");
    let params = Params {
        pad: PAD,
        ..Params::default()
    };
    let spec = TaskSpec {
        checkpoint_format: formats,
        checkpoint_compression: compression,
        ..task(
            &work.join("out"),
            "S1",
            "DAPI",
            &pair.post,
            &pair.pre,
            params,
        )
    };
    assert_eq!(run_task(&spec, &mut Unobserved).status, Status::Complete);
    spec
}

fn open(spec: &TaskSpec) -> TaskImages {
    TaskImages::open(&RecordedTask::from(spec)).expect("on record")
}

/// Every image as its file has it.
fn whole(spec: &TaskSpec, format: CheckpointFormat) -> BTreeMap<&'static str, Array2<f32>> {
    let read = |&(_, stem): &(StageImage, &'static str)| {
        let (folder, extension) = match format {
            CheckpointFormat::Tiff => ("tiff", "tiff"),
            CheckpointFormat::Fits => ("fits", "fits"),
        };
        let name = format!("S1/DAPI/{folder}/{stem}_pad{PAD}.{extension}");
        let kind = if stem == "04_mask" {
            PixelKind::Flags
        } else {
            PixelKind::Float
        };
        (stem, image(&spec.output_dir.join(name), kind))
    };
    FILES.iter().map(read).collect()
}

/// Boxes at every border, in corners, of one pixel, of a row, a column and everything.
fn boxes(canvas: Size) -> Vec<Region> {
    let Size { width, height } = canvas;
    let mut boxes = Vec::new();
    for x in [0, width / 3, width - 37] {
        for y in [0, height / 2, height - 29] {
            boxes.push([x, y, 37, 29]);
        }
    }
    boxes.extend([
        [0, 0, width, height],
        [5, 9, 1, 1],
        [width - 1, height - 1, 1, 1],
    ]);
    boxes.extend([[0, height / 2, width, 1], [width / 2, 0, 1, height]]);
    let region = |[x, y, width, height]: [usize; 4]| Region {
        x,
        y,
        width,
        height,
    };
    boxes.into_iter().map(region).collect()
}

fn part(image: &Array2<f32>, r: Region) -> Array2<f32> {
    image
        .slice(s![r.y..r.y + r.height, r.x..r.x + r.width])
        .to_owned()
}

#[test]
fn regions_are_the_pixels_of_the_files_of_either_format_compressed_or_not() {
    for (formats, format, compression) in [
        (
            CheckpointFormats::Tiff,
            CheckpointFormat::Tiff,
            CheckpointCompression::None,
        ),
        (
            CheckpointFormats::Tiff,
            CheckpointFormat::Tiff,
            CheckpointCompression::Deflate,
        ),
        (
            CheckpointFormats::Fits,
            CheckpointFormat::Fits,
            CheckpointCompression::None,
        ),
    ] {
        let work = tempfile::tempdir().expect("a folder");
        let spec = finished(work.path(), formats, compression);
        let (files, images) = (whole(&spec, format), open(&spec));
        for (image, stem) in FILES {
            for region in boxes(images.canvas()) {
                let read = images.read(image, region, 1).expect("read");
                assert_eq!(
                    read.pixels,
                    part(&files[stem], region),
                    "{image} {region:?}"
                );
                assert!(matches!(read.origin, PixelOrigin::Checkpoint(_)));
            }
        }
    }
}

#[test]
fn a_step_gives_means_of_blocks_and_all_flags_of_a_mask() {
    let work = tempfile::tempdir().expect("a folder");
    let (formats, compression) = (CheckpointFormats::Tiff, CheckpointCompression::None);
    let spec = finished(work.path(), formats, compression);
    let (files, images) = (whole(&spec, CheckpointFormat::Tiff), open(&spec));
    let region = Region {
        x: 13,
        y: 30,
        width: 501,
        height: 333,
    };
    for step in [2, 7, 100, 1000] {
        for (image, stem) in [
            (StageImage::Post, "01_padded_post"),
            (StageImage::Mask, "04_mask"),
        ] {
            let read = images.read(image, region, step).expect("read").pixels;
            assert_eq!(
                read.dim(),
                (333usize.div_ceil(step), 501usize.div_ceil(step))
            );
            let own = part(&files[stem], region);
            for ((y, x), value) in read.indexed_iter() {
                let (rows, columns) = (
                    y * step..((y + 1) * step).min(333),
                    x * step..((x + 1) * step).min(501),
                );
                let block = own.slice(s![rows, columns]);
                let expected = if image == StageImage::Mask {
                    f64::from(block.iter().fold(0u8, |all, v| all | *v as u8))
                } else {
                    block.iter().map(|v| f64::from(*v)).sum::<f64>() / block.len() as f64
                };
                let difference = (f64::from(*value) - expected).abs();
                assert!(
                    difference < 1e-5 * expected.max(1.0),
                    "{image} {step} {y} {x}"
                );
            }
        }
    }
    // A blur sees beyond the region: that of a part is the part of that of all.
    let all = Region {
        x: 0,
        y: 0,
        width: images.canvas().width,
        height: images.canvas().height,
    };
    let blurred = |region| {
        images
            .read_blurred(StageImage::Difference, region, 2.0)
            .expect("read")
    };
    let own = blurred(region).pixels;
    let of_all = part(&blurred(all).pixels, region);
    let most = (&own - &of_all)
        .iter()
        .fold(0.0f32, |most, v| most.max(v.abs()));
    assert!(most < 1e-3, "{most}");
}

#[test]
fn what_was_not_kept_is_made_again_from_the_raw_images_or_is_said_to_be_missing() {
    let work = tempfile::tempdir().expect("a folder");
    let (formats, compression) = (CheckpointFormats::Tiff, CheckpointCompression::None);
    let spec = finished(work.path(), formats, compression);
    let files = whole(&spec, CheckpointFormat::Tiff);
    let lean = TaskSpec {
        output_dir: work.path().join("lean"),
        checkpoints: KeptCheckpoints::None,
        ..spec.clone()
    };
    assert_eq!(run_task(&lean, &mut Unobserved).status, Status::Complete);
    let images = open(&lean);
    let mut differing = 0.0f32;
    for (image, stem) in &FILES[..5] {
        for region in boxes(images.canvas()) {
            let read = images.read(*image, region, 1).expect("made again");
            let PixelOrigin::Raw(path) = &read.origin else {
                panic!("{image} was kept");
            };
            let is_post = *image == StageImage::Post;
            assert_eq!(
                *path,
                if is_post {
                    spec.post.clone()
                } else {
                    spec.pre.clone()
                }
            );
            let expected = part(&files[stem], region);
            if matches!(image, StageImage::Post | StageImage::Pre) {
                assert_eq!(read.pixels, expected, "{image} {region:?}");
            }
            let most = (&read.pixels - &expected)
                .iter()
                .fold(0.0f32, |most, v| most.max(v.abs()));
            differing = differing.max(most);
        }
    }
    // 2^-32 px of a slope of some hundred counts.
    assert!(differing < 1e-4, "{differing}");
    let region = boxes(images.canvas())[0];
    assert!(images.read(StageImage::Difference, region, 1).is_ok());
    let error = images
        .read(StageImage::Significance, region, 1)
        .expect_err("not kept");
    assert!(
        matches!(error, RegionError::NotMade { .. }) && error.to_string().contains("not kept"),
        "{error}"
    );
    let error = images
        .read(StageImage::ManualDifference, region, 1)
        .expect_err("not asked for");
    assert!(error.is_question(), "{error}");
    // A raw file that is another by now is not shown for what it was.
    let bytes = std::fs::read(&spec.pre).expect("read");
    std::fs::write(&spec.pre, [&bytes[..], b"x"].concat()).expect("written");
    let error = images
        .read(StageImage::AlignedPre, region, 1)
        .expect_err("changed");
    assert!(
        matches!(error, RegionError::RawChanged { .. }) && !error.is_question(),
        "{error}"
    );
    assert!(images.read(StageImage::Post, region, 1).is_ok());
    std::fs::remove_file(&spec.post).expect("removed");
    let error = images.read(StageImage::Post, region, 1).expect_err("gone");
    assert!(error.to_string().contains("is not there"), "{error}");
}

#[test]
fn what_is_not_on_record_or_not_on_the_canvas_is_an_error() {
    let work = tempfile::tempdir().expect("a folder");
    let (formats, compression) = (CheckpointFormats::Tiff, CheckpointCompression::None);
    let spec = finished(work.path(), formats, compression);
    let images = open(&spec);
    let canvas = images.canvas();
    for region in [
        Region {
            x: canvas.width,
            y: 0,
            width: 1,
            height: 1,
        },
        Region {
            x: canvas.width - 5,
            y: 0,
            width: 6,
            height: 1,
        },
        Region {
            x: 0,
            y: canvas.height - 5,
            width: 6,
            height: 6,
        },
        Region {
            x: 3,
            y: 3,
            width: 0,
            height: 6,
        },
    ] {
        let error = images
            .read(StageImage::Post, region, 1)
            .expect_err("outside");
        assert!(matches!(error, RegionError::Outside { .. }), "{error}");
    }
    // The worst tile is one of those on record, and its shift the longest.
    let tile = images.worst_tile().expect("measured");
    let manifest = images.manifest();
    let summary = manifest
        .alignment
        .as_ref()
        .and_then(|a| a.residual.clone())
        .expect("measured");
    assert!(tile.length_px() >= summary.p90_px);
    assert!(
        tile.x >= PAD && tile.x + tile.side_px <= PAD + 560 && tile.y + tile.side_px <= PAD + 500
    );
    let first = images.object(1).expect("an object");
    assert!(first.x > PAD as f64 && first.significance > 3.0);
    assert!(matches!(
        images.object(1_000_000),
        Err(RegionError::NoObject { .. })
    ));
    // A checkpoint that is shorter than it was.
    let path = spec
        .output_dir
        .join(format!("S1/DAPI/tiff/01_padded_post_pad{PAD}.tiff"));
    let bytes = std::fs::read(&path).expect("read");
    std::fs::write(&path, &bytes[..bytes.len() - 8]).expect("written");
    let region = boxes(canvas)[0];
    let error = images
        .read(StageImage::Post, region, 1)
        .expect_err("shorter");
    assert!(matches!(error, RegionError::Changed { .. }), "{error}");
    // Other parameters, and no run at all.
    let other = TaskSpec {
        params: Params {
            pad: 41,
            ..Params::default()
        },
        ..spec.clone()
    };
    let error = TaskImages::open(&RecordedTask::from(&other)).expect_err("not run");
    assert!(error.to_string().contains("e2m_task_pad40.json"), "{error}");
    let elsewhere = TaskSpec {
        output_dir: work.path().join("other"),
        ..spec.clone()
    };
    let error = TaskImages::open(&RecordedTask::from(&elsewhere)).expect_err("not run");
    assert!(matches!(error, RegionError::NotRun { .. }), "{error}");
    // A task that no batch has is opened by its only record; a record of an older version says no tile.
    let orphan = RecordedTask {
        params: None,
        raw: None,
        ..RecordedTask::from(&spec)
    };
    assert!(TaskImages::open(&orphan).is_ok());
    let record = spec
        .output_dir
        .join(format!("S1/DAPI/e2m_task_pad{PAD}.json"));
    let mut manifest = Manifest::open(&record).expect("a record");
    manifest.alignment.as_mut().expect("judged").worst_tile = None;
    manifest.write(&record).expect("written");
    assert!(matches!(
        open(&spec).worst_tile(),
        Err(RegionError::NoTile { .. })
    ));
}
