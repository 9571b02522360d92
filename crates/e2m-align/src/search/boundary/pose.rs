//! A similarity from post to pre, and its refinement by correlation.

use e2m_image::Warp;
use nalgebra::{SMatrix, SVector};
use ndarray::Array2;

/// Rotation and magnification about a point of post, and where that point lies in pre.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::search) struct Pose {
    /// Positive from x towards y.
    pub(in crate::search) angle_deg: f64,
    /// Above 1 the section is larger in pre.
    pub(in crate::search) scale: f64,
    /// A point of post.
    pub(in crate::search) centre: [f64; 2],
    /// The same point in pre.
    pub(in crate::search) target: [f64; 2],
}

impl Pose {
    /// The warp from post to pre pixels.
    pub(in crate::search) fn warp(&self) -> Warp {
        let [x, y] = self.centre;
        Warp::similarity(self.scale, self.angle_deg, (x, y))
            .then(&Warp::translation(self.target[0] - x, self.target[1] - y))
    }

    /// The same pose between images whose pixels are `factor` times as large; below 1 for smaller ones.
    pub(in crate::search) fn at_pixel_size(&self, factor: f64) -> Self {
        let there = |p: [f64; 2]| p.map(|v| (v + 0.5) / factor - 0.5);
        Self {
            centre: there(self.centre),
            target: there(self.target),
            ..*self
        }
    }
}

/// What the refinement may change.
#[derive(Debug, Clone, Copy)]
pub(in crate::search) struct Bounds {
    /// Least and largest rotation in degrees; the same number keeps it there.
    pub(in crate::search) angle_deg: [f64; 2],
    /// Least and largest magnification; the same number keeps it there.
    pub(in crate::search) scale: [f64; 2],
}

/// Steps of the refinement at most, and damping at which it has arrived.
const MAX_STEPS: usize = 30;
const MAX_DAMPING: f64 = 1e4;
/// A step that gains less correlation than this was the last.
const LEAST_GAIN: f64 = 1e-7;
/// Parameters: log of the magnification, rotation, target x and y, and the brightness ratio.
const PARAMETERS: usize = 5;

/// The pose near `start` at which the correlation of `post` and `pre`, seen through it, is largest, and that
/// correlation: damped Gauss-Newton (Levenberg-Marquardt) on the brightness difference with a free gain.
pub(in crate::search) fn refine(
    post: &Array2<f32>,
    pre: &Array2<f32>,
    start: Pose,
    bounds: &Bounds,
) -> (Pose, f64) {
    let (mut pose, mut damping) = (start, 1e-3);
    let mut system = System::at(post, pre, &pose);
    for _ in 0..MAX_STEPS {
        let Some(step) = system.step(bounds, damping) else {
            break;
        };
        let tried = stepped(&pose, &step, bounds);
        let next = System::at(post, pre, &tried);
        let gain = next.correlation - system.correlation;
        if gain > 0.0 {
            (pose, system) = (tried, next);
            damping = (damping * 0.2).max(1e-6);
            if gain < LEAST_GAIN {
                break;
            }
        } else {
            damping *= 10.0;
            if damping > MAX_DAMPING {
                break;
            }
        }
    }
    (pose, system.correlation)
}

fn stepped(pose: &Pose, step: &SVector<f64, PARAMETERS>, bounds: &Bounds) -> Pose {
    let [least, most] = bounds.scale;
    let [first, last] = bounds.angle_deg;
    Pose {
        scale: (pose.scale * step[0].exp()).clamp(least, most),
        angle_deg: (pose.angle_deg + step[1].to_degrees()).clamp(first, last),
        target: [pose.target[0] + step[2], pose.target[1] + step[3]],
        ..*pose
    }
}

/// The normal equations at a pose.
struct System {
    normal: SMatrix<f64, PARAMETERS, PARAMETERS>,
    right: SVector<f64, PARAMETERS>,
    /// Cosine between both images as vectors.
    correlation: f64,
}

impl System {
    fn at(post: &Array2<f32>, pre: &Array2<f32>, pose: &Pose) -> Self {
        let (sin, cos) = pose.angle_deg.to_radians().sin_cos();
        let (a, b) = (pose.scale * cos, pose.scale * sin);
        let (mut tt, mut ti, mut ii) = (0.0, 0.0, 0.0);
        // Sums of products of [J, I] with itself and with T, where J is the slope of pre along each parameter.
        let mut products = SMatrix::<f64, PARAMETERS, PARAMETERS>::zeros();
        let mut with_post = SVector::<f64, PARAMETERS>::zeros();
        for (y, row) in post.outer_iter().enumerate() {
            let dy = y as f64 - pose.centre[1];
            for (x, &t) in row.iter().enumerate() {
                let dx = x as f64 - pose.centre[0];
                let t = f64::from(t);
                tt += t * t;
                let (vx, vy) = (a * dx - b * dy, b * dx + a * dy);
                let (u, v) = (pose.target[0] + vx, pose.target[1] + vy);
                let Some((value, gx, gy)) = sample(pre, u, v) else {
                    continue;
                };
                if value == 0.0 && gx == 0.0 && gy == 0.0 {
                    continue;
                }
                ti += t * value;
                ii += value * value;
                let j = [gx * vx + gy * vy, gy * vx - gx * vy, gx, gy, value];
                for r in 0..PARAMETERS {
                    with_post[r] += j[r] * t;
                    for c in r..PARAMETERS {
                        products[(r, c)] += j[r] * j[c];
                    }
                }
            }
        }
        let gain = if ii > 0.0 { ti / ii } else { 0.0 };
        // T - gain I = gain J step + I dgain, in place of J and I their multiples.
        let mut normal = SMatrix::zeros();
        let mut right = SVector::zeros();
        let weight = |i: usize| if i + 1 == PARAMETERS { 1.0 } else { gain };
        for r in 0..PARAMETERS {
            right[r] = weight(r) * (with_post[r] - gain * products[(r, PARAMETERS - 1)]);
            for c in 0..PARAMETERS {
                normal[(r, c)] = weight(r) * weight(c) * products[(r.min(c), r.max(c))];
            }
        }
        let correlation = if tt > 0.0 && ii > 0.0 {
            ti / (tt * ii).sqrt()
        } else {
            0.0
        };
        Self {
            normal,
            right,
            correlation,
        }
    }

