//! Parameters in file names.

use super::escape::escape;
use super::registry::{Params, REGISTRY};
use super::value::ParamValue;
use crate::stage::Stage;
use std::fmt::Write as _;

/// The suffix of the files of `stage`: every parameter of this and earlier stages that differs from its default, as `_`,
/// abbreviation and value, in the order of the table: `_bw20_msc1.42`.
///
/// Floats keep six significant digits, so values that differ beyond these share a name; a checkpoint's own facts tell
/// them apart.
pub fn suffix(params: &Params, stage: Stage) -> String {
    params
        .non_default(stage)
        .fold(String::new(), |mut text, (spec, value)| {
            let value = match value {
                ParamValue::Text(value) => escape(&value),
                value => value.to_string(),
            };
            let _ = write!(text, "_{}{value}", spec.abbreviation);
            text
        })
}

/// Why a text is not a suffix.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SuffixError {
    /// It does not begin with an underscore.
    #[error("a suffix begins with an underscore: {0:?}")]
    Start(String),
    /// No parameter's abbreviation with a value of its kind and range.
    #[error("{0:?} is no parameter with a value")]
    Token(String),
    /// The same parameter twice.
    #[error("{0} stands twice in the suffix")]
    Twice(&'static str),
}

/// The parameters behind a suffix; what it does not name has its default.
pub fn parse_suffix(text: &str) -> Result<Params, SuffixError> {
    let mut params = Params::default();
    if text.is_empty() {
        return Ok(params);
    }
    let tokens = text
        .strip_prefix('_')
        .ok_or_else(|| SuffixError::Start(text.to_owned()))?;
    let mut seen = Vec::new();
    for token in tokens.split('_') {
        let unknown = || SuffixError::Token(token.to_owned());
        // Abbreviations begin alike (`s…`, `ss`, `sstep`): the longest that leaves a value is meant.
        let candidates = REGISTRY.iter().filter_map(|spec| {
            let value = spec.parse(token.strip_prefix(spec.abbreviation)?)?;
            Some((spec, value))
        });
        let (spec, value) = candidates
            .max_by_key(|(spec, _)| spec.abbreviation.len())
            .ok_or_else(unknown)?;
        if seen.contains(&spec.name) {
            return Err(SuffixError::Twice(spec.name));
        }
        seen.push(spec.name);
        params.set(spec.name, value).map_err(|_| unknown())?;
    }
    Ok(params)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::params::{ParamKind, format_g};
    use proptest::prelude::*;

    /// A value of the parameter's kind and range; floats with the six digits that a name keeps.
    fn value_of(kind: ParamKind) -> BoxedStrategy<ParamValue> {
        let float = |min: f64, max: f64| {
            (min..=max).prop_filter_map("in range after rounding", move |v| {
                let rounded: f64 = format_g(v).parse().ok()?;
                (rounded >= min && rounded <= max).then_some(ParamValue::Float(rounded))
            })
        };
        match kind {
            ParamKind::Bool => any::<bool>().prop_map(ParamValue::Bool).boxed(),
            ParamKind::Int { min, max } => (min..=max).prop_map(ParamValue::Int).boxed(),
            ParamKind::Float { min, max } => float(min, max).boxed(),
            ParamKind::OptionalFloat { min, max } => {
                prop_oneof![Just(ParamValue::None), float(min, max)].boxed()
            }
            ParamKind::AutoFloat { min, max } => {
                prop_oneof![Just(ParamValue::Text("auto".to_owned())), float(min, max)].boxed()
            }
            ParamKind::Choice(words) => prop::sample::select(words)
                .prop_map(|w| ParamValue::Text(w.to_owned()))
                .boxed(),
            ParamKind::Channel { .. } => prop_oneof![
                prop::sample::select(vec!["auto", "R", "G", "B", "sum", "luma"])
                    .prop_map(|w| ParamValue::Text(w.to_owned())),
                (1..=10_000_i64).prop_map(ParamValue::Int),
                "[a-zA-Z_][ -~]{0,20}[a-zA-Z_%]".prop_map(ParamValue::Text),
            ]
            .boxed(),
            ParamKind::Page { .. } => prop_oneof![
                Just(ParamValue::Text("auto".to_owned())),
                (1..=10_000_i64).prop_map(ParamValue::Int),
                "[a-zA-Z_][ -~]{0,20}[a-zA-Z_%]".prop_map(ParamValue::Text),
            ]
            .boxed(),
        }
    }

    fn any_params() -> impl Strategy<Value = Params> {
        let values: Vec<_> = REGISTRY
            .iter()
            .map(|spec| prop::option::of(value_of(spec.kind)))
            .collect();
        values.prop_map(|values| {
            let mut params = Params::default();
            for (spec, value) in REGISTRY.iter().zip(values) {
                if let Some(value) = value {
                    params
                        .set(spec.name, value)
                        .expect("generated within range");
                }
            }
            params
        })
    }

    proptest! {
        #[test]
        fn every_set_of_parameters_round_trips(params in any_params()) {
            let text = suffix(&params, Stage::LAST);
            prop_assert_eq!(parse_suffix(&text), Ok(params));
        }

        #[test]
        fn any_text_is_parsed_or_refused(text in "\\PC*") {
            let _ = parse_suffix(&text);
        }
    }

    #[test]
    fn what_is_no_suffix_is_named() {
        assert_eq!(parse_suffix("bw20"), Err(SuffixError::Start("bw20".into())));
        assert_eq!(
            parse_suffix("_bw20_xyz3"),
            Err(SuffixError::Token("xyz3".into()))
        );
        assert_eq!(
            parse_suffix("_bw20_bw21"),
            Err(SuffixError::Twice("boundary_width"))
        );
        assert_eq!(
            parse_suffix("_spinf"),
            Err(SuffixError::Token("spinf".into()))
        );
        assert_eq!(parse_suffix("_"), Err(SuffixError::Token(String::new())));
    }
}
