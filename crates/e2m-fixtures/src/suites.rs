//! The suites of pairs by which an alignment is measured: what should come out to hundredths of a pixel, what may be
//! hard, and what must not be called aligned.

use crate::parts::{Bleaching, Deformation, Dust, PreWorld, Section, Shape, Uptake, Vignetting};
use crate::recipe::Recipe;
use e2m_image::PixelType;

/// A recipe with the name it has in tables.
#[derive(Debug, Clone, PartialEq)]
pub struct NamedRecipe {
    /// What is special about it, in a few words.
    pub name: String,
    /// The recipe.
    pub recipe: Recipe,
}

/// Builds suites: every pair has its own seed, and a base size.
struct Suite {
    width: usize,
    next_seed: u64,
    pairs: Vec<NamedRecipe>,
}

impl Suite {
    fn new(width: usize, first_seed: u64) -> Self {
        Self {
            width,
            next_seed: first_seed,
            pairs: Vec::new(),
        }
    }

    fn add(&mut self, name: impl Into<String>, change: impl FnOnce(&mut Recipe)) {
        let mut recipe = Recipe {
            seed: self.next_seed,
            shift_fraction: [0.03, -0.02],
            ..Recipe::default()
        }
        .resized_to_width(self.width);
        change(&mut recipe);
        self.next_seed += 1;
        self.pairs.push(NamedRecipe {
            name: name.into(),
            recipe,
        });
    }
}

/// Pairs that differ by geometry, gain and pixel type only; post images `width` px wide.
pub fn clean_pairs(width: usize, first_seed: u64) -> Vec<NamedRecipe> {
    let mut suite = Suite::new(width, first_seed);
    for degrees in [0.0, 2.0, 8.0, 18.0, 40.0, 90.0, 180.0] {
        suite.add(format!("rotation {degrees}°"), |r| {
            r.rotation_deg = degrees;
        });
    }
    for magnification in [0.5, 0.7, 0.85, 0.92, 1.05, 1.15, 1.4, 2.0] {
        suite.add(format!("magnification {magnification}"), |r| {
            r.magnification = magnification;
            r.rotation_deg = 5.0;
        });
    }
    suite.add("shear 0.02", |r| r.shear = 0.02);
    suite.add("perspective", |r| {
        r.perspective = [0.004, -0.003];
        r.rotation_deg = -3.0;
    });
    for shift in [[0.1, 0.0], [-0.07, 0.1]] {
        suite.add(format!("shift {} x {}", shift[0], shift[1]), |r| {
            r.shift_fraction = shift;
        });
    }
    for gain in [1.1, 2.0, 3.0] {
        suite.add(format!("gain {gain}"), |r| {
            r.gain = gain;
            // Bright enough for what is multiplied to stay within 8 bit.
            r.brightness = 1.2 / gain;
        });
    }
    suite.add("different raw sizes", |r| {
        r.pre_width = Some(r.width * 7 / 8);
        r.pre_height = Some(r.height * 9 / 8);
    });
    suite.add("16 bit", |r| {
        r.pixel = PixelType::U16;
        r.counts_scale = 180.0;
        r.rotation_deg = 4.0;
    });
    suite.add("float", |r| {
        r.pixel = PixelType::F32;
        r.counts_scale = 0.004;
        r.rotation_deg = -7.0;
    });
    suite.add("frame filling", |r| {
        r.section.shape = Shape::FrameFilling;
        r.rotation_deg = -11.0;
    });
    suite.add("several pieces", |r| {
        r.section.shape = Shape::Pieces;
        r.rotation_deg = 7.0;
    });
    suite.pairs
}

