//! The warp of a task, with what is to be thought of it.

use super::error::ApplyError;
use e2m_image::{Canvas, Mapping, Size, Warp};
use e2m_pipeline::{InputRecord, Manifest, RecordedTask, TaskImages, Verdict};

/// Which way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// What lies on pre comes to lie on post, as aligned pre does.
    PreToPost,
    /// What lies on post comes to lie on pre.
    PostToPre,
}

/// The frame of coordinates, or of an image that is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Frame {
    /// The canvas of the task.
    #[default]
    Canvas,
    /// The raw image: pre or post, whichever it is about.
    Raw,
}

impl Frame {
    /// `canvas` or `raw`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Canvas => "canvas",
            Self::Raw => "raw",
        }
    }
}

/// What is to be thought of a warp.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// Nothing speaks against it.
    Pass,
    /// To be looked at, and why.
    Suspect(Vec<String>),
    /// Wrong, and why.
    Failed(Vec<String>),
}

/// The warp of a task.
#[derive(Debug, Clone)]
pub struct TaskWarp {
    /// Sample and dye.
    pub task: String,
    /// What is to be thought of it.
    pub standing: Standing,
    /// The frame of its results.
    pub canvas: Canvas,
    /// From post to pre, px of the canvas; with the local correction, where one was kept.
    to_pre: Mapping,
    /// The way back without it.
    to_post: Warp,
    pub(super) post: InputRecord,
    pub(super) pre: InputRecord,
}

impl TaskWarp {
    /// Reads the finest warp on record of a task.
    ///
    /// # Errors
    /// No record, or none with a warp.
    pub fn of(task: &RecordedTask) -> Result<Self, ApplyError> {
        let images = TaskImages::open(task)?;
        Self::on_record(&format!("{}/{}", task.sample, task.dye), images.manifest())
    }

    fn on_record(name: &str, manifest: &Manifest) -> Result<Self, ApplyError> {
        let task = name.to_owned();
        let Some(to_pre) = manifest.warps.mapping() else {
            let status = manifest.status.clone();
            return Err(ApplyError::NoAlignment { task, status });
        };
        let Some(to_post) = to_pre.warp.inverse() else {
            return Err(ApplyError::NoInverse { task });
        };
        let standing = match &manifest.alignment {
            None => Standing::Suspect(vec!["no verdict is on record of it".to_owned()]),
            Some(alignment) => match alignment.verdict {
                Verdict::Pass => Standing::Pass,
                Verdict::Suspect => Standing::Suspect(alignment.reasons.clone()),
                Verdict::Fail => Standing::Failed(alignment.reasons.clone()),
            },
        };
        Ok(Self {
            task,
            standing,
            canvas: manifest.canvas,
            to_pre,
            to_post,
            post: manifest.inputs.post.clone(),
            pre: manifest.inputs.pre.clone(),
        })
    }

    /// Refuses the warp of an alignment that failed.
    ///
    /// # Errors
    /// [`ApplyError::Failed`].
    pub fn refuse_failed(&self) -> Result<(), ApplyError> {
        match &self.standing {
            Standing::Failed(reasons) => Err(ApplyError::Failed {
                task: self.task.clone(),
                reasons: reasons.clone(),
            }),
            Standing::Pass | Standing::Suspect(_) => Ok(()),
        }
    }

    /// Where a point goes, from one image to the other, in px of this frame; `None` beyond the horizon of the perspective, and where a
    /// local correction has no way back.
    pub fn point(&self, direction: Direction, frame: Frame, [x, y]: [f64; 2]) -> Option<[f64; 2]> {
        let pad = match frame {
            Frame::Canvas => 0.0,
            Frame::Raw => self.canvas.pad() as f64,
        };
        let (x, y) = (x + pad, y + pad);
        let (x, y) = match direction {
            Direction::PreToPost if !self.to_post.is_in_front(x, y) => return None,
            Direction::PreToPost => self.to_pre.inverse_point(x, y)?,
            Direction::PostToPre if !self.to_pre.is_in_front(x, y) => return None,
            Direction::PostToPre => self.to_pre.apply(x, y),
        };
        (x.is_finite() && y.is_finite()).then_some([x - pad, y - pad])
    }

    /// The image that is warped, `pre` or `post`, and its name.
    pub(super) fn warped(&self, direction: Direction) -> (&InputRecord, &'static str) {
        match direction {
            Direction::PreToPost => (&self.pre, "pre"),
            Direction::PostToPre => (&self.post, "post"),
        }
    }

    /// The frame of the result, and the mapping from its pixels to those of the image that is warped, both on that frame; of post onto
    /// pre without a local correction (see [`TaskWarp::to_turn_around`]).
    pub(super) fn sampling(&self, direction: Direction, frame: Frame) -> (Canvas, Mapping) {
        let (mapping, onto) = match direction {
            Direction::PreToPost => (self.to_pre.clone(), &self.post),
            Direction::PostToPre => (self.to_post.into(), &self.pre),
        };
        self.on_frame(frame, onto, &mapping)
    }

    /// The frame of an image of post that is brought onto pre, and the mapping from post to pre on that frame, where a local correction
    /// was kept: its way back has to be looked for pixel by pixel.
    pub(super) fn to_turn_around(
        &self,
        direction: Direction,
        frame: Frame,
    ) -> Option<(Canvas, Mapping)> {
        let is_corrected = self.to_pre.deformation.is_some();
        (is_corrected && direction == Direction::PostToPre)
            .then(|| self.on_frame(frame, &self.pre, &self.to_pre))
    }

    fn on_frame(&self, frame: Frame, onto: &InputRecord, mapping: &Mapping) -> (Canvas, Mapping) {
        match frame {
            Frame::Canvas => (self.canvas, mapping.clone()),
            Frame::Raw => {
                let size = size_of(onto);
                let raw = self.canvas.mapping_to_raw(mapping);
                (Canvas::new(size, size, 0), raw)
            }
        }
    }
}

/// The size of a raw image.
pub(super) fn size_of(input: &InputRecord) -> Size {
    Size::new(input.width, input.height)
}
