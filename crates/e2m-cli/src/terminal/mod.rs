//! The terminal: the only place in which something is printed.
//!
//! Results go to standard output, everything said on the way to standard error. A reader that closes its end early
//! (`| head`) stops nothing.

mod bars;
mod lines;
mod reading;
mod show;

pub(crate) use reading::Reading;
pub(crate) use show::{Show, TaskEnd};

use crate::args::TalkArgs;
use e2m_batch::Forecast;
use indicatif::MultiProgress;
use std::io::{self, IsTerminal, Write};
use tracing_subscriber::fmt::MakeWriter;

/// Where words go.
#[derive(Debug, Clone)]
pub(crate) struct Terminal {
    /// Progress bars, where standard error is a terminal; other lines appear above them.
    bars: Option<MultiProgress>,
    talk: TalkArgs,
}

impl Terminal {
    /// Finds out what standard error is.
    pub(crate) fn new(talk: TalkArgs) -> Self {
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        let bars = (io::stderr().is_terminal() && !dumb && !talk.quiet).then(MultiProgress::new);
        Self { bars, talk }
    }

    /// One without bars, whatever standard error is.
    pub(crate) fn plain(talk: TalkArgs) -> Self {
        Self { bars: None, talk }
    }

    /// How tasks are shown while they run.
    pub(crate) fn show(&self, forecast: Forecast) -> Box<dyn Show> {
        match &self.bars {
            Some(bars) => Box::new(bars::Bars::new(self.clone(), bars.clone(), forecast)),
            None => Box::new(lines::Lines::new(self.clone(), forecast)),
        }
    }

    /// Shows how far it is with reading so many bytes, until it is dropped.
    pub(crate) fn reading(&self, bytes: u64) -> Reading {
        Reading::new(self.clone(), self.bars.as_ref(), bytes)
    }

    /// Something on the way that a quiet run leaves out.
    pub(crate) fn say(&self, line: &str) {
        if !self.talk.quiet {
            self.stderr(line);
        }
    }

    /// Something to know, which does not stop the run.
    pub(crate) fn warn(&self, line: &str) {
        self.stderr(&format!("warning: {line}"));
    }

    /// Lines of the log, as they are.
    pub(crate) fn log(&self, text: &str) {
        self.stderr(text);
    }

    /// Why the run ends here.
    pub(crate) fn error(&self, text: &str) {
        self.stderr(&format!("error: {text}"));
    }

    /// Something that is wrong with a result; said even by a quiet run.
    pub(crate) fn problem(&self, text: &str) {
        self.stderr(text);
    }

    /// A result.
    pub(crate) fn result(&self, text: &str) {
        self.apart(|| write_line(&mut io::stdout(), text));
    }

    /// A result that a quiet run leaves out.
    pub(crate) fn summary(&self, text: &str) {
        if !self.talk.quiet {
            self.result(text);
        }
    }

    fn stderr(&self, text: &str) {
        self.apart(|| write_line(&mut io::stderr(), text));
    }

    /// Does something to the terminal while the bars are away.
    fn apart<R>(&self, write: impl FnOnce() -> R) -> R {
        match &self.bars {
            Some(bars) => bars.suspend(write),
            None => write(),
        }
    }
}

/// Nobody may be listening any more, which is no reason to stop.
fn write_line(stream: &mut dyn Write, text: &str) {
    let _ = writeln!(stream, "{text}").and_then(|()| stream.flush());
}

/// Log lines, above the bars.
impl<'a> MakeWriter<'a> for Terminal {
    type Writer = LogLine;

    fn make_writer(&'a self) -> LogLine {
        LogLine(self.clone())
    }
}

/// One log line.
#[derive(Debug)]
pub(crate) struct LogLine(Terminal);

impl Write for LogLine {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0
            .apart(|| io::stderr().write_all(bytes))
            .map(|()| bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}
