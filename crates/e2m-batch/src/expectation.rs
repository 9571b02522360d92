//! How long a batch will take before it begins, from what stages took in earlier runs.

use crate::inspect::Preview;
use crate::plan::Plan;
use crate::task_size::TaskSize;
use e2m_io::task_dir;
use e2m_pipeline::{Manifest, Stage, TaskSpec};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// Records that are read at most: they teach the same.
const MOST_RECORDS: usize = 100;

/// What earlier runs took, stage by stage.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Experience {
    /// Megapixels of canvas, and seconds.
    stages: BTreeMap<Stage, (f64, f64)>,
    /// Tasks that it is from.
    tasks: usize,
}

/// How long a batch is expected to take.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Expectation {
    /// Seconds until all tasks are done.
    pub seconds: f64,
    /// Megapixels of canvas per second and worker over all stages that are to be done.
    pub megapixels_per_second: f64,
    /// Tasks of earlier runs that this is from.
    pub tasks: usize,
}

impl Experience {
    /// What the records of the tasks of a plan say, of those that are to run and of the others.
    pub fn of(plan: &Plan) -> Self {
        let mut experience = Self::default();
        let others = plan.left_alone.iter().map(|(_, task)| task);
        for task in plan.tasks.iter().chain(others) {
            if experience.tasks >= MOST_RECORDS {
                break;
            }
            if let Some(manifest) = newest_record(task) {
                experience.add(&manifest);
            }
        }
        experience
    }

    fn add(&mut self, manifest: &Manifest) {
        let mpx = manifest.canvas.size().pixels() as f64 * 1e-6;
        let mut is_of_use = false;
        for record in manifest.stages.iter().filter(|record| !record.skipped) {
            let (pixels, seconds) = self.stages.entry(record.stage).or_default();
            *pixels += mpx;
            *seconds += record.seconds;
            is_of_use = true;
        }
        self.tasks += usize::from(is_of_use);
    }

    /// Seconds per megapixel of a stage; none where it was never done.
    fn per_mpx(&self, stage: Stage) -> Option<f64> {
        let (mpx, seconds) = self.stages.get(&stage)?;
        (*mpx > 0.0).then(|| seconds / mpx)
    }

    /// What the tasks of a plan are expected to take with so many workers; none where nothing is to be done, or one of the stages was
    /// never done. A task that cannot be inspected counts for nothing: it will fail at once.
    pub fn expect(&self, previews: &[Preview], workers: usize) -> Option<Expectation> {
        let mut tasks = Vec::new();
        let mut mpx = 0.0;
        for preview in previews.iter().flatten() {
            let to_do = if preview.is_finished() {
                Vec::new()
            } else {
                preview.to_do()
            };
            if to_do.is_empty() {
                continue;
            }
            let own = TaskSize::of(preview).canvas_pixels() * 1e-6;
            let per_mpx: Option<f64> = to_do.into_iter().map(|stage| self.per_mpx(stage)).sum();
            tasks.push(per_mpx? * own);
            mpx += own;
        }
        let seconds = side_by_side(&tasks, workers);
        let work: f64 = tasks.iter().sum();
        (work > 0.0).then_some(Expectation {
            seconds,
            megapixels_per_second: mpx / work,
            tasks: self.tasks,
        })
    }
}

/// Seconds until tasks are done that are begun in their order by so many workers.
fn side_by_side(tasks: &[f64], workers: usize) -> f64 {
    let mut free_at = vec![0.0_f64; workers.clamp(1, tasks.len().max(1))];
    for seconds in tasks {
        if let Some(first) = free_at.iter_mut().min_by(|a, b| a.total_cmp(b)) {
            *first += seconds;
        }
    }
    free_at.into_iter().fold(0.0, f64::max)
}

/// The record of a task that was written last, with whatever parameters.
fn newest_record(task: &TaskSpec) -> Option<Manifest> {
    let folder = task_dir(&task.output_dir, &task.sample, &task.dye).ok()?;
    let records = std::fs::read_dir(folder).ok()?.flatten();
    let records = records.filter(|entry| is_record(&entry.path()));
    let dated = records.map(|entry| {
        let written = entry.metadata().and_then(|about| about.modified());
        (written.unwrap_or(SystemTime::UNIX_EPOCH), entry.path())
    });
    let newest: Option<(SystemTime, PathBuf)> = dated.max();
    Manifest::read(&newest?.1)
}

fn is_record(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.starts_with("e2m_task") && name.ends_with(".json")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tasks_are_begun_by_whoever_is_free() {
        assert!((side_by_side(&[4.0, 1.0, 1.0, 1.0], 2) - 4.0).abs() < 1e-9);
        assert!((side_by_side(&[1.0, 1.0, 4.0], 2) - 5.0).abs() < 1e-9);
        assert!((side_by_side(&[1.0, 2.0], 0) - 3.0).abs() < 1e-9);
        assert!(side_by_side(&[], 4).abs() < 1e-9);
    }

    #[test]
    fn a_stage_that_was_never_done_is_not_guessed() {
        let mut experience = Experience::default();
        experience.stages.insert(Stage::Coarse, (20.0, 10.0));
        assert_eq!(experience.per_mpx(Stage::Coarse), Some(0.5));
        assert_eq!(experience.per_mpx(Stage::Fine), None);
        assert_eq!(experience.expect(&[], 2), None);
    }
}
