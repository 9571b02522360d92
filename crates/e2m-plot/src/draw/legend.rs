//! The legend: a strip below the panels, so that it never hides data.

use super::colour::{BLACK, INK, WHITE};
use super::page::Style;
use super::surface::{Pen, Rect, Surface};
use super::text::Fonts;

/// The sign in front of a legend's text.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Sign {
    Line(Pen),
    /// A line on a dark ground, as it is seen on an image.
    LineOnDark(Pen),
    /// A filled area with its outline.
    Patch([u8; 3], f64),
    /// A white area with a dark outline.
    Outline,
    Triangle([u8; 3]),
    Cross([u8; 3]),
    /// An arrow of the given length, px.
    Arrow([u8; 3], f64),
}

/// A sign and what it means.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub sign: Sign,
    pub text: String,
}

impl Entry {
    pub(crate) fn new(sign: Sign, text: impl Into<String>) -> Self {
        Self {
            sign,
            text: text.into(),
        }
    }

    fn sign_width(&self, style: &Style) -> f64 {
        match self.sign {
            Sign::Line(_) | Sign::LineOnDark(_) => style.tick * 2.2,
            Sign::Patch(..) | Sign::Outline => style.tick * 1.5,
            Sign::Triangle(_) | Sign::Cross(_) => style.tick * 0.9,
            Sign::Arrow(_, length) => length.max(style.tick),
        }
    }

    fn width(&self, style: &Style, fonts: &Fonts) -> f64 {
        self.sign_width(style) + style.gap * 0.7 + fonts.width(&self.text, style.tick_text())
    }
}

/// Entries in rows, centred on the page.
#[derive(Debug, Clone, Default)]
pub(crate) struct Legend {
    pub entries: Vec<Entry>,
}

impl Legend {
    /// Height of the strip with the space around it, px.
    pub(crate) fn height(&self, style: &Style, fonts: &Fonts) -> f64 {
        let rows = self.rows(style, fonts).len() as f64;
        (style.gap * 1.4 + rows * row_height(style)).ceil()
    }

    /// Draws the strip with its upper edge at `top`.
    pub(crate) fn draw(&self, surface: &mut Surface, style: &Style, top: f64) {
        let rows = self.rows(style, &surface.fonts);
        for (i, row) in rows.iter().enumerate() {
            let width: f64 = row
                .iter()
                .map(|entry| entry.width(style, &surface.fonts))
                .sum::<f64>()
                + between(style) * (row.len() as f64 - 1.0);
            let mut x = (style.width - width) / 2.0;
            let y = top + style.gap * 0.4 + (i as f64 + 0.5) * row_height(style);
            for entry in row {
                let sign_width = entry.sign_width(style);
                draw_sign(surface, style, entry.sign, (x, y), sign_width);
                let text_x = x + sign_width + style.gap * 0.7;
                surface.text(
                    &entry.text,
                    text_x,
                    y + style.tick * 0.36,
                    style.tick_text(),
                );
                x += entry.width(style, &surface.fonts) + between(style);
            }
        }
    }

    fn rows(&self, style: &Style, fonts: &Fonts) -> Vec<Vec<&Entry>> {
        let room = style.width - 2.0 * style.gap;
        let mut rows: Vec<Vec<&Entry>> = Vec::new();
        let mut used = f64::INFINITY;
        for entry in &self.entries {
            let width = entry.width(style, fonts);
            used += between(style) + width;
            match rows.last_mut() {
                Some(row) if used <= room => row.push(entry),
                _ => {
                    rows.push(vec![entry]);
                    used = width;
                }
            }
        }
        rows
    }
}

fn between(style: &Style) -> f64 {
    style.gap * 2.4
}

fn row_height(style: &Style) -> f64 {
    style.tick * 1.5
}

