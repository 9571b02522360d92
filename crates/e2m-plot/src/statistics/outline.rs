//! Which pixels of the canvas an image covers.

use std::ops::Range;

/// A convex quadrilateral on the canvas: the frame of an image, straight or warped. What lies outside is padding.
///
/// Corners are full-resolution canvas px in order around the frame; for an image of `w` x `h` px these are the images of
/// `(-0.5, -0.5)`, `(w - 0.5, -0.5)`, `(w - 0.5, h - 0.5)` and `(-0.5, h - 0.5)`. A pixel belongs to it if its centre
/// lies inside.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Outline {
    corners: [(f64, f64); 4],
}

impl Outline {
    /// The outline with the given corners.
    pub fn new(corners: [(f64, f64); 4]) -> Self {
        Self { corners }
    }

    /// An upright frame of `width` x `height` px whose first pixel is the canvas pixel `(left, top)`.
    pub fn upright(left: f64, top: f64, width: f64, height: f64) -> Self {
        let (l, t) = (left - 0.5, top - 0.5);
        let (r, b) = (l + width, t + height);
        Self::new([(l, t), (r, t), (r, b), (l, b)])
    }

    /// The columns of a canvas of `width` px whose pixels of row `row` lie inside.
    pub fn columns(&self, row: usize, width: usize) -> Range<usize> {
        let y = row as f64;
        let (mut left, mut right) = (f64::INFINITY, f64::NEG_INFINITY);
        for i in 0..4 {
            let (a, b) = (self.corners[i], self.corners[(i + 1) % 4]);
            // Half open, so that a row through a corner meets each side once.
            if (a.1 <= y) != (b.1 <= y) {
                let x = a.0 + (y - a.1) / (b.1 - a.1) * (b.0 - a.0);
                left = left.min(x);
                right = right.max(x);
            }
        }
        // An empty outline leaves infinities, which saturate to an empty range.
        let start = (left.ceil().max(0.0) as usize).min(width);
        let end = (right.ceil().max(0.0) as usize).min(width);
        start..end.max(start)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_upright_frame_covers_its_own_pixels() {
        let frame = Outline::upright(3.0, 2.0, 5.0, 4.0);
        for row in 0..10 {
            let expected = if (2..6).contains(&row) { 3..8 } else { 0..0 };
            let found = frame.columns(row, 20);
            assert_eq!(found.len(), expected.len(), "row {row}");
            assert!(found.is_empty() || found == expected);
        }
        assert_eq!(frame.columns(3, 6), 3..6);
        assert_eq!(frame.columns(3, 2), 2..2);
    }

    #[test]
    fn a_turned_frame_covers_as_many_pixels_as_its_area() {
        let (sin, cos) = 0.3f64.sin_cos();
        let turned = [(0.0, 0.0), (400.0, 0.0), (400.0, 300.0), (0.0, 300.0)]
            .map(|(x, y)| (200.0 + x * cos - y * sin, 50.0 + x * sin + y * cos));
        let outline = Outline::new(turned);
        let covered: usize = (0..700).map(|row| outline.columns(row, 900).len()).sum();
        assert!((covered as f64 / 120_000.0 - 1.0).abs() < 2e-3, "{covered}");
        let reversed = Outline::new([turned[3], turned[2], turned[1], turned[0]]);
        assert_eq!(reversed.columns(120, 900), outline.columns(120, 900));
    }

    #[test]
    fn broken_outlines_are_empty() {
        let outline = Outline::new([(f64::NAN, 0.0); 4]);
        assert!(outline.columns(0, 10).is_empty());
        let outside = Outline::upright(-50.0, 0.0, 20.0, 10.0);
        assert!(outside.columns(3, 10).is_empty());
    }
}
