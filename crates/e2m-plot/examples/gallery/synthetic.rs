//! Sections that never were: texture, a rim, microbes; the same on every run.

use ndarray::Array2;

/// A small generator of repeatable numbers (splitmix64).
pub(crate) struct Noise(u64);

impl Noise {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Uniform between 0 and 1.
    pub(crate) fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }

    /// About normal, mean 0 and standard deviation 1.
    pub(crate) fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.uniform()).sum::<f64>() - 6.0
    }
}

/// A section on a canvas: where it is, how bright it is.
pub(crate) struct Section {
    pub width: usize,
    pub height: usize,
    /// Full-resolution px per preview px.
    pub factor: f64,
}

impl Section {
    /// The rim at angle `t`, as a share of the way from the centre to the canvas' edge.
    fn rim(t: f64) -> f64 {
        0.76 + 0.05 * (3.0 * t + 1.0).sin() + 0.03 * (7.0 * t).cos() + 0.012 * (19.0 * t).sin()
    }

    /// The outline in full-resolution px, moved by `(dx, dy)` px and turned by `angle` about the centre.
    pub(crate) fn outline(&self, shift: (f64, f64), angle: f64) -> Vec<(f64, f64)> {
        let (rx, ry) = self.radii();
        (0..=720)
            .map(|i| {
                let t = f64::from(i) / 720.0 * std::f64::consts::TAU;
                let r = Self::rim(t);
                let (x, y) = (rx * r * t.cos(), ry * r * t.sin());
                let (sin, cos) = angle.sin_cos();
                (
                    rx + x * cos - y * sin + shift.0,
                    ry + x * sin + y * cos + shift.1,
                )
            })
            .collect()
    }

    fn radii(&self) -> (f64, f64) {
        let half = |side: usize| side as f64 * self.factor / 2.0;
        (half(self.width), half(self.height))
    }

    /// Brightness in counts, moved and turned likewise; 0 outside the section.
    pub(crate) fn image(&self, shift: (f64, f64), angle: f64, noise_counts: f64) -> Array2<f32> {
        let (rx, ry) = self.radii();
        let mut noise = Noise::new(7);
        let (sin, cos) = angle.sin_cos();
        Array2::from_shape_fn((self.height, self.width), |(y, x)| {
            let u = (x as f64 + 0.5) * self.factor - rx - shift.0;
            let v = (y as f64 + 0.5) * self.factor - ry - shift.1;
            let (u, v) = ((u * cos + v * sin) / rx, (v * cos - u * sin) / ry);
            let inside = u.hypot(v) < Self::rim(v.atan2(u));
            if inside {
                (Self::texture(u, v) + noise_counts * noise.normal()).max(0.0) as f32
            } else {
                0.0
            }
        })
    }

    /// Grains and veins, 15 to 120 counts.
    fn texture(u: f64, v: f64) -> f64 {
        let wave = |a: f64, b: f64, c: f64| (a * u + b * v + c).sin();
        let warp = 0.3 * wave(5.0, 3.0, 0.3) + 0.2 * wave(-4.0, 7.0, 1.1);
        let veins = (9.0 * (u + warp) + 4.0 * wave(2.0, -3.0, 0.0)).sin();
        let grains = wave(61.0, 17.0, 2.0) * wave(-23.0, 57.0, 0.5) + 0.6 * wave(131.0, -97.0, 0.0);
        (45.0 + 26.0 * veins + 14.0 * grains + 12.0 * (u - v)).max(6.0)
    }
}
