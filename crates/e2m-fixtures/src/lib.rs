//! Synthetic pairs whose alignment, gain and microbes are known exactly.
//!
//! A [`Recipe`] describes a pair; [`World::new`] builds it; a world renders either image, any rows of it, and states
//! the [`Truth`]. Nothing is ever resampled: the section is a smooth field over the plane, defined in the raw pixel
//! coordinates of post, and pre is the same field evaluated where its pixels come from. So the truth holds to
//! 0.005 px by construction, whatever the warp.
//!
//! ```text
//! background(p)                    grains, texture, outline                                 field.rs
//! pre(W(p + d(p))) = background(p)                                                          geometry.rs
//! post(p) = gain x (1 - bleaching(p)) x background(p) + uptake(p) + microbes(p)             world.rs
//! then for each: defocus, vignetting, dust, noise, rounding                                 defocus.rs, camera.rs
//! ```
//!
//! The same recipe gives the same bytes on every platform, for any band height and number of threads: random numbers
//! are hashes of integers, and transcendental functions come from `libm`.
//!
//! # Example
//!
//! ```
//! use e2m_fixtures::{Recipe, World};
//! use e2m_image::Warp;
//!
//! let recipe = Recipe { width: 300, height: 240, rotation_deg: 8.0, ..Recipe::default() };
//! let world = World::new(&recipe)?;
//! let (post, pre) = (world.render_post(), world.render_pre());
//! assert_eq!(post.size(), pre.size());
//!
//! let truth = world.truth();
//! assert!(truth.registration_error(&truth.warp).max_px < 1e-9);
//! assert!(truth.registration_error(&Warp::identity()).mean_px > 5.0);
//! # Ok::<(), e2m_fixtures::FixtureError>(())
//! ```
#![cfg_attr(
    not(test),
    warn(
        clippy::expect_used,
        clippy::get_unwrap,
        clippy::panic,
        clippy::panic_in_result_fn,
        clippy::string_slice,
        clippy::unreachable
    )
)]

mod bright;
mod camera;
mod cells;
mod colour;
mod defocus;
mod dust;
mod error;
mod field;
mod geometry;
mod grains;
mod hash;
mod microbes;
mod misplaced;
mod mix_ups;
mod noise;
mod outline;
mod parts;
mod recipe;
mod regions;
mod render;
mod rows;
mod sensor;
mod shipped;
mod suites;
mod truth;
mod world;
mod write;

pub use cells::CellField;
pub use error::FixtureError;
pub use microbes::Microbe;
pub use mix_ups::Twice;
pub use parts::{
    Bleaching, BrightDirt, BrightGrains, Channels, Compression, Deformation, Dust, EvenUptake,
    Fate, Microbes, Misplaced, Part, PreWorld, Section, Sensor, Shape, TiffLayout, Uptake,
    Vignetting,
};
pub use recipe::Recipe;
pub use render::Side;
pub use shipped::{DEMO, DemoTask, recipes_in, shipped_names};
pub use suites::{NamedRecipe, clean_pairs, deformed_pairs, foreign_pairs, hard_pairs};
pub use truth::{ErrorStats, Truth};
pub use world::World;
pub use write::{FileNames, WrittenPair, write_pair, write_pair_as};

/// The example of the README, which has to compile.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
