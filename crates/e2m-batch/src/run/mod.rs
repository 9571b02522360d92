//! Runs the tasks of a plan: inspects them all, asks whether the machine will do, hands them to a runner and follows it.

mod exchange;
mod guarded;
mod handler;
mod message;
mod output_dir;
mod reporting;
mod task_progress;
mod throughput;

pub(crate) use guarded::run_in as run_guarded;
pub use handler::serve_tasks;
pub(crate) use handler::use_threads;
pub use output_dir::OutputDirError;
pub(crate) use output_dir::check_output_dir;
pub(crate) use task_progress::TaskProgress;

use crate::admission::Admission;
use crate::batch_file::values::Parallel;
use crate::ending::BatchEnding;
use crate::environment::Environment;
use crate::event::BatchEvent;
use crate::inspect::{Preview, inspect};
use crate::logs::event_log::EventLog;
use crate::logs::run_log::RunLog;
use crate::plan::{Plan, task_name};
use crate::report::results::{NotBegun, TaskResult};
use crate::report::{self, BatchReport, Unwritten};
use crate::reporter::Reporter;
use crate::shared_files::settle;
use crate::task_size::TaskSize;
use crate::task_view::TaskView;
use e2m_io::remove_stale_temporaries;
use e2m_pipeline::{Observer, TaskEvent, TaskSpec, is_worked_on, remove_leftovers};
use e2m_resources::{Machine, MemoryLog, oom_kills, process_memory};
use e2m_schedule::{Handler, Interrupt, Job, Options, Runner, Schedule, ScheduleError};
use exchange::Exchange;
use handler::InProcessTaskHandler;
use jiff::Zoned;
use rayon::ThreadPoolBuilder;
use reporting::BatchReporting;
use serde_json::Value;
use std::time::{Duration, Instant};

/// Why a batch was not begun.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Memory or disk will not do.
    #[error("{}", .0.refusal())]
    Refused(Box<Admission>),
    /// Nothing can be written to the output folder.
    #[error(transparent)]
    OutputDir(#[from] OutputDirError),
}

/// What came of a batch.
#[derive(Debug)]
pub struct BatchOutcome {
    /// How it ended as a whole.
    pub ending: BatchEnding,
    /// How each task ended, in the order of the plan.
    pub results: Vec<TaskResult>,
    /// How long it took.
    pub seconds: f64,
    /// Why the runner could not go on, if it could not.
    pub runner_error: Option<ScheduleError>,
    /// Files of the batch that could not be written.
    pub unwritten: Vec<Unwritten>,
}

/// Runs every task of the plan; a task that fails does not stop the others.
///
/// Besides what the tasks make, the run leaves in the output folder what [`report`](crate::report) describes: results as JSON
/// and as a table, a page, the run log, `events.jsonl`. `reporter` hears what happens, on this thread. Once `interrupt` is
/// raised no task begins, and those that run stop after the rows at hand; what is finished stays, and the next run goes on
/// from there.
///
/// The number of threads that compute in this process is settled by the first run in it.
///
/// # Errors
/// Where nothing was begun: memory or disk will not do, or the output folder takes no files. Whatever goes wrong with a task
/// is its result.
pub fn run(
    plan: &Plan,
    environment: &Environment,
    interrupt: &Interrupt,
    reporter: &mut dyn Reporter,
) -> Result<BatchOutcome, StartError> {
    let machine = environment.machine();
    remove_remains(plan);
    reporter.on_event(&BatchEvent::Planned { plan });
    let previews = inspect(plan);
    let admission = Admission::of(plan, &previews, &machine);
    if admission.refuses() {
        return Err(StartError::Refused(Box::new(admission)));
    }
    reporter.on_event(&BatchEvent::Admitted {
        plan,
        admission: &admission,
    });
    check_output_dir(&plan.output_dir)?;
    let (started, began) = (Zoned::now(), Instant::now());
    let mut log = RunLog::open(&plan.output_dir);
    let mut event_log = EventLog::open(&plan.output_dir, &started);
    let tasks = Tasks {
        plan,
        views: task_views(plan, &previews),
        previews: &previews,
        admission: &admission,
        machine: &machine,
        environment,
    };
    let mut everyone = Everyone {
        log: &mut log,
        event_log: &mut event_log,
        reporter,
    };
    everyone.on_event(&BatchEvent::Started {
        plan,
        admission: &admission,
        tasks: &tasks.views,
        at: &started,
    });
    let (mut results, runner_error) = tasks.run(interrupt, &mut everyone);
    settle(plan, &mut results, &mut everyone);
    everyone.on_event(&BatchEvent::TasksEnded);
    if let Some(error) = &runner_error {
        everyone.on_event(&BatchEvent::RunnerFailed { error });
    }
    let report = BatchReport {
        plan,
        results,
        started,
        seconds: began.elapsed().as_secs_f64(),
        interrupted: interrupt.is_raised(),
        results_unwritten: false,
        is_whole: false,
    };
    let threads = admission.threads();
    Ok(finish(report, (began, threads), everyone, runner_error))
}

