//! Progress at a rate that people and pipes can bear.

use serde_json::Value;
use std::collections::HashMap;
use std::time::{Duration, Instant};

/// Between two events of the same kind.
const INTERVAL: Duration = Duration::from_millis(100);

/// Decides which progress goes on.
#[derive(Debug, Default)]
pub(crate) struct Throttle {
    last: HashMap<String, Instant>,
}

impl Throttle {
    /// Whether an event may go on at `now`. Its kind is what it says under `"kind"`.
    pub(crate) fn admits(&mut self, event: &Value, now: Instant) -> bool {
        let kind = event.get("kind").and_then(Value::as_str).unwrap_or("");
        match self.last.get_mut(kind) {
            Some(last) if now.saturating_duration_since(*last) < INTERVAL => false,
            Some(last) => {
                *last = now;
                true
            }
            None => {
                self.last.insert(kind.to_owned(), now);
                true
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn ten_per_second_of_each_kind() {
        let mut throttle = Throttle::default();
        let start = Instant::now();
        let mut rows = 0;
        let mut other = 0;
        for ms in 0..1000 {
            let now = start + Duration::from_millis(ms);
            rows += u32::from(throttle.admits(&json!({"kind": "rows", "n": ms}), now));
            other += u32::from(throttle.admits(&json!(ms), now));
        }
        assert_eq!((rows, other), (10, 10));
    }
}
