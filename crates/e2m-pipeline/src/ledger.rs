//! What a run has put on record of its task so far, and when it is written to the disk.

use crate::artifact::{ArtifactKind, all_artifacts};
use crate::background::Done;
use crate::context::TaskContext;
use crate::doubts::Findings;
use crate::error::PipelineError;
use crate::history::History;
use crate::leftovers;
use crate::manifest::{
    CheckpointRecord, LegacyRecord, Manifest, PictureRecord, StageRecord, TableRecord,
};
use crate::resume::Results;
use crate::scale_record::ScaleAssessment;
use crate::stage::Stage;
use crate::status::Status;
use e2m_scale::ScaleError;
use std::collections::BTreeSet;

/// The record of a running task.
pub(crate) struct Ledger<'a> {
    task: &'a TaskContext<'a>,
    manifest: Manifest,
    /// The manifest that an earlier run with the same raw files and parameters left.
    earlier: Option<&'a Manifest>,
    state: LedgerState,
    stages_done: Vec<Stage>,
    /// What was on record before it was revoked.
    revoked: Vec<String>,
}

/// What this run has done so far. It decides what the manifest is worth beside that of an earlier run.
#[derive(Debug, Clone, PartialEq, Eq)]
enum LedgerState {
    /// Everything was there, and the manifest is that of the earlier run.
    Finished,
    /// Results of an earlier run were taken over; nothing was made.
    Resumed,
    /// Besides, pictures were drawn.
    Drawn,
    /// These stages were begun to be made; none, where images were written from a warp on record only.
    Making {
        begun: BTreeSet<Stage>,
        /// Whether the manifest of the earlier run has been replaced.
        written: bool,
    },
    /// What was made is not vouched for any more, and the manifest has to say so.
    Revoked,
}

/// How a run has ended, as far as the record goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum RunEnding {
    /// Every stage asked for is done.
    WentThrough,
    Failed,
    Interrupted,
}

impl RunEnding {
    fn of(status: &Status, interrupted: bool) -> Self {
        match status {
            Status::Complete | Status::Suspect(_) => Self::WentThrough,
            Status::Error(_) | Status::Incomplete(_) if interrupted => Self::Interrupted,
            Status::Error(_) | Status::Incomplete(_) => Self::Failed,
        }
    }
}

impl<'a> Ledger<'a> {
    pub(crate) fn new(
        task: &'a TaskContext<'a>,
        manifest: Manifest,
        earlier: Option<&'a Manifest>,
    ) -> Self {
        Self {
            task,
            manifest,
            earlier,
            state: LedgerState::Resumed,
            stages_done: Vec::new(),
            revoked: Vec::new(),
        }
    }

    /// What is on record.
    pub(crate) fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Stages that were done, and not skipped.
    pub(crate) fn stages_done(&self) -> &[Stage] {
        &self.stages_done
    }

    /// Takes over the manifest of an earlier run as it is.
    pub(crate) fn finish_as(&mut self, manifest: Manifest) {
        self.manifest = manifest;
        self.state = LedgerState::Finished;
    }

    /// A stage begins to be made. What is on record of it goes: a file that is still there is about to be replaced.
    pub(crate) fn begin(&mut self, stage: Stage) {
        self.drop_stage(stage);
        if stage == Stage::Coarse {
            self.manifest.alignment = None;
        }
        match &mut self.state {
            LedgerState::Making { begun, .. } => {
                begun.insert(stage);
            }
            LedgerState::Finished
            | LedgerState::Resumed
            | LedgerState::Drawn
            | LedgerState::Revoked => {
                self.state = LedgerState::Making {
                    begun: BTreeSet::from([stage]),
                    written: false,
                };
            }
        }
    }

    /// Images are written that an earlier run did not keep; nothing that rests on them changes.
    pub(crate) fn restoring(&mut self) {
        match self.state {
            LedgerState::Making { .. } | LedgerState::Revoked => {}
            LedgerState::Finished | LedgerState::Resumed | LedgerState::Drawn => {
                self.state = LedgerState::Making {
                    begun: BTreeSet::new(),
                    written: false,
                };
            }
        }
    }

