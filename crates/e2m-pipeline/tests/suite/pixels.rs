//! Pixels that are not what they seem: saturated ones, and those that belong to the sensor. The alignment and the scale are
//! right without them, or the task says what is wrong.
#![expect(clippy::print_stdout, reason = "the figures of every family")]

use crate::common::task;
use e2m_fixtures::{Recipe, Sensor, World, write_pair};
use e2m_image::{Canvas, PixelType, Plane};
use e2m_pipeline::{Manifest, Params, Status, Unobserved, run_task};
use e2m_testing::sample_of_rates;
use std::path::Path;

/// Mean error below which an alignment is right, px.
const RIGHT_PX: f64 = 0.1;
/// Beside the true scale, as a share and in standard errors.
const RIGHT_SHARE: f64 = 0.01;
const RIGHT_ERRORS: f64 = 3.0;
const SEEDS: u64 = 20;
const SAMPLE: usize = 2;

/// What came of a pair.
struct Outcome {
    error_px: f64,
    /// The scale beside the true one, as a share, and in standard errors.
    scale_off: (f64, f64),
    status: Status,
    manifest: Manifest,
}

impl Outcome {
    fn is_right(&self) -> bool {
        let (share, errors) = self.scale_off;
        self.error_px < RIGHT_PX && share < RIGHT_SHARE && errors < RIGHT_ERRORS
    }

    /// Far from right and nothing said.
    fn is_wrong_in_silence(&self) -> bool {
        let (share, errors) = self.scale_off;
        self.status == Status::Complete
            && (self.error_px > 2.0 * RIGHT_PX || (share > RIGHT_SHARE && errors > 4.0))
    }
}

fn small() -> Params {
    Params {
        pad: 30,
        ..Params::default()
    }
}

fn run(folder: &Path, recipe: &Recipe) -> Outcome {
    let world = World::new(recipe).expect("a world");
    let name = format!("{}", recipe.seed);
    let pair = write_pair(recipe, &folder.join("raw").join(&name), "A", "DAPI").expect("a pair");
    let out = folder.join("out").join(&name);
    let spec = task(&out, "A", "DAPI", &pair.post, &pair.pre, small());
    let outcome = run_task(&spec, &mut Unobserved);
    let manifest = *outcome.manifest.expect("a manifest");
    let error_px = manifest.warps.finest().map_or(f64::INFINITY, |warp| {
        let canvas: Canvas = manifest.canvas;
        let raw = canvas.warp_to_raw(&warp);
        world.truth().registration_error(&raw).mean_px
    });
    let scale_off = manifest.scales.moffat.as_ref().map_or((1.0, 99.0), |m| {
        let off = (m.value - recipe.gain).abs();
        (off / recipe.gain, off / m.std_error)
    });
    Outcome {
        error_px,
        scale_off,
        status: outcome.status,
        manifest,
    }
}

fn base(seed: u64) -> Recipe {
    Recipe {
        seed: 9000 + seed,
        width: 620 + 20 * (seed % 9) as usize,
        height: 560 + 20 * (seed % 7) as usize,
        rotation_deg: 0.4 + 0.7 * (seed % 5) as f64,
        shift_fraction: [0.012, -0.008],
        gain: 1.2 + 0.05 * (seed % 4) as f64,
        noise_counts: [0.7, 1.5, 3.0][(seed % 3) as usize],
        ..Recipe::default()
    }
}

/// Runs the pairs of a family and says how many are right, and how many are doubted.
fn family(name: &str, recipe: impl Fn(u64) -> Recipe) -> (Vec<Outcome>, usize, usize) {
    let folder = tempfile::tempdir().expect("a folder");
    let seeds = sample_of_rates(name, 0..SEEDS, SAMPLE);
    let outcomes: Vec<Outcome> = seeds
        .iter()
        .map(|&seed| run(folder.path(), &recipe(seed)))
        .collect();
    for (seed, outcome) in seeds.iter().zip(&outcomes) {
        if !outcome.is_right() || outcome.status != Status::Complete {
            println!(
                "{name} {seed}: {:.3} px, scale off {:.4}, {:.1} errors, {}",
                outcome.error_px, outcome.scale_off.0, outcome.scale_off.1, outcome.status
            );
        }
        assert!(!outcome.is_wrong_in_silence(), "{name} {seed}");
    }
    let right = outcomes.iter().filter(|o| o.is_right()).count();
    let doubted = outcomes.iter().filter(|o| o.status != Status::Complete);
    let doubted = doubted.count();
    println!(
        "{name}: {right} of {} right, {doubted} doubted",
        outcomes.len()
    );
    (outcomes, right, doubted)
}

#[test]
fn hot_pixels_and_bad_columns_take_neither_the_alignment_nor_the_scale() {
    let (outcomes, right, _) = family("hot pixels of a pair", |seed| Recipe {
        sensor: Some(Sensor {
            hot_share: [0.0005, 0.003, 0.008][(seed % 3) as usize],
            hot_counts: [40.0, 90.0, 180.0][(seed % 4 % 3) as usize],
            columns: (seed % 3) as usize,
            ..Sensor::default()
        }),
        defocus_pre_px: if seed % 5 == 0 { 1.5 } else { 0.0 },
        ..base(seed)
    });
    assert!(right as f64 >= 0.95 * outcomes.len() as f64);
    for outcome in &outcomes {
        let pixels = outcome
            .manifest
            .pixels
            .as_ref()
            .expect("they were looked at");
        assert!(pixels.post.hot_pixels > 40 && pixels.pre.hot_pixels > 40);
    }
}

