//! What tasks need, as they are and as they could be.

use std::cmp::Reverse;

/// What one task needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Need {
    /// For people: `CD070/DAPI`.
    pub name: String,
    /// Memory by the rule, bytes.
    pub rule_bytes: u64,
    /// The most memory it will use, bytes.
    pub plan_bytes: u64,
    /// What it will still write, bytes.
    pub disk_bytes: u64,
}

/// What the batch would need with other parameters; only the caller can compute that.
pub trait Alternatives {
    /// The pad of a task, px per side.
    fn pad(&self, task: usize) -> usize;

    /// What the task would need with another pad; none if that cannot be told. It is asked for many pads of many
    /// tasks, and has to answer at once. A smaller pad must never need more.
    fn with_pad(&self, task: usize, pad: usize) -> Option<Need>;

    /// What the task would need beside so many others less one: with fewer workers each computes with more threads. None
    /// where that makes no difference. Fewer workers must never need less per task.
    fn with_workers(&self, _task: usize, _workers: usize) -> Option<Need> {
        None
    }

    /// Other formats, as they are written in the batch file (`checkpoint_format = "tiff"`), with the bytes on disk of the
    /// whole batch.
    fn other_formats(&self) -> Vec<(String, u64)>;
}

/// No alternatives: nothing can be said about other parameters.
#[derive(Debug, Clone, Copy, Default)]
pub struct AsPlanned;

impl Alternatives for AsPlanned {
    fn pad(&self, _task: usize) -> usize {
        0
    }

    fn with_pad(&self, _task: usize, _pad: usize) -> Option<Need> {
        None
    }

    fn other_formats(&self) -> Vec<(String, u64)> {
        Vec::new()
    }
}

/// One of the numbers of a need.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Quantity {
    Rule,
    Plan,
    Disk,
}

impl Quantity {
    pub(super) fn of(self, need: &Need) -> u64 {
        match self {
            Self::Rule => need.rule_bytes,
            Self::Plan => need.plan_bytes,
            Self::Disk => need.disk_bytes,
        }
    }
}

/// A sum, and the tasks it is made of, the largest first.
pub(super) struct Sum {
    pub(super) bytes: u64,
    pub(super) tasks: Vec<usize>,
}

fn added(values: impl Iterator<Item = u64>) -> u64 {
    values.fold(0, u64::saturating_add)
}

/// The worst that can run at once: the `count` largest together. Of tasks alike, the first ones.
pub(super) fn sum_of_largest(needs: &[Need], quantity: Quantity, count: usize) -> Sum {
    let mut tasks: Vec<usize> = (0..needs.len()).collect();
    let order = |task: &usize| (Reverse(quantity.of(&needs[*task])), *task);
    if count < tasks.len() {
        tasks.select_nth_unstable_by_key(count, order);
        tasks.truncate(count);
    }
    tasks.sort_unstable_by_key(order);
    let bytes = added(tasks.iter().map(|&task| quantity.of(&needs[task])));
    Sum { bytes, tasks }
}

/// All that will be written.
pub(super) fn disk_sum(needs: &[Need]) -> Sum {
    sum_of_largest(needs, Quantity::Disk, needs.len())
}
