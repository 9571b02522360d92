//! What is to be thought of an alignment.

use crate::check::Check;
use crate::deformation::{local_deformation, local_displacement, uncertainty, whole_displacement};
use crate::residual::{TileResidual, median};
use crate::survey::{MisplacedPart, PartFate};
use serde::{Deserialize, Serialize};

/// A residual beyond this is visible in the difference image, px.
pub(crate) const MAX_RESIDUAL_PX: f64 = 1.0;
/// Less of post's signal under pre than this leaves most of the section without a background.
const MIN_OVERLAP: f64 = 0.3;
/// Where no more tiles than this share agree, hardly more than by chance (a tenth), the alignment is wrong.
const FAIL_AGREEMENT: f64 = 0.3;
/// Where not even this share agrees and those that do are displaced by more than [`LOST_PX`], chance found them.
const LOST_AGREEMENT: f64 = 0.5;
/// See [`LOST_AGREEMENT`]; px.
const LOST_PX: f64 = 3.0;
/// Fewer agreeing tiles than this share say little about the whole.
const MIN_AGREEMENT: f64 = 0.45;
/// Fewer agreeing tiles than this are chance.
const MIN_AGREEING: usize = 4;
/// Fewer tiles than this cannot tell that an alignment is wrong: where [`MIN_AGREEMENT`] of the tiles of a right one agree, none of seven
/// does in one of 66 pairs, and none of four in one of 11.
const MIN_FAILING: usize = 7;
/// A section with fewer features in common is hard to tell from another one, unless tiles tell.
const MIN_FEATURES: usize = 30;
/// So many agreeing tiles, of which a tenth each would agree by chance, say more than any features: 12 of 20 agree by chance once in
/// ten million pairs.
const CLEAR_AGREEING: usize = 12;
/// See [`CLEAR_AGREEING`]; as a share of the tiles.
const CLEAR_AGREEMENT: f64 = 0.6;
/// A warp that is known to no more than this is as good as its scatter, px.
const MAX_UNCERTAINTY_PX: f64 = 0.5;
/// Shifts that are no longer than this many of their standard errors are noise.
const NOISE_ERRORS: f64 = 3.0;
/// Neighbours of a tile that must be displaced alike for a local deformation.
pub(crate) const NEIGHBOURS: usize = 4;

/// What is to be thought of an alignment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Nothing speaks against it.
    Pass,
    /// To be looked at.
    Suspect,
    /// Wrong.
    Fail,
}

/// A verdict with its reasons.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Assessment {
    /// The verdict.
    pub verdict: Verdict,
    /// Why it is not [`Verdict::Pass`]; each a sentence with its figures.
    pub reasons: Vec<String>,
}

impl Assessment {
    /// Adds a reason for which what would pass is suspect.
    pub fn doubt(&mut self, reason: String) {
        if self.verdict == Verdict::Pass {
            self.verdict = Verdict::Suspect;
        }
        self.reasons.push(reason);
    }

    /// Makes of what tiles call wrong what is to be looked at, because so many `quarters` of post, each by itself, lie where the warp
    /// has them.
    #[cfg(feature = "opencv")]
    pub(crate) fn relent(&mut self, quarters: usize) {
        self.verdict = Verdict::Suspect;
        self.reasons.push(format!(
            "{quarters} of 4 quarters of post are found where the alignment has them, and tiles do not agree: the same section by another \
             dye, or another section with the same outline"
        ));
    }
}

/// Assesses a warp by three facts: what the tiles outside its fit say, which share of post's signal pre covers
/// ([`SignalSimilarity::overlap_fraction`](crate::SignalSimilarity)), and how many features inside the section agree on it
/// (`None` where they were not looked for).
///
/// Places in the reasons are px of a canvas with `canvas_pad` px around post; 0 for those of post itself.
pub fn assess(
    check: &Check,
    overlap_fraction: f64,
    features: Option<usize>,
    canvas_pad: usize,
) -> Assessment {
    let (agreeing, tiles) = (check.residuals.len(), check.tiles.len());
    let displaced = displacement(check);
    if is_wrong(check) {
        return Assessment {
            verdict: Verdict::Fail,
            reasons: vec![format!(
                "only {agreeing} of {tiles} tiles fit pre better than a wrong place does \
                 (median correlation {:.2}, at wrong places {:.2}): do both images show the same section?",
                check.correlation, check.null_correlation.correlation
            )],
        };
    }
    let mut reasons = Vec::new();
    if tiles == 0 {
        reasons.push("no part of the section is seen in both images at full resolution".to_owned());
    } else if agreeing < MIN_AGREEING || check.agreement() < MIN_AGREEMENT {
        reasons.push(format!(
            "only {agreeing} of {tiles} tiles show the same structure in both images"
        ));
    }
    let median_is_said = displaced > MAX_RESIDUAL_PX && !is_noise(&check.residuals, displaced);
    if median_is_said {
        reasons.push(format!(
            "median residual {displaced:.2} px is above {MAX_RESIDUAL_PX} px"
        ));
    }
    let parts = check.misplaced_parts();
    reasons.extend(parts.iter().map(|part| part_reason(part, canvas_pad)));
    reasons.extend(local_reason(check, canvas_pad, median_is_said));
    reasons.extend(uncertainty_reason(check).filter(|_| !median_is_said));
    let tiles_are_clear =
        agreeing >= CLEAR_AGREEING && check.agreement() >= CLEAR_AGREEMENT && !median_is_said;
    if let Some(features) = features.filter(|&f| f < MIN_FEATURES && !tiles_are_clear) {
        reasons.push(format!(
            "only {features} features inside the section agree, {MIN_FEATURES} or more are usual"
        ));
    }
    if overlap_fraction < MIN_OVERLAP {
        let percent = 100.0 * overlap_fraction;
        reasons.push(format!(
            "pre covers only {percent:.0} % of the section in post"
        ));
    }
    Assessment {
        verdict: if reasons.is_empty() {
            Verdict::Pass
        } else {
            Verdict::Suspect
        },
        reasons,
    }
}

