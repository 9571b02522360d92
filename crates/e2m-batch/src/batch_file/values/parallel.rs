//! By which runner tasks are run.

use crate::batch_file::setting::{Setting, quoted};
use serde_json::{Value, json};
use toml::de::DeValue;

/// By which runner tasks are run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Parallel {
    /// One after another, in this process.
    No,
    /// Several at a time.
    Pool,
    /// A fresh process for each, one at a time.
    Subprocess,
    /// A job array on a cluster.
    Slurm,
}

impl Setting for Parallel {
    fn expected() -> String {
        "false or true or \"subprocess\" or \"slurm\"".into()
    }
    fn schema() -> Value {
        json!({"enum": [false, true, "subprocess", "slurm"]})
    }
    fn read(value: &DeValue<'_>) -> Option<Self> {
        match (value.as_bool(), value.as_str()) {
            (Some(false), _) => Some(Self::No),
            (Some(true), _) => Some(Self::Pool),
            (_, Some("subprocess")) => Some(Self::Subprocess),
            (_, Some("slurm")) => Some(Self::Slurm),
            _ => None,
        }
    }
    fn written(&self) -> String {
        match self {
            Self::No => "false".into(),
            Self::Pool => "true".into(),
            Self::Subprocess => quoted("subprocess"),
            Self::Slurm => quoted("slurm"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch_file::setting::tests::{read, round_trip};

    #[test]
    fn all_four_runners() {
        for text in ["false", "true", "\"subprocess\"", "\"slurm\""] {
            round_trip::<Parallel>(text);
        }
        for wrong in ["\"true\"", "1", "\"pool\""] {
            assert_eq!(read::<Parallel>(wrong), None, "{wrong}");
        }
    }
}
