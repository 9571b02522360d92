//! The channels of a pair: one rule for both images, so that their ratio is one of like with like.

use super::channels::{ChannelChoice, ColourKind, Reduction, names};
use super::request::ChannelRequest;
use super::statistics::{ChannelStatistics, strongest};
use serde::{Deserialize, Serialize};

/// What is known of the channels of one image.
#[derive(Debug, Clone, PartialEq)]
pub struct ImageChannels {
    /// How its colours are stored.
    pub kind: ColourKind,
    /// Which image of the file it is, the first one is 1.
    pub page: usize,
    /// Of several grey channels of a pixel the one that is read, the first one is 1.
    pub sample: usize,
    /// What is asked for; a number that stood for a page is `Auto`.
    pub request: ChannelRequest,
    /// What its colour channels hold. Grey images need none.
    pub statistics: Option<ChannelStatistics>,
}

/// The channels of both images of a pair.
#[derive(Debug, Clone, PartialEq)]
pub struct PairChoice {
    /// Those of post.
    pub post: ChannelChoice,
    /// Those of pre.
    pub pre: ChannelChoice,
    /// Whether they are of different kinds.
    pub difference: Option<ChannelDifference>,
}

impl PairChoice {
    /// Which channels are taken and why, where the files hold more than one.
    pub fn explained(&self) -> Option<String> {
        ChannelChoice::explain_pair(&self.post, &self.pre)
    }
}

impl ChannelChoice {
    /// Which channels are taken of post and of pre and why, where the files hold more than one.
    pub fn explain_pair(post: &Self, pre: &Self) -> Option<String> {
        let has_choice =
            |choice: &Self| choice.kind != ColourKind::Grey || choice.page > 1 || choice.sample > 1;
        if !has_choice(post) && !has_choice(pre) {
            return None;
        }
        let why = |choice: &Self| match &*choice.why {
            "" => String::new(),
            why => format!(" ({why})"),
        };
        Some(
            if post.to_string() == pre.to_string() && post.why == pre.why {
                format!("channel {post} of post and pre{}", why(post))
            } else {
                format!(
                    "channel {post} of post{}, {pre} of pre{}",
                    why(post),
                    why(pre)
                )
            },
        )
    }
}

/// How the channels of post and pre differ, so that the ratio of the images is none of brightness.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum ChannelDifference {
    /// One image is grey, the other one has its signal in some colours.
    GreyAndColour {
        /// What is taken of post.
        post: String,
        /// What is taken of pre.
        pre: String,
    },
    /// Different colours hold signal.
    NothingInCommon {
        /// The colours that hold signal in post.
        post: String,
        /// Those in pre.
        pre: String,
    },
    /// The same colours hold signal, and different ones are taken because somebody asked for it.
    AskedApart {
        /// What is taken of post.
        post: String,
        /// What is taken of pre.
        pre: String,
    },
}

/// Chooses the channels of both images of a pair.
///
/// Equal channels are grey. Otherwise those are taken that hold signal in both images, each of them at least half of the
/// strongest one's: a single one as it is, several are added. Where nothing holds signal in both, what holds it in each; that is a
/// difference. What is asked for goes before.
pub fn choose_channels(post: &ImageChannels, pre: &ImageChannels) -> PairChoice {
    let choices = [post.choose(pre), pre.choose(post)];
    let difference = difference([post, pre], &choices);
    let [post, pre] = choices;
    PairChoice {
        post,
        pre,
        difference,
    }
}

impl ImageChannels {
    fn holding(&self) -> Vec<usize> {
        self.statistics
            .as_ref()
            .map_or_else(|| vec![0], ChannelStatistics::holding)
    }

    fn shares(&self) -> Vec<f64> {
        let shares = self.statistics.as_ref().map(ChannelStatistics::shares);
        shares.unwrap_or_else(|| vec![0.0; self.kind.channels()])
    }

    /// Whether it is grey, however it is stored.
    fn is_grey(&self) -> bool {
        let equal = |statistics: &ChannelStatistics| statistics.equal;
        self.kind == ColourKind::Grey || self.statistics.as_ref().is_some_and(equal)
    }

