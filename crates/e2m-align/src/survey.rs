//! What all tiles say about the parts of a section: those of the check and those of the fit.
//!
//! A warp may fit most of a section while a part of it lies elsewhere: a fragment that moved, was turned, exchanged or lost. Its
//! tiles disagree together. Tiles that disagree are looked for around their place, which tells what became of the part, and
//! takes those out that only look odd (stain, a microbe) and are found at home.

use crate::comparison::BlurMatch;
use crate::elsewhere::{Whereabouts, contrast_ratio, find, is_bare};
use crate::frame::NormalisedFrame;
use crate::groups::Neighbours;
use crate::residual::{MEASURING, TileResidual, measure, median};
use crate::tiles::{Tile, TileSpec};
use crate::verdict::MAX_RESIDUAL_PX;
use e2m_image::{MendedView, Size, Warp};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

/// Fewer tiles than this have no neighbourhoods.
const MIN_TILES: usize = 9;
/// Where more than this share of the tiles disagrees, it is not a part that is misplaced.
const MAX_DISAGREEING: f64 = 0.8;
/// Tiles that lie together by chance are called a part this often.
const FALSE_ALARMS: f64 = 0.005;
/// Neighbours that are displaced alike, at least: that two tiles match by chance at the same wrong place is next to impossible.
const ALIKE: usize = 2;
/// Displacements are alike that differ by no more than this share of their length, or of [`ALIKE_PX`].
const ALIKE_SHARE: f64 = 0.25;
/// See [`ALIKE_SHARE`]; px.
const ALIKE_PX: f64 = 1.5;
/// Standard error of the median of as many normal deviations as the square of what it is divided by.
const MEDIAN_ERROR: f64 = 1.2533;
/// A median that is so many of its errors above zero is none of chance.
const FAINT_ERRORS: f64 = 3.0;
/// A displacement is one beyond this many times the usual shift of tiles that agree.
const BEYOND_SCATTER: f64 = 5.0;

/// What became of a part of the section, as pre shows it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PartFate {
    /// It lies beside its place, by so many px of post.
    Displaced([f64; 2]),
    /// Nothing is seen there.
    Absent,
    /// Something else is seen there, or the same turned or changed beyond recognition.
    Other,
}

/// A part of the section that the warp does not bring to its place.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MisplacedPart {
    /// Its middle, px of raw post.
    pub centre: [f64; 2],
    /// Tiles that show it.
    pub tiles: usize,
    /// What became of it.
    pub fate: PartFate,
}

/// What was seen on one tile.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Surveyed {
    pub(crate) tile: TileSpec,
    pub(crate) state: TileState,
}

/// How a tile lies.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum TileState {
    /// Where the warp sends it.
    Home,
    /// Displaced by so many px.
    Away((f64, f64)),
    /// Not found, and pre shows nothing at its place.
    Bare,
    /// Not found: how many standard deviations the correlation at its place is above zero.
    Lost(f64),
}

/// All tiles under a warp.
#[derive(Debug, Clone, Default)]
pub(crate) struct Survey {
    pub(crate) tiles: Vec<Surveyed>,
    /// Parts that are misplaced: which of the tiles.
    parts: Vec<Vec<usize>>,
}

impl Survey {
    /// Of `tiles` under `warp` (post to pre, full resolution, raw pixels). A tile agrees that correlates by more than
    /// `threshold` where it should be.
    pub(crate) fn of(
        tiles: &[&Tile],
        post: Size,
        pre: MendedView<'_>,
        warp: &Warp,
        blurs: BlurMatch,
        threshold: f64,
    ) -> Self {
        if tiles.len() < MIN_TILES {
            return Self::default();
        }
        let frame = NormalisedFrame::new(post);
        let measured: Vec<Option<TileResidual>> = tiles
            .par_iter()
            .map(|tile| measure(tile, pre, warp, &frame, blurs, MEASURING))
            .collect();
        let agrees = |residual: &Option<TileResidual>| {
            let agreeing = residual.filter(|r| r.correlation > threshold);
            agreeing.is_some_and(|r| r.length_px() <= MAX_RESIDUAL_PX)
        };
        let disagreeing = measured.iter().filter(|&r| !agrees(r)).count();
        if disagreeing as f64 > MAX_DISAGREEING * tiles.len() as f64 {
            return Self::default();
        }
        let good = measured.iter().flatten().filter(|r| agrees(&Some(**r)));
        let usual_px = median(good.map(TileResidual::length_px).collect());
        let limit_px = MAX_RESIDUAL_PX.max(BEYOND_SCATTER * usual_px);
        let typical_ratio = {
            let home = tiles.iter().zip(&measured).filter(|&(_, r)| agrees(r));
            let some: Vec<&&Tile> = home.map(|(tile, _)| tile).take(24).collect();
            let ratios = some
                .par_iter()
                .filter_map(|tile| contrast_ratio(tile, pre, warp));
            median(ratios.collect())
        };
        let state = |tile: &Tile, residual: &Option<TileResidual>| {
            if agrees(residual) {
                return TileState::Home;
            }
            match find(tile, pre, warp, blurs) {
                Some(Whereabouts::Home(d) | Whereabouts::Away(d)) if d.0.hypot(d.1) > limit_px => {
                    TileState::Away(d)
                }
                Some(Whereabouts::Home(_) | Whereabouts::Away(_)) => TileState::Home,
                Some(Whereabouts::Nowhere(_)) | None if is_bare(tile, pre, warp, typical_ratio) => {
                    TileState::Bare
                }
                Some(Whereabouts::Nowhere(at_home)) => TileState::Lost(at_home),
                None => TileState::Lost(0.0),
            }
        };
        let tiles: Vec<Surveyed> = tiles
            .par_iter()
            .zip(&measured)
            .map(|(tile, residual)| Surveyed {
                tile: tile.spec,
                state: state(*tile, residual),
            })
            .collect();
        let parts = parts(&tiles);
        Self { tiles, parts }
    }

