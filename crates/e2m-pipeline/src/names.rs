//! Scales by name, and the facts that the headers of images carry.

use crate::artifact::Image;
use crate::error::PipelineError;
use crate::flags::FLAGS;
use crate::params::{ParamValue, Params, format_g};
use e2m_image::Warp;
use e2m_io::{FactValue, Facts, PixelKind};
use e2m_scale::Subtraction;

/// A scale and where it comes from.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum ScaleKind {
    Moffat,
    Percentile(f64),
    Manual,
}

impl ScaleKind {
    /// As in file names and the SCALEK card: `moffat`, `percentile_p50`, `manual`.
    pub(crate) fn label(self) -> String {
        match self {
            Self::Moffat => "moffat".to_owned(),
            Self::Percentile(percent) => format!("percentile_p{}", format_g(percent)),
            Self::Manual => "manual".to_owned(),
        }
    }
}

/// The facts of a checkpoint, in the order of their cards.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Header<'a> {
    pub(crate) sample: &'a str,
    pub(crate) dye: &'a str,
    pub(crate) image: Image,
    pub(crate) params: &'a Params,
    pub(crate) scale: Option<(Subtraction, ScaleKind)>,
    /// Accuracy estimate in px and levels completed, of stage 3.
    pub(crate) interior: Option<(f64, usize)>,
    /// The largest and the median displacement of a local correction, px.
    pub(crate) local: Option<(f64, f64)>,
    pub(crate) warp: Option<Warp>,
}

impl Header<'_> {
    pub(crate) fn facts(&self) -> Result<Facts, PipelineError> {
        let mut facts = Facts::new();
        facts.set("SAMPLE", self.sample, "Sample name")?;
        facts.set("DYE", self.dye, "Dye/channel name")?;
        facts.set("STAGE", self.image.label(), "Pipeline stage")?;
        if let Some((subtraction, kind)) = self.scale {
            let label = kind.label();
            facts.set(
                "SCALE",
                subtraction.scale,
                &format!("Scale factor ({label})"),
            )?;
            facts.set("SCALEK", label.as_str(), "Scale kind")?;
            let levels = [
                (
                    "BLKPOST",
                    subtraction.post_black,
                    "Black level of post (counts)",
                ),
                (
                    "BLKPRE",
                    subtraction.pre_black,
                    "Black level of pre (counts)",
                ),
            ];
            // Of a camera without an offset there is nothing to say.
            for (key, level, comment) in levels.into_iter().filter(|(_, level, _)| *level != 0.0) {
                facts.set(key, level, comment)?;
            }
        }
        for (spec, value) in self.params.non_default(self.image.named_by()) {
            let value = match value {
                ParamValue::None => FactValue::from("none"),
                ParamValue::Bool(v) => v.into(),
                ParamValue::Int(v) => v.into(),
                ParamValue::Float(v) => v.into(),
                ParamValue::Text(v) => v.as_str().into(),
            };
            facts.set(&spec.keyword(), value, spec.name)?;
        }
        if self.image.pixels() == PixelKind::Flags {
            for flag in FLAGS {
                facts.set(
                    &format!("FLAG{}", flag.value),
                    flag.meaning,
                    "What this bit of a pixel says",
                )?;
            }
        }
        if let Some((accuracy, levels)) = self.interior {
            facts.set(
                "IACC",
                accuracy,
                "Interior alignment accuracy estimate (px)",
            )?;
            facts.set("ILVLOK", levels as i64, "Interior ECC levels completed")?;
        }
        if let Some((largest, median)) = self.local {
            facts.set("LOCMAX", largest, "Largest local correction (px)")?;
            facts.set("LOCMED", median, "Median local correction (px)")?;
        }
        if let Some(warp) = &self.warp {
            facts.set_warp(warp);
        }
        facts.set("VERSION", env!("CARGO_PKG_VERSION"), "Version of e2m")?;
        Ok(facts)
    }
}