#[test]
fn clean_pairs_are_not_doubted_for_their_pixels() {
    for (name, pixel, scale) in [
        ("clean pairs, 8 bit", PixelType::U8, 1.0),
        ("clean pairs, 16 bit", PixelType::U16, 40.0),
        ("clean pairs, floats", PixelType::F32, 0.01),
    ] {
        let (outcomes, _, doubted) = family(name, |seed| Recipe {
            pixel,
            counts_scale: scale,
            brightness: 0.8,
            ..base(seed)
        });
        assert!(doubted as f64 <= 0.05 * outcomes.len() as f64);
        for outcome in &outcomes {
            let pixels = outcome
                .manifest
                .pixels
                .as_ref()
                .expect("they were looked at");
            for image in [&pixels.post, &pixels.pre] {
                let share = image.saturation.map_or(0.0, |saturation| saturation.share);
                assert!(share < 0.001, "{name}: {image:?}");
                assert!(image.bad_columns.is_empty() && image.bad_rows.is_empty());
                assert!(
                    image.hot_pixels as f64 <= 2e-5 * image.pixels as f64,
                    "{image:?}"
                );
            }
        }
    }
}

/// The value that this share of the bright pixels reaches, those above a quarter of the brightest, in counts.
fn quantile(plane: &Plane, share: f64, counts_scale: f64) -> f64 {
    let mut values: Vec<f32> = match plane {
        Plane::U8(a) => a.iter().map(|&v| f32::from(v)).collect(),
        Plane::U16(a) => a.iter().map(|&v| f32::from(v)).collect(),
        Plane::F32(a) => a.iter().copied().collect(),
    };
    values.sort_unstable_by(|a, b| b.total_cmp(a));
    let bright = values.partition_point(|v| *v > 15.0 * counts_scale as f32);
    f64::from(values[(bright as f64 * share) as usize]) / counts_scale
}

#[test]
fn saturation_is_measured_told_and_kept_out_of_the_scale() {
    for (share, of_post) in [(0.01, true), (0.03, false), (0.12, true), (0.2, false)] {
        let name = format!("saturation {share} {of_post}");
        let (outcomes, right, doubted) = family(&name, |seed| {
            let (pixel, counts_scale) = [
                (PixelType::U8, 1.0),
                (PixelType::U16, 16.0),
                (PixelType::F32, 0.01),
            ][(seed % 3) as usize];
            let recipe = Recipe {
                pixel,
                counts_scale,
                brightness: 0.7,
                ..base(seed)
            };
            let world = World::new(&recipe).expect("a world");
            let image = if of_post {
                world.render_post()
            } else {
                world.render_pre()
            };
            // A plateau somewhere below the full scale.
            let level = quantile(&image, share, counts_scale).round();
            let clip = |wanted: bool| wanted.then_some(level);
            Recipe {
                post_clip: clip(of_post),
                pre_clip: clip(!of_post),
                ..recipe
            }
        });
        for outcome in &outcomes {
            let pixels = outcome
                .manifest
                .pixels
                .as_ref()
                .expect("they were looked at");
            let image = if of_post { &pixels.post } else { &pixels.pre };
            let found = image.saturation.expect("a level");
            assert!((found.share / share - 1.0).abs() < 0.5, "{name}: {found:?}");
            assert_eq!(
                outcome.status.to_string().contains("saturated"),
                share > 0.06,
                "{name}"
            );
        }
        let all = outcomes.len();
        assert!(right as f64 >= 0.9 * all as f64, "{name}: {right} of {all}");
        assert!(share < 0.06 || doubted == all);
    }
}

#[test]
fn the_case_of_hot_pixels_is_right() {
    let Some(folder) = e2m_testing::shared("cases/pairs/hot-pixels") else {
        return;
    };
    let truth = std::fs::read_to_string(folder.join("truth.json")).expect("a truth");
    let truth: serde_json::Value = serde_json::from_str(&truth).expect("JSON");
    let rows: [[f64; 3]; 3] = serde_json::from_value(truth["H"].clone()).expect("a matrix");
    let truth_warp = e2m_image::Warp::new(rows).expect("a warp");
    let out = tempfile::tempdir().expect("a folder");
    let raw = |side: &str| folder.join(format!("raw/A/A_{side}Stain_DAPI.tif"));
    let spec = task(out.path(), "A", "DAPI", &raw("Post"), &raw("Pre"), small());
    let first = run_task(&spec, &mut Unobserved);
    let manifest = first.manifest.expect("a manifest");
    let warp = manifest
        .canvas
        .warp_to_raw(&manifest.warps.finest().expect("a warp"));
    let size = e2m_image::Size::new(manifest.inputs.post.width, manifest.inputs.post.height);
    let error = warp.mean_distance(&truth_warp, size);
    assert!(error < RIGHT_PX, "{error} {}", first.status);
    let gain = truth["gain"].as_f64().expect("a gain");
    let scale = manifest.scales.moffat.as_ref().expect("a scale").value;
    assert!((scale / gain - 1.0).abs() < RIGHT_SHARE, "{scale}");
    // It is on record, and looked at again it is the same.
    assert!(manifest.pixels.as_ref().expect("looked at").post.hot_pixels > 500);
    let again = run_task(&spec, &mut Unobserved);
    assert_eq!(again.status, first.status);
    assert_eq!(again.manifest.expect("a manifest").pixels, manifest.pixels);
}
