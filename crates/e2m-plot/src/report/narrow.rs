//! Pictures of four channels made narrower, in whole numbers: a report tries several widths of each picture.

use tiny_skia::{IntSize, Pixmap};

/// The parts into which the way from one pixel to the next is divided.
const PARTS: u32 = 256;

/// The same, so many px wide, and as high as that makes it. Bilinear, which leaves nothing out as long as that is more than half.
pub(super) fn narrowed(map: &Pixmap, width: u32) -> Option<Pixmap> {
    let scale = f64::from(width) / f64::from(map.width());
    let height = (f64::from(map.height()) * scale).round().max(1.0) as u32;
    let (columns, rows) = (between(map.width(), width), between(map.height(), height));
    let row_bytes = map.width() as usize * 4;
    let mut narrow = Vec::with_capacity(width as usize * height as usize * 4);
    let mut blended = vec![0_u16; row_bytes];
    for row in rows {
        let line = |at: usize| map.data().get(at * row_bytes..(at + 1) * row_bytes);
        for ((blend, &a), &b) in blended
            .iter_mut()
            .zip(line(row.first)?)
            .zip(line(row.second)?)
        {
            // At most 255 * 256, which just fits.
            *blend = (u32::from(a) * (PARTS - row.part) + u32::from(b) * row.part) as u16;
        }
        for column in &columns {
            let pixel = |at: usize| blended.get(at * 4..at * 4 + 4);
            for (&a, &b) in pixel(column.first)?.iter().zip(pixel(column.second)?) {
                let sum = u32::from(a) * (PARTS - column.part) + u32::from(b) * column.part;
                narrow.push(((sum + PARTS * PARTS / 2) / (PARTS * PARTS)) as u8);
            }
        }
    }
    Pixmap::from_vec(narrow, IntSize::from_wh(width, height)?)
}

/// Two neighbours, and how far from the first to the second, in [`PARTS`].
struct Between {
    first: usize,
    second: usize,
    part: u32,
}

/// Where the centres of `to` pixels lie among those of `from` pixels.
fn between(from: u32, to: u32) -> Vec<Between> {
    let last = from.saturating_sub(1);
    let places = (0..to).map(|at| {
        let place = (f64::from(at) + 0.5) * f64::from(from) / f64::from(to) - 0.5;
        let place = (place.clamp(0.0, f64::from(last)) * f64::from(PARTS)).round() as u64;
        let first = (place / u64::from(PARTS)) as usize;
        Between {
            first,
            second: (first + 1).min(last as usize),
            part: (place % u64::from(PARTS)) as u32,
        }
    });
    places.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use tiny_skia::{FilterQuality, PixmapPaint, Transform};

    fn pixmap(width: u32, height: u32, level: impl Fn(u32, u32, u32) -> u8) -> Pixmap {
        let mut data = Vec::new();
        for y in 0..height {
            for x in 0..width {
                data.extend((0..3).map(|channel| level(x, y, channel)));
                data.push(u8::MAX);
            }
        }
        Pixmap::from_vec(data, IntSize::from_wh(width, height).expect("a size")).expect("pixels")
    }

    #[test]
    fn it_is_what_the_drawing_library_would_make() {
        let map = pixmap(191, 87, |x, y, channel| {
            ((x * 7 + y * 13) * (channel + 1) % 256) as u8
        });
        let narrow = narrowed(&map, 120).expect("a picture");
        assert_eq!((narrow.width(), narrow.height()), (120, 55));
        let mut drawn = Pixmap::new(120, 55).expect("pixels");
        let paint = PixmapPaint {
            quality: FilterQuality::Bilinear,
            ..PixmapPaint::default()
        };
        let shrink = Transform::from_scale(120.0 / 191.0, 55.0 / 87.0);
        drawn.draw_pixmap(0, 0, map.as_ref(), &paint, shrink, None);
        let inside = |map: &Pixmap| -> Vec<u8> {
            (1..54)
                .flat_map(|y| map.data()[(y * 120 + 1) * 4..(y * 120 + 119) * 4].to_vec())
                .collect()
        };
        let (ours, theirs) = (inside(&narrow), inside(&drawn));
        let farthest = ours.iter().zip(&theirs).map(|(a, b)| a.abs_diff(*b)).max();
        assert!(farthest <= Some(2), "{farthest:?} levels");
    }

    #[test]
    fn an_even_picture_stays_even_to_its_edges_and_every_pixel_has_its_part() {
        let even = narrowed(&pixmap(70, 30, |_, _, _| 201), 41).expect("a picture");
        assert!(
            even.data()
                .chunks_exact(4)
                .all(|pixel| pixel == [201, 201, 201, 255])
        );
        // A bright column, wherever it is, is still seen at more than half the width.
        for bright in 0..40 {
            let map = pixmap(40, 3, |x, _, _| if x == bright { 255 } else { 0 });
            let narrow = narrowed(&map, 21).expect("a picture");
            let most = narrow.data().chunks_exact(4).map(|pixel| pixel[0]).max();
            assert!(most >= Some(10), "column {bright}: {most:?}");
        }
        let one = narrowed(&pixmap(5, 1, |x, _, _| x as u8), 1).expect("a picture");
        assert_eq!(one.data(), [2, 2, 2, 255]);
    }
}
