//! What all tiles say about the parts of a section: those of the check and those of the fit.
//!
//! A warp may fit most of a section while a part of it lies elsewhere: a fragment that moved, was turned, exchanged or lost. Its
//! tiles disagree together. Tiles that disagree are looked for around their place, which tells what became of the part, and
//! takes those out that only look odd (stain, a microbe) and are found at home.

use crate::check::Check;
use crate::comparison::BlurMatch;
use crate::elsewhere::{Contrast, Whereabouts, find};
use crate::frame::NormalisedFrame;
use crate::groups::Neighbours;
use crate::residual::{MEASURING, TileResidual, measure, median};
use crate::tiles::{Tile, TileSpec};
use crate::verdict::MAX_RESIDUAL_PX;
use e2m_image::{Mapping, MendedView, Size};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

/// Fewer tiles than this have no neighbourhoods.
const MIN_TILES: usize = 9;
/// Where more than this share of the tiles disagrees, it is not a part that is misplaced.
const MAX_DISAGREEING: f64 = 0.8;
/// Tiles that lie together by chance are called a part this often.
const FALSE_ALARMS: f64 = 0.005;
/// Tiles that are displaced as a neighbour is, at least: a speck of dust that lies on two or three tiles is found where another one
/// lies.
const ALIKE: usize = 4;
/// Displacements are alike that differ by no more than this share of their length, or of [`ALIKE_PX`].
const ALIKE_SHARE: f64 = 0.25;
/// See [`ALIKE_SHARE`]; px.
const ALIKE_PX: f64 = 1.5;
/// Tiles that are lost are faint where their correlation at their places is so many standard deviations above zero, in the mean over
/// neighbours: more than twice what five tiles that lie elsewhere have by chance.
const FAINT: f64 = 1.0;
/// Pre shows next to nothing where its fine structure is below this share of what it usually is beside that of post.
const BARE_SHARE: f64 = 0.2;
/// A tile would be found that shows as much fine structure in both images as this share of those that agree falls short of.
const WELL_SEEN: f64 = 0.25;
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
    /// Not found, although both images show as much there as where tiles are found.
    Other,
    /// Not found: how many standard deviations the correlation at its place is above zero.
    Lost(f64),
}

impl TileState {
    /// Whether the tile is known to lie elsewhere, not only not found.
    fn is_known(self) -> bool {
        !matches!(self, Self::Home | Self::Lost(_))
    }
}

/// All tiles under a warp.
#[derive(Debug, Clone, Default)]
pub(crate) struct Survey {
    pub(crate) tiles: Vec<Surveyed>,
    /// Parts that are misplaced: which of the tiles.
    parts: Vec<Vec<usize>>,
}

