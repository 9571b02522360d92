//! One task from its raw files to its outcome.

mod unchanged;

use crate::background::{Background, Done, Lane, Tick, both};
use crate::claim::Claim;
use crate::error::PipelineError;
use crate::history::{Found, History, Wanted};
use crate::inputs::RawInput;
use crate::manifest::{
    CheckpointRecord, Inputs, Manifest, MemoryRecord, SCHEMA, Scales, StageRecord, Warps,
};
use crate::memory::MemoryNeeds;
use crate::observer::{Event, Observer};
use crate::outcome::TaskOutcome;
use crate::output::Output;
use crate::params::suffix;
use crate::pictures;
use crate::stage::Stage;
use crate::stages;
use crate::stages::difference::Gathered;
use crate::status::Status;
use crate::task::TaskSpec;
use e2m_align::{Previews, Verdict};
use e2m_image::{Canvas, Plane};
use e2m_io::{CheckpointFormat, FolderLock};
use e2m_resources::{process_memory, process_usage, reset_peak, return_memory};
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

/// Runs one task: every stage from the first whose checkpoints are not there, or from `from_stage`, up to `to_stage`.
///
/// Never panics and never fails: what goes wrong is the outcome's status, and what was done until then stays valid. The
/// manifest is written after every stage, so that an interrupted run is taken up where it ended.
pub fn run_task(spec: &TaskSpec, observer: &mut dyn Observer) -> TaskOutcome {
    run_task_by_way_of(spec, None, observer)
}

/// The same with checkpoints and difference images under construction in the folder `scratch`, on a disk of this machine:
/// each is copied to its place when it is finished, and appears there whole. The results are the same bytes.
///
/// For output folders across a network, to which one sequential write is quick and many small ones are not.
pub fn run_task_by_way_of(
    spec: &TaskSpec,
    scratch: Option<&Path>,
    observer: &mut dyn Observer,
) -> TaskOutcome {
    let started = Instant::now();
    reset_peak();
    let claim = Claim::of(spec, observer);
    // What another run has made in the meantime is history as well.
    let history = match &claim {
        Ok(claim) => History::read(claim.paths.dir()),
        Err(_) => History::default(),
    };
    let run = claim.and_then(|claim| TaskRun::open(spec, claim, &history, observer));
    let run = run.map(|mut run| {
        run.output.scratch = scratch.map(Path::to_owned);
        run
    });
    let (result, run) = match run {
        Ok(mut run) => (run.run(), Some(run)),
        Err(error) => (Err(error), None),
    };
    let interrupted = matches!(result, Err(PipelineError::Interrupted));
    let mut outcome = TaskOutcome {
        sample: spec.sample.clone(),
        dye: spec.dye.clone(),
        status: result.unwrap_or_else(|error| match error {
            PipelineError::Interrupted => {
                Status::Incomplete("interrupted, the next run goes on from here".to_owned())
            }
            error => Status::Error(error.to_string()),
        }),
        seconds: started.elapsed().as_secs_f64(),
        peak_rss_bytes: process_memory().peak,
        stages_done: Vec::new(),
        notes: Vec::new(),
        interrupted,
        manifest_path: None,
        manifest: None,
    };
    if let Some(run) = run {
        run.close(&mut outcome);
    }
    return_memory();
    outcome
}

/// The state of a running task.
pub(crate) struct TaskRun<'a> {
    pub(crate) spec: &'a TaskSpec,
    pub(crate) history: &'a History,
    pub(crate) output: Output<'a>,
    pub(crate) post: RawInput,
    pub(crate) pre: RawInput,
    pub(crate) canvas: Canvas,
    /// The raw pre plane, once something needs it.
    pub(crate) pre_plane: Option<Arc<Plane>>,
    pub(crate) previews: Option<Arc<Previews>>,
    /// What was counted while aligned pre was written.
    pub(crate) gathered: Option<Gathered>,
    background: Background,
    /// Where aligned pre is only there as an image of the Python program.
    pub(crate) foreign_aligned: Option<(CheckpointFormat, &'static str)>,
    mixed_formats_announced: bool,
    notes: Vec<String>,
    /// Whether pictures were drawn.
    pub(crate) drew: bool,
    pub(crate) manifest: Manifest,
    /// Whether that of an earlier run has been replaced.
    wrote_manifest: bool,
    stages_done: Vec<Stage>,
    /// Everything was there already, and `manifest` is that of the earlier run.
    finished_before: bool,
    /// The last stage that was begun to be done.
    begun: Option<Stage>,
    /// What was made is not vouched for any more, and the manifest has to say so.
    disowned: bool,
    /// The last field: given up when nothing goes on beside the stages any more.
    _lock: FolderLock,
}

