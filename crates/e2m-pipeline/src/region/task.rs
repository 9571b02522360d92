//! A task opened by its record.

use super::blur;
use super::error::RegionError;
use super::images::StageImage;
use super::place::{self, ObjectPlace, Region};
use super::source::Source;
use crate::alignment_record::WorstTile;
use crate::artifact::{Image, Table};
use crate::history::relative_path;
use crate::manifest::{InputRecord, Manifest};
use crate::params::{Params, suffix};
use crate::results::{NoResult, ResultFile, stored_file};
use crate::stage::Stage;
use crate::verify::RecordedTask;
use e2m_image::{Canvas, Mapping, Size};
use e2m_io::{CheckpointReader, FileIdentity, PixelKind, RawBands, RawImage, TaskPaths};
use ndarray::{Array2, s};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// Pixels that are read at a time where they are reduced.
const PIXELS_AT_A_TIME: usize = 16 << 20;

/// The images of a task, as its record has them.
#[derive(Debug)]
pub struct TaskImages {
    paths: TaskPaths,
    manifest: Manifest,
    /// Post and pre, where they are now.
    raw: [PathBuf; 2],
}

/// Where pixels came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PixelOrigin {
    /// From the image's own file.
    Checkpoint(PathBuf),
    /// From the raw file: the image's own was not kept.
    Raw(PathBuf),
}

/// Pixels of a region.
#[derive(Debug, Clone, PartialEq)]
pub struct RegionPixels {
    /// Shape `(rows, columns)`, both divided by the step and rounded up.
    pub pixels: Array2<f32>,
    /// Where they came from.
    pub origin: PixelOrigin,
    /// What is wrong with a file that would have been taken first, in a sentence for people.
    pub passed_over: Option<String>,
}

/// What an image is read from.
struct Opened {
    source: Source,
    origin: PixelOrigin,
    passed_over: Option<String>,
}

impl Opened {
    fn new(source: Source, origin: PixelOrigin) -> Self {
        Self {
            source,
            origin,
            passed_over: None,
        }
    }
}

impl TaskImages {
    /// Opens a task by the record of the parameters of its batch, or the only record of a task that no batch has.
    ///
    /// # Errors
    /// A task that has not run, or only with other parameters; a record that cannot be used.
    pub fn open(task: &RecordedTask) -> Result<Self, RegionError> {
        let paths = TaskPaths::new(&task.output_dir, &task.sample, &task.dye)?;
        let name = || format!("{}/{}", task.sample, task.dye);
        let there = manifests_in(paths.dir());
        let wanted = task
            .params
            .as_ref()
            .map(|params| manifest_of(&paths, params));
        let path = match (wanted, &*there) {
            (_, []) => {
                let dir = paths.dir().to_owned();
                return Err(RegionError::NotRun { task: name(), dir });
            }
            (Some(path), _) if there.contains(&path) => path,
            (None, [only]) => only.clone(),
            (Some(_) | None, _) => {
                return Err(RegionError::OtherParameters {
                    task: name(),
                    dir: paths.dir().to_owned(),
                    there: there.iter().map(|path| file_name(path)).collect(),
                });
            }
        };
        let manifest = Manifest::open(&path)?;
        let raw = task.raw.clone().unwrap_or_else(|| {
            [&manifest.inputs.post, &manifest.inputs.pre].map(|input| PathBuf::from(&input.path))
        });
        Ok(Self {
            paths,
            manifest,
            raw,
        })
    }

    /// The record.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The folder of the task.
    pub fn dir(&self) -> &Path {
        self.paths.dir()
    }

    /// The raw files that what was not kept is made again from: post, then pre.
    pub fn raw_files(&self) -> [&Path; 2] {
        [&self.raw[0], &self.raw[1]]
    }

    /// The size of every image.
    pub fn canvas(&self) -> Size {
        self.manifest.canvas.size()
    }

    /// Micrometres per pixel of post along x and y, as asked for or as its file says.
    pub fn um_per_px(&self) -> Option<[f64; 2]> {
        let asked_for = self.manifest.params.pixel_size_um.map(|um| [um, um]);
        asked_for.or(self.manifest.inputs.post.pixel_size.map(|size| size.um))
    }

    /// Where an object of the catalogue lies.
    ///
    /// # Errors
    /// No catalogue, or no such object in it.
    pub fn object(&self, id: u64) -> Result<ObjectPlace, RegionError> {
        let path = Table::Microbes.path(&self.paths, &self.manifest.params);
        let name = relative_path(self.paths.dir(), &path);
        if !self.manifest.tables.iter().any(|table| table.path == name) {
            let why = "stage 5 was not done";
            return Err(RegionError::NoCatalogue { why });
        }
        if !path.exists() {
            let why = "its file is gone";
            return Err(RegionError::NoCatalogue { why });
        }
        place::object(&path, id)
    }

