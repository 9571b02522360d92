//! What would help, with the numbers of this machine and this batch.

use super::level::{FitLevel, level_of};
use super::needs::{Alternatives, Need, Quantity};
use super::{MemoryBasis, PreflightPolicy};
use crate::workers::{COMFORTABLE_PERCENT, fits, largest};
use crate::{Disk, LimitSource, MemoryLimit};

/// Something that makes a batch fit. Displays as what to set or do.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Remedy {
    /// Run fewer tasks at once.
    FewerWorkers {
        /// How many fit.
        fit: usize,
        /// What these need together, bytes.
        needs: u64,
    },
    /// Leave less room around the images.
    SmallerPad {
        /// The largest that fits, px.
        pad: usize,
        /// What is needed with it, bytes.
        needs: u64,
    },
    /// Write less.
    OtherFormat {
        /// As in the batch file.
        setting: String,
        /// How much less, bytes.
        saves_bytes: u64,
        /// Whether that is enough by itself.
        fits: bool,
    },
    /// Have other programs give memory back.
    CloseOtherPrograms {
        /// How much, bytes.
        bytes: u64,
    },
    /// Delete or move files.
    FreeDisk {
        /// What is missing, bytes: all that is to be written less what is free.
        missing: u64,
        /// How much more has to be free so that some of the disk stays free, bytes.
        comfortable: u64,
    },
    /// Compare the planned peak with the memory instead of the rule.
    GateByPlan {
        /// The planned peak, bytes.
        plan_bytes: u64,
    },
    /// Raise the limit, or go where there is more.
    LargerMachine {
        /// What the limit would have to be, bytes, if as much as now is used by others.
        bytes: u64,
        /// Where the limit comes from.
        source: LimitSource,
    },
    /// Run all the same.
    ForceRun,
}

/// Numbers of workers that are tried at most to find one that fits.
const MOST_LOOKED_AT: usize = 32;

/// Pads are offered in steps of this many px.
const PAD_STEP: usize = 50;

/// A batch whose remedies are looked for.
pub(super) struct Case<'a> {
    pub(super) needs: &'a [Need],
    pub(super) workers: usize,
    pub(super) policy: PreflightPolicy,
    pub(super) alternatives: &'a dyn Alternatives,
}

