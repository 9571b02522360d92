//! Pixels that belong to the sensor and not to what it saw: hot and dead pixels, bad columns and rows.
//!
//! A pixel that stands out alone is no light: the point spread of a lens spreads every point over its neighbours.
//! [`DefectFinder`] finds such pixels as the rows of an image go by. What is too weak to be told from noise in one image is
//! told by both of a pair, where it lies at the same place of the sensor ([`Defects::of_pair`]). [`Defects`] says where they
//! are, and puts what their neighbours show in their place where two images are compared.

mod finder;
mod line_counts;
mod mend;
mod view;

pub use finder::{DefectFinder, FoundDefects};
pub use view::MendedView;

use crate::Size;
use std::ops::Range;

/// A pixel that stands out alone.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spot {
    /// Column.
    pub x: u32,
    /// Row.
    pub y: u32,
    /// What was read.
    pub value: f32,
    /// From what was read to what its neighbours show.
    pub change: f32,
}

/// The defects of an image.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Defects {
    size: (usize, usize),
    /// By rows, then columns.
    spots: Vec<Spot>,
    columns: Vec<Range<usize>>,
    rows: Vec<Range<usize>>,
}

/// Shifts in px at which places of outliers are compared that do not belong together.
const WRONG_SHIFTS: [(i64, i64); 8] = [
    (5, 0),
    (-5, 0),
    (0, 5),
    (0, -5),
    (7, 3),
    (-7, -3),
    (-3, 7),
    (3, -7),
];
/// Coincidences that are this many standard deviations more than at wrong shifts are none.
const BEYOND_CHANCE: f64 = 5.0;

impl Defects {
    /// Defects at known places of an image of `size`; spots in any order.
    pub fn new(
        size: Size,
        mut spots: Vec<Spot>,
        columns: Vec<Range<usize>>,
        rows: Vec<Range<usize>>,
    ) -> Self {
        spots.sort_unstable_by_key(|spot| (spot.y, spot.x));
        spots.dedup_by_key(|spot| (spot.y, spot.x));
        Self {
            size: size.shape(),
            spots,
            columns,
            rows,
        }
    }

    /// The defects of post and pre. Where both are of one size, what is weak in each counts if it is at the same place in
    /// both, and more often than by chance.
    pub fn of_pair(post: FoundDefects, pre: FoundDefects) -> [Self; 2] {
        let shared = if post.size == pre.size && beyond_chance(&post, &pre) {
            let in_both = |own: &FoundDefects, other: &FoundDefects| {
                let weak = own.weak.iter();
                let shared = weak.filter(|spot| other.has(spot, (0, 0)));
                shared.copied().collect()
            };
            [in_both(&post, &pre), in_both(&pre, &post)]
        } else {
            [Vec::new(), Vec::new()]
        };
        let [of_post, of_pre] = shared;
        [(post, of_post), (pre, of_pre)].map(|(found, shared)| {
            let mut spots = found.strong;
            spots.extend(shared);
            Self::new(found.size, spots, found.columns, found.rows)
        })
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.spots.is_empty() && self.columns.is_empty() && self.rows.is_empty()
    }

    /// Pixels that stand out alone, by rows, then columns.
    pub fn spots(&self) -> &[Spot] {
        &self.spots
    }

    /// Spots in these rows.
    pub fn spots_in(&self, rows: Range<usize>) -> &[Spot] {
        let at = |row: usize| self.spots.partition_point(|spot| (spot.y as usize) < row);
        let (first, end) = (at(rows.start), at(rows.end));
        self.spots.get(first..end).unwrap_or_default()
    }

    /// Bad columns, neighbours together.
    pub fn columns(&self) -> &[Range<usize>] {
        &self.columns
    }

    /// Bad rows, neighbours together.
    pub fn rows(&self) -> &[Range<usize>] {
        &self.rows
    }

    /// Whether a pixel is one of them.
    pub fn contains(&self, x: usize, y: usize) -> bool {
        self.is_on_line(x, y) || self.is_spot(x, y)
    }

    /// Whether a pixel stands out alone.
    pub fn is_spot(&self, x: usize, y: usize) -> bool {
        let key = |spot: &Spot| (spot.y as usize, spot.x as usize);
        self.spots.binary_search_by_key(&(y, x), key).is_ok()
    }

    /// Whether a pixel is of a bad column or row.
    pub fn is_on_line(&self, x: usize, y: usize) -> bool {
        let within =
            |lines: &[Range<usize>], at: usize| lines.iter().any(|line| line.contains(&at));
        within(&self.columns, x) || within(&self.rows, y)
    }

    /// The most that those of an image of `size` hold, and what finding them takes besides; bytes.
    pub fn memory_bytes(size: Size) -> u64 {
        let spots = FoundDefects::most(size) * size_of::<Spot>();
        // A row and a column each count in a few stretches; a few rows wait for those that follow.
        (spots + 72 * (size.width + size.height) + 64 * size.width) as u64
    }
}

impl FoundDefects {
    /// Whether it has one at the place of `spot`, shifted, that goes the same way.
    fn has(&self, spot: &Spot, (dx, dy): (i64, i64)) -> bool {
        let at = (i64::from(spot.y) + dy, i64::from(spot.x) + dx);
        let is_there = |spots: &[Spot]| {
            let found = spots.binary_search_by_key(&at, |s| (i64::from(s.y), i64::from(s.x)));
            found.is_ok_and(|i| (spots[i].change > 0.0) == (spot.change > 0.0))
        };
        is_there(&self.strong) || is_there(&self.weak)
    }
}

/// Whether more outliers lie at the same place in both than at places that do not belong together.
fn beyond_chance(post: &FoundDefects, pre: &FoundDefects) -> bool {
    let count = |shift| {
        let spots = post.strong.iter().chain(&post.weak);
        spots.filter(|spot| pre.has(spot, shift)).count() as f64
    };
    let wrong: f64 = WRONG_SHIFTS.into_iter().map(count).sum();
    // One more than were seen: of none seen, one in eight shifts is still likely.
    let expected = (wrong + 1.0) / WRONG_SHIFTS.len() as f64;
    count((0, 0)) > expected + BEYOND_CHANCE * expected.sqrt()
}

#[cfg(test)]
mod tests;
