//! Which pixels of a pair are not what they seem, where they are needed: band by band on the canvas.

use crate::pixel_record::{ImagePixels, PixelRecord};
use e2m_align::{Previews, SensorFindings};
use e2m_image::{Defects, Mapping, Plane, PlaneView, SaturationLevel, Size};
use ndarray::{ArrayView2, Axis};
use rayon::prelude::*;
use std::sync::Arc;

/// What is wrong with a pixel.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum PixelFault {
    /// It is saturated, or a saturated one has part in it.
    Saturated,
    /// It is of a bad column or row, or one has part in it.
    BadLine,
    /// It is a hot or dead pixel, or one has part in it; by this much it would be another without.
    Hot(f32),
}

/// Of a smaller share of the frame than this it does not matter how large the section is: were it a hundredth of the frame, a
/// thousandth of it would be saturated.
const FEW_SATURATED: f64 = 1e-5;

/// The pixels of both raw images that are not what they seem.
#[derive(Debug)]
pub(crate) struct PixelFaults {
    previews: Arc<Previews>,
    sizes: [Size; 2],
    saturation: [Option<SaturationLevel>; 2],
    /// Where pre has faults that have part in pixels around them.
    pre_cells: Cells,
    pub(crate) record: PixelRecord,
}

impl PixelFaults {
    /// Those that were found when the previews were made, of images of these sizes.
    pub(crate) fn new(
        previews: Arc<Previews>,
        (post_size, post_type): (Size, e2m_image::PixelType),
        pre: &Plane,
    ) -> Option<Self> {
        let [post_found, pre_found] = previews.sensor()?;
        let level = |found: &SensorFindings, pixels| {
            found
                .highest
                .saturation(pixels, found.defects.spots().iter().map(|spot| spot.value))
        };
        let saturation = [
            level(post_found, post_type),
            level(pre_found, pre.pixel_type()),
        ];
        // The section's share of the frame is only asked for where it is of use: of few pixels no share is worth a word.
        let frames = [post_size, pre.size()];
        let is_of_use = |(level, frame): (&Option<SaturationLevel>, Size)| {
            level.is_some_and(|found| found.pixels as f64 > FEW_SATURATED * frame.pixels() as f64)
        };
        let shares = if saturation.iter().zip(frames).any(is_of_use) {
            previews.section_shares()
        } else {
            [1.0; 2]
        };
        let record = PixelRecord {
            post: ImagePixels::of(post_found, saturation[0], post_size, shares[0]),
            pre: ImagePixels::of(pre_found, saturation[1], pre.size(), shares[1]),
        };
        Some(Self {
            pre_cells: Cells::of(pre, saturation[1], &pre_found.defects),
            sizes: [post_size, pre.size()],
            saturation,
            record,
            previews,
        })
    }

    fn defects(&self, of: usize) -> Option<&Defects> {
        self.previews.sensor().map(|found| &found[of].defects)
    }

    /// Whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        let none = |of| self.defects(of).is_none_or(Defects::is_empty);
        self.saturation == [None; 2] && none(0) && none(1)
    }

    /// Calls `visit` with row, column and fault of each faulty pixel of raw post in `band`, the rows from `first_row` on; a pixel
    /// may come more than once.
    pub(crate) fn visit_post(
        &self,
        first_row: usize,
        band: ArrayView2<'_, f32>,
        mut visit: impl FnMut(usize, usize, PixelFault),
    ) {
        let Some(defects) = self.defects(0) else {
            return;
        };
        let (rows, columns) = band.dim();
        let spots = defects.spots_in(first_row..first_row + rows);
        if let Some(level) = self.saturation[0] {
            for (row, pixels) in band.outer_iter().enumerate() {
                let pixels = pixels.as_standard_layout();
                let runs = pixels.as_slice().unwrap_or_default().chunks(SATURATED_RUN);
                for (run, start) in runs.zip((0..).step_by(SATURATED_RUN)) {
                    // Of most runs no pixel is, which the processor sees for many at a time.
                    let any = run.iter().fold(false, |any, v| any | level.reaches(*v));
                    if !any {
                        continue;
                    }
                    for (x, _) in (start..).zip(run).filter(|(_, v)| level.reaches(**v)) {
                        if !defects.is_spot(x, first_row + row) {
                            visit(row, x, PixelFault::Saturated);
                        }
                    }
                }
            }
        }
        for spot in spots {
            let row = spot.y as usize - first_row;
            visit(row, spot.x as usize, PixelFault::Hot(spot.change));
        }
        for x in defects
            .columns()
            .iter()
            .cloned()
            .flatten()
            .filter(|x| *x < columns)
        {
            (0..rows).for_each(|row| visit(row, x, PixelFault::BadLine));
        }
        for y in defects.rows().iter().cloned().flatten() {
            if let Some(row) = y.checked_sub(first_row).filter(|row| *row < rows) {
                (0..columns).for_each(|x| visit(row, x, PixelFault::BadLine));
            }
        }
    }
}

