//! A run is killed at each of its changes to a disk: before it, and half-way through where it is a write.

use crate::way::{SMALL, Way, was_killed};
use e2m_testing::sample;

/// So many points are in a sample of those of one way.
const SAMPLE: usize = 6;

/// Kills a run at every point, each time from nothing.
fn kill_at_every_point(formats: &'static str, pool: bool) {
    let way = Way::new(formats, pool, SMALL);
    let (whole, points) = way.uninterrupted();
    assert!(points > 100, "only {points} points are counted");
    let mut killed = 0;
    let drawn = sample(&format!("points, {}", way.name()), 1..=points, SAMPLE);
    for &point in &drawn {
        way.clear();
        let output = way.output(Some(&format!("kill@{point}")));
        killed += usize::from(was_killed(&output));
        way.assert_completes(&whole, &format!("a death at point {point} of {points}"));
    }
    // Side by side, two tasks may make a change less now and then: the last points may not be reached.
    let last = if pool { points - 5 } else { points };
    let reached = drawn.iter().filter(|&&point| point <= last).count();
    let tried = drawn.len();
    assert!(killed >= reached, "{killed} of {tried} runs were killed");
    println!(
        "{}: {killed} runs killed, one at each of {tried} of {points} points",
        way.name()
    );
}

#[test]
fn tiff_serial() {
    kill_at_every_point("tiff", false);
}

#[test]
fn fits_serial() {
    kill_at_every_point("fits", false);
}

#[test]
fn both_serial() {
    kill_at_every_point("both", false);
}

#[test]
fn tiff_pool() {
    kill_at_every_point("tiff", true);
}

#[test]
fn fits_pool() {
    kill_at_every_point("fits", true);
}

#[test]
fn both_pool() {
    kill_at_every_point("both", true);
}
