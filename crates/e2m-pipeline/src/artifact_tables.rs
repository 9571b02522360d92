//! The tables among a task's artifacts.

use crate::artifact::FileFormat;
use crate::params::{Params, suffix};
use crate::stage::Stage;
use e2m_io::TaskPaths;
use std::path::PathBuf;

/// The tables of a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Table {
    /// The microbes, one a row.
    Microbes,
    /// The same with types, for pandas, R and databases.
    MicrobesParquet,
    /// The same as a GeoJSON collection, for QuPath.
    MicrobesGeoJson,
    /// The same as regions, for DS9.
    MicrobesRegions,
}

impl Table {
    /// All of them, in the order in which they are written.
    pub(crate) const ALL: &'static [Self] = &[
        Self::Microbes,
        Self::MicrobesParquet,
        Self::MicrobesGeoJson,
        Self::MicrobesRegions,
    ];

    /// The stage that writes it.
    pub(crate) fn stage(self) -> Stage {
        match self {
            Self::Microbes
            | Self::MicrobesParquet
            | Self::MicrobesGeoJson
            | Self::MicrobesRegions => Stage::Detection,
        }
    }

    /// Its file name without suffix and extension.
    pub(crate) fn stem(self) -> &'static str {
        match self {
            Self::Microbes
            | Self::MicrobesParquet
            | Self::MicrobesGeoJson
            | Self::MicrobesRegions => "05_microbes",
        }
    }

    pub(crate) fn formats(self) -> &'static [FileFormat] {
        match self {
            Self::Microbes => &[FileFormat::Csv],
            Self::MicrobesParquet => &[FileFormat::Parquet],
            Self::MicrobesGeoJson => &[FileFormat::GeoJson],
            Self::MicrobesRegions => &[FileFormat::Regions],
        }
    }

    /// The extension of its file name.
    fn extension(self) -> &'static str {
        match self {
            Self::Microbes => "csv",
            Self::MicrobesParquet => "parquet",
            Self::MicrobesGeoJson => "geojson",
            Self::MicrobesRegions => "reg",
        }
    }

    /// Bytes that it has for an image of so many pixels, at most: for microbes, those of some thousand per megapixel.
    pub(crate) fn bytes(self, pixels: u64) -> u64 {
        /// A head, and what belongs to no pixel.
        const HEAD: u64 = 65_536;
        match self {
            Self::Microbes | Self::MicrobesParquet => HEAD + pixels / 5,
            Self::MicrobesGeoJson => HEAD + 3 * pixels / 5,
            Self::MicrobesRegions => HEAD + pixels / 10,
        }
    }

    /// Its file.
    pub(crate) fn path(self, paths: &TaskPaths, params: &Params) -> PathBuf {
        let suffix = suffix(params, self.stage());
        paths.table_path(self.stem(), &suffix, self.extension())
    }
}
