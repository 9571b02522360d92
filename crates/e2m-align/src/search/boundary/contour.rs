//! Outlines between pixels: marching squares on the brightness field.
//!
//! W. E. Lorensen, H. E. Cline, SIGGRAPH 1987, doi:10.1145/37401.37422, in two dimensions. Where the section leaves the
//! image there is no cell and so no contour: paths are open there.

use super::section::Section;
use ndarray::Array2;
use std::collections::HashMap;

/// A path shorter than this is no outline, in px.
const MIN_LENGTH_PX: f64 = 16.0;
/// The tangent at a point is the direction between points this far before and behind, in px.
const TANGENT_REACH_PX: f64 = 3.0;

/// Points along one border of the section, the section always on the same hand.
pub(super) type Path = Vec<[f64; 2]>;

/// A point of an outline with its unit normal.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct ContourPoint {
    pub(super) at: [f64; 2],
    /// Points out of the section.
    pub(super) normal: [f64; 2],
}

/// The outlines of a section in pixels of its image, x and y.
pub(super) fn trace(section: &Section) -> Vec<Path> {
    let mask = &section.mask;
    let next = segments(mask);
    let width = mask.ncols();
    let ends: std::collections::HashSet<usize> = next.iter().map(|&(_, end)| end).collect();
    let follow: HashMap<usize, usize> = next.iter().copied().collect();
    let mut used = std::collections::HashSet::new();
    let mut paths = Vec::new();
    // Open paths from their starts, then what is left: rings from anywhere.
    let open = next.iter().filter(|(start, _)| !ends.contains(start));
    for &(start, _) in open.chain(&next) {
        if used.contains(&start) {
            continue;
        }
        let (mut path, mut edge) = (Vec::new(), start);
        loop {
            path.push(crossing(section, edge, width));
            match follow.get(&edge) {
                Some(&following) if used.insert(edge) => edge = following,
                _ => break,
            }
        }
        if length(&path) >= MIN_LENGTH_PX {
            paths.push(path);
        }
    }
    paths
}

/// The pieces of contour, one or two per cell of four pixels, from edge to edge, in the order of the cells. An edge is
/// twice the index of the pixel it begins at, plus one where it goes down instead of right.
fn segments(mask: &Array2<bool>) -> Vec<(usize, usize)> {
    let (height, width) = mask.dim();
    let mut found = Vec::new();
    for y in 0..height.saturating_sub(1) {
        for x in 0..width.saturating_sub(1) {
            // Clockwise from the top left.
            let corners = [
                mask[(y, x)],
                mask[(y, x + 1)],
                mask[(y + 1, x + 1)],
                mask[(y + 1, x)],
            ];
            if corners == [corners[0]; 4] {
                continue;
            }
            let at = y * width + x;
            let edges = [2 * at, 2 * (at + 1) + 1, 2 * (at + width), 2 * at + 1];
            for i in 0..4 {
                if corners[i] && !corners[(i + 1) % 4] {
                    // Around the corners outside, to where the section begins again.
                    let mut j = (i + 1) % 4;
                    while !corners[(j + 1) % 4] {
                        j = (j + 1) % 4;
                    }
                    found.push((edges[i], edges[j]));
                }
            }
        }
    }
    found
}

/// Where the field is zero between the two pixels of an edge.
fn crossing(section: &Section, edge: usize, width: usize) -> [f64; 2] {
    let (pixel, down) = (edge / 2, edge % 2 == 1);
    let (x, y) = (pixel % width, pixel / width);
    let (u, v) = if down { (x, y + 1) } else { (x + 1, y) };
    let first_inside = section.mask[(y, x)];
    let value = |y: usize, x: usize, inside: bool| {
        // Filled holes and dropped crumbs do not have the sign of their side.
        let value = f64::from(section.field[(y, x)]);
        if inside {
            value.max(1e-6)
        } else {
            value.min(-1e-6)
        }
    };
    let (a, b) = (value(y, x, first_inside), value(v, u, !first_inside));
    let t = a / (a - b);
    if down {
        [x as f64, y as f64 + t]
    } else {
        [x as f64 + t, y as f64]
    }
}

/// The length of a path in px.
pub(super) fn length(path: &[[f64; 2]]) -> f64 {
    path.windows(2).map(|w| distance(w[0], w[1])).sum()
}

