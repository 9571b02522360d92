//! What a user may set, and whether it makes sense.

use crate::search::error::AlignError;

/// Options of [`align_boundary`](super::align_boundary).
///
/// "Coarse px" are pixels of the previews it is given; "full px" are pixels of the images those were reduced from.
/// Widen a range when sections are turned or magnified by more than it; narrow it when the microscope is known to hold still, which
/// saves time and leaves less to chance.
#[derive(Debug, Clone, PartialEq)]
pub struct BoundaryOptions {
    /// Correlate rings along the outlines. If not, the whole images with their brightness evened out are correlated;
    /// the outlines then only serve the fit by contour points.
    pub use_edges: bool,
    /// Thickness of the ring, inwards from the outline, in coarse px. Larger: outlines that differ somewhat still overlap.
    /// Smaller: the peak of the correlation is sharper.
    pub width_px: usize,
    /// Sigma of the Gaussian that softens the ring, in coarse px. Larger: the search sees less and is faster. Smaller: fine teeth of
    /// the outline count.
    pub smooth_px: usize,
    /// Search over rotations. If not, the rotation before the fit by contour points is exactly 0.
    pub rotation_search: bool,
    /// Rotations searched: from minus this to plus this, in degrees. The result may lie half a step beyond. Larger: slower, and
    /// round sections may be found turned.
    pub angle_range_deg: f64,
    /// Step of the search over rotations in degrees. Coarse to fine, the first level may take steps as wide as those of
    /// the magnification are on the outline; the result lies on no grid. Larger: faster, and narrow peaks may be missed.
    pub angle_step_deg: f64,
    /// Search over magnifications. If not, the magnification before the fit by contour points is exactly 1.
    pub scale_search: bool,
    /// Least magnification searched, of the warp from post to pre: below 1 the section is smaller in pre.
    pub scale_min: f64,
    /// Largest magnification searched. The result may lie half a step beyond.
    pub scale_max: f64,
    /// Step of the search over magnifications. Larger: faster, and narrow peaks may be missed.
    pub scale_step: f64,
    /// Search at a low resolution first and follow the best candidates to finer ones. If not, every angle and
    /// magnification is tried at the finest resolution the ring has: the same answer, many times slower.
    pub multiscale: bool,
    /// Resolution of the refinement by brightness ([`fine_ecc`](Self::fine_ecc)) as a share of full resolution; never
    /// finer than the previews. Larger: finer grains count. Smaller: faster, and a larger error can be put right.
    pub down_scale: f64,
    /// How far the fit by contour points, and then the refinement by brightness, may each move the section's middle, in
    /// full px of pre. Larger limits, here and below, keep fits that change much; smaller ones keep the warp before.
    pub max_translation_px: f64,
    /// How far each may turn it, in degrees.
    pub max_rotation_deg: f64,
    /// How far its magnification along x or y may each time differ from 1.
    pub max_scale_delta: f64,
    /// How far the two may differ from each other.
    pub max_scale_diff: f64,
    /// Refine the warp by brightness at last (OpenCV's enhanced correlation coefficient). Worth it where no
    /// [refinement on tiles](crate::refine) follows.
    pub fine_ecc: bool,
    /// Iterations of that refinement at most. Larger: slower, where it converges slowly.
    pub ecc_iterations: usize,
    /// It stops where the correlation improves by less than this. Larger: faster, and less exact.
    pub ecc_delta: f64,
}

impl Default for BoundaryOptions {
    fn default() -> Self {
        Self {
            use_edges: true,
            width_px: 15,
            smooth_px: 10,
            rotation_search: true,
            angle_range_deg: 20.0,
            angle_step_deg: 1.0,
            scale_search: true,
            scale_min: 0.85,
            scale_max: 1.15,
            scale_step: 0.05,
            multiscale: true,
            down_scale: 0.3,
            max_translation_px: 200.0,
            max_rotation_deg: 5.0,
            max_scale_delta: 0.2,
            max_scale_diff: 0.15,
            fine_ecc: false,
            ecc_iterations: 500,
            ecc_delta: 1e-6,
        }
    }
}

/// More grid points than this are a slip of the pen, not a search.
const MAX_GRID: f64 = 100_000.0;

impl BoundaryOptions {
    /// The rotations to try, in degrees: evenly spaced by at most `step_deg`, both ends and 0 among them.
    pub(super) fn angles_deg(&self, step_deg: f64) -> Vec<f64> {
        if !self.rotation_search || self.angle_range_deg == 0.0 {
            return vec![0.0];
        }
        let half = (self.angle_range_deg / step_deg).ceil().max(1.0) as i64;
        let step = self.angle_range_deg / half as f64;
        (-half..=half).map(|i| i as f64 * step).collect()
    }