    /// The tile on which the alignment leaves most, on the canvas.
    ///
    /// # Errors
    /// Where no tile was measured, or by a version that did not record it.
    pub fn worst_tile(&self) -> Result<WorstTile, RegionError> {
        let alignment = self.manifest.alignment.as_ref();
        let why = match alignment {
            None => "stage 3 was not done",
            Some(alignment) => match (alignment.worst_tile, &alignment.residual) {
                (Some(tile), _) => return Ok(tile),
                (None, None) => "no tile could be measured",
                (None, Some(_)) => {
                    "it was made by a version that did not write down where they lie"
                }
            },
        };
        Err(RegionError::NoTile { why })
    }

    /// The pixels of an image within a region, every `step` x `step` of them as one: their mean, or all flags of a mask together.
    /// What is not a number has no part in a mean. A step of 1 gives the pixels as they are.
    ///
    /// Pixels that are made again from a raw file through a warp are those of the file that was not kept, to within the rounding of
    /// their coordinates to 2^-32 px.
    ///
    /// # Errors
    /// A region that is not on the canvas; an image that the task has not made, or that was not kept and cannot be made again; a
    /// file that is not what is on record.
    pub fn read(
        &self,
        image: StageImage,
        region: Region,
        step: usize,
    ) -> Result<RegionPixels, RegionError> {
        let canvas = self.canvas();
        let [right, bottom] = region.end();
        if region.size().pixels() == 0 || right > canvas.width || bottom > canvas.height {
            return Err(RegionError::Outside { canvas });
        }
        let Opened {
            mut source,
            origin,
            passed_over,
        } = self.open_image(image)?;
        let step = step.max(1);
        if step == 1 {
            let mut pixels = Array2::zeros(region.size().shape());
            source.read(region, pixels.view_mut())?;
            return Ok(RegionPixels {
                pixels,
                origin,
                passed_over,
            });
        }
        let join = if image == StageImage::Mask {
            all_flags
        } else {
            mean
        };
        let shape = (region.height.div_ceil(step), region.width.div_ceil(step));
        let mut pixels = Array2::zeros(shape);
        let lines = (PIXELS_AT_A_TIME / (step * region.width)).max(1);
        for first in (0..shape.0).step_by(lines) {
            let last = (first + lines).min(shape.0);
            let band = Region {
                y: region.y + first * step,
                height: (last * step).min(region.height) - first * step,
                ..region
            };
            let mut rows = Array2::zeros(band.size().shape());
            source.read(band, rows.view_mut())?;
            for ((y, x), out) in pixels.slice_mut(s![first..last, ..]).indexed_iter_mut() {
                let rows_of = y * step..((y + 1) * step).min(band.height);
                let columns_of = x * step..((x + 1) * step).min(band.width);
                *out = join(rows.slice(s![rows_of, columns_of]).iter());
            }
        }
        Ok(RegionPixels {
            pixels,
            origin,
            passed_over,
        })
    }

    /// The pixels of an image within a region under a Gaussian of `sigma` px, which sees beyond the region's edges.
    ///
    /// # Errors
    /// As [`TaskImages::read`].
    pub fn read_blurred(
        &self,
        image: StageImage,
        region: Region,
        sigma: f64,
    ) -> Result<RegionPixels, RegionError> {
        if !(sigma.is_finite() && sigma > 0.0) || image == StageImage::Mask {
            return self.read(image, region, 1);
        }
        let wide = region.widened(blur::blur_reach_px(sigma), self.canvas());
        let read = self.read(image, wide, 1)?;
        let (x, y) = (region.x - wide.x, region.y - wide.y);
        let own = s![y..y + region.height, x..x + region.width];
        let pixels = blur::blurred(read.pixels.view(), sigma);
        Ok(RegionPixels {
            pixels: pixels.slice(own).to_owned(),
            ..read
        })
    }

    /// Where the pixels of an image come from.
    fn open_image(&self, image: StageImage) -> Result<Opened, RegionError> {
        let not_made = |why: String| RegionError::NotMade { image, why };
        let params = &self.manifest.params;
        let stored = image.stored(params).ok_or_else(|| {
            not_made("no parameter of the batch asks for such a scale".to_owned())
        })?;
        let gone = match stored_file(&self.paths, &self.manifest, stored) {
            Ok(file) => return self.open_stored(&file, stored.pixels()),
            Err(NoResult::OtherLength { path, .. }) => {
                let how = "is not as long as it was written";
                return Err(RegionError::Changed { path, how });
            }
            Err(NoResult::Gone(path)) => Some(path),
            Err(
                NoResult::NotAskedFor(_)
                | NoResult::NotKept(_)
                | NoResult::NoBetter
                | NoResult::NotMade(_),
            ) => None,
        };
        let canvas = self.manifest.canvas;
        if let (StageImage::AlignedPre, Some(legacy)) = (image, &self.manifest.legacy_aligned) {
            let path = self.paths.dir().join(&legacy.path);
            let reader = CheckpointReader::open(&path)?;
            let source = Source::Stored(Box::new(reader));
            return Ok(Opened::new(source, PixelOrigin::Checkpoint(path)));
        }
        let warps = &self.manifest.warps;
        let mapping = match stored {
            Image::PaddedPost => return self.open_placed(image, 0, canvas),
            Image::PaddedPre => return self.open_placed(image, 1, canvas),
            Image::CoarsePre => warps.coarse.map(Mapping::from),
            Image::IcpPre => warps.icp.map(Mapping::from),
            Image::InteriorPre if image == StageImage::AlignedPre => warps.mapping(),
            Image::InteriorPre => warps.interior.and(warps.mapping()),
            Image::Difference(_) | Image::DifferenceField | Image::Mask | Image::Significance => {
                if let Some(path) = gone {
                    let how = "is on record and not there";
                    return Err(RegionError::Changed { path, how });
                }
                return Err(not_made(self.why_not(stored)));
            }
        };
        let mapping = mapping.ok_or_else(|| not_made(self.why_not(stored)))?;
        self.open_warped(image, canvas, mapping)
    }

