//! One task from its raw files to its outcome: the order of the stages.
//!
//! What is to be done is the [`TaskContext`], what becomes of each stage the [`ResumePlan`], what has been put on record the
//! [`Ledger`]. The stages work at the [`Workbench`] and return what they found.

use crate::artifact::{Image, tables_of};
use crate::context::TaskContext;
use crate::doubts::Findings;
use crate::error::PipelineError;
use crate::history::{Evidence, History};
use crate::inputs::RawPair;
use crate::ledger::Ledger;
use crate::manifest::{Inputs, Manifest, StageRecord};
use crate::memory::MemoryNeeds;
use crate::messages::Messages;
use crate::observer::{Observer, TaskEvent};
use crate::outcome::{FailureKind, TaskOutcome};
use crate::pictures;
use crate::recovery::record_unreadable;
use crate::resume::{Results, ResumePlan, Reuse, StageAction, StagePlan};
use crate::scale_record::{MoffatRecord, Scales};
use crate::session::TaskSession;
use crate::stage::Stage;
use crate::stages::difference::StatisticsPass;
use crate::stages::{coarse, detection, difference, fine, pad, restore};
use crate::status::Status;
use crate::tables;
use crate::task::TaskSpec;
use crate::workbench::Workbench;
use e2m_image::{Canvas, Mapping};
use e2m_io::FolderLock;
use e2m_resources::{process_memory, process_usage, reset_peak, return_memory};
use std::path::Path;
use std::time::Instant;

/// Runs one task: every stage from the first whose checkpoints are not there, or from `from_stage`, up to `to_stage`.
///
/// Never panics and never fails: what goes wrong is the outcome's status, and what was done until then stays valid. The
/// manifest is written after every stage, so that an interrupted run is taken up where it ended.
pub fn run_task(spec: &TaskSpec, observer: &mut dyn Observer) -> TaskOutcome {
    run_task_in(spec, None, observer)
}

/// The same with checkpoints and difference images under construction in the folder `scratch`, on a disk of this machine:
/// each is copied to its place when it is finished, and appears there whole. The results are the same bytes.
///
/// For output folders across a network, to which one sequential write is quick and many small ones are not.
pub fn run_task_in(
    spec: &TaskSpec,
    scratch: Option<&Path>,
    observer: &mut dyn Observer,
) -> TaskOutcome {
    let started = Instant::now();
    reset_peak();
    let mut outcome = TaskOutcome {
        sample: spec.sample.clone(),
        dye: spec.dye.clone(),
        status: Status::Complete,
        failure: None,
        seconds: 0.0,
        peak_rss_bytes: 0,
        stages_done: Vec::new(),
        notes: Vec::new(),
        interrupted: false,
        manifest_path: None,
        manifest: None,
    };
    match TaskSession::of(spec, observer) {
        Ok(session) => run_session(spec, session, scratch, observer, &mut outcome),
        Err(error) => fail_to_begin(spec, error, &mut outcome),
    }
    outcome.seconds = started.elapsed().as_secs_f64();
    outcome.peak_rss_bytes = outcome.peak_rss_bytes.max(process_memory().peak);
    return_memory();
    outcome
}

/// Runs a task whose folder is locked.
fn run_session(
    spec: &TaskSpec,
    session: TaskSession,
    scratch: Option<&Path>,
    observer: &mut dyn Observer,
    outcome: &mut TaskOutcome,
) {
    let TaskSession {
        paths,
        post,
        pre,
        lock,
        notes,
    } = session;
    // What another run has made in the meantime is history as well.
    let history = History::read(paths.dir());
    let raw = match RawPair::read(post, pre, &history) {
        Ok(raw) => raw,
        Err(error) => {
            drop(lock);
            return fail_to_begin(spec, error, outcome);
        }
    };
    let RawPair { post, pre, doubts } = raw;
    let task = TaskContext {
        spec,
        paths,
        canvas: Canvas::new(post.size(), pre.size(), spec.params.pad),
        um_per_px: post.record.pixel_size.map(|size| size.um),
        doubts,
        scratch,
    };
    let inputs = Inputs {
        post: post.record.clone(),
        pre: pre.record.clone(),
    };
    let earlier = history.manifest_for(&inputs, &spec.params);
    let plan = ResumePlan::of(&task, &history, Some(&inputs), &Evidence::Full);
    let needs = MemoryNeeds::of(
        spec,
        [&post, &pre].map(|raw| (raw.size(), raw.record.dtype, raw.decoding_bytes())),
    );
    let manifest = Manifest::begun(spec, inputs, task.canvas, needs.expected());
    let findings = Findings::of_pair(&manifest.inputs, earlier, &task.doubts);
    for (image, raw) in [("post", &post), ("pre", &pre)] {
        let (choice, why) = (&raw.record.channel, &raw.record.channels.why);
        tracing::info!(
            sample = spec.sample,
            dye = spec.dye,
            "channel of {image}: {choice} ({why})"
        );
    }
    let mut run = TaskRun {
        task: &task,
        history: &history,
        plan,
        results: Results::default(),
        findings,
        statistics: None,
        ledger: Ledger::new(&task, manifest, earlier),
        bench: Workbench::new(&task, (post, pre), Messages::new(observer, spec, notes)),
        _lock: lock,
    };
    outcome.end(run.run());
    run.close(outcome);
}

