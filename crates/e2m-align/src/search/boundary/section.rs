//! The section as a region: its pieces, holes filled, apart from dust.

use super::density::{above_local_level, bright, finite, glass_spread};
use crate::search::cv::{gaussian_blur, single_threaded, to_mat};
use crate::search::error::{AlignError, OutlineFlaw, Side};
use ndarray::{Array2, ArrayView2};
use opencv::core::{CV_32S, Mat, MatTraitConst, MatTraitConstManual};
use opencv::imgproc;

/// Pieces of at least this share of the largest belong to the section; what is smaller is dust or crumbs. All of them
/// are followed, not only the largest one: pieces of similar size may change ranks between the images.
const PIECE_SHARE: f64 = 0.1;
/// A section whose pieces hold less than this share of all bright pixels, or which is less than this full before its
/// holes are filled, is a cloud of dots at this smoothness.
const SOLID_SHARE: f64 = 0.7;
/// Where the section takes more than this share of the frame's border, what is seen of its outline is chance.
const MAX_FRAME_SHARE: f64 = 0.4;
/// A section smaller than this share of the frame cannot be told from dust.
const MIN_AREA_SHARE: f64 = 0.005;
/// More pieces than this are cells or grains, not pieces of a section.
const MAX_PIECES: usize = 20;
/// What is dark must be even: it may vary by this much of the difference to the section. Generated sections on glass have
/// up to 0.06, those that fill the frame 0.27 and more.
const MAX_GLASS_SPREAD: f64 = 0.15;
/// The fine smoothing: a sigma of this share of the longer side, but at least [`MIN_SIGMA_PX`].
const SIGMA_SHARE: f64 = 1.0 / 800.0;
const MIN_SIGMA_PX: f64 = 1.0;
/// How often the sigma is doubled until both sections are solid.
const DOUBLINGS: usize = 4;
/// The local threshold and the region it needs are found in turns.
const TURNS: usize = 2;

/// A section in one image.
#[derive(Debug, Clone)]
pub(super) struct Section {
    /// Its pixels, holes included.
    pub(super) mask: Array2<bool>,
    /// Brightness above the local threshold; the outline lies where it is zero.
    pub(super) field: Array2<f32>,
    /// How many pieces it has.
    pub(super) pieces: usize,
    /// Share of the frame's border that it covers.
    pub(super) frame_share: f64,
}

/// Finds the section in both images at the least smoothing that makes both of them solid: scattered bright cells on a
/// dark ground need more of it than a rock. One smoothness for both keeps their outlines alike.
///
/// # Errors
/// Where an image is blank, and where a section has no outline of its own.
pub(super) fn find_sections(
    post: ArrayView2<'_, f32>,
    pre: ArrayView2<'_, f32>,
) -> Result<[Section; 2], AlignError> {
    let (post, pre) = (finite(post), finite(pre));
    let longer = [post.dim(), pre.dim()]
        .iter()
        .map(|d| d.0.max(d.1))
        .max()
        .unwrap_or(0);
    let mut sigma = (SIGMA_SHARE * longer as f64).max(MIN_SIGMA_PX);
    let mut doublings = 0;
    loop {
        let (post, pre) = rayon::join(
            || Regions::find(&post, Side::Post, sigma),
            || Regions::find(&pre, Side::Pre, sigma),
        );
        let (post, pre) = (post?, pre?);
        tracing::debug!(sigma, post = ?post.facts(), pre = ?pre.facts(), "sections");
        if doublings == DOUBLINGS || (post.is_solid() && pre.is_solid()) {
            return Ok([post.into_section(Side::Post)?, pre.into_section(Side::Pre)?]);
        }
        sigma *= 2.0;
        doublings += 1;
    }
}

/// What a threshold left of an image.
struct Regions {
    field: Array2<f32>,
    mask: Array2<bool>,
    pieces: usize,
    /// Bright pixels in all, in the pieces, and in the pieces with their holes filled.
    bright: usize,
    kept: usize,
    filled: usize,
}

