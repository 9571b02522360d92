//! What the admission check says, on the terminal.

use crate::terminal::Terminal;
use e2m_batch::Admission;
use e2m_resources::FitLevel;

/// Says it.
pub(crate) fn show(admission: &Admission, terminal: &Terminal) {
    if let Some(lowered) = admission.lowered() {
        terminal.say(lowered);
    }
    show_fit(admission, terminal);
}

/// Says what is wrong, and nothing where it fits.
pub(crate) fn show_trouble(admission: &Admission, terminal: &Terminal) {
    if !matches!(
        admission.preflight().level(),
        FitLevel::Fine | FitLevel::PlanOnly
    ) {
        show_fit(admission, terminal);
    }
}

/// Says it where no watchdog will run.
pub(crate) fn show_fit(admission: &Admission, terminal: &Terminal) {
    for note in admission.notes() {
        terminal.warn(note);
    }
    let text = admission.preflight().to_string();
    match admission.preflight().level() {
        _ if text.is_empty() => {}
        FitLevel::Refused => terminal.error(&text),
        // It says itself that it is a warning.
        FitLevel::Tight => terminal.problem(&text),
        FitLevel::Fine | FitLevel::PlanOnly => terminal.say(&text),
    }
}
