//! The five stages of a task.

use serde::{Deserialize, Serialize};

/// A stage of a task. Stages are ordered as they are run; as JSON a stage is its number, 1 to 5.
///
/// ```
/// use e2m_pipeline::Stage;
///
/// assert!(Stage::Coarse < Stage::Fine);
/// assert_eq!(Stage::try_from(3), Ok(Stage::Fine));
/// assert_eq!(Stage::Fine.to_string(), "3");
/// assert_eq!(Stage::up_to(Stage::Coarse), [Stage::Pad, Stage::Coarse]);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "u8", try_from = "u8")]
pub enum Stage {
    /// Both raw signals on the canvas.
    Pad,
    /// The coarse warp, and pre through it.
    Coarse,
    /// The refined warp and its verdict, and pre through it.
    Fine,
    /// The scales, and post minus scaled pre.
    Difference,
    /// The microbes in the difference, and how sure they are.
    Detection,
}

impl Stage {
    /// All stages in their order.
    pub const ALL: [Self; 5] = [
        Self::Pad,
        Self::Coarse,
        Self::Fine,
        Self::Difference,
        Self::Detection,
    ];
    /// The stage whose parameters complete the name of a task's manifest and pictures.
    pub const LAST: Self = Self::Detection;

    /// The number that batch files, file names and manifests give it, from 1.
    pub const fn number(self) -> u8 {
        match self {
            Self::Pad => 1,
            Self::Coarse => 2,
            Self::Fine => 3,
            Self::Difference => 4,
            Self::Detection => 5,
        }
    }

    /// What the STAGE card of its images says.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Pad => "01_padded",
            Self::Coarse => "02_icp_aligned",
            Self::Fine => "03_interior_aligned",
            Self::Difference => "04_difference",
            Self::Detection => "05_microbes",
        }
    }

    /// Its name for people: `fine alignment`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pad => "padding",
            Self::Coarse => "coarse alignment",
            Self::Fine => "fine alignment",
            Self::Difference => "difference",
            Self::Detection => "detection",
        }
    }

    /// The stages from the first to `last`, in their order.
    pub fn up_to(last: Self) -> &'static [Self] {
        let count = Self::ALL.partition_point(|stage| *stage <= last);
        &Self::ALL[..count]
    }

    /// Whether the results of the task rest on what this one makes. What [`Stage::Pad`] writes is read by people only.
    pub const fn is_rested_on(self) -> bool {
        match self {
            Self::Pad => false,
            Self::Coarse | Self::Fine | Self::Difference | Self::Detection => true,
        }
    }
}

/// Its number.
impl std::fmt::Display for Stage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.number().fmt(f)
    }
}

impl From<Stage> for u8 {
    fn from(stage: Stage) -> Self {
        stage.number()
    }
}

/// A number that is no stage's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("there is no stage {0}; stages are numbered from 1 to 5")]
pub struct NoSuchStage(pub u8);

impl TryFrom<u8> for Stage {
    type Error = NoSuchStage;

    fn try_from(number: u8) -> Result<Self, NoSuchStage> {
        let mut all = Self::ALL.into_iter();
        all.find(|stage| stage.number() == number)
            .ok_or(NoSuchStage(number))
    }
}

#[cfg(test)]
mod tests {
    use super::{NoSuchStage, Stage};

    #[test]
    fn stages_are_numbers_in_json_and_ordered_by_them() {
        let numbers: Vec<u8> = Stage::ALL.iter().map(|stage| stage.number()).collect();
        assert_eq!(numbers, [1, 2, 3, 4, 5]);
        assert!(Stage::ALL.is_sorted());
        for stage in Stage::ALL {
            let json = serde_json::to_string(&stage).expect("it can be written");
            assert_eq!(json, stage.number().to_string());
            assert_eq!(serde_json::from_str::<Stage>(&json).ok(), Some(stage));
            assert!(stage.label().starts_with(&format!("0{stage}_")));
            assert_eq!(Stage::up_to(stage).last(), Some(&stage));
        }
        assert_eq!(Stage::try_from(0), Err(NoSuchStage(0)));
        assert!(serde_json::from_str::<Stage>("6").is_err());
    }
}