impl<'a> TaskRun<'a> {
    fn open(
        spec: &'a TaskSpec,
        claim: Claim,
        history: &'a History,
        observer: &'a mut dyn Observer,
    ) -> Result<Self, PipelineError> {
        let Claim {
            paths,
            post,
            pre,
            lock,
            notes,
        } = claim;
        let (post, pre) = both(
            || RawInput::read(post, history, false),
            || RawInput::read(pre, history, true),
        );
        let (post, pre) = (post?, pre?);
        let canvas = Canvas::new(post.size(), pre.size(), spec.params.pad);
        let needs = MemoryNeeds {
            post: post.size(),
            pre: pre.size(),
            types: [post.record.dtype, pre.record.dtype],
            pad: spec.params.pad,
            formats: spec.checkpoint_format,
            compression: spec.checkpoint_compression,
            differences: stages::difference::kinds(&spec.params).len(),
            decoding_bytes: post.decoding_bytes().max(pre.decoding_bytes()),
            threads: rayon::current_num_threads(),
        };
        let memory = needs.expected();
        let manifest = new_manifest(
            spec,
            Inputs {
                post: post.record.clone(),
                pre: pre.record.clone(),
            },
            canvas,
            memory,
        );
        Ok(Self {
            spec,
            history,
            output: Output {
                paths,
                compression: spec.checkpoint_compression,
                scratch: None,
                observer,
            },
            post,
            pre,
            canvas,
            pre_plane: None,
            previews: None,
            gathered: None,
            background: Background::new(),
            foreign_aligned: None,
            mixed_formats_announced: false,
            notes,
            drew: false,
            manifest,
            wrote_manifest: false,
            stages_done: Vec::new(),
            finished_before: false,
            begun: None,
            disowned: false,
            _lock: lock,
        })
    }

    /// All stages, and what goes on beside them.
    fn run(&mut self) -> Result<Status, PipelineError> {
        let status = self.run_stages();
        // What was under way when a stage failed is worth finishing: the next run takes it over.
        let rest = match &status {
            Err(PipelineError::Interrupted) => Ok(()),
            _ => self.wait(),
        };
        let left = self.background.abandon();
        self.keep(left.done);
        self.stages_done
            .retain(|stage| !left.unfinished.contains(stage));
        self.manifest
            .stages
            .retain(|record| !left.unfinished.contains(&record.stage));
        // What went wrong may have gone wrong for that reason.
        if status.is_err()
            && let Err(changed @ PipelineError::RawChanged { .. }) = self.check_inputs()
        {
            return Err(changed);
        }
        match (status, left.error) {
            // A full disk is worth more than the news that the user wants to stop.
            (Err(PipelineError::Interrupted), Some(error)) => Err(error),
            (status, _) => status.and_then(|status| rest.map(|()| status)),
        }
    }

    fn run_stages(&mut self) -> Result<Status, PipelineError> {
        if let Some(finished) = self.finished_before() {
            return Ok(finished);
        }
        for &stage in Stage::up_to(self.spec.to_stage) {
            self.stop_if_asked()?;
            self.run_stage(stage)?;
            let done = self.background.collect(&mut *self.output.observer)?;
            self.keep(done);
            self.check_inputs()?;
            // A run that has made nothing yet knows less than the manifest that is there.
            let mut done = self.stages_done.iter();
            let finished = done.any(|stage| !self.background.is_under_way(*stage));
            if stage < self.spec.to_stage && finished {
                self.manifest.status =
                    Status::Incomplete(format!("stage {stage} of {} is done", self.spec.to_stage));
                self.write_manifest()?;
            }
        }
        Ok(self.final_status())
    }