/// Ends a task before its first stage. An earlier record of it must not stand as if that run had been the last.
fn fail_to_begin(spec: &TaskSpec, error: PipelineError, outcome: &mut TaskOutcome) {
    if matches!(error, PipelineError::Raw(_)) {
        record_unreadable(spec, &error);
    }
    outcome.end(Err(error));
}

impl TaskOutcome {
    /// How it ended.
    fn end(&mut self, result: Result<Status, PipelineError>) {
        self.interrupted = matches!(result, Err(PipelineError::Interrupted));
        self.failure = result
            .as_ref()
            .err()
            .filter(|_| !self.interrupted)
            .map(FailureKind::of);
        self.status = result.unwrap_or_else(|error| match error {
            PipelineError::Interrupted => {
                Status::Incomplete("interrupted, the next run goes on from here".to_owned())
            }
            error => Status::Error(error.to_string()),
        });
    }
}

/// A running task.
struct TaskRun<'a> {
    task: &'a TaskContext<'a>,
    history: &'a History,
    plan: ResumePlan,
    /// What the stages have found so far.
    results: Results,
    /// What else was found of the pair and by the stages.
    findings: Findings,
    /// What was counted while aligned pre was written.
    statistics: Option<StatisticsPass>,
    ledger: Ledger<'a>,
    bench: Workbench<'a>,
    /// The last field: given up when nothing goes on beside the stages any more.
    _lock: FolderLock,
}

