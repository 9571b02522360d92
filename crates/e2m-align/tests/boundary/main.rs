//! The boundary alignment on generated pairs, whose truth is known.

mod hardships;
mod options;
mod refusals;

use e2m_align::{AlignError, BoundaryAlignment, BoundaryOptions, align_boundary};
use e2m_fixtures::{Recipe, Truth, World};
use e2m_image::{BlockMean, Plane, PlaneSource, Size, Warp, preview_factor, stream_bands};
use ndarray::Array2;
use std::ops::ControlFlow;

/// Mean distance, in full-resolution px, between where the found and the true warp send points all over the section.
/// Five would do for what comes after.
const LIMIT_PX: f64 = 1.0;
/// The longer side of the previews at most, as in the pipeline.
const PREVIEW_PX: usize = 1600;

/// Two previews and the truth about them.
struct Pair {
    post: Array2<f32>,
    pre: Array2<f32>,
    factor: usize,
    truth: Truth,
}

impl Pair {
    fn new(recipe: &Recipe) -> Self {
        let world = World::new(recipe).expect("a valid recipe");
        let larger = recipe.post_size().max(recipe.pre_size());
        let factor = preview_factor(larger, PREVIEW_PX);
        Self {
            post: reduced(&world.render_post(), factor),
            pre: reduced(&world.render_pre(), factor),
            factor,
            truth: world.truth(),
        }
    }

    fn align(&self, options: &BoundaryOptions) -> Result<BoundaryAlignment, AlignError> {
        align_boundary(self.post.view(), self.pre.view(), self.factor, options)
    }

    fn error(&self, warp: &Warp) -> f64 {
        self.truth.registration_error(warp).mean_px
    }

    fn size(&self) -> Size {
        self.truth.post_size
    }
}

fn reduced(plane: &Plane, factor: usize) -> Array2<f32> {
    let mut preview = BlockMean::new(plane.size(), factor);
    let mut source = PlaneSource::new(plane.view());
    let streamed = stream_bands(&mut source, &mut [&mut preview], 256, |_| {
        ControlFlow::Continue(())
    });
    streamed.expect("source and sink have one size");
    preview.into_image()
}

fn recipe(seed: u64) -> Recipe {
    Recipe {
        width: 1500,
        height: 1200,
        seed,
        ..Recipe::default()
    }
}

/// Aligns with the default options and holds the result to the limit.
fn check(name: &str, recipe: &Recipe) -> BoundaryAlignment {
    check_with(name, recipe, &BoundaryOptions::default())
}

fn check_with(name: &str, recipe: &Recipe, options: &BoundaryOptions) -> BoundaryAlignment {
    let pair = Pair::new(recipe);
    let found = pair.align(options).expect("sections with an outline");
    let error = pair.error(&found.warp);
    assert!(error <= LIMIT_PX, "{name}: {error:.3} px; {:?}", found.icp);
    assert!(found.icp.accepted, "{name}: {:?}", found.icp);
    found
}
