//! Objects of the catalogue and other places with what lies around them, at full resolution.

use crate::pictures::{CloseUps, Crops, Gallery};
use e2m_detect::{Catalogue, DensityCell, Object, PairFacts, PairSource, mask};
use e2m_image::BandError;
use e2m_plot::{CloseUp, GalleryCrop, GalleryGroup};
use ndarray::{Array2, s};
use std::collections::BTreeSet;
use std::ops::Range;

/// Objects of each group.
const OF_GROUP: usize = 20;
/// Rows that are read at a time.
const ROWS: usize = 64;
/// Width and height around an object: so many times the length of nearly all of them, px.
const PER_LENGTH: f64 = 6.0;
const SIDES: Range<usize> = 24..96;

/// Width and height of a close-up, px.
const CLOSE_UP_PX: usize = 128;
/// The strongest microbes that have a close-up, and places of the section that have one by chance.
const STRONGEST: usize = 3;
const BY_CHANCE: usize = 2;
/// A cell of which less than this share is section is no place to be drawn.
const MOSTLY_SECTION: f64 = 0.5;

/// Reads the surroundings of the brightest microbes, of those at the threshold and of some drawn by their numbers; and the places
/// of the close-ups. `worst` is the tile with the longest residual: the middle, canvas px, and the residual, px.
pub(super) fn crops(
    pair: &mut dyn PairSource,
    facts: &PairFacts,
    catalogue: &Catalogue,
    worst: Option<([f64; 2], f64)>,
) -> Result<Crops, BandError> {
    let close_ups = close_ups(catalogue, worst);
    let mut microbes: Vec<&Object> = catalogue.microbes().collect();
    let mut lengths: Vec<f64> = microbes.iter().map(|o| o.length_px).collect();
    lengths.sort_unstable_by(f64::total_cmp);
    let long = lengths.get(lengths.len() * 9 / 10).copied().unwrap_or(0.0);
    let side_px = ((PER_LENGTH * long) as usize).clamp(SIDES.start, SIDES.end) & !1;
    let mut groups = Vec::new();
    let mut take = |name: &str, order: &dyn Fn(&Object) -> f64| {
        microbes.sort_by(|a, b| order(a).total_cmp(&order(b)).then(a.id.cmp(&b.id)));
        let chosen = microbes.iter().take(OF_GROUP).map(|o| **o);
        groups.push((name.to_owned(), chosen.collect::<Vec<Object>>()));
    };
    take("The brightest", &|o| -o.flux);
    take("At the threshold", &|o| o.significance);
    take("Drawn at random", &|o| {
        f64::from(o.id.wrapping_mul(0x9E37_79B9))
    });
    let mut crops: Vec<Crop> = groups
        .iter()
        .flat_map(|(_, objects)| objects)
        .map(|object| Crop::around([object.x_px, object.y_px], side_px))
        .collect();
    let objects = crops.len();
    crops.extend(
        close_ups
            .iter()
            .map(|(place, _)| Crop::around(*place, CLOSE_UP_PX)),
    );
    fill(pair, &mut crops)?;
    let places = crops.split_off(objects);
    let mut crops = crops.into_iter();
    let groups = groups.into_iter().map(|(name, objects)| GalleryGroup {
        name,
        crops: objects
            .iter()
            .zip(&mut crops)
            .map(|(object, crop)| crop.finish(facts, object))
            .collect(),
    });
    let gallery = Gallery {
        groups: groups.collect(),
        side_px,
    };
    let places = places
        .into_iter()
        .zip(close_ups)
        .map(|(crop, (_, caption))| CloseUp {
            post: crop.post,
            aligned: crop.aligned,
            caption,
        });
    Ok(Crops {
        gallery,
        close_ups: CloseUps {
            places: places.collect(),
            side_px: CLOSE_UP_PX,
        },
    })
}

