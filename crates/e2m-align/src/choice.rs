//! The choice between the ways of a coarse alignment.

use crate::boundary::{BoundaryAlignment, BoundaryOptions, align_boundary};
use crate::coarse::CoarseAlignment;
use crate::error::AlignError;
use crate::options::CoarseOptions;
use crate::previews::Previews;
use crate::similarity::Similarity;
use e2m_image::Warp;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

/// A way to find the coarse alignment.
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

/// What one way came to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Candidate {
    /// The way.
    pub method: CoarseMethod,
    /// Correlation of the fine structure under its warp; `None` where it found none.
    pub detail_correlation: Option<f64>,
    /// Why it found none.
    pub failure: Option<String>,
}

/// The coarse alignment that fits the images best.
#[derive(Debug, Clone)]
pub struct CoarseChoice {
    /// The way it was found.
    pub method: CoarseMethod,
    /// The result of the first step: for the boundary, of the correlation over angles and magnifications.
    pub first: Warp,
    /// Post to pre, full resolution.
    pub warp: Warp,
    /// Likeness under `warp`.
    pub similarity: Similarity,
    /// All ways that were tried.
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

    /// Tries the ways asked for and keeps the one under whose warp the fine structure of the images is most alike,
    /// whatever each thinks of itself.
    ///
    /// # Errors
    /// Where none finds a warp; with the reason of each. A mirrored pair is an error whatever the other way found.
    pub fn align_coarsely(
        &self,
        methods: &[CoarseMethod],
        features: &CoarseOptions,
        boundary: &BoundaryOptions,
    ) -> Result<CoarseChoice, AlignError> {
        let find = |method: &CoarseMethod| match method {
            CoarseMethod::Features => self.align_by_features(features).map(Found::Features),
            CoarseMethod::Boundary => self
                .align_by_boundary(boundary)
                .map(|b| Found::Boundary(Box::new(b))),
        };
        // More than two threads are kept busy by each way alone, and side by side they would need the memory of both.
        let results: Vec<Result<Found, AlignError>> = if rayon::current_num_threads() <= 2 {
            methods.par_iter().map(find).collect()
        } else {
            methods.iter().map(find).collect()
        };
        let mut found: Vec<(Found, Similarity)> = Vec::new();
        let mut candidates = Vec::new();
        let mut failures: Vec<(CoarseMethod, AlignError)> = Vec::new();
        for (&method, result) in methods.iter().zip(results) {
            match result {
                Ok(way) => {
                    let similarity = self.similarity(&way.warp())?;
                    candidates.push(Candidate {
                        method,
                        detail_correlation: Some(similarity.detail_correlation),
                        failure: None,
                    });
                    found.push((way, similarity));
                }
                Err(error @ (AlignError::Mirrored { .. } | AlignError::Blank { .. })) => {
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
        let likeness = |found: &(Found, Similarity)| found.1.detail_correlation;
        let best = found
            .iter()
            .max_by(|a, b| likeness(a).total_cmp(&likeness(b)));
        let Some((way, similarity)) = best else {
            return Err(no_method(failures));
        };
        let (method, first, warp, similarity) =
            (way.method(), way.first(), way.warp(), *similarity);
        let (mut features, mut boundary) = (None, None);
        for (way, _) in found {
            match way {
                Found::Features(f) => features = Some(f),
                Found::Boundary(b) => boundary = Some(*b),
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

/// What a way found.
enum Found {
    Features(CoarseAlignment),
    Boundary(Box<BoundaryAlignment>),
}

impl Found {
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

/// The error of the only way tried, or of all.
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
