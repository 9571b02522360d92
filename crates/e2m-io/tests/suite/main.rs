//! Files read and written, through the public interface.

mod bad_input;
mod cases;
mod checkpoint_in_scratch;
mod checkpoints;
#[path = "../common/mod.rs"]
mod common;
mod contents;
mod discovery;
#[cfg(target_os = "linux")]
mod full_disk;
mod independent_readers;
mod kinds;
mod masks;
mod pixel_size;
mod reader_matrix;
mod regions;
mod vendor;
mod vouched;
