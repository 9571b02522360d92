//! A value that is given beside the file, for one run: `stage4.scale_percentile=50`.
//!
//! It is put into the file's text before that is read again, so that whatever works with the batch file, a cluster's jobs as
//! well, works with the value. The file on the disk stays as it is.

use super::BatchFile;
use super::general::General;
use super::keys::{nearest, qualified, sections};
use super::overrides;
use super::problem::{BatchFileError, Problem};
use e2m_pipeline::{ParamSpec, REGISTRY, Stage};
use std::fmt;
use std::path::Path;
use std::str::FromStr;
use toml_edit::{DocumentMut, Item, Table, Value};

/// The heading of the parameters.
const PARAMS: &str = "params";
/// A misspelt key is taken for a valid one that is at least this similar, 0 to 1.
const MIN_SIMILARITY: f64 = 0.55;

/// A key of the batch file and the value that it is to have.
#[derive(Debug, Clone, PartialEq)]
pub struct Assignment {
    /// The heading below which it belongs; empty for the keys above all headings.
    section: &'static str,
    key: &'static str,
    /// As TOML; none for what it is without being given.
    value: Option<String>,
}

/// An assignment that is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NoAssignment(String);

impl FromStr for Assignment {
    type Err = NoAssignment;

    /// Reads `KEY=VALUE`. The key is one of the batch file, with its heading or alone; before a parameter may stand its stage. A value
    /// that is no TOML is a text; nothing at all is the default.
    fn from_str(text: &str) -> Result<Self, NoAssignment> {
        let Some((key, value)) = text.split_once('=') else {
            return Err(NoAssignment(
                "it must be KEY=VALUE, such as stage4.scale_percentile=50".into(),
            ));
        };
        let (section, key) = place_of(key.trim()).map_err(NoAssignment)?;
        let value = value.trim();
        let as_toml = match value.parse::<Value>() {
            Ok(_) => value.to_owned(),
            Err(_) => Value::from(value).to_string(),
        };
        Ok(Self {
            section,
            key,
            value: (!value.is_empty()).then_some(as_toml),
        })
    }
}

impl fmt::Display for Assignment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = self.value.as_deref().unwrap_or_default();
        write!(f, "{}={value}", qualified(self.section, self.key))
    }
}

impl Assignment {
    /// A text for a key above all headings.
    pub(crate) fn text(key: &'static str, value: &str) -> Self {
        Self {
            section: General::NAME,
            key,
            value: Some(Value::from(value).to_string()),
        }
    }

    /// Whether it is a parameter of a stage.
    pub(crate) fn is_of_params(&self) -> bool {
        self.section == PARAMS
    }

    /// The key, without its heading.
    pub fn key(&self) -> &'static str {
        self.key
    }

    /// Key and value for a table, without its heading: `pad=40`.
    pub fn short(&self) -> String {
        let value = self.value.as_deref().unwrap_or("default");
        format!("{}={}", self.key, value.trim_matches('"'))
    }
}

/// The heading and the key that a name stands for.
fn place_of(name: &str) -> Result<(&'static str, &'static str), String> {
    let (heading, key) = name.rsplit_once('.').unwrap_or(("", name));
    if let Some(number) = heading.strip_prefix("stage") {
        return parameter_of_stage(number, key);
    }
    let headings = || {
        let others = sections().into_iter();
        let others = others.filter(|(heading, _)| *heading != overrides::NAME);
        let parameters = REGISTRY.iter().map(|spec| (PARAMS, spec.name));
        others
            .flat_map(|(heading, keys)| keys.into_iter().map(move |key| (heading, key.name)))
            .chain(parameters)
    };
    // A key of a table is a table itself, which no value replaces.
    let is_table = |key: &str| headings().any(|(heading, _)| heading == key);
    let fitting = |place: &(&'static str, &'static str)| heading.is_empty() || place.0 == heading;
    let found = headings()
        .filter(fitting)
        .find(|(_, known)| *known == key && !is_table(known) && *known != overrides::NAME);
    if let Some(place) = found {
        return Ok(place);
    }
    if !heading.is_empty() && !headings().any(|(known, _)| known == heading) {
        let known = "params, stage1 to stage5, execution, resources, blanks and slurm";
        return Err(format!(
            "there is no heading {heading:?}; before a key may stand {known}"
        ));
    }
    let names = headings().filter(fitting).map(|(_, key)| key);
    let meant = nearest(key, names, MIN_SIMILARITY);
    let meant = meant.map(|meant| format!("; did you mean {meant:?}?"));
    Err(format!(
        "there is no key {name:?}{}",
        meant.unwrap_or_else(|| "; `e2m params` lists the parameters".into())
    ))
}

