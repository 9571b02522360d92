//! Stage 1: the raw signals on the canvas.

use crate::artifact::Image;
use crate::background::{Done, Lane};
use crate::error::PipelineError;
use crate::output::{ImageFacts, Target};
use crate::stage::Stage;
use crate::workbench::Workbench;
use e2m_image::{Padded, PlaneSource};

/// Both images go to the disk beside the next stage, which does not need them, if they are kept.
pub(crate) fn make(bench: &mut Workbench<'_>) -> Result<(), PipelineError> {
    if !bench.task.keeps(Image::PaddedPost) {
        return Ok(());
    }
    let canvas = bench.task.canvas;
    let target = |image| Target::new(bench.task, image, ImageFacts::default());
    let (post, pre) = (target(Image::PaddedPost)?, target(Image::PaddedPre)?);
    let bands = bench.post.bands()?;
    let what = Image::PaddedPost.writing();
    bench.start(Lane::Writing, Stage::Pad, what, move |tick| {
        let mut padded = Padded::new(bands, canvas)?;
        Ok(Done::checkpoints(post.write(&mut padded, tick)?))
    })?;
    let plane = bench.plane()?;
    let what = Image::PaddedPre.writing();
    bench.start(Lane::Writing, Stage::Pad, what, move |tick| {
        let mut padded = Padded::new(PlaneSource::new(&*plane), canvas)?;
        Ok(Done::checkpoints(pre.write(&mut padded, tick)?))
    })
}
