//! `e2m verify`: whether everything on record is still as it was written. Reads it all, writes nothing.
//!
//! [`subject`] settles which tasks, [`reading`] reads their files with all processors, [`outcome`] is what came of it,
//! [`text`], [`remedy`] and [`json`] say it. What is compared with what is decided in `e2m_pipeline::Inventory`.

mod json;
mod outcome;
mod reading;
mod remedy;
mod subject;
mod text;

pub(crate) use subject::Subject;

use crate::exit::Exit;
use crate::signals;
use crate::terminal::Terminal;
use e2m_schedule::Interrupt;

/// Verifies every task and says what was found.
pub(crate) fn verify(subject: &Subject, as_json: bool, terminal: &Terminal) -> Exit {
    let interrupt = Interrupt::default();
    signals::listen(&interrupt, terminal);
    let outcome = reading::read(subject, &interrupt, terminal);
    if as_json {
        terminal.result(&json::document(subject, &outcome));
    } else {
        text::tell(subject, &outcome, terminal);
    }
    outcome.exit(subject)
}
