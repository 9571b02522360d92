//! The search for an alignment, which is what needs OpenCV: everything that the feature `opencv` brings.
//!
//! Nothing outside this module knows OpenCV. What a warp is worth once it is there is decided outside.

mod aligner;
mod boundary;
mod choice;
mod coarse;
mod contrast;
mod correlation;
mod cv;
mod detail;
mod error;
mod features;
mod instrument;
mod interior;
mod local;
mod matching;
mod memory;
mod options;
mod pair;
mod previews;
mod similarity;
mod trial;

pub use aligner::{AlignObserver, AlignOptions, AlignStep, Aligner, FineOutcome};
pub use boundary::{
    BoundaryAlignment, BoundaryOptions, Change, EccReport, IcpReport, SectionOutline,
    TransformModel, align_boundary, outline_applies, section_outlines,
};
pub use choice::{Candidate, CoarseChoice, CoarseMethod};
pub use coarse::CoarseAlignment;
pub use correlation::CorrelationAlignment;
pub use error::{AlignError, OutlineFlaw, Side};
pub use interior::{InteriorCorrection, InteriorOptions};
pub use memory::search_memory_bytes;
pub use options::CoarseOptions;
pub use pair::{Alignment, align};
pub use previews::{Previews, SensorFindings, search_factor};
pub use similarity::Similarity;
