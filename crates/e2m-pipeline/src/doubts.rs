//! Reasons to doubt a task that are neither the alignment's nor the scale's.

use serde::{Deserialize, Serialize};
use std::fmt;

/// From this share of the section missing on, it is said.
pub(crate) const SAID_FROM_MISSING: f64 = 0.05;
/// If more than this share of the section is missing, it is doubted. Sections are compared by what is counted on them. Counts of
/// some tens scatter by 15 to 20 % by themselves; with a quarter of the section missing a count is wrong by more than that, and
/// in one direction. A frame of 4:3 that is turned by a right angle loses a quarter of itself; pairs that were placed by hand
/// and turned by some degrees lose a few percent, mostly glass.
pub(crate) const DOUBTED_FROM_MISSING: f64 = 0.25;

/// A reason to look at a task before its result is used.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Doubt {
    /// Pre covers too little of the section in post.
    LowOverlap {
        /// The share of the section that it covers.
        section: f64,
        /// The share of the canvas that both cover.
        canvas: f64,
    },
}

impl fmt::Display for Doubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LowOverlap { section, .. } => write!(
                f,
                "pre covers only {:.0} % of the section in post: the rest has no difference (04_mask, flag 2). \
                 Take pre images that show the whole section, or count on what both show",
                100.0 * section
            ),
        }
    }
}
