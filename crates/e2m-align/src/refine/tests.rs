use super::*;
use crate::synthetic::{image, texture, tiles};
use ndarray::Array2;

const SIZE: Size = Size {
    width: 600,
    height: 480,
};

#[test]
fn levels_go_from_what_the_tile_carries_to_the_sharpest() {
    assert_eq!(levels(192, 6.0), [6.0, 3.0, 1.5, SHARPEST_PX]);
    assert_eq!(levels(48, 6.0), [2.0, SHARPEST_PX]);
    // A tile too small for any blur is looked at once.
    assert_eq!(levels(16, 6.0), [SHARPEST_PX]);
}

#[test]
fn what_is_smooth_is_read_sparsely() {
    assert_eq!([0.8, 1.5, 3.0, 6.0].map(stride), [1, 1, 3, 6]);
}

fn truth() -> Warp {
    Warp::similarity(1.01, 1.5, (300.0, 240.0))
}

/// Tiles of post, which shows pre through the truth, and pre.
fn pair() -> (Vec<Tile>, Array2<f32>) {
    let truth = truth();
    let post = image((SIZE.width, SIZE.height), |x, y| {
        let (u, v) = truth.apply(x, y);
        1.5 * texture(u, v, 0.0)
    });
    let pre = image((640, 520), |x, y| texture(x, y, 0.0));
    (tiles(&post, 96), pre)
}

#[test]
fn a_warp_three_px_off_comes_out_to_hundredths() {
    let (tiles, pre) = pair();
    let off = Warp::translation(2.5, -1.7).then(&truth());
    let options = RefineOptions::default();
    let refined = refine(&tiles, SIZE, pre.view().into(), &off, &options);
    assert_eq!(refined.rejected, None);
    let error = refined.warp.mean_distance(&truth(), SIZE);
    assert!(error < 0.01, "{error}");
    assert!(refined.inlier_ratio > 0.9);
    assert_eq!(refined.levels_completed, levels(96, 6.0).len());
    assert_eq!(refined.defocus_px, 0.0);
}

/// Stripes run through some tiles: they can be compared, and tell no shift along the stripes.
#[test]
fn the_inlier_ratio_counts_the_tiles_that_were_compared() {
    let striped = |x: f64| x < 200.0;
    let counts = |x: f64, y: f64| {
        if striped(x) {
            100.0 + 30.0 * (0.4 * x).sin()
        } else {
            texture(x, y, 0.0)
        }
    };
    let post = image((SIZE.width, SIZE.height), |x, y| 1.5 * counts(x, y));
    let pre = image((SIZE.width, SIZE.height), counts);
    let options = RefineOptions::default();
    let start = Warp::translation(0.3, 0.0);
    let refined = refine(&tiles(&post, 96), SIZE, pre.view().into(), &start, &options);
    assert_eq!(refined.rejected, None);
    assert!(refined.tiles < refined.compared, "{refined:?}");
    let agreeing = refined.inlier_ratio * refined.compared as f64;
    assert!((agreeing - agreeing.round()).abs() < 1e-9, "{refined:?}");
    assert!(agreeing.round() as usize <= refined.tiles);
    assert!(refined.inlier_ratio < 0.9, "stripes agree on nothing");
}

#[test]
fn what_cannot_be_trusted_is_not_kept() {
    let (tiles, pre) = pair();
    let off = Warp::translation(2.5, -1.7).then(&truth());
    let options = RefineOptions::default();
    let short = RefineOptions {
        max_correction_px: 2.0,
        ..options.clone()
    };
    let cases = [
        (&tiles[..], &short, "it moved a corner by"),
        (&tiles[..5], &options, "only 5 tiles could be compared"),
        (&[], &options, "there is no tile"),
    ];
    for (tiles, options, reason) in cases {
        let refined = refine(tiles, SIZE, pre.view().into(), &off, options);
        assert_eq!(refined.warp, off);
        assert!(refined.residuals.is_empty());
        let said = refined.rejected.expect("a reason");
        assert!(said.starts_with(reason), "{said}");
    }
}