    /// A stage was made.
    pub(crate) fn made(&mut self, stage: Stage) {
        self.stages_done.push(stage);
    }

    /// Pictures are drawn of results that were taken over.
    pub(crate) fn drawing(&mut self) {
        if self.state == LedgerState::Resumed {
            self.state = LedgerState::Drawn;
        }
    }

    /// What the stages up to some stage have found.
    pub(crate) fn found(&mut self, results: &Results) {
        self.manifest.warps = results.warps.clone();
        let alignment = &mut self.manifest.alignment;
        // It comes with pictures that are drawn beside the stages.
        let factor = alignment.as_ref().and_then(|a| a.comparison_factor);
        alignment.clone_from(&results.alignment);
        if let Some(alignment) = alignment {
            alignment.comparison_factor = alignment.comparison_factor.or(factor);
        }
        self.manifest.pixels.clone_from(&results.pixels);
        self.manifest.scales.clone_from(&results.scales);
        self.manifest.scale = results.scales.assessment();
        self.manifest.detection.clone_from(&results.detection);
    }

    /// What else was found so far.
    pub(crate) fn findings(&mut self, findings: &Findings) {
        self.manifest.doubts.clone_from(&findings.doubts);
        self.manifest.notes.clone_from(&findings.notes);
    }

    /// There is no scale.
    pub(crate) fn no_scale(&mut self, error: &ScaleError) {
        self.manifest.scale = Some(ScaleAssessment::failed(error));
    }

    /// The image of the Python program that stands for aligned pre.
    pub(crate) fn legacy_aligned(&mut self, record: Option<LegacyRecord>) {
        self.manifest.legacy_aligned = record;
    }

    /// Adds what took place in a stage.
    pub(crate) fn stage(&mut self, record: StageRecord) {
        let peak = &mut self.manifest.memory.peak_rss_bytes;
        *peak = (*peak).max(record.peak_rss_bytes);
        self.manifest.stages.push(record);
    }

    /// Takes stages off the record of which something is missing.
    pub(crate) fn unfinished(&mut self, stages: &[Stage]) {
        self.stages_done.retain(|stage| !stages.contains(stage));
        let records = &mut self.manifest.stages;
        records.retain(|record| !stages.contains(&record.stage));
    }

    /// Adds what was made beside the stages.
    pub(crate) fn keep(&mut self, done: Vec<Done>) {
        for done in done {
            self.checkpoints(done.checkpoints);
            self.pictures(done.pictures);
            if let Some(alignment) = &mut self.manifest.alignment
                && done.comparison_factor.is_some()
            {
                alignment.comparison_factor = done.comparison_factor;
            }
        }
    }

    /// Adds images, in place of older ones of the same name.
    pub(crate) fn checkpoints(&mut self, new: Vec<CheckpointRecord>) {
        let all = &mut self.manifest.checkpoints;
        all.retain(|old| new.iter().all(|new| new.path != old.path));
        all.extend(new);
        // In the order of the stages, whichever was finished first.
        let name = |path: &str| path.rsplit('/').next().unwrap_or_default().to_owned();
        all.sort_by_cached_key(|record| (name(&record.path), record.path.clone()));
    }

    /// Adds pictures, in place of older ones of the same name.
    pub(crate) fn pictures(&mut self, new: Vec<PictureRecord>) {
        if new.is_empty() {
            return;
        }
        let order = self.paths_of(|_, kind| matches!(kind, ArtifactKind::Picture(_)));
        let all = &mut self.manifest.pictures;
        all.retain(|old| new.iter().all(|new| new.path != old.path));
        all.extend(new);
        // In the order of the stages, whichever was finished first.
        let place = |picture: &PictureRecord| order.iter().position(|path| *path == picture.path);
        all.sort_by_key(|picture| place(picture).unwrap_or(order.len()));
    }

    /// Adds tables, in place of older ones of the same name.
    pub(crate) fn tables(&mut self, new: Vec<TableRecord>) {
        let all = &mut self.manifest.tables;
        all.retain(|old| new.iter().all(|new| new.path != old.path));
        all.extend(new);
        all.sort_by(|a, b| a.path.cmp(&b.path));
    }

