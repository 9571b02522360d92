//! A pair at full resolution, and what is counted on it.

use crate::synthetic::{Noise, Section};
use e2m_image::Size;
use e2m_plot::{
    BrightnessHistogram, DifferenceHistogram, DifferencePreview, DifferenceSummary, JointHistogram,
    Levels, MoffatProfile, Outline, PairStatistics, RatioPeak,
};
use ndarray::Array2;

const RATIO_BINS: usize = 12_000;
/// What every raw image has outside the section, counts of 8 bit.
const GLOW: f64 = 2.0;

/// Post and aligned pre on a canvas with padding.
pub(crate) struct Pair {
    post: Array2<f32>,
    aligned: Array2<f32>,
    pad: usize,
    pub scale: f64,
}

impl Pair {
    /// A section of 8, 12 or 16 bit with some thousand microbes; 8 bit as a tone curve leaves it, without every fifth
    /// level. Nothing at all for 0 bit.
    pub(crate) fn new(width: usize, height: usize, bits: u32) -> Self {
        let section = Section {
            width,
            height,
            factor: 1.0,
        };
        let scale = 1.31;
        let most = f64::from((1u32 << bits) - 1);
        let gain = most / 255.0;
        let mut noise = Noise::new(11);
        let pad = width / 15;
        let clean = section.image((0.0, 0.0), 0.0, 0.0);
        let inside = |x: usize, y: usize| {
            (pad..width - pad).contains(&x) && (pad..height - pad).contains(&y)
        };
        let mut raw = |x: usize, y: usize, factor: f64, whole: bool| {
            if !inside(x, y) {
                return 0.0;
            }
            let light = f64::from(clean[(y, x)]) * factor + GLOW;
            let value = gain * (light + 0.12 * light.sqrt() * noise.normal() * 2.0);
            let value = value.clamp(0.0, most);
            (if whole { value.round() } else { value }) as f32
        };
        let aligned = Array2::from_shape_fn((height, width), |(y, x)| raw(x, y, 1.0, false));
        let mut post = Array2::from_shape_fn((height, width), |(y, x)| raw(x, y, scale, true));
        let mut places = Noise::new(5);
        for _ in 0..if bits == 0 { 0 } else { 4000 } {
            let x = places.uniform() * width as f64;
            let y = places.uniform() * height as f64;
            let light = gain * (30.0 + 200.0 * places.uniform() * places.uniform());
            stamp(&mut post, (x, y), light, most);
        }
        if bits == 8 {
            post.mapv_inplace(|v| if v % 5.0 == 3.0 { v + 1.0 } else { v });
        }
        Self {
            post,
            aligned,
            pad,
            scale,
        }
    }

    fn frame(&self) -> Outline {
        let (height, width) = self.post.dim();
        let pad = self.pad as f64;
        let side = |side: usize| side as f64 - 2.0 * pad;
        Outline::upright(pad, pad, side(width), side(height))
    }

    pub(crate) fn statistics(&self) -> (JointHistogram, DifferenceHistogram, BrightnessHistogram) {
        let mut statistics = PairStatistics::new(Levels::COUNTS, self.frame(), self.frame());
        statistics.add_band(0, self.post.view(), self.aligned.view());
        statistics.finish()
    }

    /// Those of the raw images, without padding.
    pub(crate) fn histograms(&self) -> (BrightnessHistogram, BrightnessHistogram) {
        let raw = |image: &Array2<f32>| {
            let (height, width) = image.dim();
            let pad = self.pad;
            let mut histogram = BrightnessHistogram::new(Levels::COUNTS);
            let frame = image.slice(ndarray::s![pad..height - pad, pad..width - pad]);
            histogram.add_band(frame.mapv(f32::round).view());
            histogram
        };
        (raw(&self.aligned), raw(&self.post))
    }

    pub(crate) fn difference(&self, factor: usize) -> DifferenceSummary {
        let (height, width) = self.post.dim();
        let size = Size::new(width, height);
        let mut preview =
            DifferencePreview::new(size, factor, self.scale, self.frame(), self.frame());
        preview.add_band(0, self.post.view(), self.aligned.view());
        preview.finish()
    }

    /// Log ratios from 1/1000 to 1000, and a profile by eye.
    pub(crate) fn ratios(&self) -> (Vec<u64>, Option<MoffatProfile>) {
        let mut counts = vec![0u64; RATIO_BINS];
        for (&post, &pre) in self.post.iter().zip(&self.aligned) {
            if post > 0.0 && pre > 4.0 {
                let log = f64::from(post / pre).log10();
                let bin = (log + 3.0) * RATIO_BINS as f64 / 6.0;
                counts[(bin.max(0.0) as usize).min(RATIO_BINS - 1)] += 1;
            }
        }
        let mu = self.scale.log10();
        let bin = ((mu + 3.0) * RATIO_BINS as f64 / 6.0) as usize;
        let amp = counts[bin - 15..bin + 15].iter().sum::<u64>() as f64 / 30.0;
        let fit = MoffatProfile {
            amp,
            mu,
            alpha: 0.055,
            beta: 3.0,
        };
        (counts, (amp > 0.0).then_some(fit))
    }

    /// The peak about the profile, counted close up.
    pub(crate) fn peak<'a>(&self, fit: MoffatProfile, close: &'a [f64]) -> RatioPeak<'a> {
        RatioPeak {
            scale: self.scale,
            std_error: 0.0021,
            block_side_px: 1,
            mu: fit.mu,
            bin_width: 0.003,
            counts: close,
            fit: Some(MoffatProfile {
                amp: fit.amp * 0.003 * RATIO_BINS as f64 / 6.0,
                ..fit
            }),
        }
    }

    /// Log ratios about the scale, in bins of 0.003.
    pub(crate) fn close_up(&self) -> Vec<f64> {
        let mut counts = vec![0.0; 101];
        for (&post, &pre) in self.post.iter().zip(&self.aligned) {
            let place = (f64::from(post / pre) / self.scale).log10() / 0.003 + 50.5;
            if post > 0.0 && pre > 4.0 && (0.0..101.0).contains(&place) {
                counts[place as usize] += 1.0;
            }
        }
        counts
    }
}

/// Adds a microbe: a blob about 3 px wide.
fn stamp(image: &mut Array2<f32>, (x, y): (f64, f64), light: f64, most: f64) {
    for dy in -4i32..=4 {
        for dx in -4i32..=4 {
            let (px, py) = (x as i32 + dx, y as i32 + dy);
            let Some(value) = image.get_mut((py.max(0) as usize, px.max(0) as usize)) else {
                continue;
            };
            let r2 = f64::from(dx * dx + dy * dy);
            if *value > 0.0 {
                let sum = f64::from(*value) + light * (-r2 / 4.0).exp();
                *value = sum.min(most).round() as f32;
            }
        }
    }
}
