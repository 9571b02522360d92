//! What a program hands in of its surroundings. This crate reads no environment itself.

use e2m_resources::{Machine, Variables};
use e2m_schedule::WorkerCommand;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Environment variables and programs, as the caller wants them to be seen.
///
/// The default has neither: limits come from the system alone, tasks run in this process, and nothing can be submitted to a
/// cluster. A program gives what it has:
///
/// ```
/// use e2m_batch::Environment;
///
/// let environment = Environment::new(std::env::vars_os()).with_program("/usr/bin/e2m");
/// assert_eq!(environment.get("A_VARIABLE_THAT_IS_NOT_SET"), None);
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Environment {
    variables: BTreeMap<OsString, OsString>,
    program: Option<PathBuf>,
    worker: Option<WorkerCommand>,
}

impl Environment {
    /// With these variables: `E2M_MEMORY`, `E2M_CPUS`, `E2M_MAX_WORKERS` and what SLURM sets in a job are looked at.
    pub fn new(variables: impl IntoIterator<Item = (OsString, OsString)>) -> Self {
        Self {
            variables: variables.into_iter().collect(),
            ..Self::default()
        }
    }

    /// The same with the program `e2m`, which jobs of a cluster call.
    #[must_use]
    pub fn with_program(mut self, program: impl Into<PathBuf>) -> Self {
        self.program = Some(program.into());
        self
    }

    /// The same with the program that runs tasks in processes of their own; it has to call [`serve_tasks`](crate::serve_tasks).
    #[must_use]
    pub fn with_worker(mut self, worker: WorkerCommand) -> Self {
        self.worker = Some(worker);
        self
    }

    /// The value of a variable; one that is empty, or no UTF-8, counts as not set.
    pub fn get(&self, name: &str) -> Option<String> {
        let value = self.variables.get(std::ffi::OsStr::new(name))?;
        value
            .to_str()
            .filter(|value| !value.is_empty())
            .map(str::to_owned)
    }

    /// The variables for e2m-resources.
    pub fn variables(&self) -> Variables {
        let text = |value: &OsString| value.to_string_lossy().into_owned();
        let pairs = self.variables.iter();
        Variables::new(pairs.map(|(name, value)| (text(name), text(value))))
    }

    /// The limits of this machine, and of this process in it.
    pub fn machine(&self) -> Machine {
        Machine::detect(&self.variables())
    }

    /// Whether a variable is there, whatever it holds.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.variables.contains_key(std::ffi::OsStr::new(name))
    }

    /// The names of all variables.
    pub(crate) fn names(&self) -> impl Iterator<Item = &OsString> {
        self.variables.keys()
    }

    /// The program that jobs call.
    pub(crate) fn program(&self) -> Option<&Path> {
        self.program.as_deref()
    }

    /// How a worker process is started.
    pub(crate) fn worker(&self) -> Option<&WorkerCommand> {
        self.worker.as_ref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_variable_is_not_set() {
        let environment =
            Environment::new([("A".into(), "1".into()), ("B".into(), OsString::new())]);
        assert_eq!(environment.get("A").as_deref(), Some("1"));
        assert_eq!((environment.get("B"), environment.has("B")), (None, true));
        assert_eq!(environment.variables().get("A"), Some("1"));
    }
}