impl Survey {
    /// Of the tiles of the fit and of the check under `mapping` (post to pre, full resolution, raw pixels), where `found` has measured
    /// those of the check. A tile agrees that correlates by more than at wrong places where it should be.
    pub(crate) fn of(
        [fit, check]: [&[Tile]; 2],
        found: &Check,
        post: Size,
        pre: MendedView<'_>,
        mapping: &Mapping,
        blurs: BlurMatch,
    ) -> Self {
        let under = |tile: &Tile| {
            let (x, y) = tile.spec.centre();
            mapping.homography_over(x, y, tile.spec.side_px as f64)
        };
        let tiles: Vec<&Tile> = fit.iter().chain(check).collect();
        if tiles.len() < MIN_TILES {
            return Self::default();
        }
        let frame = NormalisedFrame::new(post);
        let of_fit = fit
            .par_iter()
            .map(|tile| measure(tile, pre, &under(tile), &frame, blurs, MEASURING));
        let mut measured: Vec<Option<TileResidual>> = of_fit.collect();
        measured.extend(check.iter().map(|tile| {
            let mut residuals = found.residuals.iter();
            residuals.find(|r| r.tile == tile.spec).copied()
        }));
        let threshold = found.null_correlation.threshold;
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
        let usual = UsualContrast::of(
            tiles
                .par_iter()
                .zip(&measured)
                .filter(|&(_, r)| agrees(r))
                .filter_map(|(tile, _)| Contrast::of(tile, pre, &under(tile), blurs))
                .collect(),
        );
        let state = |tile: &Tile, residual: &Option<TileResidual>| {
            if agrees(residual) {
                return TileState::Home;
            }
            match find(tile, pre, &under(tile), blurs) {
                Some(Whereabouts::Home(d) | Whereabouts::Away(d)) if d.0.hypot(d.1) > limit_px => {
                    TileState::Away(d)
                }
                Some(Whereabouts::Home(_) | Whereabouts::Away(_)) => TileState::Home,
                found => {
                    let contrast = Contrast::of(tile, pre, &under(tile), blurs);
                    match found {
                        _ if contrast.is_some_and(|c| usual.is_bare(c)) => TileState::Bare,
                        Some(Whereabouts::Nowhere(_))
                            if contrast.is_some_and(|c| usual.is_well_seen(c)) =>
                        {
                            TileState::Other
                        }
                        Some(Whereabouts::Nowhere(at_home)) => TileState::Lost(at_home),
                        _ => TileState::Lost(0.0),
                    }
                }
            }
        };
        let tiles: Vec<Surveyed> = tiles
            .par_iter()
            .zip(&measured)
            .map(|(tile, residual)| Surveyed {
                tile: tile.spec,
                state: state(tile, residual),
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

/// What tiles that agree show.
struct UsualContrast {
    /// Pre's fine structure over post's, in the median.
    ratio: f64,
    /// What all but [`WELL_SEEN`] of them exceed in each image.
    well_seen: Contrast,
}

impl UsualContrast {
    fn of(contrasts: Vec<Contrast>) -> Self {
        let rank = |mut values: Vec<f64>| {
            values.sort_unstable_by(f64::total_cmp);
            let rank = (values.len() as f64 * WELL_SEEN) as usize;
            values.get(rank).copied().unwrap_or(f64::INFINITY)
        };
        Self {
            ratio: median(contrasts.iter().map(Contrast::ratio).collect()),
            well_seen: Contrast {
                post: rank(contrasts.iter().map(|c| c.post).collect()),
                pre: rank(contrasts.iter().map(|c| c.pre).collect()),
            },
        }
    }

    fn is_bare(&self, contrast: Contrast) -> bool {
        contrast.ratio() < BARE_SHARE * self.ratio
    }

    fn is_well_seen(&self, contrast: Contrast) -> bool {
        contrast.post >= self.well_seen.post && contrast.pre >= self.well_seen.pre
    }
}

/// What became of a part, by those of its tiles that tell.
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
    // Four tiles of eight within a quarter of their displacement are chance in less than one of a thousand parts, however many others are
    // found nowhere.
    if alike >= ALIKE && 2 * alike >= away.len() {
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

/// Whether a lost tile is where it should be and too faint to be found alone: stain or noise is strong all over a region. Then it and
/// its odd neighbours correlate at their places in the mean, which tiles that lie elsewhere do by a root of their number less.
fn is_faint(tile: usize, tiles: &[Surveyed], odd: &[bool], near: &Neighbours) -> bool {
    if !matches!(tiles[tile].state, TileState::Lost(_)) {
        return false;
    }
    let around = near.near(tile).iter().copied().filter(|&other| odd[other]);
    let at_home = |i: usize| match tiles[i].state {
        TileState::Lost(at_home) => at_home,
        _ => 0.0,
    };
    let (sum, count) = std::iter::once(tile)
        .chain(around)
        .fold((0.0, 0.0), |(sum, count), i| {
            (sum + at_home(i), count + 1.0)
        });
    sum / count > FAINT
}

/// Groups of tiles that lie together more than chance puts them, or are displaced alike.
fn parts(tiles: &[Surveyed]) -> Vec<Vec<usize>> {
    let specs: Vec<TileSpec> = tiles.iter().map(|t| t.tile).collect();
    let near = Neighbours::of(&specs);
    let odd: Vec<bool> = tiles.iter().map(|t| t.state != TileState::Home).collect();
    let odd: Vec<bool> = (0..tiles.len())
        .map(|i| odd[i] && !is_faint(i, tiles, &odd, &near))
        .collect();
    // Tiles that are only lost belong to a part, but where noise loses many they hide it: then those that are known to lie elsewhere tell.
    let known: Vec<bool> = tiles.iter().map(|t| t.state.is_known()).collect();
    let mut parts = parts_of(&odd, tiles, &near);
    for part in parts_of(&known, tiles, &near) {
        if !parts.iter().flatten().any(|tile| part.contains(tile)) {
            parts.push(part);
        }
    }
    parts.sort_by_key(|part| std::cmp::Reverse(part.len()));
    parts
}

/// Those of the marked tiles.
fn parts_of(marked: &[bool], tiles: &[Surveyed], near: &Neighbours) -> Vec<Vec<usize>> {
    let count = marked.iter().filter(|marked| **marked).count();
    if count < ALIKE {
        return Vec::new();
    }
    // A few tiles are told better by their number, many by their links.
    let (links, size) = near.beyond_chance(count, FALSE_ALARMS);
    let displacement = |i: usize| match tiles[i].state {
        TileState::Away(d) => Some(d),
        _ => None,
    };
    let are_displaced_alike = |i: usize, j: usize| match (displacement(i), displacement(j)) {
        (Some(a), Some(b)) => are_alike(a, b),
        _ => false,
    };
    near.groups(marked)
        .into_iter()
        .filter(|group| {
            let is_alike = |&&i: &&usize| {
                group
                    .iter()
                    .any(|&j| near.are_near(i, j) && are_displaced_alike(i, j))
            };
            let beyond_chance = near.links(group) >= links || group.len() >= size;
            // What is not found although there is little to be seen may be dim, and drown in noise as its neighbours do.
            let known = group.iter().filter(|&&i| tiles[i].state.is_known());
            let is_gone = group.len() >= ALIKE && beyond_chance && 2 * known.count() > group.len();
            is_gone || group.iter().filter(is_alike).count() >= ALIKE
        })
        .collect()
}