impl Regions {
    fn find(image: &Array2<f32>, side: Side, sigma: f64) -> Result<Self, AlignError> {
        let smooth = gaussian_blur(image.view(), sigma)?;
        let mut mask = bright(&smooth, side)?;
        let mut field = Array2::zeros((0, 0));
        for _ in 0..TURNS {
            field = above_local_level(&smooth, &mask)?;
            mask = field.mapv(|v| v > 0.0);
        }
        let bright = count(&mask);
        let (pieces, kept_mask) = largest_pieces(&mask)?;
        let kept = count(&kept_mask);
        let mask = fill_holes(&kept_mask)?;
        Ok(Self {
            pieces,
            bright,
            kept,
            filled: count(&mask),
            mask,
            field,
        })
    }

    fn is_solid(&self) -> bool {
        let least = |n: usize| n as f64 * SOLID_SHARE;
        self.pieces <= MAX_PIECES
            && self.kept as f64 >= least(self.bright)
            && self.kept as f64 >= least(self.filled)
    }

    fn facts(&self) -> (usize, usize, usize, usize) {
        (self.pieces, self.bright, self.kept, self.filled)
    }

    fn into_section(self, side: Side) -> Result<Section, AlignError> {
        let no_outline = |flaw| Err(AlignError::NoOutline { side, flaw });
        let area_share = self.filled as f64 / self.mask.len().max(1) as f64;
        if area_share < MIN_AREA_SHARE {
            return no_outline(OutlineFlaw::Tiny { area_share });
        }
        let frame_share = frame_share(&self.mask);
        if frame_share > MAX_FRAME_SHARE {
            return no_outline(OutlineFlaw::FillsFrame { frame_share });
        }
        if !self.is_solid() {
            return no_outline(OutlineFlaw::Scattered {
                pieces: self.pieces,
                kept_share: self.kept as f64 / self.bright.max(1) as f64,
                filled_share: self.kept as f64 / self.filled.max(1) as f64,
            });
        }
        let glass_spread = glass_spread(&self.field, &self.mask);
        if glass_spread > MAX_GLASS_SPREAD {
            return no_outline(OutlineFlaw::NoGlass { glass_spread });
        }
        Ok(Section {
            mask: self.mask,
            field: self.field,
            pieces: self.pieces,
            frame_share,
        })
    }
}

fn count(mask: &Array2<bool>) -> usize {
    mask.iter().filter(|&&m| m).count()
}

/// The share of the image's border pixels that lie in `mask`.
fn frame_share(mask: &Array2<bool>) -> f64 {
    let (height, width) = mask.dim();
    let rows = [mask.row(0), mask.row(height - 1)];
    let columns = [mask.column(0), mask.column(width - 1)];
    let covered = rows.iter().chain(&columns).flatten().filter(|&&m| m);
    covered.count() as f64 / (2 * (width + height)) as f64
}

/// Connected regions and their areas; label 0 is what is not in `mask`.
fn components(
    mask: &Array2<bool>,
    connectivity: i32,
) -> Result<(Vec<i32>, Vec<usize>), AlignError> {
    single_threaded();
    let pixels = to_mat(mask.mapv(u8::from).view())?;
    let (mut labels, mut stats, mut centroids) = (Mat::default(), Mat::default(), Mat::default());
    let n = imgproc::connected_components_with_stats(
        &pixels,
        &mut labels,
        &mut stats,
        &mut centroids,
        connectivity,
        CV_32S,
    )?;
    let areas = (0..n)
        .map(|i| Ok(*stats.at_2d::<i32>(i, imgproc::CC_STAT_AREA)? as usize))
        .collect::<opencv::Result<_>>()?;
    Ok((labels.data_typed::<i32>()?.to_vec(), areas))
}

/// How many pieces there are, and their pixels.
fn largest_pieces(mask: &Array2<bool>) -> Result<(usize, Array2<bool>), AlignError> {
    let (labels, areas) = components(mask, 8)?;
    let largest = areas.iter().skip(1).copied().max().unwrap_or(0);
    let least = PIECE_SHARE * largest as f64;
    let kept: Vec<bool> = areas
        .iter()
        .enumerate()
        .map(|(i, &area)| i > 0 && area as f64 >= least)
        .collect();
    let pieces = kept.iter().filter(|&&k| k).count();
    Ok((
        pieces,
        relabelled(mask.dim(), &labels, |l| kept[l as usize]),
    ))
}

