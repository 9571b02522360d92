//! The channel that somebody asks for.

use serde::{Deserialize, Serialize};
use std::fmt;

/// Which channel of an image is asked for. Read from, and displayed as, the word of a batch file.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(try_from = "ChannelWord", into = "ChannelWord")]
pub enum ChannelRequest {
    /// What holds the signal of both images of the pair.
    #[default]
    Auto,
    /// Red, green or blue: 0, 1 or 2.
    Colour(usize),
    /// All three, added.
    Sum,
    /// All three, weighted as eyes do.
    Luma,
    /// A page of a file of several pages, or else a channel of its only page. The first is 1.
    Number(usize),
    /// A channel by its name in the file's OME-XML.
    Name(String),
}

/// Names of OME channels are taken up to here; longer ones make file names too long.
const MAX_NAME_CHARS: usize = 40;

impl ChannelRequest {
    /// The request that a word stands for; `None` for one that cannot be a channel's name.
    pub fn from_word(word: &str) -> Option<Self> {
        let word = word.trim();
        if let Ok(number) = word.parse::<usize>() {
            return (number > 0).then_some(Self::Number(number));
        }
        Some(match word.to_ascii_lowercase().as_str() {
            "auto" => Self::Auto,
            "r" | "red" => Self::Colour(0),
            "g" | "green" => Self::Colour(1),
            "b" | "blue" => Self::Colour(2),
            "sum" => Self::Sum,
            "luma" => Self::Luma,
            "" => return None,
            _ if word.chars().count() > MAX_NAME_CHARS || word.chars().any(char::is_control) => {
                return None;
            }
            _ => Self::Name(word.to_owned()),
        })
    }
}

/// Which image of a file is asked for. Read from, and displayed as, the word of a batch file.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(try_from = "ChannelWord", into = "ChannelWord")]
pub enum PageRequest {
    /// The first one, or the largest where that is a copy; or the one of the channel that is asked for.
    #[default]
    Auto,
    /// A page by its number, the first is 1.
    Number(usize),
    /// A page by its name (tag 285).
    Name(String),
}

impl PageRequest {
    /// The request that a word stands for; `None` for one that cannot be a page's name.
    pub fn from_word(word: &str) -> Option<Self> {
        let word = word.trim();
        if let Ok(number) = word.parse::<usize>() {
            return (number > 0).then_some(Self::Number(number));
        }
        if word.eq_ignore_ascii_case("auto") {
            return Some(Self::Auto);
        }
        let is_name = !word.is_empty()
            && word.chars().count() <= MAX_NAME_CHARS
            && !word.chars().any(char::is_control);
        is_name.then(|| Self::Name(word.to_owned()))
    }
}

impl fmt::Display for PageRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Number(number) => write!(f, "{number}"),
            Self::Name(name) => f.write_str(name),
        }
    }
}

impl From<PageRequest> for ChannelWord {
    fn from(request: PageRequest) -> Self {
        match request {
            PageRequest::Number(number) => Self::Number(number),
            word => Self::Text(word.to_string()),
        }
    }
}

impl TryFrom<ChannelWord> for PageRequest {
    type Error = String;

    fn try_from(word: ChannelWord) -> Result<Self, String> {
        let word = match word {
            ChannelWord::Number(number) => number.to_string(),
            ChannelWord::Text(word) => word,
        };
        Self::from_word(&word).ok_or_else(|| format!("{word:?} is no page"))
    }
}

/// As it stands in JSON.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum ChannelWord {
    Number(usize),
    Text(String),
}

impl From<ChannelRequest> for ChannelWord {
    fn from(request: ChannelRequest) -> Self {
        match request {
            ChannelRequest::Number(number) => Self::Number(number),
            word => Self::Text(word.to_string()),
        }
    }
}

impl TryFrom<ChannelWord> for ChannelRequest {
    type Error = String;

    fn try_from(word: ChannelWord) -> Result<Self, String> {
        let word = match word {
            ChannelWord::Number(number) => number.to_string(),
            ChannelWord::Text(text) => text,
        };
        Self::from_word(&word).ok_or_else(|| format!("{word:?} is no channel"))
    }
}

impl fmt::Display for ChannelRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Colour(0) => f.write_str("R"),
            Self::Colour(1) => f.write_str("G"),
            Self::Colour(_) => f.write_str("B"),
            Self::Sum => f.write_str("sum"),
            Self::Luma => f.write_str("luma"),
            Self::Number(number) => write!(f, "{number}"),
            Self::Name(name) => f.write_str(name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_come_back() {
        for word in ["auto", "R", "G", "B", "sum", "luma", "2", "Alexa Fluor 488"] {
            let request = ChannelRequest::from_word(word).expect("a channel");
            assert_eq!(request.to_string(), word);
        }
        assert_eq!(
            ChannelRequest::from_word("green"),
            Some(ChannelRequest::Colour(1))
        );
        for word in ["", " ", "0", "a\nb"] {
            assert_eq!(ChannelRequest::from_word(word), None);
        }
    }
}