/// Draws `sign` with its left end at `x`, centred on `y`.
fn draw_sign(surface: &mut Surface, style: &Style, sign: Sign, at: (f64, f64), width: f64) {
    let (x, y) = at;
    let half = style.tick * 0.42;
    let middle = x + width / 2.0;
    match sign {
        Sign::Line(pen) => surface.polyline(&[(x, y), (x + width, y)], pen),
        Sign::LineOnDark(pen) => {
            let ground = Rect::new(x, y - 1.3 * half, width, 2.6 * half);
            surface.fill_rect(ground, [60, 60, 60], 1.0);
            surface.polyline(&[(x + half, y), (x + width - half, y)], pen);
        }
        Sign::Patch(colour, alpha) => {
            let patch = Rect::new(x, y - half, width, 2.0 * half);
            surface.fill_rect(patch, colour, alpha);
            surface.outline_rect(patch, colour, style.hair);
        }
        Sign::Outline => {
            let patch = Rect::new(x, y - half, width, 2.0 * half);
            surface.outline_rect(patch, INK, style.hair);
        }
        Sign::Triangle(colour) => triangle(surface, (middle, y), half * 0.8, colour),
        Sign::Cross(colour) => cross(surface, (middle, y), half, style.hair * 1.6, colour),
        Sign::Arrow(colour, length) => {
            let middle = x + width / 2.0;
            let from = (middle - length / 2.0, y);
            arrow(
                surface,
                from,
                (middle + length / 2.0, y),
                style.hair * 2.0,
                colour,
            );
        }
    }
}

/// A triangle pointing up.
pub(crate) fn triangle(surface: &mut Surface, at: (f64, f64), half: f64, colour: [u8; 3]) {
    let (x, y) = at;
    let corners = [(x - half, y + half), (x + half, y + half), (x, y - half)];
    surface.polygon(&corners, colour, 1.0);
}

/// A cross with a dark edge, to be seen on any ground.
pub(crate) fn cross(surface: &mut Surface, at: (f64, f64), half: f64, width: f64, colour: [u8; 3]) {
    let (x, y) = at;
    let strokes = [
        [(x - half, y - half), (x + half, y + half)],
        [(x - half, y + half), (x + half, y - half)],
    ];
    for (pen_width, colour) in [(width * 2.2, edge_of(colour)), (width, colour)] {
        for stroke in &strokes {
            surface.polyline(stroke, Pen::solid(colour, pen_width));
        }
    }
}

/// An arrow whose tip lies exactly at `to`, with a dark edge. A short one is all head.
pub(crate) fn arrow(
    surface: &mut Surface,
    from: (f64, f64),
    to: (f64, f64),
    width: f64,
    colour: [u8; 3],
) {
    let (dx, dy) = (to.0 - from.0, to.1 - from.1);
    let length = dx.hypot(dy);
    if !(length.is_finite() && length > 0.0) {
        return;
    }
    let (ux, uy) = (dx / length, dy / length);
    let head = (width * 4.5).min(length);
    let half = head * 0.45;
    let neck = (to.0 - ux * head, to.1 - uy * head);
    let corners = [
        to,
        (neck.0 - uy * half, neck.1 + ux * half),
        (neck.0 + uy * half, neck.1 - ux * half),
    ];
    let edge = width * 0.5;
    let outline: Vec<(f64, f64)> = corners.iter().chain([&corners[0]]).copied().collect();
    let shaft = [from, neck];
    surface.polyline(&shaft, Pen::solid(edge_of(colour), width + 2.0 * edge));
    surface.polyline(&outline, Pen::solid(edge_of(colour), 2.0 * edge));
    surface.polyline(&shaft, Pen::solid(colour, width));
    surface.polygon(&corners, colour, 1.0);
}

/// Dark around what is light, light around what is dark.
fn edge_of(colour: [u8; 3]) -> [u8; 3] {
    let sum: u32 = colour.iter().map(|&c| u32::from(c)).sum();
    if sum > 250 { BLACK } else { WHITE }
}
