//! One generated pair aligned, with what came out beside the truth. The tests measure by the same code.

use e2m_align::{
    AlignError, AlignOptions, Alignment, CoarseMethod, ResidualSummary, TileResidual, Verdict,
    align,
};
use e2m_fixtures::{ErrorStats, NamedRecipe, World};
use e2m_image::{Mapping, Plane};
use std::fmt;
use std::time::Instant;

/// A pair with what became of it.
#[derive(Debug)]
pub(crate) struct Measured {
    /// Its name in the tables.
    pub(crate) name: String,
    /// Columns of post.
    pub(crate) width: usize,
    /// Time of the alignment, without rendering.
    pub(crate) seconds: f64,
    /// What came out.
    pub(crate) outcome: Result<Figures, AlignError>,
}

/// The figures of an alignment.
#[derive(Debug, Clone)]
pub(crate) struct Figures {
    /// Error of the final warp over the section, post px; not a number where no truth is known.
    pub(crate) error: ErrorStats,
    /// The same of the coarse alignment.
    pub(crate) coarse_error: ErrorStats,
    /// How the coarse alignment was found.
    pub(crate) method: CoarseMethod,
    /// What the tiles outside the fit say.
    pub(crate) residual: Option<ResidualSummary>,
    /// What is true of the same tiles.
    pub(crate) true_residual: Option<ResidualSummary>,
    /// Share of these tiles that agree.
    pub(crate) agreement: f64,
    /// Correlation of log intensities.
    pub(crate) correlation: f64,
    /// How much blurrier post was found to be, px.
    pub(crate) defocus_px: f64,
    /// The verdict.
    pub(crate) verdict: Verdict,
    /// Its reasons.
    pub(crate) reasons: Vec<String>,
    /// Why the refinement was not kept.
    pub(crate) rejected: Option<String>,
}

/// Both images of a generated pair.
pub(crate) struct Rendered {
    name: String,
    world: World,
    pub(crate) post: Plane,
    pub(crate) pre: Plane,
}

impl Rendered {
    /// Builds and renders a pair; an error names the recipe's flaw.
    pub(crate) fn new(pair: &NamedRecipe) -> Result<Self, e2m_fixtures::FixtureError> {
        let world = World::new(&pair.recipe)?;
        Ok(Self {
            name: pair.name.clone(),
            post: world.render_post(),
            pre: world.render_pre(),
            world,
        })
    }

    /// Aligns it and compares with the truth.
    pub(crate) fn measure(&self, options: &AlignOptions) -> Measured {
        let start = Instant::now();
        let result = align(&self.post, &self.pre, options);
        let seconds = start.elapsed().as_secs_f64();
        Measured {
            name: self.name.clone(),
            width: self.post.size().width,
            seconds,
            outcome: result.map(|alignment| {
                let truth = self.world.truth();
                Figures::new(
                    &alignment,
                    truth.mapping_error(&alignment.mapping),
                    truth.registration_error(&alignment.coarse.warp),
                    ResidualSummary::of(
                        &self.true_residuals(&alignment.mapping, &alignment.check.residuals),
                        alignment.check.tiles.len(),
                    ),
                )
            }),
        }
    }

    /// What would have to be added to the points of each tile, in the mean, for `mapping` to send them to their true places.
    fn true_residuals(&self, mapping: &Mapping, tiles: &[TileResidual]) -> Vec<TileResidual> {
        const STEPS: usize = 5;
        let at = |first: usize, side: usize, step: usize| {
            first as f64 + side as f64 * (step as f64 + 0.5) / STEPS as f64 - 0.5
        };
        tiles
            .iter()
            .map(|residual| {
                let tile = residual.tile;
                let (mut dx, mut dy) = (0.0, 0.0);
                for i in 0..STEPS * STEPS {
                    let (x, y) = (
                        at(tile.x, tile.side_px, i % STEPS),
                        at(tile.y, tile.side_px, i / STEPS),
                    );
                    let (u, v) = self.world.pre_position(x, y);
                    let back = mapping.inverse_point(u, v);
                    let (to_x, to_y) = back.expect("an alignment can be inverted");
                    dx += (to_x - x) / (STEPS * STEPS) as f64;
                    dy += (to_y - y) / (STEPS * STEPS) as f64;
                }
                TileResidual {
                    dx,
                    dy,
                    ..*residual
                }
            })
            .collect()
    }
}

impl Figures {
    pub(crate) fn new(
        alignment: &Alignment,
        error: ErrorStats,
        coarse_error: ErrorStats,
        true_residual: Option<ResidualSummary>,
    ) -> Self {
        Self {
            error,
            coarse_error,
            method: alignment.coarse.method,
            residual: alignment.check.summary.clone(),
            true_residual,
            agreement: alignment.check.agreement(),
            correlation: alignment.similarity.correlation,
            defocus_px: alignment.refinement.defocus_px,
            verdict: alignment.assessment.verdict,
            reasons: alignment.assessment.reasons.clone(),
            rejected: alignment.refinement.rejected.clone(),
        }
    }
}

impl fmt::Display for Measured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            name,
            width,
            seconds,
            outcome,
        } = self;
        write!(f, "{name:<38} {width:>5} px {seconds:>5.1} s  ")?;
        match outcome {
            Ok(figures) => figures.fmt(f),
            Err(error) => write!(f, "none: {error}"),
        }
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "error {:.4} max {:.3}, {} {:.3}, residual {} true {}, agree {:.2}, correlation {:.3}, defocus {:.2}, {:?}",
            self.error.mean_px,
            self.error.max_px,
            self.method,
            self.coarse_error.mean_px,
            short(self.residual.as_ref()),
            short(self.true_residual.as_ref()),
            self.agreement,
            self.correlation,
            self.defocus_px,
            self.verdict,
        )?;
        for reason in self.reasons.iter().chain(&self.rejected) {
            write!(f, "; {reason}")?;
        }
        Ok(())
    }
}

/// Median and 90th percentile.
fn short(residual: Option<&ResidualSummary>) -> String {
    residual.map_or_else(
        || "-".to_owned(),
        |r| format!("{:.3}/{:.3}", r.median_px, r.p90_px),
    )
}