/// Pixels of post that are looked at together.
const SATURATED_RUN: usize = 64;
/// Raw px per side of a cell.
const CELL: usize = 32;

/// A coarse map of where pre has saturated pixels or bad lines.
#[derive(Debug)]
struct Cells {
    columns: usize,
    flagged: Vec<bool>,
    any: bool,
}

impl Cells {
    fn of(pre: &Plane, saturation: Option<SaturationLevel>, defects: &Defects) -> Self {
        let Size { width, height } = pre.size();
        let columns = width.div_ceil(CELL);
        let mut flagged = vec![false; columns * height.div_ceil(CELL)];
        if let Some(level) = saturation {
            flagged = match pre.view() {
                PlaneView::U8(plane) => saturated_cells(plane, level, defects),
                PlaneView::U16(plane) => saturated_cells(plane, level, defects),
                PlaneView::F32(plane) => saturated_cells(plane, level, defects),
            };
        }
        for x in defects
            .columns()
            .iter()
            .cloned()
            .flatten()
            .filter(|x| *x < width)
        {
            let cells = flagged.iter_mut().skip(x / CELL).step_by(columns);
            cells.for_each(|cell| *cell = true);
        }
        for y in defects
            .rows()
            .iter()
            .cloned()
            .flatten()
            .filter(|y| *y < height)
        {
            flagged[y / CELL * columns..][..columns].fill(true);
        }
        Self {
            columns,
            any: flagged.contains(&true),
            flagged,
        }
    }

    /// Whether a cell between two points, or beside them, is flagged.
    fn between(&self, a: (f64, f64), b: (f64, f64)) -> bool {
        let rows = self.flagged.len() / self.columns.max(1);
        let range = |a: f64, b: f64, cells: usize| {
            let cell = |at: f64| (at.max(0.0) as usize / CELL).min(cells.saturating_sub(1));
            cell(a.min(b) - 1.0)..=cell(a.max(b) + 2.0)
        };
        range(a.1, b.1, rows).any(|row| {
            range(a.0, b.0, self.columns)
                .any(|column| self.flagged.get(row * self.columns + column) == Some(&true))
        })
    }
}

fn saturated_cells<P: Copy + Into<f32> + Sync>(
    plane: ArrayView2<'_, P>,
    level: SaturationLevel,
    defects: &Defects,
) -> Vec<bool> {
    let columns = plane.ncols().div_ceil(CELL);
    let rows: Vec<Vec<bool>> = plane
        .axis_chunks_iter(Axis(0), CELL)
        .into_par_iter()
        .enumerate()
        .map(|(i, rows)| {
            let mut cells = vec![false; columns];
            for (y, row) in rows.outer_iter().enumerate() {
                for (x, &value) in row.iter().enumerate() {
                    if level.reaches(value.into()) && !defects.is_spot(x, i * CELL + y) {
                        cells[x / CELL] = true;
                    }
                }
            }
            cells
        })
        .collect();
    rows.concat()
}

/// Faults of pre as they are in aligned pre.
pub(crate) struct AlignedFaults {
    faults: Arc<PixelFaults>,
    plane: Arc<Plane>,
    /// From pixels of the canvas to raw pixels of pre.
    to_raw: Mapping,
    /// Places of hot pixels on the canvas with their numbers, by rows.
    hot: Vec<(f32, f32, u32)>,
}

/// Pixels of a row that are looked at together.
const RUN: usize = 16;
/// A hot pixel has part in pixels of the canvas no farther than this from its place, whatever the magnification.
const MAX_REACH: f64 = 8.0;

