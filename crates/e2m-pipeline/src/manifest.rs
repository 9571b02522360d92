//! The manifest: one JSON file per task and set of parameters that says what was made from what, and how well. How it is
//! read and written is in `manifest_file`.

use crate::alignment_record::AlignmentRecord;
use crate::names::ScaleKind;
use crate::params::Params;
use crate::stage::Stage;
use crate::status::Status;
use crate::task::TaskSpec;
use e2m_image::{Canvas, PixelType, Warp};
use e2m_io::{ChannelChoice, ContentHash, FileIdentity};
use e2m_scale::MoffatScale;
use serde::{Deserialize, Serialize};

/// The layout of the file; a reader refuses what it does not know.
pub const SCHEMA: u32 = 1;

/// One task's manifest.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// [`SCHEMA`].
    pub schema: u32,
    /// The version of e2m that wrote it.
    pub version: String,
    /// The sample.
    pub sample: String,
    /// The dye.
    pub dye: String,
    /// How the task ended.
    pub status: Status,
    /// The raw files.
    pub inputs: Inputs,
    /// The canvas.
    pub canvas: Canvas,
    /// All parameters.
    pub params: Params,
    /// Those that differ from their default, by name.
    pub non_default: serde_json::Map<String, serde_json::Value>,
    /// The warps found, post-canvas to pre-canvas pixels.
    pub warps: Warps,
    /// The alignment and what is to be thought of it.
    pub alignment: Option<AlignmentRecord>,
    /// The scales.
    pub scales: Scales,
    /// What was done in each stage.
    pub stages: Vec<StageRecord>,
    /// Memory, expected and used.
    pub memory: MemoryRecord,
    /// The checkpoints that belong to this task and these parameters.
    pub checkpoints: Vec<CheckpointRecord>,
    /// The finished image of the Python program that stands for aligned pre, if one does.
    #[serde(default, rename = "foreign_aligned")]
    pub legacy_aligned: Option<LegacyRecord>,
    /// The pictures of the stages that were done or taken over.
    #[serde(default)]
    pub pictures: Vec<PictureRecord>,
}

impl Manifest {
    /// That of a task of which no stage is done.
    pub(crate) fn begun(
        spec: &TaskSpec,
        inputs: Inputs,
        canvas: Canvas,
        memory: MemoryRecord,
    ) -> Self {
        let non_default = spec.params.non_default(Stage::LAST);
        let non_default = non_default.map(|(spec, value)| {
            let value = serde_json::to_value(value).unwrap_or_default();
            (spec.name.to_owned(), value)
        });
        Self {
            schema: SCHEMA,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            sample: spec.sample.clone(),
            dye: spec.dye.clone(),
            status: Status::Incomplete("no stage is done".to_owned()),
            inputs,
            canvas,
            params: spec.params.clone(),
            non_default: non_default.collect(),
            warps: Warps::default(),
            alignment: None,
            scales: Scales::default(),
            stages: Vec::new(),
            memory,
            checkpoints: Vec::new(),
            legacy_aligned: None,
            pictures: Vec::new(),
        }
    }
}

/// Both raw files.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Inputs {
    /// After staining.
    pub post: InputRecord,
    /// Before staining.
    pub pre: InputRecord,
}

impl Inputs {
    /// Whether both were made from the same content.
    pub fn same_content(&self, other: &Self) -> bool {
        self.post.hash == other.post.hash && self.pre.hash == other.pre.hash
    }
}

/// One raw file as it was when it was read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct InputRecord {
    /// Where it was.
    pub path: String,
    /// Its length.
    pub bytes: u64,
    /// When its content was last changed, RFC 3339.
    pub modified: String,
    /// When content or metadata were last changed, nanoseconds since 1970; unlike `modified` it cannot be set by hand.
    #[serde(default)]
    pub changed_ns: i128,
    /// Its number in its file system.
    #[serde(default)]
    pub inode: u64,
    /// The hash of its content.
    pub hash: ContentHash,
    /// Columns.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// Type of the pixels.
    pub dtype: PixelType,
    /// The channels the signal was taken from, in short.
    pub channel: String,
    /// The same with the figures it was decided by.
    pub channels: ChannelChoice,
}

