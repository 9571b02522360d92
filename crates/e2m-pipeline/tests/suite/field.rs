//! `scale_field`: a difference with a scale that varies over the section, where that leaves less background.

use crate::common::{image, problems, task};
use e2m_fixtures::{Recipe, Vignetting, write_pair};
use e2m_io::PixelKind;
use e2m_pipeline::{
    CheckpointFormats, Manifest, Params, RecordedTask, Region, RegionError, Stage, StageImage,
    Status, TaskImages, TaskSpec, Unobserved, preview, run_task,
};
use ndarray::{Array2, s};
use std::fs;
use std::path::{Path, PathBuf};

const SUFFIX: &str = "_pad40_sfld1";
/// Side of a block, px: its median scatters by a fiftieth of what a pixel does.
const BLOCK: usize = 64;

/// A task on a pair whose light loses this share towards the farthest corner, centred elsewhere in each image.
fn spec(work: &Path, seed: u64, strength: f64) -> TaskSpec {
    let light = |centre| (strength > 0.0).then_some(Vignetting { strength, centre });
    let x = 0.3 + 0.2 * (seed % 3) as f64;
    let recipe = Recipe {
        seed,
        width: 900 + 50 * (seed as usize % 4),
        height: 760,
        gain: 1.4,
        rotation_deg: 2.0,
        vignetting_post: light([x, 0.55]),
        vignetting_pre: light([0.9 - x, 0.4]),
        ..Recipe::default()
    };
    let pair = write_pair(&recipe, &work.join("raw"), "S1", "DAPI").expect("a pair");
    let params = Params {
        pad: 40,
        scale_field: true,
        ..Params::default()
    };
    task(
        &work.join("out"),
        "S1",
        "DAPI",
        &pair.post,
        &pair.pre,
        params,
    )
}

fn path(spec: &TaskSpec, stem: &str, suffix: &str) -> PathBuf {
    let name = format!("S1/DAPI/tiff/{stem}{suffix}.tiff");
    spec.output_dir.join(name)
}

fn pixels(spec: &TaskSpec, stem: &str) -> Array2<f32> {
    image(&path(spec, stem, SUFFIX), PixelKind::Float)
}

fn record(spec: &TaskSpec) -> Manifest {
    let path = format!("S1/DAPI/e2m_task{SUFFIX}.json");
    Manifest::open(&spec.output_dir.join(path)).expect("a record")
}

/// The median distance from 0 of the medians of blocks that show section.
fn pattern(difference: &Array2<f32>, aligned: &Array2<f32>) -> f32 {
    let median = |mut values: Vec<f32>| {
        values.sort_unstable_by(f32::total_cmp);
        values.get(values.len() / 2).copied()
    };
    let (rows, columns) = difference.dim();
    let corners = (0..rows - BLOCK)
        .step_by(BLOCK)
        .flat_map(|y| (0..columns - BLOCK).step_by(BLOCK).map(move |x| (y, x)));
    let of_blocks = corners.filter_map(|(y, x)| {
        let part = s![y..y + BLOCK, x..x + BLOCK];
        let all = aligned.slice(part);
        let is_section = all.iter().all(|a| *a > 12.0);
        is_section.then(|| median(difference.slice(part).iter().copied().collect()))?
    });
    median(of_blocks.map(f32::abs).collect()).expect("section")
}

#[test]
fn uneven_light_leaves_a_fifth_of_its_pattern_in_an_image_of_its_own() {
    for seed in [1, 2, 3] {
        let work = tempfile::tempdir().expect("a folder");
        let spec = spec(work.path(), seed, 0.5);
        let outcome = run_task(&spec, &mut Unobserved);
        assert!(
            matches!(outcome.status, Status::Complete | Status::Suspect(_)),
            "{:?}",
            outcome.status
        );
        let aligned = image(
            &path(&spec, "03_interior_aligned_pre", "_pad40"),
            PixelKind::Float,
        );
        let constant = pattern(&pixels(&spec, "04_difference_difference"), &aligned);
        let field = pattern(&pixels(&spec, "04_difference_field"), &aligned);
        assert!(5.0 * field < constant, "{seed}: {field} of {constant}");
        let found = record(&spec).scales.field.expect("on record");
        assert!(found.is_subtracted && found.held_out.field < found.held_out.constant);
        let has_fits = spec
            .output_dir
            .join(format!("S1/DAPI/fits/04_difference_field{SUFFIX}.fits"))
            .is_file();
        assert!(has_fits);
        assert_eq!(problems(&spec), []);

        // It is there for whoever looks, and made again where it is gone.
        let region = Region {
            x: 300,
            y: 200,
            width: 50,
            height: 40,
        };
        let images = TaskImages::open(&RecordedTask::from(&spec)).expect("on record");
        let read = images
            .read(StageImage::FieldDifference, region, 1)
            .expect("a region");
        let whole = pixels(&spec, "04_difference_field");
        assert_eq!(read.pixels, whole.slice(s![200..240, 300..350]));
        assert!(preview(&spec).expect("a preview").is_finished());
        let file = path(&spec, "04_difference_field", SUFFIX);
        let bytes = fs::read(&file).expect("readable");
        fs::remove_file(&file).expect("removed");
        let again = run_task(&spec, &mut Unobserved);
        assert_eq!(again.stages_done, [Stage::Difference, Stage::Detection]);
        assert!(fs::read(&file).expect("readable") == bytes);
    }
}

#[test]
fn where_one_scale_is_right_there_is_none_and_that_is_said() {
    for seed in [4, 5] {
        let work = tempfile::tempdir().expect("a folder");
        let spec = TaskSpec {
            checkpoint_format: CheckpointFormats::Both,
            ..spec(work.path(), seed, 0.0)
        };
        let outcome = run_task(&spec, &mut Unobserved);
        assert_eq!(outcome.status, Status::Complete);
        assert!(!path(&spec, "04_difference_field", SUFFIX).exists());
        let manifest = record(&spec);
        let found = manifest.scales.field.expect("on record");
        assert!(!found.is_subtracted, "{found:?}");
        let said = manifest.notes.iter().map(|note| note.text.as_str());
        let said: Vec<&str> = said
            .filter(|text| text.contains("no 04_difference_field"))
            .collect();
        assert_eq!(said.len(), 1, "{:?}", manifest.notes);
        assert_eq!(problems(&spec), []);
        assert!(preview(&spec).expect("a preview").is_finished());
        assert_eq!(run_task(&spec, &mut Unobserved).stages_done, []);
        let images = TaskImages::open(&RecordedTask::from(&spec)).expect("on record");
        let region = Region {
            x: 0,
            y: 0,
            width: 5,
            height: 5,
        };
        match images.read(StageImage::FieldDifference, region, 1) {
            Err(RegionError::NotMade { why, .. }) => assert!(why.contains("no less"), "{why}"),
            other => panic!("{other:?}"),
        }
    }
}
