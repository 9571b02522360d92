//! The diagnostic pictures of a task: from what the stages know to files in `pipeline_output`.

mod alignment;
mod difference;

pub(crate) use alignment::{draw_coarse, draw_comparison_of, draw_residual};
pub(crate) use difference::{Counted, draw_counted, draw_difference_images};

use crate::background::{Done, Lane};
use crate::error::PipelineError;
use crate::history::relative_path;
use crate::manifest::{Manifest, PictureRecord};
use crate::names::ScaleKind;
use crate::params::{Params, suffix};
use crate::run::TaskRun;
use crate::stage::Stage;
use crate::stages::difference::kinds;
use e2m_io::{TaskPaths, write_atomic};
use e2m_plot::{PictureKind, PlotError, Title};
use std::path::PathBuf;

/// Post and aligned pre in the same frame, to be compared by eye.
const COMPARISON: [&str; 2] = ["comparison_post", "comparison_aligned_pre"];

/// A picture that a task draws.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Picture {
    /// One that there is one of.
    Plot(PictureKind),
    /// The difference with this scale.
    Difference(ScaleKind),
    /// Post (0) or aligned pre (1) of the comparison.
    Comparison(usize),
}

impl Picture {
    /// The pictures that a stage draws.
    pub(crate) fn of_stage(stage: Stage, params: &Params) -> Vec<Self> {
        let plots: &[PictureKind] = match stage {
            Stage::Pad => &[],
            Stage::Coarse => &[PictureKind::Registration, PictureKind::FineAlignment],
            Stage::Fine => &[PictureKind::RegistrationResidual],
            Stage::Difference => &[
                PictureKind::PrePostHeatmap,
                PictureKind::ExcessHeatmap,
                PictureKind::PrePostHistograms,
                PictureKind::DifferenceHistogram,
                PictureKind::RatioHistogram,
            ],
        };
        let others: Vec<Self> = match stage {
            Stage::Fine => vec![Self::Comparison(0), Self::Comparison(1)],
            Stage::Difference => kinds(params).into_iter().map(Self::Difference).collect(),
            Stage::Pad | Stage::Coarse => Vec::new(),
        };
        plots
            .iter()
            .copied()
            .map(Self::Plot)
            .chain(others)
            .collect()
    }

    /// What it is, and which of several.
    fn kind_and_variant(self) -> (&'static str, String) {
        match self {
            Self::Plot(kind) => (kind.guide().stem, String::new()),
            Self::Difference(scale) => {
                let variant = match scale {
                    ScaleKind::Moffat => String::new(),
                    other => other.label(),
                };
                (PictureKind::DifferenceImage.guide().stem, variant)
            }
            Self::Comparison(which) => (COMPARISON[which.min(1)], String::new()),
        }
    }

    /// Its file name without suffix.
    pub(crate) fn stem(self) -> String {
        match self.kind_and_variant() {
            (kind, variant) if variant.is_empty() => kind.to_owned(),
            (kind, variant) => format!("{kind}_{variant}"),
        }
    }

    fn path(self, paths: &TaskPaths, params: &Params) -> PathBuf {
        // As in the Python program: whatever stage draws it, its name says how the task was run.
        let suffix = suffix(params, Stage::LAST);
        match self {
            Self::Comparison(_) => paths.preview_path(&self.stem(), &suffix),
            _ => paths.plot_path(&self.stem(), &suffix),
        }
    }

    fn record(self, run: &TaskRun<'_>) -> PictureRecord {
        self.record_in(&run.output.paths, &run.spec.params)
    }

    fn record_in(self, paths: &TaskPaths, params: &Params) -> PictureRecord {
        let (kind, variant) = self.kind_and_variant();
        PictureRecord {
            kind: kind.to_owned(),
            variant,
            path: relative_path(paths.dir(), &self.path(paths, params)),
        }
    }
}

/// Notes the pictures of a stage that was skipped, as far as they are there. Those of the Python program are taken where its
/// alignment is.
pub(crate) fn adopt(run: &mut TaskRun<'_>, stage: Stage) {
    for picture in Picture::of_stage(stage, &run.spec.params) {
        let path = picture.path(&run.output.paths, &run.spec.params);
        let foreign = run.foreign_aligned.is_some() && stage < Stage::Difference && path.is_file();
        if foreign || is_there(run, picture, stage) {
            let record = picture.record(run);
            note(run, record);
        }
    }
}