    /// The magnifications to try: evenly spaced, both ends among them.
    pub(super) fn scales(&self) -> Vec<f64> {
        if !self.scale_search {
            return vec![1.0];
        }
        let span = self.scale_max - self.scale_min;
        // A span of six steps in decimal fractions may come out as 6.000000001.
        let intervals = (span / self.scale_step - 1e-6).ceil().max(0.0) as usize;
        let step = span / intervals.max(1) as f64;
        (0..=intervals)
            .map(|i| self.scale_min + i as f64 * step)
            .collect()
    }

    /// Fails for values that no search can be made with.
    pub(super) fn check(&self) -> Result<(), AlignError> {
        let refuse = |name, value: f64, reason| {
            Err(AlignError::Option {
                name,
                value,
                reason,
            })
        };
        let (angle, step) = (self.angle_range_deg, self.angle_step_deg);
        if !(0.0..=180.0).contains(&angle) {
            return refuse("angle_range", angle, "must lie between 0 and 180 degrees");
        }
        if !(step > 0.0 && step.is_finite()) {
            return refuse("angle_step", step, "must be above 0 degrees");
        }
        let (least, most) = (self.scale_min, self.scale_max);
        if !(0.1..=10.0).contains(&least) {
            return refuse("scale_min", least, "must lie between 0.1 and 10");
        }
        if !(least..=10.0).contains(&most) {
            return refuse("scale_max", most, "must lie between scale_min and 10");
        }
        if !(self.scale_step > 0.0 && self.scale_step.is_finite()) {
            return refuse("scale_step", self.scale_step, "must be above 0");
        }
        if (2.0 * angle / step + 1.0) * ((most - least) / self.scale_step + 1.0) > MAX_GRID {
            return refuse(
                "angle_step",
                step,
                "is too fine: with scale_step it makes over 100000 combinations",
            );
        }
        if !(self.down_scale > 0.0 && self.down_scale <= 1.0) {
            return refuse(
                "down_scale",
                self.down_scale,
                "must be above 0 and at most 1",
            );
        }
        if self.width_px == 0 {
            return refuse("boundary_width", 0.0, "must be at least 1 px");
        }
        for (name, limit) in [
            ("max_translation", self.max_translation_px),
            ("max_rotation", self.max_rotation_deg),
            ("max_scale_delta", self.max_scale_delta),
            ("max_scale_diff", self.max_scale_diff),
            ("stopdelta", self.ecc_delta),
        ] {
            if limit.is_nan() || limit < 0.0 {
                return refuse(name, limit, "must be zero or a positive number");
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_grids_hold_their_ends_and_the_middle() {
        let options = BoundaryOptions::default();
        let (angles, scales) = (options.angles_deg(1.0), options.scales());
        assert_eq!(angles.len(), 41);
        assert_eq!((angles[0], angles[20], angles[40]), (-20.0, 0.0, 20.0));
        assert_eq!(scales.len(), 7);
        assert!((scales[3] - 1.0).abs() < 1e-12 && (scales[6] - 1.15).abs() < 1e-12);
        let uneven = BoundaryOptions {
            angle_range_deg: 7.0,
            scale_min: 1.0,
            scale_max: 1.0,
            ..options
        };
        assert_eq!(uneven.angles_deg(2.0).len(), 9);
        assert_eq!(uneven.angles_deg(2.0)[8], 7.0);
        assert_eq!(uneven.scales(), [1.0]);
    }

    #[test]
    fn a_search_switched_off_keeps_its_value() {
        let options = BoundaryOptions {
            rotation_search: false,
            scale_search: false,
            scale_min: 1.1,
            ..BoundaryOptions::default()
        };
        assert_eq!(options.angles_deg(1.0), [0.0]);
        assert_eq!(options.scales(), [1.0]);
    }

    #[test]
    fn senseless_values_are_named() {
        type Spoil = fn(&mut BoundaryOptions);
        let cases: [(&str, Spoil); 8] = [
            ("angle_range", |o| o.angle_range_deg = 200.0),
            ("angle_step", |o| o.angle_step_deg = 0.0),
            ("angle_step", |o| o.angle_step_deg = 1e-5),
            ("scale_min", |o| o.scale_min = -1.0),
            ("scale_max", |o| o.scale_max = 0.5),
            ("scale_step", |o| o.scale_step = f64::NAN),
            ("down_scale", |o| o.down_scale = 3.0),
            ("max_rotation", |o| o.max_rotation_deg = -1.0),
        ];
        for (name, spoil) in cases {
            let mut options = BoundaryOptions::default();
            assert!(options.check().is_ok());
            spoil(&mut options);
            let message = options.check().expect_err("senseless").to_string();
            assert!(message.starts_with(name), "{message}");
        }
    }
}