impl TaskRun<'_> {
    /// All stages, and what goes on beside them.
    fn run(&mut self) -> Result<Status, PipelineError> {
        let status = self.run_stages();
        // What was under way when a stage failed is worth finishing: the next run takes it over.
        let rest = match &status {
            Err(PipelineError::Interrupted) => Ok(()),
            Ok(_) | Err(_) => self.bench.wait(),
        };
        let left = self.bench.abandon();
        self.ledger.keep(left.done);
        self.ledger.unfinished(&left.unfinished);
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
        let to_stage = self.task.spec.to_stage;
        if let Some(manifest) = self.plan.finished.take() {
            for note in manifest.all_notes() {
                self.bench.messages.note_again(&note);
            }
            self.ledger.finish_as(*manifest);
            for &stage in Stage::up_to(to_stage) {
                self.bench.messages.event(&TaskEvent::StageFinished {
                    stage,
                    seconds: 0.0,
                    skipped: true,
                });
            }
            return Ok(self.plan.standing.clone().unwrap_or(Status::Complete));
        }
        self.ledger.findings(&self.findings);
        while let Some(plan) = self.plan.next_stage() {
            self.bench.messages.stop_if_asked()?;
            let stage = plan.stage;
            self.run_stage(plan)?;
            let done = self.bench.collect()?;
            self.ledger.keep(done);
            self.check_inputs()?;
            let mut done = self.ledger.stages_done().iter();
            let finished = done.any(|stage| !self.bench.is_under_way(*stage));
            if stage < to_stage && finished {
                self.ledger.write_so_far(stage)?;
            }
        }
        Ok(self.results.status(to_stage, &self.findings.doubts))
    }

    /// A stage: taken over or made, and recorded either way.
    fn run_stage(&mut self, plan: StagePlan) -> Result<(), PipelineError> {
        let StagePlan {
            stage,
            action,
            notes,
        } = plan;
        reset_peak();
        let (started, before) = (Instant::now(), process_usage());
        let messages = &mut self.bench.messages;
        messages.event(&TaskEvent::StageStarted { stage });
        notes.into_iter().for_each(|note| messages.note(note));
        let skipped = match action {
            StageAction::Reuse(reuse) => self.reuse(stage, *reuse)?,
            StageAction::Make(_) => false,
        };
        if !skipped {
            self.ledger.begin(stage);
            self.plan.remake_after(stage);
            self.findings.drop_stage(stage);
            let made = self.make(stage);
            self.findings.add(self.bench.messages.take_findings());
            self.ledger.findings(&self.findings);
            made?;
            self.write_tables(stage)?;
            self.ledger.made(stage);
        }
        let waited = if stage == self.task.spec.to_stage {
            self.bench.wait()
        } else {
            Ok(())
        };
        let seconds = started.elapsed().as_secs_f64();
        let used = process_usage().since(&before);
        self.ledger.stage(StageRecord {
            stage,
            seconds,
            cpu_seconds: used.cpu_seconds,
            read_bytes: used.read_bytes,
            written_bytes: used.written_bytes,
            peak_rss_bytes: process_memory().peak,
            skipped,
        });
        waited?;
        self.bench.messages.event(&TaskEvent::StageFinished {
            stage,
            seconds,
            skipped,
        });
        Ok(())
    }

    /// Takes over the results of a stage and sees to its pictures. `false` where the stage has to be made after all.
    fn reuse(&mut self, stage: Stage, reuse: Reuse) -> Result<bool, PipelineError> {
        let Reuse {
            results,
            findings,
            checkpoints,
            tables,
            pictures,
            restored,
        } = reuse;
        self.take_over(stage, &results, findings);
        self.ledger.checkpoints(checkpoints);
        self.ledger.tables(tables);
        let before = std::mem::replace(&mut self.results, results);
        if let Some(legacy) = self.results.legacy_aligned
            && stage == Stage::Difference
        {
            self.ledger
                .legacy_aligned(Some(difference::legacy_record(self.task, legacy)?));
        }
        for image in restored {
            self.ledger.restoring();
            restore::restore(&mut self.bench, image, &self.results)?;
        }
        self.ledger.pictures(pictures.there);
        for (picture, from) in pictures.copied {
            self.ledger.drawing();
            let record = pictures::copy(self.task, picture, &from)?;
            self.ledger.pictures(vec![record]);
        }
        let Some(first) = pictures.drawn.first() else {
            return Ok(true);
        };
        if !self.task.spec.redraw {
            let others = match pictures.drawn.len() {
                1 => String::new(),
                n => format!(" and {} more", n - 1),
            };
            self.bench.messages.note(format!(
                "the picture {}{others} of stage {stage} is missing and drawn again",
                first.stem()
            ));
        }
        self.ledger.drawing();
        let same = match stage {
            Stage::Pad => true,
            Stage::Coarse => coarse::redraw(&mut self.bench, &self.results)?,
            Stage::Fine => fine::redraw(&mut self.bench, &self.results)?,
            Stage::Difference => {
                difference::redraw(&mut self.bench, &self.results)?;
                true
            }
            Stage::Detection => {
                detection::redraw(&mut self.bench, &self.results)?;
                true
            }
        };
        if !same {
            self.results = before;
        }
        // It has found again what is on record.
        self.bench.messages.take_findings();
        Ok(same)
    }

    /// Puts what an earlier run found on record, and says its notes again.
    fn take_over(&mut self, stage: Stage, results: &Results, findings: Findings) {
        self.ledger.found(results);
        let mut notes: Vec<String> = findings.notes.iter().map(|n| n.text.clone()).collect();
        if stage == Stage::Difference {
            notes.extend(results.scales.moffat.iter().flat_map(MoffatRecord::notes));
        }
        for note in notes {
            self.bench.messages.note_again(&note);
        }
        self.findings.add(findings);
        self.ledger.findings(&self.findings);
    }

    /// Makes the results of a stage.
    fn make(&mut self, stage: Stage) -> Result<(), PipelineError> {
        match stage {
            Stage::Pad => pad::make(&mut self.bench),
            Stage::Coarse => self.make_coarse(),
            Stage::Fine => self.make_fine(),
            Stage::Difference => self.make_difference(),
            Stage::Detection => self.make_detection(),
        }
    }

    /// Writes the tables of a stage that was made.
    fn write_tables(&mut self, stage: Stage) -> Result<(), PipelineError> {
        for table in tables_of(stage, &self.task.spec.params) {
            let record = tables::write(&self.bench, table)?;
            self.ledger.tables(vec![record]);
        }
        self.bench.detected = None;
        Ok(())
    }

    fn make_coarse(&mut self) -> Result<(), PipelineError> {
        let found = coarse::find(&mut self.bench)?;
        self.results = Results {
            warps: found.warps.clone(),
            alignment: Some(found.alignment.clone()),
            pixels: found.pixels.clone(),
            ..Results::default()
        };
        self.ledger.found(&self.results);
        coarse::write(&mut self.bench, found)
    }

    fn make_fine(&mut self) -> Result<(), PipelineError> {
        self.results.warps.interior = None;
        self.results.warps.deformation = None;
        let found = fine::find(&mut self.bench, &self.results)?;
        self.results.alignment = Some(found.alignment.clone());
        self.ledger.found(&self.results);
        let mapping = fine::accept(&mut self.bench, &found)?;
        if let Some(Mapping { warp, deformation }) = mapping {
            self.results.warps.interior = Some(warp);
            self.results.warps.deformation = deformation;
            self.ledger.found(&self.results);
            if !self.task.keeps(Image::InteriorPre) {
                return Ok(());
            }
            let counts =
                self.task.spec.to_stage >= Stage::Difference && self.known_scales().is_none();
            let (checkpoints, statistics) =
                fine::write(&mut self.bench, &self.results, &found, counts)?;
            self.statistics = statistics;
            self.ledger.checkpoints(checkpoints);
        }
        Ok(())
    }

    fn make_difference(&mut self) -> Result<(), PipelineError> {
        let legacy = self.results.legacy_aligned;
        let legacy = legacy.map(|legacy| difference::legacy_record(self.task, legacy));
        self.ledger.legacy_aligned(legacy.transpose()?);
        let known = self.known_scales();
        let statistics = self.statistics.take();
        let made = difference::make(&mut self.bench, &self.results, known, statistics)?;
        self.ledger.checkpoints(made.checkpoints);
        self.results.scales = made.scales;
        self.ledger.found(&self.results);
        // The other difference images do not need the peak and have been written.
        made.no_peak.map_or(Ok(()), |error| {
            self.ledger.no_scale(&error);
            Err(error.into())
        })
    }

    fn make_detection(&mut self) -> Result<(), PipelineError> {
        if !self.task.spec.params.detect {
            return Ok(());
        }
        // What speaks against the difference speaks against what is found in it.
        let suspect = match self
            .results
            .status(Stage::Difference, &self.findings.doubts)
        {
            Status::Suspect(why) => vec![why],
            Status::Complete | Status::Error(_) | Status::Incomplete(_) => Vec::new(),
        };
        let made = detection::make(&mut self.bench, &self.results, &suspect)?;
        self.ledger.checkpoints(made.checkpoints);
        self.results.detection = Some(made.record);
        self.ledger.found(&self.results);
        Ok(())
    }

    fn known_scales(&self) -> Option<Scales> {
        let manifest = self.ledger.manifest();
        difference::known_scales(self.task, self.history, manifest, &self.results)
    }

    /// What was made so far is only worth something if the raw files are what they were.
    fn check_inputs(&mut self) -> Result<(), PipelineError> {
        let unchanged = self.bench.check_inputs();
        if matches!(unchanged, Err(PipelineError::RawChanged { .. })) {
            self.ledger.revoke();
        }
        unchanged
    }

    /// Writes the manifest a last time and hands it to the outcome.
    fn close(self, outcome: &mut TaskOutcome) {
        let Self {
            task,
            history,
            mut ledger,
            mut bench,
            _lock,
            ..
        } = self;
        let removed = ledger.remove_leftovers(&outcome.status, outcome.interrupted, history);
        if !removed.is_empty() {
            bench.messages.note(format!(
                "removed {}: left by an earlier run under names of this task, and not on its record any more",
                removed.join(", ")
            ));
        }
        outcome.stages_done = ledger.stages_done().to_vec();
        outcome.notes = bench.messages.into_notes();
        outcome.peak_rss_bytes = ledger.manifest().memory.peak_rss_bytes;
        match ledger.close(&outcome.status, outcome.interrupted) {
            Ok(manifest) => {
                outcome.manifest_path = Some(task.manifest_path());
                outcome.manifest = Some(Box::new(manifest));
            }
            Err(error) => {
                let why = error.to_string();
                // What went wrong first is what the user has to know.
                if matches!(outcome.status, Status::Error(_)) {
                    outcome.notes.push(why);
                } else {
                    outcome.status = Status::Error(why);
                }
            }
        }
    }
}
