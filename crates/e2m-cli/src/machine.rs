//! The machine, as the environment and the system describe it.

use e2m_resources::{Machine, Variables};

/// Looks at the machine. The only place that reads the environment for it.
pub(crate) fn detect() -> Machine {
    Machine::detect(&variables())
}

/// The environment.
pub(crate) fn variables() -> Variables {
    let text = |value: std::ffi::OsString| value.to_string_lossy().into_owned();
    Variables::new(std::env::vars_os().map(|(name, value)| (text(name), text(value))))
}
