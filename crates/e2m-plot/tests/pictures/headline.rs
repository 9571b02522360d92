//! The difference image of clean pairs: near black, with the bright microbes visible, at any size and noise.

#![expect(clippy::print_stdout, reason = "figures are worth reading")]

use super::*;
use e2m_testing::sample_of_rates;

/// A section on glass with noise that grows with brightness, and microbes on the section.
struct Scene {
    size: usize,
    /// Noise of a pixel of brightness 100, counts.
    noise: f64,
    seed: u64,
    /// Post is so many times as bright as what is subtracted.
    gain_error: f64,
}

/// The scale that is subtracted with.
const SCALE: f64 = 1.3;
/// Peaks of microbes in standard deviations of the noise of the difference where they lie.
const PEAKS: [f64; 4] = [6.0, 12.0, 25.0, 60.0];
/// From this peak on a microbe is bright.
const BRIGHT: f64 = 12.0;
const PER_MEGAPIXEL: f64 = 150.0;
/// Sigma of a microbe, px.
const SPREAD_PX: f64 = 1.3;

/// Numbers from a seed.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn share(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }
}

/// Normal numbers by their quantiles: sums of uniform ones have no tails, and tails are what this is about.
fn normals() -> Vec<f32> {
    const COUNT: usize = 1 << 20;
    let mut numbers = Numbers(77);
    let pairs = (0..COUNT / 2).flat_map(|_| {
        let radius = (-2.0 * (1.0 - numbers.share()).ln()).sqrt();
        let (sin, cos) = (std::f64::consts::TAU * numbers.share()).sin_cos();
        [(radius * cos) as f32, (radius * sin) as f32]
    });
    pairs.collect()
}

struct Drawn {
    panel: Panel,
    /// Places of microbes, px, and their peaks.
    microbes: Vec<(f64, f64, f64)>,
}

impl Scene {
    fn is_section(&self, x: f64, y: f64) -> bool {
        let middle = self.size as f64 / 2.0;
        ((x - middle) / middle).hypot((y - middle) / middle) < 0.85
    }

    /// What pre shows without noise.
    fn background(&self, x: f64, y: f64) -> f64 {
        if !self.is_section(x, y) {
            return 8.0;
        }
        let turns = |v: f64, n: f64| (std::f64::consts::TAU * n * v / self.size as f64).sin();
        100.0 + 55.0 * turns(x + 0.3 * y, 3.0) + 25.0 * turns(y - 0.2 * x, 11.0)
    }

    /// Noise of pre at this brightness.
    fn noise_of(&self, brightness: f64) -> f64 {
        self.noise * (brightness / 100.0).sqrt()
    }

