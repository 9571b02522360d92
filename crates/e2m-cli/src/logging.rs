//! `tracing` events as lines on the terminal.

use crate::args::TalkArgs;
use crate::terminal::Terminal;
use tracing_subscriber::EnvFilter;

/// The variable that sets what is logged, finer than `-v`.
const VARIABLE: &str = "E2M_LOG";

/// Sends events to the terminal, warnings only unless more is asked for.
pub(crate) fn start(terminal: &Terminal, talk: TalkArgs) {
    let level = match talk.verbose {
        0 => "warn",
        1 => "info",
        2 => "debug",
        _ => "trace",
    };
    let wanted = std::env::var(VARIABLE)
        .ok()
        .filter(|value| !value.trim().is_empty());
    let filter = match wanted.map(EnvFilter::try_new) {
        Some(Ok(filter)) => filter,
        Some(Err(error)) => {
            terminal.warn(&format!("{VARIABLE} is ignored: {error}"));
            EnvFilter::new(level)
        }
        None => EnvFilter::new(level),
    };
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(terminal.clone())
        .with_target(talk.verbose > 1)
        .with_ansi(false)
        .without_time()
        .finish();
    // Only a second call in the same process could fail, and then the first one stands.
    let _ = tracing::subscriber::set_global_default(subscriber);
    // What a panicking task says is told as that task's error; the place it comes from only to those who ask.
    std::panic::set_hook(Box::new(|panic| tracing::info!("{panic}")));
}
