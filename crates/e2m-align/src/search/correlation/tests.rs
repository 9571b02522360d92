//! The correlation on sparse, noisy fields whose pose is known.

use crate::search::previews::Previews;
use e2m_image::{Size, Warp};
use ndarray::Array2;

const SIZE: Size = Size {
    width: 420,
    height: 340,
};

/// A hashed number in 0..1.
fn unit(seed: u64, i: u64) -> f64 {
    let mut h = (seed * 1_000_003 + i + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    h = (h ^ (h >> 31)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    h = (h ^ (h >> 29)).wrapping_mul(0x94D0_49BB_1331_11EB);
    ((h >> 24) & 0xffff) as f64 / 65_536.0
}

/// Blobs at places that `field` draws, each with a brightness that `dye` draws, seen through `warp`, with noise.
fn blobs(field: u64, dye: u64, warp: &Warp) -> Array2<f32> {
    let mut image = Array2::from_shape_fn(SIZE.shape(), |(y, x)| {
        let noise = unit(dye + 50, (y * SIZE.width + x) as u64) - 0.5;
        20.0 + 12.0 * noise as f32
    });
    for i in 0..500 {
        let at = |n: u64, most: usize| (2.0 * unit(field, 3 * i + n) - 0.5) * most as f64;
        let (x, y) = warp.apply(at(0, SIZE.width), at(1, SIZE.height));
        let counts = 10.0 + 60.0 * unit(dye, 7 * i);
        for row in (y - 9.0).max(0.0) as usize..(y + 10.0).clamp(0.0, SIZE.height as f64) as usize {
            for column in
                (x - 9.0).max(0.0) as usize..(x + 10.0).clamp(0.0, SIZE.width as f64) as usize
            {
                let d2 = (column as f64 - x).powi(2) + (row as f64 - y).powi(2);
                image[(row, column)] += (counts * (-d2 / 18.0).exp()) as f32;
            }
        }
    }
    image
}

#[test]
fn a_sparse_noisy_field_is_found_turned_and_magnified() {
    let middle = (209.5, 169.5);
    for (scale, angle, dx, dy) in [
        (1.0, 0.0, 21.0, -13.0),
        (1.03, 6.0, -30.0, 8.0),
        (1.0, 140.0, 9.0, 4.0),
    ] {
        let truth = Warp::similarity(scale, angle, middle).then(&Warp::translation(dx, dy));
        let post = blobs(1, 2, &Warp::identity());
        let pre = blobs(1, 3, &truth);
        let previews = Previews::new(post, pre, 1).expect("large enough");
        let found = previews.align_by_correlation().expect("one field");
        let off = found[0].warp.mean_distance(&truth, SIZE);
        assert!(off < 2.0, "{angle} degrees: off by {off} px, {found:?}");
        assert!(found[0].is_clear() && found[0].significance > found[0].chance);
    }
}

#[test]
fn fields_that_do_not_belong_together_stay_below_chance_or_unclear() {
    for seed in 0..4 {
        let [post, pre] = [
            blobs(10 + seed, 2, &Warp::identity()),
            blobs(20 + seed, 3, &Warp::identity()),
        ];
        let previews = Previews::new(post, pre, 1).expect("large enough");
        if let Ok(found) = previews.align_by_correlation() {
            assert!(!found[0].is_clear(), "{seed}: {found:?}");
        }
    }
}

#[test]
fn quarters_agree_where_one_field_lies_and_nowhere_else() {
    let truth = Warp::similarity(1.02, 4.0, (209.5, 169.5)).then(&Warp::translation(12.0, -7.0));
    for seed in 0..6 {
        let post = blobs(seed, 100 + seed, &Warp::identity());
        let pre = blobs(seed, 200 + seed, &truth);
        let previews = Previews::new(post, pre, 1).expect("large enough");
        let parts = |warp: &Warp| previews.agreement_of_parts(warp).expect("compared");
        assert!(parts(&truth).convinces(), "{seed}: {:?}", parts(&truth));
        let beside = truth.then(&Warp::translation(14.0, 0.0));
        assert!(!parts(&beside).convinces(), "{seed}: {:?}", parts(&beside));
    }
}

#[test]
fn quarters_of_fields_that_do_not_belong_together_never_agree() {
    for seed in 0..24 {
        let post = blobs(300 + seed, 2, &Warp::identity());
        let pre = blobs(400 + seed, 3, &Warp::identity());
        let previews = Previews::new(post, pre, 1).expect("large enough");
        let middle = (209.5, 169.5);
        let pose = Warp::similarity(1.0, 7.0 * seed as f64, middle);
        for warp in [Warp::identity(), pose] {
            let parts = previews.agreement_of_parts(&warp).expect("compared");
            assert!(!parts.convinces(), "{seed}: {parts:?}");
        }
    }
}
