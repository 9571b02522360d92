//! The pictures of a task, drawn, laid beside the page and handed to the report.

use crate::counted::Pair;
use crate::synthetic::{Noise, Section};
use e2m_plot::{
    Comparison, ComparisonPicture, DifferenceHistogramPicture, DifferenceImagePicture,
    ExcessHeatmapPicture, FineAlignmentPicture, PictureKind, PrePostHeatmapPicture,
    PrePostHistogramsPicture, Preview, RatioHistogramPicture, RegistrationPicture, ReportPicture,
    ReportRow, ResidualArrow, ResidualPicture, ScaleLine, ScaleMethod, TaskSection, Title,
    draw_comparison, draw_difference_histogram, draw_difference_image, draw_excess_heatmap,
    draw_fine_alignment, draw_pre_post_heatmap, draw_pre_post_histograms, draw_ratio_histogram,
    draw_registration, draw_registration_residual,
};
use std::error::Error;
use std::path::{Path, PathBuf};

/// How far a task came.
#[derive(Clone, Copy)]
pub(crate) enum Made {
    /// To the alignment.
    Alignment { shift_px: f64 },
    /// To the difference.
    All { shift_px: f64 },
}

/// The folder of the page.
pub(crate) struct Shelf<'a> {
    pub(crate) folder: &'a Path,
}

impl Shelf<'_> {
    /// Draws what the task came to; aligned pre is off by that many px.
    pub(crate) fn section(
        &self,
        row: usize,
        task: &ReportRow,
        made: Made,
    ) -> Result<TaskSection, Box<dyn Error>> {
        let title = Title {
            sample: task.sample.clone(),
            dye: task.dye.clone(),
            ..Title::default()
        };
        let (shift_px, all) = match made {
            Made::Alignment { shift_px } => (shift_px, false),
            Made::All { shift_px } => (shift_px, true),
        };
        let mut pictures = Vec::new();
        let comparison = aligned(&title, shift_px, &mut pictures)?;
        if all {
            counted(&title, &mut pictures)?;
        }
        let place = PathBuf::from(&task.sample)
            .join(&task.dye)
            .join("pipeline_output");
        std::fs::create_dir_all(self.folder.join(&place))?;
        let mut hung = Vec::new();
        for (kind, variant, png) in pictures {
            let between = if variant.is_empty() { "" } else { "_" };
            let path = place.join(format!("{}{between}{variant}.png", kind.guide().stem));
            std::fs::write(self.folder.join(&path), &png)?;
            hung.push(ReportPicture {
                kind,
                variant: variant.into(),
                png,
                path,
            });
        }
        Ok(TaskSection {
            row,
            pictures: hung,
            comparison: Some(comparison),
            close_ups: None,
        })
    }
}

