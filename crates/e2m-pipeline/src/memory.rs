//! What a task will need in memory, computed from what the stages allocate.
//!
//! One raw plane is there from stage 1 to the end. What is there at the same time beside it is the larger of two: the
//! search for the alignment (stages 2 and 3) or bands going by (stages 3 and 4); and in both cases what goes on beside the
//! stages, an image being written and a picture being drawn.

use crate::artifact::scale_kinds;
use crate::manifest::MemoryRecord;
use crate::stage::Stage;
use crate::task::{CheckpointFormats, TaskSpec};
use e2m_align::{CoarseOptions, local_memory_bytes, search_factor, search_memory_bytes};
use e2m_detect::DetectOptions;
use e2m_image::{Defects, PixelType, Size, default_band_rows};
use e2m_io::{CheckpointCompression, CheckpointFormat, CheckpointWriter, FlagsWriter};
use e2m_plot::PairStatistics;
use e2m_resources::{PEAK_FACTOR_PER_TASK, rule_bytes};
use e2m_scale::RatioStatistics;

const MIB: u64 = 1 << 20;
/// The program, its libraries and what they set up once.
const PROGRAM_BYTES: u64 = 40 * MIB;
/// A thread's stack and what its allocator keeps for it.
const THREAD_BYTES: u64 = MIB;
/// A picture being drawn: its page, its pixels and its file.
const DRAWING_BYTES: u64 = 24 * MIB;
/// What the allocator keeps between the pieces of all that goes on in stages 3 and 4.
const BETWEEN_BYTES: u64 = 24 * MIB;
/// Half-height bands of a pair: post and aligned pre, twice.
const PAIR_HALF_BANDS: u64 = 4;
/// Those of a pair without what is not compared: post and aligned pre.
const COMPARED_HALF_BANDS: u64 = 2;
/// That of a difference.
const DIFFERENCE_HALF_BANDS: u64 = 1;

/// What decides how much memory a task needs; all of it is in the headers of the raw files and in the task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MemoryNeeds {
    /// Size of the raw post image.
    pub post: Size,
    /// Size of the raw pre image.
    pub pre: Size,
    /// Types of the planes of post and pre.
    pub types: [PixelType; 2],
    /// Padding per side, px.
    pub pad: usize,
    /// Formats of the checkpoints.
    pub formats: CheckpointFormats,
    /// Compression of TIFF checkpoints.
    pub compression: CheckpointCompression,
    /// Number of difference images.
    pub differences: usize,
    /// Whether microbes are looked for, or the scale field is measured, which takes no more.
    pub detects: bool,
    /// What decoding a raw file holds at a time: [`e2m_io::RawInfo::decoding_bytes`].
    pub decoding_bytes: u64,
    /// Compute threads.
    pub threads: usize,
}

impl MemoryNeeds {
    /// Those of a task over post and pre, each of this size and type, and held at a time by decoding; with the compute threads
    /// of the calling program.
    pub(crate) fn of(spec: &TaskSpec, raw: [(Size, PixelType, u64); 2]) -> Self {
        let [
            (post, post_type, post_decoding),
            (pre, pre_type, pre_decoding),
        ] = raw;
        Self {
            post,
            pre,
            types: [post_type, pre_type],
            pad: spec.params.pad,
            formats: spec.checkpoint_format,
            compression: spec.checkpoint_compression,
            differences: scale_kinds(&spec.params).len() + usize::from(spec.params.scale_field),
            detects: spec.params.detect && spec.to_stage >= Stage::Detection
                || spec.params.scale_field && spec.to_stage >= Stage::Difference,
            decoding_bytes: post_decoding.max(pre_decoding),
            threads: rayon::current_num_threads(),
        }
    }

    /// The expectation for the task, before it runs: the rule counts float canvases, the plan what is really held.
    pub fn expected(&self) -> MemoryRecord {
        let larger = self.post.max(self.pre);
        MemoryRecord {
            rule_bytes: rule_bytes(larger.width, larger.height, self.pad, PEAK_FACTOR_PER_TASK),
            plan_bytes: self.plan_bytes(),
            peak_rss_bytes: 0,
        }
    }

