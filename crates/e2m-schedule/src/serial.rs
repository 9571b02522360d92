//! One task after another, in this process.

use crate::Interrupt;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Runs `tasks` in order. Each result is told to `on_result` with its index and kept; a task that was not begun because
/// `interrupt` was raised has none. A failed task is an ordinary result: it never stops the ones after it.
pub fn run_serial<T, R>(
    tasks: &[T],
    interrupt: &Interrupt,
    mut run: impl FnMut(&T) -> R,
    mut on_result: impl FnMut(usize, &R),
) -> Vec<Option<R>>
where
    T: Serialize + DeserializeOwned,
    R: Serialize + DeserializeOwned,
{
    let mut results = Vec::with_capacity(tasks.len());
    for (index, task) in tasks.iter().enumerate() {
        if interrupt.is_raised() {
            tracing::debug!(index, "not begun: interrupted");
            results.push(None);
            continue;
        }
        let result = run(task);
        on_result(index, &result);
        results.push(Some(result));
    }
    results
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_order_and_failures_stop_nothing() {
        let mut told = Vec::new();
        let results = run_serial(
            &["a".to_owned(), "bad".to_owned(), "c".to_owned()],
            &Interrupt::default(),
            |task| {
                if task == "bad" {
                    Err(format!("{task} failed"))
                } else {
                    Ok(task.len())
                }
            },
            |index, result| told.push((index, result.is_ok())),
        );
        assert_eq!(
            results,
            [Some(Ok(1)), Some(Err("bad failed".to_owned())), Some(Ok(1))]
        );
        assert_eq!(told, [(0, true), (1, false), (2, true)]);
    }

    #[test]
    fn after_an_interrupt_no_task_begins() {
        let interrupt = Interrupt::default();
        let results = run_serial(
            &[1, 2, 3],
            &interrupt.clone(),
            |n| *n,
            |_, n| {
                if *n == 2 {
                    interrupt.raise();
                }
            },
        );
        assert_eq!(results, [Some(1), Some(2), None]);
    }
}
