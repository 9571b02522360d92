//! The part of images where there is anything: padding all around would only make them small.

use crate::Preview;
use ndarray::s;
use std::ops::Range;

/// What is left around it, as a share of the longer side.
const MARGIN_SHARE: f64 = 0.01;

/// The rows and columns of previews of equal size in which any of them shows something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Crop {
    rows: Range<usize>,
    columns: Range<usize>,
}

impl Crop {
    /// The whole, where nothing is shown or the sizes differ.
    pub(crate) fn to_content(previews: &[&Preview<'_>]) -> Self {
        let (height, width) = previews.first().map_or((0, 0), |p| p.pixels.dim());
        let (mut rows, mut columns) = (height..0, width..0);
        for preview in previews {
            if preview.pixels.dim() != (height, width) {
                rows = height..0;
                break;
            }
            for ((y, x), _) in preview.pixels.indexed_iter().filter(|(_, v)| !v.is_nan()) {
                rows = rows.start.min(y)..rows.end.max(y + 1);
                columns = columns.start.min(x)..columns.end.max(x + 1);
            }
        }
        if rows.is_empty() || columns.is_empty() {
            return Self {
                rows: 0..height,
                columns: 0..width,
            };
        }
        let margin = (rows.len().max(columns.len()) as f64 * MARGIN_SHARE).ceil() as usize;
        let wider = |range: Range<usize>, most: usize| {
            range.start.saturating_sub(margin)..(range.end + margin).min(most)
        };
        Self {
            rows: wider(rows, height),
            columns: wider(columns, width),
        }
    }

    /// The part of a preview, and the full-resolution place of its first pixel.
    pub(crate) fn of<'a>(&self, preview: Preview<'a>) -> (Preview<'a>, (f64, f64)) {
        let at = |first: usize| first as f64 * preview.factor;
        let origin = (at(self.columns.start), at(self.rows.start));
        let part = s![self.rows.clone(), self.columns.clone()];
        let pixels = preview.pixels.slice_move(part);
        (Preview { pixels, ..preview }, origin)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Array2;

    fn preview(pixels: &Array2<f32>) -> Preview<'_> {
        Preview {
            pixels: pixels.view(),
            factor: 4.0,
        }
    }

    #[test]
    fn every_pixel_shown_by_any_of_them_is_kept() {
        let (mut a, mut b) = (
            Array2::from_elem((300, 200), f32::NAN),
            Array2::from_elem((300, 200), f32::NAN),
        );
        a[(100, 50)] = 0.0;
        b[(140, 60)] = 7.0;
        let crop = Crop::to_content(&[&preview(&a), &preview(&b)]);
        let (part, origin) = crop.of(preview(&b));
        assert_eq!(part.pixels.dim(), (43, 13));
        assert_eq!(origin, (4.0 * 49.0, 4.0 * 99.0));
        assert_eq!(part.pixels[(41, 11)], 7.0);
    }

    #[test]
    fn nothing_and_everything_stay_as_they_are() {
        for value in [f32::NAN, 3.0] {
            let image = Array2::from_elem((30, 20), value);
            let (part, origin) = Crop::to_content(&[&preview(&image)]).of(preview(&image));
            assert_eq!((part.pixels.dim(), origin), ((30, 20), (0.0, 0.0)));
        }
        let empty = Array2::zeros((0, 0));
        let (part, _) = Crop::to_content(&[&preview(&empty)]).of(preview(&empty));
        assert!(part.pixels.is_empty());
    }
}
