//! Whether pre covers the section in post.

use crate::alignment_record::CoverageRecord;
use crate::doubts::Doubt;

/// From this share of the section missing on, it is said.
pub(crate) const SAID_FROM_MISSING: f64 = 0.05;
/// If more than this share of the section is missing, it is doubted. Sections are compared by what is counted on them. Counts of
/// some tens scatter by 15 to 20 % by themselves; with a quarter of the section missing a count is wrong by more than that, and
/// in one direction. A frame of 4:3 that is turned by a right angle loses a quarter of itself; pairs that were placed by hand
/// and turned by some degrees lose a few percent, mostly glass.
const DOUBTED_FROM_MISSING: f64 = 0.25;

impl Doubt {
    /// That of a pair of which too much is missing.
    pub(crate) fn of_coverage(coverage: &CoverageRecord) -> Option<Self> {
        let is_low = 1.0 - coverage.section > DOUBTED_FROM_MISSING;
        is_low.then_some(Self::LowOverlap {
            section: coverage.section,
            canvas: coverage.canvas,
        })
    }
}
