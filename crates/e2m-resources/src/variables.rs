//! Environment variables as the caller hands them in. This crate never reads the environment itself.

use std::collections::BTreeMap;
use std::fmt;

/// A limit of the memory e2m may use: bytes, or a size such as `8GB`.
pub const MEMORY_VARIABLE: &str = "E2M_MEMORY";
/// A limit of the processors e2m may use.
pub const CPUS_VARIABLE: &str = "E2M_CPUS";
/// The most workers that `n_workers = "auto"` may choose.
pub const MAX_WORKERS_VARIABLE: &str = "E2M_MAX_WORKERS";

/// A set of environment variables.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Variables(BTreeMap<String, String>);

impl Variables {
    /// From names and values; of a name that comes twice, the last value counts.
    pub fn new<N: Into<String>, V: Into<String>>(
        variables: impl IntoIterator<Item = (N, V)>,
    ) -> Self {
        let pairs = variables.into_iter();
        Self(pairs.map(|(n, v)| (n.into(), v.into())).collect())
    }

    /// The value without surrounding spaces; a variable that is empty counts as not set.
    pub fn get(&self, name: &str) -> Option<&str> {
        let value = self.0.get(name)?.trim();
        (!value.is_empty()).then_some(value)
    }

    /// A value that `read` understands, or a note that it does not.
    pub(crate) fn read<T>(
        &self,
        name: &'static str,
        expected: &'static str,
        notes: &mut Vec<MachineNote>,
        read: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        let value = self.get(name)?;
        let understood = read(value);
        if understood.is_none() {
            notes.push(MachineNote::Malformed {
                variable: name,
                value: value.to_owned(),
                expected,
            });
        }
        understood
    }

    /// A whole number of at least 1.
    pub(crate) fn count(&self, name: &'static str, notes: &mut Vec<MachineNote>) -> Option<usize> {
        self.read(name, "a whole number of at least 1", notes, |value| {
            value.parse().ok().filter(|count| *count >= 1)
        })
    }
}

/// Something about the machine that could not be used as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum MachineNote {
    /// A variable whose value makes no sense; it is ignored.
    Malformed {
        /// Its name.
        variable: &'static str,
        /// What it holds.
        value: String,
        /// What it should hold.
        expected: &'static str,
    },
    /// The system does not tell how much memory there is; only declared limits count.
    MemoryUnknown,
}

impl fmt::Display for MachineNote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed {
                variable,
                value,
                expected,
            } => write!(
                f,
                "{variable} is ignored: it holds \"{value}\", and {expected} was expected"
            ),
            Self::MemoryUnknown => write!(
                f,
                "this system does not tell how much memory it has; set {MEMORY_VARIABLE}, for example to 8GB"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_counts_as_not_set_and_nonsense_is_noted() {
        let variables = Variables::new([("A", " 3 "), ("B", ""), ("C", "many"), ("D", "0")]);
        let mut notes = Vec::new();
        assert_eq!(variables.count("A", &mut notes), Some(3));
        assert_eq!(variables.count("B", &mut notes), None);
        assert_eq!(notes, []);
        assert_eq!(variables.count("C", &mut notes), None);
        assert_eq!(variables.count("D", &mut notes), None);
        assert_eq!(
            notes[0].to_string(),
            "C is ignored: it holds \"many\", and a whole number of at least 1 was expected"
        );
        assert_eq!(notes.len(), 2);
    }
}