/// Whether tiles call the warp wrong: too few agree, or some by chance.
pub(crate) fn is_wrong(check: &Check) -> bool {
    let lost = check.agreement() < LOST_AGREEMENT && displacement(check) > LOST_PX;
    check.tiles.len() >= MIN_FAILING && (check.agreement() <= FAIL_AGREEMENT || lost)
}

/// How far tiles that agree are displaced in the median, px; 0 where none does.
fn displacement(check: &Check) -> f64 {
    check.summary.as_ref().map_or(0.0, |s| s.median_px)
}

/// What is said of a part that is not in its place.
fn part_reason(part: &MisplacedPart, canvas_pad: usize) -> String {
    let [x, y] = part.centre.map(|v| v + canvas_pad as f64);
    let fate = match part.fate {
        PartFate::Displaced([dx, dy]) => {
            format!("is displaced by ({dx:.1}, {dy:.1}) px in aligned pre")
        }
        PartFate::Absent => "is absent from pre".to_owned(),
        PartFate::Other => {
            "is not found in pre: something else lies there, or it was turned".to_owned()
        }
    };
    let tiles = part.tiles;
    format!(
        "misplaced part: the section around canvas px ({x:.0}, {y:.0}), shown by {tiles} tiles, {fate}"
    )
}

/// Whether shifts as long as `median_px` are what noise leaves of a measurement.
fn is_noise(residuals: &[TileResidual], median_px: f64) -> bool {
    let errors = residuals.iter().map(|residual| residual.error_px);
    median_px <= NOISE_ERRORS * median(errors.collect())
}

/// What is said of residuals that are too large somewhere; `median_is_said` where that is clear already. Shifts that scatter from
/// tile to tile are no reason by themselves: the warp is the better the more tiles there are.
fn local_reason(check: &Check, canvas_pad: usize, median_is_said: bool) -> Option<String> {
    let place = |tile: &TileResidual| {
        let (x, y) = tile.tile.centre();
        let pad = canvas_pad as f64;
        format!("({:.0}, {:.0})", x + pad, y + pad)
    };
    let is_large = |local: &TileResidual| local.length_px() > MAX_RESIDUAL_PX;
    local_displacement(&check.residuals).filter(is_large)?;
    if let Some(deformed) = local_deformation(&check.residuals).filter(is_large) {
        return Some(format!(
            "local deformation: the section around canvas px {} is displaced by {:.2} px",
            place(&deformed),
            deformed.length_px()
        ));
    }
    let whole = whole_displacement(&check.residuals).filter(|_| !median_is_said)?;
    let length_px = whole.largest.length_px();
    if length_px - whole.error_px > MAX_RESIDUAL_PX {
        return Some(format!(
            "residuals grow across the whole image, to {length_px:.2} px around canvas px {}, and are no deformation",
            place(&whole.largest)
        ));
    }
    None
}

