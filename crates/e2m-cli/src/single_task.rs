//! `e2m task`: one task in this process, on its own.

use crate::args::SingleTaskArgs;
use crate::exit::Exit;
use crate::reporter::{Opening, TerminalReporter};
use crate::signals;
use crate::terminal::Terminal;
use e2m_batch::{
    Environment, Interrupt, NotOneTask, Plan, PlanError, SingleTask, TaskResult, ending_of,
    only_task,
};
use serde_json::{Value, json};

/// The layout of the line of JSON.
const SCHEMA: u32 = 1;

/// Runs it and says how it ended.
pub(crate) fn run(
    args: &SingleTaskArgs,
    plan: Result<Plan, PlanError>,
    environment: &Environment,
    terminal: &Terminal,
) -> Exit {
    let (exit, result) = match settled(args, plan) {
        Ok(plan) => perform(&plan, environment, terminal),
        Err((exit, why)) => (exit, Err(why)),
    };
    if let Err(why) = &result {
        terminal.error(why);
    }
    if args.json {
        terminal.result(&line(args, exit, &result).to_string());
    }
    exit
}

/// The plan, if it is one of a single task; otherwise what is wrong.
fn settled(args: &SingleTaskArgs, plan: Result<Plan, PlanError>) -> Result<Plan, (Exit, String)> {
    let plan = plan.map_err(|error| (Exit::from(&error), error.to_string()))?;
    only_task(plan, &args.sample, &args.dye).map_err(|error| {
        let exit = match error {
            NotOneTask::Missing(_) => Exit::RawFiles,
            NotOneTask::Several { .. } => Exit::BadInput,
        };
        (exit, error.to_string())
    })
}

fn perform(
    plan: &Plan,
    environment: &Environment,
    terminal: &Terminal,
) -> (Exit, Result<TaskResult, String>) {
    let interrupt = Interrupt::default();
    signals::listen(&interrupt, terminal);
    for warning in &plan.warnings {
        terminal.warn(warning);
    }
    let mut reporter = TerminalReporter::new(terminal, Opening::SingleTask);
    let task = &plan.tasks[0];
    let single = match SingleTask::prepare(plan, task, environment, &mut reporter) {
        Ok(single) => single,
        Err(error) => return (Exit::from(&error), Err(error.to_string())),
    };
    let outcome = single.run(&interrupt, None, &mut reporter);
    let result = TaskResult::of(task, &outcome, &plan.output_dir);
    let exit = ending_of(plan, &result, interrupt.is_raised()).into();
    (exit, Ok(result))
}

/// How it ended, for other programs: what is in `e2m_batch.json` about a task, and what there is only here.
fn line(args: &SingleTaskArgs, exit: Exit, result: &Result<TaskResult, String>) -> Value {
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
