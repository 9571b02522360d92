//! `[[override]]`: parameters for some tasks only.

use super::keys::Key;
use super::params::ParamTable;
use super::problem::Problem;
use super::section::{ProblemCollector, Section};
use super::setting::Setting;
use e2m_io::composed;
use e2m_pipeline::{KeptCheckpoints, params_schema};
use std::ops::Range;
use toml::Spanned;
use toml::de::DeValue;

/// Its heading in the file.
pub(crate) const NAME: &str = "override";

/// Parameters for the tasks of one sample, of one dye, or for a single task.
#[derive(Debug, Clone, PartialEq)]
pub struct Override {
    /// The sample; none for all.
    pub sample: Option<String>,
    /// The dye; none for all.
    pub dye: Option<String>,
    /// What is different for them.
    pub params: ParamTable,
    /// Which images of stages 1 to 3 they keep, if that is different.
    pub checkpoints: Option<KeptCheckpoints>,
    /// Where it stands.
    pub at: Range<usize>,
}

impl Override {
    /// Whether a task is among those it is for.
    pub fn matches(&self, sample: &str, dye: &str) -> bool {
        let is = |wanted: &str, name: &str| composed(wanted) == composed(name);
        self.sample.as_deref().is_none_or(|s| is(s, sample))
            && self.dye.as_deref().is_none_or(|d| is(d, dye))
    }
}

/// Its keys.
pub(crate) fn keys() -> Vec<Key> {
    let text = |name, meaning| Key {
        name,
        expected: String::expected(),
        schema: String::schema(),
        default: Some(String::new()),
        meaning,
    };
    let params = Key {
        name: "params",
        expected: "a table of parameters, such as { boundary_width = 20 }".into(),
        schema: params_schema(),
        default: Some(String::new()),
        meaning: "What is different for these tasks; where several overrides match, the last one counts",
    };
    vec![
        text(
            "sample",
            "Only tasks of this sample; left out: of every sample",
        ),
        text("dye", "Only tasks of this dye; left out: of every dye"),
        params,
        Key {
            name: "checkpoints",
            expected: KeptCheckpoints::expected(),
            schema: KeptCheckpoints::schema(),
            default: Some(String::new()),
            meaning: "Which images of stages 1 to 3 these tasks keep; left out: as for all",
        },
    ]
}

/// Reads all overrides of a file.
pub(crate) fn read(
    value: Option<&Spanned<DeValue<'_>>>,
    collector: &mut ProblemCollector<'_>,
) -> Vec<Override> {
    let Some(value) = value else {
        return Vec::new();
    };
    let Some(list) = value.get_ref().as_array() else {
        let text = "an override is written with two brackets: [[override]]";
        collector.note(Problem::at(value.span(), text));
        return Vec::new();
    };
    // Made once, however many overrides there are: their description takes longer than their reading.
    let keys = keys();
    let mut overrides = Vec::new();
    for item in list {
        if collector.is_full() {
            break;
        }
        overrides.extend(read_one(item, &keys, collector));
    }
    overrides
}

fn read_one(
    item: &Spanned<DeValue<'_>>,
    keys: &[Key],
    collector: &mut ProblemCollector<'_>,
) -> Option<Override> {
    let Some(table) = item.get_ref().as_table() else {
        let text = "an override must be a table with sample, dye or both, and params";
        collector.note(Problem::at(item.span(), text));
        return None;
    };
    let mut section = Section::open(NAME, Some(table), keys, collector);
    let sample: Option<Option<String>> = section.take("sample", Some(None));
    let dye: Option<Option<String>> = section.take("dye", Some(None));
    let checkpoints: Option<Option<KeptCheckpoints>> = section.take("checkpoints", Some(None));
    let before = collector.problems.len();
    let params = ParamTable::read("params", table.get("params"), collector);
    let (sample, dye, checkpoints) = (sample?, dye?, checkpoints?);
    if sample.is_none() && dye.is_none() {
        let text = "this override names neither a sample nor a dye; parameters for every task belong below [params]";
        collector.note(Problem::at(item.span(), text));
    } else if params.is_empty() && checkpoints.is_none() && collector.problems.len() == before {
        let text = "this override changes nothing; give it params = { … }";
        collector.note(Problem::at(item.span(), text));
    }
    Some(Override {
        sample,
        dye,
        params,
        checkpoints,
        at: item.span(),
    })
}
