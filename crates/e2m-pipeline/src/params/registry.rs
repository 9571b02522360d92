//! The table of parameters.

use super::black::BlackLevel;
use super::value::{AUTO, ParamError, ParamKind, ParamSpec, ParamValue};
use crate::stage::Stage;
use e2m_io::ChannelRequest;
use e2m_scale::PeakChoice;
use serde::{Deserialize, Serialize};
use std::sync::LazyLock;

/// How stage 2 looks for the coarse alignment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CoarseMethod {
    /// Whatever fits the images best.
    #[default]
    Auto,
    /// The section's outer boundary.
    Boundary,
    /// Features.
    Features,
}

/// Whether stage 3 looks for a displacement on top of the warp.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LocalCorrectionChoice {
    /// Where the section is deformed.
    #[default]
    Auto,
    /// Never.
    Off,
}

impl LocalCorrectionChoice {
    const WORDS: &'static [&'static str] = &["auto", "off"];
}

/// What a difference image holds where post or pre has no pixel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NoData {
    /// 0, which most programs take for nothing found.
    #[default]
    Zero,
    /// NaN, which statistics leave out.
    Nan,
}

impl NoData {
    const WORDS: &'static [&'static str] = &["zero", "nan"];

    /// The value of such a pixel.
    pub const fn value(self) -> f32 {
        match self {
            Self::Zero => 0.0,
            Self::Nan => f32::NAN,
        }
    }
}

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

impl CoarseMethod {
    /// The methods that are tried.
    pub fn methods(self) -> &'static [e2m_align::CoarseMethod] {
        use e2m_align::CoarseMethod::{Boundary, Features};
        match self {
            Self::Auto => &[Features, Boundary],
            Self::Boundary => &[Boundary],
            Self::Features => &[Features],
        }
    }

    const WORDS: &'static [&'static str] = &["auto", "boundary", "features"];
}

