//! The pair on the canvas, band by band.

use crate::error::PipelineError;
use crate::resume::Results;
use crate::stage::Stage;
use crate::workbench::Workbench;
use e2m_image::{BandError, BandSource, Padded, Plane, Size, WarpedPlane, default_band_rows};
use e2m_io::CheckpointReader;
use e2m_resources::return_memory;
use ndarray::{Array2, ArrayView2, s};
use std::ops::ControlFlow;
use std::sync::Arc;

/// Pairs of bands that are in memory: one is read while the other is visited.
const BUFFERS: usize = 2;

/// Calls `visit` with the first row and the bands of post and of aligned pre on the canvas, top to bottom, each of the shape
/// `(rows, canvas width)`. The next pair is read meanwhile.
pub(super) fn for_each_pair(
    bench: &mut Workbench<'_>,
    before: &Results,
    (stage, what): (Stage, &'static str),
    visit: impl FnMut(usize, ArrayView2<'_, f32>, ArrayView2<'_, f32>) -> Result<(), BandError> + Send,
) -> Result<(), PipelineError> {
    // What went on before has left holes in the heaps that bands and writers do not fit.
    return_memory();
    let task = bench.task;
    let size = task.canvas.size();
    let mut plane = None;
    let mut aligned = open_aligned(bench, before, stage, &mut plane)?;
    let mut post = Padded::new(bench.post.bands()?, task.canvas)?;
    let messages = &mut bench.messages;
    let rows = default_band_rows(size.width) / BUFFERS;
    walk((&mut post, &mut *aligned), rows, visit, |rows| {
        messages.progress(stage, what, rows, size.height)
    })
}

/// Aligned pre on the canvas, for a stage: the raw plane, which `plane` holds from then on, through the finest warp; or the image of
/// the Python program that stands for it.
pub(crate) fn open_aligned<'p>(
    bench: &mut Workbench<'_>,
    before: &Results,
    stage: Stage,
    plane: &'p mut Option<Arc<Plane>>,
) -> Result<Box<dyn BandSource + Send + 'p>, PipelineError> {
    let task = bench.task;
    match (before.legacy_aligned, before.warps.mapping()) {
        (Some(legacy), _) => {
            let path = task.image_path(legacy.image, legacy.format);
            Ok(Box::new(CheckpointReader::open(&path)?))
        }
        (None, Some(mapping)) => {
            let plane = plane.insert(bench.plane()?);
            Ok(Box::new(WarpedPlane::new(&**plane, task.canvas, mapping)))
        }
        (None, None) => {
            let needs = Stage::Coarse;
            Err(PipelineError::MissingStage { stage, needs })
        }
    }
}

/// A band of post and of aligned pre.
struct Pair {
    first_row: usize,
    rows: usize,
    post: Array2<f32>,
    aligned: Array2<f32>,
}

impl Pair {
    fn new(rows: usize, width: usize) -> Self {
        Self {
            first_row: 0,
            rows: 0,
            post: Array2::zeros((rows, width)),
            aligned: Array2::zeros((rows, width)),
        }
    }

    /// The rows from `first_row` on; none below the image.
    fn read(
        &mut self,
        first_row: usize,
        size: Size,
        post: &mut dyn BandSource,
        aligned: &mut dyn BandSource,
    ) -> Result<(), BandError> {
        self.first_row = first_row;
        self.rows = self
            .post
            .nrows()
            .min(size.height - first_row.min(size.height));
        if self.rows == 0 {
            return Ok(());
        }
        let rows = s![..self.rows, ..];
        post.read_band(first_row, self.post.slice_mut(rows))?;
        aligned.read_band(first_row, self.aligned.slice_mut(rows))
    }
}

