//! Reading file names: which dye, and before or after staining.

use super::words::StainWords;
use std::fmt;
use std::ops::Range;

/// Whether an image was taken before or after staining.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Stain {
    /// Before: only autofluorescence.
    Pre,
    /// After: the same plus what took up the stain.
    Post,
}

impl Stain {
    const fn word(self) -> &'static str {
        match self {
            Self::Pre => "pre",
            Self::Post => "post",
        }
    }
}

impl fmt::Display for Stain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// What a file name says about the stain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum StainInName {
    /// One of the two.
    Named(Stain),
    /// Neither `pre` nor `post` occurs.
    Silent,
    /// Both occur and no whole token decides.
    Ambiguous,
}

/// What follows the last underscore of a file name without its extension; none without an underscore or behind a last one.
pub(super) fn dye_of(stem: &str) -> Option<&str> {
    stem.rsplit_once('_')
        .map(|(_, dye)| dye)
        .filter(|dye| !dye.is_empty())
}

/// Tells the stain by `pre` or `post` anywhere in the name, in any case. When both occur, a whole token outside the
/// sample's own name decides: `PreStain`, `post`, `PRE2`. A lab's own words for one of them, outside the sample's name, come first.
pub(super) fn stain_of(stem: &str, sample: &str, words: &StainWords) -> StainInName {
    if !words.is_empty() {
        match words.in_name(&without_sample(stem, sample)) {
            [true, false] => return StainInName::Named(Stain::Pre),
            [false, true] => return StainInName::Named(Stain::Post),
            [true, true] => return StainInName::Ambiguous,
            [false, false] => {}
        }
    }
    by_convention(stem, sample)
}

fn by_convention(stem: &str, sample: &str) -> StainInName {
    let name = stem.to_ascii_lowercase();
    let only = |stain: Stain| StainInName::Named(stain);
    match (name.contains("pre"), name.contains("post")) {
        (false, false) => StainInName::Silent,
        (true, false) => only(Stain::Pre),
        (false, true) => only(Stain::Post),
        (true, true) => {
            let outside = without_sample(stem, sample);
            let has = |stain: Stain| {
                tokens(&outside)
                    .iter()
                    .any(|token| is_stain_token(token, stain))
            };
            match (has(Stain::Pre), has(Stain::Post)) {
                (true, false) => only(Stain::Pre),
                (false, true) => only(Stain::Post),
                _ => StainInName::Ambiguous,
            }
        }
    }
}

/// `stem` with every whole occurrence of the sample's name blanked out.
fn without_sample(stem: &str, sample: &str) -> String {
    let (lower, sample) = (stem.to_ascii_lowercase(), sample.to_ascii_lowercase());
    // Lower case of ASCII takes as many bytes, so that places in one are places in the other.
    let part = |text: &str, range: Range<usize>| text.get(range).unwrap_or_default().to_owned();
    let mut outside = String::new();
    let mut rest = 0;
    if !sample.is_empty() {
        for (at, found) in lower.match_indices(&sample) {
            let end = at + found.len();
            let before = part(&lower, 0..at).chars().next_back();
            let after = part(&lower, end..lower.len()).chars().next();
            let ends_token = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric());
            if at >= rest && ends_token(before) && ends_token(after) {
                outside.push_str(&part(stem, rest..at));
                outside.push('_');
                rest = end;
            }
        }
    }
    outside.push_str(&part(stem, rest..stem.len()));
    outside
}

/// Words between separators, and their parts between changes from lower to upper case, all in lower case.
fn tokens(text: &str) -> Vec<String> {
    let mut tokens = Vec::new();
    for word in text.split(['_', '-', '.', ' ']) {
        tokens.push(word.to_ascii_lowercase());
        let mut part = String::new();
        let mut after_small = false;
        for c in word.chars() {
            if c.is_uppercase() && after_small {
                tokens.push(std::mem::take(&mut part));
            }
            after_small = c.is_lowercase() || c.is_ascii_digit();
            part.push(c.to_ascii_lowercase());
        }
        tokens.push(part);
    }
    tokens
}

/// Whether a part of a name is one of the convention's words.
pub(super) fn is_word(part: &str) -> bool {
    let part = part.to_lowercase();
    let is = |stain| is_stain_token(&part, stain);
    is(Stain::Pre) || is(Stain::Post)
}

