//! Where names do not follow the convention: a pattern of the path below the raw folder, such as `{sample}/{stain}_{dye}.{ext}`.

use super::stain::Stain;
use super::words::StainWords;
use crate::raw::RAW_EXTENSIONS;
use fancy_regex::{Captures, Regex, RegexBuilder};
use std::fmt;

/// Steps that matching one path may take: some thousand times what any sensible pattern needs.
const MAX_STEPS: usize = 100_000;
/// Parts of a pattern, at most.
const MAX_PARTS: usize = 40;

/// A pattern that cannot be used, as a sentence without subject or end.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct PatternError(String);

/// A part of a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Sample,
    Stain,
    Dye,
    Extension,
}

impl Part {
    const ALL: [(&'static str, Self); 4] = [
        ("sample", Self::Sample),
        ("stain", Self::Stain),
        ("dye", Self::Dye),
        ("ext", Self::Extension),
    ];

    const fn name(self) -> &'static str {
        match self {
            Self::Sample => "sample",
            Self::Stain => "stain",
            Self::Dye => "dye",
            Self::Extension => "ext",
        }
    }
}

/// How the paths of raw images below their folder are made up, with `/` between folders.
///
/// `{sample}`, `{stain}`, `{dye}` and `{ext}` stand for what they say, `*` for anything within a name. A part that stands twice has to
/// be the same text both times. The stain is one of the words for it, in any case; the extension is one of
/// [`RAW_EXTENSIONS`](crate::RAW_EXTENSIONS); a dye has no
/// underscore.
#[derive(Debug, Clone)]
pub struct FilePattern {
    text: String,
    regex: Regex,
    folders: usize,
    has_dye: bool,
    words: Vec<(String, Stain)>,
}

/// What a path says by a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct NamedPath {
    pub(super) sample: String,
    pub(super) stain: Stain,
    pub(super) dye: Option<String>,
}

impl PartialEq for FilePattern {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text && self.words == other.words
    }
}

impl fmt::Display for FilePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FilePattern {
    /// Reads a pattern, whose `{stain}` may be any of the convention's words or of `words`.
    ///
    /// # Errors
    /// What it lacks, or holds that means nothing.
    pub fn parse(text: &str, words: &StainWords) -> Result<Self, PatternError> {
        let fail = |why: String| Err(PatternError(why));
        let words = words.all();
        let mut seen: Vec<Part> = Vec::new();
        let mut regex = String::from("(?s)^");
        let mut rest = text;
        let mut parts = 0;
        while let Some(first) = rest.chars().next() {
            parts += 1;
            match first {
                '{' => {
                    let Some((name, behind)) = rest.split_once('}') else {
                        return fail(format!("has no }} behind {rest:?}"));
                    };
                    let name = name.trim_start_matches('{').trim();
                    let Some((_, part)) = Part::ALL.iter().find(|(known, _)| *known == name) else {
                        return fail(format!(
                            "has {{{name}}}; its parts can be {{sample}}, {{stain}}, {{dye}} and {{ext}}, and * for anything else"
                        ));
                    };
                    if seen.contains(part) {
                        regex.push_str(&format!("\\k<{}>", part.name()));
                    } else {
                        regex.push_str(&format!(
                            "(?<{}>{})",
                            part.name(),
                            expression(*part, &words)
                        ));
                        seen.push(*part);
                    }
                    rest = behind;
                }
                '}' => return fail("has a } without a {".to_owned()),
                '*' => {
                    regex.push_str("[^/]*");
                    rest = rest.trim_start_matches('*');
                }
                _ => {
                    let end = rest.find(['{', '}', '*']).unwrap_or(rest.len());
                    let (literal, behind) = rest.split_at(end);
                    regex.push_str(&fancy_regex::escape(literal));
                    rest = behind;
                }
            }
            if parts > MAX_PARTS {
                return fail(format!("has more than {MAX_PARTS} parts"));
            }
        }
        regex.push('$');
        for needed in [Part::Sample, Part::Stain] {
            if !seen.contains(&needed) {
                return fail(format!("lacks {{{}}}", needed.name()));
            }
        }
        if text.starts_with('/') || text.contains("//") || text.split('/').any(|name| name == "..")
        {
            return fail(
                "must be a path below raw_dir, such as {sample}/{stain}_{dye}.{ext}".to_owned(),
            );
        }
        let regex = RegexBuilder::new(&regex)
            .backtrack_limit(MAX_STEPS)
            .build()
            .map_err(|error| PatternError(format!("cannot be used: {error}")))?;
        Ok(Self {
            folders: text.matches('/').count(),
            has_dye: seen.contains(&Part::Dye),
            text: text.to_owned(),
            regex,
            words,
        })
    }

    /// Folders that a file lies in below the raw folder.
    pub(super) fn folders(&self) -> usize {
        self.folders
    }

    /// Whether it says the dye.
    pub fn has_dye(&self) -> bool {
        self.has_dye
    }

    /// What a path below the raw folder says, with `/` between its names; nothing where it does not fit.
    pub(super) fn read(&self, path: &str) -> Option<NamedPath> {
        let found = self.regex.captures(path).ok()??;
        let part = |part: Part| part_of(&found, part);
        let word = part(Part::Stain)?.to_lowercase();
        let (_, stain) = self.words.iter().find(|(known, _)| *known == word)?;
        Some(NamedPath {
            sample: part(Part::Sample)?,
            stain: *stain,
            dye: part(Part::Dye),
        })
    }
}