/// Reads both sources, which are of one size, `band_rows` at a time. `visit` gets a pair on the caller's pool of threads while
/// the next one is read there; `on_band` is told the rows done, on the calling thread, and may stop it.
fn walk(
    (post, aligned): (&mut (dyn BandSource + Send), &mut (dyn BandSource + Send)),
    band_rows: usize,
    mut visit: impl FnMut(usize, ArrayView2<'_, f32>, ArrayView2<'_, f32>) -> Result<(), BandError>
    + Send,
    mut on_band: impl FnMut(usize) -> ControlFlow<()>,
) -> Result<(), PipelineError> {
    let size = post.size();
    let band_rows = band_rows.clamp(1, size.height.max(1));
    let mut pair = Pair::new(band_rows, size.width);
    let mut next = Pair::new(band_rows, size.width);
    pair.read(0, size, post, aligned)?;
    while pair.rows > 0 {
        let done = pair.first_row + pair.rows;
        let rows = s![..pair.rows, ..];
        let (visited, read) = rayon::join(
            || {
                visit(
                    pair.first_row,
                    pair.post.slice(rows),
                    pair.aligned.slice(rows),
                )
            },
            || next.read(done, size, &mut *post, &mut *aligned),
        );
        visited?;
        read?;
        if on_band(done).is_break() {
            return Err(PipelineError::Interrupted);
        }
        std::mem::swap(&mut pair, &mut next);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use e2m_image::PlaneSource;
    use std::panic::{AssertUnwindSafe, catch_unwind};

    /// Fails when it is asked for this row.
    struct Broken {
        size: Size,
        at: usize,
    }

    impl BandSource for Broken {
        fn size(&self) -> Size {
            self.size
        }

        fn read_band(
            &mut self,
            first_row: usize,
            band: ndarray::ArrayViewMut2<'_, f32>,
        ) -> Result<(), BandError> {
            if (first_row..first_row + band.nrows()).contains(&self.at) {
                return Err(BandError::other(std::io::Error::other("unreadable")));
            }
            Ok(())
        }
    }

    const SIZE: Size = Size::new(7, 50);

    fn image(factor: f32) -> Array2<f32> {
        Array2::from_shape_fn(SIZE.shape(), |(y, x)| factor * (10 * y + x) as f32)
    }

    #[test]
    fn every_row_comes_once_and_in_order_whatever_the_height_of_a_band() {
        let (a, b) = (image(1.0), image(2.0));
        for band_rows in [0, 1, 2, 7, 25, 50, 90] {
            let (mut seen, mut told) = (Vec::new(), Vec::new());
            walk(
                (
                    &mut PlaneSource::new(a.view()),
                    &mut PlaneSource::new(b.view()),
                ),
                band_rows,
                |first_row, post, aligned| {
                    assert_eq!(post.dim(), aligned.dim());
                    for (i, (post, aligned)) in
                        post.rows().into_iter().zip(aligned.rows()).enumerate()
                    {
                        assert_eq!(post, a.row(first_row + i));
                        assert_eq!(aligned, b.row(first_row + i));
                        seen.push(first_row + i);
                    }
                    Ok(())
                },
                |rows| {
                    told.push(rows);
                    ControlFlow::Continue(())
                },
            )
            .expect("walks");
            assert_eq!(seen, (0..50).collect::<Vec<_>>(), "{band_rows}");
            assert_eq!(told.last(), Some(&50));
        }
    }

    #[test]
    fn whatever_stops_it_in_the_middle_is_told_and_nothing_hangs() {
        let (a, b) = (image(1.0), image(2.0));
        let sources = || (PlaneSource::new(a.view()), PlaneSource::new(b.view()));
        let go_on = |_| ControlFlow::Continue(());
        // The user.
        let (mut post, mut aligned) = sources();
        let stopped = walk(
            (&mut post, &mut aligned),
            1,
            |_, _, _| Ok(()),
            |rows| {
                if rows < 20 {
                    ControlFlow::Continue(())
                } else {
                    ControlFlow::Break(())
                }
            },
        );
        assert!(matches!(stopped, Err(PipelineError::Interrupted)));
        // What is done with the bands: a full disk.
        let (mut post, mut aligned) = sources();
        let full = |first_row, _: ArrayView2<'_, f32>, _: ArrayView2<'_, f32>| match first_row {
            20 => Err(BandError::other(std::io::Error::other("no space"))),
            _ => Ok(()),
        };
        let error = walk((&mut post, &mut aligned), 1, full, go_on).expect_err("no space");
        assert!(error.to_string().contains("no space"), "{error}");
        // Either source.
        let mut broken = Broken { size: SIZE, at: 20 };
        let (mut post, _) = sources();
        let mut visited = 0;
        let count = |_, band: ArrayView2<'_, f32>, _: ArrayView2<'_, f32>| {
            visited += band.nrows();
            Ok(())
        };
        let error = walk((&mut post, &mut broken), 3, count, go_on).expect_err("unreadable");
        assert!(error.to_string().contains("unreadable"), "{error}");
        assert_eq!(visited, 18);
        // A defect.
        let (mut post, mut aligned) = sources();
        let panicked = catch_unwind(AssertUnwindSafe(|| {
            let defect = |first_row, _: ArrayView2<'_, f32>, _: ArrayView2<'_, f32>| {
                assert!(first_row < 20, "a defect");
                Ok(())
            };
            walk((&mut post, &mut aligned), 1, defect, go_on)
        }));
        assert!(panicked.is_err());
    }
}
