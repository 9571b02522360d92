//! The options of the alignment, made from the parameters: here and nowhere else.

use crate::params::{LocalCorrectionChoice, Params};
use e2m_align::{AlignOptions, BoundaryOptions, RefineOptions};

/// What the parameters ask of the alignment.
pub fn alignment_options(params: &Params) -> AlignOptions {
    AlignOptions {
        methods: params.coarse_method.methods().to_vec(),
        boundary: boundary_options(params),
        correct_inside: params.interior_ecc,
        refine_on_tiles: params.interior_ecc && params.subpixel,
        local_correction: params.local_correction == LocalCorrectionChoice::Auto,
        canvas_pad: params.pad,
        refine: RefineOptions {
            // The parameter counts px at half resolution.
            smoothest_px: 2.0 * params.interior_blur_base,
            max_correction_px: params.interior_max_correction,
            min_inlier_ratio: params.interior_min_inlier_ratio,
            ..RefineOptions::default()
        },
        ..AlignOptions::default()
    }
}

fn boundary_options(params: &Params) -> BoundaryOptions {
    BoundaryOptions {
        use_edges: params.use_edges,
        width_px: params.boundary_width,
        smooth_px: params.boundary_smooth,
        rotation_search: params.rotation_search,
        angle_range_deg: params.angle_range,
        angle_step_deg: params.angle_step,
        scale_search: params.scale_search,
        scale_min: params.scale_min,
        scale_max: params.scale_max,
        scale_step: params.scale_step,
        multiscale: params.multiscale,
        down_scale: params.down_scale,
        max_translation_px: params.max_translation,
        max_rotation_deg: params.max_rotation,
        max_scale_delta: params.max_scale_delta,
        max_scale_diff: params.max_scale_diff,
        fine_ecc: params.fine_ecc,
        ecc_iterations: params.stopit,
        ecc_delta: params.stopdelta,
    }
}
