//! The decision, stage by stage.

use super::{LegacyAligned, Results, ResumePlan, Reuse, StageAction, StagePlan, follows};
use crate::alignment_record::AlignmentRecord;
use crate::artifact::{Image, images_of, pictures_of, tables_of};
use crate::context::TaskContext;
use crate::doubts::Findings;
use crate::history::{Evidence, History, Lookup, UsableCheckpoint, Wanted, relative_path};
use crate::manifest::{CheckpointRecord, Inputs, Manifest, TableRecord, Warps};
use crate::params::suffix;
use crate::stage::Stage;
use crate::status::Status;
use e2m_align::Verdict;
use e2m_io::CheckpointFormat;
use std::cell::Cell;

/// What is decided from.
pub(super) struct Planner<'a> {
    pub(super) task: &'a TaskContext<'a>,
    pub(super) history: &'a History,
    pub(super) inputs: Option<&'a Inputs>,
    pub(super) evidence: &'a Evidence,
    /// Whether it is said already that the task's folder will hold images in different formats.
    pub(super) formats_said: Cell<bool>,
}

/// What is found out about one stage.
#[derive(Default)]
struct StageSearch {
    notes: Vec<String>,
    checkpoints: Vec<CheckpointRecord>,
    /// Images to be written from the warp on record.
    restored: Vec<Image>,
}

