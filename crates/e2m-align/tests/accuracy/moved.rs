//! A right warp, moved: the check says by how much, and the verdict what to think of it.

use crate::measure::Rendered;
use e2m_align::{
    AlignOptions, Alignment, Check, Previews, Tile, TileCollector, Verdict, align, assess,
    check_alignment,
};
use e2m_fixtures::{NamedRecipe, clean_pairs, hard_pairs};
use e2m_image::{
    BandSink, BlockMean, Plane, PlaneSource, Warp, default_band_rows, preview_factor, stream_bands,
};
use ndarray::Array2;
use std::ops::ControlFlow;

/// A shift that is seen in the difference image, px.
const SLIGHT_PX: f64 = 1.5;
/// How far the reported median may be from it, as a share.
const TOLERANCE: f64 = 0.1;
/// A shift after which nothing fits, px.
const FAR_PX: f64 = 300.0;

/// An aligned pair with what a check needs.
struct Aligned {
    rendered: Rendered,
    alignment: Alignment,
    tiles: Vec<Tile>,
    previews: Previews,
}

impl Aligned {
    fn new(pair: &NamedRecipe) -> Self {
        let rendered = Rendered::new(pair).expect("a valid recipe");
        let options = AlignOptions::default();
        let alignment =
            align(&rendered.post, &rendered.pre, &options).expect("a pair of one section");
        let mut tiles =
            TileCollector::new(rendered.post.size(), alignment.check.tiles.iter().copied());
        pump(&rendered.post, &mut tiles);
        let size = rendered.post.size().max(rendered.pre.size());
        let factor = preview_factor(size, options.coarse.working_px);
        let [post, pre] = [&rendered.post, &rendered.pre].map(|plane| reduced(plane, factor));
        Self {
            tiles: tiles.into_tiles(),
            previews: Previews::new(post, pre, factor).expect("large enough"),
            rendered,
            alignment,
        }
    }

    /// What is said of the warp after post points have been moved by `(dx, dy)`.
    fn moved(&self, dx: f64, dy: f64) -> (Check, Verdict) {
        let warp = Warp::translation(dx, dy).then(&self.alignment.warp);
        let check = check_alignment(
            &self.tiles,
            self.rendered.post.size(),
            (&self.rendered.pre).into(),
            &warp,
            self.alignment.refinement.defocus_px,
        );
        let similarity = self.previews.similarity(&warp).expect("not blank");
        let verdict = assess(&check, similarity.overlap_fraction, None, 0).verdict;
        (check, verdict)
    }
}

fn pump(plane: &Plane, sink: &mut dyn BandSink) {
    let mut source = PlaneSource::new(plane.view());
    let rows = default_band_rows(plane.size().width);
    stream_bands(
        &mut source,
        &mut [sink],
        rows,
        |_| ControlFlow::Continue(()),
    )
    .expect("source and sink have one size");
}

fn reduced(plane: &Plane, factor: usize) -> Array2<f32> {
    let mut preview = BlockMean::new(plane.size(), factor);
    pump(plane, &mut preview);
    preview.into_image()
}

#[test]
fn a_moved_warp_is_found_out() {
    let chosen = ["magnification 1.4", "frame filling", "vignetting 0.5"];
    let mut pairs: Vec<NamedRecipe> = [clean_pairs(1500, 51), hard_pairs(1500, 151)].concat();
    pairs.retain(|pair| chosen.contains(&pair.name.as_str()));
    assert!(pairs.len() >= chosen.len());
    let mut wrong = Vec::new();
    for pair in &e2m_testing::sample("pairs whose warp is moved", pairs, 1) {
        let aligned = Aligned::new(pair);
        let (_, still) = aligned.moved(0.0, 0.0);
        if still != Verdict::Pass {
            wrong.push(format!("{}: {still:?} where it is right", pair.name));
        }
        for (dx, dy) in [(1.0, 0.0), (0.0, -1.0), (-0.6, 0.8)] {
            let (check, verdict) = aligned.moved(SLIGHT_PX * dx, SLIGHT_PX * dy);
            let median = check.summary.map_or(f64::NAN, |s| s.median_px);
            let line = format!(
                "{} by {SLIGHT_PX} px: {median:.3} px, {verdict:?}",
                pair.name
            );
            println!("{line}");
            let off = (median - SLIGHT_PX).abs() / SLIGHT_PX;
            if verdict != Verdict::Suspect || off.is_nan() || off > TOLERANCE {
                wrong.push(line);
            }
            let (check, verdict) = aligned.moved(FAR_PX * dx, FAR_PX * dy);
            let agreement = check.agreement();
            let line = format!(
                "{} by {FAR_PX} px: {agreement:.2} of the tiles agree, {verdict:?}",
                pair.name
            );
            println!("{line}");
            if verdict != Verdict::Fail {
                wrong.push(line);
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
