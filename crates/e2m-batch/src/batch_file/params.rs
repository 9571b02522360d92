//! `[params]`: parameters of the stages, checked against the pipeline's table.

use super::keys;
use super::problem::Problem;
use super::section::{ProblemCollector, shortened};
use super::setting::{integer, number};
use e2m_pipeline::{ParamKind, ParamSpec, ParamValue, Params, REGISTRY};
use std::ops::Range;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Parameters given in one place: by name, checked one by one.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ParamTable {
    /// Where the table stands.
    pub(crate) at: Option<Range<usize>>,
    values: Vec<(&'static str, ParamValue)>,
}

impl ParamTable {
    /// Reads a table of parameters; `name` is what messages call it.
    pub(crate) fn read(
        name: &'static str,
        table: Option<&Spanned<DeValue<'_>>>,
        collector: &mut ProblemCollector<'_>,
    ) -> Self {
        let Some(spanned) = table else {
            return Self::default();
        };
        let Some(table) = spanned.get_ref().as_table() else {
            let shown = collector.shown(spanned.span());
            let text = format!(
                "{name} is {shown}, it must be a table of parameters, such as {{ pad = 500 }}"
            );
            collector.note(Problem::at(spanned.span(), text));
            return Self::default();
        };
        let values = read_values(table, collector);
        Self {
            at: Some(spanned.span()),
            values,
        }
    }

    /// Whether it sets nothing.
    pub(crate) fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// `params` with the values of this table in place of its own.
    pub(crate) fn over(&self, mut params: Params) -> Params {
        for (name, value) in &self.values {
            // Each was accepted when it was read.
            if let Err(error) = params.set(name, value.clone()) {
                tracing::error!(%error, "a parameter was accepted first and refused later");
            }
        }
        params
    }
}

fn read_values(
    table: &DeTable<'_>,
    collector: &mut ProblemCollector<'_>,
) -> Vec<(&'static str, ParamValue)> {
    let mut values = Vec::new();
    let names: Vec<&'static str> = REGISTRY.iter().map(|spec| spec.name).collect();
    for (key, value) in table {
        if collector.is_full() {
            break;
        }
        let Some(spec) = REGISTRY.iter().find(|spec| *key.get_ref() == spec.name) else {
            collector.note(Problem::at(key.span(), unknown(&names, key.get_ref())));
            continue;
        };
        match accept(spec, value.get_ref()) {
            Some(accepted) => values.push((spec.name, accepted)),
            None => {
                let text = wrong_value(spec, &collector.shown(value.span()), value.get_ref());
                collector.note(Problem::at(value.span(), text));
            }
        }
    }
    values
}

/// As for any other section, but the list of valid keys would be too long.
fn unknown(names: &[&'static str], key: &str) -> String {
    if let Some(spec) = REGISTRY.iter().find(|spec| spec.abbreviation == key) {
        return format!(
            "there is no parameter {key:?}; that is how {:?} is called in file names",
            spec.name
        );
    }
    let unknown = keys::unknown("params", names, key);
    match unknown.text.split_once("; the keys here are") {
        Some((start, _)) => {
            format!("{start}; docs/parameters.md lists the parameters, `e2m schema` too")
        }
        None => unknown.text,
    }
}

/// A value as a cell of a table has it: as in a batch file, and words without quotes.
pub(crate) fn accept_text(spec: &ParamSpec, text: &str) -> Option<ParamValue> {
    let as_value = DeValue::parse(text).ok();
    as_value
        .and_then(|value| accept(spec, value.get_ref()))
        .or_else(|| accept(spec, &DeValue::String(text.into())))
}

fn accept(spec: &ParamSpec, value: &DeValue<'_>) -> Option<ParamValue> {
    let optional = matches!(
        spec.kind,
        ParamKind::OptionalFloat { .. }
            | ParamKind::Channel { optional: true }
            | ParamKind::Page { optional: true }
    );
    let value = match value {
        DeValue::Boolean(v) => ParamValue::Bool(*v),
        DeValue::Integer(_) => ParamValue::Int(integer(value)?),
        DeValue::Float(_) => ParamValue::Float(number(value)?),
        DeValue::String(v) if optional && v == "none" => ParamValue::None,
        DeValue::String(v) => ParamValue::Text(v.to_string()),
        DeValue::Datetime(_) | DeValue::Array(_) | DeValue::Table(_) => return None,
    };
    spec.accept(value).ok()
}

fn wrong_value(spec: &ParamSpec, shown: &str, value: &DeValue<'_>) -> String {
    let unquoted = value.as_str().and_then(|text| DeValue::parse(text).ok());
    let hint = match unquoted.and_then(|value| accept(spec, value.get_ref())) {
        Some(_) => format!(
            "; leave out the quotes: {} = {}",
            spec.name,
            shortened(value.as_str().unwrap_or_default())
        ),
        None => String::new(),
    };
    format!(
        "{} is {shown}, it must be {}{hint}",
        spec.name,
        spec.expected()
    )
}
