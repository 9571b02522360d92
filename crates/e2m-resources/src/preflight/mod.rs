//! The preflight of a batch: does what the tasks need fit into what there is?
//!
//! The preflight decides from numbers alone, before any task starts. The caller computes each task's [`Need`] from file headers.
//! The caller can also say what another pad or format would need ([`Alternatives`]). This module adds up the needs, compares
//! them with the limits ([`FitLevel`]), and looks for remedies.

mod level;
mod needs;
mod remedy;
mod text;

pub use level::FitLevel;
pub use needs::{Alternatives, AsPlanned, Need};
pub use remedy::Remedy;

use crate::{Disk, MemoryLimit, PEAK_FACTOR_PER_TASK};
use level::{level_by_plan, level_of};
use needs::{Quantity, Sum, disk_sum, sum_of_largest};

/// Which number is compared with the memory: the setting `memory_gate`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum MemoryBasis {
    /// The rule where it fits, else what will really be used.
    #[default]
    Plan,
    /// The rule alone.
    Rule,
}

/// How the preflight decides.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PreflightPolicy {
    /// `memory_gate`.
    pub basis: MemoryBasis,
    /// `force_run`: a refusal becomes a warning.
    pub force: bool,
    /// `peak_factor`, which the texts call the rule by. The bytes of the rule come with each [`Need`].
    pub peak_factor: f64,
}

impl Default for PreflightPolicy {
    fn default() -> Self {
        Self {
            basis: MemoryBasis::Plan,
            force: false,
            peak_factor: PEAK_FACTOR_PER_TASK,
        }
    }
}

/// What an [`Assessment`] is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// Memory as planned.
    PlannedMemory,
    /// Memory by the rule.
    RuleMemory,
    /// Room on the disk.
    Disk,
}

/// One need compared with one limit. Displays as the lines to show; nothing where all is [`FitLevel::Fine`].
#[derive(Debug, Clone, PartialEq)]
pub struct Assessment {
    /// What was compared with the limit.
    pub subject: Subject,
    /// The outcome.
    pub level: FitLevel,
    /// Whether it was refused and forced all the same.
    pub forced: bool,
    /// What is needed, bytes: of the largest tasks that may run at once, or of all on the disk.
    pub need_bytes: u64,
    /// What there is, bytes.
    pub available_bytes: u64,
    /// For people: where the limit comes from, or which folder's disk it is.
    pub limit: String,
    /// Indices of the tasks that the sum is made of, the largest first.
    pub tasks: Vec<usize>,
    /// Names of the first few of them.
    pub names: Vec<String>,
    /// The same by the rule; for the disk, 0.
    pub rule_bytes: u64,
    /// The same by plan; for the disk, 0.
    pub plan_bytes: u64,
    /// `peak_factor`, as in the policy.
    pub peak_factor: f64,
    /// What would help, the least trouble first.
    pub remedies: Vec<Remedy>,
}

/// The outcome for a batch. Displays as the lines to show, one each; nothing where all is [`FitLevel::Fine`].
#[derive(Debug, Clone, PartialEq)]
pub struct Preflight {
    /// Workers that may run at once: never more than there are tasks.
    pub workers: usize,
    /// Memory.
    pub memory: Assessment,
    /// Disk.
    pub disk: Assessment,
}

impl Preflight {
    /// The worse of the two levels.
    pub fn level(&self) -> FitLevel {
        self.memory.level.max(self.disk.level)
    }

    /// Whether no task may start.
    pub fn refused(&self) -> bool {
        self.level() == FitLevel::Refused
    }
}

/// Compares the needs of all tasks, of which any `workers` may run at once, with what there is.
///
/// Exact at the boundaries: 80 % of 10 bytes are 8, and 9 are more.
pub fn assess(
    needs: &[Need],
    workers: usize,
    memory: &MemoryLimit,
    disk: &Disk,
    policy: PreflightPolicy,
    alternatives: &dyn Alternatives,
) -> Preflight {
    let workers = workers.clamp(1, needs.len().max(1));
    let case = remedy::Case {
        needs,
        workers,
        policy,
        alternatives,
    };
    Preflight {
        workers,
        memory: assess_memory(&case, memory),
        disk: assess_disk(&case, disk),
    }
}

fn assess_memory(case: &remedy::Case<'_>, limit: &MemoryLimit) -> Assessment {
    let available = limit.available_bytes;
    let rule = sum_of_largest(case.needs, Quantity::Rule, case.workers);
    let plan = sum_of_largest(case.needs, Quantity::Plan, case.workers);
    let (rule_bytes, plan_bytes) = (rule.bytes, plan.bytes);
    let (subject, quantity, sum, level) = match case.policy.basis {
        MemoryBasis::Rule => {
            let level = level_of(rule_bytes, available);
            (Subject::RuleMemory, Quantity::Rule, rule, level)
        }
        MemoryBasis::Plan => match level_by_plan(rule_bytes, plan_bytes, available) {
            FitLevel::Fine => (Subject::RuleMemory, Quantity::Rule, rule, FitLevel::Fine),
            level => (Subject::PlannedMemory, Quantity::Plan, plan, level),
        },
    };
    let remedies = case.memory_remedies(level, quantity, sum.bytes, plan_bytes, limit);
    Assessment {
        rule_bytes,
        plan_bytes,
        remedies,
        ..assessment(
            case,
            subject,
            level,
            sum,
            available,
            limit.inside_brackets(),
        )
    }
}

fn assess_disk(case: &remedy::Case<'_>, disk: &Disk) -> Assessment {
    let sum = disk_sum(case.needs);
    let level = level_of(sum.bytes, disk.free_bytes);
    let remedies = case.disk_remedies(level, sum.bytes, disk);
    let limit = format!("disk of {}", disk.existing.display());
    Assessment {
        remedies,
        ..assessment(case, Subject::Disk, level, sum, disk.free_bytes, limit)
    }
}

/// Names that a line can carry.
const NAMES: usize = 3;

/// What all assessments have in common, forcing included.
fn assessment(
    case: &remedy::Case<'_>,
    subject: Subject,
    level: FitLevel,
    sum: Sum,
    available_bytes: u64,
    limit: String,
) -> Assessment {
    let forced = level == FitLevel::Refused && case.policy.force;
    let named = sum.tasks.iter().take(NAMES);
    Assessment {
        subject,
        level: if forced { FitLevel::Tight } else { level },
        forced,
        need_bytes: sum.bytes,
        available_bytes,
        limit,
        names: named.map(|&task| case.needs[task].name.clone()).collect(),
        tasks: sum.tasks,
        rule_bytes: 0,
        plan_bytes: 0,
        peak_factor: case.policy.peak_factor,
        remedies: Vec::new(),
    }
}
