//! What a run of a task would do and need, from headers and manifests alone: no pixel is read, nothing is written.

use crate::error::PipelineError;
use crate::history::{Found, History, Lookup, Wanted};
use crate::manifest::{InputRecord, Inputs};
use crate::memory::MemoryNeeds;
use crate::names::INTERIOR_PRE;
use crate::params::suffix;
use crate::stage::Stage;
use crate::stages::{Output, Place, difference};
use crate::status::Status;
use crate::task::{CheckpointFormats, TaskSpec};
use e2m_image::{Canvas, Size};
use e2m_io::{CheckpointWriter, FileIdentity, RawImage, TaskPaths};
use std::cell::Cell;
use std::path::Path;

/// Pictures of a task and its share of the report, at most: some 7 MB at 8,000 px, and hardly more beyond.
const PICTURES_BYTES: u64 = 16_000_000;

/// What a run of a task would do and need.
#[derive(Debug, Clone, PartialEq)]
pub struct Outlook {
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
    pub stages: Vec<StageOutlook>,
    /// How the task ended, if everything that is asked for is there and nothing would be done.
    pub finished: Option<Status>,
    /// Whether a raw file or a checkpoint has other times than those on record, so that a run will have to read it. The rest
    /// of this expects it to be unchanged.
    pub touched: bool,
    /// How the last run with these parameters and raw files ended, if there was one.
    pub earlier: Option<Status>,
}

impl Outlook {
    /// The stages that would be done.
    pub fn to_do(&self) -> Vec<Stage> {
        let stages = Stage::ALL.into_iter().zip(&self.stages);
        let to_do = stages.filter(|(_, stage)| **stage != StageOutlook::There);
        to_do.map(|(stage, _)| stage).collect()
    }
}

/// What would become of a stage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StageOutlook {
    /// Its results are there and would be used.
    There,
    /// It would be done, and nothing of it is there.
    New,
    /// It would be done although files of it are there, and why.
    Again(String),
}

impl Outlook {
    /// Whether a run would find everything there without having to read anything.
    pub fn is_finished(&self) -> bool {
        self.finished.is_some() && !self.touched
    }
}

/// Looks at a task. Takes microseconds where no results are there, milliseconds otherwise.
///
/// A run decides by the content of files; this looks at their names, lengths and times only. Where only times have changed
/// it expects the content to be the same, and says so ([`Outlook::touched`]).
///
/// # Errors
/// A raw file that cannot be opened, or names that are none.
pub fn outlook(spec: &TaskSpec) -> Result<Outlook, PipelineError> {
    let paths = TaskPaths::new(&spec.output_dir, &spec.sample, &spec.dye)?;
    let (post, pre) = (RawImage::open(&spec.post)?, RawImage::open(&spec.pre)?);
    let (post, pre) = (post.info(), pre.info());
    let canvas = Canvas::new(post.size, pre.size, spec.params.pad).size();
    let history = History::read(paths.dir());
    let touched = Cell::new(false);
    let known = |path| known(path, &history, &touched);
    let (known_post, known_pre) = (known(&spec.post)?, known(&spec.pre)?);
    let inputs = known_post
        .zip(known_pre)
        .map(|(post, pre)| Inputs { post, pre });
    let look = Look {
        place: Place {
            spec,
            paths: &paths,
            canvas,
            touched: Some(&touched),
        },
        history: &history,
        inputs: inputs.as_ref(),
    };
    let memory = MemoryNeeds {
        post: post.size,
        pre: pre.size,
        types: [post.pixel_type, pre.pixel_type],
        pad: spec.params.pad,
        formats: spec.checkpoint_format,
        compression: spec.checkpoint_compression,
        differences: difference::kinds(&spec.params).len(),
        decoding_bytes: post.decoding_bytes().max(pre.decoding_bytes()),
        threads: rayon::current_num_threads(),
    };
    let finished = look.finished();
    let (stages, disk_bytes) = match &finished {
        Some(_) => (
            vec![StageOutlook::There; Stage::up_to(spec.to_stage).len()],
            0,
        ),
        None => look.stages(),
    };
    let earlier = look.inputs.and_then(|inputs| {
        let manifest = history.manifest_for(inputs, &spec.params)?;
        Some(manifest.status.clone())
    });
    Ok(Outlook {
        post: post.size,
        pre: pre.size,
        memory,
        disk_bytes,
        stages,
        finished,
        touched: touched.get(),
        earlier,
    })
}

/// What an earlier run found out about a raw file, if it looks the same or has at least the same length.
fn known(
    path: &Path,
    history: &History,
    touched: &Cell<bool>,
) -> Result<Option<InputRecord>, PipelineError> {
    let identity = FileIdentity::of(path).map_err(PipelineError::io(path, "looking at it"))?;
    let name = path.to_string_lossy();
    if let Some(known) = history.known_input(&name, &identity) {
        return Ok(Some(known.clone()));
    }
    let alike = history.alike_input(&name, &identity).cloned();
    touched.set(touched.get() || alike.is_some());
    Ok(alike)
}

