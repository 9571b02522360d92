//! The page in memory: shapes, rasters and text on it, PNG out of it.

use super::text::{Fonts, TextStyle};
use crate::PlotError;
use tiny_skia::{
    Color, FillRule, LineCap, LineJoin, Paint, Path, PathBuilder, Pixmap, Stroke, StrokeDash,
    Transform,
};

/// A picture that would be larger is refused, px per side.
const MAX_SIDE_PX: f64 = 8192.0;

/// A rectangle on the page, px.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Rect {
    pub left: f64,
    pub top: f64,
    pub width: f64,
    pub height: f64,
}

impl Rect {
    pub(crate) fn new(left: f64, top: f64, width: f64, height: f64) -> Self {
        Self {
            left,
            top,
            width,
            height,
        }
    }

    pub(crate) fn right(&self) -> f64 {
        self.left + self.width
    }

    pub(crate) fn bottom(&self) -> f64 {
        self.top + self.height
    }

    pub(crate) fn centre(&self) -> (f64, f64) {
        (self.left + self.width / 2.0, self.top + self.height / 2.0)
    }
}

/// Colour, width and dashes of a line.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pen {
    pub colour: [u8; 3],
    /// px.
    pub width: f64,
    /// Lengths of dash and gap, px; `None` for a solid line.
    pub dash: Option<(f64, f64)>,
}

impl Pen {
    pub(crate) fn solid(colour: [u8; 3], width: f64) -> Self {
        Self {
            colour,
            width,
            dash: None,
        }
    }

    pub(crate) fn dashed(colour: [u8; 3], width: f64) -> Self {
        Self {
            colour,
            width,
            dash: Some((4.0 * width, 2.5 * width)),
        }
    }
}

/// A white page.
pub(crate) struct Surface {
    pixmap: Pixmap,
    pub(crate) fonts: Fonts,
}

impl Surface {
    pub(crate) fn new(width: f64, height: f64, fonts: Fonts) -> Result<Self, PlotError> {
        let fits = |side: f64| (1.0..=MAX_SIDE_PX).contains(&side);
        let too_large = PlotError::PageSize { width, height };
        if !fits(width) || !fits(height) {
            return Err(too_large);
        }
        let mut pixmap = Pixmap::new(width as u32, height as u32).ok_or(too_large)?;
        pixmap.fill(Color::WHITE);
        Ok(Self { pixmap, fonts })
    }

    /// Fills the pixels of `rect`, its edges rounded to whole pixels so that they stay sharp.
    pub(crate) fn fill_rect(&mut self, rect: Rect, colour: [u8; 3], alpha: f64) {
        let (left, top) = (rect.left.round(), rect.top.round());
        let (right, bottom) = (rect.right().round(), rect.bottom().round());
        let rect = tiny_skia::Rect::from_ltrb(left as f32, top as f32, right as f32, bottom as f32);
        if let Some(rect) = rect {
            let paint = paint(colour, alpha, false);
            self.pixmap
                .fill_rect(rect, &paint, Transform::identity(), None);
        }
    }

    /// The outline of `rect`, drawn inwards on whole pixels.
    pub(crate) fn outline_rect(&mut self, rect: Rect, colour: [u8; 3], line: f64) {
        let Rect {
            left,
            top,
            width,
            height,
        } = rect;
        for side in [
            Rect::new(left, top, width, line),
            Rect::new(left, rect.bottom() - line, width, line),
            Rect::new(left, top, line, height),
            Rect::new(rect.right() - line, top, line, height),
        ] {
            self.fill_rect(side, colour, 1.0);
        }
    }

    /// A line through `points`; a single point is left out.
    pub(crate) fn polyline(&mut self, points: &[(f64, f64)], pen: Pen) {
        let Some(path) = path_through(points, false) else {
            return;
        };
        let stroke = Stroke {
            width: pen.width as f32,
            line_cap: if pen.dash.is_some() {
                LineCap::Butt
            } else {
                LineCap::Round
            },
            line_join: LineJoin::Round,
            dash: pen
                .dash
                .and_then(|(on, off)| StrokeDash::new(vec![on as f32, off as f32], 0.0)),
            ..Stroke::default()
        };
        self.pixmap.stroke_path(
            &path,
            &paint(pen.colour, 1.0, true),
            &stroke,
            Transform::identity(),
            None,
        );
    }

