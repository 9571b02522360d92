//! The boundary alignment on generated pairs.
use e2m_align::{BoundaryAlignment, BoundaryOptions, align_boundary};
use e2m_fixtures::{Recipe, World, *};
use e2m_image::{BlockMean, Plane, PlaneSource, PlaneView, preview_factor, stream_bands};
use ndarray::Array2;

fn reduce(plane: &Plane, factor: usize) -> Array2<f32> {
    let mut preview = BlockMean::new(plane.size(), factor);
    stream_bands(&mut PlaneSource::new(PlaneView::from(plane)), &mut [&mut preview], 64, |_| {
        std::ops::ControlFlow::Continue(())
    })
    .expect("streams");
    preview.into_image()
}

#[test]
fn explore() {
    let base = |seed: u64| Recipe { width: 1500, height: 1200, seed, ..Recipe::default() };
    let v = |s: f64, c: [f64; 2]| Some(Vignetting { strength: s, centre: c });
    let cases: Vec<(&str, Recipe)> = vec![
        ("clean", base(1)),
        ("m085", Recipe { magnification: 0.85, rotation_deg: 18.0, ..base(2) }),
        ("m115", Recipe { magnification: 1.15, rotation_deg: -18.0, ..base(3) }),
        ("shift", Recipe { shift_fraction: [0.1, -0.08], rotation_deg: 5.0, magnification: 1.05, ..base(4) }),
        ("shift115", Recipe { shift_fraction: [-0.1, 0.1], rotation_deg: 15.0, magnification: 1.15, ..base(5) }),
        ("noise", Recipe { noise_counts: 12.0, rotation_deg: 9.0, magnification: 0.92, ..base(6) }),
        ("vign", Recipe { vignetting_post: v(0.5, [0.35, 0.4]), vignetting_pre: v(0.5, [0.65, 0.6]), rotation_deg: 9.0, ..base(7) }),
        ("uptake", Recipe { uptake: Some(Uptake { share: 0.25, counts: 50.0 }), rotation_deg: -9.0, ..base(8) }),
        ("bleach", Recipe { bleaching: Some(Bleaching { share: 0.3, loss: 0.4 }), rotation_deg: -9.0, ..base(9) }),
        ("dust", Recipe { dust: Some(Dust::default()), rotation_deg: -9.0, ..base(10) }),
        ("defocus", Recipe { defocus_post_px: 2.5, rotation_deg: -9.0, ..base(11) }),
        ("all", Recipe { defocus_post_px: 2.5, rotation_deg: 14.0, magnification: 0.93, gain: 2.0, brightness: 0.6, noise_counts: 8.0, dust: Some(Dust::default()), bleaching: Some(Bleaching { share: 0.2, loss: 0.3 }), uptake: Some(Uptake { share: 0.25, counts: 50.0 }), vignetting_post: v(0.5, [0.35, 0.4]), vignetting_pre: v(0.3, [0.65, 0.6]), shift_fraction: [0.05, 0.05], ..base(12) }),
        ("pieces", Recipe { section: Section { shape: Shape::Pieces, ..Section::default() }, rotation_deg: 7.0, shift_fraction: [0.01, 0.01], ..base(13) }),
        ("shear", Recipe { shear: 0.02, ..base(14) }),
        ("persp", Recipe { perspective: [0.02, -0.01], ..base(15) }),
        ("sizes", Recipe { pre_width: Some(1300), pre_height: Some(1450), rotation_deg: 11.0, ..base(16) }),
        ("dim", Recipe { gain: 3.0, brightness: 0.3, rotation_deg: 11.0, ..base(17) }),
        ("glass40", Recipe { section: Section { glass_counts: 40.0, ..Section::default() }, gain: 1.1, brightness: 0.8, rotation_deg: 11.0, ..base(18) }),
        ("frame", Recipe { section: Section { shape: Shape::FrameFilling, ..Section::default() }, ..base(19) }),
        ("frame2", Recipe { section: Section { shape: Shape::FrameFilling, ..Section::default() }, rotation_deg: 5.0, ..base(20) }),
        ("other", Recipe { pre_world: PreWorld::OtherRock, ..base(21) }),
        ("noiseworld", Recipe { pre_world: PreWorld::Noise, ..base(22) }),
        ("blank", Recipe { pre_world: PreWorld::Blank, ..base(22) }),
        ("mirror", Recipe { pre_world: PreWorld::Mirrored, ..base(23) }),
    ];
    for (name, recipe) in cases {
        one(name, &recipe, &BoundaryOptions::default());
    }
}

