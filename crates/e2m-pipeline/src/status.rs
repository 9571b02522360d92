//! How a task ended.

use serde::{Deserialize, Serialize};

/// How a task ended. Written as `complete`, `suspect: …`, `error: …` or `incomplete: …`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum Status {
    /// All stages asked for are done and nothing speaks against the result.
    Complete,
    /// Finished, but the alignment's verdict has doubts.
    Suspect(String),
    /// Not finished.
    Error(String),
    /// Still going on, or ended from outside: what the manifest says until the last stage is done.
    Incomplete(String),
}

impl std::fmt::Display for Status {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Complete => f.write_str("complete"),
            Self::Suspect(why) => write!(f, "suspect: {why}"),
            Self::Error(why) => write!(f, "error: {why}"),
            Self::Incomplete(why) => write!(f, "incomplete: {why}"),
        }
    }
}

impl From<Status> for String {
    fn from(status: Status) -> Self {
        status.to_string()
    }
}

impl From<String> for Status {
    fn from(text: String) -> Self {
        let after = |prefix: &str| {
            text.strip_prefix(prefix)
                .map(|rest| rest.trim_start().to_owned())
        };
        if text == "complete" {
            Self::Complete
        } else if let Some(why) = after("suspect:") {
            Self::Suspect(why)
        } else if let Some(why) = after("incomplete:") {
            Self::Incomplete(why)
        } else {
            Self::Error(after("error:").unwrap_or(text))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Status;

    #[test]
    fn texts_round_trip() {
        for status in [
            Status::Complete,
            Status::Suspect("median residual 1.3 px".into()),
            Status::Error("alignment failed: blank".into()),
            Status::Incomplete("stage 2 of 4 is done".into()),
        ] {
            assert_eq!(Status::from(status.to_string()), status);
        }
        assert_eq!(Status::from("odd".to_owned()), Status::Error("odd".into()));
    }
}
