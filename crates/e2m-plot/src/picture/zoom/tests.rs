use super::*;
use crate::decoded::Decoded;
use ndarray::{Array2, s};

/// Drawn with these panels; the page, and where each panel lies on it.
fn drawn(picture: &ZoomPicture<'_>) -> (Decoded, Vec<Rect>) {
    let png = draw_zoom(picture, PictureFormat::Png).expect("draws");
    let again = draw_zoom(picture, PictureFormat::Png).expect("draws");
    assert!(png == again, "the same data give the same bytes");
    let fonts = Fonts::new().expect("reads");
    let layout = Layout::new(picture, picture.panels, &fonts);
    let mut header = Header::new(picture.title, "full resolution");
    for line in picture.lines {
        header = header.line(line);
    }
    let top = header.height(&layout.style);
    let rects = (0..picture.panels.len()).map(|i| layout.rect(i, top));
    (Decoded::of(&png), rects.collect())
}

fn panel<'a>(name: &'a str, shows: ZoomShows, pixels: &'a Array2<f32>) -> ZoomPanel<'a> {
    ZoomPanel {
        name,
        unit: "counts",
        shows,
        pixels: pixels.view(),
    }
}

fn picture<'a>(title: &'a Title, panels: &'a [ZoomPanel<'a>]) -> ZoomPicture<'a> {
    ZoomPicture {
        title,
        lines: &[],
        panels,
        origin: (1200, 3400),
        um_per_px: Some([0.25, 0.25]),
        stretch: ZoomStretch::Percentile,
        magnification: None,
    }
}

fn title() -> Title {
    Title {
        sample: "CD070".into(),
        dye: "DAPI".into(),
        ..Title::default()
    }
}

#[test]
fn each_panel_shows_its_image_pixel_by_pixel() {
    let (width, height) = (60, 40);
    let ramp = Array2::from_shape_fn((height, width), |(y, x)| (100 + x + 7 * y) as f32);
    let mut signed = Array2::zeros((height, width));
    signed[(5, 50)] = 40.0;
    signed[(12, 30)] = -40.0;
    let mut flags = Array2::zeros((height, width));
    flags.slice_mut(s![.., ..10]).fill(2.0);
    flags[(20, 33)] = 16.0;
    let panels = [
        panel("post", ZoomShows::Brightness, &ramp),
        panel("difference", ZoomShows::Signed, &signed),
        panel("mask", ZoomShows::Flags, &flags),
    ];
    let title = title();
    for stretch in [ZoomStretch::Percentile, ZoomStretch::Asinh] {
        let picture = ZoomPicture {
            stretch,
            ..picture(&title, &panels)
        };
        let (page, rects) = drawn(&picture);
        let magnification = PANEL_PX / width;
        for rect in &rects {
            assert_eq!((rect.width, rect.height), (480.0, 320.0));
        }
        // Below the scale bar's corner nothing is asked.
        let at = |i: usize, x: usize, y: usize| {
            let rect: &Rect = &rects[i];
            let place = |from: f64, pixel: usize| from as usize + pixel * magnification;
            let pixels =
                (0..magnification).flat_map(|dy| (0..magnification).map(move |dx| (dx, dy)));
            let colours: Vec<[u8; 3]> = pixels
                .map(|(dx, dy)| page.pixel(place(rect.left, x) + dx, place(rect.top, y) + dy))
                .collect();
            assert!(
                colours.iter().all(|c| *c == colours[0]),
                "a pixel is one square"
            );
            colours[0]
        };
        for ((y, x), value) in ramp.slice(s![..30, ..]).indexed_iter() {
            let painted = Painted::of(&panels[0], stretch);
            assert_eq!(at(0, x, y), painted.colour(f64::from(*value)));
        }
        assert!(at(0, 0, 0)[0] < 10 && at(0, 59, 29)[0] > 150);
        assert_eq!(at(1, 3, 3), [0, 0, 0]);
        let (up, down) = (at(1, 50, 5), at(1, 30, 12));
        assert!(up[0] > 250 && up[2] < 110 && down[2] > 250 && down[0] < 60);
        assert_eq!(at(2, 33, 20), [255, 64, 220]);
        assert_eq!((at(2, 5, 5), at(2, 40, 5)), ([80; 3], [0; 3]));
    }
}

