//! The same recipe gives the same bytes: on every platform, for any split into bands, on any number of threads.

use e2m_fixtures::{Bleaching, Deformation, Dust, Recipe, Shape, Side, Uptake, Vignetting, World};
use e2m_image::Plane;
use ndarray::{Array2, Axis, concatenate};

/// Everything at once, in small.
fn everything() -> Recipe {
    let mut recipe = Recipe {
        width: 330,
        height: 260,
        pre_width: Some(300),
        pre_height: Some(280),
        seed: 42,
        rotation_deg: 17.0,
        magnification: 0.9,
        shear: 0.01,
        perspective: [0.01, 0.02],
        deformation: Some(Deformation {
            amplitude_px: 3.0,
            length_fraction: 0.3,
        }),
        vignetting_pre: Some(Vignetting {
            strength: 0.4,
            centre: [0.3, 0.6],
        }),
        defocus_post_px: 1.5,
        defocus_pre_px: 0.8,
        uptake: Some(Uptake {
            share: 0.2,
            counts: 30.0,
        }),
        bleaching: Some(Bleaching {
            share: 0.2,
            loss: 0.3,
        }),
        dust: Some(Dust::default()),
        noise_counts: 4.0,
        shot_noise: 0.1,
        ..Recipe::default()
    };
    recipe.section.shape = Shape::Pieces;
    recipe
}

/// FNV-1a over the pixels, row by row.
fn fingerprint(plane: &Plane) -> u64 {
    let Plane::U8(pixels) = plane else {
        panic!("8 bit pixels expected")
    };
    pixels.iter().fold(0xcbf2_9ce4_8422_2325, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// Changes only together with what fixtures look like; then every figure measured on them has to be taken anew.
#[test]
fn the_bytes_are_pinned() {
    let world = World::new(&everything()).expect("a world");
    let found = [
        fingerprint(&world.render_post()),
        fingerprint(&world.render_pre()),
    ];
    assert_eq!(found, [POST, PRE], "{found:#018x?}");
}

const POST: u64 = 0xd5f6_e27d_c7cc_0473;
const PRE: u64 = 0x75ab_0310_54bd_4d16;

#[test]
fn bands_of_any_height_give_the_whole() {
    let world = World::new(&everything()).expect("a world");
    for side in [Side::Post, Side::Pre] {
        let height = world.size(side).height;
        let whole = world.render_rows(side, 0..height);
        for rows in [1, 7, 64] {
            let bands: Vec<Array2<f32>> = (0..height)
                .step_by(rows)
                .map(|first| world.render_rows(side, first..(first + rows).min(height)))
                .collect();
            let views: Vec<_> = bands.iter().map(|b| b.view()).collect();
            let joined = concatenate(Axis(0), &views).expect("bands of one width");
            assert!(joined == whole, "{side:?} in bands of {rows}");
        }
    }
}

#[test]
fn any_number_of_threads_gives_the_same() {
    let render = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        pool.expect("a pool").install(|| {
            let world = World::new(&everything()).expect("a world");
            (world.render_post(), world.render_pre())
        })
    };
    assert_eq!(render(1), render(3));
}

#[test]
fn another_seed_is_another_world() {
    let recipe = everything();
    let other = Recipe {
        seed: 43,
        ..recipe.clone()
    };
    let post = |recipe: &Recipe| World::new(recipe).expect("a world").render_post();
    assert_ne!(post(&recipe), post(&other));
}
