//! Registration error over generated pairs. Quick development form: `accuracy SUITE WIDTH [FILTER]`.
use e2m_align::{AlignOptions, align};
use e2m_fixtures::{World, clean_pairs, deformed_pairs, foreign_pairs, hard_pairs};
use std::time::Instant;

fn main() {
    let args: Vec<String> = std::env::args().collect();
    let width: usize = args[2].parse().unwrap();
    let seed: u64 = args.get(4).map_or(1, |s| s.parse().unwrap());
    let pairs = match args[1].as_str() {
        "clean" => clean_pairs(width, seed),
        "hard" => hard_pairs(width, seed),
        "foreign" => foreign_pairs(width, seed),
        _ => deformed_pairs(width, seed, 5.0),
    };
    let filter = args.get(3).cloned().unwrap_or_default();
    for pair in pairs.iter().filter(|p| p.name.contains(&filter)) {
        let world = World::new(&pair.recipe).unwrap();
        let (post, pre) = (world.render_post(), world.render_pre());
        let start = Instant::now();
        let result = align(
            &post,
            &pre,
            &AlignOptions {
                methods: match std::env::var("M").as_deref() {
                    Ok("b") => vec![e2m_align::CoarseMethod::Boundary],
                    Ok("f") => vec![e2m_align::CoarseMethod::Features],
                    _ => AlignOptions::default().methods,
                },
                ..AlignOptions::default()
            },
        );
        let seconds = start.elapsed().as_secs_f64();
        match result {
            Ok(a) => {
                let t = world.truth();
                let e = t.registration_error(&a.warp);
                let c = t.registration_error(&a.coarse.warp);
                if std::env::var("TILES").is_ok() {
                    for r in &a.check.residuals {
                        println!(
                            "   {:5} {:5} len {:8.3} corr {:.3} err {:.4}",
                            r.tile.x,
                            r.tile.y,
                            r.length_px(),
                            r.correlation,
                            r.error_px
                        );
                    }
                }
                let i = t.registration_error(&a.interior.warp);
                println!(
                    "{:40} err {:8.4} max {:7.3} coarse {:6.2} int {:5.2} {:?} | res {:?} agree {:.2} c {:.2} chance {:.2} thr {:.2} | corr {:.3} det {:.3} ov {:.2} acc {:.4} inl {:.2} foc {:.2} rej {:?} {:.2}s {} local {:.2} {:?} {:?}",
                    pair.name,
                    e.mean_px,
                    e.max_px,
                    c.mean_px,
                    i.mean_px,
                    a.interior.rejected,
                    a.check.summary.as_ref().map(|r| (
                        format!("{:.3} {:.3}", r.median_px, r.p90_px),
                        r.measured,
                        r.tiles
                    )),
                    a.check.agreement(),
                    a.check.correlation,
                    a.check.chance.correlation,
                    a.check.chance.threshold,
                    a.similarity.correlation,
                    a.similarity.detail_correlation,
                    a.similarity.overlap_fraction,
                    a.refinement.estimated_accuracy_px,
                    a.refinement.inlier_ratio,
                    a.refinement.defocus_px,
                    a.refinement.rejected,
                    seconds,
                    a.coarse.method,
                    e2m_align::local_displacement(&a.check.residuals)
                        .map_or(-1.0, |l| l.length_px()),
                    a.judgement.verdict,
                    a.judgement.reasons
                );
            }
            Err(e) => println!("{:45} {e} {seconds:.2}s", pair.name),
        }
    }
}
