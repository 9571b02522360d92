//! What kind of file a raw image is, by its first bytes.

use crate::tiff::TiffProblem;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::path::Path;

/// The kind of file that a raw image is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RawFormat {
    /// TIFF or BigTIFF.
    #[default]
    Tiff,
    /// Zeiss CZI.
    Czi,
    /// Nikon ND2.
    Nd2,
    /// Leica LIF.
    Lif,
    /// OME-Zarr, which is a folder.
    OmeZarr,
}

impl fmt::Display for RawFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tiff => "TIFF",
            Self::Czi => "CZI",
            Self::Nd2 => "ND2",
            Self::Lif => "LIF",
            Self::OmeZarr => "OME-Zarr",
        })
    }
}

/// The endings of names of raw images, lower case and without a dot. A name that ends in `.zarr` is a folder's.
pub const RAW_EXTENSIONS: &[&str] = if cfg!(feature = "vendor-formats") {
    &["tif", "tiff", "czi", "nd2", "lif", "zarr"]
} else {
    &["tif", "tiff"]
};

/// The ending of the name of a folder that is one image.
const FOLDER: &str = "zarr";

/// Whether a file, or a folder, can be a raw image by its name.
pub fn is_raw_name(path: &Path, is_folder: bool) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str());
    extension.is_some_and(|extension| {
        let extension = extension.to_ascii_lowercase();
        RAW_EXTENSIONS.contains(&&*extension) && (extension == FOLDER) == is_folder
    })
}

impl RawFormat {
    /// The format of a file that begins with these bytes; what is none of a maker's is left to the reader of TIFF.
    pub(crate) fn of_file(head: &[u8]) -> Self {
        let makers: [(&[u8], Self); 3] = [
            (b"ZISRAWFILE", Self::Czi),
            (b"\xda\xce\xbe\x0a", Self::Nd2),
            (b"\x70\x00\x00\x00", Self::Lif),
        ];
        let found = makers.iter().find(|(magic, _)| head.starts_with(magic));
        match found {
            Some((_, format)) if cfg!(feature = "vendor-formats") => *format,
            _ => Self::Tiff,
        }
    }

    /// The format of a folder, if it is one image.
    pub(crate) fn of_folder(path: &Path) -> Option<Self> {
        let marks = ["zarr.json", ".zattrs", ".zgroup"];
        let is_zarr = marks.iter().any(|mark| path.join(mark).is_file());
        (cfg!(feature = "vendor-formats") && is_zarr).then_some(Self::OmeZarr)
    }
}

/// Files that hold less than their name says: the image lies beside them. They would be read as the overview that they hold.
const BESIDE: [(&str, &str, &str); 4] = [
    (
        "vsi",
        "an Olympus VSI file, whose image lies in .ets files beside it",
        "export the image as OME-TIFF, tiled, from OlyVIA or cellSens",
    ),
    (
        "mrxs",
        "a MIRAX file, whose image lies in .dat files beside it",
        "export the image as OME-TIFF, tiled, from SlideViewer or QuPath",
    ),
    (
        "xlef",
        "a Leica project of several files",
        "save the project as LIF in LAS X, or export the image as OME-TIFF",
    ),
    (
        "lof",
        "a Leica image of a project of several files",
        "save the project as LIF in LAS X, or export the image as OME-TIFF",
    ),
];

/// Refuses files that are not what they are read as.
pub(crate) fn check_name(path: &Path) -> Result<(), TiffProblem> {
    let extension = path.extension().and_then(|extension| extension.to_str());
    let found = BESIDE
        .iter()
        .find(|(name, ..)| extension.is_some_and(|own| own.eq_ignore_ascii_case(name)));
    match found {
        Some((_, found, advice)) => Err(TiffProblem::Unsupported {
            found: (*found).to_owned(),
            advice,
        }),
        None => Ok(()),
    }
}