    /// Whether its colours and those of another image are chosen together.
    fn is_chosen_with(&self, other: &Self) -> bool {
        let auto =
            |image: &Self| image.kind != ColourKind::Grey && image.request == ChannelRequest::Auto;
        auto(self) && auto(other)
    }

    fn choose(&self, other: &Self) -> ChannelChoice {
        if self.kind == ColourKind::Grey {
            return ChannelChoice {
                sample: self.sample,
                ..ChannelChoice::grey(self.page)
            };
        }
        let choice = |active, reduction, why| ChannelChoice {
            kind: self.kind,
            active,
            reduction,
            is_grey: false,
            page: self.page,
            sample: 1,
            why,
        };
        let asked = || format!("asked for by channel = \"{}\"", self.request);
        match &self.request {
            ChannelRequest::Colour(colour) => choice(vec![*colour], Reduction::Sum, asked()),
            ChannelRequest::Sum => choice(vec![0, 1, 2], Reduction::Sum, asked()),
            ChannelRequest::Luma => choice(vec![0, 1, 2], Reduction::Luma, asked()),
            ChannelRequest::Auto | ChannelRequest::Number(_) | ChannelRequest::Name(_) => {
                let (active, is_grey, why) = self.choose_by_signal(other);
                ChannelChoice {
                    is_grey,
                    ..choice(active, Reduction::Sum, why)
                }
            }
        }
    }

    /// The channels that hold the signal, whether the image is grey, and why these.
    fn choose_by_signal(&self, other: &Self) -> (Vec<usize>, bool, String) {
        let together = self.is_chosen_with(other);
        let mut held = self.shares();
        if together {
            let others = other.shares();
            held.iter_mut().zip(others).for_each(|(a, b)| *a += b);
        }
        if self.is_grey() && (other.is_grey() || !together) {
            return (
                vec![strongest(&held)],
                true,
                "its three channels are equal".to_owned(),
            );
        }
        let shares = self.shares();
        let shares: Vec<String> = (0..shares.len())
            .map(|c| {
                let name = ColourKind::Rgb.channel_name(c);
                format!("{name} {:.0} %", 100.0 * shares[c])
            })
            .collect();
        let shares = shares.join(", ");
        let mut active = self.holding();
        if !together {
            let why = format!("what holds signal, as shares of the strongest channel: {shares}");
            return (active, false, why);
        }
        let others = other.holding();
        active.retain(|channel| others.contains(channel));
        if active.is_empty() {
            let why = format!(
                "what holds signal in this image, none in both, as shares of the strongest channel: {shares}"
            );
            return (self.holding(), false, why);
        }
        let why = format!(
            "what holds signal in both images, as shares of this one's strongest channel: {shares}"
        );
        (active, false, why)
    }
}

