//! Whether what the manifests say of a task's files is still true: for `e2m verify`. Reads everything, writes nothing.
//!
//! [`Inventory::of`] reads the manifests of a task, lists its folders and finds what shows without reading files; what
//! remains are [`RecordedFile`]s, each to be read by [`Inventory::verify`], several at a time and in any order.
//! [`Finding`]s say what is not as it should be; what to do about it is for the caller to say, who knows the batch.
//!
//! | module | what it does |
//! |---|---|
//! | `inventory` | which files are on record, and which are there besides |
//! | `records` | the manifests, those of other parameters and unreadable ones too |
//! | `checkpoint`, `raw`, `picture` | reads one file and compares it with its records |
//! | `finding` | what can be found |
//! | `watched` | reading that can be watched and stopped |
//!
//! How it differs from what a run does (`history`): a run asks for the files of one set of parameters and believes lengths
//! and times; this asks for every file on record and believes nothing but content.

mod checkpoint;
mod finding;
mod inventory;
mod picture;
mod raw;
mod records;
mod watched;

pub use finding::{Fault, FileKind, Finding, Severity};
pub use inventory::{Inventory, RecordedFile, RecordedTask};
pub use watched::ReadWatch;