/// `pre`, `pre2`, `prestain`, `prestained2`.
fn is_stain_token(token: &str, stain: Stain) -> bool {
    token
        .trim_end_matches(|c: char| c.is_ascii_digit())
        .strip_prefix(stain.word())
        .is_some_and(|rest| matches!(rest, "" | "stain" | "stained" | "staining"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn stain_of(stem: &str, sample: &str) -> StainInName {
        super::stain_of(stem, sample, &StainWords::default())
    }

    const PRE: StainInName = StainInName::Named(Stain::Pre);
    const POST: StainInName = StainInName::Named(Stain::Post);

    #[test]
    fn the_dye_follows_the_last_underscore() {
        assert_eq!(dye_of("CD070_PreStain_SybrGld"), Some("SybrGld"));
        assert_eq!(dye_of("a_b_c_DAPI 2"), Some("DAPI 2"));
        assert_eq!(dye_of("PreStain-DAPI"), None);
        assert_eq!(dye_of("PreStain_"), None);
    }

    #[test]
    fn one_word_anywhere_is_enough() {
        assert_eq!(stain_of("CD070_PreStain_DAPI", "CD070"), PRE);
        assert_eq!(stain_of("CD070 POSTSTAIN_DAPI", "CD070"), POST);
        assert_eq!(stain_of("xprey_DAPI", "x"), PRE);
        assert_eq!(stain_of("CD070_DAPI", "CD070"), StainInName::Silent);
    }

    #[test]
    fn a_whole_token_decides_between_two_words() {
        for (name, sample, expected) in [
            ("Compost3_PreStain_DAPI", "Compost3", PRE),
            ("Compost3-PRE2_DAPI", "Compost3", PRE),
            ("preserved_post_DAPI", "x", POST),
            ("preservedPost_DAPI", "x", POST),
            ("S1_post_CypressBlue", "S1", POST),
            ("S1.poststained.pressed_DAPI", "S1", POST),
        ] {
            assert_eq!(stain_of(name, sample), expected, "{name}");
        }
    }

    #[test]
    fn the_sample_s_own_name_does_not_decide() {
        assert_eq!(stain_of("pre-Cambrian_post_DAPI", "pre-Cambrian"), POST);
        assert_eq!(stain_of("Post 7_PreStain_DAPI", "post 7"), PRE);
        // Only whole occurrences are the sample's name.
        assert_eq!(stain_of("PreStain_compost_DAPI", "p"), PRE);
    }

    #[test]
    fn words_of_a_lab_come_first() {
        let words = StainWords {
            pre: vec!["unstained".into(), "blank".into()],
            post: vec!["stained".into()],
        };
        for (stem, sample, expected) in [
            ("CD070_unstained_DAPI", "CD070", PRE),
            ("CD070_stained_DAPI", "CD070", POST),
            ("CD070_Blank_DAPI", "CD070", PRE),
            ("CD070_PostStain_DAPI", "CD070", POST),
            ("blank_pre_DAPI", "blank", PRE),
            ("blank_post_DAPI", "blank", POST),
            ("blank_stained_DAPI", "x", StainInName::Ambiguous),
        ] {
            assert_eq!(super::stain_of(stem, sample, &words), expected, "{stem}");
        }
    }

    #[test]
    fn two_tokens_are_ambiguous() {
        assert_eq!(stain_of("pre_post_DAPI", "S1"), StainInName::Ambiguous);
        assert_eq!(stain_of("precomposted_DAPI", "S1"), StainInName::Ambiguous);
    }

    #[test]
    fn names_in_other_scripts_do_no_harm() {
        assert_eq!(
            stain_of("Höhle_Präpost_prépre_ÄÖ", "Höhle"),
            StainInName::Ambiguous
        );
        assert_eq!(stain_of("пре_post_DAPI", "пре"), POST);
    }

    proptest! {
        #[test]
        fn any_name_can_be_read(stem in any::<String>(), sample in any::<String>()) {
            dye_of(&stem);
            stain_of(&stem, &sample);
            let both = format!("{sample}_pre_{stem}_post");
            stain_of(&both, &sample);
        }

        #[test]
        fn the_usual_names_are_always_told(sample in "[A-Za-z0-9 .-]{1,20}", dye in "[A-Z][A-Za-z0-9]{0,9}", post in any::<bool>()) {
            prop_assume!(!dye.to_lowercase().contains("pre") && !dye.to_lowercase().contains("post"));
            let (word, expected) = if post { ("PostStain", POST) } else { ("PreStain", PRE) };
            let stem = format!("{sample}_{word}_{dye}");
            prop_assert_eq!(stain_of(&stem, &sample), expected);
            prop_assert_eq!(dye_of(&stem), Some(dye.as_str()));
        }
    }
}