impl Case<'_> {
    /// Remedies for memory. `sum` is what does not fit, counted in `quantity`.
    pub(super) fn memory_remedies(
        &self,
        level: FitLevel,
        quantity: Quantity,
        sum: u64,
        plan: u64,
        limit: &MemoryLimit,
    ) -> Vec<Remedy> {
        let available = limit.available_bytes;
        let mut remedies = Vec::new();
        let targets = targets(level);
        let by_plan_fits =
            self.policy.basis == MemoryBasis::Rule && level_of(plan, available) == FitLevel::Fine;
        if by_plan_fits && !targets.is_empty() {
            remedies.push(Remedy::GateByPlan { plan_bytes: plan });
        }
        let first = |find: &dyn Fn(u64) -> Option<Remedy>| targets.iter().find_map(|t| find(*t));
        remedies.extend(first(&|percent| {
            self.fewer_workers(quantity, available, percent)
        }));
        remedies.extend(first(&|percent| {
            self.smaller_pad(quantity, available, percent)
        }));
        remedies.extend(more_memory(sum, limit, &targets));
        remedies.extend(self.force(level));
        remedies
    }

    /// Remedies for the disk.
    pub(super) fn disk_remedies(&self, level: FitLevel, sum: u64, disk: &Disk) -> Vec<Remedy> {
        let free = disk.free_bytes;
        let targets = targets(level);
        let Some(&comfortable) = targets.first() else {
            return Vec::new();
        };
        let mut remedies = vec![Remedy::FreeDisk {
            missing: sum.saturating_sub(free),
            comfortable: wanted(sum, comfortable).saturating_sub(free),
        }];
        remedies.extend(self.other_formats(sum, free, &targets));
        remedies.extend(
            targets
                .iter()
                .find_map(|percent| self.smaller_pad(Quantity::Disk, free, *percent)),
        );
        remedies.extend(self.force(level));
        remedies
    }

    fn force(&self, level: FitLevel) -> Option<Remedy> {
        (level == FitLevel::Refused && !self.policy.force).then_some(Remedy::ForceRun)
    }

    fn fewer_workers(&self, quantity: Quantity, available: u64, percent: u64) -> Option<Remedy> {
        // As they are now they need no more than they would with more threads each: an upper bound, quickly found.
        let sizes: Vec<u64> = self.needs.iter().map(|need| quantity.of(need)).collect();
        let mut together = 0u64;
        let fitting = largest(&sizes, self.workers - 1)
            .into_iter()
            .take_while(|size| {
                together = together.saturating_add(*size);
                fits(together, available, percent)
            })
            .count();
        let looked_at = (1..=fitting).rev().take(MOST_LOOKED_AT);
        looked_at
            .map(|fit| (fit, self.needed_by(quantity, fit)))
            .find(|(_, needs)| fits(*needs, available, percent))
            .map(|(fit, needs)| Remedy::FewerWorkers { fit, needs })
    }

    /// What the largest tasks need together with so many workers.
    fn needed_by(&self, quantity: Quantity, workers: usize) -> u64 {
        let tasks = self.needs.iter().enumerate();
        let sizes: Vec<u64> = tasks
            .map(|(task, need)| {
                let other = self.alternatives.with_workers(task, workers);
                quantity.of(other.as_ref().unwrap_or(need))
            })
            .collect();
        let together = largest(&sizes, workers);
        together.into_iter().fold(0, u64::saturating_add)
    }

    fn smaller_pad(&self, quantity: Quantity, available: u64, percent: u64) -> Option<Remedy> {
        let pads: Vec<usize> = (0..self.needs.len())
            .map(|task| self.alternatives.pad(task))
            .collect();
        let needed = |pad: usize| -> u64 {
            let sizes: Vec<u64> = self
                .needs
                .iter()
                .zip(&pads)
                .enumerate()
                .map(|(task, (need, own))| {
                    let smaller = || self.alternatives.with_pad(task, pad);
                    let other = (*own > pad).then(smaller).flatten();
                    quantity.of(other.as_ref().unwrap_or(need))
                })
                .collect();
            let count = match quantity {
                Quantity::Disk => sizes.len(),
                Quantity::Rule | Quantity::Plan => self.workers,
            };
            let together = largest(&sizes, count);
            together.into_iter().fold(0, u64::saturating_add)
        };
        let fitting = |step: usize| {
            let needs = needed(step * PAD_STEP);
            fits(needs, available, percent).then_some(needs)
        };
        // The largest step whose pad is below what somebody has.
        let most = pads.iter().max()?.checked_sub(1)? / PAD_STEP;
        let mut best = (0, fitting(0)?);
        let mut above = most + 1;
        while above - best.0 > 1 {
            let middle = best.0 + (above - best.0) / 2;
            match fitting(middle) {
                Some(needs) => best = (middle, needs),
                None => above = middle,
            }
        }
        Some(Remedy::SmallerPad {
            pad: best.0 * PAD_STEP,
            needs: best.1,
        })
    }

    /// Those that save anything, the largest saving first.
    fn other_formats(&self, sum: u64, free: u64, targets: &[u64]) -> Vec<Remedy> {
        let last = targets.last().copied().unwrap_or(100);
        let mut formats = self.alternatives.other_formats();
        formats.retain(|(_, bytes)| *bytes < sum);
        formats.sort_by_key(|(_, bytes)| *bytes);
        let remedies = formats
            .into_iter()
            .map(|(setting, bytes)| Remedy::OtherFormat {
                setting,
                saves_bytes: sum - bytes,
                fits: fits(bytes, free, last),
            });
        remedies.collect()
    }
}

/// The parts of what is available to aim at, percent, the best first: what was tight should become comfortable, what was
/// refused should at least run.
fn targets(level: FitLevel) -> Vec<u64> {
    match level {
        FitLevel::Fine | FitLevel::PlanOnly => Vec::new(),
        FitLevel::Tight => vec![COMFORTABLE_PERCENT],
        FitLevel::Refused => vec![COMFORTABLE_PERCENT, 100],
    }
}

/// What has to be available for `need` to be `percent` of it.
fn wanted(need: u64, percent: u64) -> u64 {
    let wanted = (u128::from(need) * 100).div_ceil(u128::from(percent));
    u64::try_from(wanted).unwrap_or(u64::MAX)
}

/// Where memory is short because others hold it, they can give it back; else the limit is too low.
fn more_memory(need: u64, limit: &MemoryLimit, targets: &[u64]) -> Option<Remedy> {
    let missing = |percent: u64| wanted(need, percent).saturating_sub(limit.available_bytes);
    let comfortable = *targets.first()?;
    if limit.source == LimitSource::Physical {
        let mut possible = targets.iter();
        let enough = possible.find(|percent| wanted(need, **percent) <= limit.total_bytes);
        if let Some(percent) = enough {
            let bytes = missing(*percent);
            return Some(Remedy::CloseOtherPrograms { bytes });
        }
    }
    Some(Remedy::LargerMachine {
        bytes: limit.total_bytes.saturating_add(missing(comfortable)),
        source: limit.source,
    })
}
