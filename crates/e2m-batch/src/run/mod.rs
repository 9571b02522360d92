//! Runs the tasks of a plan and reports: looks at them all, asks the gate, hands them to a runner and follows it.

mod follow;
mod guarded;
mod journal;
mod perform;
mod told;

pub(crate) use follow::tell;
pub(crate) use guarded::until_the_end;
pub(crate) use journal::Journal;
pub(crate) use perform::{Performer, use_threads};

use crate::batch::values::Parallel;
use crate::exit::Exit;
use crate::forecast::Forecast;
use crate::gate::Gate;
use crate::human;
use crate::look::look;
use crate::machine;
use crate::plan::Plan;
use crate::report::log::RunLog;
use crate::report::results::TaskResult;
use crate::report::{self, BatchReport};
use crate::signals;
use crate::task_name;
use crate::task_size::TaskSize;
use crate::terminal::{TaskView, Terminal};
use e2m_io::{AtomicFile, FolderError, create_folders, remove_stale_temporaries};
use e2m_pipeline::{Observer, Outlook, PipelineError, TaskSpec, is_worked_on, remove_leftovers};
use e2m_resources::{Machine, MemoryLog, oom_kills, process_memory};
use e2m_schedule::{
    Event, Interrupt, Job, Listener as _, Options, Runner, ScheduleError, WorkerCommand,
};
use follow::Follower;
use jiff::Zoned;
use rayon::ThreadPoolBuilder;
use serde_json::json;
use std::path::Path;
use std::time::{Duration, Instant};

/// Runs every task of the plan; one that fails does not stop the others.
pub(crate) fn run(plan: &Plan, terminal: &Terminal) -> Exit {
    let machine = machine::detect();
    // What a killed run left half-written takes room that the gate would miss.
    if let Err(error) = remove_stale_temporaries(&plan.output_dir) {
        tracing::info!(%error, "left-over files stay");
    }
    for task in &plan.tasks {
        if let Err(error) = remove_leftovers(task) {
            tracing::info!(%error, "left-over files stay");
        }
    }
    let outlooks = look(plan);
    let gate = Gate::of(plan, &outlooks, &machine);
    gate.tell(terminal);
    if gate.refuses() {
        return Exit::Refused;
    }
    if let Err(error) = check_output_dir(&plan.output_dir) {
        terminal.error(&error);
        return Exit::BadInput;
    }
    let interrupt = Interrupt::default();
    signals::listen(&interrupt, terminal);
    let (started, began) = (Zoned::now(), Instant::now());
    let mut log = RunLog::open(&plan.output_dir);
    let mut journal = Journal::open(&plan.output_dir, &started);
    log.start(plan);
    for line in gate.lines() {
        log.line(&line);
    }
    journal.add("run_started", None, gate.facts(plan));
    terminal.say(&opening(plan, &gate));
    let tasks = Tasks {
        plan,
        outlooks: &outlooks,
        gate: &gate,
        machine: &machine,
    };
    let (results, error) = tasks.run(terminal, &interrupt, (&mut log, &mut journal));
    if let Some(error) = &error {
        terminal.error(&error.to_string());
        log.line(&error.to_string());
    }
    let report = BatchReport {
        plan,
        results,
        started,
        seconds: began.elapsed().as_secs_f64(),
        interrupted: interrupt.is_raised(),
    };
    finish(report, (began, gate.threads()), terminal, log, journal)
}

/// Works with all threads of the batch: while tasks ran, this process may have had none or a few of them.
fn with_threads<R: Send>(threads: usize, work: impl FnOnce() -> R + Send) -> R {
    match ThreadPoolBuilder::new().num_threads(threads).build() {
        Ok(pool) => pool.install(work),
        Err(_) => work(),
    }
}

