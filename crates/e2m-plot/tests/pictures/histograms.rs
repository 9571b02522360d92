//! `pre_post_histograms` and `ratio_histogram`.

use super::*;

fn histogram(levels: Levels, pixels: &[(f32, usize)]) -> BrightnessHistogram {
    let mut histogram = BrightnessHistogram::new(levels);
    for &(value, count) in pixels {
        histogram.add_band(Array2::from_elem((1, count), value).view());
    }
    histogram
}

pub(super) fn histograms(image: &BrightnessHistogram) -> Vec<u8> {
    let picture = PrePostHistogramsPicture {
        title: &title(),
        pre: image,
        post: image,
        aligned: image,
    };
    draw_pre_post_histograms(&picture).expect("draws")
}

#[test]
fn counts_are_logarithmic_only_where_one_bin_would_flatten_the_rest() {
    let bell: Vec<(f32, usize)> = (0..=200u16)
        .map(|v| {
            let t = (f32::from(v) - 100.0) / 40.0;
            (f32::from(v), 1 + (400.0 * (-t * t).exp()) as usize)
        })
        .collect();
    let height_at = |png: &[u8], share: f64| {
        let panel = Panel::of(png);
        let filled = (0..1000)
            .filter(|up| {
                let [r, g, b] = panel.at(share, f64::from(*up) / 1000.0);
                r.abs_diff(g).max(g.abs_diff(b)) > 4
            })
            .count();
        filled as f64 / 1000.0
    };
    // Half the peak at 100 + 40 sqrt(ln 2): half the height on a linear axis.
    let half = 133.3 / 201.0;
    let plain = histograms(&histogram(Levels::COUNTS, &bell));
    let ratio = height_at(&plain, half) / height_at(&plain, 100.5 / 201.0);
    assert!((0.45..0.55).contains(&ratio), "{ratio}");
    let mut padded = bell;
    padded[0].1 = 100_000;
    let with_zeros = histograms(&histogram(Levels::COUNTS, &padded));
    let ratio = height_at(&with_zeros, half) / height_at(&with_zeros, 100.5 / 201.0);
    assert!(ratio > 0.8, "{ratio}");
}

#[test]
fn the_scale_stands_at_its_ratio_and_the_mirrored_wing_right_of_it() {
    let mut counts = vec![0u64; 600];
    for (i, count) in counts.iter_mut().enumerate() {
        let x = (i as f64 + 0.5) / 100.0 - 3.0;
        *count = (1e5 * (-((x - 0.2) / 0.08f64).powi(2)).exp()) as u64;
    }
    let scales = [ScaleLine {
        method: ScaleMethod::Moffat,
        value: 10f64.powf(0.2),
        offset: 0.0,
    }];
    let draw = |peak| {
        let picture = RatioHistogramPicture {
            title: &title(),
            low: -3.0,
            high: 3.0,
            counts: &counts,
            peak,
            scales: &scales,
        };
        draw_ratio_histogram(&picture).expect("draws")
    };
    let panel = Panel::of(&draw(None));
    let line = panel.places(MOFFAT);
    let column = line[0].0;
    assert!(line.iter().all(|(x, _)| (x - column).abs() < 0.01));
    assert!(line.iter().any(|p| p.1 > 0.97), "from top");
    assert!(line.iter().any(|p| p.1 < 0.05), "to bottom");
    // The dashed line at ratio 1 lies left of it.
    let one = panel.places(INK);
    assert!(one.iter().filter(|(x, _)| *x < column - 0.05).count() > 100);
    // Close up: the left wing of this peak is twice as wide as the right one.
    let close: Vec<f64> = (-200..=200)
        .map(|i: i32| f64::from(i) / if i < 0 { 40.0 } else { 20.0 })
        .map(|x| 1e5 * (-x * x).exp())
        .collect();
    let peak = RatioPeak {
        scale: 10f64.powf(0.2),
        std_error: 0.02,
        block_side_px: 16,
        mu: 0.2,
        bin_width: 0.001,
        counts: &close,
        fit: Some(MoffatProfile {
            amp: 1e5,
            mu: 0.2,
            alpha: 0.2,
            beta: 5.0,
        }),
    };
    let whole = draw(Some(peak));
    let panel = Panel::of_nth(&whole, 1);
    let line = panel.places(MOFFAT);
    assert!(!line.is_empty() && line.iter().all(|(x, _)| (x - 0.5).abs() < 0.01));
    let mirrored = panel.places([150, 75, 160]);
    assert!(mirrored.len() > 50 && mirrored.iter().all(|(x, _)| *x > 0.49));
    // It stands outside the right wing: 25 bins from the peak the left wing is 0.68 of it high, the right one 0.21.
    let teal = |bin: f64| panel.at(0.5 + bin / 121.0, 0.45)[0] < 200;
    assert!(teal(-25.0) && !teal(25.0));
    let at_half = mirrored.iter().filter(|(_, up)| (0.4..0.5).contains(up));
    let bins: Vec<f64> = at_half.map(|(x, _)| (x - 0.5) * 121.0).collect();
    assert!(
        bins.len() > 9 && bins.iter().all(|bin| (25.0..42.0).contains(bin)),
        "{bins:?}"
    );
    let unfitted = RatioPeak { fit: None, ..peak };
    assert_ne!(whole, draw(Some(unfitted)));
}

#[test]
fn each_class_of_differences_has_its_own_colour_at_its_place() {
    // Both positive: 10 brighter; post only: 30; neither: 0.
    let (_, differences, _) = counted(&[
        (50.0, 60.0, 1000),
        (0.0, 30.0, 1000),
        (0.0, 0.0, 1000),
        (7.0, 6.0, 1),
    ])
    .finish();
    let picture = DifferenceHistogramPicture {
        title: &title(),
        differences: &differences,
    };
    let png = draw_difference_histogram(&picture).expect("draws");
    assert_eq!(png, draw_difference_histogram(&picture).expect("draws"));
    let panel = Panel::of(&png);
    // From 4 below zero to 30 above.
    let at = |difference: f64, up: f64| panel.at((difference + 4.5) / 35.0, up);
    let [r, _, b] = at(10.0, 0.6);
    assert!(b > r + 30, "both positive is teal");
    let [r, _, b] = at(30.0, 0.6);
    assert!(r > b + 30, "post only is orange");
    for difference in [-3.0, 5.2, 12.0, 20.3, 29.0] {
        assert_eq!(at(difference, 0.53), WHITE, "{difference}");
    }
    // No class of their own, but counted among all: an outline.
    assert!(
        panel
            .places([0x5b, 0x34, 0x86])
            .iter()
            .any(|(x, up)| { (3.9 / 35.0..5.1 / 35.0).contains(x) && *up > 0.6 })
    );
    assert_eq!(at(0.3, 0.53), WHITE, "neither is not filled");
}
