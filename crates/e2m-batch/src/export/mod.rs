//! Images of finished tasks as OME-TIFF or OME-Zarr, for QuPath, Fiji, napari and OMERO.
//!
//! `subject` settles which tasks, `prepared` finds the images of one and says what its file will tell, `writing` writes it,
//! `export_record` beside this folder keeps what was written, `room` asks the disk, `outcome` is what came of it. The file itself is e2m-export's.
//!
//! What is exported is what is on record, whatever the verdict: a file tells its task's status in its OME-XML. An export that
//! would tell the same of the same pixels as one that is there is not made again.

mod outcome;
mod prepared;
mod room;
mod subject;
mod writing;

pub use crate::export_record::ExportFormat;
pub use e2m_export::{Compression, ZarrVersion};
pub use e2m_pipeline::ResultImage;
pub use outcome::{ExportEnding, Exported, ExportedBatch, ExportedTask};
pub use subject::{ExportRequest, ExportSubject, SignedPyramid};
pub use writing::{ExportProgress, export};