    /// The files below the task's folder of the artifacts that are wanted.
    fn paths_of(&self, wanted: impl Fn(Stage, ArtifactKind) -> bool) -> Vec<String> {
        let (paths, params) = (&self.task.paths, &self.task.spec.params);
        all_artifacts(params)
            .iter()
            .filter(|artifact| wanted(artifact.stage, artifact.kind))
            .flat_map(|artifact| artifact.paths_below(paths, params))
            .collect()
    }

    /// Takes what a stage makes off the record.
    fn drop_stage(&mut self, stage: Stage) {
        let paths = self.paths_of(|of, _| of == stage);
        drop_paths(&mut self.manifest, &paths);
        let mut findings = Findings {
            doubts: std::mem::take(&mut self.manifest.doubts),
            notes: std::mem::take(&mut self.manifest.notes),
        };
        findings.drop_stage(stage);
        self.findings(&findings);
    }

    /// Takes back what was made of raw files that were something else in between. What is there of it is not on record any
    /// more, and goes when the run ends.
    pub(crate) fn revoke(&mut self) {
        self.state = LedgerState::Revoked;
        self.revoked = leftovers::on_record(&self.manifest)
            .map(str::to_owned)
            .collect();
        self.manifest.checkpoints.clear();
        self.manifest.pictures.clear();
        self.manifest.tables.clear();
        self.manifest.detection = None;
        self.manifest.stages.clear();
        self.stages_done.clear();
    }

    /// Removes files under the names of this task that its record will not vouch for, once the run has ended so. Answers with
    /// their names. They are on record as well.
    pub(crate) fn remove_leftovers(
        &mut self,
        status: &Status,
        interrupted: bool,
        history: &History,
    ) -> &[String] {
        if self.state == LedgerState::Finished {
            return &[];
        }
        self.manifest.status = status.clone();
        if let Some(last) = self.last_record(RunEnding::of(status, interrupted)) {
            self.manifest.removed = leftovers::remove(self.task, &last, history, &self.revoked);
        }
        &self.manifest.removed
    }

    /// Writes the manifest while the task goes on. A run that has made nothing yet knows less than the manifest that is there.
    pub(crate) fn write_so_far(&mut self, stage: Stage) -> Result<(), PipelineError> {
        let of = self.task.spec.to_stage;
        self.manifest.status = Status::Incomplete(format!("stage {stage} of {of} is done"));
        self.write(&self.unfinished_record())?;
        if let LedgerState::Making { written, .. } = &mut self.state {
            *written = true;
        }
        Ok(())
    }

    fn write(&self, manifest: &Manifest) -> Result<(), PipelineError> {
        manifest.write(&self.task.manifest_path())
    }

    /// Writes the manifest a last time, if it says more than the one that is there, and hands it out.
    ///
    /// # Errors
    /// That of writing it.
    pub(crate) fn close(
        mut self,
        status: &Status,
        interrupted: bool,
    ) -> Result<Manifest, PipelineError> {
        if self.state == LedgerState::Finished {
            if self.earlier != Some(&self.manifest) {
                self.write(&self.manifest)?;
            }
            return Ok(self.manifest);
        }
        self.manifest.status = status.clone();
        if let Some(last) = self.last_record(RunEnding::of(status, interrupted))
            && self.earlier != Some(&last)
        {
            self.write(&last)?;
        }
        Ok(self.manifest)
    }