/// Whether output_dir takes files: one refusal is better than one for each task.
pub(crate) fn check_output_dir(folder: &Path) -> Result<(), String> {
    let named = |what: &str, error: std::io::Error| {
        format!("output_dir {} {what}: {error}", folder.display())
    };
    create_folders(folder).map_err(|error| match error {
        FolderError::Make { path, source } if path != folder => named(
            &format!("cannot be made, as {} cannot", path.display()),
            source,
        ),
        FolderError::Make { source, .. } => named("cannot be made", source),
        other => other.to_string(),
    })?;
    let probe = AtomicFile::create(&folder.join(journal::NAME));
    probe
        .map(drop)
        .map_err(|error| named("takes no files", error.source))
}

/// Writes what is left of the batch as a whole, and prints it.
fn finish(
    mut report: BatchReport<'_>,
    (began, threads): (Instant, usize),
    terminal: &Terminal,
    mut log: RunLog,
    mut journal: Journal,
) -> Exit {
    let exit = report.exit();
    let written = with_threads(threads, || {
        report::write_files(&report::with_earlier(&report), exit)
    });
    // The page takes its time as well.
    report.seconds = began.elapsed().as_secs_f64();
    log.end(&report, exit);
    journal.add(
        "run_finished",
        None,
        json!({"exit_code": exit.code(), "seconds": report.seconds}),
    );
    let failures = [log.failure(), journal.failure()].into_iter().flatten();
    let failures: Vec<String> = written.into_iter().chain(failures).collect();
    report::print(&report, failures.is_empty(), terminal);
    for error in &failures {
        terminal.warn(error);
    }
    exit
}

fn opening(plan: &Plan, gate: &Gate) -> String {
    let left_out = match plan.missing.len() {
        0 => String::new(),
        n => format!(
            ", {} left out because images are missing",
            human::count(n, "task")
        ),
    };
    let tasks = human::count(plan.tasks.len(), "task");
    format!(
        "e2m {}: {tasks} of {}{left_out}{}",
        env!("CARGO_PKG_VERSION"),
        plan.batch_path.display(),
        gate.how()
    )
}

/// Watches a task of which nothing is to be told but its end. Another run may have begun to work on it.
struct UntilStopped<'a>(&'a Interrupt);

impl Observer for UntilStopped<'_> {
    fn on_event(&mut self, _: &e2m_pipeline::Event) {}

    fn should_stop(&self) -> bool {
        self.0.is_raised()
    }
}

/// The tasks of a plan and what is known of them.
struct Tasks<'a> {
    plan: &'a Plan,
    outlooks: &'a [Result<Outlook, PipelineError>],
    gate: &'a Gate,
    machine: &'a Machine,
}

