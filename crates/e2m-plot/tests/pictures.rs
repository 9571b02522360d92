//! What a picture shows is where it has to be, judged by its pixels alone.

#[path = "../src/decoded.rs"]
mod decoded;

use decoded::Decoded;
use e2m_image::Size;
use e2m_plot::{
    BrightnessHistogram, Contour, DifferenceHistogramPicture, DifferenceImagePicture,
    DifferencePreview, DifferenceSummary, ExcessHeatmapPicture, FineAlignmentPicture,
    JointHistogram, Levels, MoffatProfile, Outline, PairStatistics, PrePostHeatmapPicture,
    PrePostHistogramsPicture, Preview, RatioHistogramPicture, RegistrationPicture, ScaleLine,
    ScaleMethod, Title, draw_difference_histogram, draw_difference_image, draw_excess_heatmap,
    draw_fine_alignment, draw_pre_post_heatmap, draw_pre_post_histograms, draw_ratio_histogram,
    draw_registration,
};
use ndarray::Array2;
use std::ops::Range;

const WHITE: [u8; 3] = [255; 3];
const INK: [u8; 3] = [20; 3];
const IDENTITY: [u8; 3] = [30, 144, 255];
const MOFFAT: [u8; 3] = [0x00, 0xcc, 0x88];

fn title() -> Title {
    Title {
        sample: "CD070".into(),
        dye: "SybrGld".into(),
    }
}

/// The inside of the largest frame of a picture, found by its long dark lines.
struct Panel {
    picture: Decoded,
    columns: Range<usize>,
    rows: Range<usize>,
}

impl Panel {
    fn of(png: &[u8]) -> Self {
        let picture = Decoded::of(png);
        let mut lines = Vec::new();
        for y in 0..picture.height() {
            let dark: Vec<bool> = (0..picture.width)
                .map(|x| picture.pixel(x, y) == INK)
                .collect();
            let mut x = 0;
            while x < dark.len() {
                let run = dark[x..].iter().take_while(|d| **d).count();
                if run > picture.width / 3 {
                    lines.push((y, x, x + run));
                }
                x += run.max(1);
            }
        }
        let (first, last) = (lines[0], *lines.last().expect("a frame"));
        // The lines are as thick as the first block of them.
        let hair = lines.iter().filter(|l| l.0 < first.0 + 10).count();
        Self {
            columns: first.1 + hair..first.2 - hair,
            rows: first.0 + hair..last.0 + 1 - hair,
            picture,
        }
    }

    /// The colour at shares of the way right and up.
    fn at(&self, right: f64, up: f64) -> [u8; 3] {
        let along = |share: f64, range: &Range<usize>| {
            range.start + ((share * range.len() as f64) as usize).min(range.len() - 1)
        };
        let y = self.rows.end + self.rows.start - 1 - along(up, &self.rows);
        self.picture.pixel(along(right, &self.columns), y)
    }

    /// Shares at which pixels of a colour lie.
    fn places(&self, colour: [u8; 3]) -> Vec<(f64, f64)> {
        let mut places = Vec::new();
        for y in self.rows.clone() {
            for x in self.columns.clone() {
                if self.picture.pixel(x, y) == colour {
                    let right = (x - self.columns.start) as f64 + 0.5;
                    let up = (self.rows.end - y) as f64 - 0.5;
                    let (width, height) = (self.columns.len() as f64, self.rows.len() as f64);
                    places.push((right / width, up / height));
                }
            }
        }
        places
    }
}

/// Statistics of pixels with the given (aligned pre, post), each so often.
fn counted(pairs: &[(f32, f32, usize)]) -> PairStatistics {
    let pixels = |of: &dyn Fn(&(f32, f32, usize)) -> f32| -> Vec<f32> {
        pairs
            .iter()
            .flat_map(|pair| std::iter::repeat_n(of(pair), pair.2))
            .collect()
    };
    let (pre, post) = (pixels(&|p| p.0), pixels(&|p| p.1));
    let n = post.len();
    let frame = Outline::upright(0.0, 0.0, n as f64, 1.0);
    let mut statistics = PairStatistics::new(Levels::COUNTS, frame, frame);
    let row = |values| Array2::from_shape_vec((1, n), values).expect("one row");
    statistics.add_band(0, row(post).view(), row(pre).view());
    statistics
}

