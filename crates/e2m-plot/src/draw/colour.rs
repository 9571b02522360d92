//! Colours and colour maps.

use colorous::Gradient;

pub(crate) const WHITE: [u8; 3] = [255, 255, 255];
pub(crate) const BLACK: [u8; 3] = [0, 0, 0];
/// Text, ticks and frames.
pub(crate) const INK: [u8; 3] = [20, 20, 20];
/// Grid lines and whatever is meant to stay behind.
pub(crate) const FAINT: [u8; 3] = [218, 218, 218];

/// Two images in one: the colour of the first and of the second alone; together they are white.
pub(crate) const OVERLAY: [[u8; 3]; 2] = [[0, 255, 0], [255, 0, 255]];

/// From a share of 0 to 1 to a colour; none of them relies on telling red from green.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ColourMap {
    /// Black to white.
    Grey,
    /// Black to a light grey, as a backdrop for what is drawn over it.
    Backdrop,
    /// Dark purple to yellow, without the darkest part, for lines on a dark image.
    Plasma,
    /// Black over red to yellow, for counts, without the palest part: empty cells are white.
    Inferno,
    /// Black over purple to pink, likewise.
    Magma,
    /// Blue below, black at one half, red above.
    Diverging,
}

impl ColourMap {
    pub(crate) fn at(self, share: f64) -> [u8; 3] {
        let t = if share.is_nan() {
            0.0
        } else {
            share.clamp(0.0, 1.0)
        };
        let grey = |v: f64| [(v * 255.0).round() as u8; 3];
        match self {
            Self::Grey => grey(t),
            Self::Backdrop => grey(0.6 * t),
            Self::Plasma => from(colorous::PLASMA, 0.3 + 0.7 * t),
            Self::Inferno => from(colorous::INFERNO, 0.93 * t),
            Self::Magma => from(colorous::MAGMA, 0.93 * t),
            Self::Diverging => diverging(2.0 * t - 1.0),
        }
    }
}

fn from(gradient: Gradient, t: f64) -> [u8; 3] {
    let colour = gradient.eval_continuous(t);
    [colour.r, colour.g, colour.b]
}

/// The ends and their half-way colours; straight lines between them and black.
fn diverging(t: f64) -> [u8; 3] {
    let (half, full) = if t < 0.0 {
        ([26.0, 51.0, 128.0], [51.0, 120.0, 255.0])
    } else {
        ([128.0, 26.0, 51.0], [255.0, 70.0, 97.0])
    };
    let t = t.abs();
    let mut out = [0; 3];
    for ((out, half), full) in out.iter_mut().zip(half).zip(full) {
        let value: f64 = if t < 0.5 {
            2.0 * t * half
        } else {
            half + (2.0 * t - 1.0) * (full - half)
        };
        *out = value.round() as u8;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn luminance(c: [u8; 3]) -> f64 {
        0.2126 * f64::from(c[0]) + 0.7152 * f64::from(c[1]) + 0.0722 * f64::from(c[2])
    }

    #[test]
    fn lightness_rises_along_the_sequential_maps() {
        for map in [
            ColourMap::Grey,
            ColourMap::Backdrop,
            ColourMap::Plasma,
            ColourMap::Inferno,
            ColourMap::Magma,
        ] {
            let steps: Vec<f64> = (0..=20)
                .map(|i| luminance(map.at(f64::from(i) / 20.0)))
                .collect();
            assert!(steps.windows(2).all(|w| w[0] < w[1]), "{map:?}: {steps:?}");
        }
    }

    #[test]
    fn the_diverging_map_is_black_at_zero_and_blue_below() {
        assert_eq!(ColourMap::Diverging.at(0.5), BLACK);
        let (low, high) = (ColourMap::Diverging.at(0.0), ColourMap::Diverging.at(1.0));
        assert!(low[2] > 250 && low[0] < 60 && high[0] > 250 && high[2] < 110);
    }

    #[test]
    fn what_is_not_a_share_has_a_colour_all_the_same() {
        assert_eq!(ColourMap::Grey.at(f64::NAN), BLACK);
        assert_eq!(ColourMap::Grey.at(f64::INFINITY), WHITE);
    }
}
