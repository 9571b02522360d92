//! What a run of a task takes over from earlier runs and what it makes: decided here, once.
//!
//! [`ResumePlan::of`] decides from the task, the manifests in its folder and the evidence. A run decides on
//! [`Evidence::Full`] and executes the plan; [`preview`](crate::preview) decides on [`Evidence::Cheap`] and shows it.

mod pictures;
mod planner;

use crate::alignment_record::AlignmentRecord;
use crate::artifact::{Image, Picture};
use crate::context::TaskContext;
use crate::detection_record::DetectionRecord;
use crate::doubts::{Doubt, Findings, Judged};
use crate::history::{Evidence, History, relative_path};
use crate::manifest::{
    CheckpointRecord, Inputs, LegacyRecord, Manifest, PictureRecord, TableRecord, Warps,
};
use crate::pixel_record::PixelRecord;
use crate::scale_record::Scales;
use crate::stage::Stage;
use crate::status::Status;
use e2m_io::{CheckpointFormat, FileIdentity};
use planner::Planner;
use std::cell::Cell;

/// What becomes of each stage that a task asks for.
#[derive(Debug)]
pub(crate) struct ResumePlan {
    /// Everything is there as this manifest has it, and nothing is looked at any further.
    pub(crate) finished: Option<Box<Manifest>>,
    /// How the task stands, if nothing is to be made or drawn.
    pub(crate) standing: Option<Status>,
    /// The stages in their order; none where the task is finished.
    pub(crate) stages: Vec<StagePlan>,
}

/// What becomes of a stage.
#[derive(Debug)]
pub(crate) struct StagePlan {
    pub(crate) stage: Stage,
    pub(crate) action: StageAction,
    /// What the user should know, such as why a file is not used.
    pub(crate) notes: Vec<String>,
}

/// Whether a stage is made.
#[derive(Debug)]
pub(crate) enum StageAction {
    /// It is made, and why.
    Make(String),
    /// Its results are those of an earlier run.
    Reuse(Box<Reuse>),
}

/// The results of a stage that are taken over.
#[derive(Debug)]
pub(crate) struct Reuse {
    /// What the stages up to this one have found.
    pub(crate) results: Results,
    /// What else the stage has found.
    pub(crate) findings: Findings,
    /// Its images.
    pub(crate) checkpoints: Vec<CheckpointRecord>,
    /// Its tables.
    pub(crate) tables: Vec<TableRecord>,
    /// Its pictures.
    pub(crate) pictures: PicturePlan,
    /// Images of it that the earlier run did not keep, and that are written from its warp.
    pub(crate) restored: Vec<Image>,
}

impl Reuse {
    /// Whether nothing is left to be done.
    fn is_idle(&self) -> bool {
        self.pictures.is_idle() && self.restored.is_empty()
    }
}

/// What becomes of the pictures of a stage whose results are taken over.
#[derive(Debug, Default)]
pub(crate) struct PicturePlan {
    /// Those that are there.
    pub(crate) there: Vec<PictureRecord>,
    /// Those that another run has drawn under another name, below the task's folder.
    pub(crate) copied: Vec<(Picture, String)>,
    /// Those to be drawn.
    pub(crate) drawn: Vec<Picture>,
}

impl PicturePlan {
    fn is_idle(&self) -> bool {
        self.copied.is_empty() && self.drawn.is_empty()
    }
}

/// What the stages up to some stage have found.
#[derive(Debug, Clone, Default)]
pub(crate) struct Results {
    pub(crate) warps: Warps,
    pub(crate) alignment: Option<AlignmentRecord>,
    pub(crate) pixels: Option<PixelRecord>,
    /// Where aligned pre is only there as an image of the Python program.
    pub(crate) legacy_aligned: Option<LegacyAligned>,
    pub(crate) scales: Scales,
    pub(crate) detection: Option<DetectionRecord>,
}

/// An image of the Python program that stands for aligned pre.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct LegacyAligned {
    pub(crate) image: Image,
    pub(crate) format: CheckpointFormat,
}

impl LegacyAligned {
    /// What is known of it.
    ///
    /// # Errors
    /// That of looking at the file.
    pub(crate) fn record(&self, task: &TaskContext<'_>) -> std::io::Result<LegacyRecord> {
        let path = task.image_path(self.image, self.format);
        let identity = FileIdentity::of(&path)?;
        Ok(LegacyRecord {
            path: relative_path(task.paths.dir(), &path),
            bytes: identity.bytes,
            modified: identity.modified,
        })
    }
}

impl Results {
    /// How a task has ended that has come to these results: by the worst of what is thought of them and of everything else.
    pub(crate) fn status(&self, to_stage: Stage, doubts: &[Doubt]) -> Status {
        let scale = self.scales.assessment();
        let judged = Judged {
            alignment: self.alignment.as_ref(),
            is_legacy: self.legacy_aligned.is_some(),
            scale: scale.as_ref(),
            doubts,
        };
        judged.status(to_stage)
    }
}

impl ResumePlan {
    /// Decides what becomes of each stage. `inputs` are the raw files as far as they are known, `None` where one is not that
    /// of any earlier run.
    pub(crate) fn of(
        task: &TaskContext<'_>,
        history: &History,
        inputs: Option<&Inputs>,
        evidence: &Evidence,
    ) -> Self {
        let planner = Planner {
            task,
            history,
            inputs,
            evidence,
            formats_said: Cell::new(false),
        };
        planner.plan()
    }

    /// What becomes of the next stage.
    pub(crate) fn next_stage(&mut self) -> Option<StagePlan> {
        (!self.stages.is_empty()).then(|| self.stages.remove(0))
    }

    /// Takes back what was decided of the stages that rest on `stage`, which is made after all.
    pub(crate) fn remake_after(&mut self, stage: Stage) {
        if !stage.is_rested_on() {
            return;
        }
        for later in self.stages.iter_mut().filter(|plan| plan.stage > stage) {
            later.action = StageAction::Make(follows(stage));
            later.notes.clear();
        }
    }
}

fn follows(stage: Stage) -> String {
    format!("it follows stage {stage}")
}
