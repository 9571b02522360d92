//! Writing checkpoints, and telling how far it is.

use crate::error::PipelineError;
use crate::history::relative_path;
use crate::manifest::CheckpointRecord;
use crate::observer::{Event, Observer};
use e2m_image::{BandSink, BandSource, default_band_rows, stream_bands};
use e2m_io::{
    CheckpointCompression, CheckpointFormat, CheckpointWriter, Facts, FileIdentity, TaskPaths,
};
use std::ops::ControlFlow;

/// Where a task's files go.
pub(crate) struct Output<'a> {
    pub(crate) paths: TaskPaths,
    pub(crate) compression: CheckpointCompression,
    pub(crate) observer: &'a mut dyn Observer,
}

/// One checkpoint to be written.
pub(crate) struct Target<'a> {
    pub(crate) stem: &'a str,
    pub(crate) suffix: &'a str,
    pub(crate) facts: &'a Facts,
    pub(crate) formats: &'a [CheckpointFormat],
}

impl Output<'_> {
    /// Opens the writers of a checkpoint, one per format.
    pub(crate) fn open(
        &self,
        size: e2m_image::Size,
        target: &Target<'_>,
    ) -> Result<Vec<CheckpointWriter>, PipelineError> {
        let create = |&format: &CheckpointFormat| {
            let path = self
                .paths
                .checkpoint_path(format, target.stem, target.suffix);
            CheckpointWriter::create(&path, size, target.facts, format, self.compression)
                .map_err(PipelineError::from)
        };
        target.formats.iter().map(create).collect()
    }

    /// Finishes writers and records what they wrote.
    pub(crate) fn finish(
        &self,
        writers: Vec<CheckpointWriter>,
    ) -> Result<Vec<CheckpointRecord>, PipelineError> {
        let record = |writer: CheckpointWriter| {
            let written = writer.finish()?;
            let identity = FileIdentity::of(&written.path)
                .map_err(PipelineError::io(&written.path, "looking at it"))?;
            Ok(CheckpointRecord {
                path: relative_path(self.paths.dir(), &written.path),
                bytes: written.bytes,
                modified: identity.modified,
                hash: written.hash,
            })
        };
        writers.into_iter().map(record).collect()
    }

    /// Streams `source` into a checkpoint.
    pub(crate) fn write(
        &mut self,
        stage: u8,
        target: &Target<'_>,
        source: &mut dyn BandSource,
    ) -> Result<Vec<CheckpointRecord>, PipelineError> {
        let mut writers = self.open(source.size(), target)?;
        let mut sinks: Vec<&mut dyn BandSink> =
            writers.iter_mut().map(|w| w as &mut dyn BandSink).collect();
        self.stream(stage, target_name(target.stem), source, &mut sinks)?;
        self.finish(writers)
    }

    /// Streams `source` into `sinks`, telling the observer and asking whether to stop after each band.
    pub(crate) fn stream(
        &mut self,
        stage: u8,
        what: &'static str,
        source: &mut dyn BandSource,
        sinks: &mut [&mut dyn BandSink],
    ) -> Result<(), PipelineError> {
        let size = source.size();
        let observer = &mut *self.observer;
        stream_bands(source, sinks, default_band_rows(size.width), |rows| {
            tell(
                observer,
                Event::Progress {
                    stage,
                    what,
                    rows,
                    of: size.height,
                },
            )
        })?;
        Ok(())
    }
}

/// Tells an event and asks whether to go on.
pub(crate) fn tell(observer: &mut dyn Observer, event: Event) -> ControlFlow<()> {
    observer.on_event(&event);
    if observer.should_stop() {
        ControlFlow::Break(())
    } else {
        ControlFlow::Continue(())
    }
}

/// What is being done, for the progress line.
fn target_name(stem: &str) -> &'static str {
    match stem {
        crate::names::PADDED_POST => "writing padded post",
        crate::names::PADDED_PRE => "writing padded pre",
        crate::names::COARSE_PRE | crate::names::ICP_PRE => "writing coarsely aligned pre",
        crate::names::INTERIOR_PRE => "writing aligned pre",
        _ => "writing",
    }
}
