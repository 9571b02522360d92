//! Writing images.

use crate::artifact::{Image, images_of};
use crate::background::Tick;
use crate::context::TaskContext;
use crate::error::PipelineError;
use crate::history::relative_path;
use crate::manifest::CheckpointRecord;
use crate::names::{Header, ScaleKind};
use crate::stage::Stage;
use crate::task::KeptCheckpoints;
use e2m_image::{BandSink, BandSource, Deformation, Size, Warp, default_band_rows, stream_bands};
use e2m_io::{
    CheckpointCompression, CheckpointFormat, CheckpointWriter, Facts, FileIdentity, FlagsWriter,
    TaskPaths, WrittenCheckpoint,
};
use e2m_scale::Subtraction;
use std::path::PathBuf;

/// What the header of an image says about it, besides whose it is and how its task is run.
#[derive(Debug, Clone, Default)]
pub(crate) struct ImageFacts {
    pub(crate) warp: Option<Warp>,
    /// What is added to where the warp sends a pixel.
    pub(crate) deformation: Option<Deformation>,
    /// The largest and the median displacement of a local correction, px.
    pub(crate) local: Option<(f64, f64)>,
    pub(crate) scale: Option<(Subtraction, ScaleKind)>,
    /// Accuracy estimate in px and levels completed, of stage 3.
    pub(crate) interior: Option<(f64, usize)>,
}

/// One image to be written, by whichever thread.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    paths: TaskPaths,
    compression: CheckpointCompression,
    /// Where it is under construction, if not beside its places.
    scratch: Option<PathBuf>,
    /// Its place in each format.
    places: Vec<(CheckpointFormat, PathBuf)>,
    facts: Facts,
}

impl Target {
    /// An image of the task in the formats it is written in, with `facts` in its header.
    pub(crate) fn new(
        task: &TaskContext<'_>,
        image: Image,
        facts: ImageFacts,
    ) -> Result<Self, PipelineError> {
        let spec = task.spec;
        let header = Header {
            sample: &spec.sample,
            dye: &spec.dye,
            image,
            params: &spec.params,
            scale: facts.scale,
            interior: facts.interior,
            local: facts.local,
            warp: facts.warp,
        };
        let listed = images_of(
            image.stage(),
            &spec.params,
            spec.checkpoint_format,
            KeptCheckpoints::All,
        )
        .into_iter();
        let formats = listed
            .filter(|(listed, _)| *listed == image)
            .flat_map(|(_, artifact)| artifact.checkpoint_formats());
        Ok(Self {
            paths: task.paths.clone(),
            compression: spec.checkpoint_compression,
            scratch: task.scratch.map(ToOwned::to_owned),
            places: formats
                .map(|format| (format, task.image_path(image, format)))
                .collect(),
            facts: described(header.facts()?, task, image)?,
        })
    }

    /// Opens the writers, one per format.
    pub(crate) fn open(&self, size: Size) -> Result<Vec<CheckpointWriter>, PipelineError> {
        let create = |(format, path): &(CheckpointFormat, PathBuf)| {
            let (facts, compression) = (&self.facts, self.compression);
            let writer = match &self.scratch {
                None => CheckpointWriter::create(path, size, facts, *format, compression),
                Some(scratch) => CheckpointWriter::create_in_scratch(
                    scratch,
                    path,
                    size,
                    facts,
                    *format,
                    compression,
                ),
            };
            writer.map_err(PipelineError::from)
        };
        self.places.iter().map(create).collect()
    }

    /// Opens the writers of a mask, one per format.
    pub(crate) fn open_flags(&self, size: Size) -> Result<Vec<FlagsWriter>, PipelineError> {
        let create = |(format, path): &(CheckpointFormat, PathBuf)| {
            FlagsWriter::create(path, self.scratch.as_deref(), size, &self.facts, *format)
                .map_err(PipelineError::from)
        };
        self.places.iter().map(create).collect()
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

/// What the header says besides for whoever opens the image elsewhere: what its pixels are, which row is first, how large a pixel is,
/// and from which files it was made.
fn described(
    mut facts: Facts,
    task: &TaskContext<'_>,
    image: Image,
) -> Result<Facts, PipelineError> {
    let unit = match image {
        Image::Mask => None,
        Image::Significance => Some("sigma"),
        _ => Some("count"),
    };
    if let Some(unit) = unit {
        facts.set("BUNIT", unit, "Unit of the pixels")?;
    }
    facts.set(
        "ROWORDER",
        "TOP-DOWN",
        "The first row is the top of the image",
    )?;
    for (key, path, comment) in [
        ("POSTFILE", &task.spec.post, "Raw image after staining"),
        ("PREFILE", &task.spec.pre, "Raw image before staining"),
    ] {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        facts.set(key, &*name, comment)?;
    }
    // An image of an earlier stage is that of several values of the parameter.
    let asked_for = (image.named_by() >= Stage::Difference)
        .then_some(task.spec.params.pixel_size_um)
        .flatten();
    if let Some(um) = asked_for.map(|um| [um, um]).or(task.um_per_px) {
        facts.set_um_per_px(um)?;
    }
    Ok(facts)
}

/// Finishes writers and records what they wrote.
pub(crate) fn finish(
    paths: &TaskPaths,
    writers: Vec<CheckpointWriter>,
) -> Result<Vec<CheckpointRecord>, PipelineError> {
    let finish = |writer: CheckpointWriter| record_of(paths, &writer.finish()?);
    writers.into_iter().map(finish).collect()
}

/// The same of the writers of a mask.
pub(crate) fn finish_flags(
    paths: &TaskPaths,
    writers: Vec<FlagsWriter>,
) -> Result<Vec<CheckpointRecord>, PipelineError> {
    let finish = |writer: FlagsWriter| record_of(paths, &writer.finish()?);
    writers.into_iter().map(finish).collect()
}

fn record_of(
    paths: &TaskPaths,
    written: &WrittenCheckpoint,
) -> Result<CheckpointRecord, PipelineError> {
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
}
