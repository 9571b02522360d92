//! What a run of a task would do and need, from headers and manifests alone: no pixel is read, nothing is written.

use crate::artifact::{Image, images_of, tables_of};
use crate::context::TaskContext;
use crate::error::PipelineError;
use crate::history::{Evidence, History};
use crate::inputs::RawPair;
use crate::manifest::{InputRecord, Inputs, Manifest};
use crate::memory::MemoryNeeds;
use crate::params::Params;
use crate::resume::{ResumePlan, StageAction};
use crate::session::open_raw;
use crate::stage::Stage;
use crate::status::Status;
use crate::task::{CheckpointFormats, KeptCheckpoints, TaskSpec};
use e2m_image::{Canvas, Size};
use e2m_io::{
    CheckpointFormat, CheckpointWriter, FileIdentity, FlagsWriter, PixelKind, RawImage, TaskPaths,
};
use std::path::Path;

/// Pictures of a task and its share of the report, at most: some 7 MB at 8,000 px, and hardly more beyond.
const PICTURES_BYTES: u64 = 16_000_000;

/// What a run of a task would do and need.
#[derive(Debug, Clone, PartialEq)]
pub struct TaskPreview {
    /// Size of the raw post image, px.
    pub post: Size,
    /// Size of the raw pre image, px.
    pub pre: Size,
    /// What decides its memory; `threads` is that of the calling program and may be changed.
    pub memory: MemoryNeeds,
    /// Bytes that it would write, pictures included: checkpoints that are there and valid do not count. An upper bound
    /// where checkpoints are compressed.
    pub disk_bytes: u64,
    /// What would become of each stage that is asked for, from the first on.
    pub stages: Vec<StagePreview>,
    /// How a run would say that the task ended, if everything that is asked for is there and nothing would be done.
    pub finished: Option<Status>,
    /// Whether a raw file or a checkpoint has other times than those on record, so that a run will have to read it. The rest
    /// of this expects it to be unchanged.
    pub touched: bool,
    /// How the last run with these parameters and raw files ended, if there was one.
    pub earlier: Option<Status>,
    /// What that run left to be known although nothing is wrong, in sentences.
    pub notes: Vec<String>,
    /// What decides which images there are.
    params: Params,
    /// Which of these are kept.
    kept: KeptCheckpoints,
    /// Images that would be written of stages that are there.
    restored: Vec<Image>,
}

impl TaskPreview {
    /// The stages that would be done.
    pub fn to_do(&self) -> Vec<Stage> {
        let stages = Stage::ALL.into_iter().zip(&self.stages);
        let to_do = stages.filter(|(_, stage)| **stage != StagePreview::There);
        to_do.map(|(stage, _)| stage).collect()
    }

    /// Bytes that it would write with this pad, and with checkpoints in these formats. With another pad than its own all images
    /// would be written anew.
    pub fn disk_bytes_with(&self, pad: usize, formats: CheckpointFormats) -> u64 {
        let larger = self.post.max(self.pre);
        let canvas = Size::new(larger.width + 2 * pad, larger.height + 2 * pad);
        let bytes =
            |&stage: &Stage| output_bytes((&self.params, self.kept), stage, formats, canvas);
        let restored = |image: &Image| -> u64 {
            let formats = formats.list().iter();
            formats
                .map(|&format| image_bytes(*image, canvas, format))
                .sum()
        };
        if pad != self.memory.pad {
            return Stage::ALL[..self.stages.len()].iter().map(bytes).sum();
        }
        match self.finished {
            Some(_) => 0,
            None => {
                PICTURES_BYTES
                    + self.to_do().iter().map(bytes).sum::<u64>()
                    + self.restored.iter().map(restored).sum::<u64>()
            }
        }
    }

    /// Whether a run would find everything there without having to read anything.
    pub fn is_finished(&self) -> bool {
        self.finished.is_some() && !self.touched
    }
}

/// What would become of a stage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StagePreview {
    /// Its results are there and would be used.
    There,
    /// It would be done, and nothing of it is there.
    New,
    /// It would be done although files of it are there, and why.
    Again(String),
}

