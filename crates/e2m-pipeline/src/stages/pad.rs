//! Stage 1: the raw signals on the canvas.

use crate::artifact::Image;
use crate::background::{Done, Lane};
use crate::doubts::Side;
use crate::error::PipelineError;
use crate::manifest::InputRecord;
use crate::output::{ImageFacts, Target};
use crate::stage::Stage;
use crate::workbench::Workbench;
use e2m_image::{Padded, PlaneSource};

/// Both images go to the disk beside the next stage, which does not need them, if they are kept.
pub(crate) fn make(bench: &mut Workbench<'_>) -> Result<(), PipelineError> {
    for (side, remarks) in [
        (Side::Post, bench.post.remarks().to_vec()),
        (Side::Pre, bench.pre.remarks().to_vec()),
    ] {
        for remark in remarks {
            let text = format!("the {side} file: {remark}");
            bench.messages.keep_note(Stage::Pad, text);
        }
    }
    if let Some(text) = sizes_that_differ(bench) {
        bench.messages.keep_note(Stage::Pad, text);
    }
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

/// Pixels of post and pre that differ by more than this share are of different size.
const SAME_SIZE: f64 = 0.01;

/// That pixels of post and pre are of different size, by what their files say.
fn sizes_that_differ(bench: &Workbench<'_>) -> Option<String> {
    let um = |record: &InputRecord| record.pixel_size.map(|size| size.um);
    let (post, pre) = (um(&bench.post.record)?, um(&bench.pre.record)?);
    let differs = (0..2).any(|axis| (post[axis] / pre[axis] - 1.0).abs() > SAME_SIZE);
    differs.then(|| {
        format!(
            "a pixel is {:.4} x {:.4} um in post and {:.4} x {:.4} um in pre, by what the files say: pre should appear {:.3} times as \
             large as post",
            post[0],
            post[1],
            pre[0],
            pre[1],
            post[0] / pre[0]
        )
    })
}