/// Whether a picture is there and shows this alignment of these raw files: its name alone does not tell. Either this run has
/// drawn it, or the run of the same parameters that vouches for it.
fn is_there(run: &TaskRun<'_>, picture: Picture, stage: Stage) -> bool {
    let record = picture.record(run);
    let earlier = run
        .history
        .manifest_for(&run.manifest.inputs, &run.spec.params)
        .filter(|earlier| same_warps(earlier, &run.manifest, stage));
    // Of no use without knowing how large its pixels are.
    let factor = |run: &TaskRun<'_>| run.manifest.alignment.as_ref()?.comparison_factor;
    if matches!(picture, Picture::Comparison(_)) && factor(run).is_none() {
        return false;
    }
    let known = run.manifest.pictures.contains(&record)
        || earlier.is_some_and(|earlier| earlier.pictures.contains(&record));
    known && run.output.paths.dir().join(&record.path).is_file()
}

/// Whether what a stage draws is about the same warps.
fn same_warps(a: &Manifest, b: &Manifest, stage: Stage) -> bool {
    a.warps.icp == b.warps.icp && (stage < Stage::Fine || a.warps.interior == b.warps.interior)
}

/// Adds a picture to the manifest, in place of an older one of the same name.
pub(crate) fn note(run: &mut TaskRun<'_>, record: PictureRecord) {
    let pictures = &mut run.manifest.pictures;
    pictures.retain(|known| known.path != record.path);
    pictures.push(record);
    // In the order of the stages, whichever was finished first.
    let (paths, params) = (&run.output.paths, &run.spec.params);
    let order: Vec<String> = Stage::ALL
        .into_iter()
        .flat_map(|stage| recorded_paths(paths, params, stage))
        .collect();
    let place = |picture: &PictureRecord| order.iter().position(|path| *path == picture.path);
    run.manifest
        .pictures
        .sort_by_key(|picture| place(picture).unwrap_or(order.len()));
}

/// Copies pictures of a stage that are missing from an earlier run that differs in later stages only: they show the same, under
/// another name.
pub(crate) fn take_over(run: &mut TaskRun<'_>, stage: Stage) -> Result<(), PipelineError> {
    let dir = run.output.paths.dir().to_owned();
    for picture in missing(run, stage) {
        let wanted = picture.record(run);
        let alike = run.history.manifests().iter().filter(|m| {
            m.inputs.same_content(&run.manifest.inputs)
                && same_warps(m, &run.manifest, stage)
                && m.params.same_up_to(stage, &run.spec.params)
        });
        let found = alike
            .flat_map(|m| &m.pictures)
            .filter(|p| p.kind == wanted.kind && p.variant == wanted.variant)
            .find_map(|p| std::fs::read(dir.join(&p.path)).ok());
        if let Some(bytes) = found {
            let place = Place::of(run, picture);
            note(run, place.write(&bytes)?);
            run.drew = true;
        }
    }
    Ok(())
}

/// Where the pictures of a stage are, below the task's folder.
pub(crate) fn recorded_paths(paths: &TaskPaths, params: &Params, stage: Stage) -> Vec<String> {
    let pictures = Picture::of_stage(stage, params).into_iter();
    pictures
        .map(|picture| picture.record_in(paths, params).path)
        .collect()
}

/// The pictures of a stage that are not there.
pub(crate) fn missing(run: &TaskRun<'_>, stage: Stage) -> Vec<Picture> {
    let mut pictures = Picture::of_stage(stage, &run.spec.params);
    pictures.retain(|&picture| !is_there(run, picture, stage));
    pictures
}

fn title(run: &TaskRun<'_>) -> Title {
    Title {
        sample: run.spec.sample.clone(),
        dye: run.spec.dye.clone(),
    }
}

/// Where a picture goes, and what the manifest says of it.
#[derive(Debug, Clone)]
struct Place {
    stem: String,
    path: PathBuf,
    record: PictureRecord,
}

impl Place {
    fn of(run: &TaskRun<'_>, picture: Picture) -> Self {
        Self {
            stem: picture.stem(),
            path: picture.path(&run.output.paths, &run.spec.params),
            record: picture.record(run),
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
    run: &mut TaskRun<'_>,
    stage: Stage,
    picture: Picture,
    drawn: impl FnOnce() -> Result<Vec<u8>, PlotError> + Send + 'static,
) -> Result<(), PipelineError> {
    let place = Place::of(run, picture);
    run.drew = true;
    run.start(Lane::Drawing, stage, "drawing", move |_| {
        let bytes = match stand_in() {
            Some(bytes) => bytes,
            None => drawn().map_err(place.failed())?,
        };
        Ok(Done {
            pictures: vec![place.write(&bytes)?],
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
