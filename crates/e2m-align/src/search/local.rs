//! The local correction as a step of an [`Aligner`]: its tiles are read only where the check asks for one.

use crate::check::{Check, check_mapping};
use crate::comparison::BlurMatch;
use crate::fine::FineAlignment;
use crate::local::{
    LocalOutcome, LocalPair, choose_local_tiles, correct_locally, needs_local_correction,
};
use crate::search::aligner::{AlignObserver, AlignStep, Aligner, mend, read};
use crate::search::error::AlignError;
use crate::search::previews::Previews;
use crate::survey::Survey;
use crate::tiles::{Tile, TileCollector};
use e2m_image::{BandSource, Mapping, MendedView, PlaneView};

impl Aligner {
    /// `mapping` as it is (post to pre, full-resolution raw pixels), checked on tiles of post and not refined.
    ///
    /// # Errors
    /// Where post cannot be read, and where the observer stops it.
    pub fn check(
        &self,
        previews: &Previews,
        mapping: &Mapping,
        post: &mut dyn BandSource,
        pre: PlaneView<'_>,
        observer: &mut dyn AlignObserver,
    ) -> Result<Check, AlignError> {
        let [_, tiles] = self.read_tiles(previews, &mapping.warp, post, observer)?;
        let pre = match previews.sensor() {
            Some([_, findings]) => MendedView::new(pre.view(), &findings.defects),
            None => pre.view().into(),
        };
        Ok(check_mapping(&tiles, self.post, pre, mapping, 0.0))
    }

    /// Looks for a displacement on top of the warp of `fine`, if its check shows one, on tiles from another pass over post; puts
    /// what comes of it into `fine`.
    pub(super) fn correct_locally(
        &self,
        previews: &Previews,
        fine: &mut FineAlignment,
        [fit, check]: [&[Tile]; 2],
        post: &mut dyn BandSource,
        pre: MendedView<'_>,
        observer: &mut dyn AlignObserver,
    ) -> Result<(), AlignError> {
        if !needs_local_correction(&fine.check) {
            fine.local = Some(LocalOutcome::NotNeeded);
            return Ok(());
        }
        let specs = choose_local_tiles(
            previews.post(),
            previews.factor(),
            self.post,
            self.pre,
            &fine.warp,
            &fine.check.tiles,
        );
        let mut collector = TileCollector::new(self.post, specs);
        read(
            post,
            &mut [&mut collector],
            AlignStep::ReadLocalTiles,
            observer,
        )?;
        let mut tiles = collector.into_tiles();
        mend(previews, tiles.iter_mut());
        observer.on_step(AlignStep::CorrectLocally);
        let pair = LocalPair {
            post: self.post,
            pre,
            warp: fine.warp,
            defocus_px: fine.refinement.defocus_px,
        };
        let (outcome, under_it) = correct_locally(&pair, &tiles, check, &fine.check);
        if let LocalOutcome::NotKept(reason) = &outcome {
            observer.on_not_kept(AlignStep::CorrectLocally, reason);
        }
        fine.local = Some(outcome);
        if let (Some(mut under_it), true) = (under_it, fine.correction().is_some()) {
            let blurs = BlurMatch::of_defocus(fine.refinement.defocus_px);
            let mapping = fine.mapping();
            under_it.survey = Survey::of([fit, check], &under_it, self.post, pre, &mapping, blurs);
            fine.check = under_it;
        }
        Ok(())
    }
}