fn joint(pairs: &[(f32, f32, usize)]) -> JointHistogram {
    counted(pairs).finish().0
}

fn heatmap(joint: &JointHistogram) -> Vec<u8> {
    let picture = PrePostHeatmapPicture {
        title: &title(),
        joint,
    };
    draw_pre_post_heatmap(&picture).expect("draws")
}

fn excess(joint: &JointHistogram, scales: &[ScaleLine]) -> Vec<u8> {
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
    let lines = scales.map(|(method, value, _)| ScaleLine { method, value });
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

fn preview_of(value: f32) -> DifferenceSummary {
    let canvas = Size::new(30_000, 25_000);
    let frame = Outline::upright(0.0, 0.0, 30_000.0, 25_000.0);
    let mut preview = DifferencePreview::new(canvas, 20, 1.0, frame, frame);
    let pre = Array2::from_elem((20, 30_000), 10.0f32);
    for band in 340..360 {
        let mut post = pre.mapv(|v| v + 0.5);
        post.iter_mut().step_by(2).for_each(|v| *v -= 0.9);
        if band == 350 {
            post[(17, 12_345)] += value;
        }
        preview.add_band(band * 20, post.view(), pre.view());
    }
    preview.finish()
}

#[test]
fn a_microbe_of_one_pixel_survives_into_the_difference_image() {
    for (value, channel) in [(90.0, 0), (-9.0, 2)] {
        let summary = preview_of(value);
        let picture = DifferenceImagePicture {
            title: &title(),
            difference: &summary,
            method: "Moffat",
        };
        let panel = Panel::of(&draw_difference_image(&picture).expect("draws"));
        let bright: Vec<(f64, f64)> = panel
            .rows
            .clone()
            .flat_map(|y| panel.columns.clone().map(move |x| (x, y)))
            .filter(|&(x, y)| {
                let colour = panel.picture.pixel(x, y);
                colour[channel] > 180 && colour[1] < 140
            })
            .map(|(x, y)| {
                let x = (x - panel.columns.start) as f64 + 0.5;
                let y = (y - panel.rows.start) as f64 + 0.5;
                (
                    x / panel.columns.len() as f64 * 30_000.0,
                    y / panel.rows.len() as f64 * 25_000.0,
                )
            })
            .collect();
        assert!((2..=16).contains(&bright.len()), "{}", bright.len());
        for (x, y) in bright {
            assert!(
                (x - 12_345.0).abs() < 80.0 && (y - 7017.0).abs() < 80.0,
                "{x} {y}"
            );
        }
    }
}

#[test]
fn what_is_outside_the_section_is_white_in_the_difference_image() {
    let mut extremes = Array2::from_elem((100, 120), f32::NAN);
    extremes.slice_mut(ndarray::s![30..70, 30..90]).fill(0.0);
    let summary = DifferenceSummary {
        extremes,
        factor: 10,
        scale: 1.2,
        median_magnitude: Some(0.0),
    };
    let picture = DifferenceImagePicture {
        title: &title(),
        difference: &summary,
        method: "",
    };
    let panel = Panel::of(&draw_difference_image(&picture).expect("draws"));
    assert_eq!(panel.at(0.1, 0.1), WHITE);
    assert_eq!(panel.at(0.5, 0.5), [0, 0, 0], "zero is black");
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
    }];
    let draw = |fit| {
        let picture = RatioHistogramPicture {
            title: &title(),
            low: -3.0,
            high: 3.0,
            counts: &counts,
            fit,
            scales: &scales,
            std_error: Some(0.001),
        };
        draw_ratio_histogram(&picture).expect("draws")
    };
    let fit = MoffatProfile {
        amp: 1e5,
        mu: 0.2,
        alpha: 0.2,
        beta: 5.0,
    };
    let panel = Panel::of(&draw(Some(fit)));
    let line = panel.places(MOFFAT);
    let column = line[0].0;
    assert!(line.iter().all(|(x, _)| (x - column).abs() < 0.01));
    assert!(line.iter().any(|p| p.1 > 0.97), "from top");
    assert!(line.iter().any(|p| p.1 < 0.05), "to bottom");
    let mirrored = panel.places([150, 75, 160]);
    assert!(mirrored.len() > 50 && mirrored.iter().all(|(x, _)| *x > column - 0.01));
    // The dashed line at ratio 1 lies left of it.
    let one = panel.places(INK);
    assert!(one.iter().filter(|(x, _)| *x < column - 0.05).count() > 100);
    assert_ne!(draw(Some(fit)), draw(None));
}

