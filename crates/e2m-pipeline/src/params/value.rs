//! A parameter as data: its description, its value, what can be wrong with a value.

use super::escape::unescape;
use super::format::format_g;
use crate::stage::Stage;
use e2m_io::{ChannelRequest, PageRequest};
use serde::{Deserialize, Serialize};

/// The word of a [`ParamKind::AutoFloat`] that is measured.
pub(super) const AUTO: &str = "auto";

/// What values a parameter takes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ParamKind {
    /// true or false.
    Bool,
    /// A whole number from `min` to `max`.
    Int {
        /// Least value.
        min: i64,
        /// Greatest value.
        max: i64,
    },
    /// A number from `min` to `max`.
    Float {
        /// Least value.
        min: f64,
        /// Greatest value.
        max: f64,
    },
    /// A number from `min` to `max`, or none.
    OptionalFloat {
        /// Least value.
        min: f64,
        /// Greatest value.
        max: f64,
    },
    /// A number from `min` to `max`, or `auto`.
    AutoFloat {
        /// Least value.
        min: f64,
        /// Greatest value.
        max: f64,
    },
    /// One of these words.
    Choice(&'static [&'static str]),
    /// A channel, a page by its number, or a channel by its name.
    Channel {
        /// Whether it may be left out.
        optional: bool,
    },
    /// A page by its number or its name.
    Page {
        /// Whether it may be left out.
        optional: bool,
    },
}

/// One row of the table of parameters.
#[derive(Debug, Clone, PartialEq)]
pub struct ParamSpec {
    /// Its name in the batch file.
    pub name: &'static str,
    /// Its abbreviation in file names; in upper case the FITS keyword.
    pub abbreviation: &'static str,
    /// The first stage it matters to.
    pub stage: Stage,
    /// What values it takes.
    pub kind: ParamKind,
    /// Its default.
    pub default: ParamValue,
    /// What it means, with its unit.
    pub meaning: &'static str,
    /// When to change it, without a full stop.
    pub when: &'static str,
}

/// A value of a parameter.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum ParamValue {
    /// No value.
    None,
    /// Of a [`ParamKind::Bool`].
    Bool(bool),
    /// Of a [`ParamKind::Int`].
    Int(i64),
    /// Of a [`ParamKind::Float`] or [`ParamKind::OptionalFloat`].
    Float(f64),
    /// Of a [`ParamKind::Choice`], [`ParamKind::Channel`] or [`ParamKind::Page`], or the word of a [`ParamKind::AutoFloat`].
    Text(String),
}

impl ParamValue {
    /// The value as in a batch file; `none` for no value.
    pub fn written(&self) -> String {
        match self {
            Self::None => "none".to_owned(),
            Self::Bool(v) => v.to_string(),
            Self::Int(v) => v.to_string(),
            Self::Float(v) => format_g(*v),
            Self::Text(v) => format!("\"{v}\""),
        }
    }
}

impl From<ChannelRequest> for ParamValue {
    fn from(channel: ChannelRequest) -> Self {
        match channel {
            ChannelRequest::Number(number) => Self::Int(i64::try_from(number).unwrap_or(i64::MAX)),
            word => Self::Text(word.to_string()),
        }
    }
}

impl From<PageRequest> for ParamValue {
    fn from(page: PageRequest) -> Self {
        match page {
            PageRequest::Number(number) => Self::Int(i64::try_from(number).unwrap_or(i64::MAX)),
            word => Self::Text(word.to_string()),
        }
    }
}

impl std::fmt::Display for ParamValue {
    /// As in file names: booleans as 1 or 0, floats as C's `%g`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::None => f.write_str("none"),
            Self::Bool(value) => write!(f, "{}", u8::from(*value)),
            Self::Int(value) => write!(f, "{value}"),
            Self::Float(value) => f.write_str(&format_g(*value)),
            Self::Text(value) => f.write_str(value),
        }
    }
}

/// A value that a parameter does not take.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ParamError {
    /// No parameter of this name.
    #[error("there is no parameter {name:?}{}", nearest.map(|n| format!(", did you mean {n:?}?")).unwrap_or_default())]
    Unknown {
        /// The name given.
        name: String,
        /// The parameter whose name is nearest.
        nearest: Option<&'static str>,
    },
    /// Not a value of the parameter's kind, or out of its range.
    #[error("{name} is {value}, it must be {expected}")]
    Value {
        /// The parameter.
        name: &'static str,
        /// The value given.
        value: String,
        /// What it takes.
        expected: String,
    },
    /// Two parameters that contradict each other.
    #[error("{lower} ({low}) must be less than {upper} ({high})")]
    Order {
        /// The parameter that must be less.
        lower: &'static str,
        /// Its value.
        low: f64,
        /// The parameter that must be greater.
        upper: &'static str,
        /// Its value.
        high: f64,
    },
}

