//! One small image of each kind of TIFF that was found in public repositories, with the plane that is right (`cases/tiff` beside the
//! project): read rightly, or refused in words that name the cause. None is read in silence where something had to be decided.

use e2m_image::PlaneView;
use e2m_io::{ChannelRequest, RawImage};
use ndarray::Array2;
use std::path::Path;

/// The floats of a two-dimensional array as NumPy writes it.
fn npy(path: &Path) -> Array2<f32> {
    let bytes = std::fs::read(path).expect("an array");
    let length = usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
    let header = String::from_utf8_lossy(&bytes[10..10 + length]).into_owned();
    assert!(
        header.contains("'<f4'") && header.contains("'fortran_order': False"),
        "{header}"
    );
    let shape = header
        .split('(')
        .nth(1)
        .and_then(|rest| rest.split(')').next());
    let shape: Vec<usize> = shape
        .expect("a shape")
        .split(',')
        .filter_map(|n| n.trim().parse().ok())
        .collect();
    let values = bytes[10 + length..]
        .as_chunks()
        .0
        .iter()
        .map(|&b| f32::from_le_bytes(b));
    Array2::from_shape_vec((shape[0], shape[1]), values.collect()).expect("a plane")
}

/// What is refused, and a word of the reason.
const REFUSED: [(&str, &str); 1] = [("lerc", "LERC")];
/// How far lossy ones may be off.
const LOSSY: [(&str, f32); 1] = [("jpeg_jfif_said_rgb", 9.0)];
/// Of these the sum of the colours is what is right.
const SUMS: [&str; 2] = ["jpeg_jfif_said_rgb", "webp_lossless"];
/// What has to be said of them.
const SAID: [(&str, &str); 9] = [
    ("jpeg_jfif_said_rgb", "JFIF"),
    ("fillorder2_u8", "FillOrder 2"),
    ("fillorder2_u16", "FillOrder 2"),
    ("reduced_first_page", "reduced copy"),
    ("float64", "64 bit"),
    ("sparse_tiles_none", "not stored"),
    ("rgba_said_grey", "says grey"),
    ("float32_white_is_zero", "zero is white"),
    ("float32_nan", "not a number"),
];
/// Of these there is more in the file.
const OTHERS: [(&str, &str); 1] = [("two_channels_unspecified", "channel 2")];

#[test]
fn every_case_is_read_rightly_or_refused() {
    let Some(folder) = e2m_testing::shared("cases/tiff") else {
        return;
    };
    let mut names: Vec<String> = std::fs::read_dir(&folder)
        .expect("cases")
        .filter_map(|entry| {
            let name = entry
                .expect("an entry")
                .file_name()
                .into_string()
                .expect("text");
            name.strip_suffix("_PostStain_DAPI.tif").map(str::to_owned)
        })
        .collect();
    names.sort();
    assert!(names.len() > 20, "{names:?}");
    let mut wrong = Vec::new();
    for name in &names {
        if let Err(how) = check(&folder, name) {
            wrong.push(format!("{name}: {how}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn check(folder: &Path, name: &str) -> Result<(), String> {
    let of = |list: &[(&'static str, &'static str)]| {
        list.iter()
            .find(|(known, _)| *known == name)
            .map(|(_, word)| *word)
    };
    let request = if SUMS.contains(&name) {
        ChannelRequest::Sum
    } else {
        ChannelRequest::Auto
    };
    let path = folder.join(format!("{name}_PostStain_DAPI.tif"));
    let opened = RawImage::open_channel(&path, &request).and_then(|image| {
        let choice = image.choose_alone()?;
        Ok((image.load_plane(&choice)?, choice, image))
    });
    let (plane, choice, image) = match (opened, of(&REFUSED)) {
        (Err(error), Some(word)) if error.to_string().contains(word) => return Ok(()),
        (Err(error), _) => return Err(error.problem.to_string()),
        (Ok(_), Some(_)) => return Err("it was read".to_owned()),
        (Ok(opened), None) => opened,
    };
    let right = folder.join(format!("{name}.npy"));
    if right.is_file() {
        let mut right = npy(&right);
        right.mapv_inplace(|v| if v.is_finite() { v } else { 0.0 });
        let found = PlaneView::from(&plane).window(0, 0, plane.size());
        if found.dim() != right.dim() {
            return Err(format!("{:?} where {:?} belong", found.dim(), right.dim()));
        }
        let lossy = LOSSY.iter().find(|(known, _)| *known == name);
        let off = (&found - &right)
            .iter()
            .fold(0.0_f32, |most, v| most.max(v.abs()));
        if off > lossy.map_or(0.0, |(_, off)| *off) {
            return Err(format!("off by {off} as {choice}"));
        }
    }
    let mut said = image.info().remarks.clone();
    said.extend(image.alterations().sentences());
    match of(&SAID) {
        Some(word) if !said.iter().any(|text| text.contains(word)) => {
            return Err(format!("{word} is not said: {said:?}"));
        }
        _ => {}
    }
    let others = &image.info().others;
    match of(&OTHERS) {
        Some(word) if !others.iter().any(|other| other.contains(word)) => {
            Err(format!("{word} is not among {others:?}"))
        }
        None if !others.is_empty() => Err(format!("others are named: {others:?}")),
        _ => Ok(()),
    }
}
