//! OME-Zarr: a folder of arrays, one for each level, that appears whole or not at all.
//!
//! The crate `zarrs` would write it as well. It brings 54 crates that nothing else here needs (a cache, an executor of futures,
//! regular expressions, a build of zlib), for two arrays whose layout is fixed: some texts of JSON, chunks that are the tiles of the
//! OME-TIFF, and the index of a shard. They are written here; tests read them with the Python package zarr.

mod chunks;
mod metadata;
mod shard;
mod window;

use crate::error::ExportError;
use crate::file::check;
use crate::image::OmeImage;
use crate::levels::level_sizes;
use crate::plane::write_plane;
use chunks::ZarrPlane;
use e2m_image::BandSource;
use e2m_io::{AtomicFolder, ContentHash};
use std::io;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use window::Window;

/// Which version of OME-Zarr.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ZarrVersion {
    /// 0.4: Zarr 2, one file for each chunk, which every viewer knows.
    #[default]
    V04,
    /// 0.5: Zarr 3, 64 chunks together in one file (a shard): a fiftieth of the files.
    V05,
}

impl ZarrVersion {
    /// `0.4` or `0.5`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::V04 => "0.4",
            Self::V05 => "0.5",
        }
    }
}

/// A folder that was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OmeZarr {
    /// Where it is.
    pub path: PathBuf,
    /// The lengths of all files together.
    pub bytes: u64,
    /// How many files.
    pub files: usize,
    /// Levels of each channel, the full resolution counted.
    pub levels: usize,
    /// One hash of the names and contents of all files: that of [`e2m_io::folder_content`].
    pub hash: ContentHash,
}

/// Writes `image` with the pixels of `sources`, one for each channel, as OME-Zarr in a folder `path`; the folder around it has to exist.
///
/// The axes are y and x, and before them c where there are several channels. Levels are arrays `0`, `1`, …, in chunks of
/// 512 x 512 px of one channel, deflated; those whose pixels are all zero are left out, as Zarr has it. Reading, `on_pixels` and
/// memory are as with [`write_ome_tiff`](crate::write_ome_tiff).
///
/// Coordinates are those of pixel centres, in micrometres where the pixel size is known and in px of the first level otherwise: the
/// first pixel of level n lies at (2^n - 1) / 2.
///
/// # Errors
/// As [`write_ome_tiff`](crate::write_ome_tiff). A folder that was there is replaced in the last moment.
pub fn write_ome_zarr(
    path: &Path,
    version: ZarrVersion,
    image: &OmeImage,
    sources: &mut [&mut dyn BandSource],
    on_pixels: &mut dyn FnMut(u64) -> ControlFlow<()>,
) -> Result<OmeZarr, ExportError> {
    check(path, image, sources)?;
    let mut folder = AtomicFolder::create(path)?;
    let mut windows: Vec<Window> = Vec::new();
    for (index, (channel, source)) in image.channels.iter().zip(sources).enumerate() {
        let mut plane = ZarrPlane::new(&mut folder, (image, version), index);
        write_plane(*source, channel.pyramid, &mut plane, on_pixels)
            .map_err(|error| error.of(path, &channel.name))?;
        windows.push(plane.into_window());
    }
    for (name, text) in metadata::files(image, version, &windows) {
        folder.write(&name, text.as_bytes())?;
    }
    let content = folder.commit()?;
    Ok(OmeZarr {
        path: path.to_owned(),
        bytes: content.bytes,
        files: content.files,
        levels: level_sizes(image.size).len(),
        hash: content.hash,
    })
}

/// The OME-XML of the image in an OME-Zarr of [`write_ome_zarr`], which stands under `e2m` in its attributes: it tells
/// whether a folder is up to date, as [`description`](crate::description) does of a TIFF.
///
/// # Errors
/// A folder that is not there, of another version, or not written here.
pub fn zarr_description(path: &Path, version: ZarrVersion) -> Result<String, ExportError> {
    let path = path.join(metadata::group_file(version));
    let failed = |source| ExportError::Io {
        action: "read",
        path: path.clone(),
        source,
    };
    let text = std::fs::read_to_string(&path).map_err(failed)?;
    metadata::description_in(&text, version).ok_or_else(|| {
        let why = "there is no description of e2m in it";
        failed(io::Error::new(io::ErrorKind::InvalidData, why))
    })
}
