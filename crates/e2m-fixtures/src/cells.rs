//! Fields of cells by two dyes: sparse, noisy, without an outline, and alike in where things lie but not in how bright they are.

use crate::hash::{self, NormalTable, Stream};
use e2m_image::Warp;
use ndarray::Array2;

/// Counts without a cell.
const GROUND: f32 = 12.0;
/// Counts outside a field stop.
const DARK: f32 = 2.0;
/// The brightest cell is this much brighter than the dimmest.
const BRIGHTEST: f64 = 4.0;
/// Pre shows cells as rings up to this many radii.
const RING_RADII: f64 = 1.8;

/// A field of cells. Post shows their nuclei, pre the rings around them, each with brightness of its own.
#[derive(Debug, Clone, PartialEq)]
pub struct CellField {
    /// Columns of both images.
    pub width: usize,
    /// Rows of both images.
    pub height: usize,
    /// Everything random follows from it.
    pub seed: u64,
    /// Cells per million pixels.
    pub per_megapixel: f64,
    /// Radius of a nucleus, px.
    pub radius_px: f64,
    /// Share of the cells that both images show; the others are in one of them.
    pub shared: f64,
    /// Counts of the dimmest nucleus.
    pub counts: f64,
    /// Rotation of the warp from post to pre about the centre of the image.
    pub rotation_deg: f64,
    /// Magnification of that warp.
    pub magnification: f64,
    /// Where the centre of post lies in pre, from the centre of pre, px.
    pub shift_px: [f64; 2],
    /// Standard deviation of the noise of both cameras, counts.
    pub noise_counts: f64,
    /// Whether a round field stop of the instrument cuts both images off at the same place.
    pub field_stop: bool,
    /// Whether pre shows another field.
    pub foreign: bool,
}

impl Default for CellField {
    fn default() -> Self {
        Self {
            width: 700,
            height: 560,
            seed: 1,
            per_megapixel: 900.0,
            radius_px: 5.0,
            shared: 0.7,
            counts: 20.0,
            rotation_deg: 0.0,
            magnification: 1.0,
            shift_px: [0.0, 0.0],
            noise_counts: 3.0,
            field_stop: false,
            foreign: false,
        }
    }
}

/// One cell, in px of post.
struct Cell {
    x: f64,
    y: f64,
    radius: f64,
    /// Counts in post and in pre; zero where it is not shown.
    counts: [f64; 2],
}

impl CellField {
    /// The warp from post to pre.
    pub fn warp(&self) -> Warp {
        let centre = (
            0.5 * (self.width as f64 - 1.0),
            0.5 * (self.height as f64 - 1.0),
        );
        let [dx, dy] = self.shift_px;
        Warp::similarity(self.magnification, self.rotation_deg, centre)
            .then(&Warp::translation(dx, dy))
    }

    /// Post and pre, counts of shape `(height, width)`.
    pub fn render(&self) -> [Array2<f32>; 2] {
        let own = self.cells(self.seed);
        let other = self
            .foreign
            .then(|| self.cells(hash::derive(self.seed, 81)));
        let warp = self.warp();
        let mut post = self.empty();
        for cell in &own {
            draw(
                &mut post,
                (cell.x, cell.y),
                cell.radius,
                cell.counts[0],
                nucleus,
            );
        }
        let mut pre = self.empty();
        for cell in other.as_ref().unwrap_or(&own) {
            let radius = cell.radius * self.magnification;
            draw(
                &mut pre,
                warp.apply(cell.x, cell.y),
                radius,
                cell.counts[1],
                ring,
            );
        }
        [self.seen(post, 82), self.seen(pre, 83)]
    }

    fn empty(&self) -> Array2<f32> {
        Array2::from_elem((self.height, self.width), GROUND)
    }

