//! Small copies of pictures: reduced, and with a palette or as JPEG.

use color_quant::NeuQuant;
use image::codecs::jpeg::JpegEncoder;
use image::imageops::{FilterType, replace, resize};
use image::{ExtendedColorType, ImageEncoder as _, Rgb, RgbImage};
use std::collections::HashMap;
use std::error::Error;
use std::fs;
use std::io::BufWriter;
use std::path::{Path, PathBuf};

/// Width of a copy, px.
const WIDTH: u32 = 640;
/// Colours of a copy.
const COLOURS: usize = 256;
/// Most pixels of like colour that the palette is made from, so that thin lines and legends count beside large areas.
const LIKE_PIXELS: u32 = 200;
/// Quality of a JPEG, of 100.
const QUALITY: u8 = 70;
/// What lies between the halves of a comparison, px.
const DIVIDER: u32 = 3;
const OPAQUE: u8 = 255;

/// What is compared: how the names of the two images begin, and of the copy.
const COMPARED: [[&str; 3]; 2] = [
    ["comparison_post", "comparison_aligned_pre", "comparison"],
    ["close_ups_post", "close_ups_aligned_pre", "close_ups"],
];

/// Keeps the pictures of `drawn` as `{name}_{stem}`, each pair that is to be compared as one image.
pub(crate) fn keep(drawn: &Path, name: &str, folder: &Path) -> Result<(), Box<dyn Error>> {
    fs::create_dir_all(folder)?;
    let mut compared: HashMap<String, PathBuf> = HashMap::new();
    for entry in fs::read_dir(drawn)? {
        let path = entry?.path();
        // Tables lie beside the pictures.
        if !path.extension().is_some_and(|e| e == "png" || e == "jpg") {
            continue;
        }
        let stem = stem(&path);
        if COMPARED
            .iter()
            .any(|[post, aligned, _]| stem == *post || stem == *aligned)
        {
            compared.insert(stem, path);
            continue;
        }
        let picture = resized(&image::open(&path)?.into_rgb8());
        write_png(&picture, &folder.join(format!("{name}_{stem}.png")))?;
    }
    for [post, aligned, stem] in COMPARED {
        if let (Some(post), Some(aligned)) = (compared.get(post), compared.get(aligned)) {
            let halves = divided(post, aligned)?;
            write_jpeg(&halves, &folder.join(format!("{name}_{stem}.jpg")))?;
        }
    }
    Ok(())
}

/// The name of a picture without what says how its task was set.
fn stem(path: &Path) -> String {
    let name = path.file_stem().unwrap_or_default().to_string_lossy();
    name.split("_pad").next().unwrap_or_default().to_owned()
}

fn resized(picture: &RgbImage) -> RgbImage {
    let width = WIDTH.min(picture.width());
    let height = (picture.height() * width).div_ceil(picture.width().max(1));
    resize(picture, width, height, FilterType::Lanczos3)
}

/// Post on the left and aligned pre on the right, as the report shows them with its divider in the middle.
fn divided(post: &Path, aligned: &Path) -> Result<RgbImage, Box<dyn Error>> {
    let mut left = resized(&image::open(post)?.into_rgb8());
    let right = resized(&image::open(aligned)?.into_rgb8());
    let (middle, height) = (left.width() / 2, left.height());
    let half = image::imageops::crop_imm(&right, middle, 0, right.width() - middle, height);
    replace(&mut left, &half.to_image(), i64::from(middle), 0);
    let line = RgbImage::from_pixel(DIVIDER, height, Rgb([255, 255, 255]));
    replace(&mut left, &line, i64::from(middle - DIVIDER / 2), 0);
    Ok(left)
}

fn write_jpeg(picture: &RgbImage, path: &Path) -> Result<(), Box<dyn Error>> {
    let file = BufWriter::new(fs::File::create(path)?);
    let grey = image::imageops::grayscale(picture);
    JpegEncoder::new_with_quality(file, QUALITY).write_image(
        &grey,
        grey.width(),
        grey.height(),
        ExtendedColorType::L8,
    )?;
    Ok(())
}

/// Writes a PNG of [`COLOURS`] colours, of which black and white are exact.
fn write_png(picture: &RgbImage, path: &Path) -> Result<(), Box<dyn Error>> {
    let palette = palette(picture);
    let indices: Vec<u8> = picture
        .pixels()
        .map(|&Rgb([r, g, b])| palette.index_of(&[r, g, b, OPAQUE]) as u8)
        .collect();
    let mut colours = palette.color_map_rgb();
    for exact in [[0; 3], [255; 3]] {
        let [r, g, b] = exact;
        let nearest = 3 * palette.index_of(&[r, g, b, OPAQUE]);
        colours[nearest..nearest + 3].copy_from_slice(&exact);
    }
    let file = BufWriter::new(fs::File::create(path)?);
    let mut encoder = png::Encoder::new(file, picture.width(), picture.height());
    encoder.set_color(png::ColorType::Indexed);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_palette(colours);
    encoder.set_compression(png::Compression::High);
    encoder.set_filter(png::Filter::NoFilter);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(&indices)?;
    writer.finish()?;
    Ok(())
}

fn palette(picture: &RgbImage) -> NeuQuant {
    let mut seen: HashMap<[u8; 3], u32> = HashMap::new();
    let mut pixels = Vec::new();
    for &Rgb([r, g, b]) in picture.pixels() {
        let like = seen.entry([r, g, b].map(|value| value >> 4)).or_default();
        *like += 1;
        if *like <= LIKE_PIXELS {
            pixels.extend([r, g, b, OPAQUE]);
        }
    }
    NeuQuant::new(1, COLOURS, &pixels)
}
