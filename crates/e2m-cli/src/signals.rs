//! Ctrl-C and the wish of others that the program ends.

use crate::exit::Exit;
use crate::terminal::Terminal;
use e2m_schedule::Interrupt;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

/// From now on the first SIGINT or SIGTERM raises `interrupt`, and the second one ends the process at once. SIGHUP is left
/// alone, so that what was started with `nohup` goes on.
pub(crate) fn listen(interrupt: &Interrupt, terminal: &Terminal) {
    let mut signals = match Signals::new([SIGINT, SIGTERM]) {
        Ok(signals) => signals,
        Err(error) => {
            tracing::warn!(%error, "Ctrl-C will stop at once, because it cannot be listened for");
            return;
        }
    };
    let (interrupt, terminal) = (interrupt.clone(), terminal.clone());
    std::thread::spawn(move || {
        for _ in signals.forever() {
            if interrupt.is_raised() {
                // No result is at stake: half-written files have temporary names, which the next run removes.
                signal_hook::low_level::exit(i32::from(Exit::Interrupted.code()));
            }
            interrupt.raise();
            terminal.say("stopping after the rows at hand; Ctrl-C again stops at once");
        }
    });
}
