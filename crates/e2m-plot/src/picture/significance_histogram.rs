//! `significance_histogram`: how the significance is distributed, against the normal curve.

use super::histograms::{PAGE_PX, PANEL_HEIGHT_PX, POST, PRE, count_axis};
use crate::draw::axis::{Axis, Scale};
use crate::draw::colour::INK;
use crate::draw::frame::PanelFrame;
use crate::draw::legend::{Entry, Legend, Sign};
use crate::draw::number::{short, whole};
use crate::draw::page::{Header, Style, write_reason};
use crate::draw::sheet::{Shape, Sheet};
use crate::draw::steps::Steps;
use crate::draw::surface::Pen;
use crate::draw::text::Fonts;
use crate::{PlotError, Title};

/// What [`draw_significance_histogram`] draws.
#[derive(Debug, Clone, Copy)]
pub struct SignificanceHistogramPicture<'a> {
    /// Sample and dye.
    pub title: &'a Title,
    /// Where the first step of both histograms begins.
    pub low: f64,
    /// Width of a step.
    pub step: f64,
    /// Pixels of the section without microbes, by their significance.
    pub background: &'a [u64],
    /// All pixels of the section.
    pub all: &'a [u64],
    /// Mean of the significance over the section without microbes.
    pub mean: f64,
    /// Its standard deviation.
    pub std_dev: f64,
    /// The significance from which on an object is a microbe.
    pub threshold: f64,
}

/// Draws the significance of all pixels of the section and of those without microbes, and the normal curve of as many pixels,
/// with logarithmic counts: a PNG of 1,400 px width.
///
/// # Errors
/// [`PlotError`] if the picture cannot be encoded.
pub fn draw_significance_histogram(
    picture: &SignificanceHistogramPicture<'_>,
) -> Result<Vec<u8>, PlotError> {
    let SignificanceHistogramPicture { low, step, .. } = *picture;
    let value = |place: f64| low + (place + 0.5) * step;
    let steps = |counts: &[u64]| Steps::of(counts, 0..counts.len(), 2, value);
    let high = low + step * picture.all.len() as f64;
    let style = Style::for_width(PAGE_PX);
    let fonts = Fonts::new()?;
    let pixels: u64 = picture.background.iter().sum();
    let most = steps(picture.all).highest();
    let label = format!("pixels per {}", short(2.0 * step));
    let y = count_axis(most, true, &label);
    let x = Axis::new(
        low,
        high,
        Scale::Linear,
        "significance (standard deviations)",
    );
    let header = Header::new(picture.title, "significance").line(format!(
        "{} pixels of section without microbes: mean {:.3}, standard deviation {:.3}",
        whole(pixels),
        picture.mean,
        picture.std_dev,
    ));
    let normal = Pen::solid(INK, style.hair * 1.2);
    let threshold = Pen::dashed(INK, style.hair);
    let legend = Legend {
        entries: vec![
            Entry::new(Sign::Patch(POST, 0.5), "all section"),
            Entry::new(Sign::Patch(PRE, 0.5), "without microbes"),
            Entry::new(Sign::Line(normal), "normal curve"),
            Entry::new(Sign::Line(threshold), "threshold"),
        ],
    };
    let sheet = Sheet::new(
        style,
        &fonts,
        (header, legend),
        None,
        &Shape::High(PANEL_HEIGHT_PX),
        |rect| PanelFrame::new(rect, x.clone(), y.clone(), (9, 5)),
    );
    let mut surface = sheet.begin(fonts)?;
    sheet.frame.draw_grid(&mut surface, &style);
    for (counts, colour) in [(picture.all, POST), (picture.background, PRE)] {
        let pen = Pen::solid(colour, style.hair);
        steps(counts).draw(&mut surface, &sheet.frame, Some((colour, 0.5)), Some(pen));
    }
    let height = pixels as f64 * 2.0 * step / std::f64::consts::TAU.sqrt();
    let curve: Vec<(f64, f64)> = (0..=2 * picture.all.len())
        .map(|i| low + 0.5 * step * i as f64)
        .map(|u| (u, height * (-0.5 * u * u).exp()))
        .filter(|(_, count)| *count >= sheet.frame.y.low)
        .collect();
    sheet.frame.polyline(&mut surface, &curve, normal);
    let line = [
        (picture.threshold, sheet.frame.y.low),
        (picture.threshold, sheet.frame.y.high),
    ];
    sheet.frame.polyline(&mut surface, &line, threshold);
    sheet.furnish(&mut surface);
    if most == 0.0 {
        write_reason(&mut surface, &style, sheet.frame.rect, "no data");
    }
    surface.into_png()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decoded::Decoded;

    fn draw(background: &[u64], all: &[u64]) -> Decoded {
        let title = Title {
            sample: "CD070".into(),
            dye: "DAPI".into(),
            ..Title::default()
        };
        let png = draw_significance_histogram(&SignificanceHistogramPicture {
            title: &title,
            low: -12.0,
            step: 0.1,
            background,
            all,
            mean: 0.01,
            std_dev: 0.99,
            threshold: 5.0,
        })
        .expect("draws");
        Decoded::of(&png)
    }

    #[test]
    fn microbes_stand_out_from_the_background_in_their_own_colour() {
        let normal = |i: usize| {
            let u = -12.0 + 0.1 * (i as f64 + 0.5);
            (1e6 * (-0.5 * u * u).exp()) as u64
        };
        let background: Vec<u64> = (0..240).map(normal).collect();
        let mut all = background.clone();
        all[200..230].fill(1000);
        let colours = |picture: &Decoded| {
            let pixels =
                (0..picture.height()).flat_map(|y| (0..picture.width).map(move |x| (x, y)));
            let orange = pixels.filter(|&(x, y)| {
                let [r, g, b] = picture.pixel(x, y);
                r > 180 && g > 90 && g < 190 && b < 170 && r > b + 60
            });
            orange.count()
        };
        let (with, without) = (draw(&background, &all), draw(&background, &background));
        assert!(colours(&with) > colours(&without) + 2000);
    }

    #[test]
    fn nothing_is_drawn_as_such() {
        assert_eq!(draw(&[0; 240], &[0; 240]).width, PAGE_PX as usize);
        assert_eq!(draw(&[], &[]).width, PAGE_PX as usize);
    }
}
