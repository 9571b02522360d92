//! The diagnostic pictures of a task: from what the stages know to files in `pipeline_output`.

use crate::error::PipelineError;
use crate::run::TaskRun;
use e2m_align::{Check, Previews};
use e2m_io::write_atomic;
use e2m_plot::{
    PlotError, Preview, ResidualArrow, ResidualPicture, Title, draw_registration_residual,
};

/// The displacement that remains on tiles outside the fit.
const REGISTRATION_RESIDUAL: &str = "registration_residual";

/// Draws the residual shifts of the check tiles as arrows on post.
pub(crate) fn draw_residual(run: &mut TaskRun<'_>, check: &Check) -> Result<(), PipelineError> {
    let Some(previews) = &run.previews else {
        return Err(PipelineError::MissingStage { stage: 3, needs: 2 });
    };
    let title = title(run);
    let arrows: Vec<ResidualArrow> = check
        .tiles
        .iter()
        .map(|tile| {
            let (x, y) = tile.centre();
            let shift = check.residuals.iter().find(|r| r.tile == *tile);
            ResidualArrow {
                x,
                y,
                dx: shift.map_or(0.0, |r| r.dx),
                dy: shift.map_or(0.0, |r| r.dy),
                ok: shift.is_some(),
            }
        })
        .collect();
    let drawn = draw_registration_residual(&ResidualPicture {
        title: &title,
        post: post_preview(previews),
        arrows: &arrows,
    });
    write(run, 3, REGISTRATION_RESIDUAL, drawn)
}

fn title(run: &TaskRun<'_>) -> Title {
    Title {
        sample: run.spec.sample.clone(),
        dye: run.spec.dye.clone(),
    }
}

fn post_preview(previews: &Previews) -> Preview<'_> {
    Preview {
        pixels: previews.post(),
        factor: previews.factor() as f64,
    }
}

fn write(
    run: &TaskRun<'_>,
    stage: u8,
    stem: &'static str,
    drawn: Result<Vec<u8>, PlotError>,
) -> Result<(), PipelineError> {
    let png = drawn.map_err(|source| PipelineError::Plot { stem, source })?;
    let path = run.output.paths.plot_path(stem, &run.suffix(stage));
    write_atomic(&path, &png).map_err(|error| {
        PipelineError::io(&path, "writing the picture")(std::io::Error::other(error))
    })
}
