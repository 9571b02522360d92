//! Runs the tasks of a plan one after another, and reports.

mod guarded;
mod watch;

use crate::batch::values::AutoCount;
use crate::exit::Exit;
use crate::forecast::Forecast;
use crate::human;
use crate::plan::Plan;
use crate::report::log::RunLog;
use crate::report::results::{Ending, TaskResult};
use crate::report::{self, BatchReport};
use crate::signals;
use crate::task_size::TaskSize;
use crate::terminal::{Show, TaskEnd, TaskView, Terminal};
use e2m_pipeline::{Status, TaskOutcome, TaskSpec};
use e2m_schedule::{Interrupt, run_serial};
use jiff::Zoned;
use std::cell::{Cell, RefCell};
use std::time::Instant;
use watch::Watch;

/// Runs every task of the plan; one that fails does not stop the others.
pub(crate) fn run(plan: &Plan, terminal: &Terminal) -> Exit {
    if let Err(error) = std::fs::create_dir_all(&plan.output_dir) {
        terminal.error(&format!(
            "output_dir {} cannot be made: {error}",
            plan.output_dir.display()
        ));
        return Exit::BadInput;
    }
    let interrupt = Interrupt::default();
    signals::listen(&interrupt, terminal);
    use_threads(plan.threads);
    let (started, began) = (Zoned::now(), Instant::now());
    let mut log = RunLog::open(&plan.output_dir);
    log.start(plan);
    terminal.say(&opening(plan));
    let results = run_tasks(plan, terminal, &interrupt, &mut log);
    let seconds = began.elapsed().as_secs_f64();
    let report = BatchReport {
        plan,
        results,
        started,
        seconds,
        interrupted: interrupt.is_raised(),
    };
    let exit = report.exit();
    let written = report::write_files(&report::with_earlier(&report), exit);
    log.end(&report, exit);
    report::print(&report, terminal);
    for error in written.into_iter().chain(log.failure()) {
        terminal.warn(&error);
    }
    exit
}

fn opening(plan: &Plan) -> String {
    let left_out = match plan.missing.len() {
        0 => String::new(),
        n => format!(
            ", {} left out because images are missing",
            human::count(n, "task")
        ),
    };
    let tasks = human::count(plan.tasks.len(), "task");
    format!(
        "e2m {}: {tasks} of {}{left_out}",
        env!("CARGO_PKG_VERSION"),
        plan.batch_path.display()
    )
}

/// Limits the threads that compute.
fn use_threads(threads: AutoCount) {
    if let AutoCount::Exactly(count) = threads
        && let Err(error) = rayon::ThreadPoolBuilder::new()
            .num_threads(count.get())
            .build_global()
    {
        tracing::warn!(%error, "the number of threads stays as it is");
    }
}

fn run_tasks(
    plan: &Plan,
    terminal: &Terminal,
    interrupt: &Interrupt,
    log: &mut RunLog,
) -> Vec<TaskResult> {
    let sizes: Vec<Option<TaskSize>> = plan.tasks.iter().map(TaskSize::of).collect();
    let pixels: Vec<_> = sizes
        .iter()
        .map(|size| size.as_ref().map(TaskSize::canvas_pixels))
        .collect();
    let show = RefCell::new(terminal.show(Forecast::new(&pixels)));
    let view = |index: usize| TaskView {
        index,
        of: plan.tasks.len(),
        name: task_name(&plan.tasks[index]),
        size: sizes[index],
    };
    let next = Cell::new(0);
    let run = |task: &TaskSpec| {
        let view = view(next.replace(next.get() + 1));
        show.borrow_mut().task_started(&view);
        let mut show = show.borrow_mut();
        guarded::run(
            task,
            &mut Watch {
                task: &view,
                show: &mut **show,
                interrupt,
            },
        )
    };
    let on_result = |index: usize, outcome: &TaskOutcome| {
        let result = TaskResult::of(&plan.tasks[index], Some(outcome), &plan.output_dir);
        tell(&mut **show.borrow_mut(), &view(index), &result);
        log.task(&view(index).label(), &result);
    };
    let outcomes = run_serial(&plan.tasks, interrupt, run, on_result);
    let results = plan.tasks.iter().zip(&outcomes);
    results
        .map(|(task, outcome)| TaskResult::of(task, outcome.as_ref(), &plan.output_dir))
        .collect()
}

/// Shows how a task ended.
fn tell(show: &mut dyn Show, task: &TaskView, result: &TaskResult) {
    let how = match result.ending() {
        Ending::Complete => "complete",
        Ending::Suspect => "suspect",
        Ending::Failed => "failed",
        Ending::Interrupted | Ending::NotBegun => "interrupted",
    };
    let why = match &result.status {
        Status::Suspect(why) | Status::Error(why) => Some(why.clone()),
        Status::Complete | Status::Incomplete(_) => None,
    };
    let end = TaskEnd {
        how,
        why,
        seconds: result.seconds,
        peak_rss_bytes: result.peak_rss_bytes,
        worked: result.worked(),
        typical: !result.stages_done.is_empty()
            && matches!(result.ending(), Ending::Complete | Ending::Suspect),
    };
    show.task_finished(task, &end);
}

/// `CD070/DAPI`.
fn task_name(task: &TaskSpec) -> String {
    format!("{}/{}", task.sample, task.dye)
}
