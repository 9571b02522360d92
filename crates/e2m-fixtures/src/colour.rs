//! One channel of signal as three colours, as cameras and lossy compression leave them.

use crate::hash::{self, NormalTable};
use crate::{Recipe, Side};

/// Where the noise of colours comes from.
const PURPOSE: u64 = 0xc010;

/// How the signal of an image becomes colours.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Colours {
    /// What each colour holds of the signal.
    shares: [f32; 3],
    noise_counts: f32,
    seed: u64,
}

impl Colours {
    /// Those of an image; `None` where its colours hold the signal, parts of it that add up to it, or nothing.
    pub(crate) fn of(recipe: &Recipe, side: Side) -> Option<Self> {
        let channels = recipe.channels_of(side);
        let is_plain = recipe.bleed_through == [0.0; 2] && recipe.colour_noise_counts == 0.0;
        let is_colour = channels.colour().is_some() || channels == crate::Channels::GreyRgb;
        if is_plain || !is_colour {
            return None;
        }
        let mut shares = [1.0; 3];
        if let Some(colour) = channels.colour() {
            shares[(colour + 1) % 3] = recipe.bleed_through[0] as f32;
            shares[(colour + 2) % 3] = recipe.bleed_through[1] as f32;
        }
        Some(Self {
            shares,
            noise_counts: recipe.colour_noise_counts as f32,
            seed: hash::derive(recipe.seed, PURPOSE + side as u64),
        })
    }

    /// The colours of a pixel in counts, not yet rounded.
    #[inline]
    pub(crate) fn split(&self, counts: f32, x: usize, y: usize) -> [f32; 3] {
        let bits = hash::at(self.seed, x as i32, y as i32);
        let noise = NormalTable::shared();
        std::array::from_fn(|colour| {
            let z = noise.get((bits >> (16 * colour)) as u16);
            self.shares[colour] * counts + self.noise_counts * z
        })
    }
}
