//! From what e2m-batch reports to what a page shows.

use super::view::{RunView, TaskPhase};
use e2m_batch::{Admission, BatchEvent, Forecast, Reporter, TaskSize, TaskView};

/// Follows a run. Every event is a change of the view.
pub(super) struct Following<F> {
    change: F,
    forecast: Option<Forecast>,
}

impl<F: FnMut(&mut dyn FnMut(&mut RunView))> Following<F> {
    pub(super) fn new(change: F) -> Self {
        Self {
            change,
            forecast: None,
        }
    }

    fn started(&mut self, tasks: &[TaskView], admission: &Admission) {
        let pixels: Vec<Option<f64>> = tasks
            .iter()
            .map(|task| task.size.as_ref().map(TaskSize::canvas_pixels))
            .collect();
        self.forecast = Some(Forecast::new(&pixels, admission.workers()));
        let lines = admission.lines();
        (self.change)(&mut |view| {
            view.started(
                tasks,
                &|index| admission.plan_bytes(index),
                admission.workers(),
            );
            for line in &lines {
                view.say(line);
            }
        });
    }

    fn forecast(&mut self, event: &BatchEvent<'_>) -> Option<f64> {
        let forecast = self.forecast.as_mut()?;
        match event {
            BatchEvent::TaskStarted { task, .. } => forecast.begin(task.index),
            BatchEvent::TaskPostponed { task, .. } | BatchEvent::TaskRetried { task, .. } => {
                forecast.put_back(task.index);
            }
            BatchEvent::TaskEnded { task, result, .. } => {
                let typical = !result.stages_done.is_empty();
                forecast.end(task.index, result.seconds, typical);
            }
            _ => {}
        }
        forecast.seconds_left()
    }
}

impl<F: FnMut(&mut dyn FnMut(&mut RunView))> Reporter for Following<F> {
    fn on_event(&mut self, event: &BatchEvent<'_>) {
        if let BatchEvent::Started {
            admission, tasks, ..
        } = event
        {
            self.started(tasks, admission);
            return;
        }
        let left = self.forecast(event);
        (self.change)(&mut |view| {
            view.seconds_left = left;
            show(view, event);
        });
    }
}

fn show(view: &mut RunView, event: &BatchEvent<'_>) {
    if let Some(line) = event.line() {
        view.say(&line);
    }
    match event {
        BatchEvent::TaskStarted { task, attempt, .. } => {
            view.task(task, |shown| {
                shown.phase = TaskPhase::Running;
                shown.attempt = *attempt;
                shown.begin();
            });
            view.say(&format!("{}  begins", task.label()));
        }
        BatchEvent::StageStarted { task, stage } => view.task(task, |shown| {
            shown.stage = Some(stage.number());
            (shown.what, shown.percent) = (String::new(), None);
            shown.stalled_seconds = None;
        }),
        BatchEvent::StageProgress {
            task,
            step,
            megapixels_per_second,
            rss_bytes,
        } => view.task(task, |shown| {
            shown.stage = Some(step.stage.number());
            step.what.clone_into(&mut shown.what);
            shown.percent = Some(step.percent());
            shown.megapixels_per_second = *megapixels_per_second;
            shown.rss_bytes = rss_bytes.or(shown.rss_bytes);
            shown.stalled_seconds = None;
        }),
        BatchEvent::StageFinished {
            task,
            stage,
            seconds,
            skipped,
        } => {
            let how = if *skipped {
                "was there already".to_owned()
            } else {
                format!("{seconds:.1} s")
            };
            view.say(&format!(
                "{}  stage {}: {how}",
                task.label(),
                stage.number()
            ));
        }
        BatchEvent::TaskNote { task, text } => {
            view.say(&format!("{}  {text}", task.label()));
        }
        BatchEvent::TaskUsage { task, rss_bytes } => {
            view.task(task, |shown| shown.rss_bytes = Some(*rss_bytes));
        }
        BatchEvent::TaskStalled { task, seconds } => {
            view.task(task, |shown| shown.stalled_seconds = Some(*seconds));
        }
        BatchEvent::TaskPostponed { task, .. } | BatchEvent::TaskRetried { task, .. } => {
            view.task(task, |shown| shown.phase = TaskPhase::Waiting);
        }
        BatchEvent::TaskEnded { task, result, .. } => {
            view.task(task, |shown| {
                shown.phase = TaskPhase::Ended;
                shown.status = Some(result.status.to_string());
                shown.seconds = Some(result.seconds);
                shown.percent = None;
                shown.megapixels_per_second = None;
            });
            view.say(&format!("{}  {}", task.label(), result.status));
        }
        BatchEvent::WorkerLog { text, .. } => view.say(text),
        BatchEvent::Warning { text } => view.say(&format!("warning: {text}")),
        BatchEvent::Error { text } => view.say(&format!("error: {text}")),
        BatchEvent::RunnerFailed { error } => view.say(&format!("error: {error}")),
        BatchEvent::TasksEnded => view.say("writing the results and the report of the batch"),
        _ => {}
    }
}
