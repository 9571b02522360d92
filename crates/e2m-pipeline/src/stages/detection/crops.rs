//! Objects of the catalogue with what lies around them, at full resolution.

use crate::pictures::Gallery;
use e2m_detect::{Catalogue, Object, PairFacts, PairSource, mask};
use e2m_image::BandError;
use e2m_plot::{GalleryCrop, GalleryGroup};
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

/// Reads the surroundings of the brightest microbes, of those at the threshold and of some drawn by their numbers.
pub(super) fn gallery(
    pair: &mut dyn PairSource,
    facts: &PairFacts,
    catalogue: &Catalogue,
) -> Result<Gallery, BandError> {
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
        .map(|object| Crop::around(object, side_px))
        .collect();
    fill(pair, &mut crops)?;
    let mut crops = crops.into_iter();
    let groups = groups.into_iter().map(|(name, objects)| GalleryGroup {
        name,
        crops: objects
            .iter()
            .zip(&mut crops)
            .map(|(object, crop)| crop.finish(facts, object))
            .collect(),
    });
    Ok(Gallery {
        groups: groups.collect(),
        side_px,
    })
}

/// What lies around one object; NaN where there is no pixel.
struct Crop {
    /// Column and row of its first pixel on the canvas.
    first: [isize; 2],
    post: Array2<f32>,
    aligned: Array2<f32>,
}

impl Crop {
    fn around(object: &Object, side: usize) -> Self {
        let first = [object.x_px, object.y_px].map(|c| c.round() as isize - side as isize / 2);
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
