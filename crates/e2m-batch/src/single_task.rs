//! One task in this process, on its own: what `e2m task` and a job of a cluster run.
//!
//! Its own folder is all that is written to: results of the batch, logs and the report are nobody's here, as any number of
//! such tasks may run at the same time on one output folder.

use crate::admission::Admission;
use crate::batch_file::values::Parallel;
use crate::ending::BatchEnding;
use crate::environment::Environment;
use crate::event::BatchEvent;
use crate::human;
use crate::inspect::{Preview, inspect};
use crate::plan::Plan;
use crate::report::BatchReport;
use crate::report::results::TaskResult;
use crate::reporter::Reporter;
use crate::run::{
    StartError, TaskProgress, check_output_dir, run_guarded, task_views, use_threads,
};
use crate::task_view::TaskView;
use e2m_io::{MissingPair, Scratch};
use e2m_pipeline::{Observer, TaskEvent, TaskOutcome, TaskSpec, remove_leftovers};
use e2m_resources::process_memory;
use e2m_schedule::Interrupt;
use jiff::Zoned;

/// A plan does not come down to one task.
#[derive(Debug, thiserror::Error)]
pub enum NotOneTask {
    /// Its raw images are missing.
    #[error("there is no pair to run: {0}")]
    Missing(Box<MissingPair>),
    /// There are several, or none.
    #[error("--sample {sample} --dye {dye} are {}; name one sample and one dye", human::count(*tasks, "task"))]
    Several {
        /// The sample asked for.
        sample: String,
        /// The dye asked for.
        dye: String,
        /// How many there are.
        tasks: usize,
    },
}

/// The plan of the one task of a sample and a dye, to be run in this process however the batch is.
///
/// # Errors
/// Where the plan has another number of tasks.
pub fn only_task(mut plan: Plan, sample: &str, dye: &str) -> Result<Plan, NotOneTask> {
    match (plan.tasks.len(), plan.missing.first()) {
        (1, None) => {
            plan.execution.parallel = Parallel::No;
            Ok(plan)
        }
        (0, Some(missing)) => Err(NotOneTask::Missing(Box::new(missing.clone()))),
        (tasks, _) => Err(NotOneTask::Several {
            sample: sample.to_owned(),
            dye: dye.to_owned(),
            tasks,
        }),
    }
}

/// The one task of a plan, for which this machine has been found good enough.
#[derive(Debug)]
pub struct SingleTask<'a> {
    plan: &'a Plan,
    task: &'a TaskSpec,
    preview: Preview,
    admission: Admission,
}

impl<'a> SingleTask<'a> {
    /// Checks whether the machine has what the task needs.
    ///
    /// # Errors
    /// Where it has not, or the output folder takes no files.
    pub fn prepare(
        plan: &'a Plan,
        task: &'a TaskSpec,
        environment: &Environment,
        reporter: &mut dyn Reporter,
    ) -> Result<Self, StartError> {
        let machine = environment.machine();
        if let Err(error) = remove_leftovers(task) {
            tracing::info!(%error, "left-over files stay");
        }
        let mut previews = inspect(plan);
        let admission = Admission::of(plan, &previews, &machine);
        if admission.refuses() {
            return Err(StartError::Refused(Box::new(admission)));
        }
        reporter.on_event(&BatchEvent::Admitted {
            plan,
            admission: &admission,
        });
        check_output_dir(&plan.output_dir)?;
        Ok(Self {
            plan,
            task,
            preview: previews.swap_remove(0),
            admission,
        })
    }

    /// What it will still write, bytes.
    pub fn disk_bytes(&self) -> u64 {
        self.preview
            .as_ref()
            .map_or(0, |preview| preview.disk_bytes)
    }

    /// Runs it to its end, with files made in a scratch folder first, where there is one.
    pub fn run(
        &self,
        interrupt: &Interrupt,
        scratch: Option<&Scratch>,
        reporter: &mut dyn Reporter,
    ) -> TaskOutcome {
        let threads = self.admission.threads();
        use_threads(threads);
        let views = task_views(self.plan, std::slice::from_ref(&self.preview));
        let Some(view) = views.first() else {
            let (sample, dye) = (&self.task.sample, &self.task.dye);
            return TaskOutcome::failed(sample, dye, "the plan has no task".to_owned());
        };
        reporter.on_event(&BatchEvent::Started {
            plan: self.plan,
            admission: &self.admission,
            tasks: &views,
            at: &Zoned::now(),
        });
        reporter.on_event(&BatchEvent::TaskStarted {
            task: view,
            worker: 0,
            attempt: 1,
            threads,
        });
        let mut watcher = Watcher {
            reporter,
            view,
            progress: TaskProgress::begun(0),
            interrupt,
        };
        let outcome = run_guarded(self.task, scratch.map(Scratch::folder), &mut watcher);
        let result = TaskResult::of(self.task, &outcome, &self.plan.output_dir);
        watcher.reporter.on_event(&BatchEvent::TaskEnded {
            task: view,
            result: &result,
            process: None,
        });
        watcher.reporter.on_event(&BatchEvent::TasksEnded);
        outcome
    }
}

/// How a batch ends that is this task.
pub fn ending_of(plan: &Plan, result: &TaskResult, interrupted: bool) -> BatchEnding {
    let report = BatchReport {
        plan,
        results: vec![result.clone()],
        started: Zoned::now(),
        seconds: 0.0,
        interrupted,
        results_unwritten: false,
        is_whole: true,
    };
    report.ending()
}

/// Passes on what happens in the task, and stops it when it is to end.
struct Watcher<'a> {
    reporter: &'a mut dyn Reporter,
    view: &'a TaskView,
    progress: TaskProgress,
    interrupt: &'a Interrupt,
}

impl Observer for Watcher<'_> {
    fn on_event(&mut self, event: &TaskEvent) {
        self.progress.measured(process_memory().current);
        self.progress.report(self.view, event, self.reporter);
    }

    fn should_stop(&self) -> bool {
        self.interrupt.is_raised()
    }
}