/// A parameter whose stage is given with it.
fn parameter_of_stage(number: &str, key: &str) -> Result<(&'static str, &'static str), String> {
    let stage: Option<Stage> = number.parse::<u8>().ok().and_then(|n| n.try_into().ok());
    let Some(stage) = stage else {
        return Err(format!("there is no stage {number:?}; stages are 1 to 5"));
    };
    let of_stage = |spec: &&ParamSpec| spec.stage == stage;
    match REGISTRY.iter().find(|spec| spec.name == key) {
        Some(spec) if spec.stage == stage => Ok((PARAMS, spec.name)),
        Some(spec) => Err(format!(
            "{key} is a parameter of stage {}: stage{}.{key}",
            spec.stage, spec.stage
        )),
        None => {
            let names = REGISTRY.iter().filter(of_stage).map(|spec| spec.name);
            let meant = nearest(key, names.clone(), MIN_SIMILARITY);
            Err(match meant {
                Some(meant) => {
                    format!("stage {stage} has no parameter {key:?}; did you mean {meant:?}?")
                }
                None => format!(
                    "stage {stage} has no parameter {key:?}; it has {}",
                    names.collect::<Vec<_>>().join(", ")
                ),
            })
        }
    }
}

impl BatchFile {
    /// Reads a batch file as it would be with these values. A parameter that is given so is that of every task, also of those for
    /// which the file has an override of it.
    ///
    /// # Errors
    /// Everything that is wrong with the file; then everything that is wrong with the values.
    pub fn read_with(path: &Path, assignments: &[Assignment]) -> Result<Self, BatchFileError> {
        let read = Self::read(path);
        if assignments.is_empty() {
            return read;
        }
        let (path, text, of_file) = match read {
            Ok(batch) => (batch.path, batch.text, None),
            // What the file lacks may be given here.
            Err(BatchFileError::Content(problems)) => {
                (problems.path.clone(), problems.text.clone(), Some(problems))
            }
            Err(error) => return Err(error),
        };
        match (assigned(&text, assignments), of_file) {
            (Some(text), of_file) => match (Self::parse(&path, &text), of_file) {
                (Ok(batch), _) => batch.with_table(),
                (Err(_), Some(of_file)) => Err(BatchFileError::Content(of_file)),
                (Err(list), None) => Err(refused(assignments, &list)),
            },
            (None, Some(of_file)) => Err(BatchFileError::Content(of_file)),
            (None, None) => Err(refused(assignments, &[])),
        }
    }
}

fn refused(assignments: &[Assignment], problems: &[Problem]) -> BatchFileError {
    BatchFileError::Assigned {
        given: assignments.iter().map(Assignment::to_string).collect(),
        problems: problems
            .iter()
            .map(|problem| problem.text.clone())
            .collect(),
    }
}

/// The text with these values; none where it is not TOML, or where a heading is no table.
fn assigned(text: &str, assignments: &[Assignment]) -> Option<String> {
    let mut document: DocumentMut = text.parse().ok()?;
    for Assignment {
        section,
        key,
        value,
    } in assignments
    {
        let root = document.as_table_mut();
        if *section == PARAMS {
            forget_overrides(root, key);
        }
        let table = if *section == General::NAME {
            root
        } else {
            let table = root.entry(section).or_insert(Item::Table(Table::new()));
            // `params = { pad = 3 }` is the same as a heading.
            if let Some(inline) = table.as_inline_table() {
                *table = Item::Table(inline.clone().into_table());
            }
            table.as_table_mut()?
        };
        match value {
            Some(value) => {
                let mut value = value.parse::<Value>().ok()?;
                if let Some(before) = table.get(key).and_then(Item::as_value) {
                    // A comment behind the value stays.
                    *value.decor_mut() = before.decor().clone();
                }
                table.insert(key, Item::Value(value));
            }
            None => {
                table.remove(key);
            }
        }
    }
    Some(document.to_string())
}

