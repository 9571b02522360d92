//! Tasks from raw files to results.

mod alignment;
mod changing_raw;
mod channels;
mod common;
mod demo;
mod families;
mod field;
mod golden;
mod hostile;
mod kept;
mod leftovers;
mod local;
mod mask;
mod pair_check;
mod pictures;
mod pixels;
mod plan;
mod preview;
mod raw_files;
mod real_pair;
mod record;
mod regions;
mod resume;
mod scale_cases;
mod staleness;
mod trust;
