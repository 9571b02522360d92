//! The table of parameters.

use super::black::BlackLevel;
use super::choices::{CoarseMethod, LocalCorrectionChoice, NoData};
use super::value::{AUTO, ParamError, ParamKind, ParamSpec, ParamValue};
use crate::stage::Stage;
use e2m_io::{ChannelRequest, PageRequest};
use e2m_scale::PeakChoice;
use serde::{Deserialize, Serialize};
use std::sync::LazyLock;

/// A Rust type that a parameter can have.
trait ParamType: Sized {
    fn to_value(&self) -> ParamValue;
    /// `None` for a value of another kind; [`ParamSpec::accept`] has been asked before.
    fn from_value(value: &ParamValue) -> Option<Self>;
}

impl ParamType for bool {
    fn to_value(&self) -> ParamValue {
        ParamValue::Bool(*self)
    }
    fn from_value(value: &ParamValue) -> Option<Self> {
        if let ParamValue::Bool(v) = value {
            Some(*v)
        } else {
            None
        }
    }
}

impl ParamType for usize {
    fn to_value(&self) -> ParamValue {
        ParamValue::Int(i64::try_from(*self).unwrap_or(i64::MAX))
    }
    fn from_value(value: &ParamValue) -> Option<Self> {
        if let ParamValue::Int(v) = value {
            Self::try_from(*v).ok()
        } else {
            None
        }
    }
}

impl ParamType for f64 {
    fn to_value(&self) -> ParamValue {
        ParamValue::Float(*self)
    }
    fn from_value(value: &ParamValue) -> Option<Self> {
        if let ParamValue::Float(v) = value {
            Some(*v)
        } else {
            None
        }
    }
}

impl ParamType for Option<f64> {
    fn to_value(&self) -> ParamValue {
        self.map_or(ParamValue::None, ParamValue::Float)
    }
    fn from_value(value: &ParamValue) -> Option<Self> {
        match value {
            ParamValue::None => Some(None),
            ParamValue::Float(v) => Some(Some(*v)),
            _ => None,
        }
    }
}

impl ParamType for CoarseMethod {
    fn to_value(&self) -> ParamValue {
        let word = match self {
            Self::Auto => "auto",
            Self::Boundary => "boundary",
            Self::Features => "features",
            Self::Correlation => "correlation",
        };
        ParamValue::Text(word.to_owned())
    }
    fn from_value(value: &ParamValue) -> Option<Self> {
        match value {
            ParamValue::Text(word) if word == "auto" => Some(Self::Auto),
            ParamValue::Text(word) if word == "boundary" => Some(Self::Boundary),
            ParamValue::Text(word) if word == "features" => Some(Self::Features),
            ParamValue::Text(word) if word == "correlation" => Some(Self::Correlation),
            _ => None,
        }
    }
}

impl ParamType for LocalCorrectionChoice {
    fn to_value(&self) -> ParamValue {
        let word = match self {
            Self::Auto => "auto",
            Self::Off => "off",
        };
        ParamValue::Text(word.to_owned())
    }
    fn from_value(value: &ParamValue) -> Option<Self> {
        match value {
            ParamValue::Text(word) if word == "auto" => Some(Self::Auto),
            ParamValue::Text(word) if word == "off" => Some(Self::Off),
            _ => None,
        }
    }
}

impl ParamType for NoData {
    fn to_value(&self) -> ParamValue {
        let word = match self {
            Self::Zero => "zero",
            Self::Nan => "nan",
        };
        ParamValue::Text(word.to_owned())
    }
    fn from_value(value: &ParamValue) -> Option<Self> {
        match value {
            ParamValue::Text(word) if word == "zero" => Some(Self::Zero),
            ParamValue::Text(word) if word == "nan" => Some(Self::Nan),
            _ => None,
        }
    }
}

impl ParamType for BlackLevel {
    fn to_value(&self) -> ParamValue {
        (*self).into()
    }
    fn from_value(value: &ParamValue) -> Option<Self> {
        Self::try_from(value.clone()).ok()
    }
}

