//! What becomes of the pictures of a stage whose results are taken over.

use super::planner::Planner;
use super::{PicturePlan, Results};
use crate::artifact::pictures_of;
use crate::manifest::{Manifest, PictureRecord};
use crate::stage::Stage;
use crate::status::Status;

impl Planner<'_> {
    /// What becomes of the pictures of a stage whose results are taken over.
    pub(super) fn pictures(&self, stage: Stage, results: &Results) -> PicturePlan {
        let (spec, paths) = (self.task.spec, &self.task.paths);
        let mut plan = PicturePlan::default();
        let same_warps = |manifest: &&Manifest| {
            let (a, b) = (&manifest.warps, &results.warps);
            a.icp == b.icp
                && (stage < Stage::Fine
                    || a.interior == b.interior && a.deformation == b.deformation)
        };
        let own = self.own().filter(same_warps);
        let alike: Vec<&Manifest> = self
            .history
            .manifests()
            .iter()
            .filter(|manifest| {
                let same_content = |inputs| manifest.inputs.same_content(inputs);
                self.inputs.is_some_and(same_content)
                    && manifest.params.same_up_to(stage, &spec.params)
            })
            .filter(same_warps)
            .collect();
        let factor = results.alignment.as_ref().and_then(|a| a.comparison_factor);
        for picture in pictures_of(stage, &spec.params) {
            let record = picture.record(paths, &spec.params);
            let is_file = paths.dir().join(&record.path).is_file();
            // Nothing is known of an alignment of the Python program that a picture could show.
            if results.legacy_aligned.is_some() && stage < Stage::Difference {
                plan.there.extend(is_file.then_some(record));
                continue;
            }
            let is_usable = factor.is_some() || !picture.needs_factor();
            let is_known = own.is_some_and(|own| own.pictures.contains(&record));
            if spec.redraw {
                plan.drawn.push(picture);
            } else if is_known && is_file && is_usable {
                plan.there.push(record);
            } else if is_missed(&record, stage, &alike) {
                // What differs in later stages only shows the same, under another name.
                let same = |known: &&PictureRecord| {
                    (&known.kind, &known.variant) == (&record.kind, &record.variant)
                        && paths.dir().join(&known.path).is_file()
                };
                let mut drawn = alike.iter().flat_map(|manifest| &manifest.pictures);
                let may_copy = stage < Stage::LAST && is_usable;
                match drawn.find(same).filter(|_| may_copy) {
                    Some(known) => plan.copied.push((picture, known.path.clone())),
                    None => plan.drawn.push(picture),
                }
            }
        }
        plan
    }
}

/// Whether a picture that is not there is missed: a run that ended well, and whose version did not draw it, does not miss it.
fn is_missed(record: &PictureRecord, stage: Stage, alike: &[&Manifest]) -> bool {
    let knows = |manifest: &&Manifest| {
        let same = |known: &PictureRecord| {
            (&known.kind, &known.variant) == (&record.kind, &record.variant)
        };
        manifest.pictures.iter().any(same)
    };
    let is_complete = |manifest: &&Manifest| {
        matches!(manifest.status, Status::Complete | Status::Suspect(_))
            && manifest.stages.iter().any(|done| done.stage == stage)
    };
    alike.iter().any(knows) || !alike.iter().any(is_complete)
}
