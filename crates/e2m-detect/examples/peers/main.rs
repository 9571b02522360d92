//! Writes generated pairs with their truth and the objects of e2m-detect, for other programs to be held against:
//! `cargo xtask detect --peers` runs it, and then peers.py.
//!
//! Each pair becomes a folder with `difference.npy` and `noise.npy` (float32: the difference without its background field, and the
//! standard deviation of each pixel), `truth.csv` and `own.csv`.
#![expect(clippy::print_stdout, reason = "an example tells what it does")]

#[path = "../../tests/generated/pairs.rs"]
mod pairs;

use e2m_detect::{Catalogue, DetectOptions, effective_area};
use e2m_image::Size;
use ndarray::Array2;
use pairs::{EMPTY, KINDS, Pair, flux};
use std::fmt::Write as _;
use std::io::{Error, Result, Write as _};
use std::path::{Path, PathBuf};
use std::time::Instant;

const SIZE: Size = Size::new(1200, 900);

fn main() -> Result<()> {
    let mut arguments = std::env::args_os().skip(1);
    let usage = || Error::other("usage: peers FOLDER SEEDS");
    let folder = PathBuf::from(arguments.next().ok_or_else(usage)?);
    let seeds = arguments.next().ok_or_else(usage)?;
    let seeds: u64 = seeds.to_string_lossy().parse().map_err(Error::other)?;
    for seed in 0..seeds {
        for kind in KINDS {
            write(
                &folder,
                &format!("{} {seed}", kind.name),
                &kind.pair(SIZE, 200 + seed),
            )?;
        }
        for kind in EMPTY {
            let name = format!("none, {} {seed}", kind.name);
            write(&folder, &name, &kind.empty_pair(SIZE, 200 + seed))?;
        }
    }
    Ok(())
}

fn write(folder: &Path, name: &str, pair: &Pair) -> Result<()> {
    let folder = folder.join(name);
    std::fs::create_dir_all(&folder)?;
    let options = DetectOptions {
        injections: 0,
        ..DetectOptions::default()
    };
    let start = Instant::now();
    let catalogue = pair.search(&options);
    let seconds = start.elapsed().as_secs_f64();
    let loose = DetectOptions {
        detect_sigma: 3.5,
        ..options
    };
    let all = pair.search(&loose);
    // Others get what they need to do their best: the difference without data set to 0, and the true background.
    let scale = pair.facts.scale as f32;
    let mut difference = &pair.post - &(&pair.aligned * scale);
    difference.zip_mut_with(&pair.mask, |d, &m| *d = if m == 0 { *d } else { 0.0 });
    let noise = pair
        .aligned
        .mapv(|b| catalogue.noise.variance(scale * b, 0.0, 0.0).sqrt());
    npy(&folder.join("difference.npy"), &difference)?;
    npy(&folder.join("noise.npy"), &noise)?;
    std::fs::write(folder.join("truth.csv"), truth(pair, &catalogue))?;
    std::fs::write(folder.join("own.csv"), own(&catalogue))?;
    std::fs::write(folder.join("own_all.csv"), own(&all))?;
    std::fs::write(folder.join("seconds.txt"), format!("{seconds}\n"))?;
    println!(
        "{name}: {} objects in {seconds:.2} s",
        catalogue.objects.len()
    );
    Ok(())
}

fn truth(pair: &Pair, catalogue: &Catalogue) -> String {
    let mut text = String::from("x,y,flux,ideal,reach\n");
    let middle = |values: &mut Vec<f32>| {
        values.sort_unstable_by(f32::total_cmp);
        values.get(values.len() / 2).copied().unwrap_or_default()
    };
    let mut bright: Vec<f32> = pair.aligned.iter().copied().filter(|b| *b > 5.0).collect();
    let typical = middle(&mut bright) * pair.facts.scale as f32;
    let noise = f64::from(catalogue.noise.variance(typical, 0.0, 0.0)).sqrt();
    for m in &pair.microbes {
        let ideal = flux(m) / (noise * effective_area(m.sigma, m.length).sqrt());
        let reach = f64::max(2.0, m.sigma + 0.5 * m.length);
        let _ = writeln!(text, "{},{},{},{ideal},{reach}", m.x, m.y, flux(m));
    }
    text
}

fn own(catalogue: &Catalogue) -> String {
    let mut text = String::from("x,y,flux,significance\n");
    for o in catalogue.microbes() {
        let _ = writeln!(text, "{},{},{},{}", o.x_px, o.y_px, o.flux, o.significance);
    }
    text
}

/// An array in numpy's own format, version 1.0.
fn npy(path: &Path, array: &Array2<f32>) -> Result<()> {
    let (rows, columns) = array.dim();
    let mut header =
        format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({rows}, {columns}), }}");
    while (10 + header.len() + 1) % 64 != 0 {
        header.push(' ');
    }
    header.push('\n');
    let mut file = std::io::BufWriter::new(std::fs::File::create(path)?);
    file.write_all(b"\x93NUMPY\x01\x00")?;
    file.write_all(&(header.len() as u16).to_le_bytes())?;
    file.write_all(header.as_bytes())?;
    for value in array {
        file.write_all(&value.to_le_bytes())?;
    }
    file.flush()
}
