//! Bad columns and rows, by what each pixel of a line is beside those on both sides.
//!
//! A bad line is brighter, or darker, than both of its sides; an edge is so on one side only. What is seen through a lens goes
//! both ways along a line of the frame, and how far one way prevails by chance is told by all the others.

use std::ops::Range;

/// Stretches of a line that are counted apart.
pub(super) const STRETCHES: usize = 8;
/// The pixels on a side begin this far from the line, so that lines of up to three px are beside good ones.
pub(super) const NEAR: usize = 3;
/// And end this far.
pub(super) const FAR: usize = 4;
/// A bad line goes one way by this many standard deviations more than the others do. With 30,000 lines a normal
/// distribution reaches 4.2 by chance; lines of a regular pattern have wide tails.
const BEYOND: f64 = 8.0;
/// It does so in this many of its stretches at least: the glass may be dark.
const ALONG: usize = 6;
/// No more of the lines than this are bad; where more are, it is a pattern of its own.
const MOST: f64 = 0.02;

/// The pixels of a stretch beside those before and after the line.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Stretch {
    /// Pixels that are brighter than those before, less those that are darker.
    pub(super) before: i32,
    /// The same for those after.
    pub(super) after: i32,
    /// Pixels looked at.
    pub(super) all: i32,
}

/// Those of a line.
pub(super) type LineCounts = [Stretch; STRETCHES];

/// 1 for brighter, -1 for darker.
#[inline(always)]
pub(super) fn way(pixel: f32, beside: f32) -> i32 {
    i32::from(pixel > beside) - i32::from(pixel < beside)
}

/// The bad lines, neighbours together.
pub(super) fn bad_lines(lines: &[LineCounts]) -> Vec<Range<usize>> {
    let shares: Vec<f64> = lines.iter().map(|line| share(line)).collect();
    let mut sizes: Vec<f64> = shares.iter().map(|share| share.abs()).collect();
    sizes.sort_unstable_by(f64::total_cmp);
    let Some(&middle) = sizes.get(sizes.len() / 2) else {
        return Vec::new();
    };
    // The median of the size of a normal deviate is 0.6745 of its standard deviation; pixels alone make it this large.
    let pixels: f64 = lines
        .iter()
        .map(|line| f64::from(all(line)))
        .fold(0.0, f64::max);
    let deviation = (middle / 0.6745).max((0.5 / pixels.max(1.0)).sqrt());
    let is_bad = |i: &usize| {
        let along = lines[*i].iter().filter(|stretch| {
            let share = share(&[**stretch]);
            share * shares[*i] > 0.0 && share.abs() > 0.5 * shares[*i].abs()
        });
        shares[*i].abs() > BEYOND * deviation && along.count() >= ALONG
    };
    let bad: Vec<usize> = (0..lines.len()).filter(is_bad).collect();
    if bad.len() as f64 > MOST * lines.len() as f64 {
        return Vec::new();
    }
    let mut ranges: Vec<Range<usize>> = Vec::new();
    for line in bad {
        match ranges.last_mut() {
            Some(last) if last.end == line => last.end += 1,
            _ => ranges.push(line..line + 1),
        }
    }
    ranges
}

fn all(line: &LineCounts) -> i32 {
    line.iter().map(|stretch| stretch.all).sum()
}

/// How far a line goes one way: by which share of its pixels, on the side where it is less.
fn share(line: &[Stretch]) -> f64 {
    let sum = |of: fn(&Stretch) -> i32| f64::from(line.iter().map(of).sum::<i32>());
    let all = sum(|stretch| stretch.all).max(1.0);
    let (before, after) = (sum(|stretch| stretch.before), sum(|stretch| stretch.after));
    if before * after <= 0.0 {
        return 0.0;
    }
    before.signum() * before.abs().min(after.abs()) / all
}