fn one(name: &str, recipe: &Recipe, options: &BoundaryOptions) {
    let world = World::new(recipe).expect("valid");
    let (post, pre) = (world.render_post(), world.render_pre());
    let factor = preview_factor(post.size().max(pre.size()), 1600);
    let (post, pre) = (reduce(&post, factor), reduce(&pre, factor));
    let start = std::time::Instant::now();
    let result: Result<BoundaryAlignment, _> = align_boundary(post.view(), pre.view(), factor, options);
    let took = start.elapsed().as_secs_f64();
    match result {
        Ok(a) => {
            let truth = world.truth();
            let e = truth.registration_error(&a.warp).mean_px;
            let c = truth.registration_error(&a.coarse).mean_px;
            eprintln!("{name:10} {took:.2}s coarse {c:6.2} final {e:6.3} ncc {:.3} rot {:.2} mag {:.4} frame {:.2}/{:.2} pieces {}/{} | acc {} it {} {}/{} rms {:.2} aff {} {:?} {:?}", a.correlation, a.rotation_deg, a.magnification, a.outlines[0].frame_share, a.outlines[1].frame_share, a.outlines[0].pieces, a.outlines[1].pieces, a.icp.accepted, a.icp.iterations, a.icp.matched, a.icp.points, a.icp.rms_px, a.icp.affine, a.icp.reasons, a.ecc);
        }
        Err(error) => eprintln!("{name:10} {took:.2}s {error}"),
    }
}

#[test]
fn sweep() {
    let n: u64 = std::env::var("N").ok().and_then(|v| v.parse().ok()).unwrap_or(30);
    let width: usize = std::env::var("W").ok().and_then(|v| v.parse().ok()).unwrap_or(1500);
    let first: u64 = std::env::var("F").ok().and_then(|v| v.parse().ok()).unwrap_or(1000);
    for seed in first..first + n {
        let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let mut unit = || { state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407); (state >> 11) as f64 / (1u64 << 53) as f64 };
        for _ in 0..5 { unit(); }
        let mut r = Recipe { width, height: (width as f64 * (0.7 + 0.4 * unit())) as usize, seed, ..Recipe::default() };
        r.magnification = 0.85 + 0.3 * unit();
        r.rotation_deg = -20.0 + 40.0 * unit();
        r.shift_fraction = [-0.1 + 0.2 * unit(), -0.1 + 0.2 * unit()];
        r.gain = 1.1 + 1.9 * unit();
        r.brightness = (1.3 / r.gain).min(1.0);
        if unit() < 0.5 { r.noise_counts = 12.0 * unit(); }
        if unit() < 0.5 { r.vignetting_post = Some(Vignetting { strength: 0.5, centre: [unit(), unit()] }); }
        if unit() < 0.5 { r.vignetting_pre = Some(Vignetting { strength: 0.5, centre: [unit(), unit()] }); }
        if unit() < 0.5 { r.uptake = Some(Uptake { share: 0.25, counts: 50.0 }); }
        if unit() < 0.5 { r.bleaching = Some(Bleaching { share: 0.25, loss: 0.4 }); }
        if unit() < 0.5 { r.dust = Some(Dust::default()); }
        if unit() < 0.5 { r.defocus_post_px = 2.5; }
        if unit() < 0.3 { r.pre_width = Some((width as f64 * (0.9 + 0.3 * unit())) as usize); r.pre_height = Some((r.height as f64 * (0.9 + 0.3 * unit())) as usize); }
        if unit() < 0.2 { r.section.shape = Shape::Pieces; r.section.pieces = 2 + (4.0 * unit()) as usize; }
        r.section.fill = 0.55 + 0.25 * unit();
        let mut options = BoundaryOptions::default();
        if std::env::var("WIDE").is_ok() { options.angle_range_deg = 60.0; r.rotation_deg *= 3.0; }
        if std::env::var("ECC").is_ok() { options.fine_ecc = true; }
        if let Ok(v) = std::env::var("DS") { options.down_scale = v.parse().unwrap(); }
        if std::env::var("NOEDGE").is_ok() { options.use_edges = false; }
        let name = format!("s{seed} {:.2} {:.0} {:?}", r.magnification, r.rotation_deg, r.hardships());
        one(&name, &r, &options);
    }
}
