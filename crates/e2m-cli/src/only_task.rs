//! The one task of a batch that a command is about.

use e2m_batch::verify::VerifySubject;
use e2m_pipeline::RecordedTask;

/// The task of this sample and dye, where they are named, or the only one.
///
/// # Errors
/// The sentence for the user, with the tasks that there are.
pub(crate) fn only_task<'s>(
    (sample, dye): (Option<&str>, Option<&str>),
    subject: &'s VerifySubject,
) -> Result<&'s RecordedTask, String> {
    let named = |wanted: Option<&str>, name: &str| wanted.is_none_or(|wanted| wanted == name);
    let matching: Vec<&RecordedTask> = subject
        .tasks
        .iter()
        .filter(|task| named(sample, &task.sample) && named(dye, &task.dye))
        .collect();
    let list = |tasks: &mut dyn Iterator<Item = &RecordedTask>| {
        let lines = tasks.map(|task| format!("  --sample {} --dye {}", task.sample, task.dye));
        lines.collect::<Vec<_>>().join("\n")
    };
    match &*matching {
        [task] => Ok(task),
        [] => Err(format!(
            "the batch has no such task; it has\n{}",
            list(&mut subject.tasks.iter())
        )),
        several => Err(format!(
            "the batch has several tasks; say which one:\n{}",
            list(&mut several.iter().copied())
        )),
    }
}
