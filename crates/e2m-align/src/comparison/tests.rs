use super::*;
use crate::synthetic::{image, texture, tiles};
use e2m_image::Size;
use ndarray::Array2;

const SIDE: usize = 128;
/// From post, which is the tile, to pre, with room around it.
const MARGIN: f64 = 30.0;
const LEVEL: SamplingLevel = SamplingLevel {
    sigma_px: 1.0,
    stride: 1,
    search_radius_px: 4.0,
};

fn pre(width: usize) -> Array2<f32> {
    image((width, SIDE + 60), |x, y| texture(x, y, 0.0))
}

/// Post counts from pre counts and the distance from the tile's centre.
fn tile(light: impl Fn(f64, f64, f64) -> f64) -> Tile {
    let middle = (SIDE as f64 - 1.0) / 2.0;
    let post = image((SIDE, SIDE), |x, y| {
        light(texture(x + MARGIN, y + MARGIN, 0.0), x - middle, y - middle)
    });
    tiles(&post, SIDE).remove(0)
}

fn compared(tile: &Tile, pre: &Array2<f32>) -> Option<(TileComparison, TileEquations)> {
    let warp = Warp::translation(MARGIN, MARGIN);
    let frame = NormalisedFrame::new(Size::new(SIDE, SIDE));
    let mut comparison =
        TileComparison::new(tile, pre.view().into(), &warp, LEVEL, BlurMatch::default())?;
    let equations = comparison.equations(&warp, &frame)?;
    Some((comparison, equations))
}

#[test]
fn gain_and_light_that_slopes_over_the_tile_are_recovered() {
    let lit = tile(|counts, dx, dy| (1.7 + 0.002 * dx - 0.001 * dy) * counts + 12.0);
    let (comparison, equations) = compared(&lit, &pre(SIDE + 60)).expect("the same texture");

    let gain = comparison.gain().expect("a fit");
    assert!((gain - 1.7).abs() < 0.01, "{gain}");
    let brightness = comparison.brightness.expect("a fit");
    let ratio = comparison.post_scale / comparison.pre_scale;
    let across = (comparison.count as f32 - 1.0) * LEVEL.stride as f32;
    let along_x = (brightness.at(1.0, 0.0).0 - brightness.at(-1.0, 0.0).0) * ratio / across;
    let along_y = (brightness.at(0.0, 1.0).0 - brightness.at(0.0, -1.0).0) * ratio / across;
    assert!((along_x - 0.002).abs() < 1e-4, "{along_x}");
    assert!((along_y + 0.001).abs() < 1e-4, "{along_y}");
    let offset = brightness.at(0.0, 0.0).1 * comparison.post_scale;
    assert!((offset - 12.0).abs() < 1.0, "{offset}");

    let shift = equations
        .own_shift(&NormalisedFrame::new(Size::new(SIDE, SIDE)))
        .expect("structure in both directions");
    assert!(shift.dx.hypot(shift.dy) < 0.01, "{shift:?}");
}

/// Every 16th pixel both ways is the centre of a microbe.
fn is_microbe(column: usize, row: usize) -> bool {
    let near = |at: usize| (at % 16).abs_diff(8) <= 1;
    near(column) && near(row)
}

#[test]
fn microbes_lose_their_weight_and_leave_the_gain_alone() {
    let mut stained = tile(|counts, _, _| 1.4 * counts);
    for ((y, x), counts) in stained.pixels.indexed_iter_mut() {
        if is_microbe(x, y) {
            *counts += 150.0;
        }
    }
    let (comparison, _) = compared(&stained, &pre(SIDE + 60)).expect("the same texture");
    let gain = comparison.gain().expect("a fit");
    assert!((gain - 1.4).abs() < 0.014, "{gain}");

    let (mut on, mut off) = (Vec::new(), Vec::new());
    for row in 0..comparison.count {
        for column in 0..comparison.count {
            let weight = f64::from(comparison.weight[row * comparison.width + column]);
            if is_microbe(comparison.first + column, comparison.first + row) {
                on.push(weight);
            } else {
                off.push(weight);
            }
        }
    }
    let greatest = on.iter().copied().fold(0.0, f64::max);
    let typical = crate::residual::median(off);
    assert!(greatest < 0.02 * typical, "{greatest} against {typical}");
}

#[test]
fn beyond_pre_nothing_is_compared() {
    let plain = tile(|counts, _, _| 1.3 * counts);
    // Pre ends within the tile, which still tells with what is left.
    let half = MARGIN as usize + SIDE / 2;
    let (comparison, equations) = compared(&plain, &pre(half)).expect("half a tile");
    let (mut seen, mut unseen) = (0, 0);
    for row in 0..comparison.count {
        for column in 0..comparison.count {
            let at = row * comparison.width + column;
            let weight = comparison.weight[at];
            let u = comparison.x(column as f64) + MARGIN;
            if comparison.model[at].is_nan() {
                assert_eq!(weight, 0.0);
                unseen += 1;
            } else {
                assert!(u < half as f64, "{u} is beyond pre");
                assert!(weight > 0.0);
                seen += 1;
            }
        }
    }
    assert!(seen > 2000 && unseen > 2000, "{seen} and {unseen}");
    assert!(equations.correlation > 0.999);

    // And where pre does not reach at all, there is nothing to say.
    assert!(compared(&plain, &pre(MARGIN as usize + 3)).is_none());
}

#[test]
fn a_flat_tile_and_a_negative_are_not_compared() {
    let whole = pre(SIDE + 60);
    assert!(compared(&tile(|_, _, _| 90.0), &whole).is_none());
    assert!(compared(&tile(|counts, _, _| 300.0 - counts), &whole).is_none());
}
