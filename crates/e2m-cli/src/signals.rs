//! Ctrl-C and the wish of others that the program ends.

use crate::exit::Exit;
use crate::terminal::Terminal;
use e2m_batch::Interrupt;
use e2m_batch::cluster::JobWarning;
use signal_hook::consts::{SIGINT, SIGTERM, SIGUSR1, SIGXFSZ};
use signal_hook::iterator::Signals;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// From now on a file that grows beyond the limit of this process (`ulimit -f`) is an error of the write. Without a handler
/// SIGXFSZ kills the process, whose report would say nothing of it.
pub(crate) fn survive_file_limit() {
    let never_read = Arc::new(AtomicBool::new(false));
    if let Err(error) = signal_hook::flag::register(SIGXFSZ, never_read) {
        tracing::warn!(%error, "a file beyond `ulimit -f` will end the program");
    }
}

/// From now on the first SIGINT or SIGTERM raises `interrupt`, and the second one ends the process at once. SIGHUP is left
/// alone, so that what was started with `nohup` goes on.
pub(crate) fn listen(interrupt: &Interrupt, terminal: &Terminal) {
    let words = "stopping after the rows at hand; Ctrl-C again stops at once";
    listen_saying(interrupt, terminal, words);
}

/// The same, with other words for the first signal.
pub(crate) fn listen_saying(interrupt: &Interrupt, terminal: &Terminal, words: &'static str) {
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
            terminal.say(words);
        }
    });
}

/// The same in a job of a cluster, where SIGUSR1 is the warning that its time is nearly up. Signals that follow the first
/// change nothing: SLURM may send several, and SIGKILL when it means it.
pub(crate) fn listen_in_job(interrupt: &Interrupt, terminal: &Terminal) -> JobWarning {
    let warned = JobWarning::default();
    let mut signals = match Signals::new([SIGINT, SIGTERM, SIGUSR1]) {
        Ok(signals) => signals,
        Err(error) => {
            tracing::warn!(%error, "the warning before the time limit will not be heard");
            return warned;
        }
    };
    let (interrupt, terminal, flag) = (interrupt.clone(), terminal.clone(), warned.clone());
    std::thread::spawn(move || {
        for signal in signals.forever() {
            let first = !interrupt.is_raised();
            if signal == SIGUSR1 && first {
                flag.raise();
            }
            interrupt.raise();
            if first {
                let why = match signal {
                    SIGUSR1 => "SLURM warns that the time of this job is nearly up",
                    _ => "SLURM ends this job",
                };
                terminal.say(&format!(
                    "{why}: stopping after the rows at hand, what is finished stays"
                ));
            }
        }
    });
    warned
}
