//! Where the pixels of an image come from.

use super::place::Region;
use e2m_image::{BandError, BandSource, Canvas, Deformation, Mapping, Plane, Size, WarpedPlane};
use e2m_io::{CheckpointReader, RawBands};
use ndarray::{Array2, ArrayViewMut2, s};

/// A raw file is read so many pixels beyond those that a warp leads to: a neighbour for the interpolation, and one of caution.
const MARGIN_PX: f64 = 2.0;

/// Pixels of an image on the canvas.
pub(super) enum Source {
    /// From its own file.
    Stored(Box<CheckpointReader>),
    /// From a raw file that lies on the canvas as it is.
    Placed(RawBands, Canvas),
    /// From a raw file through a mapping (post-canvas to pre-canvas pixels).
    Warped(RawBands, Canvas, Box<Mapping>),
}

impl Source {
    /// Fills `out`, which has the shape of the region.
    pub(super) fn read(
        &mut self,
        region: Region,
        out: ArrayViewMut2<'_, f32>,
    ) -> Result<(), BandError> {
        match self {
            Self::Stored(reader) => reader.read_region((region.y, region.x), out),
            Self::Placed(raw, canvas) => read_placed(raw, canvas.pad(), region, out),
            Self::Warped(raw, canvas, mapping) => read_warped(raw, *canvas, mapping, region, out),
        }
    }
}

/// A region of a raw image that lies `pad` pixels from the canvas's first; zeros around it.
fn read_placed(
    raw: &mut RawBands,
    pad: usize,
    region: Region,
    mut out: ArrayViewMut2<'_, f32>,
) -> Result<(), BandError> {
    out.fill(0.0);
    let size = raw.size();
    let [right, bottom] = region.end();
    let span = |from: usize, to: usize, side: usize| (from.max(pad), to.min(pad + side));
    let (x0, x1) = span(region.x, right, size.width);
    let (y0, y1) = span(region.y, bottom, size.height);
    if x0 >= x1 || y0 >= y1 {
        return Ok(());
    }
    let part = window(raw, [x0 - pad, y0 - pad], Size::new(x1 - x0, y1 - y0))?;
    let place = s![y0 - region.y..y1 - region.y, x0 - region.x..x1 - region.x];
    out.slice_mut(place).assign(&part);
    Ok(())
}

/// A region of a raw image seen through a mapping: only the rows of the raw image that it shows are read.
fn read_warped(
    raw: &mut RawBands,
    canvas: Canvas,
    mapping: &Mapping,
    region: Region,
    mut out: ArrayViewMut2<'_, f32>,
) -> Result<(), BandError> {
    let pad = canvas.pad() as f64;
    let to_raw = mapping.then_shift(-pad, -pad);
    let size = raw.size();
    let Some((first, needed)) = shown(&to_raw, region, size) else {
        out.fill(0.0);
        return Ok(());
    };
    let part = Plane::from(window(raw, first, needed)?);
    let own = to_raw
        .from_frame(region.x as f64, region.y as f64)
        .then_shift(-(first[0] as f64), -(first[1] as f64));
    let frame = Canvas::new(region.size(), region.size(), 0);
    WarpedPlane::new(&part, frame, own).read_band(0, out.view_mut())
}

/// First column and row, and size, of what a region shows of a raw image of this size; none where it shows nothing.
fn shown(to_raw: &Mapping, region: Region, raw: Size) -> Option<([usize; 2], Size)> {
    let [right, bottom] = region.end();
    let (x0, y0) = (region.x as f64, region.y as f64);
    let (x1, y1) = ((right - 1) as f64, (bottom - 1) as f64);
    let corners = [(x0, y0), (x1, y0), (x0, y1), (x1, y1)];
    if !corners.iter().all(|&(x, y)| to_raw.is_in_front(x, y)) {
        // Beyond the horizon of a perspective: anything may be seen.
        return Some(([0, 0], raw));
    }
    let points = corners.map(|(x, y)| to_raw.warp.apply(x, y));
    let field = to_raw.deformation.as_ref();
    let (beyond_x, beyond_y) = field.map_or((0.0, 0.0), Deformation::bound_px);
    let span = |of: fn(&(f64, f64)) -> f64, beyond: f64, side: usize| {
        let margin = MARGIN_PX + beyond;
        let low = points.iter().map(of).fold(f64::INFINITY, f64::min) - margin;
        let high = points.iter().map(of).fold(f64::NEG_INFINITY, f64::max) + margin;
        let clamp = |v: f64| v.clamp(0.0, side as f64) as usize;
        let (low, high) = (clamp(low.floor()), clamp(high.ceil() + 1.0));
        (low < high).then_some((low, high - low))
    };
    let (x, width) = span(|p| p.0, beyond_x, raw.width)?;
    let (y, height) = span(|p| p.1, beyond_y, raw.height)?;
    Some(([x, y], Size::new(width, height)))
}

/// Pixels of a raw image from column `x` and row `y` on; all columns of its rows are decoded.
fn window(raw: &mut RawBands, [x, y]: [usize; 2], size: Size) -> Result<Array2<f32>, BandError> {
    let mut rows = Array2::zeros((1, raw.size().width));
    let mut part = Array2::zeros(size.shape());
    for (row, mut out) in (y..).zip(part.rows_mut()) {
        raw.read_band(row, rows.view_mut())?;
        out.assign(&rows.slice(s![0, x..x + size.width]));
    }
    Ok(part)
}
