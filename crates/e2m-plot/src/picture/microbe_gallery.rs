//! `microbe_gallery`: objects of the catalogue pixel by pixel, in post, aligned pre and the difference.

use crate::draw::colour::{ColourMap, INK};
use crate::draw::image::{Reduce, resized};
use crate::draw::number::short;
use crate::draw::page::{Header, Style, write_reason};
use crate::draw::surface::{Raster, Rect, Surface};
use crate::draw::text::{Fonts, TextStyle};
use crate::{PlotError, Title};
use ndarray::{Array2, ArrayView2};

const PAGE_PX: f64 = 1200.0;
/// Objects beside each other.
const COLUMNS: usize = 4;
/// Space between the three images of an object, px.
const BETWEEN_PX: f64 = 4.0;
/// What has no pixel.
const NOTHING: [u8; 3] = [225, 225, 225];
/// Of a page without any object, px.
const EMPTY_HEIGHT_PX: f64 = 300.0;

/// One object with what lies around it, at full resolution. All three images are of one shape; NaN is no pixel.
#[derive(Debug, Clone, PartialEq)]
pub struct GalleryCrop {
    /// Post, counts.
    pub post: Array2<f32>,
    /// Aligned pre, counts.
    pub aligned: Array2<f32>,
    /// Their difference, counts.
    pub difference: Array2<f32>,
    /// Two lines of numbers.
    pub caption: [String; 2],
}

/// Objects that were chosen for one reason.
#[derive(Debug, Clone, PartialEq)]
pub struct GalleryGroup {
    /// The reason.
    pub name: String,
    /// The objects.
    pub crops: Vec<GalleryCrop>,
}

/// What [`draw_microbe_gallery`] draws.
#[derive(Debug, Clone, Copy)]
pub struct MicrobeGalleryPicture<'a> {
    /// Sample and dye.
    pub title: &'a Title,
    /// The objects.
    pub groups: &'a [GalleryGroup],
    /// Width and height of what is shown around each, px.
    pub side_px: usize,
}

/// Draws three images of each object side by side with its numbers below: a PNG of 1,200 px width. Post and aligned pre of an
/// object have one range of brightness, from the darkest to the brightest pixel of both; the difference is black at 0, red above
/// and blue below, up to its largest pixel.
///
/// # Errors
/// [`PlotError`] if the picture cannot be encoded.
pub fn draw_microbe_gallery(picture: &MicrobeGalleryPicture<'_>) -> Result<Vec<u8>, PlotError> {
    let style = Style::for_width(PAGE_PX);
    let fonts = Fonts::new()?;
    let side = picture.side_px;
    let of_size = picture.title.um_per_px.map_or_else(String::new, |[x, y]| {
        let [width, height] = [x, y].map(|um| short(um * side as f64));
        format!(" ({width} x {height} µm)")
    });
    let header = Header::new(picture.title, "gallery of microbes").line(format!(
        "post, aligned pre and difference of each, {side} x {side} px{of_size} at full resolution"
    ));
    let layout = Layout::new(&style);
    let groups = || picture.groups.iter().filter(|g| !g.crops.is_empty());
    let top = header.height(&style);
    let heights: f64 = groups().map(|group| layout.group_height(group)).sum();
    let is_empty = groups().next().is_none();
    let height = top + if is_empty { EMPTY_HEIGHT_PX } else { heights } + style.gap;
    let mut surface = Surface::new(PAGE_PX, height.ceil(), fonts)?;
    header.draw(&mut surface, &style);
    if is_empty {
        let rect = Rect::new(0.0, top, PAGE_PX, EMPTY_HEIGHT_PX);
        write_reason(&mut surface, &style, rect, "no microbes");
    }
    let mut y = top;
    for group in groups() {
        layout.draw_group(&mut surface, group, y);
        y += layout.group_height(group);
    }
    surface.into_png()
}

/// Where things are, px.
struct Layout {
    margin: f64,
    gap: f64,
    /// Of one object.
    column: f64,
    /// Side of one image.
    image: f64,
    name: TextStyle,
    caption: TextStyle,
}

impl Layout {
    fn new(style: &Style) -> Self {
        let (margin, gap) = (2.0 * style.gap, 1.2 * style.gap);
        let columns = COLUMNS as f64;
        let column = (PAGE_PX - 2.0 * margin - (columns - 1.0) * gap) / columns;
        Self {
            margin,
            gap,
            column,
            image: ((column - 2.0 * BETWEEN_PX) / 3.0).floor(),
            name: TextStyle::new(style.label).bold().colour(INK),
            caption: TextStyle::new(0.62 * style.tick).colour(INK),
        }
    }

    fn row_height(&self) -> f64 {
        self.image + 2.6 * self.caption.size + self.gap
    }

    fn group_height(&self, group: &GalleryGroup) -> f64 {
        let rows = group.crops.len().div_ceil(COLUMNS) as f64;
        2.0 * self.name.size + rows * self.row_height()
    }

    fn draw_group(&self, surface: &mut Surface, group: &GalleryGroup, top: f64) {
        surface.text(
            &group.name,
            self.margin,
            top + 1.2 * self.name.size,
            self.name,
        );
        let top = top + 2.0 * self.name.size;
        for (i, crop) in group.crops.iter().enumerate() {
            let x = self.margin + (i % COLUMNS) as f64 * (self.column + self.gap);
            let y = top + (i / COLUMNS) as f64 * self.row_height();
            self.draw_crop(surface, crop, (x, y));
        }
    }

    fn draw_crop(&self, surface: &mut Surface, crop: &GalleryCrop, (x, y): (f64, f64)) {
        let [low, high] = range([&crop.post, &crop.aligned]);
        let grey = |v: f32| ColourMap::Grey.at(f64::from((v - low) / (high - low).max(1e-12)));
        let [least, most] = range([&crop.difference, &crop.difference]);
        let most = most.max(-least).max(1e-12);
        let signed = |v: f32| ColourMap::Diverging.at(f64::from(0.5 + 0.5 * v / most));
        let side = self.image as usize;
        let rasters = [
            raster(crop.post.view(), side, &grey),
            raster(crop.aligned.view(), side, &grey),
            raster(crop.difference.view(), side, &signed),
        ];
        for (k, raster) in rasters.iter().enumerate() {
            let left = x + k as f64 * (self.image + BETWEEN_PX);
            surface.raster(left.round() as usize, y.round() as usize, raster);
        }
        for (k, line) in crop.caption.iter().enumerate() {
            let (text, style) = surface.fonts.fitted(line, self.caption, self.column);
            let baseline = y + self.image + (1.15 + 1.25 * k as f64) * self.caption.size;
            surface.text(&text, x, baseline, style);
        }
    }
}

/// Smallest and largest number of both.
fn range(images: [&Array2<f32>; 2]) -> [f32; 2] {
    let all = images.into_iter().flatten().filter(|v| v.is_finite());
    all.fold([f32::MAX, f32::MIN], |[low, high], &v| {
        [low.min(v), high.max(v)]
    })
}

fn raster(image: ArrayView2<'_, f32>, side: usize, colour: &dyn Fn(f32) -> [u8; 3]) -> Raster {
    let shown = resized(image, side, side, Reduce::Mean);
    let pixel = |v: &f32| if v.is_finite() { colour(*v) } else { NOTHING };
    Raster {
        width: side,
        pixels: shown.iter().map(pixel).collect(),
    }
}