impl ParamSpec {
    /// The FITS keyword.
    pub fn keyword(&self) -> String {
        self.abbreviation.to_uppercase()
    }

    /// What values it takes, as the end of "it must be …".
    pub fn expected(&self) -> String {
        let range = |min: &dyn std::fmt::Display, max: &dyn std::fmt::Display| {
            format!("from {min} to {max}")
        };
        match self.kind {
            ParamKind::Bool => "true or false".to_owned(),
            ParamKind::Int { min, max } => format!("a whole number {}", range(&min, &max)),
            ParamKind::Float { min, max } => format!("a number {}", range(&min, &max)),
            ParamKind::OptionalFloat { min, max } => {
                format!("a number {}, or left out", range(&min, &max))
            }
            ParamKind::AutoFloat { min, max } => {
                format!("a number {}, or \"{AUTO}\"", range(&min, &max))
            }
            ParamKind::Choice(words) => format!("one of {}", words.join(", ")),
            ParamKind::Channel { optional } => {
                let or_none = if optional { ", or left out" } else { "" };
                format!(
                    "one of auto, R, G, B, sum, luma, or the number of a page or channel, the first is 1{or_none}"
                )
            }
            ParamKind::Page { optional } => {
                let or_none = if optional { ", or left out" } else { "" };
                format!("auto, or the number of a page, the first is 1, or its name{or_none}")
            }
        }
    }

    /// `value` in this parameter's type: a whole number stands for a float, and the other way round where nothing is
    /// lost. Fails where it is of another kind or out of range.
    pub fn accept(&self, value: ParamValue) -> Result<ParamValue, ParamError> {
        let within = |v: f64, min: f64, max: f64| v >= min && v <= max;
        let accepted = match (self.kind, &value) {
            (ParamKind::Bool, ParamValue::Bool(_))
            | (
                ParamKind::OptionalFloat { .. }
                | ParamKind::Channel { optional: true }
                | ParamKind::Page { optional: true },
                ParamValue::None,
            ) => Some(value.clone()),
            (ParamKind::Channel { .. }, ParamValue::Text(_) | ParamValue::Int(_)) => {
                ChannelRequest::from_word(&value.to_string()).map(ParamValue::from)
            }
            (ParamKind::Page { .. }, ParamValue::Text(_) | ParamValue::Int(_)) => {
                PageRequest::from_word(&value.to_string()).map(ParamValue::from)
            }
            (ParamKind::Int { min, max }, ParamValue::Int(v)) => {
                (*v >= min && *v <= max).then(|| value.clone())
            }
            (ParamKind::Int { min, max }, ParamValue::Float(v)) => (v.fract() == 0.0
                && within(*v, min as f64, max as f64))
            .then_some(ParamValue::Int(*v as i64)),
            (
                ParamKind::Float { min, max }
                | ParamKind::OptionalFloat { min, max }
                | ParamKind::AutoFloat { min, max },
                ParamValue::Float(v),
            ) => within(*v, min, max).then(|| value.clone()),
            (
                ParamKind::Float { min, max }
                | ParamKind::OptionalFloat { min, max }
                | ParamKind::AutoFloat { min, max },
                ParamValue::Int(v),
            ) => within(*v as f64, min, max).then_some(ParamValue::Float(*v as f64)),
            (ParamKind::AutoFloat { .. }, ParamValue::Text(v)) => {
                (v == AUTO).then(|| value.clone())
            }
            (ParamKind::Choice(words), ParamValue::Text(v)) => {
                words.contains(&v.as_str()).then(|| value.clone())
            }
            _ => None,
        };
        accepted.ok_or_else(|| ParamError::Value {
            name: self.name,
            value: value.to_string(),
            expected: self.expected(),
        })
    }

    /// A value as it stands in a file name, back into the parameter's type.
    pub(super) fn parse(&self, text: &str) -> Option<ParamValue> {
        let value = match self.kind {
            ParamKind::Bool => match text {
                "1" => ParamValue::Bool(true),
                "0" => ParamValue::Bool(false),
                _ => return None,
            },
            ParamKind::Int { .. } => ParamValue::Int(text.parse().ok()?),
            ParamKind::OptionalFloat { .. } if text == "none" => ParamValue::None,
            ParamKind::AutoFloat { .. } if text == AUTO => ParamValue::Text(AUTO.to_owned()),
            // Only what `%g` writes: no "inf", no "nan", no leading plus.
            ParamKind::Float { .. }
            | ParamKind::OptionalFloat { .. }
            | ParamKind::AutoFloat { .. } => ParamValue::Float(
                text.parse()
                    .ok()
                    .filter(|v: &f64| v.is_finite() && !text.starts_with('+'))?,
            ),
            ParamKind::Choice(_) => ParamValue::Text(text.to_owned()),
            ParamKind::Channel { .. } | ParamKind::Page { .. } => ParamValue::Text(unescape(text)?),
        };
        self.accept(value).ok()
    }
}
