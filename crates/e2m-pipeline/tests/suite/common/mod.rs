//! What the tests of this crate share.

use e2m_pipeline::{CheckpointFormats, Params, Stage, TaskSpec};
use std::collections::BTreeMap;
use std::path::Path;

/// A task over two raw files.
pub(crate) fn task(
    output_dir: &Path,
    sample: &str,
    dye: &str,
    post: &Path,
    pre: &Path,
    params: Params,
) -> TaskSpec {
    TaskSpec {
        sample: sample.to_owned(),
        dye: dye.to_owned(),
        post: post.to_owned(),
        pre: pre.to_owned(),
        output_dir: output_dir.to_owned(),
        params,
        from_stage: Stage::Pad,
        to_stage: Stage::LAST,
        force: false,
        redraw: false,
        checkpoint_format: CheckpointFormats::Tiff,
        checkpoint_compression: Default::default(),
        checkpoints: Default::default(),
    }
}

/// Every file below `dir`, relative, sorted.
#[allow(dead_code, reason = "not every test file uses it")]
pub(crate) fn files_below(dir: &Path) -> Vec<String> {
    let mut files = Vec::new();
    let mut folders = vec![dir.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                files.push(
                    path.strip_prefix(dir)
                        .expect("below")
                        .to_string_lossy()
                        .into_owned(),
                );
            }
        }
    }
    files.sort();
    files
}

/// The pictures of task S1/DAPI and their content.
#[allow(dead_code, reason = "not every test file uses it")]
pub(crate) fn pictures(spec: &TaskSpec) -> BTreeMap<String, Vec<u8>> {
    let folder = spec.output_dir.join("S1/DAPI/pipeline_output");
    let read = |name: String| {
        let bytes = std::fs::read(folder.join(&name)).expect("readable");
        (name, bytes)
    };
    let names = files_below(&folder).into_iter();
    let is_picture = |name: &String| name.ends_with(".png") || name.ends_with(".jpg");
    names.filter(is_picture).map(read).collect()
}

/// Every pixel of an image of a task, of either kind.
#[allow(dead_code, reason = "not every test file uses it")]
pub(crate) fn image(path: &Path, kind: e2m_io::PixelKind) -> ndarray::Array2<f32> {
    use e2m_image::BandSource as _;
    let mut reader = e2m_io::CheckpointReader::open_as(path, kind).expect("whole");
    let mut image = ndarray::Array2::zeros(reader.size().shape());
    reader.read_band(0, image.view_mut()).expect("read");
    image
}

/// What `e2m verify` has to say of a task: severities and files below its folder, remarks left out.
#[allow(dead_code, reason = "not every test file uses it")]
pub(crate) fn problems(spec: &TaskSpec) -> Vec<(&'static str, String)> {
    use e2m_pipeline::{Inventory, RecordedTask, Severity};
    let inventory = Inventory::of(&RecordedTask::from(spec)).expect("names");
    let go_on = |_| std::ops::ControlFlow::Continue(());
    let files = inventory.files().iter();
    let read = files.flat_map(|file| inventory.verify(file, &go_on).expect("not stopped"));
    let all = inventory.findings().iter().cloned().chain(read);
    all.filter(|finding| finding.fault.severity() != Severity::Remark)
        .map(|finding| {
            let path = finding
                .path
                .strip_prefix(inventory.dir())
                .unwrap_or(&finding.path);
            (finding.fault.severity().word(), path.display().to_string())
        })
        .collect()
}
