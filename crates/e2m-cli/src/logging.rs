//! `tracing` events as lines on the terminal.

use crate::args::TalkArgs;
use crate::terminal::Terminal;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

/// The variable that sets what is logged, finer than `-v`.
const VARIABLE: &str = "E2M_LOG";

/// Sends events to the terminal, warnings only unless more is asked for.
pub(crate) fn start(terminal: &Terminal, talk: TalkArgs) {
    let (filter, problem) = filter(talk);
    if let Some(problem) = problem {
        terminal.warn(&problem);
    }
    start_with(filter, talk, terminal.clone());
}

/// The same in a worker process, which has no terminal: what it logs goes along with the messages of its tasks.
pub(crate) fn start_in_worker(talk: TalkArgs) -> LogLines {
    let lines = LogLines::default();
    // What is wrong with the variable has been said by the process that has the terminal.
    start_with(filter(talk).0, talk, lines.clone());
    lines
}

/// What is logged, and what is wrong with the variable that says so.
fn filter(talk: TalkArgs) -> (EnvFilter, Option<String>) {
    let level = match talk.verbose {
        0 => "warn",
        1 => "info",
        2 => "debug",
        _ => "trace",
    };
    let wanted = std::env::var(VARIABLE)
        .ok()
        .filter(|value| !value.trim().is_empty());
    match wanted.map(EnvFilter::try_new) {
        Some(Ok(filter)) => (filter, None),
        Some(Err(error)) => (
            EnvFilter::new(level),
            Some(format!("{VARIABLE} is ignored: {error}")),
        ),
        None => (EnvFilter::new(level), None),
    }
}

fn start_with<W>(filter: EnvFilter, talk: TalkArgs, writer: W)
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(writer)
        .with_target(talk.verbose > 1)
        .with_ansi(false)
        .without_time()
        .finish();
    // Only a second call in the same process could fail, and then the first one stands.
    let _ = tracing::subscriber::set_global_default(subscriber);
    // What a panicking task says is reported as that task's error; where it comes from only to those who ask.
    std::panic::set_hook(Box::new(|panic| tracing::info!("{panic}")));
}

/// Lines of the log that wait to be taken along, in a process that does not own the terminal.
#[derive(Debug, Clone, Default)]
pub(crate) struct LogLines(Arc<Mutex<Vec<u8>>>);

impl LogLines {
    /// What was logged since the last time.
    pub(crate) fn take(&self) -> Option<String> {
        let bytes = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        let text = String::from_utf8_lossy(&bytes);
        (!text.is_empty()).then(|| text.trim_end().to_owned())
    }
}

impl Write for LogLines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for LogLines {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}
