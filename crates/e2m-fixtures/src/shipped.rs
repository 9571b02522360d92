//! The recipes that come with e2m: the files of `fixtures/`, built in. `recipes` in this crate is a link to that folder, so that a
//! package of the crate holds them.

use crate::{FixtureError, Recipe};
use std::path::{Path, PathBuf};

macro_rules! shipped {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_str!(concat!("../recipes/", $name, ".toml")))),*]
    };
}

/// Name and text of each, in the order of `fixtures/README.md`. A test holds it to the folder.
const SHIPPED: &[(&str, &str)] = shipped![
    "clean",
    "rgb_green",
    "rgb_red",
    "rgb_two_channels",
    "grey16",
    "float32",
    "deflate",
    "lzw",
    "different_sizes",
    "rotated_18",
    "rotated_40",
    "rotated_90",
    "rotated_180",
    "magnified_070",
    "magnified_085",
    "magnified_115",
    "magnified_140",
    "sheared",
    "shifted",
    "perspective",
    "dim_gain_3",
    "vignetted",
    "uptake",
    "bleached",
    "defocused",
    "dusty",
    "noisy",
    "frame_filling",
    "pieces",
    "combination",
    "combination_frame_filling",
    "deformed",
    "small_overlap",
    "other_rock",
    "mirrored",
    "noise",
    "blank",
    "constant",
    "demo_green",
    "demo_grey16",
    "demo_hard",
];

/// One task of the demo batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DemoTask {
    /// Name of its recipe.
    pub recipe: &'static str,
    /// Folder and first part of its file names.
    pub sample: &'static str,
    /// Last part of its file names.
    pub dye: &'static str,
}

/// The demo batch: two samples, three pairs that differ in character.
pub const DEMO: [DemoTask; 3] = [
    DemoTask {
        recipe: "demo_green",
        sample: "CD070",
        dye: "SybrGld",
    },
    DemoTask {
        recipe: "demo_grey16",
        sample: "CD070",
        dye: "DAPI",
    },
    DemoTask {
        recipe: "demo_hard",
        sample: "CD063",
        dye: "SybrGld",
    },
];

/// Names of the recipes that come with e2m.
pub fn shipped_names() -> impl Iterator<Item = &'static str> {
    SHIPPED.iter().map(|(name, _)| *name)
}

impl Recipe {
    /// A recipe that comes with e2m, by its name: `Recipe::shipped("vignetted")`.
    pub fn shipped(name: &str) -> Result<Self, FixtureError> {
        let (_, text) = SHIPPED
            .iter()
            .find(|(known, _)| *known == name)
            .ok_or_else(|| FixtureError::UnknownRecipe {
                name: name.to_owned(),
                known: shipped_names().map(str::to_owned).collect(),
            })?;
        Self::from_toml(text).map_err(|source| FixtureError::Recipe {
            path: PathBuf::from(format!("fixtures/{name}.toml")),
            source: Box::new(source),
        })
    }
}

/// Name and recipe of every `.toml` file in a folder, sorted by name.
pub fn recipes_in(dir: &Path) -> Result<Vec<(String, Recipe)>, FixtureError> {
    let failed = |source| FixtureError::Io {
        path: dir.to_owned(),
        source,
    };
    let mut recipes = Vec::new();
    for entry in std::fs::read_dir(dir).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.extension().is_some_and(|e| e == "toml") {
            let name = path.file_stem().unwrap_or_default().to_string_lossy();
            recipes.push((name.into_owned(), Recipe::from_file(&path)?));
        }
    }
    recipes.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(recipes)
}
