//! The bands of the gate.

use crate::workers::{COMFORTABLE_PERCENT, fits};

/// How a need compares with what there is, from good to bad.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Band {
    /// At most 80 %.
    Fine,
    /// The rule is above 80 %, the plan is not.
    PlanOnly,
    /// From 80 to 100 %: runs with a warning. Also what was forced.
    Tight,
    /// Above 100 %: nothing starts.
    Refused,
}

/// The three bands of a single need.
pub(super) fn banded(need: u64, available: u64) -> Band {
    if fits(need, available, COMFORTABLE_PERCENT) {
        Band::Fine
    } else if fits(need, available, 100) {
        Band::Tight
    } else {
        Band::Refused
    }
}

/// The gate by plan: the plan decides, and where it fits it is worth a line that the rule does not. For small images the
/// plan is the larger of the two, and a rule that fits makes up for nothing.
pub(super) fn by_plan(rule: u64, plan: u64, available: u64) -> Band {
    match (banded(plan, available), banded(rule, available)) {
        (Band::Fine, Band::Fine) => Band::Fine,
        (Band::Fine, _) => Band::PlanOnly,
        (band, _) => band,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boundaries_are_exact() {
        assert_eq!(banded(8, 10), Band::Fine);
        assert_eq!(banded(9, 10), Band::Tight);
        assert_eq!(banded(10, 10), Band::Tight);
        assert_eq!(banded(11, 10), Band::Refused);
        assert_eq!(banded(0, 0), Band::Fine);
        assert_eq!(banded(1, 0), Band::Refused);
        // 80 % of an odd number lies between two bytes; floats would not see one byte here.
        let available = u64::MAX - 2;
        let most = (u128::from(available) * 4 / 5) as u64;
        assert_eq!(banded(most, available), Band::Fine);
        assert_eq!(banded(most + 1, available), Band::Tight);
        assert_eq!(banded(available, available), Band::Tight);
        assert_eq!(banded(available + 1, available), Band::Refused);
    }

    #[test]
    fn the_table_of_the_gate_by_plan() {
        // Of 100: below 80, between, above.
        let expected = [
            // plan:  80           81          101
            [Band::Fine, Band::Tight, Band::Refused], // rule 80
            [Band::PlanOnly, Band::Tight, Band::Refused], // rule 81
            [Band::PlanOnly, Band::Tight, Band::Refused], // rule 101
        ];
        for (rule, row) in [80, 81, 101].into_iter().zip(expected) {
            for (plan, band) in [80, 81, 101].into_iter().zip(row) {
                assert_eq!(by_plan(rule, plan, 100), band, "rule {rule}, plan {plan}");
            }
        }
    }
}
