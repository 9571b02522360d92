//! From the difference of two aligned images to microbes: where they are, how bright and large, and how sure that is.
//!
//! [`detect`] reads an aligned pair in bands ([`PairSource`]; [`PairArrays`] for arrays in memory) and returns a [`Catalogue`].
//!
//! # Example
//!
//! ```
//! use e2m_detect::{DetectOptions, PairArrays, PairFacts, detect};
//! use ndarray::Array2;
//!
//! // A background 1.3 times as bright in post, some noise, and one microbe of sigma 1.5 px.
//! let noise = |y: usize, x: usize, k: usize| ((y * 7919 + x * 104_729 + k * 31) % 97) as f32 / 48.0 - 1.0;
//! let pre = Array2::from_shape_fn((300, 400), |(y, x)| 60.0 + 20.0 * (x as f32 / 40.0).sin() + noise(y, x, 0));
//! let post = Array2::from_shape_fn((300, 400), |(y, x)| {
//!     let squared = (x as f32 - 200.0).powi(2) + (y as f32 - 100.0).powi(2);
//!     1.3 * (60.0 + 20.0 * (x as f32 / 40.0).sin()) + noise(y, x, 1) + 50.0 * (-0.5 * squared / 2.25).exp()
//! });
//! let mut pair = PairArrays::new(post.view(), pre.view(), None).expect("of one shape");
//! let catalogue = detect(&mut pair, &PairFacts::of_scale(1.3), &DetectOptions::default(), None)?;
//! let microbe = catalogue.microbes().max_by(|a, b| a.flux.total_cmp(&b.flux)).expect("found");
//! assert!((microbe.x_px - 200.0).abs() < 0.1 && (microbe.y_px - 100.0).abs() < 0.1);
//! assert!((microbe.flux / (50.0 * std::f64::consts::TAU * 2.25) - 1.0).abs() < 0.05);
//! # Ok::<(), e2m_image::BandError>(())
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

mod catalogue;
#[cfg(feature = "parquet")]
mod columns;
mod completeness;
mod density;
mod detect;
mod false_positives;
mod field;
mod filter;
mod footprint;
mod histogram;
mod inject;
mod measure;
mod memory;
mod nearest;
mod noise;
mod normal;
mod options;
mod region;
mod scale_field;
mod search;
mod significance;
mod source;
mod strip;
mod survey;
mod tables;
mod tile;

pub use catalogue::{BackgroundSignificance, Catalogue, Flags, Object};
#[cfg(feature = "parquet")]
pub use columns::write_parquet;
pub use completeness::{Completeness, CompletenessCurve};
pub use density::{Density, DensityCell};
pub use detect::detect;
pub use false_positives::FalsePositives;
pub use histogram::SignificanceHistogram;
pub use inject::effective_area;
pub use memory::memory_bytes;
pub use noise::NoiseModel;
pub use options::{DetectOptions, PairFacts};
pub use scale_field::{HeldOut, ScaleField};
pub use significance::Calibration;
pub use source::{PairArrays, PairSource, mask};
pub use tables::{COLUMNS, Placement, write_csv, write_geojson, write_regions};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
