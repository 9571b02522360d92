//! One task in this process, on its own: what `e2m task` and a job of a cluster run.
//!
//! Its own folder is all that is written to: results of the batch, logs and the report are nobody's here, as any number of
//! such tasks may run at the same time on one output_dir.

use crate::args::UnitArgs;
use crate::exit::Exit;
use crate::forecast::Forecast;
use crate::gate::Gate;
use crate::human;
use crate::look::look;
use crate::machine;
use crate::plan::{Plan, PlanError};
use crate::report::BatchReport;
use crate::report::results::TaskResult;
use crate::run::{check_output_dir, tell, until_the_end, use_threads};
use crate::signals;
use crate::task_name;
use crate::task_size::TaskSize;
use crate::terminal::{Show, TaskView, Terminal};
use e2m_io::Scratch;
use e2m_pipeline::{Event, Observer, Outlook, TaskOutcome, TaskSpec, remove_leftovers};
use e2m_schedule::Interrupt;
use jiff::Zoned;
use serde_json::{Value, json};

/// The layout of the line of JSON.
const SCHEMA: u32 = 1;

/// `e2m task`: runs it and says how it ended.
pub(crate) fn run(args: &UnitArgs, plan: Result<Plan, PlanError>, terminal: &Terminal) -> Exit {
    let (exit, result) = match plan
        .map_err(Refusal::from)
        .and_then(|plan| only_task(args, plan))
    {
        Ok(plan) => perform(&plan, terminal),
        Err(refusal) => (refusal.exit, Err(refusal.why)),
    };
    if let Err(why) = &result {
        terminal.error(why);
    }
    if args.json {
        terminal.result(&line(args, exit, &result).to_string());
    }
    exit
}

/// Why a task is not run: the batch file, the raw images, this machine or the output folder.
pub(crate) struct Refusal {
    pub(crate) exit: Exit,
    pub(crate) why: String,
}

impl From<PlanError> for Refusal {
    fn from(error: PlanError) -> Self {
        Self {
            exit: error.exit(),
            why: error.to_string(),
        }
    }
}

/// The plan, if it is one of a single task.
fn only_task(args: &UnitArgs, plan: Plan) -> Result<Plan, Refusal> {
    let (sample, dye) = (&args.sample, &args.dye);
    match (plan.tasks.as_slice(), plan.missing.first()) {
        ([_], None) => Ok(plan),
        ([], Some(missing)) => Err(Refusal {
            exit: Exit::RawFiles,
            why: format!("there is no pair to run: {missing}"),
        }),
        (tasks, _) => Err(Refusal {
            exit: Exit::BadInput,
            why: format!(
                "--sample {sample} --dye {dye} are {}; name one sample and one dye",
                human::count(tasks.len(), "task")
            ),
        }),
    }
}

fn perform(plan: &Plan, terminal: &Terminal) -> (Exit, Result<TaskResult, String>) {
    let interrupt = Interrupt::default();
    signals::listen(&interrupt, terminal);
    for warning in &plan.warnings {
        terminal.warn(warning);
    }
    let unit = match Unit::prepare(plan, terminal) {
        Ok(unit) => unit,
        Err(refusal) => return (refusal.exit, Err(refusal.why)),
    };
    let outcome = unit.run(&interrupt, None, terminal);
    let result = TaskResult::of(unit.task(), Some(&outcome), &plan.output_dir);
    let exit = exit_of(plan, &result, interrupt.is_raised());
    (exit, Ok(result))
}

/// The exit code of a batch that is this task.
pub(crate) fn exit_of(plan: &Plan, result: &TaskResult, interrupted: bool) -> Exit {
    let report = BatchReport {
        plan,
        results: vec![result.clone()],
        started: Zoned::now(),
        seconds: 0.0,
        interrupted,
    };
    report.exit()
}

/// How it ended, for other programs: what is in `e2m_batch.json` about a task, and what there is only here.
fn line(args: &UnitArgs, exit: Exit, result: &Result<TaskResult, String>) -> Value {
    let mut line = json!({
        "schema": SCHEMA,
        "version": env!("CARGO_PKG_VERSION"),
        "exit_code": exit.code(),
    });
    let facts = match result {
        Ok(result) => {
            let mut facts = serde_json::to_value(result).unwrap_or_default();
            facts["notes"] = json!(result.notes);
            facts
        }
        Err(why) => json!({
            "sample": args.sample,
            "dye": args.dye,
            "status": format!("error: {why}"),
        }),
    };
    if let (Value::Object(line), Value::Object(facts)) = (&mut line, facts) {
        line.extend(facts);
    }
    line
}

/// The one task of a plan, for which this machine has been found good enough.
pub(crate) struct Unit<'a> {
    plan: &'a Plan,
    outlook: Option<Outlook>,
    threads: usize,
}

impl<'a> Unit<'a> {
    /// Looks whether the machine has what the task needs.
    pub(crate) fn prepare(plan: &'a Plan, terminal: &Terminal) -> Result<Self, Refusal> {
        let machine = machine::detect();
        for task in &plan.tasks {
            if let Err(error) = remove_leftovers(task) {
                tracing::info!(%error, "left-over files stay");
            }
        }
        let mut outlooks = look(plan);
        let gate = Gate::of(plan, &outlooks, &machine);
        if gate.refuses() {
            return Err(Refusal {
                exit: Exit::Refused,
                why: gate.refusal(),
            });
        }
        gate.tell_trouble(terminal);
        check_output_dir(&plan.output_dir).map_err(|why| Refusal {
            exit: Exit::BadInput,
            why,
        })?;
        Ok(Self {
            plan,
            outlook: outlooks.pop().and_then(Result::ok),
            threads: gate.threads(),
        })
    }

    /// The task.
    pub(crate) fn task(&self) -> &TaskSpec {
        &self.plan.tasks[0]
    }

    /// What it will still write, bytes.
    pub(crate) fn disk_bytes(&self) -> u64 {
        self.outlook
            .as_ref()
            .map_or(0, |outlook| outlook.disk_bytes)
    }

    /// Runs it to its end, by way of a scratch folder where there is one.
    pub(crate) fn run(
        &self,
        interrupt: &Interrupt,
        scratch: Option<&Scratch>,
        terminal: &Terminal,
    ) -> TaskOutcome {
        use_threads(self.threads);
        let size = self.outlook.as_ref().map(TaskSize::of);
        let pixels = size.as_ref().map(TaskSize::canvas_pixels);
        let view = TaskView {
            index: 0,
            of: 1,
            name: task_name(self.task()),
            size,
        };
        let mut watcher = Watcher {
            show: terminal.show(Forecast::new(&[pixels], 1)),
            view: &view,
            interrupt,
        };
        watcher.show.task_started(&view);
        let outcome = until_the_end(self.task(), scratch.map(Scratch::folder), &mut watcher);
        let result = TaskResult::of(self.task(), Some(&outcome), &self.plan.output_dir);
        tell(&mut *watcher.show, &view, &result);
        outcome
    }
}

/// Shows the task, and stops it when it is to end.
struct Watcher<'a> {
    show: Box<dyn Show>,
    view: &'a TaskView,
    interrupt: &'a Interrupt,
}

impl Observer for Watcher<'_> {
    fn on_event(&mut self, event: &Event) {
        self.show.event(self.view, event);
    }

    fn should_stop(&self) -> bool {
        self.interrupt.is_raised()
    }
}