    /// A stage: skipped where its checkpoints are there, otherwise done, and recorded either way.
    fn run_stage(&mut self, stage: Stage) -> Result<(), PipelineError> {
        reset_peak();
        let (started, before) = (Instant::now(), process_usage());
        self.output
            .observer
            .on_event(&Event::StageStarted { stage });
        let skipped = !self.is_fresh(stage) && stages::restore(self, stage)?;
        if skipped {
            pictures::adopt(self, stage);
        } else {
            self.forget(stage);
            self.begun = Some(stage);
            stages::perform(self, stage)?;
            self.stages_done.push(stage);
        }
        let waited = if stage == self.spec.to_stage {
            self.wait()
        } else {
            Ok(())
        };
        let seconds = started.elapsed().as_secs_f64();
        let peak_rss_bytes = process_memory().peak;
        let used = process_usage().since(&before);
        self.manifest.memory.peak_rss_bytes =
            self.manifest.memory.peak_rss_bytes.max(peak_rss_bytes);
        self.manifest.stages.push(StageRecord {
            stage,
            seconds,
            cpu_seconds: used.cpu_seconds,
            read_bytes: used.read_bytes,
            written_bytes: used.written_bytes,
            peak_rss_bytes,
            skipped,
        });
        waited?;
        self.output.observer.on_event(&Event::StageFinished {
            stage,
            seconds,
            skipped,
        });
        Ok(())
    }

    /// Takes back what the manifest says of a stage that is done again: a file that is still there is about to be replaced.
    fn forget(&mut self, stage: Stage) {
        self.manifest
            .checkpoints
            .retain(|record| !record.is_of_stage(stage));
        let pictures = pictures::recorded_paths(&self.output.paths, &self.spec.params, stage);
        self.manifest
            .pictures
            .retain(|picture| !pictures.contains(&picture.path));
    }

