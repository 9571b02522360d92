//! `microbe_fluxes` and `microbe_sizes`: how bright and how long the microbes are, and which of them are found.

use super::histograms::{PAGE_PX, PANEL_HEIGHT_PX, POST, count_axis};
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

/// Bars at most; there are fewer of few microbes.
const MOST_BARS: usize = 48;
const LEAST_BARS: usize = 8;

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MicrobeQuantity {
    /// Flux, counts, on a logarithmic axis.
    Flux,
    /// Length at half maximum, px.
    Length,
}

/// What [`draw_microbe_histogram`] draws.
#[derive(Debug, Clone, Copy)]
pub struct MicrobeHistogramPicture<'a> {
    /// Sample and dye.
    pub title: &'a Title,
    /// What is counted.
    pub quantity: MicrobeQuantity,
    /// That of each microbe.
    pub values: &'a [f64],
    /// The share that is found of microbes of the median size, at some values in ascending order; empty where that is not known.
    pub found: &'a [(f64, f64)],
}

/// Draws how many microbes have which flux or length: a PNG of 1,400 px width. Where it is known, a line says which share of the
/// microbes that there are is found; it reaches the upper edge where all are.
///
/// # Errors
/// [`PlotError`] if the picture cannot be encoded.
pub fn draw_microbe_histogram(picture: &MicrobeHistogramPicture<'_>) -> Result<Vec<u8>, PlotError> {
    let style = Style::for_width(PAGE_PX);
    let fonts = Fonts::new()?;
    let (scale, name, label) = match picture.quantity {
        MicrobeQuantity::Flux => (Scale::Log, "flux", "flux (counts)"),
        MicrobeQuantity::Length => (Scale::Linear, "length", "length at half maximum (px)"),
    };
    let is_shown = |v: &f64| v.is_finite() && (scale != Scale::Log || *v > 0.0);
    let mut values: Vec<f64> = picture.values.iter().copied().filter(is_shown).collect();
    values.sort_unstable_by(f64::total_cmp);
    let steps = steps(&values, picture.found, scale);
    let most = steps.highest();
    let y = count_axis(most, false, "microbes");
    let (low, high) = steps.span().unwrap_or((1.0, 10.0));
    let x = Axis::new(low, high, scale, label);
    let middle = values.get(values.len() / 2);
    let header = Header::new(picture.title, &format!("{name} of microbes")).line(match middle {
        Some(middle) => format!(
            "{} microbes, median {}",
            whole(values.len() as u64),
            short(*middle)
        ),
        None => "no microbes".to_owned(),
    });
    let line = Pen::solid(INK, style.hair * 1.2);
    let mut entries = vec![Entry::new(Sign::Patch(POST, 0.5), "microbes")];
    if !picture.found.is_empty() {
        let text = "share that is found, upper edge: all";
        entries.push(Entry::new(Sign::Line(line), text));
    }
    let sheet = Sheet::new(
        style,
        &fonts,
        (header, Legend { entries }),
        None,
        &Shape::High(PANEL_HEIGHT_PX),
        |rect| PanelFrame::new(rect, x.clone(), y.clone(), (9, 5)),
    );
    let mut surface = sheet.begin(fonts)?;
    sheet.frame.draw_grid(&mut surface, &style);
    let pen = Pen::solid(POST, style.hair);
    steps.draw(&mut surface, &sheet.frame, Some((POST, 0.5)), Some(pen));
    let curve: Vec<(f64, f64)> = picture
        .found
        .iter()
        .map(|(value, share)| (*value, share * sheet.frame.y.high))
        .collect();
    sheet.frame.polyline(&mut surface, &curve, line);
    sheet.furnish(&mut surface);
    if values.is_empty() {
        write_reason(&mut surface, &style, sheet.frame.rect, "no microbes");
    }
    surface.into_png()
}

/// Bars of equal width on the axis, from the least to the largest of the values, which ascend, and of where the curve is below one
/// half and above nine tenths.
fn steps(values: &[f64], found: &[(f64, f64)], scale: Scale) -> Steps {
    let telling = found
        .iter()
        .filter(|(_, share)| (0.05..0.9).contains(share));
    let all = || {
        values
            .iter()
            .copied()
            .chain(telling.clone().map(|(v, _)| *v))
    };
    let to_axis = |v: f64| if scale == Scale::Log { v.ln() } else { v };
    let from_axis = |v: f64| if scale == Scale::Log { v.exp() } else { v };
    let (mut low, mut high) = all().fold((f64::MAX, f64::MIN), |(low, high), v| {
        (low.min(to_axis(v)), high.max(to_axis(v)))
    });
    if low > high {
        return Steps {
            edges: Vec::new(),
            counts: Vec::new(),
        };
    }
    let margin = (0.02 * (high - low)).max(0.05);
    (low, high) = (low - margin, high + margin);
    if scale != Scale::Log {
        low = low.max(0.0);
    }
    let bars = (values.len() / 4).clamp(LEAST_BARS, MOST_BARS);
    let width = (high - low) / bars as f64;
    let mut counts = vec![0.0; bars];
    for value in values {
        let bar = ((to_axis(*value) - low) / width).max(0.0) as usize;
        counts[bar.min(bars - 1)] += 1.0;
    }
    Steps {
        edges: (0..=bars)
            .map(|bar| from_axis(low + bar as f64 * width))
            .collect(),
        counts,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decoded::Decoded;

    #[test]
    fn every_microbe_is_in_a_bar() {
        for scale in [Scale::Log, Scale::Linear] {
            let values: Vec<f64> = (0..100).map(|i| 1.0 + f64::from(i * i)).collect();
            let steps = steps(&values, &[(0.5, 0.5)], scale);
            assert_eq!(steps.counts.iter().sum::<f64>(), 100.0);
            assert!(steps.edges[0] <= 0.5 && *steps.edges.last().expect("an edge") >= 9802.0);
            assert!(steps.edges.is_sorted());
        }
        assert!(steps(&[], &[], Scale::Log).counts.is_empty());
    }

    #[test]
    fn none_and_one_are_drawn_as_well() {
        let title = Title {
            sample: "CD070".into(),
            dye: "DAPI".into(),
            ..Title::default()
        };
        for quantity in [MicrobeQuantity::Flux, MicrobeQuantity::Length] {
            for values in [&[][..], &[3.0], &[0.0, 0.0]] {
                let png = draw_microbe_histogram(&MicrobeHistogramPicture {
                    title: &title,
                    quantity,
                    values,
                    found: &[],
                });
                assert_eq!(Decoded::of(&png.expect("draws")).width, PAGE_PX as usize);
            }
        }
    }
}