/// Looks at a task. Takes microseconds where no results are there, milliseconds otherwise.
///
/// A run decides by the content of files; this looks at their names, lengths and times only. Where only times have changed
/// it expects the content to be the same, and says so ([`TaskPreview::touched`]).
///
/// # Errors
/// A raw file that cannot be opened, or names that are none.
pub fn preview(spec: &TaskSpec) -> Result<TaskPreview, PipelineError> {
    let paths = TaskPaths::new(&spec.output_dir, &spec.sample, &spec.dye)?;
    let (post_image, pre_image) = open_raw(spec)?;
    let (post, pre) = (post_image.info(), pre_image.info());
    let history = History::read(paths.dir());
    let (known_post, post_touched) = known(&spec.post, &history)?;
    let (known_pre, pre_touched) = known(&spec.pre, &history)?;
    let images = [&post_image, &pre_image];
    let (inputs, doubts) = known_post
        .zip(known_pre)
        .and_then(|(post, pre)| RawPair::from_records(images, [post, pre]))
        .unzip();
    let types = match &inputs {
        Some(Inputs { post, pre }) => [post.dtype, pre.dtype],
        None => images.map(RawImage::widest_type),
    };
    let task = TaskContext {
        spec,
        paths,
        canvas: Canvas::new(post.size, pre.size, spec.params.pad),
        um_per_px: post.pixel_size.map(|size| size.um),
        doubts: doubts.unwrap_or_default(),
        scratch: None,
    };
    let evidence = Evidence::cheap();
    let plan = ResumePlan::of(&task, &history, inputs.as_ref(), &evidence);
    let memory = MemoryNeeds::of(
        spec,
        [
            (post.size, types[0], post.decoding_bytes()),
            (pre.size, types[1], pre.decoding_bytes()),
        ],
    );
    let mut restored = Vec::new();
    let stages = match plan.finished {
        Some(_) => vec![StagePreview::There; Stage::up_to(spec.to_stage).len()],
        None => plan
            .stages
            .into_iter()
            .map(|plan| match plan.action {
                StageAction::Reuse(reuse) => {
                    restored.extend(reuse.restored);
                    StagePreview::There
                }
                StageAction::Make(_) if !has_files(&task, plan.stage) => StagePreview::New,
                StageAction::Make(why) => StagePreview::Again(why),
            })
            .collect(),
    };
    let own = inputs
        .as_ref()
        .and_then(|inputs| history.manifest_for(inputs, &spec.params));
    let mut preview = TaskPreview {
        post: post.size,
        pre: pre.size,
        memory,
        disk_bytes: 0,
        stages,
        finished: plan.standing,
        touched: post_touched || pre_touched || evidence.is_touched(),
        earlier: own.map(|manifest| manifest.status.clone()),
        notes: own.map_or_else(Vec::new, Manifest::all_notes),
        params: spec.params.clone(),
        kept: spec.checkpoints,
        restored,
    };
    preview.disk_bytes = preview.disk_bytes_with(spec.params.pad, spec.checkpoint_format);
    Ok(preview)
}

/// What an earlier run found out about a raw file, if it looks the same or has at least the same length, and whether its
/// times are others.
fn known(path: &Path, history: &History) -> Result<(Option<InputRecord>, bool), PipelineError> {
    let identity = FileIdentity::of(path).map_err(PipelineError::io(path, "looking at it"))?;
    let name = path.to_string_lossy();
    if let Some(known) = history.known_input(&name, &identity) {
        return Ok((Some(known.clone()), false));
    }
    let alike = history.alike_input(&name, &identity).cloned();
    let touched = alike.is_some();
    Ok((alike, touched))
}

/// Bytes of the images and tables that a stage writes.
fn output_bytes(
    (params, kept): (&Params, KeptCheckpoints),
    stage: Stage,
    formats: CheckpointFormats,
    canvas: Size,
) -> u64 {
    let images = images_of(stage, params, formats, kept);
    let files = images.iter().flat_map(|(image, artifact)| {
        let formats = artifact.checkpoint_formats().into_iter();
        formats.map(|format| (*image, format))
    });
    let images: u64 = files
        .map(|(image, format)| image_bytes(image, canvas, format))
        .sum();
    let tables = tables_of(stage, params).into_iter();
    images
        + tables
            .map(|table| table.bytes(canvas.pixels()))
            .sum::<u64>()
}

/// Bytes of an image at most.
fn image_bytes(image: Image, canvas: Size, format: CheckpointFormat) -> u64 {
    match image.pixels() {
        PixelKind::Float => CheckpointWriter::file_bytes(canvas, format),
        PixelKind::Flags => FlagsWriter::file_bytes(canvas, format),
    }
}

/// Whether there are images with the names that a stage gives.
fn has_files(task: &TaskContext<'_>, stage: Stage) -> bool {
    let images = images_of(
        stage,
        &task.spec.params,
        CheckpointFormats::Both,
        KeptCheckpoints::All,
    );
    images.iter().any(|&(image, _)| {
        let mut formats = CheckpointFormats::Both.list().iter();
        formats.any(|&format| task.image_path(image, format).exists())
    })
}
