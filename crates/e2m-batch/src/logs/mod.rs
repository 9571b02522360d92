//! The two logs that every run of a batch appends to in the output folder; `running` reads back what is being done.
//!
//! | file | module | for whom |
//! |---|---|---|
//! | `.exo2micro_run_log.txt` | `run_log` | people: a line for whatever happened |
//! | `events.jsonl` | `event_log` | other programs: a JSON object for whatever happened |

pub(crate) mod event_log;
pub(crate) mod run_log;
pub(crate) mod running;

pub use event_log::{EventLog, facts_of};
pub use run_log::RunLog;
pub use running::Running;

/// Name of the run log.
pub const RUN_LOG_NAME: &str = run_log::NAME;
/// Name of the log of events.
pub const EVENT_LOG_NAME: &str = event_log::NAME;
