//! Writing checkpoints, and telling how far it is.

use crate::background::Tick;
use crate::error::PipelineError;
use crate::history::relative_path;
use crate::manifest::CheckpointRecord;
use crate::names::Header;
use crate::observer::{Event, Observer};
use crate::params::suffix;
use crate::stage::Stage;
use e2m_image::{BandSink, BandSource, Size, default_band_rows, stream_bands};
use e2m_io::{
    CheckpointCompression, CheckpointFormat, CheckpointWriter, Facts, FileIdentity, TaskPaths,
};
use std::ops::ControlFlow;
use std::path::PathBuf;

/// Where a task's files go.
pub(crate) struct Output<'a> {
    pub(crate) paths: TaskPaths,
    pub(crate) compression: CheckpointCompression,
    /// Where checkpoints are under construction, if not beside their places.
    pub(crate) scratch: Option<PathBuf>,
    pub(crate) observer: &'a mut dyn Observer,
}

/// One checkpoint to be written, by whichever thread.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    paths: TaskPaths,
    compression: CheckpointCompression,
    scratch: Option<PathBuf>,
    stem: String,
    suffix: String,
    facts: Facts,
    formats: &'static [CheckpointFormat],
}

impl Target {
    /// Opens the writers, one per format.
    pub(crate) fn open(&self, size: Size) -> Result<Vec<CheckpointWriter>, PipelineError> {
        let create = |&format: &CheckpointFormat| {
            let path = self.paths.checkpoint_path(format, &self.stem, &self.suffix);
            let (facts, compression) = (&self.facts, self.compression);
            let writer = match &self.scratch {
                None => CheckpointWriter::create(&path, size, facts, format, compression),
                Some(scratch) => CheckpointWriter::create_by_way_of(
                    scratch,
                    &path,
                    size,
                    facts,
                    format,
                    compression,
                ),
            };
            writer.map_err(PipelineError::from)
        };
        self.formats.iter().map(create).collect()
    }

    /// Streams `source` into the files and gives them their names.
    pub(crate) fn write(
        &self,
        source: &mut dyn BandSource,
        tick: Tick<'_>,
    ) -> Result<Vec<CheckpointRecord>, PipelineError> {
        let size = source.size();
        let mut writers = self.open(size)?;
        let mut sinks: Vec<&mut dyn BandSink> =
            writers.iter_mut().map(|w| w as &mut dyn BandSink).collect();
        stream_bands(source, &mut sinks, default_band_rows(size.width), |rows| {
            tick(rows, size.height)
        })?;
        finish(&self.paths, writers)
    }
}

/// Finishes writers and records what they wrote.
pub(crate) fn finish(
    paths: &TaskPaths,
    writers: Vec<CheckpointWriter>,
) -> Result<Vec<CheckpointRecord>, PipelineError> {
    let record = |writer: CheckpointWriter| {
        let written = writer.finish()?;
        let identity = FileIdentity::of(&written.path)
            .map_err(PipelineError::io(&written.path, "looking at it"))?;
        let record = CheckpointRecord {
            path: relative_path(paths.dir(), &written.path),
            bytes: written.bytes,
            modified: String::new(),
            changed_ns: 0,
            inode: 0,
            hash: written.hash,
        };
        Ok(record.with_identity(identity))
    };
    writers.into_iter().map(record).collect()
}

impl Output<'_> {
    /// A checkpoint in these formats, with `header` in it.
    pub(crate) fn target(
        &self,
        stem: &str,
        header: &Header<'_>,
        formats: &'static [CheckpointFormat],
    ) -> Result<Target, PipelineError> {
        Ok(Target {
            paths: self.paths.clone(),
            compression: self.compression,
            scratch: self.scratch.clone(),
            stem: stem.to_owned(),
            suffix: suffix(header.params, header.stage),
            facts: header.facts()?,
            formats,
        })
    }

    /// Streams `source` into `sinks`, telling the observer and asking whether to stop after each band.
    pub(crate) fn stream(
        &mut self,
        stage: Stage,
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
                    what: what.into(),
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
pub(crate) fn target_name(stem: &str) -> &'static str {
    match stem {
        crate::names::PADDED_POST => "writing padded post",
        crate::names::PADDED_PRE => "writing padded pre",
        crate::names::COARSE_PRE | crate::names::ICP_PRE => "writing coarsely aligned pre",
        crate::names::INTERIOR_PRE => "writing aligned pre",
        _ => "writing",
    }
}
