//! `pre_post_heatmap` and `excess_heatmap`.

use super::*;

pub(super) fn heatmap(joint: &JointHistogram) -> Vec<u8> {
    let picture = PrePostHeatmapPicture {
        title: &title(),
        joint,
    };
    draw_pre_post_heatmap(&picture).expect("draws")
}

pub(super) fn excess(joint: &JointHistogram, scales: &[ScaleLine]) -> Vec<u8> {
    let picture = ExcessHeatmapPicture {
        title: &title(),
        joint,
        scales,
    };
    draw_excess_heatmap(&picture).expect("draws")
}

#[test]
fn the_heatmap_has_its_cells_in_place_and_is_white_elsewhere() {
    // 0 to 99 on both axes; one full cell, one of a single pixel.
    let joint = joint(&[(20.0, 70.0, 5000), (60.0, 10.0, 1), (99.0, 99.0, 7)]);
    let png = heatmap(&joint);
    assert_eq!(png, heatmap(&joint));
    let panel = Panel::of(&png);
    let cell = |pre: f64, post: f64| panel.at((pre + 0.5) / 100.0, (post + 0.5) / 100.0);
    let full = cell(20.0, 70.0);
    assert!(full[0] > 200 && full[2] < 150, "{full:?}");
    let single = cell(60.0, 10.0);
    assert!(single.iter().all(|c| *c < 20), "{single:?}");
    for (pre, post) in [(19.0, 70.0), (21.0, 70.0), (20.0, 69.0), (20.0, 71.0)] {
        assert_eq!(cell(pre, post), WHITE);
    }
    for (pre, post) in [(70.0, 20.0), (10.0, 60.0), (3.0, 90.0), (90.0, 3.0)] {
        assert_eq!(cell(pre, post), WHITE);
    }
}

#[test]
fn the_identity_line_lies_on_the_diagonal_and_nowhere_else() {
    let joint = joint(&[(20.0, 70.0, 5000), (99.0, 99.0, 7)]);
    for png in [heatmap(&joint), excess(&joint, &[])] {
        let panel = Panel::of(&png);
        let places = panel.places(IDENTITY);
        assert!(places.len() > 600, "{}", places.len());
        for (right, up) in &places {
            assert!((right - up).abs() < 0.005, "{right} {up}");
        }
        let reach = |low: f64| {
            places
                .iter()
                .any(|(right, _)| (low..low + 0.1).contains(right))
        };
        assert!((0..10).all(|i| reach(f64::from(i) / 10.0)));
    }
}

#[test]
fn the_excess_is_what_lies_above_beyond_its_mirror_image() {
    let joint = joint(&[
        (20.0, 70.0, 5000),
        (70.0, 20.0, 100), // less than above: leaves 4,900
        (40.0, 60.0, 300),
        (60.0, 40.0, 300), // as many as above: leaves nothing
        (30.0, 50.0, 10),
        (50.0, 30.0, 90), // more than above: nothing either
        (99.0, 99.0, 7),
    ]);
    let panel = Panel::of(&excess(&joint, &[]));
    let cell = |pre: f64, post: f64| panel.at((pre + 0.5) / 100.0, (post + 0.5) / 100.0);
    assert_ne!(cell(20.0, 70.0), WHITE);
    for (pre, post) in [
        (70.0, 20.0),
        (40.0, 60.0),
        (60.0, 40.0),
        (30.0, 50.0),
        (50.0, 30.0),
    ] {
        assert_eq!(cell(pre, post), WHITE, "{pre} {post}");
    }
}

#[test]
fn a_scale_line_has_the_slope_and_colour_of_its_scale() {
    let joint = joint(&[(20.0, 70.0, 5000), (99.0, 99.0, 7)]);
    let scales = [
        (ScaleMethod::Moffat, 1.5, MOFFAT),
        (ScaleMethod::Percentile(50.0), 2.5, [0xff, 0x99, 0x33]),
        (ScaleMethod::Manual, 0.5, [0xff, 0x33, 0x66]),
    ];
    let lines = scales.map(|(method, value, _)| ScaleLine {
        method,
        value,
        offset: 0.0,
    });
    let panel = Panel::of(&excess(&joint, &lines));
    for (_, scale, colour) in scales {
        let places = panel.places(colour);
        assert!(places.len() > 300);
        for (right, up) in places {
            let (pre, post) = (100.0 * right - 0.5, 100.0 * up - 0.5);
            assert!(
                (post - scale * pre).abs() < 0.4 * (1.0 + scale),
                "{pre} {post}"
            );
        }
    }
}

#[test]
fn levels_that_post_lacks_leave_no_white_rows() {
    // Post uses every third level only, as after a tone curve.
    let mut pairs = Vec::new();
    for level in (0..99).step_by(3) {
        for pre in 0..100u8 {
            pairs.push((f32::from(pre), level as f32, 5));
        }
    }
    pairs.push((99.0, 99.0, 500));
    let panel = Panel::of(&heatmap(&joint(&pairs)));
    for row in 0..98 {
        let colour = panel.at(0.155, (f64::from(row) + 0.5) / 100.0);
        assert!(colour != WHITE || (12..19).contains(&row), "row {row}");
    }
}