/// Removes what a killed run left half-written: it takes room that the admission check would miss.
fn remove_remains(plan: &Plan) {
    if let Err(error) = remove_stale_temporaries(&plan.output_dir) {
        tracing::info!(%error, "left-over files stay");
    }
    for task in &plan.tasks {
        if let Err(error) = remove_leftovers(task) {
            tracing::info!(%error, "left-over files stay");
        }
    }
}

/// The two logs that every run writes, and the caller's reporter.
struct Everyone<'a> {
    log: &'a mut RunLog,
    event_log: &'a mut EventLog,
    reporter: &'a mut dyn Reporter,
}

impl Reporter for Everyone<'_> {
    fn on_event(&mut self, event: &BatchEvent<'_>) {
        self.log.on_event(event);
        self.event_log.on_event(event);
        self.reporter.on_event(event);
    }
}

/// Works with all threads of the batch: while tasks ran, this process may have had none or a few of them.
fn with_threads<R: Send>(threads: usize, work: impl FnOnce() -> R + Send) -> R {
    match ThreadPoolBuilder::new().num_threads(threads).build() {
        Ok(pool) => pool.install(work),
        Err(_) => work(),
    }
}

/// Writes what is left of the batch as a whole.
fn finish(
    mut report: BatchReport<'_>,
    (began, threads): (Instant, usize),
    everyone: Everyone<'_>,
    runner_error: Option<ScheduleError>,
) -> BatchOutcome {
    let mut unwritten = with_threads(threads, || report::write_files(&report));
    report.results_unwritten = !unwritten.is_empty();
    // The page takes its time as well.
    report.seconds = began.elapsed().as_secs_f64();
    let ended = BatchEvent::Ended {
        report: &report,
        unwritten: &unwritten,
    };
    everyone.log.on_event(&ended);
    everyone.event_log.on_event(&ended);
    let logs = [everyone.log.failure(), everyone.event_log.failure()];
    unwritten.extend(logs.into_iter().flatten());
    everyone.reporter.on_event(&BatchEvent::Ended {
        report: &report,
        unwritten: &unwritten,
    });
    BatchOutcome {
        ending: report.ending(),
        seconds: report.seconds,
        results: report.results,
        runner_error,
        unwritten,
    }
}

/// The tasks of a plan, as they are shown.
pub(crate) fn task_views(plan: &Plan, previews: &[Preview]) -> Vec<TaskView> {
    let tasks = plan.tasks.iter().zip(previews).enumerate();
    tasks
        .map(|(index, (task, preview))| TaskView {
            index,
            of: plan.tasks.len(),
            name: task_name(task),
            size: preview.as_ref().ok().map(TaskSize::of),
        })
        .collect()
}

/// Watches a task of which nothing is to be reported but its end. Another run may have begun to work on it.
struct UntilStopped<'a>(&'a Interrupt);

impl Observer for UntilStopped<'_> {
    fn on_event(&mut self, _: &TaskEvent) {}

    fn should_stop(&self) -> bool {
        self.0.is_raised()
    }
}

/// The tasks of a plan and what is known of them.
struct Tasks<'a> {
    plan: &'a Plan,
    views: Vec<TaskView>,
    previews: &'a [Preview],
    admission: &'a Admission,
    machine: &'a Machine,
    environment: &'a Environment,
}

