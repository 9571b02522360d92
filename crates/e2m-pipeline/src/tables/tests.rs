//! A table of the tests, from stage 4 to the disk and back.

use super::*;
use crate::verify::{Fault, FileKind, Finding, Inventory, RecordedTask};
use crate::{
    CheckpointFormats, Manifest, Params, Stage, Status, TaskOutcome, TaskSpec, Unobserved, preview,
    run_task,
};
use e2m_fixtures::{Recipe, write_pair};
use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

/// The rows of [`Table::Example`].
pub(super) fn rows(_: &mut Workbench<'_>, results: &Results) -> Result<Rows, PipelineError> {
    let moffat = results.scales.moffat.iter();
    Ok(moffat
        .map(|scale| vec!["moffat, the peak".to_owned(), scale.value.to_string()])
        .collect())
}

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
        to_stage: Stage::Difference,
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

/// Where the only table on record is.
fn table_of(spec: &TaskSpec, manifest: &Manifest) -> PathBuf {
    let [table] = &*manifest.tables else {
        panic!("one table: {:?}", manifest.tables);
    };
    assert_eq!(table.path, "pipeline_output/04_example_pad50.csv");
    spec.output_dir.join("S1/DAPI").join(&table.path)
}

fn findings(spec: &TaskSpec) -> Vec<Finding> {
    let inventory = Inventory::of(&RecordedTask::from(spec)).expect("names");
    assert_eq!(inventory.on_record(FileKind::Table), 1);
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
    let scale = manifest.scales.moffat.as_ref().expect("a scale").value;
    assert_eq!(
        content,
        format!("scale,value\n\"moffat, the peak\",{scale}\n")
    );
    assert_eq!(findings(&spec), []);
    assert_eq!(run(&spec), (vec![], manifest.clone()));

    fs::remove_file(&path).expect("removed");
    let faults: Vec<Fault> = findings(&spec)
        .into_iter()
        .map(|found| found.fault)
        .collect();
    assert_eq!(faults, [Fault::Missing]);
    let to_do = preview(&spec).expect("it can be looked at").to_do();
    assert_eq!(to_do, [Stage::Difference]);
    let (done, again) = run(&spec);
    assert_eq!(done, [Stage::Difference]);
    assert_eq!(again.tables, manifest.tables);

    fs::write(&path, content.replace("moffat", "MOFFAT")).expect("written");
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
    fs::remove_file(table_of(&spec, &manifest)).expect("removed");
    manifest.tables.clear();
    let path = spec.output_dir.join("S1/DAPI/e2m_task_pad50.json");
    manifest.write(&path).expect("written");
    assert!(
        !fs::read_to_string(&path)
            .expect("readable")
            .contains("tables")
    );
    assert_eq!(run(&spec), (vec![], manifest));
}

#[test]
fn a_cell_stays_one_cell() {
    let rows = [vec!["a \"b\"".to_owned(), "1\n2".to_owned()]];
    assert_eq!(
        csv(&["what", "x, px"], &rows),
        "what,\"x, px\"\n\"a \"\"b\"\"\",\"1\n2\"\n"
    );
}