#[test]
fn noise_is_dark_and_what_stands_out_of_it_is_not() {
    let mut state = 9u32;
    let mut uniform = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        f64::from(state >> 8) / f64::from(1 << 24)
    };
    for (sigma, stretch) in [
        (0.3, ZoomStretch::Percentile),
        (40.0, ZoomStretch::Percentile),
        (0.3, ZoomStretch::Asinh),
        (40.0, ZoomStretch::Asinh),
    ] {
        let mut pixels = Array2::from_shape_simple_fn((120, 120), || {
            let sum: f64 = (0..12).map(|_| uniform()).sum();
            (sigma * (sum - 6.0)) as f32
        });
        pixels
            .slice_mut(s![60..64, 70..74])
            .fill((30.0 * sigma) as f32);
        let panels = [panel("difference", ZoomShows::Signed, &pixels)];
        let painted = Painted::of(&panels[0], stretch);
        let bright = painted.colour(30.0 * sigma);
        let noise = painted.colour(2.0 * sigma);
        let sum = |c: [u8; 3]| c.iter().map(|v| u32::from(*v)).sum::<u32>();
        assert!(
            sum(bright) > 2 * sum(noise),
            "{sigma} {stretch:?} {bright:?} {noise:?}"
        );
        assert!(bright[0] > 240);
    }
}

#[test]
fn the_scale_bar_has_the_length_it_states() {
    for (width, magnification, um) in [
        (480.0, 8.0, Some([0.25, 0.25])),
        (400.0, 1.0, Some([0.325, 0.4])),
        (400.0, 1.0, None),
        (480.0, 48.0, None),
        (900.0, 1.0, Some([12.5, 12.5])),
        (900.0, 1.0 / 34.0, Some([0.325, 0.325])),
    ] {
        let length = crate::draw::scale_bar::bar_length(width, magnification, um);
        let (number, unit) = length.text.split_once(' ').expect("a unit");
        let stated: f64 = number.replace(',', "").parse().expect("a number");
        let um_of_unit = match unit {
            "mm" => 1000.0,
            _ => 1.0,
        };
        assert_eq!(unit == "px", um.is_none(), "{unit}");
        let per_px = um.map_or(1.0, |um| um[0]);
        let page = stated * um_of_unit / per_px * magnification;
        assert!((page - length.page_px).abs() < 1e-6, "{length:?}");
        assert!(length.page_px > 0.1 * width && length.page_px <= 0.31 * width);
    }
    // On the page: a bar of 30 px of 60 x 40 pixels at 0.25 um.
    let dark = Array2::zeros((40, 60));
    let panels = [panel("post", ZoomShows::Brightness, &dark)];
    let title = title();
    let (page, rects) = drawn(&picture(&title, &panels));
    let rect = rects[0];
    let longest = (rect.top as usize..rect.bottom() as usize).map(|y| {
        let row = rect.left as usize..rect.right() as usize;
        row.filter(|&x| page.pixel(x, y) == [255; 3]).count()
    });
    // 20 px are 5 um: 0.3 x 60 px would be 4.5 um, and the round length below it is 2 um, which are 8 px of 8 px.
    assert_eq!(longest.max(), Some(64));
}

