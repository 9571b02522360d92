//! Inspects every task of a plan before anything runs: headers and manifests, no pixels.

use crate::plan::Plan;
use e2m_pipeline::{PipelineError, TaskPreview, TaskSpec, preview};
use rayon::ThreadPoolBuilder;
use rayon::prelude::*;

/// What a task would do and need, or why that is not known.
pub type Preview = Result<TaskPreview, PipelineError>;

/// What each task would do and need, in the order of the plan. One that cannot be inspected will report why when it runs.
pub fn inspect(plan: &Plan) -> Vec<Preview> {
    let all = || plan.tasks.par_iter().map(inspect_task).collect();
    // Threads of its own: how many the tasks will compute with is decided later, and can be decided once.
    match ThreadPoolBuilder::new().build() {
        Ok(threads) => threads.install(all),
        Err(_) => plan.tasks.iter().map(inspect_task).collect(),
    }
}

fn inspect_task(task: &TaskSpec) -> Preview {
    // What is odd about a file is logged when the task reads it, and once is enough.
    let unheard = tracing::subscriber::NoSubscriber::default();
    tracing::subscriber::with_default(unheard, || preview(task))
}
