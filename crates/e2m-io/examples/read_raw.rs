//! Reads raw images in bands, as a run does, and says how long that takes:
//!
//! `cargo run --release --example read_raw -- FILE ...`

use e2m_image::{BandSource, default_band_rows};
use e2m_io::RawImage;
use ndarray::{Array2, s};
use std::error::Error;
use std::path::Path;
use std::time::Instant;

fn main() -> Result<(), Box<dyn Error>> {
    for path in std::env::args().skip(1) {
        let start = Instant::now();
        let mut image = RawImage::open(Path::new(&path))?;
        let opened = start.elapsed();
        let choice = image.choose_alone()?;
        let size = image.info().size;
        let rows = default_band_rows(size.width).min(size.height);
        let mut bands = image.bands(&choice)?;
        let mut band = Array2::zeros((rows, size.width));
        let mut sum = 0.0;
        for first in (0..size.height).step_by(rows) {
            let mut band = band.slice_mut(s![..rows.min(size.height - first), ..]);
            bands.read_band(first, band.view_mut())?;
            sum += band.iter().map(|&pixel| f64::from(pixel)).sum::<f64>();
        }
        let held = image.info().decoding_bytes();
        say(&format!(
            "{path}: {size} px, opened in {opened:.2?}, read in {:.2?}, mean {:.3}, {held} bytes held by plan",
            start.elapsed(),
            sum / size.pixels() as f64,
        ));
    }
    Ok(())
}

#[expect(clippy::print_stdout, reason = "an example is a program")]
fn say(text: &str) {
    println!("{text}");
}