    fn step(&self, bounds: &Bounds, damping: f64) -> Option<SVector<f64, PARAMETERS>> {
        let (mut normal, mut right) = (self.normal, self.right);
        for (i, [least, most]) in [(0, bounds.scale), (1, bounds.angle_deg)] {
            if least == most {
                normal.row_mut(i).fill(0.0);
                normal.column_mut(i).fill(0.0);
                normal[(i, i)] = 1.0;
                right[i] = 0.0;
            }
        }
        for i in 0..PARAMETERS {
            normal[(i, i)] *= 1.0 + damping;
        }
        normal.cholesky().map(|c| c.solve(&right))
    }
}

/// Bilinear value and slope; `None` where a neighbour lies outside.
fn sample(image: &Array2<f32>, x: f64, y: f64) -> Option<(f64, f64, f64)> {
    let (height, width) = image.dim();
    if !(x >= 0.0 && y >= 0.0 && x < (width - 1) as f64 && y < (height - 1) as f64) {
        return None;
    }
    let (x0, y0) = (x as i32, y as i32);
    let (fx, fy) = (x - f64::from(x0), y - f64::from(y0));
    let start = y0 as usize * width + x0 as usize;
    let pixels = &image.as_slice()?[start..start + width + 2];
    let [a, b, c, d] = [0, 1, width, width + 1].map(|i| f64::from(pixels[i]));
    let (top, bottom) = (a + fx * (b - a), c + fx * (d - c));
    let slope = (1.0 - fy) * (b - a) + fy * (d - c);
    Some((top + fy * (bottom - top), slope, bottom - top))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blobs(pose: Option<&Pose>) -> Array2<f32> {
        let warp = pose.map_or_else(Warp::identity, Pose::warp);
        Array2::from_shape_fn((120, 150), |(y, x)| {
            let (x, y) = warp.apply(x as f64, y as f64);
            [(50.0, 40.0, 9.0), (100.0, 55.0, 12.0), (70.0, 90.0, 8.0)]
                .iter()
                .map(|&(cx, cy, s): &(f64, f64, f64)| {
                    (-((x - cx).powi(2) + (y - cy).powi(2)) / (2.0 * s * s)).exp()
                })
                .sum::<f64>() as f32
        })
    }

    fn truth() -> Pose {
        Pose {
            angle_deg: 3.0,
            scale: 1.04,
            centre: [70.0, 60.0],
            target: [72.5, 58.2],
        }
    }

    const FREE: Bounds = Bounds {
        angle_deg: [-10.0, 10.0],
        scale: [0.8, 1.2],
    };

    #[test]
    fn the_refinement_finds_the_pose() {
        let truth = truth();
        let (post, pre) = (blobs(Some(&truth)) * 2.0, blobs(None));
        let start = Pose {
            angle_deg: 0.0,
            scale: 1.0,
            target: truth.centre,
            ..truth
        };
        let (found, correlation) = refine(&post, &pre, start, &FREE);
        let size = e2m_image::Size::new(150, 120);
        assert!(
            found.warp().max_distance(&truth.warp(), size) < 0.1,
            "{found:?}"
        );
        assert!(correlation > 0.999, "{correlation}");
    }

    #[test]
    fn what_is_fixed_stays_and_bounds_hold() {
        let truth = truth();
        let (post, pre) = (blobs(Some(&truth)), blobs(None));
        let start = Pose {
            angle_deg: 0.0,
            scale: 1.0,
            ..truth
        };
        let fixed = Bounds {
            angle_deg: [0.0, 0.0],
            scale: [1.0, 1.02],
        };
        let (found, _) = refine(&post, &pre, start, &fixed);
        assert_eq!((found.angle_deg, found.scale), (0.0, 1.02));
    }

    #[test]
    fn a_pose_is_the_same_warp_at_every_resolution() {
        let pose = truth();
        let small = pose.at_pixel_size(4.0);
        let back = small.warp().at_full_resolution(0.25, 0.25);
        assert!(back.max_distance(&pose.warp(), e2m_image::Size::new(600, 500)) < 1e-9);
        assert!((small.at_pixel_size(0.25).target[0] - pose.target[0]).abs() < 1e-12);
    }
}
