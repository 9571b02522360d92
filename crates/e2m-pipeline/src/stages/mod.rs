//! The four stages, each: look whether its result is there, or make it.

pub(crate) mod coarse;
pub(crate) mod difference;
pub(crate) mod fine;
pub(crate) mod pad;

use crate::error::PipelineError;
use crate::history::{Found, Wanted};
use crate::manifest::{CheckpointRecord, Manifest};
use crate::names::{COARSE_PRE, ICP_PRE, INTERIOR_PRE, PADDED_POST, PADDED_PRE, ScaleKind};
use crate::pictures;
use crate::run::TaskRun;
use crate::task::CheckpointFormats;
use e2m_io::CheckpointFormat;

/// Takes over the result of a stage from an earlier run. `false` where it has to be made.
pub(crate) fn restore(run: &mut TaskRun<'_>, stage: u8) -> Result<bool, PipelineError> {
    // What follows a stage that was done again rests on its new result; but nothing is read from stage 1's checkpoints.
    let before = run.manifest.stages.last();
    if before.is_some_and(|before| !before.skipped && before.stage > 1) {
        return Ok(false);
    }
    match stage {
        1 => Ok(pad::restore(run)),
        2 => coarse::restore(run),
        3 => fine::restore(run),
        _ => difference::restore(run),
    }
}

/// Makes the result of a stage.
pub(crate) fn perform(run: &mut TaskRun<'_>, stage: u8) -> Result<(), PipelineError> {
    match stage {
        1 => pad::perform(run),
        2 => coarse::perform(run),
        3 => fine::perform(run),
        _ => difference::perform(run),
    }
}

/// The records of every checkpoint that the stages asked for write, if all of them are there in the formats asked for, as
/// `earlier` recorded them, and the pictures as well.
pub(crate) fn all_outputs(run: &TaskRun<'_>, earlier: &Manifest) -> Option<Vec<CheckpointRecord>> {
    let difference: Vec<String> = difference::kinds(&run.spec.params)
        .into_iter()
        .map(ScaleKind::stem)
        .collect();
    let formats = run.spec.checkpoint_format.list();
    let dir = run.output.paths.dir();
    let mut wanted: Vec<(u8, &str, &[CheckpointFormat])> = vec![
        (1, PADDED_POST, formats),
        (1, PADDED_PRE, formats),
        (2, ICP_PRE, formats),
    ];
    if run.spec.params.save_all_intermediates {
        wanted.push((2, COARSE_PRE, formats));
    }
    if run.spec.params.interior_ecc {
        wanted.push((3, INTERIOR_PRE, formats));
    }
    wanted.extend(
        difference
            .iter()
            .map(|stem| (4, stem.as_str(), CheckpointFormats::Both.list())),
    );
    let mut records = Vec::new();
    for (stage, stem, formats) in wanted.into_iter().filter(|w| w.0 <= run.spec.to_stage) {
        let facts = Wanted {
            canvas: run.canvas.size(),
            inputs: &earlier.inputs,
            params: &earlier.params,
            stage,
            accept_foreign: false,
        };
        let lookup = run
            .history
            .checkpoint(&run.output.paths, stem, &run.suffix(stage), &facts);
        let Some(Found::Recorded(_, found)) = lookup.found else {
            return None;
        };
        if !formats
            .iter()
            .all(|format| found.iter().any(|(there, _)| there == format))
        {
            return None;
        }
        records.extend(found.into_iter().map(|(_, record)| record));
    }
    let drawn = (1..=run.spec.to_stage)
        .flat_map(|stage| pictures::recorded_paths(run, stage))
        .all(|path| earlier.pictures.iter().any(|p| p.path == path) && dir.join(&path).is_file());
    drawn.then_some(records)
}
