//! The report of a batch: one page of HTML with everything in it.

mod embed;
mod href;
mod model;
mod text;
mod view;
mod writer;

pub use model::{
    Comparison, ReportFile, ReportHead, ReportPicture, ReportProblem, ReportRow, ReportScale,
    ReportStage, ReportStatus, ReportVerdict, TaskSection,
};
pub use writer::{ReportError, ReportWriter, write_report};