impl AlignedFaults {
    /// Those of `plane`, raw pre, under `to_raw`, from pixels of the canvas to raw pixels.
    pub(crate) fn new(faults: Arc<PixelFaults>, plane: Arc<Plane>, to_raw: Mapping) -> Self {
        let mut hot = Vec::new();
        if let (Some(defects), Some(back)) = (faults.defects(1), to_raw.warp.inverse()) {
            for (spot, i) in defects.spots().iter().zip(0..) {
                let (x, y) = (f64::from(spot.x), f64::from(spot.y));
                if back.is_in_front(x, y)
                    && let Some((x, y)) = to_raw.inverse_point(x, y)
                {
                    hot.push((y as f32, x as f32, i));
                }
            }
            hot.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.2.cmp(&b.2)));
        }
        Self {
            faults,
            plane,
            to_raw,
            hot,
        }
    }

    /// Calls `visit` with row, column and fault of each pixel in the part of aligned pre of `size` whose first pixel is (`left`,
    /// `top`) of the canvas, in which a faulty one of raw pre has part; a pixel may come more than once.
    pub(crate) fn visit(
        &self,
        (left, top): (usize, usize),
        size: Size,
        mut visit: impl FnMut(usize, usize, PixelFault),
    ) {
        self.visit_hot((left, top), size, &mut visit);
        if !self.faults.pre_cells.any {
            return;
        }
        for row in 0..size.height {
            let at = |x: usize| self.to_raw.apply((left + x) as f64, (top + row) as f64);
            for start in (0..size.width).step_by(RUN) {
                let end = (start + RUN).min(size.width);
                if !self.faults.pre_cells.between(at(start), at(end - 1)) {
                    continue;
                }
                for x in start..end {
                    if let Some(fault) = self.support(at(x)) {
                        visit(row, x, fault);
                    }
                }
            }
        }
    }

    fn visit_hot(
        &self,
        (left, top): (usize, usize),
        size: Size,
        visit: &mut impl FnMut(usize, usize, PixelFault),
    ) {
        let Some(defects) = self.faults.defects(1) else {
            return;
        };
        let near = |row: f64| self.hot.partition_point(|h| f64::from(h.0) < row);
        let first = near(top as f64 - MAX_REACH);
        let end = near((top + size.height) as f64 + MAX_REACH);
        for &(y, x, i) in &self.hot[first..end] {
            let Some(spot) = defects.spots().get(i as usize) else {
                continue;
            };
            let (x, y) = (f64::from(x), f64::from(y));
            let reach = 1.5 / self.to_raw.warp.magnification(x, y).abs().max(1e-6);
            let reach = reach.clamp(1.0, MAX_REACH - 1.0);
            let range = |at: f64, first: usize, extent: usize| {
                let from = (at - reach).ceil().max(first as f64) as usize;
                let end = ((at + reach).floor() + 1.0).clamp(0.0, (first + extent) as f64) as usize;
                from..end
            };
            for row in range(y, top, size.height) {
                for column in range(x, left, size.width) {
                    let (u, v) = self.to_raw.apply(column as f64, row as f64);
                    let along = 1.0 - (u - f64::from(spot.x)).abs();
                    let across = 1.0 - (v - f64::from(spot.y)).abs();
                    if along > 0.0 && across > 0.0 {
                        let change = (along * across) as f32 * spot.change;
                        visit(row - top, column - left, PixelFault::Hot(change));
                    }
                }
            }
        }
    }

    /// What is wrong with the raw pixels that have part in the place (`u`, `v`).
    fn support(&self, (u, v): (f64, f64)) -> Option<PixelFault> {
        let Size { width, height } = self.faults.sizes[1];
        let defects = self.faults.defects(1)?;
        let level = self.faults.saturation[1];
        let (x0, y0) = (u.floor(), v.floor());
        let last = |fraction: f64| i64::from(fraction > 0.0);
        let mut found = None;
        for dy in 0..=last(v - y0) {
            for dx in 0..=last(u - x0) {
                let (x, y) = (x0 as i64 + dx, y0 as i64 + dy);
                let (Ok(x), Ok(y)) = (usize::try_from(x), usize::try_from(y)) else {
                    continue;
                };
                if x >= width || y >= height {
                    continue;
                }
                let value = value_at(&self.plane, x, y);
                if level.is_some_and(|level| level.reaches(value)) && !defects.is_spot(x, y) {
                    return Some(PixelFault::Saturated);
                }
                if defects.is_on_line(x, y) {
                    found = Some(PixelFault::BadLine);
                }
            }
        }
        found
    }
}

fn value_at(plane: &Plane, x: usize, y: usize) -> f32 {
    match plane.view() {
        PlaneView::U8(plane) => f32::from(plane[(y, x)]),
        PlaneView::U16(plane) => f32::from(plane[(y, x)]),
        PlaneView::F32(plane) => plane[(y, x)],
    }
}
