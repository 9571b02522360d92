//! What the admission check says, on the terminal.

use crate::terminal::Terminal;
use e2m_batch::Admission;
use e2m_resources::Band;

/// Says it.
pub(crate) fn show(admission: &Admission, terminal: &Terminal) {
    if let Some(lowered) = admission.lowered() {
        terminal.say(lowered);
    }
    show_fit(admission, terminal);
}

/// Says what is wrong, and nothing where it fits.
pub(crate) fn show_trouble(admission: &Admission, terminal: &Terminal) {
    if !matches!(admission.preflight().band(), Band::Fine | Band::PlanOnly) {
        show_fit(admission, terminal);
    }
}

/// Says it where no watchdog will run.
pub(crate) fn show_fit(admission: &Admission, terminal: &Terminal) {
    for note in admission.notes() {
        terminal.warn(note);
    }
    let text = admission.preflight().to_string();
    match admission.preflight().band() {
        _ if text.is_empty() => {}
        Band::Refused => terminal.error(&text),
        // It says itself that it is a warning.
        Band::Tight => terminal.problem(&text),
        Band::Fine | Band::PlanOnly => terminal.say(&text),
    }
}
