//! `pre_post_heatmap` and `excess_heatmap`: the joint histogram of brightness.

use super::scale_line::{ScaleLine, back_to_front};
use crate::draw::axis::{Axis, Scale};
use crate::draw::bar::ColourBar;
use crate::draw::colour::{ColourMap, WHITE};
use crate::draw::frame::PanelFrame;
use crate::draw::legend::{Entry, Legend, Sign};
use crate::draw::number::whole;
use crate::draw::page::{Header, Style, write_reason};
use crate::draw::sheet::{Shape, Sheet};
use crate::draw::steps::level_groups;
use crate::draw::surface::{Pen, Raster, Rect, Surface};
use crate::draw::text::Fonts;
use crate::{JointHistogram, PlotError, Title};
use ndarray::{Array2, Axis as Dimension, s};

const PAGE_PX: f64 = 1400.0;
const MAX_PANEL_PX: f64 = 1120.0;
/// The share of the brightest pixels that may lie beyond the axes.
const BEYOND_SHARE: f64 = 1e-6;
/// The axes reach at least so far, bins: one cell alone is seen as one.
const MIN_BINS: usize = 8;
/// The identity line, in neither colour map.
const IDENTITY: [u8; 3] = [30, 144, 255];

/// What [`draw_pre_post_heatmap`] draws.
#[derive(Debug, Clone, Copy)]
pub struct PrePostHeatmapPicture<'a> {
    /// Sample and dye.
    pub title: &'a Title,
    /// Pixels by aligned pre and post brightness.
    pub joint: &'a JointHistogram,
}

/// What [`draw_excess_heatmap`] draws.
#[derive(Debug, Clone, Copy)]
pub struct ExcessHeatmapPicture<'a> {
    /// Sample and dye.
    pub title: &'a Title,
    /// Pixels by aligned pre and post brightness.
    pub joint: &'a JointHistogram,
    /// The scales found, a line each.
    pub scales: &'a [ScaleLine],
}

/// A grid of cells with the edges of its rows and columns, in bins.
struct Cells {
    /// Indexed `[post, pre]`; 0 is an empty cell.
    values: Array2<f64>,
    pre_edges: Vec<usize>,
    post_edges: Vec<usize>,
    /// Bins from 0 to the end of both axes.
    side: usize,
    bin_levels: usize,
    beyond: u64,
}

/// Draws how many pixels have each pair of aligned pre and post brightness: a PNG of 1,400 px width.
///
/// Logarithmic colours from one pixel up to the fullest cell but that of zero and zero; empty cells are white. Levels
/// that post lacks altogether, because of a tone curve or few bits, are closed. One in a million pixels at most lies
/// beyond the axes, and their number is given.
///
/// # Errors
/// [`PlotError`] if the picture cannot be encoded.
pub fn draw_pre_post_heatmap(picture: &PrePostHeatmapPicture<'_>) -> Result<Vec<u8>, PlotError> {
    let cells = Cells::of(picture.joint, false);
    let header = Header::new(picture.title, "pre and post brightness");
    draw(
        picture.joint,
        &cells,
        header,
        "pixels per cell",
        ColourMap::Inferno,
        &[],
    )
}

/// Draws where in brightness post has more pixels above the diagonal than below it: a PNG of 1,400 px width.
///
/// A cell above the diagonal holds the pixels with that pair of brightness less those with the mirrored pair, where that
/// is positive. Rows and columns share post's levels, so that a cell and its mirror image hold the same brightness.
///
/// # Errors
/// [`PlotError`] if the picture cannot be encoded.
pub fn draw_excess_heatmap(picture: &ExcessHeatmapPicture<'_>) -> Result<Vec<u8>, PlotError> {
    let mut cells = Cells::of(picture.joint, true);
    cells.values = excess(&cells.values);
    let header = Header::new(picture.title, "excess of post over pre");
    let map = ColourMap::Magma;
    draw(
        picture.joint,
        &cells,
        header,
        "excess pixels per cell",
        map,
        picture.scales,
    )
}

/// What lies above the diagonal beyond its mirror image, and 0 elsewhere.
fn excess(values: &Array2<f64>) -> Array2<f64> {
    Array2::from_shape_fn(values.dim(), |(post, pre)| {
        if post > pre {
            (values[(post, pre)] - values[(pre, post)]).max(0.0)
        } else {
            0.0
        }
    })
}

impl Cells {
    fn of(joint: &JointHistogram, mirrored: bool) -> Self {
        let grid = joint.grid_covering(BEYOND_SHARE);
        let filled = |sums: &[u64]| sums.iter().rposition(|c| *c > 0).map_or(1, |last| last + 1);
        let post_sums = grid.counts.sum_axis(Dimension(1)).to_vec();
        let pre_sums = grid.counts.sum_axis(Dimension(0)).to_vec();
        let side = filled(&post_sums).max(filled(&pre_sums)).max(MIN_BINS);
        let post_edges = level_groups(&post_sums[..side]);
        let pre_edges = if mirrored {
            post_edges.clone()
        } else {
            (0..=side).collect()
        };
        let mut values = Array2::zeros((post_edges.len() - 1, pre_edges.len() - 1));
        for (i, rows) in post_edges.windows(2).enumerate() {
            for (j, columns) in pre_edges.windows(2).enumerate() {
                let block = grid
                    .counts
                    .slice(s![rows[0]..rows[1], columns[0]..columns[1]]);
                values[(i, j)] = block.iter().sum::<u64>() as f64;
            }
        }
        Self {
            values,
            pre_edges,
            post_edges,
            side,
            bin_levels: grid.bin_levels,
            beyond: grid.beyond,
        }
    }
}

