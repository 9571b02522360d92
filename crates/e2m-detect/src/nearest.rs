//! The distance of each point to the nearest other one.

use std::collections::HashMap;

/// Side of a square of the grid that points are sorted into, px.
const SQUARE: f64 = 64.0;

/// Distances in the order of the points; infinite for a single one.
pub(crate) fn nearest_distances(points: &[[f64; 2]]) -> Vec<f64> {
    let square = |p: &[f64; 2]| {
        (
            (p[0] / SQUARE).floor() as i64,
            (p[1] / SQUARE).floor() as i64,
        )
    };
    let mut grid: HashMap<(i64, i64), Vec<usize>> = HashMap::new();
    for (i, point) in points.iter().enumerate() {
        grid.entry(square(point)).or_default().push(i);
    }
    let squares = || grid.keys();
    let span = |of: fn(&(i64, i64)) -> i64| {
        let (low, high) = squares()
            .map(of)
            .fold((i64::MAX, i64::MIN), |(l, h), v| (l.min(v), h.max(v)));
        high.saturating_sub(low).max(0)
    };
    let farthest = if points.is_empty() {
        0
    } else {
        span(|s| s.0).max(span(|s| s.1)) + 1
    };
    let distance =
        |a: usize, b: usize| (points[a][0] - points[b][0]).hypot(points[a][1] - points[b][1]);
    let of = |i: usize| {
        let (cx, cy) = square(&points[i]);
        let mut best = f64::INFINITY;
        for ring in 0..=farthest {
            if best <= (ring - 1) as f64 * SQUARE {
                break;
            }
            for y in cy - ring..=cy + ring {
                let step = if (y - cy).abs() == ring {
                    1
                } else {
                    (2 * ring).max(1)
                };
                for x in (cx - ring..=cx + ring).step_by(step as usize) {
                    for &j in grid.get(&(x, y)).into_iter().flatten().filter(|&&j| j != i) {
                        best = best.min(distance(i, j));
                    }
                }
            }
        }
        best
    };
    (0..points.len()).map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_is_found_across_squares() {
        let points: Vec<[f64; 2]> = (0..300u32)
            .map(|i| [f64::from(i * 7919 % 1009), f64::from(i * 104_729 % 997)])
            .collect();
        let found = nearest_distances(&points);
        for (i, a) in points.iter().enumerate() {
            let others = points.iter().enumerate().filter(|(j, _)| *j != i);
            let truth = others
                .map(|(_, b)| (a[0] - b[0]).hypot(a[1] - b[1]))
                .fold(f64::INFINITY, f64::min);
            assert_eq!(found[i], truth);
        }
        assert_eq!(nearest_distances(&[[3.0, 4.0]]), vec![f64::INFINITY]);
        assert!(nearest_distances(&[]).is_empty());
    }
}
