//! A broken rule.

use std::fmt;
use std::path::PathBuf;

/// A broken rule: where, what, and what to do about it.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Finding {
    pub(super) path: PathBuf,
    pub(super) line: Option<usize>,
    pub(super) message: String,
}

impl Finding {
    pub(super) fn in_file(path: impl Into<PathBuf>, message: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            line: None,
            message: message.into(),
        }
    }

    pub(super) fn at_line(
        path: impl Into<PathBuf>,
        line: usize,
        message: impl Into<String>,
    ) -> Self {
        Self {
            path: path.into(),
            line: Some(line),
            message: message.into(),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.path.display())?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        write!(f, ": {}", self.message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_reads_as_file_line_and_message() {
        let finding = Finding::at_line("crates/a/src/lib.rs", 7, "prints; emit a tracing event");
        assert_eq!(
            finding.to_string(),
            "crates/a/src/lib.rs:7: prints; emit a tracing event"
        );
    }
}
