//! Text from an embedded font, so that a picture is the same on a machine without fonts.

use crate::PlotError;
use ab_glyph::{Font, FontRef, OutlineCurve};
use tiny_skia::{Path, PathBuilder, Transform};

/// What an overlong text ends in.
const ELLIPSIS: char = '…';

/// Which part of the text lies at the given place, along the line of writing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Align {
    Start,
    Middle,
    End,
}

/// How a text is written.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TextStyle {
    /// Height of the em square, px.
    pub size: f64,
    pub bold: bool,
    pub colour: [u8; 3],
    pub align: Align,
    /// Whether the text runs upwards instead of to the right.
    pub upwards: bool,
}

impl TextStyle {
    pub(crate) fn new(size: f64) -> Self {
        Self {
            size,
            bold: false,
            colour: [20, 20, 20],
            align: Align::Start,
            upwards: false,
        }
    }

    pub(crate) fn bold(self) -> Self {
        Self { bold: true, ..self }
    }

    pub(crate) fn align(self, align: Align) -> Self {
        Self { align, ..self }
    }

    pub(crate) fn upwards(self) -> Self {
        Self {
            upwards: true,
            ..self
        }
    }

    pub(crate) fn colour(self, colour: [u8; 3]) -> Self {
        Self { colour, ..self }
    }
}

/// DejaVu Sans, which has the superscripts, arrows and Greek letters that axes need.
pub(crate) struct Fonts {
    regular: FontRef<'static>,
    bold: FontRef<'static>,
}

impl Fonts {
    pub(crate) fn new() -> Result<Self, PlotError> {
        let read =
            |bytes| FontRef::try_from_slice(bytes).map_err(|e| PlotError::Font(e.to_string()));
        Ok(Self {
            regular: read(dejavu::sans::regular())?,
            bold: read(dejavu::sans::bold())?,
        })
    }

    fn font(&self, bold: bool) -> &FontRef<'static> {
        if bold { &self.bold } else { &self.regular }
    }

    /// Width of the written text, px.
    pub(crate) fn width(&self, text: &str, style: TextStyle) -> f64 {
        let font = self.font(style.bold);
        let mut width = 0.0;
        let mut last = None;
        for c in text.chars() {
            let glyph = font.glyph_id(c);
            if let Some(last) = last {
                width += font.kern_unscaled(last, glyph);
            }
            width += font.h_advance_unscaled(glyph);
            last = Some(glyph);
        }
        f64::from(width) * scale_of(font, style.size)
    }

    /// The widest of `texts`, px; 0 if there are none.
    pub(crate) fn widest<'t>(
        &self,
        texts: impl IntoIterator<Item = &'t str>,
        style: TextStyle,
    ) -> f64 {
        texts
            .into_iter()
            .map(|text| self.width(text, style))
            .fold(0.0, f64::max)
    }

    /// `text` and a style in which it is at most `max_width` wide: smaller by up to a third, then cut short.
    pub(crate) fn fitted(
        &self,
        text: &str,
        style: TextStyle,
        max_width: f64,
    ) -> (String, TextStyle) {
        let text: String = text.chars().filter(|c| !c.is_control()).collect();
        let width = self.width(&text, style);
        if width <= max_width {
            return (text, style);
        }
        let size = style.size * (max_width / width).clamp(2.0 / 3.0, 1.0);
        let style = TextStyle { size, ..style };
        let mut kept: Vec<char> = text.chars().collect();
        let mut shown = text;
        while self.width(&shown, style) > max_width && !kept.is_empty() {
            kept.pop();
            shown = kept.iter().chain([&ELLIPSIS]).collect();
        }
        (shown, style)
    }

    /// The outline of `text` on the page, its baseline beginning, centred or ending at `(x, y)`.
    pub(crate) fn outline(&self, text: &str, x: f64, y: f64, style: TextStyle) -> Option<Path> {
        let font = self.font(style.bold);
        let mut builder = PathBuilder::new();
        let mut pen = 0.0f32;
        let mut last = None;
        for c in text.chars() {
            let glyph = font.glyph_id(c);
            if let Some(last) = last {
                pen += font.kern_unscaled(last, glyph);
            }
            if let Some(outline) = font.outline(glyph) {
                push_curves(&mut builder, &outline.curves, pen);
            }
            pen += font.h_advance_unscaled(glyph);
            last = Some(glyph);
        }
        let scale = scale_of(font, style.size);
        let shift = match style.align {
            Align::Start => 0.0,
            Align::Middle => -f64::from(pen) * scale / 2.0,
            Align::End => -f64::from(pen) * scale,
        };
        // Font units point up, the page down.
        let (s, d) = (scale as f32, shift as f32);
        let to_page = if style.upwards {
            Transform::from_row(0.0, -s, -s, 0.0, x as f32, y as f32 - d)
        } else {
            Transform::from_row(s, 0.0, 0.0, -s, x as f32 + d, y as f32)
        };
        builder.finish()?.transform(to_page)
    }
}