    fn plan_bytes(&self) -> u64 {
        let plane = self.pre.pixels() * self.types[1].bytes() as u64;
        let threads = self.threads.max(1) as u64;
        PROGRAM_BYTES
            + threads * THREAD_BYTES
            + plane
            // One goes to the disk while another looks for something in it.
            + 2 * self.decoding_bytes
            + self.preview_bytes()
            + Defects::memory_bytes(self.post)
            + Defects::memory_bytes(self.pre)
            + DRAWING_BYTES
            + self
                .search_bytes()
                .max(self.streaming_bytes())
                .max(self.detection_bytes())
    }

    fn canvas(&self) -> Size {
        let larger = self.post.max(self.pre);
        Size::new(larger.width + 2 * self.pad, larger.height + 2 * self.pad)
    }

    /// Both images at the size at which the alignment is looked for.
    fn preview_bytes(&self) -> u64 {
        let (post, pre) = self.preview_sizes();
        (post.pixels() + pre.pixels()) * size_of::<f32>() as u64
    }

    fn preview_sizes(&self) -> (Size, Size) {
        let factor = search_factor(self.post, self.pre, CoarseOptions::default().working_px);
        let reduced = |size: Size| Size::new(size.width / factor, size.height / factor);
        (reduced(self.post), reduced(self.pre))
    }

    /// Looking for the alignment while an image of the stage before is written.
    fn search_bytes(&self) -> u64 {
        let (post, pre) = self.preview_sizes();
        search_memory_bytes(post, pre, self.threads)
            + local_memory_bytes(self.post)
            + self.band_bytes()
            + self.written(self.formats)
    }

    /// Pairs of bands going by, and what is counted on them looked at: the largest of four. In all but the last the image of
    /// stage 2 may still be on its way.
    fn streaming_bytes(&self) -> u64 {
        let on_its_way = self.written(self.formats);
        let differences =
            self.differences as u64 * self.written(CheckpointFormats::Both) + self.mask_bytes();
        let bands = |half_bands: u64| half_bands * self.band_bytes() / 2;
        let counted = bands(PAIR_HALF_BANDS + COMPARED_HALF_BANDS) + self.counting_bytes();
        let aligned_written = counted + self.written(self.formats) + on_its_way;
        let estimated = self.counting_bytes()
            + RatioStatistics::ESTIMATE_BYTES
            + self.written(self.formats)
            + on_its_way;
        let subtracted = bands(PAIR_HALF_BANDS + DIFFERENCE_HALF_BANDS) + differences + on_its_way;
        // Where an earlier run found the scale, what pictures show is counted while differences are written.
        let counted_and_subtracted = counted + bands(DIFFERENCE_HALF_BANDS) + differences;
        let largest = aligned_written
            .max(estimated)
            .max(subtracted)
            .max(counted_and_subtracted);
        BETWEEN_BYTES + self.band_bytes() + largest
    }

    /// Looking for microbes while their significance is written, or measuring the scale field.
    fn detection_bytes(&self) -> u64 {
        if !self.detects {
            return 0;
        }
        let searched =
            e2m_detect::memory_bytes(self.canvas(), &DetectOptions::default(), self.threads);
        BETWEEN_BYTES + self.band_bytes() + searched + self.written(self.formats)
    }

    /// A band of the mask, and what its writers hold.
    fn mask_bytes(&self) -> u64 {
        let writer = |&format: &CheckpointFormat| {
            FlagsWriter::memory_bytes(self.canvas(), format, self.threads)
        };
        let written: u64 = self.formats.list().iter().map(writer).sum();
        self.band_bytes() / 8 + written
    }

    fn counting_bytes(&self) -> u64 {
        let eight_bit = self.types == [PixelType::U8; 2];
        PairStatistics::memory_bytes(eight_bit, self.threads)
            + RatioStatistics::memory_bytes(self.canvas().width, self.threads)
    }

    /// A band of the canvas.
    fn band_bytes(&self) -> u64 {
        let canvas = self.canvas();
        let rows = default_band_rows(canvas.width).min(canvas.height);
        (rows * canvas.width * size_of::<f32>()) as u64
    }

    /// What the writers of an image hold.
    fn written(&self, formats: CheckpointFormats) -> u64 {
        let writer = |&format: &CheckpointFormat| {
            CheckpointWriter::memory_bytes(self.canvas(), format, self.compression, self.threads)
        };
        formats.list().iter().map(writer).sum()
    }
}