    /// Has something done beside the stages.
    pub(crate) fn start(
        &mut self,
        lane: Lane,
        stage: Stage,
        what: &'static str,
        work: impl FnOnce(Tick<'_>) -> Result<Done, PipelineError> + Send + 'static,
    ) -> Result<(), PipelineError> {
        let observer = &mut *self.output.observer;
        self.background.start((lane, stage, what), observer, work)
    }

    /// Waits for all that goes on beside the stages.
    pub(crate) fn wait(&mut self) -> Result<(), PipelineError> {
        let done = self.background.wait(&mut *self.output.observer)?;
        self.keep(done);
        Ok(())
    }

    fn keep(&mut self, done: Vec<Done>) {
        for done in done {
            self.record(done.checkpoints);
            done.pictures
                .into_iter()
                .for_each(|picture| pictures::note(self, picture));
            if let Some(alignment) = &mut self.manifest.alignment
                && done.comparison_factor.is_some()
            {
                alignment.comparison_factor = done.comparison_factor;
            }
        }
    }

    /// Whether a stage is to be done whatever is there.
    pub(crate) fn is_fresh(&self, stage: Stage) -> bool {
        self.spec.force || self.spec.from_stage > Stage::Pad && stage >= self.spec.from_stage
    }

    /// The status of an earlier run with the same raw files and parameters, if all that it wrote is still there.
    fn finished_before(&mut self) -> Option<Status> {
        if self.spec.force || self.spec.from_stage > Stage::Pad {
            return None;
        }
        let earlier = self
            .history
            .manifest_for(&self.manifest.inputs, &self.spec.params)?;
        let last = earlier.stages.last()?.stage;
        let done = matches!(earlier.status, Status::Complete | Status::Suspect(_))
            && last >= self.spec.to_stage;
        if !done {
            return None;
        }
        let task = stages::Place {
            spec: self.spec,
            paths: &self.output.paths,
            canvas: self.canvas.size(),
            touched: None,
        };
        let records = task.all_outputs(self.history, earlier)?;
        let inputs = self.manifest.inputs.clone();
        self.manifest = Manifest {
            inputs,
            ..earlier.clone()
        };
        self.record(records);
        self.finished_before = true;
        for &stage in Stage::up_to(self.spec.to_stage) {
            pictures::adopt(self, stage);
            self.output.observer.on_event(&Event::StageFinished {
                stage,
                seconds: 0.0,
                skipped: true,
            });
        }
        Some(if self.spec.to_stage < Stage::Fine {
            Status::Complete
        } else {
            earlier.status.clone()
        })
    }

    fn final_status(&self) -> Status {
        match &self.manifest.alignment {
            // Before stage 3 nothing has been judged, and nobody asked for it.
            _ if self.spec.to_stage < Stage::Fine => Status::Complete,
            Some(a) if a.verdict != Verdict::Pass => Status::Suspect(a.reasons.join("; ")),
            None if self.foreign_aligned.is_some() => Status::Suspect(
                "the alignment is the Python program's and was not checked".to_owned(),
            ),
            _ => Status::Complete,
        }
    }

    /// Whether pictures of a stage are missing that no earlier run has either; says that they are drawn again.
    pub(crate) fn lacks_pictures(&mut self, stage: Stage) -> Result<bool, PipelineError> {
        if stage < Stage::Difference {
            pictures::take_over(self, stage)?;
        }
        let missing = pictures::missing(self, stage);
        let Some(first) = missing.first() else {
            return Ok(false);
        };
        let others = match missing.len() {
            1 => String::new(),
            n => format!(" and {} more", n - 1),
        };
        self.note(format!(
            "the picture {}{others} of stage {stage} is missing and drawn again",
            first.stem()
        ));
        Ok(true)
    }

    /// What the user should know.
    pub(crate) fn note(&mut self, text: String) {
        tracing::info!(sample = self.spec.sample, dye = self.spec.dye, "{text}");
        self.notes.push(text.clone());
        self.output.observer.on_event(&Event::Note { text });
    }

    /// Says what begins, where no rows go by that would show it.
    pub(crate) fn announce(&mut self, stage: Stage, what: &'static str) {
        let of = self.canvas.size().height;
        self.output.observer.on_event(&Event::Progress {
            stage,
            what: what.into(),
            rows: 0,
            of,
        });
    }

    pub(crate) fn stop_if_asked(&self) -> Result<(), PipelineError> {
        if self.output.observer.should_stop() {
            Err(PipelineError::Interrupted)
        } else {
            Ok(())
        }
    }

    /// The suffix of file names of a stage.
    pub(crate) fn suffix(&self, stage: Stage) -> String {
        suffix(&self.spec.params, stage)
    }

    /// Looks for a checkpoint of an earlier run, saying why one that is there is not used. Where it is vouched for, its
    /// records are taken over.
    pub(crate) fn find(
        &mut self,
        stage: Stage,
        stem: &str,
        accept_foreign: bool,
    ) -> Option<Found<'a>> {
        let wanted = Wanted {
            canvas: self.canvas.size(),
            inputs: Some(&self.manifest.inputs),
            params: &self.spec.params,
            stage,
            accept_foreign,
            touched: None,
        };
        let lookup =
            self.history
                .checkpoint(&self.output.paths, stem, &self.suffix(stage), &wanted);
        let used = lookup.found.is_some();
        for reason in lookup.refused {
            let what = if used {
                "a file is not used"
            } else {
                "is done again"
            };
            self.note(format!("{} {what}: {reason}", stage.label()));
        }
        let found = lookup.found?;
        let formats: Vec<CheckpointFormat> = match &found {
            Found::Recorded(_, records) => records.iter().map(|(format, _)| *format).collect(),
            Found::Foreign(format) => vec![*format],
        };
        if stage < Stage::Difference
            && self
                .spec
                .checkpoint_format
                .list()
                .iter()
                .any(|format| !formats.contains(format))
        {
            self.announce_mixed_formats(&formats);
        }
        if let Found::Recorded(_, records) = &found {
            self.record(records.iter().map(|(_, record)| record.clone()).collect());
        }
        Some(found)
    }

