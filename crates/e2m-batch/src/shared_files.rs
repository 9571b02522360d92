//! Raw files that several tasks of a batch have in common: mostly copied by mistake, and each task on its own cannot know.
//!
//! Files are told by the hash of their content, which every record has, and by the page or channel that was asked for. What earlier runs left of tasks that were not asked for
//! counts as well.

use crate::event::BatchEvent;
use crate::plan::{Plan, task_name};
use crate::raw_content::RawContent;
use crate::report::results::TaskResult;
use crate::reporter::Reporter;
use e2m_pipeline::{Doubt, Side, Status, TaskSpec, record_shared_files};
use std::collections::{BTreeSet, HashMap};

/// So many of the other tasks are named: a file may be that of hundreds.
const NAMED: usize = 3;

/// A raw file of a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Use<'a> {
    sample: &'a str,
    dye: &'a str,
    side: Side,
}

impl Use<'_> {
    /// Whether the same file at both places is a mistake. One pre image may stand for several dyes of its sample: the section
    /// without stain.
    fn must_differ_from(&self, other: &Self) -> bool {
        let of_one_task = self.sample == other.sample && self.dye == other.dye;
        let both_pre = self.side == Side::Pre && other.side == Side::Pre;
        !(of_one_task || both_pre && self.sample == other.sample)
    }
}

/// Puts on record which raw files are those of several tasks, and into the results. Whatever is new is told.
pub(crate) fn settle(plan: &Plan, results: &mut [TaskResult], reporter: &mut dyn Reporter) {
    let others: Vec<(&TaskSpec, TaskResult)> = plan
        .left_alone
        .iter()
        .filter_map(|(_, task)| Some((task, TaskResult::earlier(task)?)))
        .collect();
    let all = results
        .iter()
        .chain(others.iter().map(|(_, result)| result));
    let found: Vec<Vec<Doubt>> = shared(&all.collect::<Vec<_>>());
    let (of_results, of_others) = found.split_at(results.len().min(found.len()));
    for ((result, shared), task) in results.iter_mut().zip(of_results).zip(&plan.tasks) {
        settle_task(task, result, shared, reporter);
    }
    for ((task, mut result), shared) in others.into_iter().zip(of_others) {
        settle_task(task, &mut result, shared, reporter);
    }
}

/// What each task has in common with others.
fn shared(results: &[&TaskResult]) -> Vec<Vec<Doubt>> {
    let mut uses: HashMap<RawContent, BTreeSet<Use<'_>>> = HashMap::new();
    let of_result = |result: &TaskResult| -> Vec<(RawContent, Side)> {
        let contents = result.contents.iter();
        let sides =
            contents.flat_map(|[post, pre]| [(post.clone(), Side::Post), (pre.clone(), Side::Pre)]);
        sides.collect()
    };
    for result in results {
        for (content, side) in of_result(result) {
            uses.entry(content).or_default().insert(Use {
                sample: &result.sample,
                dye: &result.dye,
                side,
            });
        }
    }
    let doubts = |result: &&TaskResult| {
        let sides = of_result(result).into_iter();
        let doubt = |(content, side): (RawContent, Side)| {
            let own = Use {
                sample: &result.sample,
                dye: &result.dye,
                side,
            };
            let others = uses.get(&content).into_iter().flatten();
            let mut others = others.filter(|other| own.must_differ_from(other));
            let named = others.by_ref().take(NAMED);
            let with: Vec<String> = named
                .map(|other| format!("{}/{} ({})", other.sample, other.dye, other.side))
                .collect();
            let more = others.count();
            (!with.is_empty()).then_some(Doubt::SharedFile { side, with, more })
        };
        sides.filter_map(doubt).collect()
    };
    results.iter().map(doubts).collect()
}

fn settle_task(
    task: &TaskSpec,
    result: &mut TaskResult,
    shared: &[Doubt],
    reporter: &mut dyn Reporter,
) {
    let is_shared = |doubt: &&Doubt| matches!(doubt, Doubt::SharedFile { .. });
    if result.doubts.iter().filter(is_shared).eq(shared) {
        return;
    }
    let Some(settled) = record_shared_files(task, shared) else {
        return;
    };
    let name = task_name(task);
    for doubt in shared {
        let text = format!("{name}: {doubt}");
        reporter.on_event(&BatchEvent::Note { text: &text });
    }
    if let Some(error) = settled.unrecorded {
        let text = format!("{name}: that its files are another task's is not on record: {error}");
        reporter.on_event(&BatchEvent::Warning { text: &text });
    }
    if matches!(result.status, Status::Complete | Status::Suspect(_)) {
        result.status = settled.status;
    }
    result.doubts = settled.doubts;
}
