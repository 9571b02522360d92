//! The tasks of a batch with several values of some parameters, to be held against each other.
//!
//! Every combination of the values is a [`Variant`]: a plan of its own, whose results go to a folder beside those of the batch. There
//! variants share what does not depend on their values, by the names that parameters give to results; images of
//! stages 1 to 3 are not kept, as each can be made again from the raw images.

use crate::batch_file::{Assignment, BatchFile, NoAssignment};
use crate::plan::{Plan, PlanError};
use crate::selection::PlanOptions;
use std::path::{Path, PathBuf};

/// Name of the folder for variants, in the output folder of the batch.
pub const FOLDER: &str = "compare";
/// More variants than these are a mistake rather than a question.
pub const MOST_VARIANTS: usize = 64;

/// A parameter and the values it is to have, each as behind `--set KEY=`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Axis {
    /// The parameter, alone or with its stage.
    pub key: String,
    /// Its values.
    pub values: Vec<String>,
}

/// One combination of values.
#[derive(Debug)]
pub struct Variant {
    /// The values, in the order of the axes.
    pub values: Vec<Assignment>,
    /// What is run.
    pub plan: Plan,
}

impl Variant {
    /// The values as `boundary_width=15 pad=500`.
    pub fn label(&self) -> String {
        let labels: Vec<String> = self.values.iter().map(Assignment::short).collect();
        labels.join(" ")
    }
}

/// Why there is nothing to compare.
#[derive(Debug, thiserror::Error)]
pub enum CompareError {
    /// A parameter or a value makes no sense.
    #[error("--param {key}: {source}")]
    Value {
        /// The parameter.
        key: String,
        /// What is wrong.
        source: NoAssignment,
    },
    /// Not a parameter of a stage.
    #[error(
        "--param {key}: only parameters of the stages can be compared; `e2m params` lists them"
    )]
    NotAParameter {
        /// What was given.
        key: String,
    },
    /// One value is no comparison.
    #[error(
        "there is one variant only; give --values with two values or more, separated by commas"
    )]
    Single,
    /// Far too many.
    #[error("{0} variants are more than {MOST_VARIANTS}; give fewer values")]
    TooMany(usize),
    /// The batch cannot be run with one of them.
    #[error(transparent)]
    Plan(#[from] PlanError),
}

/// Every combination of the values, the last axis going through its own first, as a plan over the tasks that `options` choose. `given`
/// are further values, the same for all.
///
/// # Errors
/// Values that make no sense, and whatever keeps the batch from running.
pub fn variants(
    path: &Path,
    given: &[Assignment],
    axes: &[Axis],
    options: &PlanOptions,
) -> Result<Vec<Variant>, CompareError> {
    let number = axes.iter().map(|axis| axis.values.len()).product();
    match number {
        0 | 1 => return Err(CompareError::Single),
        n if n > MOST_VARIANTS => return Err(CompareError::TooMany(n)),
        _ => {}
    }
    let mut combinations: Vec<Vec<Assignment>> = vec![Vec::new()];
    for axis in axes {
        let values = assignments(axis)?;
        combinations = combinations
            .iter()
            .flat_map(|before| {
                values
                    .iter()
                    .map(|value| [&before[..], std::slice::from_ref(value)].concat())
            })
            .collect();
    }
    let folder = folder_of(path, given)?;
    let variant = |values: Vec<Assignment>| {
        let apart = [
            Assignment::text("output_dir", &folder.to_string_lossy()),
            Assignment::text("checkpoints", "none"),
        ];
        let all: Vec<Assignment> = given.iter().chain(&values).chain(&apart).cloned().collect();
        let batch = BatchFile::read_with(path, &all).map_err(PlanError::from)?;
        let plan = Plan::new(&batch, options)?;
        Ok(Variant { values, plan })
    };
    combinations.into_iter().map(variant).collect()
}

/// Where variants go.
fn folder_of(path: &Path, given: &[Assignment]) -> Result<PathBuf, CompareError> {
    let batch = BatchFile::read_with(path, given).map_err(PlanError::from)?;
    Ok(batch.output_dir().join(FOLDER))
}

fn assignments(axis: &Axis) -> Result<Vec<Assignment>, CompareError> {
    let one = |value: &String| {
        let assignment: Result<Assignment, NoAssignment> = format!("{}={value}", axis.key).parse();
        let assignment = assignment.map_err(|source| CompareError::Value {
            key: axis.key.clone(),
            source,
        })?;
        if assignment.is_of_params() {
            Ok(assignment)
        } else {
            Err(CompareError::NotAParameter {
                key: axis.key.clone(),
            })
        }
    };
    axis.values.iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn axis(key: &str, values: &[&str]) -> Axis {
        Axis {
            key: key.to_owned(),
            values: values.iter().map(ToString::to_string).collect(),
        }
    }

    fn tried(axes: &[Axis]) -> Result<Vec<Variant>, CompareError> {
        let folder = tempfile::tempdir().expect("a folder");
        let raw = folder.path().join("raw/A");
        std::fs::create_dir_all(&raw).expect("a folder");
        for stain in ["Pre", "Post"] {
            std::fs::write(raw.join(format!("A_{stain}Stain_DAPI.tif")), b"no image")
                .expect("written");
        }
        let path = folder.path().join("batch.toml");
        std::fs::write(&path, "raw_dir = \"raw\"\noutput_dir = \"out\"\n").expect("written");
        variants(&path, &[], axes, &PlanOptions::default())
    }

    #[test]
    fn every_combination_is_a_plan_beside_the_batch() {
        let axes = [
            axis("stage2.boundary_width", &["10", "20"]),
            axis("pad", &["50", "60", ""]),
        ];
        let variants = tried(&axes).expect("valid");
        let labels: Vec<String> = variants.iter().map(Variant::label).collect();
        assert_eq!(
            labels,
            [
                "boundary_width=10 pad=50",
                "boundary_width=10 pad=60",
                "boundary_width=10 pad=default",
                "boundary_width=20 pad=50",
                "boundary_width=20 pad=60",
                "boundary_width=20 pad=default",
            ]
        );
        for variant in &variants {
            assert!(variant.plan.output_dir.ends_with("out/compare"));
            let task = &variant.plan.tasks[0];
            assert_eq!(task.output_dir, variant.plan.output_dir);
        }
        let params = |at: usize| &variants[at].plan.tasks[0].params;
        assert_eq!((params(4).boundary_width, params(4).pad), (20, 60));
        assert_eq!(params(5).pad, 2000);
    }

    #[test]
    fn what_makes_no_comparison_is_refused() {
        let said = |axes: &[Axis]| tried(axes).expect_err("refused").to_string();
        assert!(said(&[axis("pad", &["50"])]).contains("two values or more"));
        assert!(said(&[axis("padd", &["1", "2"])]).contains("did you mean \"pad\"?"));
        assert!(said(&[axis("n_workers", &["1", "2"])]).contains("only parameters"));
        assert!(said(&[axis("pad", &["1", "-2"])]).contains("from 0 to 100000"));
        let many: Vec<&str> = vec!["1"; 9];
        assert!(said(&[axis("pad", &many), axis("boundary_width", &many)]).contains("81 variants"));
    }
}
