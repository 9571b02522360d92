//! What can go wrong while making fixtures.

use e2m_image::WarpError;
use std::path::PathBuf;

/// Why a fixture could not be made.
#[derive(Debug, thiserror::Error)]
pub enum FixtureError {
    /// A file could not be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// A recipe file is not a recipe; the source names the key and the line.
    #[error("{}: {source}", path.display())]
    Recipe {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: Box<toml::de::Error>,
    },
    /// There is no recipe of this name.
    #[error("no recipe is called {name:?}; there are: {}", known.join(", "))]
    UnknownRecipe {
        /// The name asked for.
        name: String,
        /// The names there are.
        known: Vec<String>,
    },
    /// A value of a recipe makes no sense.
    #[error("{key} = {value}: {reason}")]
    Value {
        /// The key.
        key: &'static str,
        /// Its value.
        value: String,
        /// What it has to be.
        reason: &'static str,
    },
    /// The numbers of a recipe make no invertible warp.
    #[error("rotation, magnification, shear and perspective: {0}")]
    Warp(#[from] WarpError),
    /// A TIFF could not be written.
    #[error("{}: {source}", path.display())]
    Tiff {
        /// The file.
        path: PathBuf,
        /// What the encoder says.
        source: tiff::TiffError,
    },
    /// A truth file could not be written or read.
    #[error("{}: {source}", path.display())]
    Truth {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: serde_json::Error,
    },
}