/// Changes a recipe in one of the ways that make a pair hard.
type Hardship = (&'static str, fn(&mut Recipe));

const HARDSHIPS: [Hardship; 9] = [
    ("vignetting 0.5", |r| {
        r.vignetting_post = Some(Vignetting {
            strength: 0.5,
            centre: [0.42, 0.55],
        });
    }),
    ("uptake 25 %", |r| {
        r.uptake = Some(Uptake {
            share: 0.25,
            counts: 60.0,
        });
    }),
    ("bleaching 25 %", |r| {
        r.bleaching = Some(Bleaching {
            share: 0.25,
            loss: 0.4,
        });
    }),
    ("defocus 2.5 px", |r| r.defocus_post_px = 2.5),
    ("defocus of pre 2.5 px", |r| r.defocus_pre_px = 2.5),
    ("dust", |r| r.dust = Some(Dust::default())),
    ("noise 12", |r| r.noise_counts = 12.0),
    ("frame filling", |r| r.section.shape = Shape::FrameFilling),
    ("several pieces", |r| r.section.shape = Shape::Pieces),
];

/// Each hardship on its own, then every two that go together, then all at once: as many pairs per `round`.
pub fn hard_pairs(width: usize, first_seed: u64) -> Vec<NamedRecipe> {
    let mut suite = Suite::new(width, first_seed);
    let turn = |r: &mut Recipe| {
        // A geometry of its own for every seed.
        let s = r.seed as f64;
        r.rotation_deg = (s * 7.3) % 36.0 - 18.0;
        r.magnification = 0.9 + (s * 0.037) % 0.2;
    };
    for (name, hardship) in HARDSHIPS {
        suite.add(name, |r| {
            turn(r);
            hardship(r);
        });
    }
    for (i, (first, a)) in HARDSHIPS.iter().enumerate() {
        for (second, b) in &HARDSHIPS[i + 1..] {
            let shapes = ["frame filling", "several pieces"];
            let defocus = first.starts_with("defocus") && second.starts_with("defocus");
            if defocus || (shapes.contains(first) && shapes.contains(second)) {
                continue;
            }
            suite.add(format!("{first}, {second}"), |r| {
                turn(r);
                a(r);
                b(r);
            });
        }
    }
    for (shape, name) in [
        (Shape::Outline, "all at once"),
        (Shape::FrameFilling, "all at once, frame filling"),
        (Shape::Pieces, "all at once, several pieces"),
    ] {
        suite.add(name, |r| {
            turn(r);
            r.section.shape = shape;
            r.vignetting_post = Some(Vignetting {
                strength: 0.4,
                centre: [0.4, 0.45],
            });
            r.vignetting_pre = Some(Vignetting {
                strength: 0.3,
                centre: [0.6, 0.5],
            });
            r.uptake = Some(Uptake {
                share: 0.2,
                counts: 40.0,
            });
            r.bleaching = Some(Bleaching {
                share: 0.2,
                loss: 0.2,
            });
            r.defocus_post_px = 1.5;
            r.dust = Some(Dust::default());
            r.noise_counts = 6.0;
        });
    }
    suite.pairs
}

/// Pairs without an alignment to find, or with too little of one to use: none may be called complete.
pub fn foreign_pairs(width: usize, first_seed: u64) -> Vec<NamedRecipe> {
    let mut suite = Suite::new(width, first_seed);
    let shapes = [
        ("outline", Shape::Outline),
        ("frame filling", Shape::FrameFilling),
        ("several pieces", Shape::Pieces),
    ];
    let worlds = [
        ("another rock", PreWorld::OtherRock),
        ("another rock, turned", PreWorld::OtherRock),
        ("noise", PreWorld::Noise),
        ("blank", PreWorld::Blank),
        ("constant", PreWorld::Constant),
        ("mirrored", PreWorld::Mirrored),
        ("mirrored, turned", PreWorld::Mirrored),
    ];
    for (world, pre_world) in worlds {
        for (shape_name, shape) in shapes {
            suite.add(format!("{world}, {shape_name}"), |r| {
                r.pre_world = pre_world;
                r.section = Section {
                    shape,
                    ..Section::default()
                };
                if world.ends_with("turned") {
                    r.rotation_deg = (r.seed as f64 * 37.0) % 360.0 - 180.0;
                    r.noise_counts = 3.0;
                }
            });
        }
    }
    for shift in [[0.95, 0.0], [0.0, -0.95]] {
        suite.add("5 % overlap", |r| {
            r.section.shape = Shape::FrameFilling;
            r.shift_fraction = shift;
            r.rotation_deg = 2.0;
        });
    }
    suite.pairs
}

/// Pairs with a smooth local displacement of `amplitude_px` that no homography follows.
pub fn deformed_pairs(width: usize, first_seed: u64, amplitude_px: f64) -> Vec<NamedRecipe> {
    let mut suite = Suite::new(width, first_seed);
    for (degrees, length_fraction) in [(3.0, 0.25), (-8.0, 0.2), (15.0, 0.3)] {
        suite.add(format!("deformed by {amplitude_px} px"), |r| {
            r.rotation_deg = degrees;
            r.deformation = Some(Deformation {
                amplitude_px,
                length_fraction,
            });
        });
    }
    suite.pairs
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::World;

    #[test]
    fn every_pair_can_be_built_and_has_its_own_seed() {
        let all: Vec<NamedRecipe> = [
            clean_pairs(600, 1),
            hard_pairs(600, 100),
            foreign_pairs(600, 200),
            deformed_pairs(600, 300, 5.0),
        ]
        .concat();
        let mut seeds: Vec<u64> = all.iter().map(|p| p.recipe.seed).collect();
        seeds.dedup();
        assert_eq!(seeds.len(), all.len());
        for pair in &all {
            assert!(World::new(&pair.recipe).is_ok(), "{}", pair.name);
        }
        let foreign = all.iter().filter(|p| !p.recipe.belongs_together()).count();
        assert!(foreign >= 20);
    }
}