type Drawn = (PictureKind, &'static str, Vec<u8>);

/// The pictures of the alignment, and the images to compare.
fn aligned(
    title: &Title,
    shift_px: f64,
    pictures: &mut Vec<Drawn>,
) -> Result<Comparison, Box<dyn Error>> {
    // The canvas of a 30,000 x 25,000 px pair.
    let section = Section {
        width: 1600,
        height: 1365,
        factor: 21.25,
    };
    let factor = section.factor;
    let preview = |pixels| Preview { pixels, factor };
    let post = section.image((0.0, 0.0), 0.0, 3.0);
    let pre = section.image((900.0, -500.0), 0.11, 3.0).mapv(|v| 0.7 * v);
    let found = section
        .image((shift_px, -0.4 * shift_px), 0.0, 3.0)
        .mapv(|v| 0.7 * v);
    let ring = |shift, angle| vec![section.outline(shift, angle)];
    let post_ring = ring((0.0, 0.0), 0.0);
    let coarse = ring((shift_px + 90.0, 60.0), 0.004);
    let registration = draw_registration(&RegistrationPicture {
        title,
        method: "boundary",
        post: preview(post.view()),
        pre: preview(pre.view()),
        aligned: preview(found.view()),
        post_contours: &post_ring,
        pre_contours: &ring((900.0, -500.0), 0.11),
        aligned_contours: &coarse,
    })?;
    let fine = draw_fine_alignment(&FineAlignmentPicture {
        title,
        post: preview(post.view()),
        post_contours: &post_ring,
        coarse_contours: &coarse,
        refined_contours: &ring((shift_px + 8.0, 5.0), 0.0004),
    })?;
    let residual = draw_registration_residual(&ResidualPicture {
        title,
        post: preview(post.view()),
        origin: (0.0, 0.0),
        arrows: &arrows(&section, 0.02 + shift_px / 85.0),
    })?;
    pictures.push((PictureKind::Registration, "", registration));
    pictures.push((PictureKind::FineAlignment, "", fine));
    pictures.push((PictureKind::RegistrationResidual, "", residual));
    let images = draw_comparison(&ComparisonPicture {
        post: preview(post.view()),
        aligned: preview(found.view()),
        um_per_px: None,
    })?;
    Ok(Comparison {
        post: images.post,
        aligned: images.aligned,
        factor: Some(images.factor),
    })
}

/// Arrows on a shaken grid that agree the more, the longer they are.
fn arrows(section: &Section, length: f64) -> Vec<ResidualArrow> {
    let mut noise = Noise::new(3);
    let side = |pixels: usize| pixels as f64 * section.factor;
    let (w, h) = (side(section.width), side(section.height));
    let mut arrows = Vec::new();
    for i in 0..100 {
        let x = w * (0.1 + 0.08 * f64::from(i % 10) + 0.08 * noise.uniform());
        let y = h * (0.1 + 0.08 * f64::from(i / 10) + 0.08 * noise.uniform());
        if (2.0 * x / w - 1.0).hypot(2.0 * y / h - 1.0) < 0.72 {
            arrows.push(ResidualArrow {
                x,
                y,
                dx: length + 0.015 * noise.normal(),
                dy: -0.4 * length + 0.015 * noise.normal(),
                ok: noise.uniform() > 0.08,
            });
        }
    }
    arrows
}

/// The pictures of brightness and difference.
fn counted(title: &Title, pictures: &mut Vec<Drawn>) -> Result<(), Box<dyn Error>> {
    let pair = Pair::new(2400, 2000, 8);
    let (joint, differences, aligned) = pair.statistics();
    let (pre, post) = pair.histograms();
    let (counts, fit) = pair.ratios();
    let scales = [
        (ScaleMethod::Moffat, pair.scale),
        (ScaleMethod::Percentile(50.0), pair.scale * 1.06),
    ]
    .map(|(method, value)| ScaleLine {
        method,
        value,
        offset: 0.0,
    });
    let heatmap = draw_pre_post_heatmap(&PrePostHeatmapPicture {
        title,
        joint: &joint,
    })?;
    let excess = draw_excess_heatmap(&ExcessHeatmapPicture {
        title,
        joint: &joint,
        scales: &scales,
    })?;
    let histograms = draw_pre_post_histograms(&PrePostHistogramsPicture {
        title,
        pre: &pre,
        post: &post,
        aligned: &aligned,
    })?;
    let close = pair.close_up();
    let ratios = draw_ratio_histogram(&RatioHistogramPicture {
        title,
        low: -3.0,
        high: 3.0,
        counts: &counts,
        peak: fit.map(|fit| pair.peak(fit, &close)),
        scales: &scales,
    })?;
    let histogram = draw_difference_histogram(&DifferenceHistogramPicture {
        title,
        differences: &differences,
    })?;
    pictures.push((PictureKind::PrePostHeatmap, "", heatmap));
    pictures.push((PictureKind::ExcessHeatmap, "", excess));
    pictures.push((PictureKind::PrePostHistograms, "", histograms));
    pictures.push((PictureKind::RatioHistogram, "", ratios));
    pictures.push((PictureKind::DifferenceHistogram, "", histogram));
    let difference = pair.difference(2);
    for (variant, method) in [("", "Moffat"), ("percentile_p50", "percentile p50")] {
        let image = draw_difference_image(&DifferenceImagePicture {
            title,
            difference: &difference,
            method,
        })?;
        pictures.push((PictureKind::DifferenceImage, variant, image));
    }
    Ok(())
}
