//! The choice between the methods of a coarse alignment.

use crate::search::boundary::{BoundaryAlignment, BoundaryOptions, align_boundary};
use crate::search::coarse::CoarseAlignment;
use crate::search::correlation::CorrelationAlignment;
use crate::search::error::AlignError;
use crate::search::options::CoarseOptions;
use crate::search::previews::Previews;
use crate::search::similarity::Similarity;
use crate::search::trial::Trial;
use e2m_image::{Size, Warp};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

/// A method of coarse alignment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CoarseMethod {
    /// The section's outer boundary.
    Boundary,
    /// Features.
    Features,
    /// Correlation of the fine structure over shifts and rotations. Takes the longest, so that it is only tried where no other
    /// method finds a warp that tiles agree with.
    Correlation,
}

/// Warps of two methods are the same if they lie no farther apart than this in the mean, px of the previews.
const SAME_PX: f64 = 5.0;

impl std::fmt::Display for CoarseMethod {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Boundary => "boundary",
            Self::Features => "features",
            Self::Correlation => "correlation",
        })
    }
}

/// What one method came to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Candidate {
    /// The method.
    pub method: CoarseMethod,
    /// Correlation of the fine structure under its warp; `None` where it found none.
    pub detail_correlation: Option<f64>,
    /// Why it found none.
    pub failure: Option<String>,
}

/// The coarse alignment that fits the images best.
#[derive(Debug, Clone)]
pub struct CoarseChoice {
    /// The method that found it.
    pub method: CoarseMethod,
    /// The result of the first step: for the boundary, of the correlation over angles and magnifications.
    pub first: Warp,
    /// Post to pre, full resolution.
    pub warp: Warp,
    /// Similarity of the images under `warp`.
    pub similarity: Similarity,
    /// All methods that were tried.
    pub candidates: Vec<Candidate>,
    /// What features found, if they were tried with success.
    pub features: Option<CoarseAlignment>,
    /// What the boundary found, if it was tried with success.
    pub boundary: Option<BoundaryAlignment>,
    /// What the correlation found, if it was tried with success.
    pub correlation: Option<CorrelationAlignment>,
}

impl Previews {
    /// Finds the warp between the two by the outline of the section, see [`align_boundary`].
    ///
    /// # Errors
    /// Where a section has no outline within its frame.
    pub fn align_by_boundary(
        &self,
        options: &BoundaryOptions,
    ) -> Result<BoundaryAlignment, AlignError> {
        align_boundary(self.post(), self.pre(), self.factor(), options)
    }

    /// Tries the methods asked for and keeps the best warp. Where features leave no doubt, that is the one under which the fine
    /// structure of the images is most alike. Otherwise each is refined and checked on tiles of the previews, and the one is
    /// kept that most tiles agree with; the correlation is tried where no other method finds one that tiles agree with.
    ///
    /// # Errors
    /// Where none finds a warp; with the reason of each. A mirrored pair is an error whatever the other method found.
    pub fn align_coarsely(
        &self,
        methods: &[CoarseMethod],
        features: &CoarseOptions,
        boundary: &BoundaryOptions,
    ) -> Result<CoarseChoice, AlignError> {
        let find = |method: &CoarseMethod| match method {
            CoarseMethod::Boundary => self
                .align_by_boundary(boundary)
                .map(|b| MethodResult::Boundary(Box::new(b))),
            _ => self.align_by_features(features).map(MethodResult::Features),
        };
        let first: Vec<CoarseMethod> = methods
            .iter()
            .copied()
            .filter(|method| *method != CoarseMethod::Correlation)
            .collect();
        // More than two threads are kept busy by each method alone, and side by side they would need the memory of both.
        let results: Vec<Result<MethodResult, AlignError>> = if rayon::current_num_threads() <= 2 {
            first.par_iter().map(find).collect()
        } else {
            first.iter().map(find).collect()
        };
        let mut outcome = Outcome::default();
        for (&method, result) in first.iter().zip(results) {
            outcome.take(self, method, result)?;
        }
        if !outcome.is_beyond_doubt(self) {
            outcome.try_on_tiles(self);
            if methods.contains(&CoarseMethod::Correlation) && !outcome.is_settled() {
                let result = self.try_correlation();
                outcome.take(self, CoarseMethod::Correlation, result)?;
            }
        }
        outcome.choose()
    }

    /// The warp of the correlation that most tiles agree with; where they do not, the most likely one if the correlation is
    /// certain of it, if the quarters of post agree on it, or if there are too few tiles to tell and no other comes close.
    fn try_correlation(&self) -> Result<MethodResult, AlignError> {
        let found = self.align_by_correlation()?;
        let mut best: Option<(Trial, CorrelationAlignment)> = None;
        for candidate in found {
            let trial = self.trial(&candidate.warp);
            tracing::debug!(?candidate, ?trial, "tried on tiles");
            let rank = |trial: &Trial, found: &CorrelationAlignment| {
                (trial.convinces(), found.is_certain(), trial.support())
            };
            let is_better = best
                .as_ref()
                .is_none_or(|(other, found)| rank(&trial, &candidate) > rank(other, found));
            if is_better {
                best = Some((trial, candidate));
            }
            if trial.is_close() && candidate.is_clear() {
                break;
            }
        }
        let is_enough = |trial: &Trial, found: &CorrelationAlignment| {
            trial.convinces()
                || found.is_certain()
                || (trial.is_silent() && found.is_clear())
                || self
                    .agreement_of_parts(&found.warp)
                    .is_ok_and(|parts| parts.is_beyond_chance())
        };
        match best {
            Some((trial, found)) if is_enough(&trial, &found) => {
                Ok(MethodResult::Correlation(found, trial))
            }
            best => {
                let (agreeing, tiles) = best.map_or((0, 0), |(t, _)| (t.agreeing, t.tiles));
                Err(AlignError::Implausible {
                    reason: format!("only {agreeing} of {tiles} tiles agree with it"),
                })
            }
        }
    }