/// A task, and what is known of it.
struct Look<'a> {
    place: Place<'a>,
    history: &'a History,
    /// `None` where a raw file is not the one that an earlier run saw.
    inputs: Option<&'a Inputs>,
}

impl Look<'_> {
    fn finished(&self) -> Option<Status> {
        let spec = self.place.spec;
        let earlier = self.history.manifest_for(self.inputs?, &spec.params)?;
        let ended = matches!(earlier.status, Status::Complete | Status::Suspect(_));
        let last = earlier.stages.last()?.stage;
        if spec.force || spec.from_stage > Stage::Pad || !ended || last < spec.to_stage {
            return None;
        }
        self.place.all_outputs(self.history, earlier)?;
        Some(earlier.status.clone())
    }

    /// Each stage, and the bytes that those write which are to be done.
    fn stages(&self) -> (Vec<StageOutlook>, u64) {
        let spec = self.place.spec;
        let mut stages = Vec::new();
        let mut bytes = 0;
        let mut redone = None;
        for &stage in Stage::up_to(spec.to_stage) {
            let why = self.why_to_do(stage, redone);
            if why.is_some() {
                let written = self.place.outputs(stage).into_iter();
                bytes += written
                    .map(|output| self.written_bytes(&output))
                    .sum::<u64>();
            }
            // Nothing is read from what stage 1 writes.
            if why.is_some() && stage > Stage::Pad {
                redone = redone.or(Some(stage));
            }
            stages.push(match why {
                None => StageOutlook::There,
                Some(_) if !self.has_files(stage) => StageOutlook::New,
                Some(why) => StageOutlook::Again(why),
            });
        }
        (stages, bytes + PICTURES_BYTES)
    }

    fn written_bytes(&self, output: &Output) -> u64 {
        let bytes = |&format| CheckpointWriter::file_bytes(self.place.canvas, format);
        output.formats.iter().map(bytes).sum()
    }

    /// Whether there are files with the names that a stage gives.
    fn has_files(&self, stage: Stage) -> bool {
        let suffix = suffix(&self.place.spec.params, stage);
        let outputs = self.place.outputs(stage);
        outputs.iter().any(|output| {
            let path = |&format| {
                let paths = self.place.paths;
                paths.checkpoint_path(format, &output.stem, &suffix)
            };
            CheckpointFormats::Both
                .list()
                .iter()
                .map(path)
                .any(|path| path.exists())
        })
    }

    /// Why a stage would be done; `None` where its results are there.
    fn why_to_do(&self, stage: Stage, redone: Option<Stage>) -> Option<String> {
        let spec = self.place.spec;
        if spec.force {
            return Some("force is set".to_owned());
        }
        if spec.from_stage > Stage::Pad && stage >= spec.from_stage {
            return Some(format!("from_stage is {}", spec.from_stage));
        }
        if let Some(before) = redone {
            return Some(format!("it follows stage {before}"));
        }
        let outputs = self.place.outputs(stage);
        if outputs.is_empty() {
            let judged = self.inputs.is_some_and(|inputs| {
                let manifest = self.history.manifest_for(inputs, &spec.params);
                let alignment = manifest.and_then(|m| m.alignment.as_ref());
                alignment.is_some_and(crate::AlignmentRecord::is_judged)
            });
            return (!judged).then(|| "the alignment has not been judged".to_owned());
        }
        outputs
            .iter()
            .find_map(|output| self.why_missing(stage, output))
    }

    /// Why a checkpoint would be written.
    fn why_missing(&self, stage: Stage, output: &Output) -> Option<String> {
        let lookup = self.lookup(stage, &output.stem);
        match lookup.found {
            Some(Found::Recorded(_, records)) => {
                // Either format will do, but of difference images both are wanted.
                let enough = stage < Stage::Difference || records.len() == output.formats.len();
                (!enough).then(|| format!("{} is there in one format only", output.stem))
            }
            Some(Found::Foreign(_)) if self.foreign_will_do(stage) => None,
            Some(Found::Foreign(_)) => Some(format!("{} has no warp", output.stem)),
            None => Some(match lookup.refused.first() {
                Some(reason) => reason.clone(),
                None => format!("{} is not there", output.stem),
            }),
        }
    }

    fn lookup(&self, stage: Stage, stem: &str) -> Lookup<'_> {
        let wanted = Wanted {
            canvas: self.place.canvas,
            inputs: self.inputs,
            params: &self.place.spec.params,
            stage,
            accept_foreign: stage < Stage::Difference,
            touched: self.place.touched,
        };
        let suffix = suffix(&self.place.spec.params, stage);
        self.history
            .checkpoint(self.place.paths, stem, &suffix, &wanted)
    }

    /// Whether an image of the Python program is enough, which has no warp.
    fn foreign_will_do(&self, stage: Stage) -> bool {
        let spec = self.place.spec;
        let interior = || {
            let found = self.lookup(Stage::Fine, INTERIOR_PRE).found;
            matches!(found, Some(Found::Foreign(_)))
        };
        match stage {
            Stage::Coarse => !spec.params.interior_ecc || spec.to_stage < Stage::Fine || interior(),
            Stage::Pad | Stage::Fine | Stage::Difference => true,
        }
    }
}