    fn draw(&self, normals: &[f32]) -> Drawn {
        let size = self.size;
        let mut numbers = Numbers(self.seed);
        let count = (PER_MEGAPIXEL * 1e-6 * (size * size) as f64) as usize;
        let mut microbes = Vec::new();
        while microbes.len() < count {
            let (x, y) = (size as f64 * numbers.share(), size as f64 * numbers.share());
            if self.is_section(x, y) {
                microbes.push((x, y, PEAKS[microbes.len() % PEAKS.len()]));
            }
        }
        let mut of_row: Vec<Vec<usize>> = vec![Vec::new(); size];
        let reach = (4.0 * SPREAD_PX).ceil();
        for (i, &(_, y, _)) in microbes.iter().enumerate() {
            let (first, end) = ((y - reach).max(0.0) as usize, (y + reach) as usize + 1);
            let rows = of_row.iter_mut().take(end.min(size)).skip(first);
            rows.for_each(|row| row.push(i));
        }
        let frame = Outline::upright(0.0, 0.0, size as f64, size as f64);
        let factor = size.div_ceil(1500);
        let canvas = Size::new(size, size);
        let mut preview = DifferencePreview::new(canvas, factor, SCALE, frame, frame);
        let rows = 64;
        for first in (0..size).step_by(rows) {
            let rows = rows.min(size - first);
            let mut pre = Array2::zeros((rows, size));
            let mut post = Array2::zeros((rows, size));
            for y in 0..rows {
                let row = (first + y) as f64;
                for x in 0..size {
                    let background = self.background(x as f64, row);
                    let random = numbers.next();
                    let normal = |part: u64| f64::from(normals[part as usize % normals.len()]);
                    let own = SCALE * background * self.gain_error;
                    pre[(y, x)] = (background + self.noise_of(background) * normal(random)) as f32;
                    post[(y, x)] = (own + self.noise_of(own) * normal(random >> 32)) as f32;
                }
                for &i in &of_row[first + y] {
                    let (cx, cy, peak) = microbes[i];
                    let background = self.background(cx, cy);
                    let sigma = self
                        .noise_of(SCALE * background)
                        .hypot(SCALE * self.noise_of(background));
                    for x in (cx - reach).max(0.0) as usize..((cx + reach) as usize + 1).min(size) {
                        let away = (x as f64 - cx).hypot(row - cy) / SPREAD_PX;
                        post[(y, x)] += (peak * sigma * (-0.5 * away * away).exp()) as f32;
                    }
                }
            }
            preview.add_band(first, post.view(), pre.view());
        }
        let summary = preview.finish();
        let png = draw_difference_image(&DifferenceImagePicture {
            title: &title(),
            difference: &summary,
            method: "Moffat",
        })
        .expect("draws");
        if let Some(folder) = std::env::var_os("E2M_TEST_PICTURES") {
            let name = format!("headline_{size}_{}_{}.png", self.noise, self.gain_error);
            std::fs::write(std::path::Path::new(&folder).join(name), &png).expect("written");
        }
        Drawn {
            panel: Panel::of(&png),
            microbes,
        }
    }
}

impl Drawn {
    /// Brightest channel on the panel at a place of the image, within so many px of the page.
    fn brightest(&self, size: usize, (x, y): (f64, f64), reach: usize) -> u8 {
        let panel = &self.panel;
        let at = |v: f64, range: &Range<usize>| {
            range.start + ((v + 0.5) / size as f64 * range.len() as f64) as usize
        };
        let (x, y) = (at(x, &panel.columns), at(y, &panel.rows));
        let near = |v: usize, range: &Range<usize>| {
            v.saturating_sub(reach).max(range.start)..(v + reach + 1).min(range.end)
        };
        near(y, &panel.rows)
            .flat_map(|y| near(x, &panel.columns).map(move |x| (x, y)))
            .map(|(x, y)| panel.picture.pixel(x, y).into_iter().max().unwrap_or(0))
            .max()
            .unwrap_or(0)
    }

    /// The brightest channel of every cell of the section that has no microbe near it.
    fn without_microbes(&self, scene: &Scene) -> Vec<u8> {
        let panel = &self.panel;
        let size = scene.size as f64;
        let (width, height) = (panel.columns.len(), panel.rows.len());
        let mut taken = Array2::from_elem((height, width), false);
        let reach = 3 + (6.0 * SPREAD_PX * width as f64 / size) as usize;
        for &(x, y, _) in &self.microbes {
            let (x, y) = (
                (x / size * width as f64) as usize,
                (y / size * height as f64) as usize,
            );
            let rows = y.saturating_sub(reach)..(y + reach + 1).min(height);
            let columns = x.saturating_sub(reach)..(x + reach + 1).min(width);
            taken.slice_mut(ndarray::s![rows, columns]).fill(true);
        }
        let mut found = Vec::new();
        for ((y, x), _) in taken.indexed_iter().filter(|(_, taken)| !**taken) {
            let place = |v: usize, of: usize| (v as f64 + 0.5) / of as f64 * size;
            if y % 2 == 0 && x % 2 == 0 && scene.is_section(place(x, width), place(y, height)) {
                let pixel = panel
                    .picture
                    .pixel(panel.columns.start + x, panel.rows.start + y);
                found.push(pixel.into_iter().max().unwrap_or(0));
            }
        }
        found
    }
}