#[test]
fn rings_are_drawn_where_they_are() {
    let image = Array2::from_elem((100, 120), 30.0f32);
    let preview = Preview {
        pixels: image.view(),
        factor: 10.0,
    };
    let square = |low: f64, high: f64| -> Vec<Contour> {
        vec![vec![
            (low, low),
            (high, low),
            (high, high),
            (low, high),
            (low, low),
        ]]
    };
    let picture = RegistrationPicture {
        title: &title(),
        method: "features",
        post: preview,
        pre: preview,
        aligned: preview,
        post_contours: &square(200.0, 800.0),
        pre_contours: &square(400.0, 900.0),
        aligned_contours: &square(220.0, 820.0),
    };
    let decoded = Decoded::of(&draw_registration(&picture).expect("draws"));
    let (cyan, magenta) = ([0, 229, 255], [255, 64, 220]);
    let half = decoded.width / 2;
    let count = |colour, left: bool| {
        (0..decoded.height() * 2 / 5)
            .flat_map(|y| (0..decoded.width).map(move |x| (x, y)))
            .filter(|&(x, y)| (x < half) == left && decoded.pixel(x, y) == colour)
            .count()
    };
    let everywhere = |colour| {
        (0..decoded.height())
            .flat_map(|y| (0..decoded.width).map(move |x| (x, y)))
            .filter(|&(x, y)| decoded.pixel(x, y) == colour)
            .count()
    };
    // Above, post with its ring on the left, pre with its own on the right.
    assert!(count(cyan, true) > 500 && count(magenta, false) > 500);
    assert_eq!((count(cyan, false), count(magenta, true)), (0, 0));
    assert!(everywhere(cyan) > count(cyan, true) + 500, "again below");
}

#[test]
fn the_close_up_shows_where_icp_moved_most() {
    let image = Array2::from_elem((100, 120), 30.0f32);
    let preview = Preview {
        pixels: image.view(),
        factor: 10.0,
    };
    let coarse = vec![vec![(100.0, 100.0), (1000.0, 100.0), (1000.0, 900.0)]];
    let mut refined = coarse.clone();
    let draw = |refined: &[Contour]| {
        let picture = FineAlignmentPicture {
            title: &title(),
            post: preview,
            post_contours: &coarse,
            coarse_contours: &coarse,
            refined_contours: refined,
        };
        Decoded::of(&draw_fine_alignment(&picture).expect("draws"))
    };
    refined[0][2].0 += 30.0;
    let both = draw(&refined);
    let yellow = [255, 225, 0];
    let right = (0..both.height())
        .flat_map(|y| (both.width / 2..both.width).map(move |x| (x, y)))
        .filter(|&(x, y)| both.pixel(x, y) == yellow)
        .count();
    assert!(right > 300, "the close-up has the refined ring: {right}");
    refined[0].pop();
    assert!(
        draw(&refined).height() > both.height(),
        "one panel alone is larger"
    );
}