fn scale_of(font: &FontRef<'_>, size: f64) -> f64 {
    size / f64::from(font.units_per_em().unwrap_or(1000.0))
}

fn push_curves(builder: &mut PathBuilder, curves: &[OutlineCurve], pen: f32) {
    let mut end = None;
    for curve in curves {
        let start = match curve {
            OutlineCurve::Line(p, _) | OutlineCurve::Quad(p, ..) | OutlineCurve::Cubic(p, ..) => *p,
        };
        if end != Some(start) {
            if end.is_some() {
                builder.close();
            }
            builder.move_to(start.x + pen, start.y);
        }
        end = Some(match *curve {
            OutlineCurve::Line(_, b) => {
                builder.line_to(b.x + pen, b.y);
                b
            }
            OutlineCurve::Quad(_, b, c) => {
                builder.quad_to(b.x + pen, b.y, c.x + pen, c.y);
                c
            }
            OutlineCurve::Cubic(_, b, c, d) => {
                builder.cubic_to(b.x + pen, b.y, c.x + pen, c.y, d.x + pen, d.y);
                d
            }
        });
    }
    if end.is_some() {
        builder.close();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn width_grows_with_text_and_size() {
        let fonts = Fonts::new().expect("the embedded font reads");
        let style = TextStyle::new(20.0);
        assert!(fonts.width("mm", style) > 1.8 * fonts.width("m", style));
        let twice = fonts.width("post", TextStyle::new(40.0));
        assert!((twice - 2.0 * fonts.width("post", style)).abs() < 1e-3);
    }

    #[test]
    fn long_text_is_made_to_fit() {
        let fonts = Fonts::new().expect("the embedded font reads");
        let style = TextStyle::new(20.0);
        let long = "a very long sample name that nobody thought of ".repeat(4);
        let (shown, style) = fonts.fitted(&long, style, 300.0);
        assert!(fonts.width(&shown, style) <= 300.0);
        assert!(shown.starts_with("a very long") && shown.ends_with(ELLIPSIS));
        let (short, same) = fonts.fitted("CD\n070", TextStyle::new(20.0), 300.0);
        assert_eq!((short.as_str(), same.size), ("CD070", 20.0));
    }

    #[test]
    fn every_sign_the_axes_use_is_in_the_font() {
        let fonts = Fonts::new().expect("the embedded font reads");
        for c in "0123456789⁰¹²³⁴⁵⁶⁷⁸⁹⁻×−±≥≤|·–—…αβμ→,".chars()
        {
            for bold in [false, true] {
                assert_ne!(fonts.font(bold).glyph_id(c).0, 0, "{c}");
            }
        }
    }

    #[test]
    fn text_upwards_turns_the_outline_by_a_right_angle() {
        let fonts = Fonts::new().expect("the embedded font reads");
        let style = TextStyle::new(30.0).align(Align::Middle);
        let flat = fonts.outline("count", 100.0, 100.0, style).expect("ink");
        let turned = fonts
            .outline("count", 100.0, 100.0, style.upwards())
            .expect("ink");
        let (a, b) = (flat.bounds(), turned.bounds());
        assert!((a.width() - b.height()).abs() < 0.01);
        assert!((a.left() + b.bottom() - 200.0).abs() < 0.01);
    }
}