/// What is said of shifts that scatter so much, on so few tiles, that they do not tell the warp.
fn uncertainty_reason(check: &Check) -> Option<String> {
    let found = uncertainty(&check.residuals)?;
    (found.at_most_px > MAX_UNCERTAINTY_PX).then(|| {
        format!(
            "residuals scatter by {:.1} px from tile to tile, and {} tiles tell it: the warp is known to {:.1} px only",
            found.scatter_px,
            check.residuals.len(),
            found.at_most_px
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::NullCorrelation;
    use crate::residual::ResidualSummary;
    use crate::tiles::TileSpec;

    /// Overlap fractions: pre covers nearly all of post's section, and hardly any of it.
    const COVERED: f64 = 0.9;
    const APART: f64 = 0.1;

    /// `agreeing` of 20 tiles on a grid, displaced by what `shift` says of their column.
    fn check(agreeing: usize, shift: impl Fn(usize) -> f64) -> Check {
        let tiles: Vec<TileSpec> = (0..20)
            .map(|i| TileSpec {
                x: 200 * (i / 4),
                y: 200 * (i % 4),
                side_px: 192,
            })
            .collect();
        let residuals: Vec<TileResidual> = tiles[..agreeing]
            .iter()
            .map(|&tile| TileResidual {
                tile,
                dx: shift(tile.x / 200),
                dy: 0.0,
                error_px: 0.01,
                correlation: 0.95,
            })
            .collect();
        Check {
            summary: ResidualSummary::of(&residuals, tiles.len()),
            tiles,
            residuals,
            null_correlation: NullCorrelation {
                tiles: 40,
                correlation: 0.2,
                threshold: 0.5,
            },
            correlation: 0.95,
            ..Check::default()
        }
    }

    #[test]
    fn a_good_alignment_passes_and_doubts_are_named() {
        assert_eq!(
            assess(&check(20, |_| 0.05), COVERED, Some(400), 0),
            Assessment {
                verdict: Verdict::Pass,
                reasons: Vec::new()
            }
        );
        let cases = [
            (
                assess(&check(20, |_| 1.4), COVERED, Some(400), 0),
                "median residual 1.40 px",
            ),
            (
                assess(&check(8, |_| 0.1), COVERED, Some(400), 0),
                "only 8 of 20 tiles show the same structure",
            ),
            (
                assess(&check(20, |_| 0.1), APART, Some(400), 0),
                "pre covers only 10 %",
            ),
            (
                assess(&check(10, |_| 0.1), COVERED, Some(9), 0),
                "only 9 features inside the section agree",
            ),
            (
                assess(
                    &check(20, |column| if column == 4 { 2.0 } else { 0.0 }),
                    COVERED,
                    Some(400),
                    2000,
                ),
                "local deformation: the section around canvas px (2896, 2",
            ),
        ];
        for (assessment, reason) in cases {
            assert_eq!(assessment.verdict, Verdict::Suspect, "{reason}");
            assert!(
                assessment.reasons.iter().any(|r| r.starts_with(reason)),
                "{:?}",
                assessment.reasons
            );
        }
    }

    #[test]
    fn only_a_deformation_is_called_one() {
        let reasons = |check: &Check| assess(check, COVERED, Some(400), 0).reasons.join("; ");
        assert_eq!(
            reasons(&check(20, |_| 1.4)),
            "median residual 1.40 px is above 1 px"
        );
        // Off by more from column to column: a magnification.
        let wider = reasons(&check(20, |column| 0.7 * column as f64 - 1.4));
        assert!(wider.contains("no deformation"), "{wider}");
    }

    #[test]
    fn tiles_that_fit_no_better_than_chance_fail() {
        assert_eq!(
            assess(&check(9, |_| 4.0), COVERED, Some(400), 0).verdict,
            Verdict::Fail
        );
        let assessment = assess(&check(3, |_| 0.2), COVERED, Some(400), 0);
        assert_eq!(assessment.verdict, Verdict::Fail);
        assert!(assessment.reasons[0].starts_with("only 3 of 20 tiles fit pre better"));
    }

    #[test]
    fn few_tiles_cannot_tell_that_it_is_wrong() {
        let of = |tiles: usize| {
            let mut check = check(0, |_| 0.0);
            check.tiles.truncate(tiles);
            assess(&check, APART, None, 0)
        };
        for tiles in [4, 6] {
            let assessment = of(tiles);
            assert_eq!(assessment.verdict, Verdict::Suspect, "{tiles} tiles");
            assert!(
                assessment.reasons[0].starts_with(&format!("only 0 of {tiles} tiles show")),
                "{:?}",
                assessment.reasons
            );
        }
        assert_eq!(of(7).verdict, Verdict::Fail);
    }

    #[test]
    fn few_tiles_that_scatter_do_not_tell_the_warp() {
        // Of a plan of so many tiles, displaced by as much as is said in turn to either side.
        let scattered = |tiles: usize, by: f64| {
            let mut check = check(tiles, |_| 0.0);
            check.tiles.truncate(tiles);
            for (i, tile) in check.residuals.iter_mut().enumerate() {
                let angle = 2.4 * i as f64;
                (tile.dx, tile.dy) = (by * angle.cos(), by * angle.sin());
            }
            assess(&check, COVERED, Some(400), 0)
        };
        for (tiles, by) in [(20, 0.7), (6, 0.1), (4, 0.1)] {
            assert_eq!(scattered(tiles, by).verdict, Verdict::Pass, "{tiles} tiles");
        }
        for tiles in [4, 6] {
            let assessment = scattered(tiles, 0.6);
            assert_eq!(assessment.verdict, Verdict::Suspect, "{tiles} tiles");
            assert!(
                assessment.reasons[0].contains("the warp is known to"),
                "{:?}",
                assessment.reasons
            );
        }
    }

    #[test]
    fn one_tile_that_is_off_is_no_deformation() {
        let mut lone = check(20, |_| 0.0);
        lone.residuals[7].dx = 5.0;
        assert!(local_displacement(&lone.residuals).is_some_and(|l| l.length_px() < 0.1));
        assert_eq!(assess(&lone, COVERED, Some(400), 0).verdict, Verdict::Pass);
    }

    #[test]
    fn without_tiles_it_is_suspect() {
        let none = Check::default();
        assert_eq!(
            assess(&none, COVERED, Some(400), 0).verdict,
            Verdict::Suspect
        );
    }
}
