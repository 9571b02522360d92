//! The four stages, each: look whether its result is there, or make it.

pub(crate) mod coarse;
pub(crate) mod difference;
pub(crate) mod fine;
pub(crate) mod pad;

use crate::error::PipelineError;
use crate::history::{Found, History, Wanted};
use crate::manifest::{CheckpointRecord, Inputs, Manifest};
use crate::names::{COARSE_PRE, ICP_PRE, INTERIOR_PRE, PADDED_POST, PADDED_PRE, ScaleKind};
use crate::params::suffix;
use crate::pictures;
use crate::run::TaskRun;
use crate::stage::Stage;
use crate::task::{CheckpointFormats, TaskSpec};
use e2m_image::Size;
use e2m_io::{CheckpointFormat, TaskPaths};
use std::cell::Cell;

/// Takes over the result of a stage from an earlier run. `false` where it has to be made.
pub(crate) fn restore(run: &mut TaskRun<'_>, stage: Stage) -> Result<bool, PipelineError> {
    // What follows a stage that was done again rests on its new result; but nothing is read from stage 1's checkpoints.
    let before = run.manifest.stages.last();
    if before.is_some_and(|before| !before.skipped && before.stage > Stage::Pad) {
        return Ok(false);
    }
    match stage {
        Stage::Pad => Ok(pad::restore(run)),
        Stage::Coarse => coarse::restore(run),
        Stage::Fine => fine::restore(run),
        Stage::Difference => difference::restore(run),
    }
}

/// Makes the result of a stage.
pub(crate) fn perform(run: &mut TaskRun<'_>, stage: Stage) -> Result<(), PipelineError> {
    match stage {
        Stage::Pad => pad::perform(run),
        Stage::Coarse => coarse::perform(run),
        Stage::Fine => fine::perform(run),
        Stage::Difference => difference::perform(run),
    }
}

/// A task and where its results go.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) spec: &'a TaskSpec,
    pub(crate) paths: &'a TaskPaths,
    pub(crate) canvas: Size,
    /// See [`Wanted::touched`].
    pub(crate) touched: Option<&'a Cell<bool>>,
}

/// A checkpoint that a stage writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Output {
    pub(crate) stem: String,
    pub(crate) formats: &'static [CheckpointFormat],
}

impl Place<'_> {
    /// The checkpoints that a stage writes.
    pub(crate) fn outputs(&self, stage: Stage) -> Vec<Output> {
        let params = &self.spec.params;
        let usual = self.spec.checkpoint_format.list();
        let (stems, formats): (Vec<String>, _) = match stage {
            Stage::Pad => (vec![PADDED_POST.into(), PADDED_PRE.into()], usual),
            Stage::Coarse if params.save_all_intermediates => {
                (vec![ICP_PRE.into(), COARSE_PRE.into()], usual)
            }
            Stage::Coarse => (vec![ICP_PRE.into()], usual),
            Stage::Fine if params.interior_ecc => (vec![INTERIOR_PRE.into()], usual),
            Stage::Fine => (Vec::new(), usual),
            Stage::Difference => {
                let kinds = difference::kinds(params).into_iter();
                (
                    kinds.map(ScaleKind::stem).collect(),
                    CheckpointFormats::Both.list(),
                )
            }
        };
        let output = |stem| Output { stem, formats };
        stems.into_iter().map(output).collect()
    }

    /// The records of a checkpoint in the formats it is there in, if it was made from these raw files by these parameters.
    pub(crate) fn recorded(
        &self,
        (stage, stem): (Stage, &str),
        history: &History,
        inputs: &Inputs,
    ) -> Vec<(CheckpointFormat, CheckpointRecord)> {
        let wanted = Wanted {
            canvas: self.canvas,
            inputs: Some(inputs),
            params: &self.spec.params,
            stage,
            accept_foreign: false,
            touched: self.touched,
        };
        let suffix = suffix(&self.spec.params, stage);
        match history.checkpoint(self.paths, stem, &suffix, &wanted).found {
            Some(Found::Recorded(_, records)) => records,
            _ => Vec::new(),
        }
    }

    /// The records of every checkpoint that the stages asked for write, if all of them are there in the formats asked for, as
    /// `earlier` recorded them, and the pictures as well.
    pub(crate) fn all_outputs(
        &self,
        history: &History,
        earlier: &Manifest,
    ) -> Option<Vec<CheckpointRecord>> {
        let mut records = Vec::new();
        for &stage in Stage::up_to(self.spec.to_stage) {
            for output in self.outputs(stage) {
                let found = self.recorded((stage, &output.stem), history, &earlier.inputs);
                let is_there = |format| found.iter().any(|(there, _)| there == format);
                if !output.formats.iter().all(is_there) {
                    return None;
                }
                records.extend(found.into_iter().map(|(_, record)| record));
            }
        }
        self.has_pictures(earlier).then_some(records)
    }

    /// Whether the pictures of the stages asked for are there as `earlier` drew them.
    fn has_pictures(&self, earlier: &Manifest) -> bool {
        Stage::up_to(self.spec.to_stage)
            .iter()
            .flat_map(|&stage| pictures::recorded_paths(self.paths, &self.spec.params, stage))
            .all(|path| {
                earlier.pictures.iter().any(|p| p.path == path)
                    && self.paths.dir().join(&path).is_file()
            })
    }
}
