//! Which image has the compact sources.

use crate::pairs::{KINDS, MISALIGNMENTS_PX, Pair, TRAPS};
use e2m_image::Size;
use e2m_scale::{ScaleOptions, SourceCounts, SourceStatistics, Subtraction, estimate_scale};
use ndarray::Axis;

const SIZE: Size = Size {
    width: 720,
    height: 600,
};

fn counts(pair: &Pair, band_rows: usize) -> Option<SourceCounts> {
    let found = estimate_scale(&pair.statistics(100), &ScaleOptions::default()).ok()?;
    Some(counts_with(pair, band_rows, found.subtraction()))
}

fn counts_with(pair: &Pair, band_rows: usize, subtraction: Subtraction) -> SourceCounts {
    let mut sources = SourceStatistics::new(pair.post.ncols(), subtraction);
    let bands = pair.post.axis_chunks_iter(Axis(0), band_rows);
    for (post, pre) in bands.zip(pair.aligned.axis_chunks_iter(Axis(0), band_rows)) {
        sources.add_band(post, pre);
    }
    sources.finish()
}

#[test]
fn explore() {
    for kind in KINDS.iter().chain(TRAPS) {
        let mut line = format!("{:26}", kind.name);
        for seed in 0..6 {
            let recipe = kind.recipe(seed, SIZE);
            let misalignment = MISALIGNMENTS_PX[seed as usize % 4];
            for pair in [
                Pair::new(&recipe, misalignment),
                Pair::swapped(&recipe, misalignment),
            ] {
                match counts(&pair, 100) {
                    Some(c) => line += &format!(" {:3}/{:3}", c.post, c.pre),
                    None => line += "  none  ",
                }
            }
            line += " |";
        }
        println!("{line}");
    }
}