    /// Cells over more than the frame of post, so that none is missing where pre reaches beyond it.
    fn cells(&self, seed: u64) -> Vec<Cell> {
        let mut stream = Stream::new(seed, 80);
        let (width, height) = (self.width as f64, self.height as f64);
        let count = (self.per_megapixel * 4.0 * width * height * 1e-6) as usize;
        let brightness = |stream: &mut Stream| self.counts * stream.range(1.0, BRIGHTEST);
        (0..count)
            .map(|_| {
                let (x, y) = (
                    stream.range(-0.5 * width, 1.5 * width),
                    stream.range(-0.5 * height, 1.5 * height),
                );
                let radius = self.radius_px * stream.range(0.8, 1.2);
                let counts = [brightness(&mut stream), brightness(&mut stream)];
                let (is_shared, is_in_post) = (stream.unit() < self.shared, stream.unit() < 0.5);
                let shown = |here: bool, counts: f64| if is_shared || here { counts } else { 0.0 };
                Cell {
                    x,
                    y,
                    radius,
                    counts: [shown(is_in_post, counts[0]), shown(!is_in_post, counts[1])],
                }
            })
            .collect()
    }

    /// What the camera makes of it.
    fn seen(&self, mut image: Array2<f32>, purpose: u64) -> Array2<f32> {
        let (normal, seed) = (NormalTable::shared(), hash::derive(self.seed, purpose));
        let middle = [
            0.5 * (self.width as f64 - 1.0),
            0.5 * (self.height as f64 - 1.0),
        ];
        let stop = 0.47 * self.width.min(self.height) as f64;
        for ((y, x), v) in image.indexed_iter_mut() {
            let distance = (x as f64 - middle[0]).hypot(y as f64 - middle[1]);
            if self.field_stop {
                let open = (stop - distance + 0.5).clamp(0.0, 1.0) as f32;
                *v = DARK + open * *v;
            }
            let deviate = normal.get(hash::at(seed, x as i32, y as i32) as u16);
            *v = (*v + self.noise_counts as f32 * deviate)
                .round()
                .clamp(0.0, 255.0);
        }
        image
    }
}

/// Brightness of a nucleus at so many radii from its middle.
fn nucleus(radii: f64) -> f64 {
    libm::exp(-libm::pow(radii, 4.0))
}

/// Brightness of the ring around a nucleus.
fn ring(radii: f64) -> f64 {
    let from_ring = (radii - 1.3) / 0.35;
    0.15 * nucleus(radii) + libm::exp(-from_ring * from_ring)
}

fn draw(
    image: &mut Array2<f32>,
    (x, y): (f64, f64),
    radius: f64,
    counts: f64,
    profile: fn(f64) -> f64,
) {
    let reach = 1.5 * RING_RADII * radius;
    let (height, width) = image.dim();
    let span = |at: f64, n: usize| {
        let clamp = |v: f64| v.clamp(0.0, n as f64) as usize;
        clamp(at - reach)..clamp(at + reach + 1.0)
    };
    if counts == 0.0 {
        return;
    }
    for row in span(y, height) {
        for column in span(x, width) {
            let distance = (column as f64 - x).hypot(row as f64 - y);
            image[(row, column)] += (counts * profile(distance / radius)) as f32;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_lie_where_the_warp_sends_them() {
        let field = CellField {
            rotation_deg: 4.0,
            shift_px: [20.0, -11.0],
            shared: 1.0,
            noise_counts: 0.0,
            ..CellField::default()
        };
        let [post, pre] = field.render();
        let cells = field.cells(field.seed);
        let inside = |&(x, y): &(f64, f64)| x > 9.0 && y > 9.0 && x < 690.0 && y < 550.0;
        let mut seen = 0;
        for cell in &cells {
            let (at, there) = ((cell.x, cell.y), field.warp().apply(cell.x, cell.y));
            if !inside(&at) || !inside(&there) {
                continue;
            }
            seen += 1;
            assert!(post[(at.1 as usize, at.0 as usize)] > GROUND + 10.0);
            // On the ring, to the right of the middle.
            let right = there.0 + 1.3 * cell.radius;
            assert!(pre[(there.1.round() as usize, right.round() as usize)] > GROUND + 10.0);
        }
        assert!(seen > 100, "{seen}");
        let other = CellField {
            foreign: true,
            ..field.clone()
        };
        let [same_post, other_pre] = other.render();
        assert_eq!(same_post, post);
        assert_ne!(other_pre, pre);
    }

    #[test]
    fn a_field_stop_lies_at_the_same_place_in_both() {
        let field = CellField {
            field_stop: true,
            shift_px: [40.0, 10.0],
            noise_counts: 0.0,
            ..CellField::default()
        };
        for image in field.render() {
            assert!(image[(280, 3)] <= DARK && image[(3, 350)] <= DARK);
            assert!(image[(280, 350)] >= GROUND);
        }
    }
}
