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
        to_stage: Stage::Difference,
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
    files_below(&folder).into_iter().map(read).collect()
}