fn draw(
    joint: &JointHistogram,
    cells: &Cells,
    header: Header,
    unit: &str,
    map: ColourMap,
    scales: &[ScaleLine],
) -> Result<Vec<u8>, PlotError> {
    let fonts = Fonts::new()?;
    let style = Style::for_width(PAGE_PX);
    let mut facts = format!("{} pixels", whole(joint.total()));
    if cells.beyond > 0 {
        facts += &format!(" · {} beyond the axes", whole(cells.beyond));
    }
    let levels = joint.levels();
    let value = |bin: usize| levels.value((bin * cells.bin_levels) as f64 - 0.5);
    let (low, high) = (value(0), value(cells.side));
    let axis = |label| Axis::new(low, high, Scale::Linear, label);
    let most = fullest(&cells.values);
    let bar = (most > 0.0).then(|| ColourBar {
        axis: Axis::new(1.0, most.max(10.0), Scale::Log, unit),
        map,
    });
    let shape = Shape::Square {
        side: MAX_PANEL_PX,
        cells: cells.side,
    };
    let sheet = Sheet::new(
        style,
        &fonts,
        (header.line(facts), legend(&style, scales)),
        bar,
        &shape,
        |rect| {
            let (x, y) = (axis("aligned pre (counts)"), axis("post (counts)"));
            PanelFrame::new(rect, x, y, (6, 6))
        },
    );
    let mut surface = sheet.begin(fonts)?;
    if let Some(bar) = &sheet.bar {
        draw_cells(&mut surface, sheet.frame.rect, cells, bar);
    }
    draw_ray(
        &mut surface,
        &sheet.frame,
        (1.0, 0.0),
        Pen::dashed(IDENTITY, style.hair * 1.5),
    );
    for (line, pen) in back_to_front(scales, style.hair) {
        draw_ray(&mut surface, &sheet.frame, (line.value, line.offset), pen);
    }
    sheet.furnish(&mut surface);
    if sheet.bar.is_none() {
        write_reason(&mut surface, &style, sheet.frame.rect, "no data");
    }
    surface.into_png()
}

/// The fullest cell, leaving out that of zero and zero, which what lies around the section would fill.
fn fullest(values: &Array2<f64>) -> f64 {
    let most = |skip_zero: bool| {
        values
            .indexed_iter()
            .filter(|(at, _)| !skip_zero || *at != (0, 0))
            .map(|(_, &count)| count)
            .fold(0.0, f64::max)
    };
    let others = most(true);
    if others > 0.0 { others } else { most(false) }
}

fn legend(style: &Style, scales: &[ScaleLine]) -> Legend {
    let identity = Sign::Line(Pen::dashed(IDENTITY, style.hair * 1.5));
    let mut entries = vec![Entry::new(identity, "post = pre")];
    for line in scales.iter().filter(|line| line.usable()) {
        let pen = Pen::solid(line.colour(), style.hair * 2.5);
        entries.push(Entry::new(Sign::Line(pen), line.text()));
    }
    Legend { entries }
}

fn draw_cells(surface: &mut Surface, rect: Rect, cells: &Cells, bar: &ColourBar) {
    let (width, height) = (rect.width as usize, rect.height as usize);
    let cell_at = |share: f64, edges: &[usize]| {
        let bin = (share * cells.side as f64) as usize;
        edges
            .partition_point(|&edge| edge <= bin)
            .saturating_sub(1)
            .min(edges.len() - 2)
    };
    let columns: Vec<usize> = (0..width)
        .map(|x| cell_at((x as f64 + 0.5) / width as f64, &cells.pre_edges))
        .collect();
    let mut pixels = Vec::with_capacity(width * height);
    for y in 0..height {
        let row = cell_at(1.0 - (y as f64 + 0.5) / height as f64, &cells.post_edges);
        pixels.extend(columns.iter().map(|&column| {
            let count = cells.values[(row, column)];
            if count > 0.0 {
                bar.map.at(bar.axis.share(count))
            } else {
                WHITE
            }
        }));
    }
    let raster = Raster { width, pixels };
    surface.raster(
        rect.left.round() as usize,
        rect.top.round() as usize,
        &raster,
    );
}

/// The line post = `slope` x pre + `offset` over a light edge, so that it is seen on dark and on white.
fn draw_ray(surface: &mut Surface, frame: &PanelFrame, (slope, offset): (f64, f64), pen: Pen) {
    let far = frame.x.high;
    let points = [(0.0, offset), (far, slope * far + offset)];
    let edge = Pen::solid(WHITE, pen.width * 2.0);
    frame.polyline(surface, &points, edge);
    frame.polyline(surface, &points, pen);
}
