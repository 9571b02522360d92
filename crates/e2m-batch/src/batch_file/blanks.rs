//! `[blanks]`: samples that are known to hold no microbes.

use super::section::section;
use super::values::Listed;

section! {
    /// `[blanks]`: samples that are known to hold no microbes.
    pub struct Blanks ["blanks"] {
        samples: Option<Listed> = Some(None), "Unstained or sterile controls of the batch: how many microbes are found there tells from how many on a sample has any";
    }
}

impl Blanks {
    /// The samples; none where none are given.
    pub fn samples(&self) -> &[String] {
        self.samples.as_ref().map_or(&[], |listed| &listed.0)
    }
}
