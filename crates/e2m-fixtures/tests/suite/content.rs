//! What is in the images is what the recipe and the truth say.

use e2m_fixtures::{
    Bleaching, BrightDirt, BrightGrains, Dust, EvenUptake, Microbe, Microbes, Recipe, Section,
    Side, Uptake, Vignetting, World,
};
use e2m_image::PixelType;
use ndarray::Array2;

fn exact() -> Recipe {
    Recipe {
        width: 900,
        height: 700,
        noise_counts: 0.0,
        pixel: PixelType::F32,
        ..Recipe::default()
    }
}

fn post(recipe: &Recipe) -> Array2<f32> {
    let world = World::new(recipe).expect("a world");
    world.render_rows(Side::Post, 0..recipe.height)
}

fn pre(recipe: &Recipe) -> Array2<f32> {
    let world = World::new(recipe).expect("a world");
    world.render_rows(Side::Pre, 0..recipe.pre_size().height)
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

#[test]
fn the_background_is_brighter_by_the_gain() {
    for gain in [1.1, 1.3, 3.0] {
        // The identity warp, so that pixels can be compared without interpolation.
        let recipe = Recipe { gain, ..exact() };
        let (post, pre) = (post(&recipe), pre(&recipe));
        let ratios: Vec<f64> = post
            .iter()
            .zip(&pre)
            .map(|(&a, &b)| f64::from(a) / f64::from(b))
            .collect();
        assert!((median(ratios) / gain - 1.0).abs() < 1e-6);
    }
}

#[test]
fn counts_lie_where_the_recipe_says() {
    let recipe = exact();
    let world = World::new(&recipe).expect("a world");
    let pre = pre(&recipe);
    let (mut inside, mut outside) = (Vec::new(), Vec::new());
    for ((y, x), &v) in pre.indexed_iter() {
        let depth = world.depth_at(x as f64, y as f64);
        if depth > 10.0 {
            inside.push(f64::from(v));
        } else if depth < -10.0 {
            outside.push(f64::from(v));
        }
    }
    inside.sort_by(f64::total_cmp);
    let quantile = |q: f64| inside[(q * (inside.len() - 1) as f64) as usize];
    assert!((15.0..30.0).contains(&quantile(0.02)), "{}", quantile(0.02));
    assert!((40.0..80.0).contains(&quantile(0.5)), "{}", quantile(0.5));
    assert!(
        (100.0..165.0).contains(&quantile(0.999)),
        "{}",
        quantile(0.999)
    );
    assert!(outside.iter().all(|&v| (0.0..3.0).contains(&v)));
    assert!((0.35..0.65).contains(&(inside.len() as f64 / pre.len() as f64)));
}

/// What a lone microbe adds at a pixel, from its table entry.
fn expected(m: &Microbe, x: f64, y: f64) -> f64 {
    let (sin, cos) = m.angle_deg.to_radians().sin_cos();
    let (dx, dy) = (x - m.x, y - m.y);
    let (along, across) = (dx * cos + dy * sin, dy * cos - dx * sin);
    let beyond = (along.abs() - 0.5 * m.length).max(0.0);
    m.peak * (-0.5 * (beyond * beyond + across * across) / (m.sigma * m.sigma)).exp()
}

#[test]
fn microbes_are_where_the_table_says_and_as_bright() {
    let recipe = Recipe {
        microbes: Microbes {
            per_megapixel: 400.0,
            ..Microbes::default()
        },
        ..exact()
    };
    let world = World::new(&recipe).expect("a world");
    let post = post(&recipe);
    let table = world.truth().microbes;
    assert_eq!(table.len(), 252);
    let rods = table.iter().filter(|m| m.length > 0.0).count();
    assert!((70..130).contains(&rods), "{rods}");
    let mut alone = 0;
    for (i, m) in table.iter().enumerate() {
        assert!((0.8..=3.0).contains(&m.sigma) && (30.0..=110.0).contains(&m.peak));
        let reach = |o: &Microbe| 4.0 * o.sigma + 0.5 * o.length + 6.0;
        let near = |o: &Microbe| (o.x - m.x).hypot(o.y - m.y) < reach(o);
        if table.iter().enumerate().any(|(j, o)| j != i && near(o)) {
            continue;
        }
        alone += 1;
        for (dx, dy) in [(0.0, 0.0), (2.0, 0.0), (0.0, -2.0), (3.0, 3.0)] {
            let (x, y) = (m.x.round() + dx, m.y.round() + dy);
            let background = recipe.gain * world.background_at(x, y);
            let excess = f64::from(post[(y as usize, x as usize)]) - background;
            assert!((excess - expected(m, x, y)).abs() < 0.1, "{m:?}: {excess}");
        }
    }
    assert!(alone > 40, "{alone}");
}

#[test]
fn microbes_are_in_post_only_and_capped() {
    let none = Microbes {
        per_megapixel: 0.0,
        ..Microbes::default()
    };
    let without = Recipe {
        microbes: none,
        ..exact()
    };
    assert_eq!(pre(&exact()), pre(&without));
    assert_ne!(post(&exact()), post(&without));
    let capped = Recipe {
        microbes: Microbes {
            max_count: 7,
            ..Microbes::default()
        },
        ..exact()
    };
    assert_eq!(World::new(&capped).expect("a world").microbes().len(), 7);
}

/// Share of the section's pixels for which `holds`.
fn share(recipe: &Recipe, holds: impl Fn(&World, usize, usize) -> bool) -> f64 {
    let world = World::new(recipe).expect("a world");
    let (mut section, mut those) = (0, 0);
    for y in (0..recipe.height).step_by(3) {
        for x in (0..recipe.width).step_by(3) {
            if world.depth_at(x as f64, y as f64) > 0.0 {
                section += 1;
                those += usize::from(holds(&world, x, y));
            }
        }
    }
    f64::from(those as u32) / f64::from(section)
}

#[test]
fn uptake_and_bleaching_cover_the_stated_share() {
    for stated in [0.1, 0.25, 0.5] {
        let plain = exact();
        let uptake = Recipe {
            uptake: Some(Uptake {
                share: stated,
                counts: 40.0,
            }),
            ..exact()
        };
        let (before, after) = (post(&plain), post(&uptake));
        let stained = share(&uptake, |_, x, y| after[(y, x)] - before[(y, x)] > 20.0);
        assert!(
            (stained - stated).abs() < 0.025,
            "{stated}: {stained} of the pixels"
        );
        let region = share(&uptake, |w, x, y| w.uptake_at(x as f64, y as f64) > 0.5);
        assert!(
            (region - stated).abs() < 0.01,
            "{stated}: {region} of the region"
        );

        let bleached = Recipe {
            bleaching: Some(Bleaching {
                share: stated,
                loss: 0.25,
            }),
            microbes: Microbes {
                per_megapixel: 0.0,
                ..Microbes::default()
            },
            ..exact()
        };
        let after = post(&bleached);
        let darker = share(&bleached, |w, x, y| {
            let full = 1.3 * w.background_at(x as f64, y as f64);
            f64::from(after[(y, x)]) < 0.875 * full
        });
        assert!(
            (darker - stated).abs() < 0.01,
            "{stated}: {darker} bleached"
        );
        let least = after
            .iter()
            .zip(&before)
            .map(|(a, b)| a / b)
            .fold(1.0, f32::min);
        assert!(least < 0.76, "{least}");
    }
}

#[test]
fn noise_has_its_standard_deviation_and_differs_between_the_images() {
    let noisy = Recipe {
        noise_counts: 12.0,
        ..exact()
    };
    let differences = |a: Array2<f32>, b: Array2<f32>| a - b;
    let in_post = differences(post(&noisy), post(&exact()));
    let in_pre = differences(pre(&noisy), pre(&exact()));
    let deviation = |n: &Array2<f32>| n.std(0.0);
    assert!((deviation(&in_post) - 12.0).abs() < 0.1);
    assert!((deviation(&in_pre) - 12.0).abs() < 0.1);
    assert!(in_post.mean().is_some_and(|m| m.abs() < 0.1));
    let together = (&in_post * &in_pre).mean().expect("pixels") / 144.0;
    assert!(together.abs() < 0.01, "correlation {together}");
}

#[test]
fn vignetting_defocus_and_dust_touch_the_image_they_are_for() {
    let vignetted = Recipe {
        vignetting_pre: Some(Vignetting {
            strength: 0.5,
            centre: [0.5, 0.5],
        }),
        ..exact()
    };
    assert_eq!(post(&vignetted), post(&exact()));
    let ratio = pre(&vignetted) / pre(&exact());
    assert!((ratio[(0, 0)] - 0.5).abs() < 1e-5 && ratio[(350, 450)] > 0.999);

    let blurred = Recipe {
        defocus_post_px: 2.5,
        ..exact()
    };
    let (sharp, soft) = (post(&exact()), post(&blurred));
    assert_eq!(pre(&blurred), pre(&exact()));
    let roughness = |a: &Array2<f32>| {
        let pairs = a.iter().zip(a.iter().skip(1));
        pairs.map(|(a, b)| (a - b) * (a - b)).sum::<f32>()
    };
    assert!(roughness(&soft) < 0.4 * roughness(&sharp));
    assert!((soft.mean().expect("pixels") / sharp.mean().expect("pixels") - 1.0).abs() < 1e-3);

    let dusty = Recipe {
        dust: Some(Dust::default()),
        ..exact()
    };
    let changed = |a: Array2<f32>, b: Array2<f32>| (a - b).mapv(|d| d.abs() > 10.0);
    let on_post = changed(post(&dusty), post(&exact()));
    let on_pre = changed(pre(&dusty), pre(&exact()));
    let count = |m: &Array2<bool>| m.iter().filter(|&&v| v).count();
    assert!(count(&on_post) > 300 && count(&on_pre) > 300);
    let both = on_post
        .iter()
        .zip(&on_pre)
        .filter(|(a, b)| **a && **b)
        .count();
    assert!(5 * both < count(&on_post), "dust lies at different places");
}

#[test]
fn eight_bit_pixels_do_not_saturate_at_usual_gains() {
    let flat = Microbes {
        per_megapixel: 0.0,
        ..Microbes::default()
    };
    for (gain, brightness) in [(1.4, 1.0), (3.0, 0.4)] {
        let recipe = Recipe {
            gain,
            brightness,
            microbes: flat.clone(),
            section: Section::default(),
            ..exact()
        };
        assert!(post(&recipe).iter().all(|&v| v < 255.0));
    }
}

/// Post and pre of a pair, and the same with `change`.
fn with(change: impl Fn(&mut Recipe)) -> [[Array2<f32>; 2]; 2] {
    let plain = Recipe {
        width: 400,
        height: 320,
        seed: 5,
        gain: 1.4,
        ..exact()
    };
    let mut changed = plain.clone();
    change(&mut changed);
    [plain, changed].map(|recipe| [post(&recipe), pre(&recipe)])
}

#[test]
fn black_levels_are_added_to_every_pixel() {
    let [plain, raised] = with(|r| (r.post_black, r.pre_black) = (12.0, 7.0));
    for (side, level) in [(0, 12.0), (1, 7.0)] {
        let off = &raised[side] - &plain[side];
        assert!(off.iter().all(|v| (v - level).abs() < 1e-3), "{level}");
    }
}

#[test]
fn grains_have_a_brightness_and_a_gain_of_their_own() {
    let [plain, changed] = with(|r| {
        r.grains = Some(BrightGrains {
            count: 3,
            radius_px: 12.0,
            factor: 4.0,
            gain: 1.0,
        });
    });
    let share = |side: usize, factor: f32| {
        let pixels = plain[side].iter().zip(&changed[side]);
        let is_grain = |(a, b): &(&f32, &f32)| **a > 5.0 && (**b / **a / factor - 1.0).abs() < 0.02;
        pixels.filter(is_grain).count()
    };
    let area = 3.0 * std::f64::consts::PI * 12.0 * 12.0;
    // Stained microbes lie on some of post's grains.
    let (post, pre) = (share(0, 4.0 / 1.4), share(1, 4.0));
    assert!((0.4..1.05).contains(&(post as f64 / area)), "{post}");
    assert!((0.6..1.05).contains(&(pre as f64 / area)), "{pre}");
}

#[test]
fn an_even_uptake_makes_its_share_brighter_and_leaves_pre() {
    let [plain, changed] = with(|r| {
        r.even_uptake = Some(EvenUptake {
            share: 0.4,
            gain: 2.1,
        });
    });
    assert_eq!(plain[1], changed[1]);
    let on_section = || plain[0].iter().zip(&changed[0]).filter(|(a, _)| **a > 20.0);
    let stained = on_section().filter(|(a, b)| **b / **a > 1.25).count();
    let share = stained as f64 / on_section().count() as f64;
    assert!((0.3..0.5).contains(&share), "{share}");
}

#[test]
fn bright_dirt_lies_at_other_places_of_both_images() {
    let [plain, changed] = with(|r| {
        r.bright_dirt = Some(BrightDirt {
            specks: 2,
            radius_px: 10.0,
            counts: 150.0,
        });
    });
    let dirt = [0, 1].map(|side| (&changed[side] - &plain[side]).mapv(|v| v > 100.0));
    for of_side in &dirt {
        assert!(of_side.iter().any(|dirty| *dirty));
    }
    assert_ne!(dirt[0], dirt[1]);
}
