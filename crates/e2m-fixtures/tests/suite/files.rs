//! Recipes as files and pairs as files.

use e2m_fixtures::{
    Channels, Compression, DEMO, FixtureError, Recipe, Side, TiffLayout, Truth, World, recipes_in,
    shipped_names, write_pair, write_pair_as,
};
use e2m_image::{PixelType, Plane};
use std::fs::File;
use std::path::{Path, PathBuf};
use tiff::ColorType;
use tiff::decoder::{Decoder, DecodingResult};

fn shipped_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures")
}

#[test]
fn every_recipe_of_the_folder_is_built_in_and_makes_a_world() {
    let folder = recipes_in(&shipped_folder()).expect("the folder reads");
    let mut built_in: Vec<&str> = shipped_names().collect();
    built_in.sort_unstable();
    let in_folder: Vec<&str> = folder.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(built_in, in_folder);
    for (name, recipe) in &folder {
        assert_eq!(&Recipe::shipped(name).expect("reads"), recipe);
        assert!(!recipe.description.is_empty(), "{name}");
        let small = recipe.resized_to_width(260);
        let world = World::new(&small).expect(name);
        let post = world.render_post();
        assert_eq!(post.size(), small.post_size());
        let enough = !recipe.belongs_together() || world.truth().points.len() >= 400;
        assert!(enough, "{name}: {} points", world.truth().points.len());
    }
    for task in DEMO {
        assert!(shipped_names().any(|name| name == task.recipe));
    }
}

#[test]
fn the_list_of_recipes_is_complete() {
    let list = std::fs::read_to_string(shipped_folder().join("README.md")).expect("reads");
    for name in shipped_names() {
        let recipe = Recipe::shipped(name).expect("reads");
        let row = format!("| `{name}` | {} |", recipe.description);
        assert!(list.contains(&row), "fixtures/README.md lacks\n{row}");
    }
}

#[test]
fn an_unknown_key_is_named_together_with_its_file() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("typo.toml");
    std::fs::write(&path, "width = 300\nrotation_degrees = 3\n").expect("writes");
    let message = Recipe::from_file(&path).expect_err("a typo").to_string();
    for part in ["typo.toml", "rotation_degrees", "rotation_deg"] {
        assert!(message.contains(part), "{message}");
    }
    let nested = Recipe::from_toml("dust = { specs = 3 }").expect_err("a typo");
    assert!(nested.to_string().contains("specs"), "{nested}");
    let missing = Recipe::from_file(&dir.path().join("none.toml")).expect_err("no file");
    assert!(missing.to_string().contains("none.toml"));
}

#[test]
fn senseless_values_are_refused_by_name() {
    let refused = |recipe: Recipe, key: &str| {
        let error = World::new(&recipe).expect_err(key);
        assert!(error.to_string().contains(key), "{error}");
    };
    let plain = Recipe::default;
    refused(
        Recipe {
            width: 0,
            ..plain()
        },
        "width",
    );
    refused(
        Recipe {
            gain: -1.0,
            ..plain()
        },
        "gain",
    );
    refused(
        Recipe {
            magnification: f64::NAN,
            ..plain()
        },
        "magnification",
    );
    let toml = "uptake = { share = 25, counts = 3.0 }";
    refused(Recipe::from_toml(toml).expect("reads"), "uptake.share");
    let toml = "width = 500\ndeformation = { amplitude_px = 90.0 }";
    refused(
        Recipe::from_toml(toml).expect("reads"),
        "deformation.amplitude_px",
    );
    let unknown = Recipe::shipped("cleen").expect_err("a typo").to_string();
    assert!(unknown.contains("cleen") && unknown.contains("clean"));
}

#[test]
fn images_of_one_pixel_are_made_too() {
    let recipe = Recipe {
        width: 1,
        height: 1,
        ..Recipe::default()
    };
    let world = World::new(&recipe).expect("a world");
    assert_eq!(world.render_post().size(), recipe.post_size());
    assert_eq!(world.render_pre().size(), recipe.post_size());
}

/// What the tiff crate reads: its color type and the samples as floats.
fn read(path: &Path) -> (ColorType, Vec<f32>) {
    let mut decoder = Decoder::new(File::open(path).expect("opens")).expect("a TIFF");
    let color = decoder.colortype().expect("a color type");
    let samples = match decoder.read_image().expect("pixels") {
        DecodingResult::U8(v) => v.into_iter().map(f32::from).collect(),
        DecodingResult::U16(v) => v.into_iter().map(f32::from).collect(),
        DecodingResult::F32(v) => v,
        _ => panic!("another type of pixel"),
    };
    (color, samples)
}

