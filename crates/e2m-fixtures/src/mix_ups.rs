//! What people do to the files of a pair by mistake.

use crate::{FixtureError, Recipe, Side, TiffLayout, World, WrittenPair};
use std::path::Path;

/// How one image came to stand for two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Twice {
    /// The file was copied.
    Copied,
    /// The image was exported again: the same pixels in another layout of the file.
    ExportedAgain(TiffLayout),
}

impl WrittenPair {
    /// Gives post and pre the wrong way round: each file has the other's name.
    pub fn swap(&self) -> Result<(), FixtureError> {
        let aside = self.post.with_extension("aside");
        rename(&self.post, &aside)?;
        rename(&self.pre, &self.post)?;
        rename(&aside, &self.pre)
    }

    /// Gives one image of the recipe for both.
    pub fn give_twice(&self, recipe: &Recipe, side: Side, how: Twice) -> Result<(), FixtureError> {
        let (from, to) = match side {
            Side::Post => (&self.post, &self.pre),
            Side::Pre => (&self.pre, &self.post),
        };
        match how {
            Twice::Copied => std::fs::copy(from, to).map(|_| ()).map_err(at(to)),
            Twice::ExportedAgain(tiff) => {
                let recipe = Recipe {
                    tiff,
                    ..recipe.clone()
                };
                World::new(&recipe)?.write_tiff(side, to)
            }
        }
    }
}

fn rename(from: &Path, to: &Path) -> Result<(), FixtureError> {
    std::fs::rename(from, to).map_err(at(to))
}

fn at(path: &Path) -> impl FnOnce(std::io::Error) -> FixtureError {
    let path = path.to_owned();
    move |source| FixtureError::Io { path, source }
}