impl InputRecord {
    /// What the file system said about it.
    pub fn identity(&self) -> FileIdentity {
        FileIdentity {
            bytes: self.bytes,
            modified: self.modified.clone(),
            changed_ns: self.changed_ns,
            inode: self.inode,
        }
    }
}

/// The warps found by the stages.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Warps {
    /// After the first step of stage 2.
    pub coarse: Option<Warp>,
    /// After stage 2.
    pub icp: Option<Warp>,
    /// After stage 3.
    pub interior: Option<Warp>,
}

impl Warps {
    /// The best that is known.
    pub fn finest(&self) -> Option<Warp> {
        self.interior.or(self.icp).or(self.coarse)
    }
}

/// The scales of the difference images.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Scales {
    /// From the peak of the ratios.
    pub moffat: Option<MoffatRecord>,
    /// From a percentile of the ratios.
    pub percentile: Option<PercentileRecord>,
    /// As given.
    pub manual: Option<ManualRecord>,
}

impl Scales {
    /// The scale of this kind, if it was found.
    pub(crate) fn of(&self, kind: ScaleKind) -> Option<f64> {
        match kind {
            ScaleKind::Moffat => self.moffat.as_ref().map(|scale| scale.value),
            ScaleKind::Percentile(percent) => self
                .percentile
                .filter(|scale| scale.percentile == percent)
                .map(|scale| scale.value),
            ScaleKind::Manual => self.manual.map(|scale| scale.value),
        }
    }
}

/// Beyond these shares of the scale there is something to say: its standard error …
const LARGE_ERROR: f64 = 0.02;
/// … its change with the brightness of the background …
const LARGE_TREND: f64 = 0.03;
/// … and its variation over the section.
const LARGE_SCATTER: f64 = 0.05;

/// A scale from the peak of the ratios.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MoffatRecord {
    /// The scale: 10 to the power of the centre of the distribution of block ratios, uneven light taken out.
    pub value: f64,
    /// Centre of the fitted profile, log10 of the ratio.
    pub mu: Option<f64>,
    /// Its width.
    pub alpha: Option<f64>,
    /// Its exponent.
    pub beta: Option<f64>,
    /// Its height, pixels per bin.
    pub amp: Option<f64>,
    /// Distance of the histogram from the profile, as a share of its height.
    pub rms_residual: Option<f64>,
    /// Standard error of the scale.
    pub std_error: f64,
    /// Pixels it rests on.
    pub pixels: u64,
    /// Side of the blocks whose ratios were taken, px.
    #[serde(default)]
    pub block_side_px: usize,
    /// How much the ratio varies over the section with the light, as a share of the scale: what one scale cannot follow.
    #[serde(default)]
    pub field_scatter: f64,
    /// How much the ratio changes from faint to bright background, as a share: a sign of a black level or of saturation.
    #[serde(default)]
    pub brightness_trend: f64,
}

impl MoffatRecord {
    /// What there is to know about the scale before it is trusted, in sentences.
    pub fn doubts(&self) -> Vec<String> {
        let mut doubts = Vec::new();
        if self.mu.is_none() {
            doubts.push(
                "no Moffat profile could be fitted to the ratios; the scale is the peak of their smoothed histogram"
                    .to_owned(),
            );
        }
        let percent = |share: f64| 100.0 * share;
        let error = self.std_error / self.value;
        if error > LARGE_ERROR {
            doubts.push(format!(
                "the scale {:.4} is known to {:.1} % only; look at ratio_histogram",
                self.value,
                percent(error)
            ));
        }
        if self.brightness_trend.abs() > LARGE_TREND {
            doubts.push(format!(
                "the ratio of post to pre changes by {:.1} % from faint to bright background: an offset of the camera that was \
                 not subtracted, saturation, or defocus; the scale fits where the background is faint",
                percent(self.brightness_trend.abs())
            ));
        }
        if self.field_scatter > LARGE_SCATTER {
            doubts.push(format!(
                "the light is uneven: the ratio of post to pre varies by {:.1} % over the section, which no single scale can follow",
                percent(self.field_scatter)
            ));
        }
        doubts
    }
}

