//! What a run that fails leaves: nothing under its names that looks like a result, and nothing that no record vouches for.

use crate::common::{files_below, problems, task};
use e2m_fixtures::{Recipe, write_pair};
use e2m_image::BandSink as _;
use e2m_io::{CheckpointWriter, Facts};
use e2m_pipeline::{Params, Stage, Status, TaskSpec, Unobserved, run_task};
use std::fs;
use std::path::Path;

fn recipe(seed: u64) -> Recipe {
    Recipe {
        seed,
        width: 560 + 40 * (seed as usize % 3),
        height: 500,
        gain: 1.3,
        ..Recipe::default()
    }
}

/// A pair at the place of the one before it; `pre_seed` is that of another section, where it differs.
fn spec(work: &Path, post_seed: u64, pre_seed: u64) -> TaskSpec {
    let raw = work.join("raw");
    let foreign = write_pair(&recipe(pre_seed), &raw, "S1", "DAPI").expect("a pair");
    let pre = fs::read(&foreign.pre).expect("read");
    let pair = write_pair(&recipe(post_seed), &raw, "S1", "DAPI").expect("a pair");
    fs::write(&pair.pre, pre).expect("written");
    let params = Params {
        pad: 30,
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

fn results(spec: &TaskSpec) -> Vec<String> {
    let names = files_below(&spec.output_dir).into_iter();
    names
        .filter(|name| !name.ends_with(".json") && !name.ends_with(".lock"))
        .collect()
}

#[test]
fn a_rerun_that_fails_leaves_no_result_of_the_run_before() {
    for seed in [1, 2] {
        let work = tempfile::tempdir().expect("a folder");
        let first = spec(work.path(), seed, seed);
        assert_eq!(run_task(&first, &mut Unobserved).status, Status::Complete);
        let other = TaskSpec {
            params: Params {
                manual_scale: Some(1.2),
                ..first.params.clone()
            },
            ..first.clone()
        };
        assert_eq!(run_task(&other, &mut Unobserved).status, Status::Complete);
        let before = results(&first);
        // Pre of another section at its place, and a file of somebody else's.
        let again = spec(work.path(), seed, seed + 70);
        fs::write(first.output_dir.join("S1/DAPI/tiff/my notes.tiff"), "mine").expect("written");
        let failed = run_task(&again, &mut Unobserved);
        assert!(
            failed
                .status
                .to_string()
                .starts_with("error: alignment failed"),
            "{}",
            failed.status
        );
        let after = results(&again);
        let own = |name: &&String| name.contains("difference") && name.contains("_pad30.");
        assert_eq!(after.iter().filter(own).count(), 0, "{after:?}");
        assert!(after.iter().any(|name| name.ends_with("my notes.tiff")));
        // Those of the other parameters are vouched for by their own record.
        let of_other = |names: &[String]| {
            let all = names.iter().filter(|name| name.contains("_msc1.2"));
            all.cloned().collect::<Vec<_>>()
        };
        assert_eq!(of_other(&after), of_other(&before));
        let note = failed
            .notes
            .iter()
            .find(|note| note.starts_with("removed "));
        let note = note.expect("it is said");
        assert!(
            note.contains("04_difference_difference_pad30.fits"),
            "{note}"
        );
        let manifest = failed.manifest.expect("a manifest");
        assert!(
            manifest
                .removed
                .iter()
                .any(|name| name.contains("difference_image_pad30.png")),
            "{:?}",
            manifest.removed
        );
        let unrecorded = |spec: &TaskSpec| {
            let found = problems(spec).into_iter();
            found
                .filter(|(word, _)| *word == "unrecorded")
                .collect::<Vec<_>>()
        };
        assert_eq!(unrecorded(&again), []);
        // What was there comes back.
        let back = spec(work.path(), seed, seed);
        assert_eq!(run_task(&back, &mut Unobserved).status, Status::Complete);
        assert_eq!(run_task(&other, &mut Unobserved).status, Status::Complete);
        assert_eq!(unrecorded(&back), []);
        let same = results(&back)
            .into_iter()
            .filter(|name| !name.ends_with("my notes.tiff"));
        assert_eq!(same.collect::<Vec<_>>(), before);
    }
}

#[test]
fn results_that_no_record_vouches_for_are_named_and_those_of_others_are_not() {
    let work = tempfile::tempdir().expect("a folder");
    let spec = spec(work.path(), 4, 4);
    assert_eq!(run_task(&spec, &mut Unobserved).status, Status::Complete);
    assert_eq!(problems(&spec), []);
    let folder = spec.output_dir.join("S1/DAPI");
    let copy = |from: &str, to: &str| {
        fs::copy(folder.join(from), folder.join(to)).expect("copied");
    };
    // Names that e2m would give, of other parameters; a name that it would not give.
    copy(
        "fits/04_difference_difference_pad30.fits",
        "fits/04_difference_difference_pad30_msc2.fits",
    );
    copy("tiff/04_mask_pad30.tiff", "tiff/04_mask_pad31.tiff");
    copy("tiff/04_mask_pad30.tiff", "tiff/copy of 04_mask.tiff");
    // What the Python program wrote.
    let path = folder.join("tiff/04_difference_difference_pad99.tiff");
    let size = e2m_image::Size::new(20, 10);
    let (facts, format) = (Facts::new(), e2m_io::CheckpointFormat::Tiff);
    let mut writer =
        CheckpointWriter::create(&path, size, &facts, format, Default::default()).expect("begins");
    writer
        .write_band(ndarray::Array2::zeros((10, 20)).view())
        .expect("written");
    writer.finish().expect("finished");
    fs::write(
        folder.join("pipeline_output/registration_pad99.png"),
        "a picture",
    )
    .expect("written");
    let mut found = problems(&spec);
    found.sort();
    assert_eq!(
        found,
        [
            (
                "unrecorded",
                "fits/04_difference_difference_pad30_msc2.fits".to_owned()
            ),
            ("unrecorded", "tiff/04_mask_pad31.tiff".to_owned()),
        ]
    );
    // A run of the parameters in the name puts it right; a run of others leaves it.
    assert_eq!(run_task(&spec, &mut Unobserved).stages_done, []);
    let manual = TaskSpec {
        params: Params {
            manual_scale: Some(2.0),
            ..spec.params.clone()
        },
        ..spec.clone()
    };
    assert_eq!(
        run_task(&manual, &mut Unobserved).stages_done,
        [Stage::Difference, Stage::Detection]
    );
    let left: Vec<_> = problems(&spec).into_iter().map(|(_, file)| file).collect();
    assert_eq!(left, ["tiff/04_mask_pad31.tiff"]);
    // Without its record nothing of a task is vouched for.
    fs::remove_file(folder.join("e2m_task_pad30.json")).expect("removed");
    let names: Vec<_> = problems(&spec).into_iter().map(|(_, file)| file).collect();
    assert!(
        names.contains(&"tiff/04_difference_difference_pad30.tiff".to_owned()),
        "{names:?}"
    );
}

#[test]
fn formats_that_are_not_asked_for_any_more_go_when_their_images_change() {
    let work = tempfile::tempdir().expect("a folder");
    let mut first = spec(work.path(), 5, 5);
    first.checkpoint_format = e2m_pipeline::CheckpointFormats::Both;
    assert_eq!(run_task(&first, &mut Unobserved).status, Status::Complete);
    // As TIFF only, of other raw images: nothing of the old ones stays as FITS.
    let again = spec(work.path(), 6, 6);
    let outcome = run_task(&again, &mut Unobserved);
    assert_eq!(outcome.status, Status::Complete);
    assert_eq!(problems(&again), []);
    let fits: Vec<_> = results(&again)
        .into_iter()
        .filter(|name| name.ends_with(".fits"))
        .collect();
    assert_eq!(fits, ["S1/DAPI/fits/04_difference_difference_pad30.fits"]);
}
