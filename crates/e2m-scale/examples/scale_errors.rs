//! Prints how far the estimated scale is off, over generated pairs of every kind: `scale_errors [seeds] [width] [kind]`;
//! for the kind `shipped` on each recipe that comes with the program instead.
#![expect(clippy::print_stdout, reason = "the table is the example's purpose")]

#[path = "../tests/generated/pairs.rs"]
mod pairs;

use e2m_fixtures::{Recipe, shipped_names};
use e2m_image::Size;
use e2m_scale::{ScaleOptions, estimate_scale};
use pairs::{KINDS, MISALIGNMENTS_PX, Pair, TRAPS};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let seeds: u64 = args.next().map_or(Ok(8), |a| a.parse())?;
    let width: usize = args.next().map_or(Ok(1200), |a| a.parse())?;
    let only = args.next();
    if only.as_deref() == Some("shipped") {
        return shipped(width);
    }
    println!(
        "{:28} {:>8} {:>8} {:>8} {:>8} {:>8} {:>8}",
        "kind", "mean %", "sd %", "worst %", "error %", "worst z", "limit %"
    );
    for kind in KINDS
        .iter()
        .chain(TRAPS)
        .filter(|k| only.as_deref().is_none_or(|o| o == k.name))
    {
        let mut rows = Vec::new();
        for seed in 0..seeds {
            let recipe = kind.recipe(seed, Size::new(width, width * 5 / 6));
            let pair = Pair::new(
                &recipe,
                MISALIGNMENTS_PX[seed as usize % MISALIGNMENTS_PX.len()],
            );
            let scale = estimate_scale(&pair.statistics(64), &ScaleOptions::default())?;
            if only.is_some() {
                println!(
                    "true {:.4} found {:.4} {:?} {:?} trend {:.4}",
                    pair.scale, scale.value, scale.black, scale.backgrounds, scale.brightness_trend
                );
            }
            let off = scale.value - pair.scale;
            rows.push((
                100.0 * off / pair.scale,
                100.0 * scale.std_error / pair.scale,
            ));
        }
        if only.is_some() {
            for (seed, (off, error)) in rows.iter().enumerate() {
                println!("  seed {seed:3} off {off:8.3} % error {error:8.3} %");
            }
        }
        let n = rows.len() as f64;
        let mean = rows.iter().map(|r| r.0).sum::<f64>() / n;
        let sd = (rows.iter().map(|r| (r.0 - mean).powi(2)).sum::<f64>() / n).sqrt();
        let worst = rows.iter().map(|r| r.0.abs()).fold(0.0, f64::max);
        let error = rows.iter().map(|r| r.1).sum::<f64>() / n;
        let z = rows.iter().map(|r| (r.0 / r.1).abs()).fold(0.0, f64::max);
        println!(
            "{:28} {mean:8.3} {sd:8.3} {worst:8.3} {error:8.3} {z:8.2} {:8.1}",
            kind.name,
            100.0 * kind.limit
        );
    }
    Ok(())
}

/// One line for each recipe with an alignment to find, `width` px wide and aligned to 0.02 px.
fn shipped(width: usize) -> Result<(), Box<dyn std::error::Error>> {
    println!(
        "{:28} {:>8} {:>8} {:>8} {:>8} {:>8} {:>8}",
        "recipe", "gain", "typical", "scale", "off %", "error %", "trend %"
    );
    for name in shipped_names() {
        let recipe = Recipe::shipped(name)?.resized_to_width(width);
        if !recipe.belongs_together() {
            continue;
        }
        let pair = Pair::new(&recipe, 0.02);
        let scale = estimate_scale(&pair.statistics(64), &ScaleOptions::default())?;
        println!(
            "{name:28} {:8.3} {:8.4} {:8.4} {:8.3} {:8.3} {:8.3}",
            recipe.gain,
            pair.scale,
            scale.value,
            100.0 * (scale.value / pair.scale - 1.0),
            100.0 * scale.std_error / scale.value,
            100.0 * scale.brightness_trend
        );
    }
    Ok(())
}