impl ParamType for ChannelRequest {
    fn to_value(&self) -> ParamValue {
        self.clone().into()
    }
    fn from_value(value: &ParamValue) -> Option<Self> {
        match value {
            ParamValue::Text(_) | ParamValue::Int(_) => Self::from_word(&value.to_string()),
            _ => None,
        }
    }
}

impl ParamType for Option<ChannelRequest> {
    fn to_value(&self) -> ParamValue {
        self.clone().map_or(ParamValue::None, ParamValue::from)
    }
    fn from_value(value: &ParamValue) -> Option<Self> {
        match value {
            ParamValue::None => Some(None),
            value => ChannelRequest::from_value(value).map(Some),
        }
    }
}

impl ParamType for PageRequest {
    fn to_value(&self) -> ParamValue {
        self.clone().into()
    }
    fn from_value(value: &ParamValue) -> Option<Self> {
        match value {
            ParamValue::Text(_) | ParamValue::Int(_) => Self::from_word(&value.to_string()),
            _ => None,
        }
    }
}

impl ParamType for Option<PageRequest> {
    fn to_value(&self) -> ParamValue {
        self.clone().map_or(ParamValue::None, ParamValue::from)
    }
    fn from_value(value: &ParamValue) -> Option<Self> {
        match value {
            ParamValue::None => Some(None),
            value => PageRequest::from_value(value).map(Some),
        }
    }
}

/// The words for [`PeakChoice`].
const PEAKS: &[&str] = &[AUTO, "lowest", "largest"];

impl ParamType for PeakChoice {
    fn to_value(&self) -> ParamValue {
        let word = match self {
            Self::Auto => AUTO,
            Self::Lowest => "lowest",
            Self::Largest => "largest",
        };
        ParamValue::Text(word.to_owned())
    }
    fn from_value(value: &ParamValue) -> Option<Self> {
        match value {
            ParamValue::Text(word) if word == AUTO => Some(Self::Auto),
            ParamValue::Text(word) if word == "lowest" => Some(Self::Lowest),
            ParamValue::Text(word) if word == "largest" => Some(Self::Largest),
            _ => None,
        }
    }
}

const BOOL: ParamKind = ParamKind::Bool;

const fn int(min: i64, max: i64) -> ParamKind {
    ParamKind::Int { min, max }
}

const fn float(min: f64, max: f64) -> ParamKind {
    ParamKind::Float { min, max }
}

const fn auto(min: f64, max: f64) -> ParamKind {
    ParamKind::AutoFloat { min, max }
}

const fn optional(min: f64, max: f64) -> ParamKind {
    ParamKind::OptionalFloat { min, max }
}