    /// The polygon with the corners `points`.
    pub(crate) fn polygon(&mut self, points: &[(f64, f64)], colour: [u8; 3], alpha: f64) {
        if let Some(path) = path_through(points, true) {
            self.fill(&path, colour, alpha);
        }
    }

    /// A filled circle.
    pub(crate) fn disc(&mut self, x: f64, y: f64, radius: f64, colour: [u8; 3]) {
        if let Some(path) = PathBuilder::from_circle(x as f32, y as f32, radius as f32) {
            self.fill(&path, colour, 1.0);
        }
    }

    /// Writes `text` with its baseline at `y`.
    pub(crate) fn text(&mut self, text: &str, x: f64, y: f64, style: TextStyle) {
        if let Some(path) = self.fonts.outline(text, x, y, style) {
            self.fill(&path, style.colour, 1.0);
        }
    }

    /// Copies a raster with its top left corner at the whole pixel `(left, top)`; what lies beyond the page is left out.
    pub(crate) fn raster(&mut self, left: usize, top: usize, raster: &Raster) {
        let (width, height) = (self.pixmap.width() as usize, self.pixmap.height() as usize);
        let data = self.pixmap.data_mut();
        let columns = raster.width.min(width.saturating_sub(left));
        let rows = raster
            .pixels
            .chunks_exact(raster.width.max(1))
            .take(height.saturating_sub(top));
        for (y, row) in rows.enumerate() {
            let start = ((top + y) * width + left) * 4;
            let line = &mut data[start..start + columns * 4];
            for (out, &[r, g, b]) in line.chunks_exact_mut(4).zip(row) {
                out.copy_from_slice(&[r, g, b, 255]);
            }
        }
    }

    /// The page as an RGB PNG without any metadata: the same page gives the same bytes.
    pub(crate) fn into_png(self) -> Result<Vec<u8>, PlotError> {
        let mut bytes = Vec::new();
        let (width, height) = self.size();
        let mut encoder = png::Encoder::new(&mut bytes, width, height);
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_depth(png::BitDepth::Eight);
        encoder.set_compression(png::Compression::Fast);
        let mut writer = encoder.write_header()?;
        writer.write_image_data(&self.rgb())?;
        writer.finish()?;
        Ok(bytes)
    }

    /// Width and height, px.
    pub(crate) fn size(&self) -> (u32, u32) {
        (self.pixmap.width(), self.pixmap.height())
    }

    /// Red, green and blue of every pixel, row by row.
    pub(crate) fn rgb(&self) -> Vec<u8> {
        let pixels = self.pixmap.data().chunks_exact(4);
        pixels.flat_map(|p| [p[0], p[1], p[2]]).collect()
    }

    fn fill(&mut self, path: &Path, colour: [u8; 3], alpha: f64) {
        self.pixmap.fill_path(
            path,
            &paint(colour, alpha, true),
            FillRule::Winding,
            Transform::identity(),
            None,
        );
    }
}

/// Pixels to be put on the page as they are.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Raster {
    pub width: usize,
    /// Row by row.
    pub pixels: Vec<[u8; 3]>,
}

fn paint(colour: [u8; 3], alpha: f64, smooth: bool) -> Paint<'static> {
    let mut paint = Paint::default();
    let alpha = (alpha.clamp(0.0, 1.0) * 255.0).round() as u8;
    paint.set_color_rgba8(colour[0], colour[1], colour[2], alpha);
    paint.anti_alias = smooth;
    paint
}

fn path_through(points: &[(f64, f64)], closed: bool) -> Option<Path> {
    let mut builder = PathBuilder::with_capacity(points.len() + 1, points.len());
    let mut finite = points
        .iter()
        .filter(|(x, y)| x.is_finite() && y.is_finite());
    let first = finite.next()?;
    builder.move_to(first.0 as f32, first.1 as f32);
    for (x, y) in finite {
        builder.line_to(*x as f32, *y as f32);
    }
    if closed {
        builder.close();
    }
    builder.finish()
}
