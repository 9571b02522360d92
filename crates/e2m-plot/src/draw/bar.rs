//! The colour bar beside a panel.

use super::axis::Axis;
use super::colour::{ColourMap, INK};
use super::page::Style;
use super::surface::{Raster, Rect, Surface};
use super::text::{Align, Fonts};

/// A colour bar as tall as its panel; the axis runs from the bottom up.
#[derive(Debug, Clone)]
pub(crate) struct ColourBar {
    pub axis: Axis,
    pub map: ColourMap,
}

impl ColourBar {
    /// Width that bar, ticks and label take from the panel's right edge on, px.
    pub(crate) fn width(&self, style: &Style, fonts: &Fonts, panel_height: f64) -> f64 {
        let label = if self.axis.label.is_empty() {
            -0.9 * style.label
        } else {
            0.4 * style.label
        };
        (self.label_offset(style, fonts, panel_height) + label + style.gap * 0.8).ceil()
    }

    /// Draws the bar beside `panel`.
    pub(crate) fn draw(&self, surface: &mut Surface, style: &Style, panel: Rect) {
        let bar = Rect::new(
            (panel.right() + style.gap).round(),
            panel.top.round(),
            bar_width(style).round(),
            panel.height.round(),
        );
        let rows = bar.height as usize;
        let columns = bar.width as usize;
        let pixels = (0..rows)
            .flat_map(|row| {
                let share = 1.0 - (row as f64 + 0.5) / rows as f64;
                std::iter::repeat_n(self.map.at(share), columns)
            })
            .collect();
        let raster = Raster {
            width: columns,
            pixels,
        };
        surface.raster(bar.left as usize, bar.top as usize, &raster);
        surface.outline_rect(bar, INK, style.hair);
        for tick in self.axis.ticks(wanted(style, panel.height)) {
            let y = bar.bottom() - self.axis.share(tick.value) * bar.height;
            let mark = Rect::new(
                bar.right(),
                y - style.hair / 2.0,
                style.gap * 0.5,
                style.hair,
            );
            surface.fill_rect(mark, INK, 1.0);
            let x = bar.right() + style.gap * 0.8;
            surface.text(&tick.label, x, y + style.tick * 0.36, style.tick_text());
        }
        let x = panel.right() + self.label_offset(style, &surface.fonts, panel.height);
        let label = style.label_text().align(Align::Middle);
        let (text, label) = surface
            .fonts
            .fitted(&self.axis.label, label, panel.height * 1.1);
        surface.text(&text, x, panel.centre().1, label.upwards());
    }

    /// From the panel's right edge to the baseline of the upright label, px.
    fn label_offset(&self, style: &Style, fonts: &Fonts, panel_height: f64) -> f64 {
        let ticks = self.axis.ticks(wanted(style, panel_height));
        let widest = fonts.widest(ticks.iter().map(|t| t.label.as_str()), style.tick_text());
        style.gap * 2.2 + bar_width(style) + widest + style.label * 0.9
    }
}

fn bar_width(style: &Style) -> f64 {
    style.gap * 1.6
}

fn wanted(style: &Style, panel_height: f64) -> usize {
    ((panel_height / (style.tick * 4.0)) as usize).clamp(2, 6)
}