    /// The tiles of parts that are misplaced.
    pub(crate) fn misplaced_tiles(&self) -> Vec<TileSpec> {
        let tiles = self.parts.iter().flatten();
        tiles
            .filter_map(|&i| Some(self.tiles.get(i)?.tile))
            .collect()
    }

    /// The parts that are misplaced, the largest first.
    pub(crate) fn misplaced_parts(&self) -> Vec<MisplacedPart> {
        let part = |part: &Vec<usize>| {
            let tiles: Vec<&Surveyed> = part.iter().filter_map(|&i| self.tiles.get(i)).collect();
            let mean = |of: &dyn Fn(&Surveyed) -> f64| {
                tiles.iter().map(|t| of(t)).sum::<f64>() / tiles.len().max(1) as f64
            };
            MisplacedPart {
                centre: [mean(&|t| t.tile.centre().0), mean(&|t| t.tile.centre().1)],
                tiles: tiles.len(),
                fate: fate(&tiles),
            }
        };
        self.parts.iter().map(part).collect()
    }
}

/// What became of a part, by most of its tiles.
fn fate(tiles: &[&Surveyed]) -> PartFate {
    let away: Vec<(f64, f64)> = tiles
        .iter()
        .filter_map(|tile| match tile.state {
            TileState::Away(d) => Some(d),
            _ => None,
        })
        .collect();
    let bare = tiles.iter().filter(|t| t.state == TileState::Bare).count();
    let d = (
        median(away.iter().map(|d| d.0).collect()),
        median(away.iter().map(|d| d.1).collect()),
    );
    let alike = away.iter().filter(|other| are_alike(d, **other)).count();
    if alike >= ALIKE && 2 * alike >= away.len() && 3 * alike >= tiles.len() {
        PartFate::Displaced([d.0, d.1])
    } else if 2 * bare > tiles.len() {
        PartFate::Absent
    } else {
        PartFate::Other
    }
}

fn are_alike(a: (f64, f64), b: (f64, f64)) -> bool {
    let apart = (a.0 - b.0).hypot(a.1 - b.1);
    apart <= ALIKE_PX.max(ALIKE_SHARE * a.0.hypot(a.1))
}

/// Whether the tiles of a group are where they should be and too faint to be found one by one: stain or noise is strong all over a
/// region. At their places they correlate in the median then; elsewhere that has a standard error of 1.25 over the root of their
/// number.
fn is_faint(group: &[usize], tiles: &[Surveyed]) -> bool {
    let lost = group.iter().filter_map(|&i| match tiles[i].state {
        TileState::Lost(at_home) => Some(at_home),
        _ => None,
    });
    let lost: Vec<f64> = lost.collect();
    let error = MEDIAN_ERROR / (lost.len() as f64).sqrt();
    2 * lost.len() > group.len() && median(lost) > FAINT_ERRORS * error
}

/// Groups of tiles that lie together more than chance puts them, or are displaced alike.
fn parts(tiles: &[Surveyed]) -> Vec<Vec<usize>> {
    let specs: Vec<TileSpec> = tiles.iter().map(|t| t.tile).collect();
    let near = Neighbours::of(&specs);
    let odd: Vec<bool> = tiles.iter().map(|t| t.state != TileState::Home).collect();
    let count = odd.iter().filter(|odd| **odd).count();
    if count < ALIKE {
        return Vec::new();
    }
    let links = near.links_beyond_chance(count, FALSE_ALARMS);
    let displacement = |i: usize| match tiles[i].state {
        TileState::Away(d) => Some(d),
        _ => None,
    };
    let are_displaced_alike = |i: usize, j: usize| match (displacement(i), displacement(j)) {
        (Some(a), Some(b)) => are_alike(a, b),
        _ => false,
    };
    near.groups(&odd)
        .into_iter()
        .filter(|group| {
            let alike = |i: usize| {
                group
                    .iter()
                    .any(|&j| near.are_near(i, j) && are_displaced_alike(i, j))
            };
            near.links(group) >= links && !is_faint(group, tiles) || group.iter().any(|&i| alike(i))
        })
        .collect()
}
