//! The tables of microbes, from stage 5 to the disk and back.

use crate::verify::{Fault, FileKind, Finding, Inventory, RecordedTask};
use crate::{
    CheckpointFormats, Manifest, Params, Stage, Status, TaskOutcome, TaskSpec, Unobserved, preview,
    run_task,
};
use e2m_fixtures::{Recipe, write_pair};
use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

fn spec(folder: &Path) -> TaskSpec {
    let recipe = Recipe {
        width: 560,
        height: 480,
        gain: 1.4,
        ..Recipe::default()
    };
    let pair = write_pair(&recipe, &folder.join("raw"), "S1", "DAPI").expect("a pair");
    TaskSpec {
        sample: "S1".to_owned(),
        dye: "DAPI".to_owned(),
        post: pair.post,
        pre: pair.pre,
        output_dir: folder.join("out"),
        params: Params {
            pad: 50,
            ..Params::default()
        },
        from_stage: Stage::Pad,
        to_stage: Stage::Detection,
        force: false,
        redraw: false,
        checkpoint_format: CheckpointFormats::Tiff,
        checkpoint_compression: Default::default(),
        checkpoints: Default::default(),
    }
}

fn run(spec: &TaskSpec) -> (Vec<Stage>, Manifest) {
    let TaskOutcome {
        status,
        stages_done,
        manifest,
        ..
    } = run_task(spec, &mut Unobserved);
    assert_eq!(status, Status::Complete);
    (stages_done, *manifest.expect("a manifest"))
}

/// Where the table of rows is, of four on record.
fn table_of(spec: &TaskSpec, manifest: &Manifest) -> PathBuf {
    let paths: Vec<&str> = manifest.tables.iter().map(|table| &*table.path).collect();
    let stem = "pipeline_output/05_microbes_pad50";
    assert_eq!(
        paths,
        ["csv", "geojson", "parquet", "reg"].map(|extension| format!("{stem}.{extension}"))
    );
    spec.output_dir.join("S1/DAPI").join(paths[0])
}

fn findings(spec: &TaskSpec) -> Vec<Finding> {
    let inventory = Inventory::of(&RecordedTask::from(spec)).expect("names");
    assert_eq!(inventory.on_record(FileKind::Table), 4);
    let read = |file| inventory.verify(file, &|_| ControlFlow::Continue(()));
    let read = inventory
        .files()
        .iter()
        .flat_map(|file| read(file).expect("not stopped"));
    inventory.findings().iter().cloned().chain(read).collect()
}

#[test]
fn a_table_is_written_recorded_missed_and_verified() {
    let folder = tempfile::tempdir().expect("a folder");
    let spec = spec(folder.path());
    let (done, manifest) = run(&spec);
    assert_eq!(done, Stage::ALL);
    let path = table_of(&spec, &manifest);
    let content = fs::read_to_string(&path).expect("readable");
    let found = manifest
        .detection
        .as_ref()
        .expect("microbes were looked for");
    let rows = content.lines().filter(|line| !line.starts_with('#'));
    assert_eq!(rows.count() as u64, found.objects + 1);
    assert!(found.microbes > 5 && found.section_px > 10_000, "{found:?}");
    assert_eq!(findings(&spec), []);
    assert_eq!(run(&spec), (vec![], manifest.clone()));

    fs::remove_file(&path).expect("removed");
    let faults: Vec<Fault> = findings(&spec)
        .into_iter()
        .map(|found| found.fault)
        .collect();
    assert_eq!(faults, [Fault::Missing]);
    let to_do = preview(&spec).expect("it can be looked at").to_do();
    assert_eq!(to_do, [Stage::Detection]);
    let (done, again) = run(&spec);
    assert_eq!(done, [Stage::Detection]);
    assert_eq!(again.tables, manifest.tables);

    fs::write(&path, content.replace("flux", "FLUX")).expect("written");
    assert!(
        matches!(
            &*findings(&spec),
            [Finding {
                fault: Fault::Content { .. },
                ..
            }]
        ),
        "{:?}",
        findings(&spec)
    );
    fs::write(&path, format!("{content}1,2\n")).expect("written");
    assert!(
        matches!(
            &*findings(&spec),
            [Finding {
                fault: Fault::Length { .. },
                ..
            }]
        ),
        "{:?}",
        findings(&spec)
    );
}

#[test]
fn a_run_of_a_version_without_the_table_is_not_unfinished() {
    let folder = tempfile::tempdir().expect("a folder");
    let spec = spec(folder.path());
    let (_, mut manifest) = run(&spec);
    for table in std::mem::take(&mut manifest.tables) {
        fs::remove_file(spec.output_dir.join("S1/DAPI").join(table.path)).expect("removed");
    }
    let path = spec.output_dir.join("S1/DAPI/e2m_task_pad50.json");
    manifest.write(&path).expect("written");
    assert!(
        !fs::read_to_string(&path)
            .expect("readable")
            .contains("tables")
    );
    assert_eq!(run(&spec), (vec![], manifest));
}