#[test]
fn panels_wrap_and_what_does_not_fit_is_refused() {
    let pixels = Array2::zeros((900, 900));
    let one = panel("post", ZoomShows::Brightness, &pixels);
    let title = title();
    let panels = [one; 5];
    let (page, rects) = drawn(&picture(&title, &panels));
    assert!(page.width <= MAX_ROW_PX as usize);
    assert_eq!(rects[0].top, rects[1].top);
    assert!(rects[2].top > rects[0].bottom() && rects[2].left == rects[0].left);
    assert!(rects[4].bottom() < page.height() as f64);
    let huge = Array2::zeros((9000, 10));
    let panels = [panel("post", ZoomShows::Brightness, &huge)];
    let refused = draw_zoom(&picture(&title, &panels), PictureFormat::Png);
    assert!(matches!(refused, Err(PlotError::PageSize { .. })));
    let other = Array2::zeros((9, 10));
    let panels = [one, panel("pre", ZoomShows::Brightness, &other)];
    let refused = draw_zoom(&picture(&title, &panels), PictureFormat::Png);
    assert!(matches!(refused, Err(PlotError::FramesDiffer { .. })));
}

#[test]
fn a_tiff_has_the_pixels_of_the_png() {
    let pixels = Array2::from_shape_fn((30, 50), |(y, x)| (1 + x * y) as f32);
    let panels = [panel("post", ZoomShows::Brightness, &pixels)];
    let title = title();
    let picture = picture(&title, &panels);
    let (png, _) = drawn(&picture);
    let tiff = draw_zoom(&picture, PictureFormat::Tiff).expect("draws");
    let long = |at: usize| u32::from_le_bytes(tiff[at..at + 4].try_into().expect("four")) as usize;
    assert_eq!((&tiff[..4], long(4)), (&b"II*\0"[..], 8));
    // The values of entries of 12 bytes: width, height, place and length of the pixels.
    let value = |entry: usize| long(10 + 12 * entry + 8);
    assert_eq!((value(0), value(1)), (png.width, png.height()));
    let rgb = &tiff[value(5)..];
    assert_eq!(
        (rgb.len(), value(8)),
        (3 * png.width * png.height(), rgb.len())
    );
    for (i, pixel) in rgb.chunks_exact(3).enumerate() {
        assert_eq!(pixel, png.pixel(i % png.width, i / png.width));
    }
}

#[test]
fn an_animation_has_a_frame_for_each_image_and_the_rate() {
    let (one, two) = (Array2::from_elem((20, 20), 3.0), Array2::zeros((20, 20)));
    let panels = [
        panel("post", ZoomShows::Signed, &one),
        panel("aligned pre", ZoomShows::Signed, &two),
    ];
    let title = title();
    let picture = picture(&title, &panels);
    let bytes = draw_blink(&picture, 4.0).expect("draws");
    let mut reader = png::Decoder::new(std::io::Cursor::new(&bytes))
        .read_info()
        .expect("a PNG");
    let control = *reader.info().animation_control().expect("animated");
    assert_eq!((control.num_frames, control.num_plays), (2, 0));
    let mut frames = Vec::new();
    for _ in 0..2 {
        let mut pixels = vec![0; reader.output_buffer_size().expect("fits")];
        reader.next_frame(&mut pixels).expect("whole");
        let delay = *reader.info().frame_control().expect("a frame");
        assert_eq!((delay.delay_num, delay.delay_den), (250, 1000));
        frames.push(pixels);
    }
    // Each is the page of its image alone.
    for (frame, panel) in frames.iter().zip(&panels) {
        let alone = page(&picture, std::slice::from_ref(panel)).expect("draws");
        assert_eq!(*frame, alone.rgb());
    }
    assert_ne!(frames[0], frames[1]);
}

#[test]
fn whatever_comes_is_drawn() {
    let title = title();
    for pixels in [
        Array2::from_elem((1, 1), f32::NAN),
        Array2::from_elem((1, 300), f32::INFINITY),
        Array2::from_elem((300, 1), -1e30),
        Array2::from_elem((3, 3), 0.0),
        Array2::zeros((0, 0)),
    ] {
        for shows in [ZoomShows::Brightness, ZoomShows::Signed, ZoomShows::Flags] {
            for stretch in [ZoomStretch::Percentile, ZoomStretch::Asinh] {
                let panels = [panel("post", shows, &pixels)];
                let picture = ZoomPicture {
                    stretch,
                    ..picture(&title, &panels)
                };
                drawn(&picture);
            }
        }
    }
}
