//! The local correction on its way through a task: the images, the record, later runs.

use crate::common::{files_below, image, problems, task};
use e2m_fixtures::{Deformation, Recipe, Truth, write_pair};
use e2m_image::{BandSource as _, Plane, WarpedPlane};
use e2m_io::{CheckpointFormat, CheckpointReader, PixelKind, TaskPaths};
use e2m_pipeline::{
    KeptCheckpoints, LocalCorrectionChoice, Manifest, Params, Stage, Status, TaskSpec, Unobserved,
    preview, run_task,
};
use ndarray::Array2;
use std::path::{Path, PathBuf};

const PAD: usize = 30;

struct Pair {
    spec: TaskSpec,
    truth: Truth,
}

/// A pair whose section is displaced by so much at most.
fn pair(work: &Path, amplitude_px: f64) -> Pair {
    let recipe = Recipe {
        seed: 12,
        width: 900,
        height: 800,
        gain: 1.3,
        rotation_deg: 4.0,
        deformation: (amplitude_px > 0.0).then_some(Deformation {
            amplitude_px,
            length_fraction: 0.3,
        }),
        ..Recipe::default()
    };
    let pair = write_pair(&recipe, &work.join("raw"), "S1", "DAPI").expect("a pair");
    let params = Params {
        pad: PAD,
        ..Params::default()
    };
    let out = work.join("out");
    Pair {
        spec: task(&out, "S1", "DAPI", &pair.post, &pair.pre, params),
        truth: Truth::read(&pair.truth).expect("a truth file"),
    }
}

fn run(spec: &TaskSpec) -> (Manifest, Vec<Stage>) {
    let foretold = preview(spec).expect("a preview");
    let outcome = run_task(spec, &mut Unobserved);
    assert_eq!(outcome.status, Status::Complete);
    assert_eq!(foretold.to_do(), outcome.stages_done);
    assert_eq!(problems(spec), []);
    (*outcome.manifest.expect("a manifest"), outcome.stages_done)
}

fn hash(manifest: &Manifest, stem: &str) -> e2m_io::ContentHash {
    let record = manifest.checkpoints.iter().find(|c| c.path.contains(stem));
    record.map(|c| c.hash).expect("a checkpoint")
}

fn path(spec: &TaskSpec, stem: &str) -> PathBuf {
    let paths = TaskPaths::new(&spec.output_dir, &spec.sample, &spec.dye).expect("names");
    paths.checkpoint_path(CheckpointFormat::Tiff, stem, &format!("_pad{PAD}"))
}

#[test]
fn a_deformed_section_is_corrected_recorded_and_taken_over() {
    let work = tempfile::tempdir().expect("a folder");
    let Pair { spec, truth } = pair(work.path(), 4.0);
    let (manifest, _) = run(&spec);

    // The mapping on record is right, where its homography alone is not.
    let mapping = manifest.warps.mapping().expect("a mapping");
    let raw = manifest.canvas.mapping_to_raw(&mapping);
    let (error, alone) = (
        truth.mapping_error(&raw).mean_px,
        truth.registration_error(&raw.warp).mean_px,
    );
    assert!(error < 0.15 && alone > 0.5, "{error} {alone}");
    let alignment = manifest.alignment.as_ref().expect("an alignment");
    let local = alignment.local.as_ref().expect("on record");
    let (largest, median) = (local.max_px.expect("kept"), local.median_px.expect("kept"));
    assert!(
        largest > 2.0 && largest < 8.0 && median < largest,
        "{local:?}"
    );
    assert!(local.residual_after_px < local.residual_before_px);
    let notes: Vec<String> = manifest
        .notes
        .iter()
        .map(|note| format!("{note:?}"))
        .collect();
    assert!(
        notes
            .iter()
            .any(|note| note.contains("is deformed and was corrected")),
        "{notes:?}"
    );

    // The image on the disk is the raw plane seen once through that mapping.
    let mut raw_pre = CheckpointReader::open(&path(&spec, "01_padded_pre")).expect("whole");
    let size = raw_pre.size();
    let mut padded = Array2::zeros(size.shape());
    raw_pre.read_band(0, padded.view_mut()).expect("read");
    let pre = &manifest.inputs.pre;
    let own = ndarray::s![PAD..PAD + pre.height, PAD..PAD + pre.width];
    let plane = Plane::from(padded.slice(own).to_owned());
    let mut expected = Array2::zeros(size.shape());
    let mut source = WarpedPlane::new(&plane, manifest.canvas, mapping);
    source.read_band(0, expected.view_mut()).expect("a band");
    let aligned = path(&spec, "03_interior_aligned_pre");
    let written = image(&aligned, PixelKind::Float);
    for (found, wanted) in written.iter().zip(&expected) {
        assert!((found - wanted).abs() < 1e-3, "{found} {wanted}");
    }
    let facts = CheckpointReader::open(&aligned)
        .expect("whole")
        .facts()
        .clone();
    assert_eq!(facts.get_float("LOCMAX"), Some(largest));
    assert_eq!(facts.get_float("LOCMED"), Some(median));

    // Everything is taken over; what is made again is the same.
    assert_eq!(run(&spec).1, []);
    let difference = path(&spec, "04_difference_difference");
    std::fs::remove_file(&difference).expect("there");
    let (again, done) = run(&spec);
    assert_eq!(done, [Stage::Difference, Stage::Detection]);
    for stem in ["04_difference_difference", "04_mask"] {
        assert_eq!(hash(&again, stem), hash(&manifest, stem), "{stem}");
    }
    assert_eq!(again.warps, manifest.warps);

    // As good as its image: a run that keeps none, then one that wants them.
    let elsewhere = TaskSpec {
        output_dir: spec.output_dir.with_file_name("none"),
        checkpoints: KeptCheckpoints::None,
        ..spec.clone()
    };
    let (without, _) = run(&elsewhere);
    assert_eq!(
        hash(&without, "04_difference"),
        hash(&manifest, "04_difference")
    );
    let wanted = TaskSpec {
        checkpoints: KeptCheckpoints::All,
        ..elsewhere
    };
    let (restored, done) = run(&wanted);
    assert!(!done.contains(&Stage::Fine), "{done:?}");
    assert_eq!(
        hash(&restored, "03_interior"),
        hash(&manifest, "03_interior")
    );
}

#[test]
fn the_parameter_decides_and_a_section_that_needs_nothing_stays_as_it_is() {
    let work = tempfile::tempdir().expect("a folder");
    let Pair { spec, .. } = pair(work.path(), 0.0);
    let off = TaskSpec {
        params: Params {
            local_correction: LocalCorrectionChoice::Off,
            ..spec.params.clone()
        },
        ..spec.clone()
    };
    let (with, _) = run(&spec);
    let (without, done) = run(&off);
    // Another parameter of stage 3 is another result of it, under another name.
    assert_eq!(done, [Stage::Fine, Stage::Difference, Stage::Detection]);
    let names = files_below(&spec.output_dir);
    assert!(
        names
            .iter()
            .any(|name| name.contains("03_") && name.contains("_lcoff")),
        "{names:?}"
    );
    assert_eq!(with.warps, without.warps);
    assert_eq!(with.warps.deformation, None);
    for stem in [
        "03_interior_aligned_pre",
        "04_difference_difference",
        "04_mask",
    ] {
        assert_eq!(hash(&with, stem), hash(&without, stem), "{stem}");
    }
    let (a, b) = (
        with.alignment.expect("one"),
        without.alignment.expect("one"),
    );
    assert_eq!(a.local, None);
    assert_eq!((a.verdict, a.residual), (b.verdict, b.residual));
}
