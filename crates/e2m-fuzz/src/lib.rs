//! Everything that e2m reads, as functions that take any bytes.
//!
//! A [`Target`] hands bytes to one reader as a run would and returns what became of them: a [`ReadOutcome`]. A reader may
//! refuse whatever it likes, in an error that names the file; what it must not do is panic, and where it understood
//! something, that has to survive being written and read again. A target panics where that does not hold, which is what a
//! fuzzer looks for.
//!
//! | target | bytes of | reader |
//! |---|---|---|
//! | `tiff` | a raw image, and a checkpoint | `RawImage`, `survey`, `CheckpointReader` |
//! | `czi`, `nd2`, `lif` | a raw image of a microscope's maker | `RawImage`, `survey` |
//! | `zarr` | an OME-Zarr, its files one behind the other ([`FileInMemory::folder_of`]) | `RawImage`, `survey` |
//! | `fits` | a checkpoint | `CheckpointReader` |
//! | `batch_file` | a batch file | `BatchFile` |
//! | `manifest` | a manifest | `Manifest` |
//! | `suffix` | a file name's suffix | `parse_suffix` |
//! | `worker_protocol` | what scheduler and worker say to each other | e2m-schedule |
//!
//! The fuzzers are the package in `fuzz/`, which is no member of the workspace as it needs a nightly compiler; `cargo xtask
//! fuzz` runs them. What they found worth keeping is in `corpus/`, one folder per target, and what ever broke a reader in
//! `crashes/`; `tests/` goes through all of it, and through valid files that are cut and flipped.

mod batch_file;
mod checkpoint;
mod in_memory;
mod manifest;
mod raw;
mod suffix;
mod worker_protocol;

pub use in_memory::FileInMemory;

/// What became of the bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReadOutcome {
    /// They were understood.
    Read,
    /// They were refused, in these words.
    Refused(String),
}

impl<E: std::fmt::Display> From<Result<(), E>> for ReadOutcome {
    fn from(result: Result<(), E>) -> Self {
        match result {
            Ok(()) => Self::Read,
            Err(error) => Self::Refused(error.to_string()),
        }
    }
}

/// A reader that takes any bytes.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// The name of its fuzzer, and of its folder in `corpus/`.
    pub name: &'static str,
    /// Hands bytes to it. Panics where a promise is broken.
    pub run: fn(&[u8]) -> ReadOutcome,
}

/// All of them.
pub const TARGETS: [Target; 10] = [
    Target {
        name: "tiff",
        run: tiff,
    },
    Target {
        name: "czi",
        run: |bytes| raw::read(&FileInMemory::of("CD070_PostStain_DAPI.czi", bytes)),
    },
    Target {
        name: "nd2",
        run: |bytes| raw::read(&FileInMemory::of("CD070_PostStain_DAPI.nd2", bytes)),
    },
    Target {
        name: "lif",
        run: |bytes| raw::read(&FileInMemory::of("CD070_PostStain_DAPI.lif", bytes)),
    },
    Target {
        name: "zarr",
        run: |bytes| {
            raw::read(&FileInMemory::folder_of(
                "CD070_PostStain_DAPI.ome.zarr",
                bytes,
            ))
        },
    },
    Target {
        name: "fits",
        run: fits,
    },
    Target {
        name: "batch_file",
        run: batch_file::read,
    },
    Target {
        name: "manifest",
        run: manifest::read,
    },
    Target {
        name: "suffix",
        run: suffix::read,
    },
    Target {
        name: "worker_protocol",
        run: worker_protocol::read,
    },
];

/// The target of this name.
pub fn target(name: &str) -> Option<Target> {
    TARGETS.into_iter().find(|target| target.name == name)
}

/// Hands the bytes to both readers of TIFF files; the outcome is the raw reader's.
fn tiff(bytes: &[u8]) -> ReadOutcome {
    let file = FileInMemory::of("CD070_PostStain_DAPI.tif", bytes);
    checkpoint::read(&file);
    raw::read(&file)
}

fn fits(bytes: &[u8]) -> ReadOutcome {
    let file = FileInMemory::of("01_padded_post.fits", bytes);
    checkpoint::read(&file)
}
