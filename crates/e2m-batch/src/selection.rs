//! What is asked for besides what stands in the batch file.

use e2m_pipeline::Stage;

/// What narrows a batch, and what it is to do again.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PlanOptions {
    /// Which tasks.
    pub tasks: TaskSelection,
    /// Which stages.
    pub stages: StageSelection,
}

/// Which tasks of a batch. An empty list leaves the choice to the batch file; `all` alone means all there are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TaskSelection {
    /// Only these samples.
    pub samples: Vec<String>,
    /// Only these dyes.
    pub dyes: Vec<String>,
}

/// Which stages. What is none is left to the batch file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StageSelection {
    /// The stages from this one on are done again.
    pub from_stage: Option<Stage>,
    /// The last stage.
    pub to_stage: Option<Stage>,
    /// Every stage is done again, whatever results are there.
    pub force: bool,
    /// Every picture is drawn again; alignments and images stay as they are.
    pub redraw: bool,
}
