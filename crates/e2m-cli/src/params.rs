//! `e2m params`: the parameters, and when to change them.

use crate::args::ParamsArgs;
use crate::exit::Exit;
use crate::terminal::Terminal;
use e2m_batch::batch_file::nearest;
use e2m_pipeline::{ParamSpec, REGISTRY, Stage};
use serde_json::{Value, json};

/// Prints the parameters that are asked for; all without a name.
pub(crate) fn show(args: &ParamsArgs, terminal: &Terminal) -> Exit {
    let chosen = match chosen(&args.names) {
        Ok(chosen) => chosen,
        Err(error) => {
            terminal.error(&error);
            return Exit::BadInput;
        }
    };
    if args.json {
        terminal.result(&document(&chosen).to_string());
    } else {
        terminal.result(&text(&chosen));
    }
    Exit::Complete
}

/// What the names stand for, in the order of the table.
fn chosen(names: &[String]) -> Result<Vec<&'static ParamSpec>, String> {
    if names.is_empty() {
        return Ok(REGISTRY.iter().collect());
    }
    for name in names {
        if !REGISTRY.iter().any(|spec| is_meant(name, spec)) {
            let all = REGISTRY.iter().map(|spec| spec.name);
            return Err(match nearest(name, all, 0.55) {
                Some(meant) => {
                    format!("there is no parameter {name:?}; did you mean {meant:?}?")
                }
                None => format!("there is no parameter {name:?}; `e2m params` lists them all"),
            });
        }
    }
    let is_chosen = |spec: &&ParamSpec| names.iter().any(|name| is_meant(name, spec));
    Ok(REGISTRY.iter().filter(is_chosen).collect())
}

/// Whether a name is that of a parameter, its beginning, its short name, its stage, or stage and name.
fn is_meant(name: &str, spec: &ParamSpec) -> bool {
    let stage = format!("stage{}", spec.stage);
    let of_stage = name
        .strip_prefix(&stage)
        .map(|rest| rest.trim_start_matches('.'));
    match of_stage {
        Some(rest) => spec.name.starts_with(rest),
        None => spec.name.starts_with(name) || spec.abbreviation == name,
    }
}

/// What each stage does, as a heading.
fn heading(stage: Stage) -> &'static str {
    match stage {
        Stage::Pad => "Stage 1: both images on one canvas",
        Stage::Coarse => "Stage 2: coarse alignment",
        Stage::Fine => "Stage 3: fine alignment",
        Stage::Difference => "Stage 4: scale and difference",
        Stage::Detection => "Stage 5: microbes",
    }
}

fn text(chosen: &[&ParamSpec]) -> String {
    let mut text = String::new();
    let mut stage = None;
    for spec in chosen {
        if stage != Some(spec.stage) {
            stage = Some(spec.stage);
            text.push_str(&format!("{}\n", heading(spec.stage)));
        }
        let default = spec.default.written();
        text.push_str(&format!(
            "\n  {} = {default}\n    {}.\n    Values: {}. In file names: {}.\n    Change it: {}.\n",
            spec.name,
            spec.meaning,
            spec.expected(),
            spec.abbreviation,
            lower(spec.when),
        ));
        let is_last = chosen.iter().rfind(|s| s.stage == spec.stage) == Some(spec);
        if is_last {
            text.push('\n');
        }
    }
    text.push_str(
        "Set below [params] of the batch file, or for one run: e2m batch.toml --set NAME=VALUE",
    );
    text
}

/// A sentence as the end of another; words that are values stay as they are.
fn lower(sentence: &str) -> String {
    let mut letters = sentence.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_lowercase().chain(letters).collect()
    })
}

fn document(chosen: &[&ParamSpec]) -> Value {
    let one = |spec: &&ParamSpec| {
        json!({
            "name": spec.name,
            "abbreviation": spec.abbreviation,
            "stage": spec.stage,
            "default": spec.default,
            "values": spec.expected(),
            "meaning": spec.meaning,
            "when": spec.when,
        })
    };
    json!({
        "schema": 1,
        "version": env!("CARGO_PKG_VERSION"),
        "parameters": chosen.iter().map(one).collect::<Vec<_>>(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(asked: &[&str]) -> Vec<&'static str> {
        let asked: Vec<String> = asked.iter().map(ToString::to_string).collect();
        let chosen = chosen(&asked).expect("known");
        chosen.iter().map(|spec| spec.name).collect()
    }

    #[test]
    fn parameters_are_found_by_what_people_call_them() {
        assert_eq!(names(&[]).len(), REGISTRY.len());
        assert_eq!(names(&["boundary"]), ["boundary_width", "boundary_smooth"]);
        assert_eq!(names(&["bw", "pad"]), ["pad", "boundary_width"]);
        assert_eq!(names(&["stage4.scale_percentile"]), ["scale_percentile"]);
        let of_stage = names(&["stage5"]);
        assert!(of_stage.contains(&"detect_sigma") && !of_stage.contains(&"pad"));
    }

    #[test]
    fn an_unknown_one_is_refused_with_what_was_meant() {
        let error = chosen(&["bounary_width".to_owned()]).expect_err("unknown");
        assert!(
            error.contains("did you mean \"boundary_width\"?"),
            "{error}"
        );
    }
}