    /// What the disk is to say in the end; `None` where the manifest that is there says it.
    fn last_record(&self, ending: RunEnding) -> Option<Manifest> {
        let own = || Some(self.manifest.clone());
        let Some(earlier) = self.earlier else {
            return own();
        };
        match (&self.state, ending) {
            (LedgerState::Finished, _) => None,
            (LedgerState::Revoked, _) => own(),
            // A run that was stopped before it had made anything knows less than the one before.
            (LedgerState::Resumed | LedgerState::Drawn, RunEnding::Interrupted) => None,
            (LedgerState::Making { written: false, .. }, RunEnding::Interrupted)
                if self.stages_done.is_empty() =>
            {
                None
            }
            // Nothing was made that later stages rest on: what is on record of these stays, and the error is that of this run.
            (LedgerState::Resumed | LedgerState::Drawn, RunEnding::Failed) => Some(Manifest {
                status: self.manifest.status.clone(),
                removed: self.manifest.removed.clone(),
                ..self.with_own_pictures(earlier)
            }),
            // A run that went less far than the one before and made nothing that later stages rest on.
            (LedgerState::Making { begun, .. }, RunEnding::WentThrough)
                if !begun.iter().any(|stage| stage.is_rested_on()) && self.knows_more(earlier) =>
            {
                Some(Manifest {
                    status: earlier.status.clone(),
                    ..self.unfinished_record()
                })
            }
            (LedgerState::Making { .. }, RunEnding::WentThrough) => own(),
            (LedgerState::Making { .. }, _) => Some(self.unfinished_record()),
            (LedgerState::Resumed | LedgerState::Drawn, RunEnding::WentThrough) => {
                self.after_nothing_made(earlier)
            }
        }
    }

    /// What is on record of a task that is not at its end. Of stages that rest on nothing that was made in this run, it is what
    /// the earlier run put there.
    fn unfinished_record(&self) -> Manifest {
        let rests = |begun: &BTreeSet<Stage>| begun.iter().any(|stage| stage.is_rested_on());
        let earlier = match &self.state {
            LedgerState::Making { begun, .. } if !rests(begun) => self.earlier,
            LedgerState::Making { .. }
            | LedgerState::Finished
            | LedgerState::Resumed
            | LedgerState::Drawn
            | LedgerState::Revoked => None,
        };
        let Some(earlier) = earlier else {
            return self.manifest.clone();
        };
        let mut both = Ledger::new(self.task, self.with_own_pictures(earlier), None);
        Stage::ALL
            .into_iter()
            .filter(|stage| !stage.is_rested_on())
            .for_each(|stage| both.drop_stage(stage));
        both.checkpoints(self.manifest.checkpoints.clone());
        both.tables(self.manifest.tables.clone());
        Manifest {
            status: self.manifest.status.clone(),
            removed: self.manifest.removed.clone(),
            ..both.manifest
        }
    }

    /// Whether the earlier run went further than this one was to go.
    fn knows_more(&self, earlier: &Manifest) -> bool {
        let last = earlier.stages.last();
        last.is_some_and(|last| last.stage > self.task.spec.to_stage)
    }

    /// What is to be said after a run that found everything there but perhaps pictures.
    fn after_nothing_made(&self, earlier: &Manifest) -> Option<Manifest> {
        let to_stage = self.task.spec.to_stage;
        // A run that goes no further than stage 2 judges nothing: an alignment that failed stays one.
        let keeps_status = self.knows_more(earlier) || to_stage < Stage::Fine;
        match self.state {
            LedgerState::Drawn if keeps_status => Some(self.with_own_pictures(earlier)),
            LedgerState::Resumed if keeps_status => None,
            LedgerState::Resumed
                if earlier.status == self.manifest.status && earlier.kept == self.manifest.kept =>
            {
                None
            }
            _ => Some(self.manifest.clone()),
        }
    }

    /// The manifest of an earlier run with the pictures of this one.
    fn with_own_pictures(&self, earlier: &Manifest) -> Manifest {
        let mut both = Ledger::new(self.task, earlier.clone(), None);
        both.pictures(self.manifest.pictures.clone());
        let mut both = both.manifest;
        let factor = |manifest: &Manifest| manifest.alignment.as_ref()?.comparison_factor;
        if let Some(alignment) = &mut both.alignment
            && let Some(factor) = factor(&self.manifest)
        {
            alignment.comparison_factor = Some(factor);
        }
        both
    }
}

fn drop_paths(manifest: &mut Manifest, paths: &[String]) {
    manifest
        .checkpoints
        .retain(|record| !paths.contains(&record.path));
    manifest
        .pictures
        .retain(|picture| !paths.contains(&picture.path));
    manifest.tables.retain(|table| !paths.contains(&table.path));
}