/// `mask` with everything that it encloses. A hole that opens to the border of the image is none.
fn fill_holes(mask: &Array2<bool>) -> Result<Array2<bool>, AlignError> {
    let (labels, areas) = components(&mask.mapv(|m| !m), 4)?;
    let (height, width) = mask.dim();
    let mut open = vec![false; areas.len()];
    for x in 0..width {
        open[labels[x] as usize] = true;
        open[labels[(height - 1) * width + x] as usize] = true;
    }
    for y in 0..height {
        open[labels[y * width] as usize] = true;
        open[labels[y * width + width - 1] as usize] = true;
    }
    open[0] = false; // the section itself
    Ok(relabelled(mask.dim(), &labels, |l| !open[l as usize]))
}

fn relabelled(
    (height, width): (usize, usize),
    labels: &[i32],
    inside: impl Fn(i32) -> bool,
) -> Array2<bool> {
    Array2::from_shape_fn((height, width), |(y, x)| inside(labels[y * width + x]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawing(rows: &[&str]) -> Array2<bool> {
        let bytes: Vec<u8> = rows.iter().flat_map(|r| r.bytes()).collect();
        Array2::from_shape_vec((rows.len(), rows[0].len()), bytes)
            .expect("rows of one length")
            .mapv(|b| b == b'#')
    }

    #[test]
    fn holes_are_filled_and_bays_are_not() {
        let mask = drawing(&[
            "........", ".#####..", ".#...#.#", ".#.#.#.#", ".#####..", "..#.#...",
        ]);
        let filled = drawing(&[
            "........", ".#####..", ".#####.#", ".#####.#", ".#####..", "..#.#...",
        ]);
        assert_eq!(fill_holes(&mask).expect("labels"), filled);
    }

    #[test]
    fn pieces_of_some_size_are_kept_and_crumbs_are_not() {
        let mut mask = Array2::from_elem((40, 60), false);
        mask.slice_mut(ndarray::s![2..22, 2..22]).fill(true); // 400 px
        mask.slice_mut(ndarray::s![25..35, 30..40]).fill(true); // 100 px
        mask.slice_mut(ndarray::s![2..7, 50..55]).fill(true); // 25 px
        let (pieces, kept) = largest_pieces(&mask).expect("labels");
        assert_eq!((pieces, count(&kept)), (2, 500));
    }

    #[test]
    fn scattered_dots_become_solid_by_smoothing() {
        let dots = Array2::from_shape_fn((300, 400), |(y, x)| {
            let inside = (x as f32 - 200.0).hypot(y as f32 - 150.0) < 100.0;
            let dot = (x + y / 9 % 2 * 5) % 10 < 3 && y % 9 < 3;
            if inside && dot { 200.0 } else { 3.0 }
        });
        let [a, b] = find_sections(dots.view(), dots.view()).expect("an outline");
        assert_eq!((a.pieces, b.pieces), (1, 1));
        let share = count(&a.mask) as f64 / (std::f64::consts::PI * 1e4);
        assert!((0.9..1.15).contains(&share), "{share}");
    }

    #[test]
    fn what_has_no_outline_is_told_apart() {
        let section = |w: f32, h: f32| {
            Array2::from_shape_fn((200, 240), |(y, x)| {
                let inside = (x as f32 - 120.0).abs() < w && (y as f32 - 100.0).abs() < h;
                if inside {
                    90.0 + ((x * y) % 7) as f32
                } else {
                    2.0
                }
            })
        };
        let good = section(80.0, 60.0);
        let flaw = |pre: Array2<f32>| match find_sections(good.view(), pre.view()) {
            Err(AlignError::NoOutline {
                side: Side::Pre,
                flaw,
            }) => flaw,
            other => panic!("{other:?}"),
        };
        assert!(matches!(
            flaw(section(300.0, 95.0)),
            OutlineFlaw::FillsFrame { .. }
        ));
        assert!(matches!(flaw(section(6.0, 6.0)), OutlineFlaw::Tiny { .. }));
        let grains = Array2::from_shape_fn((200, 240), |(y, x)| {
            let grain = ((x / 20 * 7 + y / 20 * 11) % 13) as f32;
            10.0 + 12.0 * grain
        });
        let found = flaw(grains);
        assert!(
            matches!(
                found,
                OutlineFlaw::NoGlass { .. }
                    | OutlineFlaw::FillsFrame { .. }
                    | OutlineFlaw::Scattered { .. }
            ),
            "{found:?}"
        );
    }
}