impl Tasks<'_> {
    /// Runs them, and answers with a result for each, and with what kept the runner from going on.
    fn run(
        &self,
        terminal: &Terminal,
        interrupt: &Interrupt,
        (log, journal): (&mut RunLog, &mut Journal),
    ) -> (Vec<TaskResult>, Option<ScheduleError>) {
        let views = self.views();
        let (finished, jobs): (Vec<usize>, Vec<usize>) =
            (0..self.plan.tasks.len()).partition(|index| self.is_finished(*index));
        let options = self.options(terminal);
        use_threads(options.share(0));
        let pixels: Vec<_> = views
            .iter()
            .map(|view| view.size.as_ref().map(TaskSize::canvas_pixels))
            .collect();
        let mut follower = Follower {
            plan: self.plan,
            terminal,
            views: &views,
            jobs: &jobs,
            show: terminal.show(Forecast::new(&pixels, self.gate.workers())),
            log,
            journal,
            memory: self.memory_log(),
            results: vec![None; views.len()],
            workers: vec![0; jobs.len()],
            fresh_processes: options.runner == Runner::Subprocess,
            in_process: !matches!(
                options.runner,
                Runner::Subprocess | Runner::Pool { workers: 2.. }
            ),
        };
        // What is finished takes no worker, only a look.
        for index in finished {
            if !interrupt.is_raised() {
                let mut observer = UntilStopped(interrupt);
                let outcome = guarded::run(&self.plan.tasks[index], &mut observer);
                follower.end(index, Some(&outcome));
            }
        }
        let error = self
            .hand_over(&jobs, &options, interrupt, &mut follower)
            .err();
        if let Some(summary) = follower.memory.as_ref().map(MemoryLog::summary) {
            follower.on_event(&Event::Note(summary.to_string()));
        }
        let results = std::mem::take(&mut follower.results);
        let not_begun = |task| TaskResult::of(task, None, &self.plan.output_dir);
        let results = results.into_iter().zip(&self.plan.tasks);
        let results = results.map(|(result, task)| result.unwrap_or_else(|| not_begun(task)));
        (results.collect(), error)
    }

    fn hand_over(
        &self,
        jobs: &[usize],
        options: &Options,
        interrupt: &Interrupt,
        follower: &mut Follower<'_>,
    ) -> Result<(), ScheduleError> {
        if jobs.is_empty() {
            return Ok(());
        }
        let jobs: Vec<Job> = jobs.iter().map(|index| self.job(*index)).collect();
        let performer = Performer {
            side_by_side: matches!(options.runner, Runner::Threads { workers: 2.. }),
            log: None,
        };
        let memory = self.machine.watch();
        e2m_schedule::run(
            &jobs,
            options,
            &performer,
            &|| memory.read(),
            &oom_kills,
            interrupt,
            follower,
        )?;
        Ok(())
    }

    fn views(&self) -> Vec<TaskView> {
        let tasks = self.plan.tasks.iter().zip(self.outlooks).enumerate();
        tasks
            .map(|(index, (task, outlook))| TaskView {
                index,
                of: self.plan.tasks.len(),
                name: task_name(task),
                size: outlook.as_ref().ok().map(TaskSize::of),
            })
            .collect()
    }

    fn is_finished(&self, index: usize) -> bool {
        // One that another run works on has to be waited for, which is a worker's part.
        matches!(&self.outlooks[index], Ok(outlook) if outlook.is_finished())
            && !is_worked_on(&self.plan.tasks[index])
    }

    fn job(&self, index: usize) -> Job {
        let task: &TaskSpec = &self.plan.tasks[index];
        Job {
            name: task_name(task),
            // A task is made of names, numbers and paths.
            payload: serde_json::to_value(task).unwrap_or_default(),
            plan_bytes: self.gate.plan_bytes(index),
        }
    }

    fn memory_log(&self) -> Option<MemoryLog> {
        let wanted = self.plan.execution.memory_debug;
        wanted.then(|| MemoryLog::new(process_memory().current))
    }

    fn options(&self, terminal: &Terminal) -> Options {
        let execution = &self.plan.execution;
        let workers = self.gate.workers();
        let runner = match execution.parallel {
            Parallel::No | Parallel::Slurm => Runner::Serial,
            Parallel::Subprocess => Runner::Subprocess,
            Parallel::Pool if execution.use_threads => Runner::Threads { workers },
            Parallel::Pool => Runner::Pool { workers },
        };
        Options {
            runner,
            threads: self.gate.threads(),
            command: worker_command(terminal),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            timeout: Some(Duration::from_secs(u64::from(execution.timeout_per_task.0))),
            memory_limit_bytes: Some(execution.memory_limit.0),
            retries: execution.retries.0,
            memory_budget_bytes: Some(self.gate.budget_bytes()),
            min_available_bytes: Some(self.gate.min_available_bytes()),
            // `Follower` has taken what it needs.
            keep_answers: false,
            ..Options::default()
        }
    }
}

/// This program, as a worker. `None` where it does not know where it is, which runners that need it report.
fn worker_command(terminal: &Terminal) -> Option<WorkerCommand> {
    let mut args = vec!["worker".into()];
    args.extend(terminal.talk().as_arguments());
    // The very file that runs here, even if another version has taken its name since.
    let own = Path::new("/proc/self/exe");
    let program = if own.exists() {
        own.to_owned()
    } else {
        std::env::current_exe().ok()?
    };
    Some(WorkerCommand {
        program,
        args,
        envs: Vec::new(),
    })
}
