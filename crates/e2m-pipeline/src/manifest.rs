//! The manifest: one JSON file per task and set of parameters that says what was made from what, and how well. How it is
//! read and written is in `manifest_file`.

use crate::alignment_record::AlignmentRecord;
use crate::detection_record::DetectionRecord;
use crate::doubts::{Doubt, Note};
use crate::params::Params;
use crate::pixel_record::PixelRecord;
use crate::scale_record::{ScaleAssessment, Scales};
use crate::stage::Stage;
use crate::status::Status;
use crate::task::{KeptCheckpoints, TaskSpec};
use e2m_image::{Canvas, Deformation, Mapping, PixelType, Warp};
use e2m_io::{ChannelChoice, ChannelStatistics, ContentHash, FileIdentity, PixelSize};
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
    /// What is known of the pixels of the raw images; none before stage 2, or of version 0.1.0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pixels: Option<PixelRecord>,
    /// What is to be thought of the scale; none before stage 4.
    #[serde(default)]
    pub scale: Option<ScaleAssessment>,
    /// The scales.
    pub scales: Scales,
    /// The microbes; none before stage 5.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detection: Option<DetectionRecord>,
    /// Why the task is suspect, apart from alignment and scale.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub doubts: Vec<Doubt>,
    /// What else there is to know about its results.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<Note>,
    /// What was done in each stage.
    pub stages: Vec<StageRecord>,
    /// Memory, expected and used.
    pub memory: MemoryRecord,
    /// The checkpoints that belong to this task and these parameters.
    pub checkpoints: Vec<CheckpointRecord>,
    /// Which images of stages 1 to 3 the run kept.
    #[serde(default, skip_serializing_if = "KeptCheckpoints::is_all")]
    pub kept: KeptCheckpoints,
    /// Files that the last run removed, below the task's folder: what it would have replaced had it come so far.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub removed: Vec<String>,
    /// The finished image of the Python program that stands for aligned pre, if one does.
    #[serde(default, rename = "foreign_aligned")]
    pub legacy_aligned: Option<LegacyRecord>,
    /// The pictures of the stages that were done or taken over.
    #[serde(default)]
    pub pictures: Vec<PictureRecord>,
    /// The tables of these stages.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tables: Vec<TableRecord>,
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
            pixels: None,
            scale: None,
            scales: Scales::default(),
            detection: None,
            doubts: Vec::new(),
            notes: Vec::new(),
            stages: Vec::new(),
            memory,
            checkpoints: Vec::new(),
            kept: spec.checkpoints,
            removed: Vec::new(),
            legacy_aligned: None,
            pictures: Vec::new(),
            tables: Vec::new(),
        }
    }
}

impl Manifest {
    /// Puts a verdict on the scale into a record of version 0.1.0, which has none, by the figures it has.
    pub(crate) fn judge_old_scale(&mut self) {
        let Some(moffat) = &mut self.scales.moffat else {
            return;
        };
        if self.scale.is_some() {
            return;
        }
        let assessment = ScaleAssessment::of(&moffat.facts());
        moffat.verdict = assessment.verdict;
        moffat.reasons.clone_from(&assessment.reasons);
        let reasons = assessment.reasons.join("; ");
        match &mut self.status {
            _ if reasons.is_empty() => {}
            status @ Status::Complete => *status = Status::Suspect(reasons),
            Status::Suspect(why) => *why = format!("{why}; {reasons}"),
            Status::Error(_) | Status::Incomplete(_) => {}
        }
        self.scale = Some(assessment);
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
    /// Which channels were taken and why, where the files hold more than one.
    pub fn channels(&self) -> Option<String> {
        ChannelChoice::explain_pair(&self.post.channels, &self.pre.channels)
    }

    /// Whether both were made from the same content, and the same pixels of it: version 0.1.0 took other channels of some files,
    /// and cut off their sum.
    pub fn same_content(&self, other: &Self) -> bool {
        let same = |a: &InputRecord, b: &InputRecord| {
            let same_pixels = a.dtype == b.dtype && a.is_corrected == b.is_corrected;
            a.hash == b.hash && same_pixels && a.channels.takes_same(&b.channels)
        };
        same(&self.post, &other.post) && same(&self.pre, &other.pre)
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
    /// Type of the pixels of the signal: that of the file's, or one that holds their sum.
    pub dtype: PixelType,
    /// The channels the signal was taken from, in short.
    pub channel: String,
    /// The same with the reason.
    pub channels: ChannelChoice,
    /// Whether its pixels were not read just as its tags say, which version 0.1.0 did.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_corrected: bool,
    /// How large a pixel is, where the file tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pixel_size: Option<PixelSize>,
    /// What the file's channels hold, where they were looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub statistics: Option<ChannelStatistics>,
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
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Warps {
    /// After the first step of stage 2.
    pub coarse: Option<Warp>,
    /// After stage 2.
    pub icp: Option<Warp>,
    /// After stage 3.
    pub interior: Option<Warp>,
    /// What stage 3 adds to where `interior` sends a pixel of the canvas; none where the section is not deformed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deformation: Option<Deformation>,
}

impl Warps {
    /// The best homography that is known; what maps pixels asks for [`Warps::mapping`].
    pub fn finest(&self) -> Option<Warp> {
        self.interior.or(self.icp).or(self.coarse)
    }

    /// The best that is known, with what is added to it: where each pixel of the canvas lies in pre.
    pub fn mapping(&self) -> Option<Mapping> {
        let deformation = self.interior.and(self.deformation.as_ref());
        self.finest().map(|warp| Mapping {
            warp,
            deformation: deformation.cloned(),
        })
    }
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

/// One table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableRecord {
    /// Where it is, below the task's folder.
    pub path: String,
    /// Its length.
    pub bytes: u64,
    /// The hash of its content.
    pub hash: ContentHash,
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
    /// The hash of its pixels as little-endian floats, or bytes of a mask, row by row.
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
