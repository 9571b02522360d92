//! `e2m BATCH`: runs a batch and shows what happens.

use crate::admission;
use crate::exit::Exit;
use crate::reporter::{ListenOnceAdmitted, Opening, TerminalReporter};
use crate::signals;
use crate::terminal::Terminal;
use e2m_batch::{Environment, Interrupt, Plan, Reporters, StartError};

/// Runs every task of the plan.
pub(crate) fn run(plan: &Plan, environment: &Environment, terminal: &Terminal) -> Exit {
    let interrupt = Interrupt::default();
    let mut signals = ListenOnceAdmitted::new(|| signals::listen(&interrupt, terminal));
    let mut shown = TerminalReporter::new(terminal, Opening::Batch);
    let mut reporters = Reporters::new().with(&mut signals).with(&mut shown);
    match e2m_batch::run(plan, environment, &interrupt, &mut reporters) {
        Ok(outcome) => outcome.ending.into(),
        Err(error) => {
            match &error {
                StartError::Refused(refused) => admission::show(refused, terminal),
                other => terminal.error(&other.to_string()),
            }
            Exit::from(&error)
        }
    }
}
