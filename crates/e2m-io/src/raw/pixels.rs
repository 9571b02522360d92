//! Where the pixels of a raw image come from: a TIFF, or a file of a microscope's maker.

use super::source::{self, RawRows};
#[cfg(feature = "vendor-formats")]
use super::vendor::{self, VendorPlane};
use crate::tiff::{ChunkLayout, Compression, ImageLayout, Orientation, TiffProblem};
use e2m_image::Size;
use std::fs::File;
use std::sync::Arc;

/// The pixels of an image, as its header describes them.
#[derive(Debug)]
pub(crate) enum Pixels {
    Tiff {
        file: Arc<File>,
        layout: Arc<ImageLayout>,
    },
    #[cfg(feature = "vendor-formats")]
    Vendor(Arc<VendorPlane>),
}

/// Which rows of an image are cheap to reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reach {
    /// Each of them.
    Any,
    /// The first of so many; the others through those above them.
    Down(usize),
    /// So many together.
    Together(usize),
}

impl Pixels {
    /// Columns and rows, as they are stored.
    pub(crate) fn size(&self) -> Size {
        match self {
            Self::Tiff { layout, .. } => layout.size,
            #[cfg(feature = "vendor-formats")]
            Self::Vendor(plane) => plane.size,
        }
    }

    /// How rows and columns of the file lie in the image.
    pub(crate) fn orientation(&self) -> Orientation {
        match self {
            Self::Tiff { layout, .. } => layout.orientation,
            #[cfg(feature = "vendor-formats")]
            Self::Vendor(_) => Orientation::default(),
        }
    }

    /// Fails where a plane of `plane_bytes` and what reading rows needs are out of proportion to the file.
    pub(crate) fn check_held(&self, plane_bytes: u64) -> Result<(), TiffProblem> {
        match self {
            Self::Tiff { layout, .. } => layout.check_held(plane_bytes),
            #[cfg(feature = "vendor-formats")]
            Self::Vendor(plane) => plane.check_held(plane_bytes),
        }
    }

    /// A fresh reader of its rows.
    pub(crate) fn rows(&self) -> Result<RawRows, TiffProblem> {
        match self {
            Self::Tiff { file, layout } => source::open(file, layout),
            #[cfg(feature = "vendor-formats")]
            Self::Vendor(plane) => vendor::open_rows(plane),
        }
    }

    /// Which of its rows are cheap to reach.
    pub(crate) fn reach(&self) -> Reach {
        match self {
            Self::Tiff { layout, .. } => match layout.chunks {
                ChunkLayout::Strips { .. } if layout.compression == Compression::None => Reach::Any,
                ChunkLayout::Strips { rows }
                    if layout.compression.is_image() || layout.holds_strips() =>
                {
                    Reach::Together(rows)
                }
                ChunkLayout::Strips { rows } => Reach::Down(rows),
                ChunkLayout::Tiles { height, .. } => Reach::Together(height),
            },
            #[cfg(feature = "vendor-formats")]
            Self::Vendor(plane) => match plane.chunks {
                ChunkLayout::Strips { rows } if plane.is_stream() => Reach::Down(rows),
                ChunkLayout::Strips { .. } => Reach::Any,
                ChunkLayout::Tiles { height, .. } => Reach::Together(height),
            },
        }
    }
}