/// Darker than this in every channel is near black.
const NEAR_BLACK: u8 = 40;
/// A microbe is visible if it is brighter than what surrounds it by this.
const CONTRAST: u8 = 60;

#[test]
fn clean_pairs_are_near_black_and_their_bright_microbes_visible_at_any_size() {
    let normals = normals();
    let of_sizes = |sizes: &'static [usize]| {
        let scenes = sizes.iter().flat_map(|&size| {
            [0.5, 4.0, 15.0].map(|noise| Scene {
                size,
                noise,
                seed: size as u64 + noise as u64,
                gain_error: 1.0,
            })
        });
        scenes.collect::<Vec<Scene>>()
    };
    let small = sample_of_rates(
        "difference images of clean pairs",
        of_sizes(&[700, 3000]),
        2,
    );
    let large = sample_of_rates("large difference images", of_sizes(&[8000]), 0);
    for scene in small.into_iter().chain(large) {
        let drawn = scene.draw(&normals);
        let mut cells = drawn.without_microbes(&scene);
        let dark = cells.iter().filter(|v| **v <= NEAR_BLACK).count();
        let dark = dark as f64 / cells.len() as f64;
        let middle = cells.len() / 2;
        let surroundings = *cells.select_nth_unstable(middle).1;
        let of_peak = |peak: f64| {
            let of_peak = drawn.microbes.iter().filter(|(_, _, p)| *p == peak);
            let (visible, all) = of_peak.fold((0, 0), |(visible, all), &(x, y, _)| {
                let brightest = drawn.brightest(scene.size, (x, y), 2);
                let is_visible = brightest >= surroundings.saturating_add(CONTRAST);
                (visible + usize::from(is_visible), all + 1)
            });
            f64::from(visible as u32) / f64::from(all.max(1))
        };
        let visible = PEAKS.map(of_peak);
        let (size, noise) = (scene.size, scene.noise);
        println!(
            "{size} px, noise {noise}: {} cells without microbes, {dark:.4} near black, median {surroundings}; visible {visible:.3?} \
             at peaks of {PEAKS:?} sigma",
            cells.len()
        );
        assert!(dark > 0.99, "{size} px, noise {noise}: {dark}");
        for (peak, visible) in PEAKS.into_iter().zip(visible) {
            if peak >= BRIGHT {
                assert!(
                    visible > 0.97,
                    "{size} px, noise {noise}, {peak} sigma: {visible}"
                );
            }
        }
    }
}

#[test]
fn a_wrong_scale_colours_the_section_whatever_the_size() {
    let normals = normals();
    for (size, gain_error, channel) in [(700, 1.1, 0), (2500, 1.1, 0), (2500, 0.9, 2)] {
        let scene = Scene {
            size,
            noise: 4.0,
            seed: 5,
            gain_error,
        };
        let drawn = scene.draw(&normals);
        let panel = &drawn.panel;
        let mut colours = Vec::new();
        for y in panel.rows.clone().step_by(7) {
            for x in panel.columns.clone().step_by(7) {
                let place = |v: usize, range: &Range<usize>| {
                    (v - range.start) as f64 / range.len() as f64 * size as f64
                };
                if scene.is_section(place(x, &panel.columns), place(y, &panel.rows)) {
                    colours.push(panel.picture.pixel(x, y));
                }
            }
        }
        let coloured = colours.iter().filter(|c| {
            let other = c[2 - channel];
            c[channel] > NEAR_BLACK && c[channel] > other
        });
        let share = coloured.count() as f64 / colours.len() as f64;
        println!("{size} px, scale off by {gain_error}: {share:.3} of the section is coloured");
        assert!(share > 0.9, "{size} px, {gain_error}: {share}");
    }
}
