//! The keys above all headings: which files, which tasks, which stages.

use super::section::section;
use super::values::{Names, Stage};
use e2m_io::CheckpointCompression;
use e2m_pipeline::{CheckpointFormats, KeptCheckpoints};
use std::path::PathBuf;

section! {
    /// The keys above all headings: which files, which tasks, which stages.
    pub struct General [""] {
        raw_dir: PathBuf = None, "Folder of the raw images, with one folder per sample in it; relative to this file";
        output_dir: PathBuf = None, "Folder for the results, made if it is not there; relative to this file";
        samples: Names = Some(Names::All), "Samples to run: names of folders in raw_dir";
        dyes: Names = Some(Names::All), "Dyes to run: what follows the last underscore of the file names";
        strict_dyes: bool = Some(true), "Whether a missing image stops everything before it begins; false: its task is left out and the rest run";
        from_stage: Stage = Some(Stage(1)), "Stages from this one on are done again even if their results are there; 1 forces nothing";
        to_stage: Stage = Some(Stage(5)), "The last stage to run";
        force: bool = Some(false), "Do every stage again, whatever results are there";
        checkpoint_format: CheckpointFormats = Some(CheckpointFormats::Tiff), "Format of intermediate images and of the mask; difference images are always written in both";
        checkpoint_compression: CheckpointCompression = Some(CheckpointCompression::None), "Compression of TIFFs that e2m writes";
        checkpoints: KeptCheckpoints = Some(KeptCheckpoints::All), "Which images besides difference and mask are kept: all, aligned pre and significance only, or none. Later runs go on from the warp on record either way";
    }
}