impl ParamType for CoarseMethod {
    fn to_value(&self) -> ParamValue {
        let word = match self {
            Self::Auto => "auto",
            Self::Boundary => "boundary",
            Self::Features => "features",
        };
        ParamValue::Text(word.to_owned())
    }
    fn from_value(value: &ParamValue) -> Option<Self> {
        match value {
            ParamValue::Text(word) if word == "auto" => Some(Self::Auto),
            ParamValue::Text(word) if word == "boundary" => Some(Self::Boundary),
            ParamValue::Text(word) if word == "features" => Some(Self::Features),
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
    ($($stage:ident $name:ident ($abbreviation:literal): $type:ty = $default:expr, $kind:expr, $meaning:literal;)*) => {
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
        "Empty pixels around the images on each side, so that an aligned image is not cut off";
    Pad channel ("ch"): ChannelRequest = ChannelRequest::Auto, ParamKind::Channel { optional: false },
        "Channel that holds the signal: chosen for both images together, a colour, the sum or luma of the colours, or the page of a file of several";
    Pad post_channel ("poch"): Option<ChannelRequest> = None, ParamKind::Channel { optional: true },
        "The same for post alone, where its file holds the signal elsewhere than that of pre";
    Pad pre_channel ("prch"): Option<ChannelRequest> = None, ParamKind::Channel { optional: true },
        "The same for pre alone";
    Coarse use_edges ("ue"): bool = true, BOOL,
        "Correlate rings along the sections' boundaries; if not, the images with their brightness evened out";
    Coarse boundary_width ("bw"): usize = 15, int(1, 1000),
        "Width of the boundary ring, inwards from the outline, px at the coarse resolution (images reduced to 1,600 px or less)";
    Coarse boundary_smooth ("bs"): usize = 10, int(0, 1000),
        "Gaussian sigma that softens the boundary ring, px at the coarse resolution";
    Coarse rotation_search ("rs"): bool = true, BOOL,
        "Search for a rotation between the boundaries";
    Coarse angle_range ("ar"): f64 = 20.0, float(0.0, 180.0),
        "Rotations searched, degrees to either side";
    Coarse angle_step ("astep"): f64 = 1.0, float(0.01, 45.0),
        "Step of the search for a rotation, degrees";
    Coarse scale_search ("ss"): bool = true, BOOL,
        "Search for a magnification between the boundaries";
    Coarse scale_min ("smin"): f64 = 0.85, float(0.1, 10.0),
        "Smallest magnification searched; above 1 the section is larger in pre";
    Coarse scale_max ("smax"): f64 = 1.15, float(0.1, 10.0),
        "Greatest magnification searched";
    Coarse scale_step ("sstep"): f64 = 0.05, float(0.001, 1.0),
        "Step of the search for a magnification";
    Coarse multiscale ("ms"): bool = true, BOOL,
        "Search from coarse to fine resolution";
    Coarse down_scale ("ds"): f64 = 0.3, float(0.01, 1.0),
        "Resolution of the refinement by fine_ecc as a share of the full one; at most that of the coarse images";
    Coarse max_translation ("mtr"): f64 = 200.0, float(0.0, 100_000.0),
        "Largest shift that the fit by contour points, and fine_ecc, may each add, full-resolution px";
    Coarse max_rotation ("mrot"): f64 = 5.0, float(0.0, 180.0),
        "Largest rotation that each of them may add, degrees";
    Coarse max_scale_delta ("msd"): f64 = 0.2, float(0.0, 10.0),
        "Largest change of magnification that each of them may add";
    Coarse max_scale_diff ("msdf"): f64 = 0.15, float(0.0, 10.0),
        "Largest difference between the magnifications along x and y";
    Coarse save_all_intermediates ("sai"): bool = false, BOOL,
        "Also write the result of the first step of stage 2";
    Coarse fine_ecc ("fecc"): bool = false, BOOL,
        "Refine the boundary alignment by the enhanced correlation coefficient";
    Coarse stopit ("sit"): usize = 500, int(1, 1_000_000),
        "Iterations of that refinement at most";
    Coarse stopdelta ("sdl"): f64 = 1e-6, float(1e-15, 1.0),
        "Change of the correlation at which that refinement stops";
    Coarse coarse_method ("cm"): CoarseMethod = CoarseMethod::Auto, ParamKind::Choice(CoarseMethod::WORDS),
        "How stage 2 aligns: by the boundary, by features, or by whichever fits the images best";
    Fine interior_ecc ("iecc"): bool = true, BOOL,
        "Refine the alignment on the section's interior by features (stage 3)";
    Fine interior_blur_base ("iblur"): f64 = 8.0, float(0.0, 1000.0),
        "Gaussian sigma of the smoothest level of the refinement by brightness, px at half resolution; tiles of 192 px carry no more than 4";
    Fine interior_max_correction ("imc"): f64 = 500.0, float(0.0, 100_000.0),
        "Largest correction of each step of stage 3, full-resolution px";
    Fine interior_min_inlier_ratio ("imir"): f64 = 0.4, float(0.0, 1.0),
        "Share of the matched features, and of the tiles, that must agree in stage 3";
    Fine subpixel ("spx"): bool = true, BOOL,
        "Then refine to a few hundredths of a pixel by comparing brightness";
    Fine local_correction ("lc"): LocalCorrectionChoice = LocalCorrectionChoice::Auto, ParamKind::Choice(LocalCorrectionChoice::WORDS),
        "Then correct a section that was deformed between the images by a smooth displacement, where it needs one; or leave it as the homography has it";
    Difference scale_percentile ("sp"): Option<f64> = None, optional(0.0, 100.0),
        "Also subtract with this percentile of the ratios post / pre as scale";
    Difference manual_scale ("msc"): Option<f64> = None, optional(1e-6, 1e6),
        "Also subtract with this scale";
    Difference post_black ("pob"): BlackLevel = BlackLevel::Auto, auto(-1e6, 1e6),
        "What the camera adds to every pixel of post, counts; measured on glass and section where it is not known";
    Difference pre_black ("prb"): BlackLevel = BlackLevel::Auto, auto(-1e6, 1e6),
        "What the camera adds to every pixel of pre, counts; measured on glass and section where it is not known";
    Difference scale_peak ("spk"): PeakChoice = PeakChoice::Auto, ParamKind::Choice(PEAKS),
        "Whose scale is taken where parts of the section became brighter by different factors: the highest peak's, the lowest, or the largest part's";
    Difference no_data ("nd"): NoData = NoData::Zero, ParamKind::Choice(NoData::WORDS),
        "What the difference holds where post or pre has no pixel: zero, or nan (not a number)";
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
        Ok(())
    }

    /// The channels that are asked for, of post and of pre.
    pub fn channels(&self) -> [&ChannelRequest; 2] {
        [&self.post_channel, &self.pre_channel].map(|own| own.as_ref().unwrap_or(&self.channel))
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
            "coarse_method is sift, it must be one of auto, boundary, features"
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
