//! Names and headers against those of the Python program.

use crate::common::{files_below, task};
use e2m_fixtures::{Recipe, write_pair};
use e2m_pipeline::{
    CheckpointFormats, ParamValue, Params, Stage, Unobserved, parse_suffix, run_task, suffix,
};
use e2m_testing::shared;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;

fn params_from(json: &Value) -> Params {
    let mut params = Params::default();
    for (name, value) in json.as_object().expect("a table") {
        let value: ParamValue = serde_json::from_value(value.clone()).expect("a value");
        params.set(name, value).expect("a parameter");
    }
    params
}

#[test]
fn suffixes() {
    let Some(golden) = shared("golden") else {
        return;
    };
    let text = std::fs::read_to_string(golden.join("suffixes.json")).expect("readable");
    let cases: Vec<Value> = serde_json::from_str(&text).expect("JSON");
    assert!(cases.len() >= 7);
    for case in cases {
        let params = params_from(&case["params"]);
        // The Python program has no later stages.
        for stage in Stage::ALL
            .into_iter()
            .filter(|stage| *stage <= Stage::Difference)
        {
            let expected = case["suffix"][stage.to_string()]
                .as_str()
                .expect("a suffix");
            assert_eq!(suffix(&params, stage), expected);
        }
        assert_eq!(parse_suffix(&suffix(&params, Stage::LAST)), Ok(params));
    }
}

#[test]
fn file_tree_and_fits_cards() {
    let Some(golden) = shared("golden") else {
        return;
    };
    let text = std::fs::read_to_string(golden.join("checkpoint_tree.json")).expect("readable");
    let golden: Value = serde_json::from_str(&text).expect("JSON");

    // The reference ran on a pair of 1500 x 1500 px.
    let work = tempfile::tempdir().expect("a folder");
    let recipe = Recipe {
        width: 1500,
        height: 1500,
        gain: 1.35,
        rotation_deg: 1.0,
        ..Recipe::default()
    };
    let pair = write_pair(&recipe, &work.path().join("raw"), "T1500", "DAPI").expect("a pair");
    let output = work.path().join("processed");
    let mut spec = task(
        &output,
        "T1500",
        "DAPI",
        &pair.post,
        &pair.pre,
        params_from(&golden["params"]),
    );
    spec.checkpoint_format = CheckpointFormats::Both;
    let outcome = run_task(&spec, &mut Unobserved);
    assert_eq!(outcome.status.to_string(), "complete");

    let listed = golden["files"]
        .as_array()
        .expect("files")
        .iter()
        .map(|f| f.as_str().expect("a name"));
    let expected: Vec<&str> = listed.map(|f| &f["processed/".len()..]).collect();
    let mut made = files_below(&output);
    // What the Python program did not make.
    let ours = [
        ("comparison_post", 1),
        ("comparison_aligned_pre", 1),
        ("close_ups_post", 1),
        ("close_ups_aligned_pre", 1),
        ("registration_residual", 1),
        ("04_mask", 2),
        ("05_significance", 2),
        ("05_microbes", 4),
        ("pipeline_output/microbe_gallery", 1),
        ("pipeline_output/microbe_density", 1),
        ("pipeline_output/microbe_fluxes", 1),
        ("pipeline_output/microbe_sizes", 1),
        ("pipeline_output/microbes", 1),
        ("significance_histogram", 1),
    ];
    let (more, made): (Vec<_>, Vec<_>) = made
        .drain(..)
        .filter(|f| !f.ends_with(".json") && !f.ends_with("/.e2m_task.lock"))
        .partition(|f| ours.iter().any(|(stem, _)| f.contains(stem)));
    assert_eq!(made, expected);
    for (stem, files) in ours {
        let found = more.iter().filter(|f| f.contains(stem)).count();
        assert_eq!(found, files, "{stem} among {more:?}");
    }
    assert_eq!(
        files_below(&output)
            .iter()
            .filter(|f| f.ends_with(".json"))
            .count(),
        1
    );

    let headers = golden["fits_headers"].as_object().expect("headers");
    assert_eq!(headers.len(), 8);
    for (name, cards) in headers {
        let found = cards_of(&output.join("T1500/DAPI/fits").join(name));
        let expected = cards
            .as_array()
            .expect("cards")
            .iter()
            .map(|c| c.as_str().expect("a card"));
        for card in expected {
            let keyword = card[..8].trim();
            let ours = found
                .get(keyword)
                .unwrap_or_else(|| panic!("{name} has no {keyword}"));
            // Values that depend on the run or on how good the alignment is; their form must agree all the same.
            let varies = ["CREATED", "IACC", "ILVLOK"].contains(&keyword)
                || (keyword == "SCALE" && !card.contains("manual"));
            if varies {
                assert_eq!(comment(ours), comment(card), "{name}");
            } else {
                assert_eq!(ours, card.trim_end(), "{name}");
            }
        }
        for keyword in ["VERSION", "CHECKSUM", "DATASUM"] {
            assert!(found.contains_key(keyword), "{name} has no {keyword}");
        }
        assert_eq!(
            found.contains_key("W33"),
            !name.starts_with("01_"),
            "{name}"
        );
    }
}

fn comment(card: &str) -> Option<&str> {
    card.split_once(" / ")
        .map(|(_, comment)| comment.trim_end())
}

/// The header cards of a FITS file by keyword, without trailing blanks.
fn cards_of(path: &Path) -> BTreeMap<String, String> {
    let bytes = std::fs::read(path).expect("a FITS file");
    bytes
        .chunks(80)
        .map(|card| String::from_utf8_lossy(card).into_owned())
        .take_while(|card| !card.starts_with("END     "))
        .map(|card| (card[..8].trim().to_owned(), card.trim_end().to_owned()))
        .collect()
}
