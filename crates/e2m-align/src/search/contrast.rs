//! Why an image has no contrast: nothing was recorded, or more than can be.

use crate::search::error::{AlignError, Side};
use ndarray::ArrayView2;

/// The highest values of 8, 10, 12, 14 and 16 bit: an image that has one of them everywhere is not empty.
const FULL_SCALES: [f32; 5] = [255.0, 1023.0, 4095.0, 16_383.0, 65_535.0];
/// An image of which more than this share has the highest value is clipped, and what is left too little to align.
const CLIPPED_SHARE: f64 = 0.5;

/// The error for an image in which nothing stands out from the rest.
pub(super) fn without_contrast(image: ArrayView2<'_, f32>, side: Side) -> AlignError {
    let finite = || image.iter().copied().filter(|value| value.is_finite());
    let highest = finite().fold(f32::NEG_INFINITY, f32::max);
    let lowest = finite().fold(f32::INFINITY, f32::min);
    let at_highest = finite().filter(|value| *value == highest).count();
    let share = at_highest as f64 / image.len().max(1) as f64;
    let is_clipped = if lowest < highest {
        share > CLIPPED_SHARE
    } else {
        FULL_SCALES.contains(&highest)
    };
    if is_clipped {
        AlignError::Clipped {
            side,
            value: highest,
            share,
        }
    } else {
        AlignError::Blank {
            side,
            value: image.first().copied().unwrap_or(0.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::search::detail::detail_image;
    use ndarray::Array2;

    #[test]
    fn what_is_clipped_is_not_called_blank() {
        let said = |image: &Array2<f32>| {
            detail_image(image.view(), Side::Post)
                .expect_err("no contrast")
                .to_string()
        };
        let mut clipped = Array2::from_elem((200, 200), 250.0);
        clipped[[3, 4]] = 10.0;
        let text = said(&clipped);
        assert!(
            text.contains("the post image is clipped: 100.0 % of its pixels"),
            "{text}"
        );
        for full in FULL_SCALES {
            let text = said(&Array2::from_elem((50, 50), full));
            assert!(
                text.contains(&format!("value, {full}")) && !text.contains("blank"),
                "{text}"
            );
        }
        for blank in [0.0, 7.0, 254.0] {
            let text = said(&Array2::from_elem((50, 50), blank));
            assert!(
                text.contains("blank") && !text.contains("clipped"),
                "{text}"
            );
        }
    }
}
