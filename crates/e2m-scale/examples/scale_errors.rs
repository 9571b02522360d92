//! Prints how far the estimated scale is off, over generated pairs of every kind: `scale_errors [seeds] [width] [kind]`.
#![expect(clippy::print_stdout, reason = "the table is the example's purpose")]

#[path = "../tests/generated/pairs.rs"]
mod pairs;

use e2m_image::Size;
use e2m_scale::estimate_scale;
use pairs::{KINDS, MISALIGNMENTS_PX, Pair};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let seeds: u64 = args.next().map_or(Ok(8), |a| a.parse())?;
    let width: usize = args.next().map_or(Ok(1200), |a| a.parse())?;
    let only = args.next();
    println!(
        "{:28} {:>8} {:>8} {:>8} {:>8} {:>8} {:>8}",
        "kind", "mean %", "sd %", "worst %", "error %", "worst z", "limit %"
    );
    for kind in KINDS
        .iter()
        .filter(|k| only.as_deref().is_none_or(|o| o == k.name))
    {
        let mut rows = Vec::new();
        for seed in 0..seeds {
            let recipe = kind.recipe(seed, Size::new(width, width * 5 / 6));
            let pair = Pair::new(
                &recipe,
                MISALIGNMENTS_PX[seed as usize % MISALIGNMENTS_PX.len()],
            );
            let scale = estimate_scale(&pair.statistics(64))?;
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