fn histogram(levels: Levels, pixels: &[(f32, usize)]) -> BrightnessHistogram {
    let mut histogram = BrightnessHistogram::new(levels);
    for &(value, count) in pixels {
        histogram.add_band(Array2::from_elem((1, count), value).view());
    }
    histogram
}

fn histograms(image: &BrightnessHistogram) -> Vec<u8> {
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

/// Empty, one value, huge values, negative only, not a number: all are drawn, and say so where there is nothing.
#[test]
fn whatever_comes_is_drawn() {
    let nan = f32::NAN;
    let cases: [&[(f32, f32, usize)]; 7] = [
        &[],
        &[(0.0, 0.0, 50)],
        &[(7.0, 7.0, 1)],
        &[(9000.0, 3.0, 40), (8000.0, 1.0, 3)],
        &[(1e30, 1e38, 5), (f32::INFINITY, 3.0, 2)],
        &[(nan, nan, 9), (nan, 4.0, 2)],
        &[(-5.0, -9.0, 9)],
    ];
    for pairs in cases {
        let (joint, differences, aligned) = counted(pairs).finish();
        let scales = [f64::NAN, 0.0, -1.0, 1e300, 1e-300].map(|value| ScaleLine {
            method: ScaleMethod::Manual,
            value,
        });
        heatmap(&joint);
        excess(&joint, &scales);
        histograms(&aligned);
        let picture = DifferenceHistogramPicture {
            title: &title(),
            differences: &differences,
        };
        draw_difference_histogram(&picture).expect("draws");
    }
    for counts in [&[][..], &[0, 0, 0], &[5], &[u64::MAX / 8, 0, 1]] {
        for (low, high) in [(-3.0, 3.0), (0.0, 0.0), (f64::NAN, 1.0), (-1e-9, 1e-9)] {
            let fit = MoffatProfile {
                amp: f64::INFINITY,
                mu: 0.0,
                alpha: 0.0,
                beta: 1.0,
            };
            for fit in [
                None,
                Some(fit),
                Some(MoffatProfile {
                    amp: 1.0,
                    alpha: 0.1,
                    ..fit
                }),
            ] {
                let picture = RatioHistogramPicture {
                    title: &Title::default(),
                    low,
                    high,
                    counts,
                    fit,
                    scales: &[],
                    std_error: Some(f64::NAN),
                };
                draw_ratio_histogram(&picture).expect("draws");
            }
        }
    }
}

#[test]
fn odd_images_are_drawn() {
    let images = [
        Array2::zeros((0, 0)),
        Array2::from_elem((1, 1), f32::NAN),
        Array2::from_elem((3, 2000), -4.0),
        Array2::from_elem((2000, 3), f32::INFINITY),
        Array2::from_elem((5, 5), f32::MAX),
    ];
    let odd_ring = vec![
        vec![(f64::NAN, 1.0), (1e300, -1e300)],
        vec![],
        vec![(1.0, 1.0)],
    ];
    for image in &images {
        let preview = Preview {
            pixels: image.view(),
            factor: 20.0,
        };
        for ring in [&[][..], &odd_ring] {
            let registration = RegistrationPicture {
                title: &Title::default(),
                method: "",
                post: preview,
                pre: preview,
                aligned: preview,
                post_contours: ring,
                pre_contours: ring,
                aligned_contours: ring,
            };
            draw_registration(&registration).expect("draws");
            let fine = FineAlignmentPicture {
                title: &Title::default(),
                post: preview,
                post_contours: ring,
                coarse_contours: ring,
                refined_contours: ring,
            };
            draw_fine_alignment(&fine).expect("draws");
        }
        for median_magnitude in [None, Some(0.0), Some(1e30), Some(f64::NAN)] {
            let summary = DifferenceSummary {
                extremes: image.clone(),
                factor: 20,
                scale: f64::NAN,
                median_magnitude,
            };
            let picture = DifferenceImagePicture {
                title: &Title::default(),
                difference: &summary,
                method: "",
            };
            draw_difference_image(&picture).expect("draws");
        }
    }
}