fn values(plane: &Plane) -> Vec<f32> {
    match plane {
        Plane::U8(a) => a.iter().map(|&v| f32::from(v)).collect(),
        Plane::U16(a) => a.iter().map(|&v| f32::from(v)).collect(),
        Plane::F32(a) => a.iter().copied().collect(),
    }
}

#[test]
fn tiffs_read_back_as_rendered_in_every_layout() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("image.tif");
    let pixels = [
        (PixelType::U8, 1.0),
        (PixelType::U16, 200.0),
        (PixelType::F32, 0.25),
    ];
    let layouts = [
        (Compression::None, 32),
        (Compression::Lzw, 7),
        (Compression::Deflate, 1000),
    ];
    let channels = [
        Channels::Grey,
        Channels::Red,
        Channels::Green,
        Channels::Blue,
        Channels::GreenBlue,
    ];
    for (pixel, counts_scale) in pixels {
        for (compression, rows_per_strip) in layouts {
            for channels in channels {
                let tiff = TiffLayout {
                    compression,
                    rows_per_strip,
                };
                let recipe = Recipe {
                    width: 123,
                    height: 97,
                    pixel,
                    counts_scale,
                    channels,
                    tiff,
                    ..Recipe::default()
                };
                let world = World::new(&recipe).expect("a world");
                world.write_tiff(Side::Post, &path).expect("writes");
                check(&path, &recipe, &values(&world.render_post()));
            }
        }
    }
}

fn check(path: &Path, recipe: &Recipe, signal: &[f32]) {
    let (color, samples) = read(path);
    let bits = 8 * recipe.pixel.bytes() as u8;
    if recipe.channels == Channels::Grey {
        assert_eq!(color, ColorType::Gray(bits));
        assert!(samples == signal);
        return;
    }
    assert_eq!(color, ColorType::RGB(bits));
    let mut sums = [0.0f64; 3];
    for (rgb, &signal) in samples.chunks_exact(3).zip(signal) {
        assert!(
            (rgb[0] + rgb[1] + rgb[2] - signal).abs() < 1e-4,
            "{rgb:?} for {signal}"
        );
        for (sum, &v) in sums.iter_mut().zip(rgb) {
            *sum += f64::from(v);
        }
    }
    let active = sums.map(|sum| sum > 0.0);
    let expected = match recipe.channels {
        Channels::Red => [true, false, false],
        Channels::Green => [false, true, false],
        Channels::Blue => [false, false, true],
        Channels::GreenBlue | Channels::Grey | Channels::GreyRgb | Channels::GreyPalette => {
            [false, true, true]
        }
    };
    assert_eq!(active, expected);
}

#[test]
fn a_pair_is_two_images_and_their_truth() {
    let dir = tempfile::tempdir().expect("a folder");
    let recipe = Recipe::shipped("different_sizes")
        .expect("reads")
        .resized_to_width(300);
    let pair = write_pair(&recipe, dir.path(), "CD070", "DAPI").expect("writes");
    assert_eq!(pair.post, dir.path().join("CD070/CD070_PostStain_DAPI.tif"));
    assert_eq!(pair.pre, dir.path().join("CD070/CD070_PreStain_DAPI.tif"));
    let truth = Truth::read(&pair.truth).expect("reads");
    assert!(truth == World::new(&recipe).expect("a world").truth());
    assert_eq!((truth.post_size.width, truth.pre_size.width), (300, 336));

    let names = e2m_fixtures::FileNames {
        post: "post-{sample}_{dye}.TIFF".into(),
        ..e2m_fixtures::FileNames::default()
    };
    let pair = write_pair_as(&recipe, dir.path(), "x", "Cy5", &names).expect("writes");
    assert_eq!(pair.post, dir.path().join("x/post-x_Cy5.TIFF"));
    let blocked = dir.path().join("x/post-x_Cy5.TIFF");
    let error = write_pair(&recipe, &blocked, "s", "d").expect_err("not a folder");
    assert!(matches!(error, FixtureError::Io { .. }));
}

#[test]
fn a_recipe_survives_toml_and_keeps_its_proportions() {
    for name in shipped_names() {
        let recipe = Recipe::shipped(name).expect("reads");
        let text = toml::to_string(&recipe).expect("writes");
        assert_eq!(Recipe::from_toml(&text).expect("reads"), recipe, "{name}");
    }
    let recipe = Recipe::shipped("different_sizes")
        .expect("reads")
        .resized_to_width(1000);
    assert_eq!((recipe.width, recipe.height), (1000, 800));
    assert_eq!(
        (recipe.pre_width, recipe.pre_height),
        (Some(1120), Some(745))
    );
}
