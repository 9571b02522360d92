//! Time and memory of an alignment, planes in memory: `cargo run --release --example speed -- WIDTH HEIGHT`.
//!
//! Renders a generated pair, aligns it three times and prints the seconds of each, the most memory it took beyond the two
//! planes, and its error.
#![expect(clippy::print_stdout, reason = "an example talks to the terminal")]

use e2m_align::{AlignOptions, align};
use e2m_fixtures::{Recipe, World};
use e2m_resources::{process_memory, reset_peak};
use std::error::Error;
use std::time::Instant;

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let mut side = || -> Result<usize, Box<dyn Error>> {
        let text = args.next().ok_or("usage: speed WIDTH HEIGHT")?;
        Ok(text.parse()?)
    };
    let recipe = Recipe {
        width: side()?,
        height: side()?,
        rotation_deg: 6.0,
        magnification: 1.02,
        shift_fraction: [0.02, -0.01],
        noise_counts: 2.0,
        ..Recipe::default()
    };
    let world = World::new(&recipe)?;
    let (post, pre) = (world.render_post(), world.render_pre());
    println!(
        "{} x {} px, planes of {:.0} MB",
        recipe.width,
        recipe.height,
        (post.bytes() + pre.bytes()) as f64 / 1e6
    );
    for _ in 0..3 {
        reset_peak();
        let before = process_memory().current;
        let start = Instant::now();
        let found = align(&post, &pre, &AlignOptions::default())?;
        let seconds = start.elapsed().as_secs_f64();
        let beyond = process_memory().peak.saturating_sub(before);
        println!(
            "{seconds:.2} s, {:.0} MB beyond the planes, error {:.4} px, {} by {}",
            beyond as f64 / 1e6,
            world.truth().registration_error(&found.warp).mean_px,
            if found.assessment.reasons.is_empty() {
                "pass"
            } else {
                "suspect"
            },
            found.coarse.method,
        );
    }
    Ok(())
}
