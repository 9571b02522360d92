//! Raw files have to stay what they were while a task reads them; otherwise it takes back what it made.

use super::TaskRun;
use crate::error::PipelineError;
use crate::stage::Stage;
use crate::stages;
use e2m_io::remove_file;

impl TaskRun<'_> {
    /// What was made so far is only worth something if the raw files are what they were.
    pub(super) fn check_inputs(&mut self) -> Result<(), PipelineError> {
        let unchanged = (self.post.check_unchanged()).and_then(|()| self.pre.check_unchanged());
        if matches!(unchanged, Err(PipelineError::RawChanged { .. })) {
            self.disown();
        }
        unchanged
    }

    /// Takes back what was made of raw files that were something else in between. Difference images go, as they look like
    /// results; what else is there is not on record any more.
    fn disown(&mut self) {
        self.disowned = true;
        self.manifest.checkpoints.clear();
        if self.begun == Some(Stage::Difference) {
            let suffix = self.suffix(Stage::Difference);
            let outputs = stages::Place {
                spec: self.spec,
                paths: &self.output.paths,
                canvas: self.canvas.size(),
                touched: None,
            };
            for output in outputs.outputs(Stage::Difference) {
                for &format in output.formats {
                    let path = self
                        .output
                        .paths
                        .checkpoint_path(format, &output.stem, &suffix);
                    if let Err(error) = remove_file(&path) {
                        tracing::warn!(path = %path.display(), %error, "a difference image of changed raw files stays");
                    }
                }
            }
        }
        self.manifest.pictures.clear();
        self.manifest.stages.clear();
        self.stages_done.clear();
    }
}
