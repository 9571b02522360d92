//! Whether pre covers the section in post.

use crate::alignment_record::CoverageRecord;
use crate::doubts::Doubt;

/// From this share of the section missing on, it is said.
pub(crate) const SAID_FROM_MISSING: f64 = 0.05;
/// From this share of the section missing on, it is doubted. Sections are compared by what is counted on them. Counts of some
/// tens scatter by 15 to 20 % by themselves; with a fifth of the section missing a count is wrong by as much as that, and in
/// one direction. Pairs that were placed by hand and turned by some degrees lose a few percent of the frame, mostly glass.
const DOUBTED_FROM_MISSING: f64 = 0.2;

impl Doubt {
    /// That of a pair of which too much is missing.
    pub(crate) fn of_coverage(coverage: &CoverageRecord) -> Option<Self> {
        let is_low = 1.0 - coverage.section >= DOUBTED_FROM_MISSING;
        is_low.then_some(Self::LowOverlap {
            section: coverage.section,
            canvas: coverage.canvas,
        })
    }
}
