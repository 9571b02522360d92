//! Where the real pair lies, and its pixels.

use e2m_image::Plane;
use e2m_io::{RawError, RawImage};
use std::path::{Path, PathBuf};

/// The folder of the pair, beside the project; not everybody has it.
pub(crate) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/real")
}

/// Post and pre.
pub(crate) fn load(folder: &Path) -> Result<[Plane; 2], RawError> {
    let load = |stain: &str| {
        let path = folder.join(format!("cycif01_{stain}Stain_DAPI.tif"));
        let image = RawImage::open(&path)?;
        image.load_plane(&image.choose_alone()?)
    };
    Ok([load("Post")?, load("Pre")?])
}
