//! `[files]`: where raw images do not follow the naming convention.

use super::problem::Problem;
use super::section::{ProblemCollector, section};
use super::values::{DyeChannels, FilePath, Listed};
use e2m_io::{FilePattern, Naming, StainWords};
use toml::de::DeTable;

section! {
    /// `[files]`: where raw images do not follow the naming convention.
    pub struct Files ["files"] {
        pattern: Option<String> = Some(None), "Paths of the raw images below raw_dir, such as \"{sample}/{stain}_{dye}.{ext}\"; * stands for anything within a name";
        pre: Option<Listed> = Some(None), "Other words in file names for images before staining, such as [\"before\", \"unstained\"]";
        post: Option<Listed> = Some(None), "Other words in file names for images after staining, such as [\"after\", \"stained\"]";
        channels: Option<DyeChannels> = Some(None), "Dyes that every file holds as channels, by number or name, such as { DAPI = 1, GFP = 2 }; the pattern then has no {dye}";
        table: Option<FilePath> = Some(None), "A table of the images as CSV, in place of names: columns sample, dye, pre and post, and parameters such as channel; `e2m init --table` writes one";
    }
}

impl Files {
    /// How the images are named.
    ///
    /// # Errors
    /// A key that cannot be used, and why.
    pub fn naming(&self) -> Result<Naming, (&'static str, String)> {
        let listed = |words: &Option<Listed>| words.as_ref().map_or_else(Vec::new, |w| w.0.clone());
        let words = StainWords {
            pre: listed(&self.pre),
            post: listed(&self.post),
        };
        let lower = |words: &[String]| -> Vec<String> {
            words.iter().map(|word| word.to_lowercase()).collect()
        };
        let (pre, post) = (lower(&words.pre), lower(&words.post));
        if let Some(both) = pre.iter().find(|word| post.contains(word)) {
            return Err(("post", format!("{both:?} stands for pre and for post")));
        }
        let pattern = self.pattern.as_deref();
        let pattern = pattern.map(|text| FilePattern::parse(text, &words));
        let pattern = pattern
            .transpose()
            .map_err(|error| ("pattern", format!("the pattern {error}")))?;
        let dyes = self
            .channels
            .as_ref()
            .map_or_else(Vec::new, DyeChannels::dyes);
        let says_dye = pattern.as_ref().map(FilePattern::has_dye);
        match (says_dye, dyes.is_empty()) {
            (Some(false), true) => Err((
                "pattern",
                "the pattern lacks {dye}; where every file holds several dyes, name them: channels = { DAPI = 1, GFP = 2 }".to_owned(),
            )),
            (Some(true) | None, false) => Err((
                "channels",
                "channels needs a pattern without {dye}, such as pattern = \"{sample}/*{stain}*.{ext}\"".to_owned(),
            )),
            (Some(_) | None, _) => Ok(Naming {
                words,
                pattern,
                dyes,
            }),
        }
    }

    /// What a table makes idle, a sentence.
    pub(crate) fn idle(&self) -> Option<String> {
        let given = [
            ("pattern", self.pattern.is_some()),
            ("pre", self.pre.is_some()),
            ("post", self.post.is_some()),
            ("channels", self.channels.is_some()),
        ];
        let given = given.iter().filter(|(_, given)| *given);
        let keys: Vec<&str> = given.map(|(key, _)| *key).collect();
        (self.table.is_some() && !keys.is_empty()).then(|| {
            format!(
                "{} under [files] {} not used: the table names every image",
                keys.join(", "),
                if keys.len() == 1 { "is" } else { "are" }
            )
        })
    }

    /// Notes what contradicts itself.
    pub(super) fn check(&self, table: Option<&DeTable<'_>>, collector: &mut ProblemCollector<'_>) {
        let at = |key: &str| table.and_then(|t| t.get(key)).map(toml::Spanned::span);
        if let Err((key, text)) = self.naming() {
            collector.note(Problem { at: at(key), text });
        }
    }
}
