//! Draws every picture from synthetic data into the folder given as argument, and says how long each took.
//!
//! `cargo run --release -p e2m-plot --example gallery -- /tmp/gallery`

#![expect(clippy::print_stdout, reason = "an example tells what it measured")]

mod counted;
mod synthetic;

use counted::Pair;
use e2m_plot::{
    Contour, DifferenceHistogramPicture, DifferenceImagePicture, ExcessHeatmapPicture,
    FineAlignmentPicture, PlotError, PrePostHeatmapPicture, PrePostHistogramsPicture, Preview,
    RatioHistogramPicture, RegistrationPicture, ResidualArrow, ResidualPicture, ScaleLine,
    ScaleMethod, Title, draw_difference_histogram, draw_difference_image, draw_excess_heatmap,
    draw_fine_alignment, draw_pre_post_heatmap, draw_pre_post_histograms, draw_ratio_histogram,
    draw_registration, draw_registration_residual,
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
    // The canvas of a 30,000 x 25,000 px pair, a 2:1 strip, and a portrait.
    for (suffix, width, height, shift) in [
        ("", 1600, 1365, 0.02),
        ("_wide", 1600, 800, 3.0),
        ("_portrait", 640, 1500, 0.2),
    ] {
        let section = Section {
            width,
            height,
            factor: 21.25,
        };
        images(&gallery, suffix, &section, shift)?;
    }
    for (suffix, depth) in [("", 8), ("_12bit", 12), ("_16bit", 16)] {
        statistics(&gallery, suffix, &Pair::new(3000, 2500, depth))?;
    }
    statistics(&gallery, "_empty", &Pair::new(40, 30, 0))
}

fn title() -> Title {
    Title {
        sample: "CD070".into(),
        dye: "SybrGld".into(),
        um_per_px: Some([0.325, 0.325]),
    }
}

/// Registration, fine alignment and residuals.
fn images(
    gallery: &Gallery,
    suffix: &str,
    section: &Section,
    scale: f64,
) -> Result<(), Box<dyn Error>> {
    let title = title();
    let factor = section.factor;
    let post = section.image((0.0, 0.0), 0.0, 3.0);
    let pre = section.image((900.0, -500.0), 0.11, 3.0).mapv(|v| 0.7 * v);
    let aligned = section.image((25.0, 10.0), 0.001, 3.0).mapv(|v| 0.7 * v);
    let preview = |pixels| Preview { pixels, factor };
    let ring = |shift, angle| -> Vec<Contour> { vec![section.outline(shift, angle)] };
    let post_ring = ring((0.0, 0.0), 0.0);
    let coarse = ring((90.0, 60.0), 0.004);
    let registration = RegistrationPicture {
        title: &title,
        method: "boundary",
        post: preview(post.view()),
        pre: preview(pre.view()),
        aligned: preview(aligned.view()),
        post_contours: &post_ring,
        pre_contours: &ring((900.0, -500.0), 0.11),
        aligned_contours: &coarse,
    };
    gallery.hang(&format!("registration{suffix}"), || {
        draw_registration(&registration)
    })?;
    let fine = FineAlignmentPicture {
        title: &title,
        post: preview(post.view()),
        post_contours: &post_ring,
        coarse_contours: &coarse,
        refined_contours: &ring((8.0, 5.0), 0.0004),
    };
    gallery.hang(&format!("fine_alignment{suffix}"), || {
        draw_fine_alignment(&fine)
    })?;
    let arrows = arrows(section, scale);
    let residual = ResidualPicture {
        title: &title,
        post: preview(post.view()),
        origin: (0.0, 0.0),
        arrows: &arrows,
    };
    gallery.hang(&format!("registration_residual{suffix}"), || {
        draw_registration_residual(&residual)
    })?;
    let nothing = ResidualPicture {
        arrows: &[],
        ..residual
    };
    gallery.hang(&format!("registration_residual{suffix}_empty"), || {
        draw_registration_residual(&nothing)
    })
}

/// Check tiles on a shaken grid with a swirl of `scale` px, one outlier, and some that could not be measured.
fn arrows(section: &Section, scale: f64) -> Vec<ResidualArrow> {
    let mut noise = Noise::new(3);
    let (w, h) = (
        section.width as f64 * section.factor,
        section.height as f64 * section.factor,
    );
    let mut arrows = Vec::new();
    for i in 0..100 {
        let x = w * (0.1 + 0.08 * f64::from(i % 10) + 0.08 * noise.uniform());
        let y = h * (0.1 + 0.08 * f64::from(i / 10) + 0.08 * noise.uniform());
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

/// Everything that is drawn from counts of one pair, at full resolution.
fn statistics(gallery: &Gallery, suffix: &str, pair: &Pair) -> Result<(), Box<dyn Error>> {
    let title = title();
    let (joint, differences, aligned) = pair.statistics();
    let scales = [
        (ScaleMethod::Moffat, pair.scale),
        (ScaleMethod::Percentile(50.0), pair.scale * 1.06),
        (ScaleMethod::Manual, pair.scale * 1.2),
    ]
    .map(|(method, value)| ScaleLine {
        method,
        value,
        offset: 0.0,
    });
    gallery.hang(&format!("pre_post_heatmap{suffix}"), || {
        draw_pre_post_heatmap(&PrePostHeatmapPicture {
            title: &title,
            joint: &joint,
        })
    })?;
    gallery.hang(&format!("excess_heatmap{suffix}"), || {
        draw_excess_heatmap(&ExcessHeatmapPicture {
            title: &title,
            joint: &joint,
            scales: &scales,
        })
    })?;
    let (pre, post) = pair.histograms();
    gallery.hang(&format!("pre_post_histograms{suffix}"), || {
        draw_pre_post_histograms(&PrePostHistogramsPicture {
            title: &title,
            pre: &pre,
            post: &post,
            aligned: &aligned,
        })
    })?;
    gallery.hang(&format!("difference_histogram{suffix}"), || {
        draw_difference_histogram(&DifferenceHistogramPicture {
            title: &title,
            differences: &differences,
        })
    })?;
    let (counts, fit) = pair.ratios();
    let close: Vec<f64> = pair.close_up();
    gallery.hang(&format!("ratio_histogram{suffix}"), || {
        draw_ratio_histogram(&RatioHistogramPicture {
            title: &title,
            low: -3.0,
            high: 3.0,
            counts: &counts,
            peak: fit.map(|fit| pair.peak(fit, &close)),
            scales: &scales[..if fit.is_some() { 2 } else { 0 }],
        })
    })?;
    let difference = pair.difference(2);
    gallery.hang(&format!("difference_image{suffix}"), || {
        draw_difference_image(&DifferenceImagePicture {
            title: &title,
            difference: &difference,
            method: "Moffat",
        })
    })
}
