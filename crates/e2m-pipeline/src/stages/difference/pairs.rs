//! The pair on the canvas, band by band.

use crate::error::PipelineError;
use crate::names::ICP_PRE;
use crate::observer::Event;
use crate::output::tell;
use crate::params::suffix;
use crate::run::TaskRun;
use crate::stages::pad::load_pre;
use e2m_image::{BandError, BandSource, Padded, Size, WarpedPlane, default_band_rows};
use e2m_io::CheckpointReader;
use ndarray::{Array2, ArrayView2, s};
use std::ops::ControlFlow;
use std::sync::mpsc::{Receiver, SyncSender, channel, sync_channel};

/// Pairs of bands that exist at a time: one is read while the other is visited.
const BUFFERS: usize = 2;

/// A band of post and of aligned pre.
struct Pair {
    first_row: usize,
    rows: usize,
    post: Array2<f32>,
    aligned: Array2<f32>,
}

/// Calls `visit` with the first row and the bands of post and of aligned pre on the canvas, top to bottom, each of the shape
/// `(rows, canvas width)`. The next pair is read meanwhile.
pub(super) fn for_each_pair(
    run: &mut TaskRun<'_>,
    what: &'static str,
    mut visit: impl FnMut(usize, ArrayView2<'_, f32>, ArrayView2<'_, f32>) -> Result<(), BandError>,
) -> Result<(), PipelineError> {
    if run.foreign_aligned.is_none() {
        load_pre(run)?;
    }
    let size = run.canvas.size();
    let mut post_source = Padded::new(run.post.bands()?, run.canvas)?;
    let mut aligned_source: Box<dyn BandSource + Send + '_> = match (
        run.foreign_aligned,
        run.manifest.warps.finest(),
        &run.pre_plane,
    ) {
        (Some((format, stem)), ..) => {
            let stage = if stem == ICP_PRE { 2 } else { 3 };
            let suffix = suffix(&run.spec.params, stage);
            let path = run.output.paths.checkpoint_path(format, stem, &suffix);
            Box::new(CheckpointReader::open(&path)?)
        }
        (None, Some(warp), Some(plane)) => Box::new(WarpedPlane::new(plane, run.canvas, warp)),
        _ => return Err(PipelineError::MissingStage { stage: 4, needs: 2 }),
    };
    let observer = &mut *run.output.observer;
    let (give, empty) = channel();
    for pair in buffers(size) {
        let _ = give.send(pair);
    }
    let (hand, full) = sync_channel(BUFFERS);
    std::thread::scope(|scope| {
        scope.spawn(move || {
            read_pairs(size, &mut post_source, &mut *aligned_source, &empty, &hand);
        });
        for pair in full {
            let pair = pair?;
            let rows = s![..pair.rows, ..];
            visit(
                pair.first_row,
                pair.post.slice(rows),
                pair.aligned.slice(rows),
            )?;
            let progress = Event::Progress {
                stage: 4,
                what,
                rows: pair.first_row + pair.rows,
                of: size.height,
            };
            if let ControlFlow::Break(()) = tell(observer, progress) {
                return Err(PipelineError::Interrupted);
            }
            // Nobody takes it back after the last pair.
            let _ = give.send(pair);
        }
        Ok(())
    })
}

/// Empty pairs; all of them together hold no more than two bands of the usual height.
fn buffers(size: Size) -> impl Iterator<Item = Pair> {
    let rows = (default_band_rows(size.width) / BUFFERS).clamp(1, size.height.max(1));
    (0..BUFFERS).map(move |_| Pair {
        first_row: 0,
        rows,
        post: Array2::zeros((rows, size.width)),
        aligned: Array2::zeros((rows, size.width)),
    })
}

/// Fills pairs as they come back empty, until all rows are read, one cannot be, or nobody wants more.
fn read_pairs(
    size: Size,
    post: &mut dyn BandSource,
    aligned: &mut dyn BandSource,
    empty: &Receiver<Pair>,
    full: &SyncSender<Result<Pair, BandError>>,
) {
    let mut row = 0;
    while row < size.height {
        let Ok(mut pair) = empty.recv() else {
            return;
        };
        pair.first_row = row;
        pair.rows = pair.post.nrows().min(size.height - row);
        let rows = s![..pair.rows, ..];
        let read = post
            .read_band(row, pair.post.slice_mut(rows))
            .and_then(|()| aligned.read_band(row, pair.aligned.slice_mut(rows)));
        row += pair.rows;
        let failed = read.is_err();
        if full.send(read.map(|()| pair)).is_err() || failed {
            return;
        }
    }
}