impl Planner<'_> {
    pub(super) fn plan(&self) -> ResumePlan {
        let to_stage = self.task.spec.to_stage;
        if let Some(manifest) = self.finished() {
            let standing = if to_stage < Stage::Fine {
                manifest.judged_status(to_stage)
            } else {
                manifest.status.clone()
            };
            return ResumePlan {
                finished: Some(Box::new(manifest)),
                standing: Some(standing),
                stages: Vec::new(),
            };
        }
        let mut stages = Vec::new();
        let mut results = Results::default();
        let mut remade = None;
        let mut findings = self
            .inputs
            .map(|inputs| Findings::of_pair(inputs, self.own(), &self.task.doubts))
            .unwrap_or_default();
        for &stage in Stage::up_to(to_stage) {
            let plan = self.stage(stage, remade, &results);
            match &plan.action {
                StageAction::Reuse(reuse) => {
                    results = reuse.results.clone();
                    findings.add(reuse.findings.clone());
                }
                StageAction::Make(_) if stage.is_rested_on() => remade = remade.or(Some(stage)),
                StageAction::Make(_) => {}
            }
            stages.push(plan);
        }
        // A run that goes no further than stage 2 judges nothing: how a longer one ended is not asked.
        let idle =
            |plan: &StagePlan| matches!(&plan.action, StageAction::Reuse(reuse) if reuse.is_idle());
        let stands = to_stage < Stage::Fine && self.own().is_some() && stages.iter().all(idle);
        ResumePlan {
            finished: None,
            standing: stands.then(|| results.status(to_stage, &findings.doubts)),
            stages,
        }
    }

    /// The manifest of exactly this task.
    pub(super) fn own(&self) -> Option<&Manifest> {
        let params = &self.task.spec.params;
        self.history.manifest_for(self.inputs?, params)
    }

    /// The manifest of an earlier run that ended well, if everything that it has on record of the stages asked for is there, and
    /// in the formats asked for. Pictures that it does not know, because its version did not draw them, do not matter.
    fn finished(&self) -> Option<Manifest> {
        let spec = self.task.spec;
        let earlier = self.own()?;
        let ended = matches!(earlier.status, Status::Complete | Status::Suspect(_));
        let last = earlier.stages.last()?.stage;
        if spec.force
            || spec.redraw
            || spec.from_stage > Stage::Pad
            || !ended
            || last < spec.to_stage
            || earlier.kept != spec.checkpoints
            || spec.to_stage >= Stage::Difference && knows_no_black(earlier)
            || spec.to_stage >= Stage::Detection
                && spec.params.detect
                && earlier.detection.is_none()
        {
            return None;
        }
        let mut manifest = earlier.clone();
        for &stage in Stage::up_to(spec.to_stage) {
            let images = images_of(
                stage,
                &spec.params,
                spec.checkpoint_format,
                spec.checkpoints,
            );
            let has_field = earlier.scales.has_field();
            for (image, artifact) in images {
                if image == Image::DifferenceField && !has_field {
                    continue;
                }
                let wanted = self.wanted(image.named_by(), Some(&earlier.inputs), false);
                let found = self.lookup(image, &wanted).found;
                let Some(UsableCheckpoint::Recorded(_, records)) = found else {
                    return None;
                };
                let is_there = |format| records.iter().any(|(there, _)| *there == format);
                if !artifact.checkpoint_formats().into_iter().all(is_there) {
                    return None;
                }
                for (_, record) in records {
                    let known = manifest.checkpoints.iter_mut();
                    match known.into_iter().find(|known| known.path == record.path) {
                        Some(known) => *known = record,
                        None => manifest.checkpoints.push(record),
                    }
                }
            }
            for picture in pictures_of(stage, &spec.params) {
                let record = picture.record(&self.task.paths, &spec.params);
                let known = earlier.pictures.contains(&record);
                if known && !self.task.paths.dir().join(&record.path).is_file() {
                    return None;
                }
            }
            self.tables(stage, earlier).ok()?;
        }
        if let Some(inputs) = self.inputs {
            manifest.inputs = inputs.clone();
        }
        manifest.add_doubts(&self.task.doubts);
        Some(manifest)
    }

    fn stage(&self, stage: Stage, remade: Option<Stage>, before: &Results) -> StagePlan {
        let made = |why| StagePlan {
            stage,
            action: StageAction::Make(why),
            notes: Vec::new(),
        };
        let spec = self.task.spec;
        if spec.force {
            return made("force is set".to_owned());
        }
        if self.task.is_forced(stage) {
            return made(format!("from_stage is {}", spec.from_stage));
        }
        if let Some(earlier) = remade {
            return made(follows(earlier));
        }
        let mut search = StageSearch::default();
        let results = match stage {
            Stage::Pad => self.padded(&mut search),
            Stage::Coarse => self.coarse(&mut search),
            Stage::Fine => self.fine(before, &mut search),
            Stage::Difference => self.difference(before, &mut search),
            Stage::Detection => self.detection(before, &mut search),
        };
        let StageSearch {
            notes,
            checkpoints,
            restored,
        } = search;
        let tables = self.own().map(|own| self.tables(stage, own)).transpose();
        let both = results.and_then(|results| Ok((results, tables?.unwrap_or_default())));
        let action = match both {
            Err(why) => StageAction::Make(why),
            Ok((results, tables)) => StageAction::Reuse(Box::new(Reuse {
                pictures: self.pictures(stage, &results),
                findings: self.findings(stage),
                results,
                checkpoints,
                tables,
                restored,
            })),
        };
        StagePlan {
            stage,
            action,
            notes,
        }
    }

    /// The tables of a stage that are on record, or which of them is not there. A run whose version did not write a table does
    /// not miss it.
    fn tables(&self, stage: Stage, recorded: &Manifest) -> Result<Vec<TableRecord>, String> {
        let (paths, params) = (&self.task.paths, &self.task.spec.params);
        let mut there = Vec::new();
        for table in tables_of(stage, params) {
            let path = table.path(paths, params);
            let relative = relative_path(paths.dir(), &path);
            let mut known = recorded.tables.iter();
            let Some(record) = known.find(|record| record.path == relative) else {
                continue;
            };
            if !std::fs::metadata(&path).is_ok_and(|file| file.len() == record.bytes) {
                return Err(format!("{} is not there as it was written", table.stem()));
            }
            there.push(record.clone());
        }
        Ok(there)
    }

    /// What the run found whose results of a stage are taken over.
    fn findings(&self, stage: Stage) -> Findings {
        let Some(inputs) = self.inputs else {
            return Findings::default();
        };
        let params = &self.task.spec.params;
        let alike = self.history.manifests().iter().filter(|m| {
            m.inputs.same_content(inputs)
                && m.params.same_up_to(stage, params)
                && m.stages.iter().any(|record| record.stage == stage)
        });
        let source = self.own().into_iter().chain(alike).next();
        source.map_or_else(Findings::default, |m| Findings::of_stage(m, stage))
    }

    fn padded(&self, search: &mut StageSearch) -> Result<Results, String> {
        if !self.task.keeps(Image::PaddedPost) {
            self.keep_what_is_there(Image::PaddedPost, search);
            self.keep_what_is_there(Image::PaddedPre, search);
            return Ok(Results::default());
        }
        // Both are looked at, so that everything wrong with either is said.
        let post = self.find(Image::PaddedPost, true, search);
        let pre = self.find(Image::PaddedPre, true, search);
        post.and(pre).map(|_| Results::default())
    }

    fn coarse(&self, search: &mut StageSearch) -> Result<Results, String> {
        let params = &self.task.spec.params;
        let manifest = if let Some(manifest) = self.recorded(Image::IcpPre) {
            self.take_or_restore(Image::IcpPre, search);
            if params.save_all_intermediates && manifest.warps.coarse.is_some() {
                self.take_or_restore(Image::CoarsePre, search);
            }
            manifest
        } else {
            let manifest = match self.find(Image::IcpPre, true, search)? {
                UsableCheckpoint::Recorded(manifest, _) => manifest,
                UsableCheckpoint::Legacy(format) => return self.legacy_coarse(format, search),
            };
            if params.save_all_intermediates {
                self.find(Image::CoarsePre, false, search)?;
            }
            manifest
        };
        if manifest.warps.icp.is_none() {
            return Err(format!("{} has no warp", Image::IcpPre.stem()));
        }
        // Without a checkpoint of its own stage 3 only judges: its assessment is that of exactly this task.
        let own = self.own().filter(|own| {
            !params.interior_ecc && own.warps.icp == manifest.warps.icp && own.alignment.is_some()
        });
        let source = own.unwrap_or(manifest);
        let alignment = source.alignment.clone().map(|alignment| {
            // What that run thought of a refined warp says nothing about this one, and a failure is looked at again.
            if source.params.interior_ecc || alignment.verdict == Verdict::Fail {
                alignment.unjudged()
            } else {
                alignment
            }
        });
        Ok(Results {
            warps: Warps {
                interior: None,
                deformation: None,
                ..manifest.warps.clone()
            },
            alignment,
            pixels: manifest.pixels.clone(),
            ..Results::default()
        })
    }

    /// An image of the Python program has no warp. It will do where nothing needs one: if stage 3 is off or not asked for,
    /// or its image is there as well and not to be made anew.
    fn legacy_coarse(
        &self,
        format: CheckpointFormat,
        search: &mut StageSearch,
    ) -> Result<Results, String> {
        let spec = self.task.spec;
        let stands = |image, format| Results {
            legacy_aligned: Some(LegacyAligned { image, format }),
            ..Results::default()
        };
        if !spec.params.interior_ecc || spec.to_stage < Stage::Fine {
            return Ok(stands(Image::IcpPre, format));
        }
        if spec.from_stage != Stage::Fine
            && let Ok(UsableCheckpoint::Legacy(format)) =
                self.find(Image::InteriorPre, true, search)
        {
            return Ok(stands(Image::InteriorPre, format));
        }
        search.notes.push(
            "02_icp_aligned_pre was written without its warp, which stage 3 needs: stage 2 is done again"
                .to_owned(),
        );
        Err(format!("{} has no warp", Image::IcpPre.stem()))
    }

    fn fine(&self, before: &Results, search: &mut StageSearch) -> Result<Results, String> {
        let legacy = before.legacy_aligned.map(|legacy| legacy.image);
        if legacy == Some(Image::InteriorPre) {
            return Ok(before.clone());
        }
        if !self.task.spec.params.interior_ecc {
            let judged = before.alignment.as_ref();
            return if legacy.is_some() || judged.is_some_and(AlignmentRecord::is_judged) {
                Ok(before.clone())
            } else {
                Err("the alignment has not been judged".to_owned())
            };
        }
        if let Some(manifest) = self
            .recorded(Image::InteriorPre)
            .filter(|manifest| manifest.warps.icp == before.warps.icp)
        {
            self.take_or_restore(Image::InteriorPre, search);
            return Ok(refined(before, manifest));
        }
        match self.find(Image::InteriorPre, false, search)? {
            // Another run may have refined another coarse warp since.
            UsableCheckpoint::Recorded(manifest, _)
                if manifest.warps.interior.is_some() && manifest.warps.icp == before.warps.icp =>
            {
                Ok(refined(before, manifest))
            }
            UsableCheckpoint::Recorded(..) | UsableCheckpoint::Legacy(_) => Err(format!(
                "{} belongs to another coarse alignment",
                Image::InteriorPre.stem()
            )),
        }
    }

    fn difference(&self, before: &Results, search: &mut StageSearch) -> Result<Results, String> {
        let spec = self.task.spec;
        let legacy = before
            .legacy_aligned
            .map(|legacy| legacy.record(self.task))
            .transpose()
            .map_err(|error| error.to_string())?;
        // A run that differs in the parameters of later stages only has made the same difference.
        let same_alignment = |known: &&Manifest| {
            known.warps.mapping() == before.warps.mapping() && known.legacy_aligned == legacy
        };
        let known = self.alike(Stage::Difference).find(same_alignment);
        let has_field = known.is_none_or(|known| known.scales.has_field());
        let mut missing = None;
        let images = images_of(
            Stage::Difference,
            &spec.params,
            spec.checkpoint_format,
            spec.checkpoints,
        );
        for (image, artifact) in images {
            if image == Image::DifferenceField && !has_field {
                continue;
            }
            let found = self.find(image, false, search);
            // Of a mask either format does, as of the images of earlier stages.
            let wanted = match image {
                Image::Mask => 1,
                _ => artifact.checkpoint_formats().len(),
            };
            let why = match found {
                Ok(UsableCheckpoint::Recorded(_, records)) if records.len() >= wanted => continue,
                Ok(_) => format!("{} is there in one format only", artifact.stem),
                Err(why) => why,
            };
            missing = missing.or(Some(why));
        }
        if let Some(why) = missing {
            return Err(why);
        }
        match known {
            Some(known) if knows_no_black(known) => {
                Err("the difference on record is that of a version without black levels".to_owned())
            }
            Some(known) => Ok(Results {
                scales: known.scales.clone(),
                ..before.clone()
            }),
            None => Err("the difference on record is that of another alignment".to_owned()),
        }
    }

    fn detection(&self, before: &Results, search: &mut StageSearch) -> Result<Results, String> {
        let spec = self.task.spec;
        if !spec.params.detect {
            return Ok(before.clone());
        }
        if self.task.keeps(Image::Significance) {
            // Either format does, as of the images of earlier stages.
            self.find(Image::Significance, false, search)?;
        } else {
            self.keep_what_is_there(Image::Significance, search);
        }
        // A run that failed on a table has its microbes on record, and not all of their tables.
        let own = self.own().filter(|own| {
            own.warps.mapping() == before.warps.mapping()
                && own.scales == before.scales
                && own.stages.iter().any(|done| done.stage == Stage::Detection)
        });
        match own.and_then(|own| own.detection.clone()) {
            Some(detection) => Ok(Results {
                detection: Some(detection),
                ..before.clone()
            }),
            None => Err("the microbes on record are those of another difference".to_owned()),
        }
    }

    /// The records of runs with the same raw files and the same parameters up to a stage that have made it: that of exactly this
    /// task first.
    fn alike(&self, stage: Stage) -> impl Iterator<Item = &Manifest> {
        let params = &self.task.spec.params;
        let others = self.history.manifests().iter().filter(move |manifest| {
            self.inputs
                .is_some_and(|inputs| manifest.inputs.same_content(inputs))
                && manifest.params.same_up_to(stage, params)
                && manifest.stages.iter().any(|done| done.stage == stage)
        });
        self.own().into_iter().chain(others)
    }

    fn wanted<'w>(
        &'w self,
        stage: Stage,
        inputs: Option<&'w Inputs>,
        accept_legacy: bool,
    ) -> Wanted<'w> {
        Wanted {
            canvas: self.task.canvas.size(),
            inputs,
            params: &self.task.spec.params,
            stage,
            accept_legacy,
            evidence: self.evidence,
        }
    }

    fn lookup(&self, image: Image, wanted: &Wanted<'_>) -> Lookup<'_> {
        let suffix = suffix(&self.task.spec.params, image.named_by());
        self.history
            .checkpoint(&self.task.paths, &image.stem(), &suffix, wanted)
    }

    /// An earlier run that found the warp of an image without keeping the image, or whose image is not asked for: its record
    /// is as good as a file. That of exactly this task comes first.
    fn recorded(&self, image: Image) -> Option<&Manifest> {
        let (inputs, params) = (self.inputs?, &self.task.spec.params);
        let (stage, asked_for) = (image.stage(), self.task.keeps(image));
        let warp = |manifest: &Manifest| match image {
            Image::InteriorPre => manifest.warps.interior,
            _ => manifest.warps.icp,
        };
        let usable = |manifest: &&Manifest| {
            let kept = image.is_kept(manifest.kept, params);
            manifest.inputs.same_content(inputs)
                && manifest.params.same_up_to(stage, params)
                && manifest.canvas == self.task.canvas
                && manifest.legacy_aligned.is_none()
                && manifest.stages.iter().any(|done| done.stage == stage)
                && warp(manifest).is_some()
                && !(kept && asked_for)
        };
        let own = self.own().filter(usable);
        own.or_else(|| self.history.manifests().iter().find(usable))
    }

    /// Takes over an image whose warp is on record, if it is there; if not, and it is asked for, it is to be written.
    fn take_or_restore(&self, image: Image, search: &mut StageSearch) {
        let there = self.keep_what_is_there(image, search);
        if !there && self.task.keeps(image) {
            search.notes.push(format!(
                "{} was not kept by the earlier run and is written from the warp on record",
                image.stem()
            ));
            search.restored.push(image);
        }
    }

    /// Keeps an image on record that nobody asks for, or that is not needed, if it is there. Answers whether it is.
    fn keep_what_is_there(&self, image: Image, search: &mut StageSearch) -> bool {
        let wanted = self.wanted(image.named_by(), self.inputs, false);
        let Some(UsableCheckpoint::Recorded(_, records)) = self.lookup(image, &wanted).found else {
            return false;
        };
        let records = records.into_iter().map(|(_, record)| record);
        search.checkpoints.extend(records);
        true
    }

    /// The image of an earlier run, or why there is none to be used. What is wrong with files of its name is noted.
    fn find(
        &self,
        image: Image,
        accept_legacy: bool,
        search: &mut StageSearch,
    ) -> Result<UsableCheckpoint<'_>, String> {
        let stage = image.stage();
        let wanted = self.wanted(image.named_by(), self.inputs, accept_legacy);
        let lookup = self.lookup(image, &wanted);
        let what = if lookup.found.is_some() {
            "a file is not used"
        } else {
            "is done again"
        };
        let refused = lookup.refused.iter();
        search
            .notes
            .extend(refused.map(|reason| format!("{} {what}: {reason}", stage.label())));
        let Some(found) = lookup.found else {
            let reason = lookup.refused.into_iter().next();
            return Err(reason.unwrap_or_else(|| format!("{} is not there", image.stem())));
        };
        let formats: Vec<CheckpointFormat> = match &found {
            UsableCheckpoint::Recorded(_, records) => {
                let records = records.iter().map(|(_, record)| record.clone());
                search.checkpoints.extend(records);
                formats_of(&found)
            }
            UsableCheckpoint::Legacy(format) => vec![*format],
        };
        let asked_for = self.task.spec.checkpoint_format.list();
        let lacking = asked_for.iter().any(|format| !formats.contains(format));
        if stage < Stage::Difference && lacking && !self.formats_said.replace(true) {
            let (there, new) = (names_of(&formats), names_of(asked_for));
            search.notes.push(format!("earlier checkpoints are there as {there} and stay so, new ones are written as {new}"));
        }
        Ok(found)
    }
}

/// What stage 3 has found by the record of an earlier run.
fn refined(before: &Results, manifest: &Manifest) -> Results {
    Results {
        warps: Warps {
            interior: manifest.warps.interior,
            deformation: manifest.warps.deformation.clone(),
            ..before.warps.clone()
        },
        alignment: manifest.alignment.clone(),
        ..before.clone()
    }
}

/// Whether the scale is that of a version which took glass for light.
fn knows_no_black(manifest: &Manifest) -> bool {
    let moffat = manifest.scales.moffat.as_ref();
    moffat.is_some_and(|moffat| moffat.black.is_none())
}

fn formats_of(found: &UsableCheckpoint<'_>) -> Vec<CheckpointFormat> {
    match found {
        UsableCheckpoint::Recorded(_, records) => {
            records.iter().map(|(format, _)| *format).collect()
        }
        UsableCheckpoint::Legacy(format) => vec![*format],
    }
}

fn names_of(formats: &[CheckpointFormat]) -> String {
    let names: Vec<&str> = formats.iter().map(|format| format.extension()).collect();
    names.join(" and ")
}