fn distance(a: [f64; 2], b: [f64; 2]) -> f64 {
    (a[0] - b[0]).hypot(a[1] - b[1])
}

/// About `wanted` points evenly spaced along the paths, each with its normal; never closer than a px.
pub(super) fn sample(paths: &[Path], wanted: usize) -> Vec<ContourPoint> {
    let total: f64 = paths.iter().map(|p| length(p)).sum();
    let step = (total / wanted.max(1) as f64).max(1.0);
    paths.iter().flat_map(|p| sample_path(p, step)).collect()
}

fn sample_path(path: &[[f64; 2]], step: f64) -> Vec<ContourPoint> {
    let mut along = vec![0.0];
    for w in path.windows(2) {
        along.push(along[along.len() - 1] + distance(w[0], w[1]));
    }
    let total = along[along.len() - 1];
    let at = |s: f64| {
        let s = s.clamp(0.0, total);
        let i = along.partition_point(|&a| a < s).clamp(1, path.len() - 1);
        let span = along[i] - along[i - 1];
        let t = if span > 0.0 {
            (s - along[i - 1]) / span
        } else {
            0.0
        };
        let (a, b) = (path[i - 1], path[i]);
        [a[0] + t * (b[0] - a[0]), a[1] + t * (b[1] - a[1])]
    };
    let n = (total / step) as usize;
    (0..n)
        .filter_map(|i| {
            let s = (i as f64 + 0.5) * step;
            let (before, behind) = (at(s - TANGENT_REACH_PX), at(s + TANGENT_REACH_PX));
            let norm = distance(before, behind);
            let tangent = [
                (behind[0] - before[0]) / norm,
                (behind[1] - before[1]) / norm,
            ];
            // The section lies to the right of the way on screen (y down), so outside is to the left.
            (norm > 0.0).then(|| ContourPoint {
                at: at(s),
                normal: [tangent[1], -tangent[0]],
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn section(field: Array2<f32>) -> Section {
        Section {
            mask: field.mapv(|v| v > 0.0),
            field,
            pieces: 1,
            frame_share: 0.0,
        }
    }

    #[test]
    fn a_circle_is_traced_to_a_hundredth_of_a_pixel() {
        let (cx, cy, radius) = (60.3f64, 50.8, 33.37);
        let field = Array2::from_shape_fn((110, 130), |(y, x)| {
            (radius - (x as f64 - cx).hypot(y as f64 - cy)) as f32
        });
        let paths = trace(&section(field));
        assert_eq!(paths.len(), 1);
        assert_eq!(paths[0].first(), paths[0].last(), "closed");
        let points = sample(&paths, 10_000);
        assert!((200..215).contains(&points.len()), "{}", points.len());
        for p in &points {
            let (dx, dy) = (p.at[0] - cx, p.at[1] - cy);
            assert!((dx.hypot(dy) - radius).abs() < 0.02, "{p:?}");
            let outward = (dx * p.normal[0] + dy * p.normal[1]) / radius;
            assert!(outward > 0.99, "{p:?} {outward}");
        }
    }

    #[test]
    fn a_section_cut_by_the_frame_has_an_open_outline_without_the_cut() {
        let field = Array2::from_shape_fn((80, 100), |(y, x)| {
            (30.0 - (x as f64).hypot(y as f64 - 40.0)) as f32
        });
        let paths = trace(&section(field));
        assert_eq!(paths.len(), 1);
        let half_circle = std::f64::consts::PI * 30.0;
        assert!((length(&paths[0]) - half_circle).abs() < 1.0);
        assert!(paths[0].iter().filter(|p| p[0] < 0.5).count() <= 4);
    }

    #[test]
    fn pixels_that_touch_by_a_corner_share_an_outline() {
        let field = Array2::from_shape_fn((60, 60), |(y, x)| {
            let (first, second) = (x < 30 && y < 30, x >= 30 && y >= 30);
            let frame = x < 5 || y < 5 || x >= 55 || y >= 55;
            if (first || second) && !frame {
                1.0
            } else {
                -1.0
            }
        });
        let paths = trace(&section(field));
        assert_eq!(paths.len(), 1, "eight-connected like the pieces");
    }
}
