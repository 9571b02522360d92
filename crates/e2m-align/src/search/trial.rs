//! A warp tried on tiles of the previews: what the check will say of it, before it is chosen.

use crate::check::Check;
use crate::fine::align_fine;
use crate::options::RefineOptions;
use crate::search::previews::Previews;
use crate::tiles::{Tile, TileSpec, choose_tiles};
use e2m_image::{PlaneView, Size, Warp};
use ndarray::{ArrayView2, s};

/// Tiles of a trial at most: enough to tell right from wrong, in a third of the time of the check that follows.
const FIT_TILES: usize = 40;
const CHECK_TILES: usize = 32;
/// Tiles that agree, at least.
const LEAST_AGREEING: usize = 4;
/// Share of the tiles that agree, at least.
const LEAST_AGREEMENT: f64 = 0.45;
/// A tile that is displaced by more does not speak for the warp, px of the previews.
const MOST_DISPLACED_PX: f64 = 3.0;
/// The same for a warp that needs no other method beside it.
const CLOSE_PX: f64 = 1.5;

/// What tiles of the previews say about a warp, refined on others.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Trial {
    /// The refined warp, post to pre, full-resolution raw pixels.
    pub(crate) warp: Warp,
    /// Tiles that were compared.
    pub(crate) tiles: usize,
    /// Of these, how many show the same in both images and lie where the warp has them.
    pub(crate) agreeing: usize,
    /// Of these, how many lie within a px or so of it.
    close: usize,
}

impl Trial {
    /// Whether the tiles speak for the warp.
    pub(crate) fn convinces(&self) -> bool {
        self.is_enough(self.agreeing)
    }

    /// Whether they do so closely that no better warp is to be expected.
    pub(crate) fn is_close(&self) -> bool {
        self.is_enough(self.close)
    }

    /// By how many tiles one warp is better supported than another; close ones count twice.
    pub(crate) fn support(&self) -> usize {
        self.agreeing + self.close
    }

    fn is_enough(&self, tiles: usize) -> bool {
        tiles >= LEAST_AGREEING && tiles as f64 >= LEAST_AGREEMENT * self.tiles as f64
    }

    /// Whether there are too few tiles to tell.
    pub(crate) fn is_silent(&self) -> bool {
        self.tiles < LEAST_AGREEING
    }
}

impl Previews {
    /// Refines `warp` (post to pre, full resolution) on tiles of the previews and checks it on others.
    pub(crate) fn trial(&self, warp: &Warp) -> Trial {
        self.trial_with(self.pre(), warp)
    }

    /// The same with another image in place of pre.
    pub(crate) fn trial_with(&self, pre: ArrayView2<'_, f32>, warp: &Warp) -> Trial {
        let k = 1.0 / self.factor() as f64;
        let small = warp.at_reduced_resolution(k, k);
        let size = |image: ArrayView2<'_, f32>| Size::new(image.ncols(), image.nrows());
        let (post_size, pre_size) = (size(self.post()), size(pre));
        let options = RefineOptions {
            fit_tiles: FIT_TILES,
            check_tiles: CHECK_TILES,
            ..RefineOptions::default()
        };
        let plan = choose_tiles(self.post(), 1, post_size, pre_size, &small, &options);
        let cut = |specs: Vec<TileSpec>| -> Vec<Tile> {
            specs.into_iter().map(|spec| self.tile(spec)).collect()
        };
        let (fit, check) = (cut(plan.fit), cut(plan.check));
        let pre = PlaneView::from(pre).into();
        let fine = align_fine(&fit, &check, post_size, pre, &small, &options);
        let Check {
            residuals, tiles, ..
        } = &fine.check;
        let within = |px: f64| residuals.iter().filter(|r| r.length_px() <= px).count();
        Trial {
            warp: fine.warp.at_full_resolution(k, k),
            tiles: tiles.len(),
            agreeing: within(MOST_DISPLACED_PX),
            close: within(CLOSE_PX),
        }
    }

    fn tile(&self, spec: TileSpec) -> Tile {
        let TileSpec { x, y, side_px } = spec;
        let pixels = self
            .post()
            .slice(s![y..y + side_px, x..x + side_px])
            .to_owned();
        Tile { spec, pixels }
    }
}
