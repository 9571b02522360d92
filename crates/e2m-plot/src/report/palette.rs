//! Charts with few colours: as a PNG with a palette, which keeps lines and type as they are in a fifth of the bytes.

/// The palettes that are tried: so many colours at most, none of a picture farther from its own than this, in levels of a channel.
const DISTANCES: [i32; 3] = [16, 22, 28];
/// A palette of this many colours is enough for lines, type and their soft edges.
const MOST_COLOURS: usize = 64;
/// Colours are told apart to this many bits of a channel when they are counted.
const COUNTED_BITS: u32 = 5;
/// Colours whose place in the palette is remembered: a picture with a palette has a few hundred.
const REMEMBERED: usize = 4096;

/// A picture (red, green and blue, pixel by pixel) as a PNG with a palette; `None` where that many colours do not do, as with photographs.
///
/// Colours are taken by how often they are used, each that lies farther than a distance from all taken before, so that a rare one has
/// its place as well: no pixel is off by more than that distance and what counting leaves out.
pub(super) fn as_palette_png(pixels: &[u8], (width, height): (u32, u32)) -> Option<Vec<u8>> {
    let counted = counted(pixels);
    let palette = DISTANCES
        .iter()
        .find_map(|&distance| palette(&counted, distance))?;
    let mut nearest = Nearest::new(&palette);
    let places: Vec<u8> = pixels
        .chunks_exact(3)
        .map(|pixel| nearest.place_of([pixel[0], pixel[1], pixel[2]]))
        .collect();
    let mut png = Vec::new();
    let mut encoder = png::Encoder::new(&mut png, width, height);
    encoder.set_color(png::ColorType::Indexed);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_palette(palette.concat());
    encoder.set_compression(png::Compression::Balanced);
    encoder.set_filter(png::Filter::NoFilter);
    let mut writer = encoder.write_header().ok()?;
    writer.write_image_data(&places).ok()?;
    writer.finish().ok()?;
    Some(png)
}

/// The colours of a picture, the most frequent first; each is the mean of those that counting does not tell apart.
fn counted(pixels: &[u8]) -> Vec<[u8; 3]> {
    let mut bins = vec![([0_u64; 3], 0_u64); 1 << (3 * COUNTED_BITS)];
    for pixel in pixels.chunks_exact(3) {
        let place = pixel.iter().fold(0, |place, &level| {
            place << COUNTED_BITS | usize::from(level >> (8 - COUNTED_BITS))
        });
        let (sum, count) = &mut bins[place];
        for (sum, level) in sum.iter_mut().zip(pixel) {
            *sum += u64::from(*level);
        }
        *count += 1;
    }
    let mut bins: Vec<([u8; 3], u64)> = bins
        .into_iter()
        .filter(|&(_, count)| count > 0)
        .map(|(sum, count)| (sum.map(|sum| (sum / count) as u8), count))
        .collect();
    bins.sort_unstable_by_key(|&(colour, count)| (std::cmp::Reverse(count), colour));
    bins.into_iter().map(|(colour, _)| colour).collect()
}

/// Colours of which one lies within `distance` of each that was counted; `None` where more than [`MOST_COLOURS`] are needed.
fn palette(counted: &[[u8; 3]], distance: i32) -> Option<Vec<[u8; 3]>> {
    let mut taken: Vec<[u8; 3]> = Vec::new();
    for &colour in counted {
        if taken.iter().all(|&other| apart(colour, other) > distance) {
            if taken.len() == MOST_COLOURS {
                return None;
            }
            taken.push(colour);
        }
    }
    Some(taken)
}

/// How far two colours are apart, in levels of the channel in which they differ most.
fn apart(a: [u8; 3], b: [u8; 3]) -> i32 {
    let differences = a.iter().zip(b).map(|(&a, b)| i32::from(a) - i32::from(b));
    differences.map(i32::abs).max().unwrap_or(0)
}

/// The places of colours in a palette. Those that came last are remembered, as neighbours are mostly alike.
struct Nearest<'p> {
    palette: &'p [[u8; 3]],
    known: Vec<Option<([u8; 3], u8)>>,
}

impl<'p> Nearest<'p> {
    fn new(palette: &'p [[u8; 3]]) -> Self {
        Self {
            palette,
            known: vec![None; REMEMBERED],
        }
    }

    fn place_of(&mut self, colour: [u8; 3]) -> u8 {
        let [r, g, b] = colour.map(usize::from);
        let slot = &mut self.known[(r * 31 + g * 17 + b) % REMEMBERED];
        match slot {
            Some((known, place)) if *known == colour => *place,
            _ => {
                let place = place_of(self.palette, colour);
                *slot = Some((colour, place));
                place
            }
        }
    }
}

fn place_of(palette: &[[u8; 3]], colour: [u8; 3]) -> u8 {
    let far = |other: [u8; 3]| -> i32 {
        let differences = colour.iter().zip(other);
        differences
            .map(|(&a, b)| (i32::from(a) - i32::from(b)).pow(2))
            .sum()
    };
    let nearest = palette
        .iter()
        .enumerate()
        .min_by_key(|(_, other)| far(**other));
    nearest.map_or(0, |(place, _)| place as u8)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    const SIZE: (u32, u32) = (60, 40);

    fn decoded(png: &[u8]) -> Vec<u8> {
        let mut decoder = png::Decoder::new(Cursor::new(png));
        decoder.set_transformations(png::Transformations::normalize_to_color8());
        let mut reader = decoder.read_info().expect("a PNG");
        let mut pixels = vec![0; reader.output_buffer_size().expect("known")];
        let frame = reader.next_frame(&mut pixels).expect("a frame");
        pixels.truncate(frame.buffer_size());
        pixels
    }

    /// White with a soft line and one red pixel.
    fn chart() -> Vec<u8> {
        let (width, height) = SIZE;
        let pixel = |i: u32| {
            let (x, y) = (i % width, i / width);
            match (x, y) {
                (7, 9) => [200, 20, 30],
                (_, 20) => [(4 * x) as u8; 3],
                _ => [255; 3],
            }
        };
        (0..width * height).flat_map(pixel).collect()
    }

    #[test]
    fn a_rare_colour_stays_and_none_is_far_from_its_own() {
        let chart = chart();
        let png = as_palette_png(&chart, SIZE).expect("few colours");
        let back = decoded(&png);
        let off = chart.iter().zip(&back).map(|(a, b)| a.abs_diff(*b)).max();
        assert!(off <= Some(22), "{off:?}");
        let red = 3 * (9 * SIZE.0 + 7) as usize;
        assert_eq!(back[red..red + 3], [200, 20, 30]);
        assert_eq!(back[..3], [255; 3]);
    }

    #[test]
    fn a_photograph_has_too_many_colours() {
        let mut state = 7_u64;
        let pixels: Vec<u8> = (0..SIZE.0 * SIZE.1 * 3)
            .map(|_| {
                state = state
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1);
                (state >> 56) as u8
            })
            .collect();
        assert_eq!(as_palette_png(&pixels, SIZE), None);
    }
}
