//! Who hears what happens in a batch.

use crate::event::BatchEvent;

/// Hears what happens in a batch: a terminal, a log, a browser. Closures are reporters.
pub trait Reporter {
    /// Called on the thread that runs the batch, and only there: while it lasts, nothing else is reported.
    fn on_event(&mut self, event: &BatchEvent<'_>);
}

impl<F: FnMut(&BatchEvent<'_>)> Reporter for F {
    fn on_event(&mut self, event: &BatchEvent<'_>) {
        self(event);
    }
}

/// Several reporters of one run; each hears everything, in this order.
#[derive(Default)]
pub struct Reporters<'a>(Vec<&'a mut dyn Reporter>);

impl<'a> Reporters<'a> {
    /// Nobody yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// These and one more.
    #[must_use]
    pub fn with(mut self, reporter: &'a mut dyn Reporter) -> Self {
        self.0.push(reporter);
        self
    }
}

impl std::fmt::Debug for Reporters<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Reporters({})", self.0.len())
    }
}

impl Reporter for Reporters<'_> {
    fn on_event(&mut self, event: &BatchEvent<'_>) {
        for reporter in &mut self.0 {
            reporter.on_event(event);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_of_several_reporters_hears_everything() {
        let (mut first, mut second) = (0, Vec::new());
        let mut count = |_: &BatchEvent<'_>| first += 1;
        let mut lines = |event: &BatchEvent<'_>| second.extend(event.line());
        let mut all = Reporters::new().with(&mut count).with(&mut lines);
        all.on_event(&BatchEvent::Released);
        all.on_event(&BatchEvent::TasksEnded);
        assert_eq!(first, 2);
        assert_eq!(second, ["memory is back, tasks start again"]);
    }
}
