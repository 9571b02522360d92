//! Lines cut at the edge of a frame.

use super::surface::Rect;

/// The pieces of the polyline `points` that lie inside `rect`. Points that are not finite break the line.
pub(crate) fn clip_polyline(points: &[(f64, f64)], rect: Rect) -> Vec<Vec<(f64, f64)>> {
    let mut pieces: Vec<Vec<(f64, f64)>> = Vec::new();
    for pair in points.windows(2) {
        let Some((from, to)) = clip_segment(pair[0], pair[1], rect) else {
            continue;
        };
        match pieces.last_mut() {
            Some(piece) if piece.last() == Some(&from) => piece.push(to),
            _ => pieces.push(vec![from, to]),
        }
    }
    pieces
}

/// Liang, Y.-D. and Barsky, B. A. (1984), ACM TOG 3, 1: the part of a segment inside a rectangle.
fn clip_segment(from: (f64, f64), to: (f64, f64), rect: Rect) -> Option<((f64, f64), (f64, f64))> {
    let (dx, dy) = (to.0 - from.0, to.1 - from.1);
    if ![from.0, from.1, dx, dy].iter().all(|v| v.is_finite()) {
        return None;
    }
    let (mut enter, mut leave) = (0.0f64, 1.0f64);
    for (step, room) in [
        (-dx, from.0 - rect.left),
        (dx, rect.right() - from.0),
        (-dy, from.1 - rect.top),
        (dy, rect.bottom() - from.1),
    ] {
        if step == 0.0 {
            if room < 0.0 {
                return None;
            }
        } else if step < 0.0 {
            enter = enter.max(room / step);
        } else {
            leave = leave.min(room / step);
        }
    }
    let at = |t: f64| {
        if t == 0.0 {
            from
        } else if t == 1.0 {
            to
        } else {
            (from.0 + t * dx, from.1 + t * dy)
        }
    };
    (enter <= leave).then(|| (at(enter), at(leave)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOX: Rect = Rect {
        left: 0.0,
        top: 0.0,
        width: 10.0,
        height: 5.0,
    };

    #[test]
    fn a_line_is_cut_where_it_leaves_and_taken_up_where_it_returns() {
        let pieces = clip_polyline(&[(5.0, 2.0), (15.0, 2.0), (15.0, 4.0), (5.0, 4.0)], BOX);
        assert_eq!(
            pieces,
            [vec![(5.0, 2.0), (10.0, 2.0)], vec![(10.0, 4.0), (5.0, 4.0)]]
        );
    }

    #[test]
    fn what_lies_inside_stays_in_one_piece_and_what_lies_outside_goes() {
        let inside = [(1.0, 1.0), (2.0, 3.0), (9.0, 0.5)];
        assert_eq!(clip_polyline(&inside, BOX), [inside.to_vec()]);
        assert!(clip_polyline(&[(-5.0, -5.0), (-1.0, 20.0)], BOX).is_empty());
        assert!(clip_polyline(&[(f64::NAN, 1.0), (2.0, 2.0)], BOX).is_empty());
        assert!(clip_polyline(&[(1.0, 1.0)], BOX).is_empty());
    }

    #[test]
    fn huge_coordinates_keep_their_direction() {
        let pieces = clip_polyline(&[(0.0, 0.0), (1e12, 0.5e12)], BOX);
        assert!((pieces[0][1].0 - 10.0).abs() < 1e-9 && (pieces[0][1].1 - 5.0).abs() < 1e-9);
    }
}
