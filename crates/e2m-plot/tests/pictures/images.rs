//! `difference_image`, `registration` and `fine_alignment`.

use super::*;

fn preview_of(value: f32) -> DifferenceSummary {
    let canvas = Size::new(30_000, 25_000);
    let frame = Outline::upright(0.0, 0.0, 30_000.0, 25_000.0);
    let mut preview = DifferencePreview::new(canvas, 20, 1.0, frame, frame);
    let pre = Array2::from_elem((20, 30_000), 10.0f32);
    // The first and the last band keep the picture from being cropped.
    for band in [0].into_iter().chain(340..360).chain([1249]) {
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
        pre_brightness: Array2::zeros((100, 30)),
        means: Array2::zeros((100, 30)),
        joined: 4,
        factor: 10,
        scale: 1.2,
        offset: 3.0,
        median_magnitude: Some(0.0),
    };
    let picture = DifferenceImagePicture {
        title: &title(),
        difference: &summary,
        method: "",
    };
    let png = draw_difference_image(&picture).expect("draws");
    assert_eq!(png, draw_difference_image(&picture).expect("draws"));
    let panel = Panel::of(&png);
    assert_eq!(panel.at(0.003, 0.5), WHITE, "a margin is left");
    assert_eq!(panel.at(0.5, 0.5), [0, 0, 0], "zero is black");
    assert_eq!(panel.at(0.05, 0.05), [0, 0, 0], "padding is cut off");
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
    let png = draw_registration(&picture).expect("draws");
    assert_eq!(png, draw_registration(&picture).expect("draws"));
    let decoded = Decoded::of(&png);
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
