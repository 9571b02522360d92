use super::*;
use crate::check::check_alignment;
use crate::synthetic::{image, texture, tiles};
use ndarray::Array2;

const SIZE: Size = Size {
    width: 960,
    height: 768,
};

/// A displacement of waves.
fn wave(amplitude: f64) -> impl Fn(f64, f64) -> (f64, f64) {
    move |x, y| {
        (
            amplitude * (x / 110.0).sin() * (y / 150.0).cos(),
            amplitude * (y / 120.0 + 0.7).sin(),
        )
    }
}

/// Tiles of post for a field and for its check, and pre; post shows pre at `(x + 6, y + 4)` and what `moved` adds.
fn pair(moved: impl Fn(f64, f64) -> (f64, f64)) -> ([Vec<Tile>; 2], Array2<f32>) {
    let post = image((SIZE.width, SIZE.height), |x, y| {
        let (dx, dy) = moved(x, y);
        1.4 * texture(x + 6.0 + dx, y + 4.0 + dy, 0.0)
    });
    let pre = image((SIZE.width + 40, SIZE.height + 40), |x, y| {
        texture(x, y, 0.0)
    });
    let all = tiles(&post, 64);
    let (check, fit) = all
        .into_iter()
        .enumerate()
        .partition::<Vec<_>, _>(|(i, _)| i % 4 == 1);
    let plain = |tiles: Vec<(usize, Tile)>| tiles.into_iter().map(|(_, tile)| tile).collect();
    ([plain(fit), plain(check)], pre)
}

fn corrected(moved: impl Fn(f64, f64) -> (f64, f64)) -> (Check, LocalOutcome, Option<Check>) {
    let ([fit, check], pre) = pair(moved);
    let warp = Warp::translation(6.0, 4.0);
    let before = check_alignment(&check, SIZE, pre.view().into(), &warp, 0.0);
    let pair = LocalPair {
        post: SIZE,
        pre: pre.view().into(),
        warp,
        defocus_px: 0.0,
    };
    let (outcome, after) = correct_locally(&pair, &fit, &check, &before);
    (before, outcome, after)
}

#[test]
fn a_wave_is_corrected_to_hundredths() {
    for amplitude in [0.5, 2.0, 4.0] {
        let (before, outcome, after) = corrected(wave(amplitude));
        assert!(needs_local_correction(&before), "{amplitude}");
        let LocalOutcome::Kept(local) = outcome else {
            panic!("{amplitude}: {outcome:?}");
        };
        let (mut error, mut count) = (0.0, 0.0);
        for y in (60..SIZE.height - 60).step_by(20) {
            for x in (60..SIZE.width - 60).step_by(20) {
                let (x, y) = (x as f64, y as f64);
                let ((dx, dy), (tx, ty)) = (local.deformation.at(x, y), wave(amplitude)(x, y));
                error += (dx - tx).hypot(dy - ty);
                count += 1.0;
            }
        }
        assert!(
            error / count < 0.02 + 0.02 * amplitude,
            "{amplitude}: {}",
            error / count
        );
        assert!(
            local.max_px < 1.6 * amplitude && local.max_px > 0.7 * amplitude,
            "{local:?}"
        );
        assert!(
            local.residual_after_px < 0.3 * local.residual_before_px,
            "{local:?}"
        );
        let summary = after
            .and_then(|check| check.summary)
            .expect("tiles that agree");
        assert_eq!(summary.median_px, local.residual_after_px);
    }
}

#[test]
fn what_fits_as_it_is_needs_nothing() {
    for shift in [0.0, 0.03] {
        let (before, outcome, _) = corrected(|_, _| (shift, -shift));
        assert!(!needs_local_correction(&before));
        // Asked for all the same, nothing is kept that does not help by more than chance.
        if let LocalOutcome::Kept(local) = outcome {
            assert!(local.max_px < 0.1, "{local:?}");
        }
    }
}

#[test]
fn another_texture_gets_no_field() {
    let other = |x: f64, y: f64| (4000.0 - 2.0 * x + 0.3 * y, 900.0 - 2.0 * y);
    let (_, outcome, after) = corrected(other);
    assert!(matches!(outcome, LocalOutcome::NotKept(_)), "{outcome:?}");
    assert!(after.is_none());
}

#[test]
fn tiles_lie_within_those_of_the_check_or_beside_them() {
    let at = |x: usize, side_px: usize| TileSpec { x, y: 7, side_px };
    let check = [at(20, 100)];
    let tiles = vec![at(12, 50), at(62, 50), at(112, 50), at(312, 50)];
    // The last has no room to its right.
    let found = in_line_with(&check, tiles, Size::new(369, 80));
    assert_eq!(found, [at(20, 50), at(70, 50), at(120, 50)]);
    let whole = [at(20, 100), at(220, 100)];
    assert!(
        whole
            .iter()
            .all(|tile| !share_pixels(tile, &at(120, 50)) && !share_pixels(tile, &at(170, 50)))
    );
}

#[test]
fn heads_of_a_fair_coin() {
    assert!((chance_of(0, 10) - 1.0).abs() < 1e-12);
    assert!((chance_of(10, 10) - 0.5f64.powi(10)).abs() < 1e-12);
    assert!((chance_of(5, 9) - 0.5).abs() < 1e-12);
    assert_eq!(chance_of(0, 0), 1.0);
}