/// Takes a parameter out of all overrides, and those out of the file that are for nothing else.
fn forget_overrides(root: &mut Table, parameter: &str) {
    let all = root.get_mut(overrides::NAME);
    let Some(all) = all.and_then(Item::as_array_of_tables_mut) else {
        return;
    };
    all.retain(|one| {
        let params = one.get(PARAMS).and_then(Item::as_table_like);
        let is_for_it =
            params.is_some_and(|params| params.len() == 1 && params.contains_key(parameter));
        !is_for_it || one.contains_key("checkpoints")
    });
    for one in all.iter_mut() {
        let Some(params) = one.get_mut(PARAMS).and_then(Item::as_table_like_mut) else {
            continue;
        };
        params.remove(parameter);
        if params.is_empty() {
            one.remove(PARAMS);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "\
raw_dir = \"raw\" # where it is
output_dir = \"out\"
samples = [\"A\", \"B\"]

[params]
pad = 100 # enough

[[override]]
sample = \"B\"
params = { pad = 300, boundary_width = 20 }
";

    fn with(given: &[&str]) -> Result<BatchFile, BatchFileError> {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("batch.toml");
        std::fs::write(&path, FILE).expect("written");
        let given: Vec<Assignment> = given.iter().map(|g| g.parse().expect("valid")).collect();
        BatchFile::read_with(&path, &given)
    }

    #[test]
    fn values_take_the_place_of_those_in_the_file_and_its_overrides() {
        for key in ["pad", "params.pad", "stage1.pad", " stage1.pad "] {
            let batch = with(&[&format!("{key}=40")]).expect("valid");
            assert_eq!(batch.params.pad, 40, "{key}");
            let of_b = batch.overrides[0].params.over(batch.params.clone());
            assert_eq!((of_b.pad, of_b.boundary_width), (40, 20));
            assert!(batch.text.contains("pad = 40 # enough"), "{}", batch.text);
        }
    }

    #[test]
    fn an_override_of_nothing_else_is_gone() {
        let text = "\
[[override]]
sample = \"A\"
params = { pad = 300 }

[[override]]
sample = \"B\"
params = { pad = 300 }
checkpoints = \"none\"
";
        let given: Assignment = "pad=40".parse().expect("valid");
        let text = assigned(text, &[given]).expect("TOML");
        assert_eq!(text.matches("[[override]]").count(), 1);
        assert!(text.contains("\"B\"") && !text.contains("300"), "{text}");
    }

    #[test]
    fn any_key_can_be_given_and_an_empty_value_is_the_default() {
        let given = [
            "execution.n_workers=2",
            "samples=[\"A\"]",
            "coarse_method=features",
            "channel = G",
            "stage4.scale_percentile=50",
            "pad=",
        ];
        let batch = with(&given).expect("valid");
        assert_eq!(batch.params.pad, 2000);
        assert_eq!(batch.params.scale_percentile, Some(50.0));
        assert_eq!(batch.params.coarse_method.methods().len(), 1);
        assert_eq!(batch.params.channel.to_string(), "G");
        assert!(batch.text.contains("n_workers = 2"));
        let none = with(&["scale_percentile=50", "scale_percentile=none"]).expect("valid");
        assert_eq!(none.params.scale_percentile, None);
    }

    #[test]
    fn a_file_may_lack_what_is_given() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("batch.toml");
        std::fs::write(&path, "output_dir = \"out\"\n").expect("written");
        assert!(BatchFile::read(&path).is_err());
        let given = ["raw_dir=raw".parse().expect("valid")];
        let batch = BatchFile::read_with(&path, &given).expect("valid");
        assert_eq!(batch.general.raw_dir, Path::new("raw"));
        // What is wrong besides is said of the file.
        std::fs::write(&path, "output_dir = 3\n").expect("written");
        let error = BatchFile::read_with(&path, &given).expect_err("wrong");
        assert!(error.to_string().contains("line 1"), "{error}");
    }

    #[test]
    fn wrong_values_are_those_of_the_command_line() {
        let error = with(&["pad=-3", "scale_min=2"]).expect_err("out of range");
        assert_eq!(
            error.to_string(),
            "--set params.pad=-3 --set params.scale_min=2 cannot be used:\n\n  \
             pad is -3, it must be a whole number from 0 to 100000\n\n  \
             scale_min (2) must be less than scale_max (1.15)"
        );
    }

    #[test]
    fn wrong_keys_are_refused_with_what_was_meant() {
        for (given, said) in [
            (
                "pad",
                "it must be KEY=VALUE, such as stage4.scale_percentile=50",
            ),
            ("padd=3", "there is no key \"padd\"; did you mean \"pad\"?"),
            (
                "stage3.scale_percentile=50",
                "scale_percentile is a parameter of stage 4: stage4.scale_percentile",
            ),
            ("stage9.pad=3", "there is no stage \"9\"; stages are 1 to 5"),
            (
                "stage1.pda=3",
                "stage 1 has no parameter \"pda\"; did you mean \"pad\"?",
            ),
            (
                "parms.pad=3",
                "there is no heading \"parms\"; before a key may stand params, stage1 to stage5, execution, resources, blanks and slurm",
            ),
            (
                "zzzzzzzzz=3",
                "there is no key \"zzzzzzzzz\"; `e2m params` lists the parameters",
            ),
        ] {
            let error = given.parse::<Assignment>().expect_err(given);
            assert_eq!(error.to_string(), said, "{given}");
        }
        // A table is no value.
        assert!("params=3".parse::<Assignment>().is_err());
        assert!("override=3".parse::<Assignment>().is_err());
    }
}