fn difference(
    images: [&ImageChannels; 2],
    choices: &[ChannelChoice; 2],
) -> Option<ChannelDifference> {
    let [post, pre] = choices.each_ref().map(ToString::to_string);
    let [a, b] = images;
    if a.is_grey() != b.is_grey() {
        let colour = if a.is_grey() { b } else { a };
        let asked = colour.request != ChannelRequest::Auto;
        return (!asked).then_some(ChannelDifference::GreyAndColour { post, pre });
    }
    if a.is_grey() {
        let reductions = choices[0].reduction == choices[1].reduction;
        let amounts = choices[0].active.len() == choices[1].active.len();
        let same =
            a.kind == ColourKind::Grey && b.kind == ColourKind::Grey || reductions && amounts;
        return (!same).then_some(ChannelDifference::AskedApart { post, pre });
    }
    // What is taken and holds something: channels that hold nothing add nothing.
    let effective = |image: &ImageChannels, choice: &ChannelChoice| {
        let held = image.holding();
        let taken = choice.active.iter().copied();
        let both: Vec<usize> = taken.filter(|channel| held.contains(channel)).collect();
        if both.is_empty() {
            choice.active.clone()
        } else {
            both
        }
    };
    let [taken_a, taken_b] = [effective(a, &choices[0]), effective(b, &choices[1])];
    let (held_a, held_b) = (a.holding(), b.holding());
    if a.request == b.request {
        let disjoint = !held_a.iter().any(|channel| held_b.contains(channel));
        let matters = matches!(
            a.request,
            ChannelRequest::Auto | ChannelRequest::Sum | ChannelRequest::Luma
        );
        return (disjoint && matters).then(|| ChannelDifference::NothingInCommon {
            post: names(&held_a),
            pre: names(&held_b),
        });
    }
    let same = taken_a == taken_b && choices[0].reduction == choices[1].reduction;
    (!same && held_a == held_b).then_some(ChannelDifference::AskedApart { post, pre })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image(contrasts: &[f64]) -> ImageChannels {
        let equal = contrasts.iter().all(|c| *c == contrasts[0]);
        ImageChannels {
            kind: if contrasts.len() == 1 {
                ColourKind::Grey
            } else {
                ColourKind::Rgb
            },
            page: 1,
            sample: 1,
            request: ChannelRequest::Auto,
            statistics: (contrasts.len() > 1).then(|| ChannelStatistics {
                page: 1,
                contrasts: contrasts.to_vec(),
                means: contrasts.to_vec(),
                has_contrast: true,
                equal,
                largest: 200.0,
            }),
        }
    }

    fn asked(contrasts: &[f64], word: &str) -> ImageChannels {
        ImageChannels {
            request: ChannelRequest::from_word(word).expect("a channel"),
            ..image(contrasts)
        }
    }

    fn chosen(post: &ImageChannels, pre: &ImageChannels) -> (String, String, bool) {
        let choice = choose_channels(post, pre);
        (
            choice.post.to_string(),
            choice.pre.to_string(),
            choice.difference.is_some(),
        )
    }

    fn same(names: &str) -> (String, String, bool) {
        (names.to_owned(), names.to_owned(), false)
    }

    #[test]
    fn both_images_get_the_same_channels() {
        let (green, noisy) = (image(&[0.5, 20.0, 0.0]), image(&[0.7, 28.0, 0.1]));
        assert_eq!(chosen(&green, &noisy), same("G"));
        // At the limit in one image: what both hold is taken.
        let (above, below) = (image(&[11.0, 20.0, 0.0]), image(&[9.0, 20.0, 0.0]));
        assert_eq!(chosen(&above, &below), same("G"));
        assert_eq!(chosen(&above, &above), same("R+G"));
    }

    #[test]
    fn equal_channels_are_grey() {
        let (rgb, stored) = (image(&[20.0; 3]), image(&[20.0]));
        assert_eq!(chosen(&rgb, &rgb), same("grey"));
        assert_eq!(chosen(&stored, &rgb), same("grey"));
        assert_eq!(chosen(&stored, &stored), same("grey"));
    }

    #[test]
    fn images_of_different_kinds_are_doubted() {
        let (red, green) = (image(&[20.0, 0.0, 0.0]), image(&[0.0, 30.0, 0.0]));
        let choice = choose_channels(&red, &green);
        assert_eq!((choice.post.active, choice.pre.active), (vec![0], vec![1]));
        assert!(matches!(
            choice.difference,
            Some(ChannelDifference::NothingInCommon { .. })
        ));
        for grey in [image(&[20.0]), image(&[20.0; 3])] {
            assert!(chosen(&grey, &green).2 && chosen(&green, &grey).2);
        }
    }

    #[test]
    fn what_is_asked_for_is_doubted_only_where_it_mixes_differently() {
        let both = [20.0, 15.0, 0.0];
        assert!(chosen(&asked(&both, "sum"), &asked(&both, "G")).2);
        assert!(chosen(&asked(&both, "luma"), &image(&both)).2);
        assert!(!chosen(&asked(&both, "sum"), &image(&both)).2);
        // One channel holds all: its sum is the channel.
        let green = [0.0, 30.0, 0.0];
        assert!(!chosen(&asked(&green, "sum"), &asked(&green, "G")).2);
        // Whoever asks for red of a red and green of a green image knows.
        assert!(!chosen(&asked(&[20.0, 0.0, 0.0], "R"), &asked(&green, "G")).2);
        assert!(!chosen(&image(&[20.0]), &asked(&green, "G")).2);
    }
}