/// The places of the close-ups, canvas px, and what is said of each: strong microbes that are not on one another's, places of the
/// section by chance, and the tile with the longest residual.
fn close_ups(catalogue: &Catalogue, worst: Option<([f64; 2], f64)>) -> Vec<([f64; 2], String)> {
    let at = |[x, y]: [f64; 2]| format!("x {x:.0}, y {y:.0}");
    let mut microbes: Vec<&Object> = catalogue.microbes().collect();
    microbes.sort_by(|a, b| b.flux.total_cmp(&a.flux).then(a.id.cmp(&b.id)));
    let mut places: Vec<([f64; 2], String)> = Vec::new();
    for object in microbes {
        let place = [object.x_px, object.y_px];
        let is_apart = |(other, _): &([f64; 2], String)| {
            (other[0] - place[0]).abs().max((other[1] - place[1]).abs()) > CLOSE_UP_PX as f64 / 2.0
        };
        if places.len() < STRONGEST && places.iter().all(is_apart) {
            places.push((place, format!("microbe {}, {}", object.id, at(place))));
        }
    }
    let side = DensityCell::SIDE_PX;
    let columns = catalogue.cell_columns.max(1);
    let enough = MOSTLY_SECTION * (side * side) as f64;
    let mut cells: Vec<usize> = (0..catalogue.cells.len())
        .filter(|&i| catalogue.cells[i].section_px as f64 >= enough)
        .collect();
    if cells.is_empty() {
        let most = (0..catalogue.cells.len()).max_by_key(|&i| catalogue.cells[i].section_px);
        cells.extend(most.filter(|&i| catalogue.cells[i].section_px > 0));
    }
    // The same places in every run: chance is the order of the products.
    cells.sort_by_key(|&i| (i as u32).wrapping_mul(0x9E37_79B9).rotate_left(7));
    for cell in cells.into_iter().take(BY_CHANCE) {
        let middle = |i: usize| (i * side + side / 2) as f64;
        let place = [middle(cell % columns), middle(cell / columns)];
        places.push((place, format!("by chance, {}", at(place))));
    }
    if let Some((place, px)) = worst {
        places.push((place, format!("residual {px:.2} px, {}", at(place))));
    }
    places
}

/// What lies around one place; NaN where there is no pixel.
struct Crop {
    /// Column and row of its first pixel on the canvas.
    first: [isize; 2],
    post: Array2<f32>,
    aligned: Array2<f32>,
}

impl Crop {
    fn around(place: [f64; 2], side: usize) -> Self {
        let first = place.map(|c| c.round() as isize - side as isize / 2);
        let nothing = Array2::from_elem((side, side), f32::NAN);
        Self {
            first,
            post: nothing.clone(),
            aligned: nothing,
        }
    }

    /// The rows of the canvas that it asks for.
    fn rows(&self, height: usize) -> Range<usize> {
        let clamped = |row: isize| row.clamp(0, height as isize) as usize;
        clamped(self.first[1])..clamped(self.first[1] + self.post.nrows() as isize)
    }

    fn finish(self, facts: &PairFacts, object: &Object) -> GalleryCrop {
        let (scale, post_black, pre_black) = (
            facts.scale as f32,
            facts.post_black as f32,
            facts.pre_black as f32,
        );
        let mut difference = self.post.clone();
        difference.zip_mut_with(&self.aligned, |d, a| {
            *d = (*d - post_black) - scale * (a - pre_black);
        });
        GalleryCrop {
            post: self.post,
            aligned: self.aligned,
            difference,
            caption: [
                format!(
                    "{}: {:.1} sigma, flux {:.0}",
                    object.id, object.significance, object.flux
                ),
                format!(
                    "x {:.0}, y {:.0}, {:.1} x {:.1} px",
                    object.x_px, object.y_px, object.length_px, object.width_px
                ),
            ],
        }
    }
}

/// Fills all crops, from the top down, reading only the rows that they ask for.
fn fill(pair: &mut dyn PairSource, crops: &mut [Crop]) -> Result<(), BandError> {
    let size = pair.size();
    let wanted: BTreeSet<usize> = crops
        .iter()
        .flat_map(|crop| crop.rows(size.height))
        .map(|row| row / ROWS)
        .collect();
    let rows = ROWS.min(size.height);
    let mut post = Array2::zeros((rows, size.width));
    let mut aligned = post.clone();
    let mut flags = Array2::zeros((rows, size.width));
    for block in wanted {
        let block = block * ROWS..((block + 1) * ROWS).min(size.height);
        let part = s![..block.len(), ..];
        pair.read_pair(
            block.start,
            post.slice_mut(part),
            aligned.slice_mut(part),
            flags.slice_mut(part),
        )?;
        for crop in crops.iter_mut() {
            let mine = crop.rows(size.height);
            for y in mine.start.max(block.start)..mine.end.min(block.end) {
                let own = (y as isize - crop.first[1]) as usize;
                for column in 0..crop.post.ncols() {
                    let x = crop.first[0] + column as isize;
                    let Some(x) = usize::try_from(x).ok().filter(|x| *x < size.width) else {
                        continue;
                    };
                    let at = (y - block.start, x);
                    if flags[at] & mask::NO_POST == 0 {
                        crop.post[(own, column)] = post[at];
                    }
                    if flags[at] & mask::NO_PRE == 0 {
                        crop.aligned[(own, column)] = aligned[at];
                    }
                }
            }
        }
    }
    Ok(())
}