impl From<&MoffatScale> for MoffatRecord {
    fn from(scale: &MoffatScale) -> Self {
        let fit = scale.fit.as_ref();
        Self {
            value: scale.value,
            mu: fit.map(|f| f.mu),
            alpha: fit.map(|f| f.alpha),
            beta: fit.map(|f| f.beta),
            amp: fit.map(|f| f.amp),
            rms_residual: fit.map(|f| f.rms_residual),
            std_error: scale.std_error,
            pixels: scale.pixels,
            block_side_px: scale.block_side_px,
            field_scatter: scale.field_scatter,
            brightness_trend: scale.brightness_trend,
        }
    }
}

/// A scale from a percentile.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct PercentileRecord {
    /// The scale.
    pub value: f64,
    /// Which percentile.
    pub percentile: f64,
}

/// A scale given by the user.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ManualRecord {
    /// The scale.
    pub value: f64,
}

/// What was done in a stage.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct StageRecord {
    /// Which.
    pub stage: Stage,
    /// How long it took.
    pub seconds: f64,
    /// Processor time of all threads.
    #[serde(default)]
    pub cpu_seconds: f64,
    /// Bytes read from the disk.
    #[serde(default)]
    pub read_bytes: u64,
    /// Bytes written to the disk.
    #[serde(default)]
    pub written_bytes: u64,
    /// Peak memory of the process during the stage.
    pub peak_rss_bytes: u64,
    /// Whether its checkpoints were there already.
    pub skipped: bool,
}

/// Memory, expected and used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemoryRecord {
    /// By the 6x rule.
    pub rule_bytes: u64,
    /// By the plan of the streaming engine.
    pub plan_bytes: u64,
    /// Measured.
    pub peak_rss_bytes: u64,
}

/// An image that e2m did not make, as it was when it was used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LegacyRecord {
    /// Where it is, below the task's folder.
    pub path: String,
    /// Its length.
    pub bytes: u64,
    /// When it was last changed, RFC 3339.
    pub modified: String,
}

/// One picture.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PictureRecord {
    /// What it is: what its name begins with, such as `difference_image`.
    pub kind: String,
    /// Which of several, such as `manual`; empty for the first or only one.
    pub variant: String,
    /// Where it is, below the task's folder.
    pub path: String,
}

/// One checkpoint file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckpointRecord {
    /// Where it is, below the task's folder.
    pub path: String,
    /// Its length.
    pub bytes: u64,
    /// When it was last changed, RFC 3339.
    #[serde(default)]
    pub modified: String,
    /// When content or metadata were last changed, nanoseconds since 1970; unlike `modified` it cannot be set by hand.
    #[serde(default)]
    pub changed_ns: i128,
    /// Its number in its file system.
    #[serde(default)]
    pub inode: u64,
    /// The hash of its pixels as little-endian floats, row by row.
    pub hash: ContentHash,
}

impl CheckpointRecord {
    /// What the file system said about it.
    pub fn identity(&self) -> FileIdentity {
        FileIdentity {
            bytes: self.bytes,
            modified: self.modified.clone(),
            changed_ns: self.changed_ns,
            inode: self.inode,
        }
    }

    /// The same pixels in a file of which the file system says this.
    #[must_use]
    pub(crate) fn with_identity(self, identity: FileIdentity) -> Self {
        let FileIdentity {
            bytes,
            modified,
            changed_ns,
            inode,
        } = identity;
        Self {
            bytes,
            modified,
            changed_ns,
            inode,
            ..self
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use e2m_scale::{RatioStatistics, estimate_scale};
    use ndarray::Array2;

    #[test]
    fn what_is_doubtful_about_a_scale_is_said() {
        let pre = Array2::from_shape_fn((200, 200), |(y, x)| 40.0 + ((x * 7 + y * 13) % 50) as f32);
        let mut statistics = RatioStatistics::default();
        statistics.add_band(pre.mapv(|v| 1.3 * v).view(), pre.view());
        let good = estimate_scale(&statistics).expect("a scale");
        let good = MoffatRecord::from(&good);
        assert_eq!(good.doubts(), [""; 0]);
        let bad = MoffatRecord {
            mu: None,
            std_error: 0.05,
            brightness_trend: -0.04,
            field_scatter: 0.08,
            ..good
        };
        let said = bad.doubts().join("\n");
        for expected in [
            "smoothed histogram",
            "to 3.8 % only",
            "by 4.0 % from",
            "by 8.0 % over",
        ] {
            assert!(said.contains(expected), "{expected}: {said}");
        }
    }
}
