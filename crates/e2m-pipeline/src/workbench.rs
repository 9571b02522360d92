//! What the stages of a task work with: its raw images, its messages, and what goes on beside the stages.
//!
//! Stages take the workbench and what earlier stages found, and return what they found; they know neither what is on record
//! nor in which order they are run.

use crate::alignment_messages::AlignmentMessages;
use crate::alignment_options::alignment_options;
use crate::background::{Background, Done, Lane, Tick};
use crate::context::TaskContext;
use crate::detection_record::Detected;
use crate::error::PipelineError;
use crate::inputs::RawInput;
use crate::messages::Messages;
use crate::pixel_faults::PixelFaults;
use crate::stage::Stage;
use e2m_align::{Aligner, Previews};
use e2m_image::Plane;
use std::sync::Arc;

/// What the stages of a task work with.
pub(crate) struct Workbench<'a> {
    pub(crate) task: &'a TaskContext<'a>,
    pub(crate) post: RawInput,
    pub(crate) pre: RawInput,
    pub(crate) messages: Messages<'a>,
    /// The raw pre plane, once something needs it.
    plane: Option<Arc<Plane>>,
    previews: Option<Arc<Previews>>,
    faults: Option<Arc<PixelFaults>>,
    /// The microbes that stage 5 found, until their tables are written.
    pub(crate) detected: Option<Detected>,
    background: Background,
    /// What came of jobs while a stage waited for them.
    done: Vec<Done>,
}

/// What was left when everything beside the stages was stopped.
pub(crate) struct Abandoned {
    pub(crate) done: Vec<Done>,
    /// Stages of which something is missing.
    pub(crate) unfinished: Vec<Stage>,
    /// What went wrong and has not been said yet.
    pub(crate) error: Option<PipelineError>,
}

impl<'a> Workbench<'a> {
    pub(crate) fn new(
        task: &'a TaskContext<'a>,
        (post, pre): (RawInput, RawInput),
        messages: Messages<'a>,
    ) -> Self {
        Self {
            task,
            post,
            pre,
            messages,
            plane: None,
            previews: None,
            faults: None,
            detected: None,
            background: Background::new(),
            done: Vec::new(),
        }
    }

    /// Micrometres per pixel of post along x and y, as asked for or as its file says.
    pub(crate) fn um_per_px(&self) -> Option<[f64; 2]> {
        let asked_for = self.task.spec.params.pixel_size_um.map(|um| [um, um]);
        asked_for.or(self.post.record.pixel_size.map(|size| size.um))
    }

    /// The raw pre plane, read unless it is there already.
    pub(crate) fn plane(&mut self) -> Result<Arc<Plane>, PipelineError> {
        if let Some(plane) = &self.plane {
            return Ok(Arc::clone(plane));
        }
        let plane = Arc::new(self.pre.load()?);
        self.plane = Some(Arc::clone(&plane));
        Ok(plane)
    }

    /// Both images at the working size of the coarse alignment, made unless they are there.
    pub(crate) fn previews(&mut self) -> Result<Arc<Previews>, PipelineError> {
        if let Some(previews) = &self.previews {
            return Ok(Arc::clone(previews));
        }
        let (aligner, plane) = (self.aligner(), self.plane()?);
        let mut bands = self.post.bands()?;
        let messages = &mut self.alignment_messages();
        let previews = Arc::new(aligner.read_previews(&mut bands, plane.view(), messages)?);
        self.previews = Some(Arc::clone(&previews));
        Ok(previews)
    }

    /// The pixels of the raw images that are not what they seem, found when the previews are made.
    pub(crate) fn faults(&mut self) -> Result<Option<Arc<PixelFaults>>, PipelineError> {
        if self.faults.is_none() {
            let (previews, plane) = (self.previews()?, self.plane()?);
            let post = (self.post.size(), self.post.record.dtype);
            self.faults = PixelFaults::new(previews, post, &plane).map(Arc::new);
        }
        Ok(self.faults.clone())
    }

    /// The steps of the alignment of this pair, with the options that the parameters ask for.
    pub(crate) fn aligner(&self) -> Aligner {
        let options = alignment_options(&self.task.spec.params);
        Aligner::new(self.post.size(), self.pre.size(), options)
    }

    /// What the alignment says, as messages of the task.
    pub(crate) fn alignment_messages(&mut self) -> AlignmentMessages<'_, 'a> {
        AlignmentMessages {
            messages: &mut self.messages,
            rows: self.task.canvas.size().height,
        }
    }

    /// Has something done beside the stages.
    pub(crate) fn start(
        &mut self,
        lane: Lane,
        stage: Stage,
        what: &'static str,
        work: impl FnOnce(Tick<'_>) -> Result<Done, PipelineError> + Send + 'static,
    ) -> Result<(), PipelineError> {
        let observer = self.messages.observer();
        self.background.start((lane, stage, what), observer, work)
    }

    /// Waits for all that goes on beside the stages.
    pub(crate) fn wait(&mut self) -> Result<(), PipelineError> {
        let done = self.background.wait(self.messages.observer())?;
        self.done.extend(done);
        Ok(())
    }

    /// What was finished beside the stages since the last time; never waits.
    pub(crate) fn collect(&mut self) -> Result<Vec<Done>, PipelineError> {
        let done = self.background.collect(self.messages.observer())?;
        self.done.extend(done);
        Ok(std::mem::take(&mut self.done))
    }

    /// Whether something of a stage is still going on.
    pub(crate) fn is_under_way(&self, stage: Stage) -> bool {
        self.background.is_under_way(stage)
    }

    /// Stops everything beside the stages.
    pub(crate) fn abandon(&mut self) -> Abandoned {
        let left = self.background.abandon();
        let mut done = std::mem::take(&mut self.done);
        done.extend(left.done);
        Abandoned {
            done,
            unfinished: left.unfinished,
            error: left.error,
        }
    }

    /// Makes sure that the raw files are what they were.
    pub(crate) fn check_inputs(&self) -> Result<(), PipelineError> {
        self.post
            .check_unchanged()
            .and_then(|()| self.pre.check_unchanged())
    }
}
