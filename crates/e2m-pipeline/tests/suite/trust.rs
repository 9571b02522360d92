//! What a later run must not take for its own: verdicts, pictures and scales of something else.

use crate::common::{files_below, pictures, task};
use e2m_fixtures::{Recipe, write_pair};
use e2m_io::{CheckpointFormat, CheckpointReader, CheckpointWriter, Facts, TaskPaths};
use e2m_pipeline::{Params, Stage, Status, TaskSpec, Unobserved, run_task};
use std::fs;
use std::path::Path;

fn small() -> Params {
    Params {
        pad: 60,
        ..Params::default()
    }
}

/// Writes a pair to the same files, whatever was in them.
fn render(work: &Path, name: &str, seed: u64) -> TaskSpec {
    let recipe = Recipe::shipped(name)
        .expect("a recipe")
        .resized_to_width(700);
    let recipe = Recipe { seed, ..recipe };
    let pair = write_pair(&recipe, &work.join("raw"), "S1", "DAPI").expect("a pair");
    task(
        &work.join("out"),
        "S1",
        "DAPI",
        &pair.post,
        &pair.pre,
        small(),
    )
}

fn with(spec: &TaskSpec, params: Params) -> TaskSpec {
    TaskSpec {
        params,
        ..spec.clone()
    }
}

#[test]
fn an_alignment_that_failed_fails_again_however_it_is_asked() {
    let work = tempfile::tempdir().expect("a folder");
    let spec = render(work.path(), "other_rock", 1);
    let coarse_only = with(
        &spec,
        Params {
            interior_ecc: false,
            ..small()
        },
    );
    // What the first run left must not speak for the second, nor for one with other parameters.
    for spec in [&spec, &coarse_only, &coarse_only, &spec] {
        let outcome = run_task(spec, &mut Unobserved);
        let status = outcome.status.to_string();
        assert!(status.starts_with("error: alignment failed"), "{status}");
    }
    let names = files_below(&spec.output_dir);
    assert!(!names.iter().any(|name| name.contains("04_")), "{names:?}");
}

#[test]
fn pictures_of_earlier_raw_files_are_drawn_again() {
    let work = tempfile::tempdir().expect("a folder");
    let spec = render(work.path(), "clean", 1);
    assert_eq!(run_task(&spec, &mut Unobserved).status, Status::Complete);
    let of_first = pictures(&spec);
    // Other images under the same names, first run with another scale: its alignment serves both.
    let spec = render(work.path(), "clean", 2);
    let manual = with(
        &spec,
        Params {
            manual_scale: Some(1.5),
            ..small()
        },
    );
    assert_eq!(run_task(&manual, &mut Unobserved).status, Status::Complete);
    let outcome = run_task(&spec, &mut Unobserved);
    assert_eq!(
        (outcome.status, outcome.stages_done),
        (Status::Complete, vec![Stage::Difference, Stage::Detection])
    );
    let shown = pictures(&spec);
    let afresh = TaskSpec {
        output_dir: work.path().join("fresh"),
        ..spec
    };
    assert_eq!(run_task(&afresh, &mut Unobserved).status, Status::Complete);
    let expected = pictures(&afresh);
    assert_eq!(expected.len(), 19);
    for (name, bytes) in &expected {
        assert!(shown.get(name) == Some(bytes), "{name}");
        assert!(
            of_first.get(name) != Some(bytes),
            "{name}: the images do not differ"
        );
    }
}

#[test]
fn a_scale_does_not_pass_from_one_canvas_to_another() {
    let work = tempfile::tempdir().expect("a folder");
    let spec = render(work.path(), "clean", 1);
    assert_eq!(run_task(&spec, &mut Unobserved).status, Status::Complete);
    let other_pad = with(
        &spec,
        Params {
            pad: 67,
            ..Params::default()
        },
    );
    let second = run_task(&other_pad, &mut Unobserved)
        .manifest
        .expect("a manifest");
    let afresh = TaskSpec {
        output_dir: work.path().join("fresh"),
        ..other_pad
    };
    let fresh = run_task(&afresh, &mut Unobserved)
        .manifest
        .expect("a manifest");
    assert_eq!(second.scales, fresh.scales);
}

/// Writes the aligned image of stage 3 anew as the Python program would, every pixel times `factor`.
fn replace_aligned(spec: &TaskSpec, factor: f32) {
    use e2m_image::{BandSink as _, BandSource as _};
    let paths = TaskPaths::new(&spec.output_dir, "S1", "DAPI").expect("names");
    let path = |stem| paths.checkpoint_path(CheckpointFormat::Tiff, stem, "_pad60");
    let mut reader = CheckpointReader::open(&path("03_interior_aligned_pre")).expect("whole");
    let size = reader.size();
    let mut image = ndarray::Array2::zeros(size.shape());
    reader.read_band(0, image.view_mut()).expect("readable");
    image *= factor;
    for stem in ["02_icp_aligned_pre", "03_interior_aligned_pre"] {
        let facts = Facts::new();
        let format = CheckpointFormat::Tiff;
        let mut writer =
            CheckpointWriter::create(&path(stem), size, &facts, format, Default::default())
                .expect("writable");
        writer.write_band(image.view()).expect("writable");
        writer.finish().expect("writable");
    }
}

#[test]
fn an_image_of_the_python_program_that_was_replaced_is_subtracted_anew() {
    let work = tempfile::tempdir().expect("a folder");
    let spec = render(work.path(), "clean", 1);
    assert_eq!(run_task(&spec, &mut Unobserved).status, Status::Complete);
    replace_aligned(&spec, 1.0);
    for name in files_below(&spec.output_dir) {
        if name.ends_with(".json") || name.contains("04_") {
            fs::remove_file(spec.output_dir.join(name)).expect("removable");
        }
    }
    let scale = |spec: &TaskSpec| {
        let outcome = run_task(spec, &mut Unobserved);
        assert!(
            matches!(outcome.status, Status::Suspect(_)),
            "{}",
            outcome.status
        );
        let scales = outcome.manifest.expect("a manifest").scales;
        (outcome.stages_done, scales.moffat.expect("a scale").value)
    };
    let (done, first) = scale(&spec);
    assert_eq!(done.last(), Some(&Stage::Detection));
    assert_eq!(scale(&spec), (vec![], first), "nothing to do");
    replace_aligned(&spec, 2.0);
    let (done, second) = scale(&spec);
    assert_eq!(done, [Stage::Difference, Stage::Detection]);
    assert!((first / second - 2.0).abs() < 1e-3, "{first} {second}");
}
