//! Whether everything on record is still as it was written. Reads it all, writes nothing.
//!
//! `subject` settles which tasks, `reading` reads their files with all processors, `outcome` is what came of it,
//! `remedy` and `json` say it. What is compared with what is decided in `e2m_pipeline::Inventory`.

mod exports;
mod json;
mod outcome;
mod reading;
mod remedy;
mod subject;

pub use json::document;
pub use outcome::{FileCount, VerifiedBatch, VerifiedTask, VerifyEnding};
pub use reading::{ReadProgress, verify};
pub use remedy::remedy;
pub use subject::VerifySubject;