fn part_of(found: &Captures<'_, str>, part: Part) -> Option<String> {
    Some(found.name(part.name())?.as_str().to_owned())
}

/// What may stand for a part.
fn expression(part: Part, words: &[(String, Stain)]) -> String {
    match part {
        Part::Sample => "[^/]+".to_owned(),
        Part::Dye => "[^/_]+".to_owned(),
        Part::Extension => format!("(?i:{})", RAW_EXTENSIONS.join("|")),
        Part::Stain => {
            let words: Vec<_> = words
                .iter()
                .map(|(word, _)| fancy_regex::escape(word))
                .collect();
            format!("(?i:{})", words.join("|"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn words() -> StainWords {
        StainWords {
            pre: vec!["unstained".into(), "no stain".into()],
            post: vec!["stained".into()],
        }
    }

    fn read(pattern: &str, path: &str) -> Option<(String, Stain, Option<String>)> {
        let pattern = FilePattern::parse(pattern, &words()).expect("a pattern");
        let named = pattern.read(path)?;
        Some((named.sample, named.stain, named.dye))
    }

    fn named(sample: &str, stain: Stain, dye: &str) -> Option<(String, Stain, Option<String>)> {
        Some((sample.into(), stain, Some(dye.into())))
    }

    #[test]
    fn paths_of_many_labs() {
        use Stain::{Post, Pre};
        for (pattern, path, expected) in [
            (
                "{sample}/{stain}_{dye}.{ext}",
                "CD070/pre_DAPI.tif",
                named("CD070", Pre, "DAPI"),
            ),
            (
                "{sample}/{stain}_{dye}.{ext}",
                "CD070/Stained_DAPI.TIFF",
                named("CD070", Post, "DAPI"),
            ),
            (
                "{sample}/{stain}_{dye}.{ext}",
                "CD070/unstained_DAPI.tif",
                named("CD070", Pre, "DAPI"),
            ),
            (
                "{sample}/{stain}/{dye}.tif",
                "a b/no stain/488.tif",
                named("a b", Pre, "488"),
            ),
            (
                "{dye}/{sample}_{stain}.{ext}",
                "DAPI/x_1_PostStain.tif",
                named("x_1", Post, "DAPI"),
            ),
            (
                "*/{sample}-{dye}-{stain}*.tif",
                "2024/S1-GFP-post_0003.tif",
                named("S1", Post, "GFP"),
            ),
            (
                "{sample}/{sample}*_{stain}_{dye}.tif",
                "S1/S1_b_pre_DAPI.tif",
                named("S1", Pre, "DAPI"),
            ),
            (
                "{sample}/{sample}*_{stain}_{dye}.tif",
                "S1/S2_b_pre_DAPI.tif",
                None,
            ),
            (
                "{sample}/{stain}_{dye}.{ext}",
                "deep/CD070/pre_DAPI.tif",
                None,
            ),
            ("{sample}/{stain}_{dye}.{ext}", "CD070/pre_DAPI.jpg", None),
            (
                "{sample}/{stain}_{dye}.{ext}",
                "CD070/during_DAPI.tif",
                None,
            ),
            (
                "{sample}.{stain}.(x+).{dye}.tif",
                "S1.pre.(x+).D.tif",
                named("S1", Pre, "D"),
            ),
        ] {
            assert_eq!(read(pattern, path), expected, "{pattern} {path}");
        }
        assert_eq!(
            read("{sample}_{stain}.tif", "S1_pre.tif"),
            Some(("S1".into(), Pre, None))
        );
    }

    #[test]
    fn what_is_wrong_with_a_pattern_is_said() {
        for (pattern, word) in [
            ("{stain}_{dye}.tif", "lacks {sample}"),
            ("{sample}.tif", "lacks {stain}"),
            ("{sample}/{stian}.tif", "{stian}"),
            ("{sample}/{stain.tif", "no }"),
            ("{sample}/stain}.tif", "} without"),
            ("/data/{sample}/{stain}.tif", "below raw_dir"),
            ("../{sample}/{stain}.tif", "below raw_dir"),
            (&"{sample}*".repeat(30), "more than"),
        ] {
            let error = FilePattern::parse(pattern, &words())
                .expect_err(pattern)
                .to_string();
            assert!(error.contains(word), "{error}");
        }
    }

    proptest! {
        #[test]
        fn any_pattern_and_path_end(pattern in "[a-z{}*/._]{0,30}", path in any::<String>()) {
            if let Ok(pattern) = FilePattern::parse(&pattern, &words()) {
                pattern.read(&path);
            }
        }

        #[test]
        fn what_is_put_together_comes_apart(sample in "[A-Za-z0-9 -]{1,12}", dye in "[A-Za-z0-9]{1,8}", pre in any::<bool>()) {
            let (word, stain) = if pre { ("unstained", Stain::Pre) } else { ("stained", Stain::Post) };
            let path = format!("{sample}/x_{word}_{dye}.tif");
            prop_assert_eq!(read("{sample}/x_{stain}_{dye}.{ext}", &path), named(&sample, stain, &dye));
        }
    }
}
