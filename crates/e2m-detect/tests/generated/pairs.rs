//! Generated pairs whose microbes are known: post, pre aligned by the true warp, and where both have pixels.

use e2m_detect::{Catalogue, DetectOptions, PairArrays, PairFacts, detect, mask};
use e2m_fixtures::{Microbe, Microbes, Recipe, Shape, Uptake, Vignetting, World};
use e2m_image::{BandSource, Canvas, Plane, PlaneSource, Size, WarpedPlane};
use ndarray::Array2;

/// A pair as stage 5 of the pipeline sees it, and its truth.
pub(crate) struct Pair {
    /// Post, shape `(height, width)`.
    pub(crate) post: Array2<f32>,
    /// Pre, resampled onto post's pixels.
    pub(crate) aligned: Array2<f32>,
    /// Where there are no data.
    pub(crate) mask: Array2<u8>,
    /// What is known of the pair.
    pub(crate) facts: PairFacts,
    /// The microbes that lie where there are data, as bright as their light arrives: a lens that passes half of it at a place
    /// passes half of a microbe's there.
    pub(crate) microbes: Vec<Microbe>,
}

/// A family of pairs.
#[derive(Clone, Copy)]
pub(crate) struct Kind {
    /// Its name.
    pub(crate) name: &'static str,
    change: fn(&mut Recipe),
}

const fn kind(name: &'static str, change: fn(&mut Recipe)) -> Kind {
    Kind { name, change }
}

/// Microbes of one kind or another, on a section under ordinary light.
pub(crate) const KINDS: &[Kind] = &[
    kind("dots and rods", |_| ()),
    kind("cocci", |r| r.microbes.rod_share = 0.0),
    kind("rods", |r| r.microbes.rod_share = 1.0),
    kind("touching", |r| r.microbes.touching_share = 0.5),
    kind("chains", |r| {
        r.microbes.chain_share = 0.15;
        r.microbes.sigma_px = [1.0, 1.8];
    }),
    kind("clusters", |r| {
        r.microbes.colony_share = 0.9;
        r.microbes.per_megapixel = 300.0;
    }),
    kind("faint", |r| {
        r.microbes.peak_counts = [1.0, 12.0];
        r.noise_counts = 2.0;
    }),
    kind("noise 12", |r| r.noise_counts = 12.0),
    kind("shot noise", |r| {
        r.shot_noise = 0.3;
        r.noise_counts = 1.0;
    }),
    kind("vignetting", |r| {
        let light = |x, y| {
            Some(Vignetting {
                strength: 0.5,
                centre: [x, y],
            })
        };
        r.vignetting_post = light(0.42, 0.55);
        r.vignetting_pre = light(0.6, 0.45);
    }),
    kind("uptake", |r| {
        r.uptake = Some(Uptake {
            share: 0.25,
            counts: 40.0,
        });
    }),
    kind("frame filling", |r| r.section.shape = Shape::FrameFilling),
    kind("turned", |r| {
        r.rotation_deg = 12.0;
        r.magnification = 1.05;
        r.noise_counts = 3.0;
    }),
];

/// The same without microbes.
pub(crate) const EMPTY: &[Kind] = &[
    kind("ordinary", |_| ()),
    kind("noise 3", |r| r.noise_counts = 3.0),
    kind("noise 12", |r| r.noise_counts = 12.0),
    kind("shot noise", |r| {
        r.shot_noise = 0.3;
        r.noise_counts = 1.0;
    }),
    kind("vignetting", |r| {
        r.noise_counts = 3.0;
        // It curves as much over 1,200 px as 0.5 does over 1,900 px.
        r.vignetting_post = Some(Vignetting {
            strength: 0.2,
            centre: [0.4, 0.5],
        });
    }),
    kind("turned", |r| {
        r.rotation_deg = 12.0;
        r.noise_counts = 3.0;
    }),
];

impl Kind {
    /// The recipe of a seed.
    pub(crate) fn recipe(&self, size: Size, seed: u64) -> Recipe {
        let s = seed as f64;
        let mut recipe = Recipe {
            width: size.width,
            height: size.height,
            seed,
            gain: 1.1 + (s * 0.137) % 0.8,
            brightness: 0.75,
            noise_counts: 1.5,
            rotation_deg: (s * 3.7) % 9.0,
            shift_fraction: [0.011, -0.007],
            microbes: Microbes {
                per_megapixel: 250.0,
                ..Microbes::default()
            },
            ..Recipe::default()
        };
        (self.change)(&mut recipe);
        recipe
    }

    /// The pair of a seed.
    pub(crate) fn pair(&self, size: Size, seed: u64) -> Pair {
        Pair::of(&self.recipe(size, seed))
    }

    /// The pair of a seed without microbes.
    pub(crate) fn empty_pair(&self, size: Size, seed: u64) -> Pair {
        let mut recipe = self.recipe(size, seed);
        recipe.microbes.per_megapixel = 0.0;
        Pair::of(&recipe)
    }
}

impl Pair {
    /// Renders a recipe and aligns pre by the true warp.
    pub(crate) fn of(recipe: &Recipe) -> Self {
        let world = World::new(recipe).expect("a recipe that makes sense");
        let (post, pre) = (world.render_post(), world.render_pre());
        let canvas = Canvas::new(post.size(), post.size(), 0);
        let aligned = |plane: &Plane| {
            let mut out = Array2::zeros(post.size().shape());
            let mut source = WarpedPlane::new(plane, canvas, world.warp());
            source
                .read_band(0, out.view_mut())
                .expect("rows of the canvas");
            out
        };
        // Where pre is made of ones, its interpolation is 1 but for the border.
        let ones = Plane::from(Array2::<f32>::ones(pre.size().shape()));
        let mask = aligned(&ones).mapv(|v| if v > 0.999 { 0 } else { mask::NO_PRE });
        let mut floats = Array2::zeros(post.size().shape());
        PlaneSource::new(&post)
            .read_band(0, floats.view_mut())
            .expect("rows of post");
        let has_data = |m: &&Microbe| mask[(m.y.round() as usize, m.x.round() as usize)] == 0;
        let arriving = |m: &Microbe| {
            let light = recipe.vignetting_post;
            let share = light.map_or(1.0, |v| v.transmission(post.size(), m.x, m.y));
            Microbe {
                peak: m.peak * share,
                ..*m
            }
        };
        Self {
            microbes: world
                .microbes()
                .iter()
                .filter(has_data)
                .map(arriving)
                .collect(),
            aligned: aligned(&pre),
            post: floats,
            mask,
            facts: PairFacts {
                alignment_residual_px: 0.01,
                scale_std_error: 0.0005 * recipe.gain,
                ..PairFacts::of_scale(recipe.gain)
            },
        }
    }

    /// Searches it.
    pub(crate) fn search(&self, options: &DetectOptions) -> Catalogue {
        let mut arrays = PairArrays::new(
            self.post.view(),
            self.aligned.view(),
            Some(self.mask.view()),
        )
        .expect("arrays of one shape");
        detect(&mut arrays, &self.facts, options, None).expect("arrays can be read")
    }
}

/// The light of a microbe, counts.
pub(crate) fn flux(m: &Microbe) -> f64 {
    let pi = std::f64::consts::PI;
    m.peak * (2.0 * pi * m.sigma * m.sigma + m.length * m.sigma * (2.0 * pi).sqrt())
}