impl Tasks<'_> {
    /// Runs them, and returns a result for each, and what kept the runner from going on.
    fn run(
        &self,
        interrupt: &Interrupt,
        reporter: &mut dyn Reporter,
    ) -> (Vec<TaskResult>, Option<ScheduleError>) {
        let (finished, jobs): (Vec<usize>, Vec<usize>) =
            (0..self.plan.tasks.len()).partition(|index| self.is_finished(*index));
        let options = self.options();
        use_threads(options.share(0));
        let exchange = runs_here(options.runner).then(|| Exchange::new(jobs.len()));
        let mut reporting = BatchReporting {
            plan: self.plan,
            views: &self.views,
            jobs: &jobs,
            reporter,
            exchange: exchange.as_ref(),
            memory: self.memory_log(),
            results: vec![None; self.views.len()],
            progress: jobs.iter().map(|_| TaskProgress::begun(0)).collect(),
            fresh_processes: options.runner == Runner::Subprocess,
        };
        // What is finished takes no worker: it is only inspected.
        for index in finished {
            if !interrupt.is_raised() {
                let mut observer = UntilStopped(interrupt);
                let outcome = guarded::run(&self.plan.tasks[index], &mut observer);
                let task = &self.views[index];
                for text in &outcome.notes {
                    reporting.emit(&BatchEvent::TaskNote { task, text });
                }
                reporting.end(index, &outcome, None);
            }
        }
        let error = self
            .hand_over(&jobs, &options, interrupt, &mut reporting)
            .err();
        if let Some(summary) = reporting.memory.as_ref().map(MemoryLog::summary) {
            let text = summary.to_string();
            reporting.emit(&BatchEvent::Note { text: &text });
        }
        let reason = match &error {
            Some(error) => NotBegun::RunnerFailed(error.to_string()),
            None if interrupt.is_raised() => NotBegun::Interrupted,
            None => NotBegun::NotYet,
        };
        let results = reporting.results.into_iter().zip(&self.plan.tasks);
        let results = results
            .map(|(result, task)| result.unwrap_or_else(|| TaskResult::not_begun(task, &reason)));
        (results.collect(), error)
    }

    fn hand_over(
        &self,
        jobs: &[usize],
        options: &Options,
        interrupt: &Interrupt,
        reporting: &mut BatchReporting<'_>,
    ) -> Result<(), ScheduleError> {
        if jobs.is_empty() {
            return Ok(());
        }
        let tasks: Vec<&TaskSpec> = jobs.iter().map(|index| &self.plan.tasks[*index]).collect();
        let here = reporting.exchange;
        let job = |(number, index): (usize, &usize)| Job {
            name: self.views[*index].name.clone(),
            payload: match here {
                Some(_) => Value::from(number),
                // A task is made of names, numbers and paths.
                None => serde_json::to_value(tasks[number]).unwrap_or_default(),
            },
            plan_bytes: self.admission.plan_bytes(*index),
        };
        let jobs: Vec<Job> = jobs.iter().enumerate().map(job).collect();
        let in_process = here.map(|exchange| InProcessTaskHandler {
            tasks: &tasks,
            exchange,
            side_by_side: matches!(options.runner, Runner::Threads { workers: 2.. }),
        });
        let handler: &dyn Handler = match &in_process {
            Some(handler) => handler,
            None => &never_called,
        };
        let memory = self.machine.watch();
        Schedule::new(&jobs, handler)
            .options(options.clone())
            .available_memory(|| memory.read())
            .oom_kills(oom_kills)
            .interrupt(interrupt)
            .listener(reporting)
            .run()?;
        Ok(())
    }

    fn is_finished(&self, index: usize) -> bool {
        // One that another run works on has to be waited for, which is a worker's part.
        matches!(&self.previews[index], Ok(preview) if preview.is_finished())
            && !is_worked_on(&self.plan.tasks[index])
    }

    fn memory_log(&self) -> Option<MemoryLog> {
        let wanted = self.plan.execution.memory_debug;
        wanted.then(|| MemoryLog::new(process_memory().current))
    }

    fn options(&self) -> Options {
        let execution = &self.plan.execution;
        let workers = self.admission.workers();
        let runner = match execution.parallel {
            Parallel::No | Parallel::Slurm => Runner::Serial,
            Parallel::Subprocess => Runner::Subprocess,
            Parallel::Pool if execution.use_threads => Runner::Threads { workers },
            Parallel::Pool => Runner::Pool { workers },
        };
        Options {
            runner,
            threads: self.admission.threads(),
            command: self.environment.worker().cloned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            timeout: Some(Duration::from_secs(u64::from(execution.timeout_per_task.0))),
            memory_limit_bytes: Some(execution.memory_limit.0),
            retries: execution.retries.0,
            memory_budget_bytes: Some(self.admission.budget_bytes()),
            min_available_bytes: Some(self.admission.min_available_bytes()),
            // `BatchReporting` has taken what it needs.
            keep_answers: false,
            ..Options::default()
        }
    }
}

/// Whether a runner has its tasks done in this process.
fn runs_here(runner: Runner) -> bool {
    !matches!(runner, Runner::Subprocess | Runner::Pool { workers: 2.. })
}

/// Stands where a runner has its tasks done in other processes, whose own handler is called.
fn never_called(_: &Value, _: &mut dyn e2m_schedule::TaskContext) -> e2m_schedule::Reply {
    e2m_schedule::Reply::done(Value::Null)
}