/// Makes [`Params`], its defaults, [`REGISTRY`] and the access by name from one table.
macro_rules! parameters {
    ($($stage:ident $name:ident ($abbreviation:literal): $type:ty = $default:expr, $kind:expr, $meaning:literal, $when:literal;)*) => {
        /// The values of all parameters. Field by field what `[params]` of a batch file sets; see [`REGISTRY`].
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
        #[serde(default, deny_unknown_fields)]
        pub struct Params {
            $(#[doc = $meaning] pub $name: $type,)*
        }

        impl Default for Params {
            fn default() -> Self {
                Self { $($name: $default,)* }
            }
        }

        /// All parameters in the order in which they appear in file names.
        pub static REGISTRY: LazyLock<Vec<ParamSpec>> = LazyLock::new(|| vec![
            $(ParamSpec {
                name: stringify!($name),
                abbreviation: $abbreviation,
                stage: Stage::$stage,
                kind: $kind,
                default: <$type as ParamType>::to_value(&$default),
                meaning: $meaning,
                when: $when,
            },)*
        ]);

        impl Params {
            /// The values in the order of [`REGISTRY`].
            pub fn values(&self) -> Vec<ParamValue> {
                vec![$(self.$name.to_value(),)*]
            }

            /// Puts an accepted value into the field of the parameter's name.
            fn put(&mut self, name: &str, value: &ParamValue) {
                match name {
                    $(stringify!($name) => if let Some(value) = ParamType::from_value(value) { self.$name = value },)*
                    _ => {}
                }
            }
        }
    };
}

parameters! {
    Pad pad ("pad"): usize = 2000, int(0, 100_000),
        "Empty pixels around the images on each side, so that an aligned image is not cut off",
        "Larger when an aligned image is cut off at the border of the canvas; smaller, down to 0, to save disk where pre and post cover the same place";
    Pad channel ("ch"): ChannelRequest = ChannelRequest::Auto, ParamKind::Channel { optional: false },
        "Channel that holds the signal: chosen for both images together, a colour, the sum or luma of the colours, or a channel of the file by its number or name, or the page of a file of several",
        "When the stain shows in one colour or channel and the choice that e2m notes is another one";
    Pad post_channel ("poch"): Option<ChannelRequest> = None, ParamKind::Channel { optional: true },
        "The same for post alone, where its file holds the signal elsewhere than that of pre",
        "When post was exported with other channels than pre";
    Pad pre_channel ("prch"): Option<ChannelRequest> = None, ParamKind::Channel { optional: true },
        "The same for pre alone",
        "When pre was exported with other channels than post";
    Pad page ("pg"): PageRequest = PageRequest::Auto, ParamKind::Page { optional: false },
        "Image of a file of several that is read: its first, or the largest where the first is a reduced copy or a label, or one by its number or name",
        "When a file holds several images and not the first is the section";
    Pad post_page ("popg"): Option<PageRequest> = None, ParamKind::Page { optional: true },
        "The same for post alone, whose file may hold other images than that of pre",
        "When only the file of post holds several images, or in another order";
    Pad pre_page ("prpg"): Option<PageRequest> = None, ParamKind::Page { optional: true },
        "The same for pre alone",
        "When only the file of pre holds several images, or in another order";
    Coarse use_edges ("ue"): bool = true, BOOL,
        "Correlate rings along the sections' boundaries; if not, the images with their brightness evened out",
        "Off when sections fill the frame or have no outline";
    Coarse boundary_width ("bw"): usize = 15, int(1, 1000),
        "Width of the boundary ring, inwards from the outline, px at the coarse resolution (images reduced to 1,600 px or less)",
        "Larger for blurred or ragged outlines; smaller for small sections, or when structure near the outline misleads";
    Coarse boundary_smooth ("bs"): usize = 10, int(0, 1000),
        "Gaussian sigma that softens the boundary ring, px at the coarse resolution",
        "Larger when outlines differ in detail, as after washing; smaller for sharp outlines";
    Coarse rotation_search ("rs"): bool = true, BOOL,
        "Search for a rotation between the boundaries",
        "Off when the section was not taken out of its holder in between";
    Coarse angle_range ("ar"): f64 = 20.0, float(0.0, 180.0),
        "Rotations searched, degrees to either side",
        "Larger when a section may have been turned by more; up to 180 for any orientation";
    Coarse angle_step ("astep"): f64 = 1.0, float(0.01, 45.0),
        "Step of the search for a rotation, degrees",
        "Smaller for long sections, whose ends move far with a small turn";
    Coarse scale_search ("ss"): bool = true, BOOL,
        "Search for a magnification between the boundaries",
        "Off when both images were taken with the same objective";
    Coarse scale_min ("smin"): f64 = 0.85, float(0.1, 10.0),
        "Smallest magnification searched; above 1 the section is larger in pre",
        "Wider when pre and post were taken at different magnifications";
    Coarse scale_max ("smax"): f64 = 1.15, float(0.1, 10.0),
        "Greatest magnification searched",
        "Wider when pre and post were taken at different magnifications";
    Coarse scale_step ("sstep"): f64 = 0.05, float(0.001, 1.0),
        "Step of the search for a magnification",
        "Smaller when the magnifications differ and the outlines are sharp";
    Coarse multiscale ("ms"): bool = true, BOOL,
        "Search from coarse to fine resolution",
        "Off only to compare with results that were made without it";
    Coarse down_scale ("ds"): f64 = 0.3, float(0.01, 1.0),
        "Resolution of the refinement by fine_ecc as a share of the full one; at most that of the coarse images",
        "Together with fine_ecc: larger for more accuracy of stage 2, in more time";
    Coarse max_translation ("mtr"): f64 = 200.0, float(0.0, 100_000.0),
        "Largest shift that the fit by contour points, and fine_ecc, may each add, full-resolution px",
        "Larger when stage 2 stops short of a section that lies far from its place; smaller when it runs away";
    Coarse max_rotation ("mrot"): f64 = 5.0, float(0.0, 180.0),
        "Largest rotation that each of them may add, degrees",
        "Larger when stage 2 stops short of the right angle; smaller when it turns a round section away";
    Coarse max_scale_delta ("msd"): f64 = 0.2, float(0.0, 10.0),
        "Largest change of magnification that each of them may add",
        "Larger when the magnifications differ by more than the search covers";
    Coarse max_scale_diff ("msdf"): f64 = 0.15, float(0.0, 10.0),
        "Largest difference between the magnifications along x and y",
        "Larger when one image is stretched along one axis, as by a stage that is not calibrated";
    Coarse save_all_intermediates ("sai"): bool = false, BOOL,
        "Also write the result of the first step of stage 2",
        "On to see why stage 2 went wrong";
    Coarse fine_ecc ("fecc"): bool = false, BOOL,
        "Refine the boundary alignment by the enhanced correlation coefficient",
        "On when stage 3 is left out and stage 2 is to be as accurate as it can";
    Coarse stopit ("sit"): usize = 500, int(1, 1_000_000),
        "Iterations of that refinement at most",
        "Together with fine_ecc: larger when it ends before it has converged";
    Coarse stopdelta ("sdl"): f64 = 1e-6, float(1e-15, 1.0),
        "Change of the correlation at which that refinement stops",
        "Together with fine_ecc: smaller for more iterations";
    Coarse coarse_method ("cm"): CoarseMethod = CoarseMethod::Auto, ParamKind::Choice(CoarseMethod::WORDS),
        "How stage 2 aligns: by the boundary, by features, by correlation, or by whichever fits the images best",
        "features when outlines are broken or cut off by the frame; boundary when the inside has changed beyond recognition; correlation for noisy or sparse images without an outline";
    Fine interior_ecc ("iecc"): bool = true, BOOL,
        "Refine the alignment on the section's interior by features (stage 3)",
        "Off when only the outline of both images is alike; the alignment is then that of stage 2";
    Fine interior_blur_base ("iblur"): f64 = 8.0, float(0.0, 1000.0),
        "Gaussian sigma of the smoothest level of the refinement by brightness, px at half resolution; tiles of 192 px carry no more than 4",
        "Larger when stage 2 leaves several pixels and stage 3 does not find the rest; smaller for fine structure";
    Fine interior_max_correction ("imc"): f64 = 500.0, float(0.0, 100_000.0),
        "Largest correction of each step of stage 3, full-resolution px",
        "Larger when stage 2 leaves more than that; smaller to refuse a correction that cannot be";
    Fine interior_min_inlier_ratio ("imir"): f64 = 0.4, float(0.0, 1.0),
        "Share of the matched features, and of the tiles, that must agree in stage 3",
        "Smaller when much of the section has changed and the rest is to count; larger to be strict";
    Fine subpixel ("spx"): bool = true, BOOL,
        "Then refine to a few hundredths of a pixel by comparing brightness",
        "Off to save time where half a pixel is enough";
    Fine local_correction ("lc"): LocalCorrectionChoice = LocalCorrectionChoice::Auto, ParamKind::Choice(LocalCorrectionChoice::WORDS),
        "Then correct a section that was deformed between the images by a smooth displacement, where it needs one; or leave it as the homography has it",
        "Off to compare with other programs' homographies, or when the displacement it found follows the stain and not the section";
    Difference scale_percentile ("sp"): Option<f64> = None, optional(0.0, 100.0),
        "Also subtract with this percentile of the ratios post / pre as scale",
        "When the background is to be subtracted as a share of its pixels says, as earlier results were made, 50 for the median";
    Difference manual_scale ("msc"): Option<f64> = None, optional(1e-6, 1e6),
        "Also subtract with this scale",
        "When the scale is known, as from a control, or several are to be compared";
    Difference post_black ("pob"): BlackLevel = BlackLevel::Auto, auto(-1e6, 1e6),
        "What the camera adds to every pixel of post, counts; measured on glass and section where it is not known",
        "When the camera's level is known, as from an image with the shutter closed, or the note on the measured one says it is wrong";
    Difference pre_black ("prb"): BlackLevel = BlackLevel::Auto, auto(-1e6, 1e6),
        "What the camera adds to every pixel of pre, counts; measured on glass and section where it is not known",
        "When the camera's level is known, as from an image with the shutter closed, or the note on the measured one says it is wrong";
    Difference scale_peak ("spk"): PeakChoice = PeakChoice::Auto, ParamKind::Choice(PEAKS),
        "Whose scale is taken where parts of the section became brighter by different factors: the highest peak's, the lowest, or the largest part's",
        "When the verdict says that there are two backgrounds and you know which one is to vanish";
    Difference scale_field ("sfld"): bool = false, BOOL,
        "Also subtract with a scale and an offset that vary slowly over the section, where that leaves less background",
        "When light or stain are uneven: the difference has a pattern far wider than any microbe (microbes are looked for without it in any case)";
    Difference no_data ("nd"): NoData = NoData::Zero, ParamKind::Choice(NoData::WORDS),
        "What the difference holds where post or pre has no pixel: zero, or nan (not a number)",
        "nan when statistics are made of the difference, so that what no image covers does not count";
    Difference pixel_size_um ("pxum"): Option<f64> = None, optional(0.001, 1000.0),
        "Size of a pixel of post, um, where its file does not tell it or tells it wrongly",
        "When densities per mm2 and lengths in um are wanted and the files carry no pixel size or a wrong one";
    Detection detect ("det"): bool = true, BOOL,
        "Look for microbes in the difference (stage 5)",
        "Off when only the difference image is wanted";
    Detection detect_sigma ("dsig"): f64 = 5.0, float(3.5, 100.0),
        "A microbe stands out from the background by at least so many standard deviations",
        "Smaller for faint microbes, at the price of more false ones (the catalogue says how many to expect); larger for sure ones only";
    Detection min_area_px ("mina"): usize = 4, int(1, 1_000_000),
        "Smallest footprint of a microbe, px",
        "Larger when single bright pixels of the camera are taken for microbes";
    Detection max_area_px ("maxa"): usize = 6000, int(1, 1_000_000),
        "Largest footprint of a microbe, px",
        "Larger for colonies; smaller when stained patches are not to count";
}

impl Params {
    /// Sets the parameter of this name, after checking the value.
    pub fn set(&mut self, name: &str, value: ParamValue) -> Result<(), ParamError> {
        let spec = spec_of(name)?;
        let value = spec.accept(value)?;
        self.put(spec.name, &value);
        Ok(())
    }

    /// Checks every value against its range, and values against each other.
    pub fn validate(&self) -> Result<(), ParamError> {
        for (spec, value) in REGISTRY.iter().zip(self.values()) {
            spec.accept(value)?;
        }
        if self.scale_min >= self.scale_max {
            return Err(ParamError::Order {
                lower: "scale_min",
                low: self.scale_min,
                upper: "scale_max",
                high: self.scale_max,
            });
        }
        if self.min_area_px > self.max_area_px {
            return Err(ParamError::Order {
                lower: "min_area_px",
                low: self.min_area_px as f64,
                upper: "max_area_px",
                high: self.max_area_px as f64,
            });
        }
        Ok(())
    }

    /// The channels that are asked for, of post and of pre.
    pub fn channels(&self) -> [&ChannelRequest; 2] {
        [&self.post_channel, &self.pre_channel].map(|own| own.as_ref().unwrap_or(&self.channel))
    }

    /// The pages that are asked for, of post and of pre.
    pub fn pages(&self) -> [&PageRequest; 2] {
        [&self.post_page, &self.pre_page].map(|own| own.as_ref().unwrap_or(&self.page))
    }

    /// The parameters of stages up to `stage` that differ from their default.
    pub fn non_default(
        &self,
        stage: Stage,
    ) -> impl Iterator<Item = (&'static ParamSpec, ParamValue)> {
        REGISTRY
            .iter()
            .zip(self.values())
            .filter(move |(spec, value)| spec.stage <= stage && spec.default != *value)
    }

    /// Whether the parameters of stages up to `stage` are the same.
    pub(crate) fn same_up_to(&self, stage: Stage, other: &Self) -> bool {
        let values = |params: &Self| -> Vec<(&'static str, ParamValue)> {
            let values = params.non_default(stage);
            values.map(|(spec, value)| (spec.name, value)).collect()
        };
        values(self) == values(other)
    }
}

/// The row of the table with this name.
fn spec_of(name: &str) -> Result<&'static ParamSpec, ParamError> {
    REGISTRY
        .iter()
        .find(|spec| spec.name == name)
        .ok_or_else(|| ParamError::Unknown {
            name: name.to_owned(),
            nearest: REGISTRY
                .iter()
                .map(|spec| (strsim::jaro_winkler(spec.name, name), spec.name))
                .filter(|(similarity, _)| *similarity > 0.7)
                .max_by(|a, b| a.0.total_cmp(&b.0))
                .map(|(_, name)| name),
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn names_and_abbreviations_are_unique_and_fit_fits() {
        let names: HashSet<_> = REGISTRY.iter().map(|s| s.name).collect();
        let abbreviations: HashSet<_> = REGISTRY.iter().map(|s| s.abbreviation).collect();
        assert_eq!(
            (names.len(), abbreviations.len()),
            (REGISTRY.len(), REGISTRY.len())
        );
        assert!(REGISTRY.iter().all(|s| s.keyword().len() <= 8));
        assert!(REGISTRY.is_sorted_by_key(|s| s.stage));
    }

    #[test]
    fn defaults_are_valid_and_nothing_differs_from_them() {
        let defaults = Params::default();
        assert_eq!(defaults.validate(), Ok(()));
        assert_eq!(defaults.non_default(Stage::LAST).count(), 0);
    }

    #[test]
    fn errors_say_what_is_expected() {
        let mut params = Params::default();
        let error = params.set("padd", ParamValue::Int(3)).expect_err("unknown");
        assert_eq!(
            error.to_string(),
            "there is no parameter \"padd\", did you mean \"pad\"?"
        );
        let error = params
            .set("scale_percentile", ParamValue::Int(120))
            .expect_err("out of range");
        assert_eq!(
            error.to_string(),
            "scale_percentile is 120, it must be a number from 0 to 100, or left out"
        );
        let error = params
            .set("coarse_method", ParamValue::Text("sift".into()))
            .expect_err("unknown word");
        assert_eq!(
            error.to_string(),
            "coarse_method is sift, it must be one of auto, boundary, features, correlation"
        );
        params
            .set("scale_min", ParamValue::Float(1.5))
            .expect("within its own range");
        assert_eq!(
            params.validate().expect_err("contradiction").to_string(),
            "scale_min (1.5) must be less than scale_max (1.15)"
        );
    }

    #[test]
    fn whole_numbers_stand_for_floats() {
        let mut params = Params::default();
        params
            .set("angle_range", ParamValue::Int(45))
            .expect("a number");
        assert_eq!(params.angle_range, 45.0);
        params.set("pad", ParamValue::Float(500.0)).expect("whole");
        assert_eq!(params.pad, 500);
        assert!(params.set("pad", ParamValue::Float(0.5)).is_err());
    }
}
