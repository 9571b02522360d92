//! `e2m BATCH`: runs a batch and shows what happens.

use crate::admission;
use crate::exit::Exit;
use crate::reporter::{ListenOnceAdmitted, Opening, TerminalReporter};
use crate::signals;
use crate::terminal::Terminal;
use e2m_batch::report::RESULTS_NAME;
use e2m_batch::{Environment, Interrupt, Plan, Reporters, StartError};
use std::path::Path;

/// Runs every task of the plan. As JSON the result of the batch is printed, which is that of the file.
pub(crate) fn run(plan: &Plan, json: bool, environment: &Environment, terminal: &Terminal) -> Exit {
    let interrupt = Interrupt::default();
    let mut signals = ListenOnceAdmitted::new(|| signals::listen(&interrupt, terminal));
    let mut shown = TerminalReporter::new(terminal, Opening::Batch);
    let mut reporters = Reporters::new().with(&mut signals).with(&mut shown);
    match e2m_batch::run(plan, environment, &interrupt, &mut reporters) {
        Ok(outcome) => {
            if json {
                print_result(&plan.output_dir, terminal);
            }
            outcome.ending.into()
        }
        Err(error) => {
            match &error {
                StartError::Refused(refused) => admission::show(refused, terminal),
                other => terminal.error(&other.to_string()),
            }
            Exit::from(&error)
        }
    }
}

/// Prints what the run has written to the result of the batch. That it could not be written has been said.
pub(crate) fn print_result(output_dir: &Path, terminal: &Terminal) {
    if let Ok(text) = std::fs::read_to_string(output_dir.join(RESULTS_NAME)) {
        terminal.result(text.trim_end());
    }
}