    /// How far apart two warps put a pixel of post in the mean, px of the previews.
    pub(crate) fn distance_px(&self, a: &Warp, b: &Warp) -> f64 {
        let (height, width) = self.post().dim();
        let size = Size::new(width * self.factor(), height * self.factor());
        a.mean_distance(b, size) / self.factor() as f64
    }
}

/// What the methods came to so far.
#[derive(Default)]
struct Outcome {
    found: Vec<Found>,
    candidates: Vec<Candidate>,
    failures: Vec<(CoarseMethod, AlignError)>,
}

/// A warp with what is known about it.
struct Found {
    result: MethodResult,
    similarity: Similarity,
    trial: Option<Trial>,
}

impl Found {
    /// What tiles say for it; nothing unless they are enough.
    fn support(&self) -> usize {
        let trial = self.trial.filter(Trial::convinces);
        trial.map_or(0, |trial| trial.support())
    }
}

impl Outcome {
    fn take(
        &mut self,
        previews: &Previews,
        method: CoarseMethod,
        result: Result<MethodResult, AlignError>,
    ) -> Result<(), AlignError> {
        match result {
            Ok(result) => {
                let similarity = previews.similarity(&result.warp())?;
                self.candidates.push(Candidate {
                    method,
                    detail_correlation: Some(similarity.detail_correlation),
                    failure: None,
                });
                let trial = match result {
                    MethodResult::Correlation(_, trial) => Some(trial),
                    _ => None,
                };
                self.found.push(Found {
                    result,
                    similarity,
                    trial,
                });
            }
            Err(
                error @ (AlignError::Mirrored { .. }
                | AlignError::Blank { .. }
                | AlignError::Clipped { .. }),
            ) => return Err(error),
            Err(error) => {
                tracing::debug!(%method, %error, "coarse alignment not found");
                self.candidates.push(Candidate {
                    method,
                    detail_correlation: None,
                    failure: Some(error.to_string()),
                });
                self.failures.push((method, error));
            }
        }
        Ok(())
    }

    /// Whether many features agree, and no other method has found anything else.
    fn is_beyond_doubt(&self, previews: &Previews) -> bool {
        let clear = self.found.iter().find_map(|found| match &found.result {
            MethodResult::Features(features) if features.is_clear() => Some(features.warp),
            _ => None,
        });
        clear.is_some_and(|warp| {
            let mut others = self.found.iter().map(|found| found.result.warp());
            others.all(|other| previews.distance_px(&warp, &other) <= SAME_PX)
        })
    }

    fn try_on_tiles(&mut self, previews: &Previews) {
        for found in &mut self.found {
            let trial = previews.trial(&found.result.warp());
            tracing::debug!(method = %found.result.method(), ?trial, "tried on tiles");
            found.trial = Some(trial);
        }
    }

    /// Whether tiles agree closely with one of them.
    fn is_settled(&self) -> bool {
        let mut trials = self.found.iter().filter_map(|found| found.trial);
        trials.any(|trial| trial.is_close())
    }

    fn choose(self) -> Result<CoarseChoice, AlignError> {
        let detail = |found: &Found| found.similarity.detail_correlation;
        let best = self.found.iter().max_by(|a, b| {
            let support = a.support().cmp(&b.support());
            support.then(detail(a).total_cmp(&detail(b)))
        });
        let Some(Found {
            result, similarity, ..
        }) = best
        else {
            return Err(no_method(self.failures));
        };
        let mut choice = CoarseChoice {
            method: result.method(),
            first: result.first(),
            warp: result.warp(),
            similarity: *similarity,
            candidates: self.candidates,
            features: None,
            boundary: None,
            correlation: None,
        };
        for found in self.found {
            match found.result {
                MethodResult::Features(f) => choice.features = Some(f),
                MethodResult::Boundary(b) => choice.boundary = Some(*b),
                MethodResult::Correlation(c, _) => choice.correlation = Some(c),
            }
        }
        Ok(choice)
    }
}

/// What a method found.
enum MethodResult {
    Features(CoarseAlignment),
    Boundary(Box<BoundaryAlignment>),
    Correlation(CorrelationAlignment, Trial),
}

impl MethodResult {
    fn method(&self) -> CoarseMethod {
        match self {
            Self::Features(_) => CoarseMethod::Features,
            Self::Boundary(_) => CoarseMethod::Boundary,
            Self::Correlation(..) => CoarseMethod::Correlation,
        }
    }

    /// The result of the first step.
    fn first(&self) -> Warp {
        match self {
            Self::Features(f) => f.warp,
            Self::Boundary(b) => b.coarse,
            Self::Correlation(c, _) => c.warp,
        }
    }

    fn warp(&self) -> Warp {
        match self {
            Self::Features(f) => f.warp,
            Self::Boundary(b) => b.warp,
            Self::Correlation(_, trial) if trial.convinces() => trial.warp,
            Self::Correlation(c, _) => c.warp,
        }
    }
}

/// The error of the only method tried, or of all.
fn no_method(mut failures: Vec<(CoarseMethod, AlignError)>) -> AlignError {
    if failures.len() == 1
        && let Some((_, error)) = failures.pop()
    {
        return error;
    }
    let reasons: Vec<String> = failures
        .iter()
        .map(|(method, error)| format!("{method}: {error}"))
        .collect();
    AlignError::NoMethod {
        reasons: reasons.join("; "),
    }
}
