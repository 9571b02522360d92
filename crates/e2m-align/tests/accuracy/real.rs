//! The one real pair: no truth is known, so the residual and the likeness tell.

use e2m_align::{AlignOptions, Verdict, align};
use e2m_image::Plane;
use e2m_io::RawImage;
use std::path::{Path, PathBuf};

/// Median residual of the tiles outside the fit, px.
const RESIDUAL_PX: f64 = 0.2;
/// Correlation of the logarithms of counts.
const CORRELATION: f64 = 0.88;

/// The folder of the pair; `None`, with a printed reason, where it is not there. In CI it has to be.
fn folder() -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/real");
    if path.is_dir() {
        return Some(path);
    }
    assert!(
        std::env::var("CI").as_deref() != Ok("true"),
        "{} is missing",
        path.display()
    );
    println!("skipped: {} is not there", path.display());
    None
}

fn plane(path: &Path) -> Plane {
    let mut image = RawImage::open(path).expect("a raw image");
    image.load_plane().expect("its signal").0
}

#[test]
fn the_real_pair_is_aligned_and_trusted() {
    let Some(folder) = folder() else { return };
    let [post, pre] =
        ["Post", "Pre"].map(|stain| plane(&folder.join(format!("cycif01_{stain}Stain_DAPI.tif"))));
    let alignment = align(&post, &pre, &AlignOptions::default()).expect("one section");
    let residual = alignment.check.summary.expect("tiles outside the fit");
    let correlation = alignment.similarity.correlation;
    println!(
        "{} median residual {:.3} px, p90 {:.3} px over {} of {} tiles, correlation {correlation:.3}, {:?}",
        alignment.coarse.method,
        residual.median_px,
        residual.p90_px,
        residual.measured,
        residual.tiles,
        alignment.judgement,
    );
    assert!(residual.median_px <= RESIDUAL_PX);
    assert!(correlation >= CORRELATION);
    assert_eq!(alignment.judgement.verdict, Verdict::Pass);
}
