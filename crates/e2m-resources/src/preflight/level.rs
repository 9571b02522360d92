//! How a need compares with a limit.

use crate::workers::{COMFORTABLE_PERCENT, fits};

/// How a need compares with what there is, from good to bad.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FitLevel {
    /// At most 80 %.
    Fine,
    /// The rule is above 80 %, the plan is not.
    PlanOnly,
    /// From 80 to 100 %: runs with a warning. Also what was forced.
    Tight,
    /// Above 100 %: nothing starts.
    Refused,
}

/// The level of a single need: never [`FitLevel::PlanOnly`].
pub(super) fn level_of(need: u64, available: u64) -> FitLevel {
    if fits(need, available, COMFORTABLE_PERCENT) {
        FitLevel::Fine
    } else if fits(need, available, 100) {
        FitLevel::Tight
    } else {
        FitLevel::Refused
    }
}

/// The level by plan and rule: the plan decides. Where only the plan fits, there is a message. For small images the plan is the
/// larger of the two, and a rule that fits does not help.
pub(super) fn level_by_plan(rule: u64, plan: u64, available: u64) -> FitLevel {
    match (level_of(plan, available), level_of(rule, available)) {
        (FitLevel::Fine, FitLevel::Fine) => FitLevel::Fine,
        (FitLevel::Fine, _) => FitLevel::PlanOnly,
        (level, _) => level,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boundaries_are_exact() {
        assert_eq!(level_of(8, 10), FitLevel::Fine);
        assert_eq!(level_of(9, 10), FitLevel::Tight);
        assert_eq!(level_of(10, 10), FitLevel::Tight);
        assert_eq!(level_of(11, 10), FitLevel::Refused);
        assert_eq!(level_of(0, 0), FitLevel::Fine);
        assert_eq!(level_of(1, 0), FitLevel::Refused);
        // 80 % of an odd number lies between two bytes; floats would not see one byte here.
        let available = u64::MAX - 2;
        let most = (u128::from(available) * 4 / 5) as u64;
        assert_eq!(level_of(most, available), FitLevel::Fine);
        assert_eq!(level_of(most + 1, available), FitLevel::Tight);
        assert_eq!(level_of(available, available), FitLevel::Tight);
        assert_eq!(level_of(available + 1, available), FitLevel::Refused);
    }

    #[test]
    fn the_table_by_plan() {
        // Of 100: below 80, between, above.
        let expected = [
            // plan:  80           81          101
            [FitLevel::Fine, FitLevel::Tight, FitLevel::Refused], // rule 80
            [FitLevel::PlanOnly, FitLevel::Tight, FitLevel::Refused], // rule 81
            [FitLevel::PlanOnly, FitLevel::Tight, FitLevel::Refused], // rule 101
        ];
        for (rule, row) in [80, 81, 101].into_iter().zip(expected) {
            for (plan, level) in [80, 81, 101].into_iter().zip(row) {
                assert_eq!(
                    level_by_plan(rule, plan, 100),
                    level,
                    "rule {rule}, plan {plan}"
                );
            }
        }
    }
}
