//! The diagnostic pictures of a task: from what the stages know to files in `pipeline_output`.

mod alignment;
mod detection;
mod difference;

pub(crate) use alignment::{draw_coarse, draw_comparison_of, draw_residual};
pub(crate) use detection::{CloseUps, Crops, Gallery, draw_detection};
pub(crate) use difference::{Counted, draw_counted, draw_difference_images};

use crate::artifact::Picture;
use crate::background::{Done, Lane};
use crate::context::TaskContext;
use crate::error::PipelineError;
use crate::manifest::PictureRecord;
use crate::workbench::Workbench;
use e2m_io::write_atomic;
use e2m_plot::{PlotError, Title};
use std::path::PathBuf;

/// Copies a picture that another run of the task has drawn under the name `from`, below the task's folder.
pub(crate) fn copy(
    task: &TaskContext<'_>,
    picture: Picture,
    from: &str,
) -> Result<PictureRecord, PipelineError> {
    let from = task.paths.dir().join(from);
    let bytes = std::fs::read(&from).map_err(PipelineError::io(&from, "copying the picture"))?;
    PictureTarget::new(task, picture).write(&bytes)
}

fn title(bench: &Workbench<'_>) -> Title {
    let spec = &bench.task.spec;
    Title {
        sample: spec.sample.clone(),
        dye: spec.dye.clone(),
        um_per_px: bench.um_per_px(),
    }
}

/// Where a picture goes, and what the manifest says of it.
#[derive(Debug, Clone)]
struct PictureTarget {
    stem: String,
    path: PathBuf,
    record: PictureRecord,
}

impl PictureTarget {
    fn new(task: &TaskContext<'_>, picture: Picture) -> Self {
        let (paths, params) = (&task.paths, &task.spec.params);
        Self {
            stem: picture.stem(),
            path: picture.path(paths, params),
            record: picture.record(paths, params),
        }
    }

    fn write(self, bytes: &[u8]) -> Result<PictureRecord, PipelineError> {
        write_atomic(&self.path, bytes)?;
        Ok(self.record)
    }

    fn failed(&self) -> impl FnOnce(PlotError) -> PipelineError + use<> {
        let stem = self.stem.clone();
        move |source| PipelineError::Plot { stem, source }
    }
}

/// Draws a picture while the stages go on.
fn draw(
    bench: &mut Workbench<'_>,
    picture: Picture,
    drawn: impl FnOnce() -> Result<Vec<u8>, PlotError> + Send + 'static,
) -> Result<(), PipelineError> {
    let target = PictureTarget::new(bench.task, picture);
    bench.start(Lane::Drawing, picture.stage(), "drawing", move |_| {
        let bytes = match stand_in() {
            Some(bytes) => bytes,
            None => drawn().map_err(target.failed())?,
        };
        Ok(Done {
            pictures: vec![target.write(&bytes)?],
            ..Done::default()
        })
    })
}

/// Drawing changes nothing on a disk and takes most of the time of a small task: where thousands of runs are killed, a
/// picture of one pixel stands for each.
#[cfg(feature = "fault-injection")]
fn stand_in() -> Option<Vec<u8>> {
    let png = [
        0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0x00, 0x00, 0x00, 0x0d, 0x49, 0x48, 0x44,
        0x52, 0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x01, 0x08, 0x00, 0x00, 0x00, 0x00, 0x3a,
        0x7e, 0x9b, 0x55, 0x00, 0x00, 0x00, 0x0a, 0x49, 0x44, 0x41, 0x54, 0x78, 0x9c, 0x63, 0x68,
        0x00, 0x00, 0x00, 0x82, 0x00, 0x81, 0x77, 0xcd, 0x72, 0xb6, 0x00, 0x00, 0x00, 0x00, 0x49,
        0x45, 0x4e, 0x44, 0xae, 0x42, 0x60, 0x82,
    ];
    e2m_io::fault::is_armed().then(|| png.to_vec())
}

#[cfg(not(feature = "fault-injection"))]
fn stand_in() -> Option<Vec<u8>> {
    None
}
