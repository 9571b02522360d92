//! The words that tell pre from post: the convention's own, and those that a lab uses instead.

use super::stain::Stain;

/// What the convention's words may go on with: `PreStain`, `post_stained`.
const ENDINGS: [&str; 4] = ["staining", "stained", "stain", ""];

/// The words of file names for each stain, besides `pre` and `post`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StainWords {
    /// Words for pre, such as `before` or `unstained`.
    pub pre: Vec<String>,
    /// Words for post, such as `after` or `stained`.
    pub post: Vec<String>,
}

impl StainWords {
    /// Whether there are none besides the convention's own.
    pub fn is_empty(&self) -> bool {
        self.pre.is_empty() && self.post.is_empty()
    }

    fn of(&self, stain: Stain) -> &[String] {
        match stain {
            Stain::Pre => &self.pre,
            Stain::Post => &self.post,
        }
    }

    /// Every word that stands for a stain where a pattern has `{stain}`, the longest first.
    pub(super) fn all(&self) -> Vec<(String, Stain)> {
        let mut all: Vec<(String, Stain)> = Vec::new();
        for stain in [Stain::Pre, Stain::Post] {
            all.extend(self.of(stain).iter().map(|w| (w.to_lowercase(), stain)));
            all.extend(ENDINGS.iter().map(|end| (format!("{stain}{end}"), stain)));
        }
        all.sort_by(|a, b| b.0.len().cmp(&a.0.len()).then_with(|| a.0.cmp(&b.0)));
        all.dedup();
        all
    }

    /// The stains whose words occur in a name. A word within a longer one does not count: `stained` in `unstained`.
    pub(super) fn in_name(&self, name: &str) -> [bool; 2] {
        let name = name.to_lowercase();
        let mut found = Vec::new();
        for stain in [Stain::Pre, Stain::Post] {
            for word in self.of(stain) {
                let word = word.to_lowercase();
                let places = name.match_indices(&word);
                found.extend(places.map(|(at, _)| (at..at + word.len(), stain)));
            }
        }
        let counts = |stain: Stain| {
            found.iter().any(|(range, of)| {
                let within = |other: &std::ops::Range<usize>| {
                    other.start <= range.start
                        && range.end <= other.end
                        && other.len() > range.len()
                };
                *of == stain && !found.iter().any(|(other, _)| within(other))
            })
        };
        [counts(Stain::Pre), counts(Stain::Post)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words() -> StainWords {
        StainWords {
            pre: vec!["unstained".into(), "Before".into()],
            post: vec!["stained".into(), "after".into()],
        }
    }

    #[test]
    fn a_word_within_a_longer_one_does_not_count() {
        assert_eq!(words().in_name("S1_Unstained_DAPI"), [true, false]);
        assert_eq!(words().in_name("S1_stained_DAPI"), [false, true]);
        assert_eq!(words().in_name("stained_unstained"), [true, true]);
        assert_eq!(words().in_name("S1_BEFORE"), [true, false]);
        assert_eq!(words().in_name("S1"), [false, false]);
    }

    #[test]
    fn a_pattern_knows_the_convention_s_words_too() {
        let all = words().all();
        for (word, stain) in [
            ("prestain", Stain::Pre),
            ("post", Stain::Post),
            ("before", Stain::Pre),
            ("stained", Stain::Post),
        ] {
            assert!(all.contains(&(word.to_owned(), stain)), "{word}");
        }
        assert!(all.is_sorted_by_key(|(word, _)| std::cmp::Reverse(word.len())));
    }
}
