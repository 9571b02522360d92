//! The choice between the methods of a coarse alignment.

use crate::search::boundary::{BoundaryAlignment, BoundaryOptions, align_boundary};
use crate::search::coarse::CoarseAlignment;
use crate::search::error::AlignError;
use crate::search::options::CoarseOptions;
use crate::search::previews::Previews;
use crate::search::similarity::Similarity;
use e2m_image::Warp;
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
}

impl std::fmt::Display for CoarseMethod {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Boundary => "boundary",
            Self::Features => "features",
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

    /// Tries the methods asked for and keeps the one under whose warp the fine structure of the images is most alike,
    /// whatever each thinks of itself.
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
            CoarseMethod::Features => self.align_by_features(features).map(MethodResult::Features),
            CoarseMethod::Boundary => self
                .align_by_boundary(boundary)
                .map(|b| MethodResult::Boundary(Box::new(b))),
        };
        // More than two threads are kept busy by each method alone, and side by side they would need the memory of both.
        let results: Vec<Result<MethodResult, AlignError>> = if rayon::current_num_threads() <= 2 {
            methods.par_iter().map(find).collect()
        } else {
            methods.iter().map(find).collect()
        };
        let mut found: Vec<(MethodResult, Similarity)> = Vec::new();
        let mut candidates = Vec::new();
        let mut failures: Vec<(CoarseMethod, AlignError)> = Vec::new();
        for (&method, result) in methods.iter().zip(results) {
            match result {
                Ok(result) => {
                    let similarity = self.similarity(&result.warp())?;
                    candidates.push(Candidate {
                        method,
                        detail_correlation: Some(similarity.detail_correlation),
                        failure: None,
                    });
                    found.push((result, similarity));
                }
                Err(
                    error @ (AlignError::Mirrored { .. }
                    | AlignError::Blank { .. }
                    | AlignError::Clipped { .. }),
                ) => {
                    return Err(error);
                }
                Err(error) => {
                    tracing::debug!(%method, %error, "coarse alignment not found");
                    candidates.push(Candidate {
                        method,
                        detail_correlation: None,
                        failure: Some(error.to_string()),
                    });
                    failures.push((method, error));
                }
            }
        }
        let detail = |found: &(MethodResult, Similarity)| found.1.detail_correlation;
        let best = found.iter().max_by(|a, b| detail(a).total_cmp(&detail(b)));
        let Some((result, similarity)) = best else {
            return Err(no_method(failures));
        };
        let (method, first, warp, similarity) =
            (result.method(), result.first(), result.warp(), *similarity);
        let (mut features, mut boundary) = (None, None);
        for (result, _) in found {
            match result {
                MethodResult::Features(f) => features = Some(f),
                MethodResult::Boundary(b) => boundary = Some(*b),
            }
        }
        Ok(CoarseChoice {
            method,
            first,
            warp,
            similarity,
            candidates,
            features,
            boundary,
        })
    }
}

/// What a method found.
enum MethodResult {
    Features(CoarseAlignment),
    Boundary(Box<BoundaryAlignment>),
}

impl MethodResult {
    fn method(&self) -> CoarseMethod {
        match self {
            Self::Features(_) => CoarseMethod::Features,
            Self::Boundary(_) => CoarseMethod::Boundary,
        }
    }

    /// The result of the first step.
    fn first(&self) -> Warp {
        match self {
            Self::Features(f) => f.warp,
            Self::Boundary(b) => b.coarse,
        }
    }

    fn warp(&self) -> Warp {
        match self {
            Self::Features(f) => f.warp,
            Self::Boundary(b) => b.warp,
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