    /// Why there is no file of an image.
    fn why_not(&self, image: Image) -> String {
        if image == Image::DifferenceField && !self.manifest.scales.has_field() {
            return "it leaves no less background than one scale".to_owned();
        }
        let stage = image.stage();
        let done = self.manifest.stages.iter().any(|done| done.stage == stage);
        if done && !image.is_kept(self.manifest.kept, &self.manifest.params) {
            return "it was not kept; `checkpoints = \"all\"` in the batch file keeps it"
                .to_owned();
        }
        format!(
            "stage {} has not made it (the task is {})",
            stage.number(),
            self.manifest.status
        )
    }

    fn open_stored(&self, file: &ResultFile, kind: PixelKind) -> Result<Opened, RegionError> {
        let path = file.path.clone();
        let reader = CheckpointReader::open_as(&path, kind)?;
        if e2m_image::BandSource::size(&reader) != self.canvas() {
            let how = "does not have the size of the canvas";
            return Err(RegionError::Changed { path, how });
        }
        let missing = file.instead_of.as_ref();
        Ok(Opened {
            passed_over: missing.and_then(|why| why.passed_over(&path)),
            source: Source::Stored(Box::new(reader)),
            origin: PixelOrigin::Checkpoint(path),
        })
    }

    fn open_placed(
        &self,
        image: StageImage,
        which: usize,
        canvas: Canvas,
    ) -> Result<Opened, RegionError> {
        let source = Source::Placed(self.open_raw(image, which)?, canvas);
        let origin = PixelOrigin::Raw(self.raw[which].clone());
        Ok(Opened::new(source, origin))
    }

    fn open_warped(
        &self,
        image: StageImage,
        canvas: Canvas,
        mapping: Mapping,
    ) -> Result<Opened, RegionError> {
        let source = Source::Warped(self.open_raw(image, 1)?, canvas, Box::new(mapping));
        let origin = PixelOrigin::Raw(self.raw[1].clone());
        Ok(Opened::new(source, origin))
    }

    /// The signal of post (0) or pre (1), if the file is the one on record.
    fn open_raw(&self, image: StageImage, which: usize) -> Result<RawBands, RegionError> {
        let path = &self.raw[which];
        let params = &self.manifest.params;
        let inputs = &self.manifest.inputs;
        let record: &InputRecord = [&inputs.post, &inputs.pre][which];
        let changed = |how| RegionError::RawChanged {
            image,
            path: path.clone(),
            how,
        };
        match FileIdentity::of(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return Err(changed("is not there"));
            }
            Ok(now) if (now.bytes, &now.modified) != (record.bytes, &record.modified) => {
                return Err(changed("was changed since"));
            }
            Ok(_) | Err(_) => {}
        }
        let mut raw = RawImage::open_page(path, params.pages()[which], params.channels()[which])?;
        Ok(raw.bands(&record.channels)?)
    }
}

/// The mean of what is a number.
fn mean(pixels: ndarray::iter::Iter<'_, f32, ndarray::Ix2>) -> f32 {
    let numbers = pixels.filter(|v| !v.is_nan());
    let (sum, count) = numbers.fold((0.0, 0u32), |(sum, count), &v| {
        (sum + f64::from(v), count + 1)
    });
    (sum / f64::from(count)) as f32
}

/// All flags that any of them has.
fn all_flags(pixels: ndarray::iter::Iter<'_, f32, ndarray::Ix2>) -> f32 {
    f32::from(pixels.fold(0u8, |flags, &v| flags | v as u8))
}

fn manifest_of(paths: &TaskPaths, params: &Params) -> PathBuf {
    paths.manifest_path(&suffix(params, Stage::LAST))
}

/// Every `e2m_task*.json` of a folder, by name. A folder that is not there has none.
fn manifests_in(dir: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
    let mut paths: Vec<PathBuf> = entries
        .map(|entry| entry.path())
        .filter(|path| {
            let name = file_name(path);
            name.starts_with("e2m_task") && name.ends_with(".json")
        })
        .collect();
    paths.sort();
    paths
}

fn file_name(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}