    /// Says once that the task's folder will hold checkpoints in different formats.
    fn announce_mixed_formats(&mut self, there: &[CheckpointFormat]) {
        if !std::mem::replace(&mut self.mixed_formats_announced, true) {
            let name = |formats: &[CheckpointFormat]| {
                formats
                    .iter()
                    .map(|f| f.extension())
                    .collect::<Vec<_>>()
                    .join(" and ")
            };
            let (there, new) = (name(there), name(self.spec.checkpoint_format.list()));
            self.note(format!("earlier checkpoints are there as {there} and stay so, new ones are written as {new}"));
        }
    }

    /// Adds checkpoints to the manifest, in place of older ones of the same name.
    pub(crate) fn record(&mut self, checkpoints: Vec<CheckpointRecord>) {
        self.manifest
            .checkpoints
            .retain(|old| checkpoints.iter().all(|new| new.path != old.path));
        self.manifest.checkpoints.extend(checkpoints);
        // In the order of the stages, whichever was finished first.
        let name = |path: &str| path.rsplit('/').next().unwrap_or_default().to_owned();
        self.manifest
            .checkpoints
            .sort_by_cached_key(|record| (name(&record.path), record.path.clone()));
    }

    fn write_manifest(&mut self) -> Result<(), PipelineError> {
        let path = self.output.paths.manifest_path(&self.suffix(Stage::LAST));
        self.manifest.write(&path)?;
        self.wrote_manifest = true;
        Ok(())
    }

    /// Writes the manifest a last time and hands it to the outcome.
    fn close(mut self, outcome: &mut TaskOutcome) {
        let path = self.output.paths.manifest_path(&self.suffix(Stage::LAST));
        if !self.finished_before {
            self.manifest.status = outcome.status.clone();
        }
        outcome.stages_done = std::mem::take(&mut self.stages_done);
        outcome.notes = std::mem::take(&mut self.notes);
        outcome.peak_rss_bytes = outcome
            .peak_rss_bytes
            .max(self.manifest.memory.peak_rss_bytes);
        let earlier = self
            .history
            .manifest_for(&self.manifest.inputs, &self.spec.params);
        // A run that made nothing and was stopped knows less than the one before; one that went through knows as much.
        let went_through = matches!(outcome.status, Status::Complete | Status::Suspect(_));
        let made = !outcome.stages_done.is_empty() || self.drew && went_through || self.disowned;
        let keeps_earlier =
            !made && !self.wrote_manifest && earlier.is_some() && !self.finished_before;
        let unchanged = keeps_earlier || earlier == Some(&self.manifest);
        if !unchanged && let Err(error) = self.write_manifest() {
            let why = error.to_string();
            // What went wrong first is what the user has to know.
            if matches!(outcome.status, Status::Error(_)) {
                outcome.notes.push(why);
            } else {
                outcome.status = Status::Error(why);
            }
            return;
        }
        outcome.manifest_path = Some(path);
        outcome.manifest = Some(Box::new(self.manifest));
    }
}

fn new_manifest(spec: &TaskSpec, inputs: Inputs, canvas: Canvas, memory: MemoryRecord) -> Manifest {
    let non_default = spec
        .params
        .non_default(Stage::LAST)
        .map(|(spec, value)| {
            (
                spec.name.to_owned(),
                serde_json::to_value(value).unwrap_or_default(),
            )
        })
        .collect();
    Manifest {
        schema: SCHEMA,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        sample: spec.sample.clone(),
        dye: spec.dye.clone(),
        status: Status::Incomplete("no stage is done".to_owned()),
        inputs,
        canvas,
        params: spec.params.clone(),
        non_default,
        warps: Warps::default(),
        alignment: None,
        scales: Scales::default(),
        stages: Vec::new(),
        memory,
        checkpoints: Vec::new(),
        foreign_aligned: None,
        pictures: Vec::new(),
    }
}
