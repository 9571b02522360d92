//! Draws every picture from synthetic data into the folder given as argument, and says how long each took.
//!
//! `cargo run --release -p e2m-plot --example gallery -- /tmp/gallery`

mod synthetic;

use e2m_plot::{
    PlotError, Preview, ResidualArrow, ResidualPicture, Title, draw_registration_residual,
};
use std::error::Error;
use std::path::{Path, PathBuf};
use std::time::Instant;
use synthetic::{Noise, Section};

/// Where the pictures go.
struct Gallery {
    folder: PathBuf,
}

impl Gallery {
    fn hang(
        &self,
        name: &str,
        draw: impl FnOnce() -> Result<Vec<u8>, PlotError>,
    ) -> Result<(), Box<dyn Error>> {
        let start = Instant::now();
        let png = draw()?;
        let took = start.elapsed();
        std::fs::write(self.folder.join(format!("{name}.png")), &png)?;
        println!(
            "{name:32} {:4} ms {:5} kB",
            took.as_millis(),
            png.len() / 1024
        );
        Ok(())
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args().nth(1).ok_or("which folder?")?;
    std::fs::create_dir_all(Path::new(&folder))?;
    let gallery = Gallery {
        folder: folder.into(),
    };
    residuals(&gallery)
}

fn title() -> Title {
    Title {
        sample: "CD070".into(),
        dye: "SybrGld".into(),
    }
}

/// The canvas of a 30,000 x 25,000 px pair, a 2:1 strip, a portrait, and sparse or missing data.
fn residuals(gallery: &Gallery) -> Result<(), Box<dyn Error>> {
    for (name, width, height, scale, share) in [
        ("registration_residual", 1600, 1365, 0.02, 1.0),
        ("registration_residual_wide", 1600, 800, 3.0, 1.0),
        ("registration_residual_portrait", 640, 1500, 0.2, 1.0),
        ("registration_residual_empty", 1600, 1365, 0.0, 0.0),
    ] {
        let section = Section {
            width,
            height,
            factor: 21.25,
        };
        let arrows = arrows(&section, scale, share);
        let post = section.image((0.0, 0.0), 0.0, 3.0);
        let picture = ResidualPicture {
            title: &title(),
            post: Preview {
                pixels: post.view(),
                factor: section.factor,
            },
            arrows: &arrows,
        };
        gallery.hang(name, || draw_registration_residual(&picture))?;
    }
    Ok(())
}

/// Check tiles on a shaken grid with a swirl of `scale` px, one outlier, and some that could not be measured.
fn arrows(section: &Section, scale: f64, share: f64) -> Vec<ResidualArrow> {
    let mut noise = Noise::new(3);
    let (w, h) = (
        section.width as f64 * section.factor,
        section.height as f64 * section.factor,
    );
    let mut arrows = Vec::new();
    for i in 0..(100.0 * share) as usize {
        let x = w * (0.1 + 0.08 * (i % 10) as f64 + 0.08 * noise.uniform());
        let y = h * (0.1 + 0.08 * (i / 10) as f64 + 0.08 * noise.uniform());
        let (u, v) = (2.0 * x / w - 1.0, 2.0 * y / h - 1.0);
        if u.hypot(v) > 0.74 {
            continue;
        }
        let worst = if i == 34 { 5.0 } else { 1.0 };
        arrows.push(ResidualArrow {
            x,
            y,
            dx: worst * scale * (-v + 0.4 * noise.normal()),
            dy: worst * scale * (u + 0.4 * noise.normal()),
            ok: noise.uniform() > 0.08,
        });
    }
    arrows
}
