//! The report of a batch: one page of HTML with everything in it, or of many tasks an index and pages.

mod embed;
mod href;
mod model;
mod narrow;
mod pages;
mod palette;
mod text;
mod view;
mod writer;

pub use model::{
    Comparison, ReportFile, ReportHead, ReportPicture, ReportProblem, ReportRow, ReportScale,
    ReportStage, ReportStatus, ReportVerdict, TaskSection,
};
pub use pages::{Pages, ReportPage, TASKS_PER_PAGE, page_name};
pub use writer::{ReportError, ReportWriter, write_report, write_report_index, write_report_page};
