//! Settings that are allowed and were probably not meant: asked about before a run.

use crate::batch_file::BatchFile;
use crate::batch_file::problem::line_number;
use e2m_pipeline::{Params, format_g};

/// Percentiles up to this are asked about: a share of 1 is all, a percentile of 1 hardly anything.
const ASKED_ABOUT: f64 = 1.0;

/// Asks about percentiles that look like shares, of all tasks and of each override.
pub(crate) fn on_percentile(batch: &BatchFile) -> Vec<String> {
    let of_all = question(&batch.params, "");
    let of_overrides = batch.overrides.iter().filter_map(|one| {
        let params = one.params.over(Params::default());
        let line = line_number(&batch.text, one.at.start);
        question(&params, &format!(" in the override in line {line}"))
    });
    of_all.into_iter().chain(of_overrides).collect()
}

fn question(params: &Params, place: &str) -> Option<String> {
    let percent = params
        .scale_percentile
        .filter(|percent| *percent > 0.0 && *percent <= ASKED_ABOUT)?;
    let meant = format_g(100.0 * percent);
    Some(format!(
        "scale_percentile is {percent}{place}, and is counted in percent: {percent} % of the ratios are smaller than that scale. \
         Was {meant} % meant? Then write scale_percentile = {meant}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn a_percentile_that_looks_like_a_share_is_asked_about() {
        let asked = |percentile: &str| {
            let text = format!(
                "raw_dir = \"raw\"\noutput_dir = \"out\"\n[params]\nscale_percentile = {percentile}\n"
            );
            on_percentile(&BatchFile::parse(Path::new("/b/batch.toml"), &text).expect("good"))
        };
        for percentile in ["0.5", "1", "0.99", "0.001"] {
            assert_eq!(asked(percentile).len(), 1, "{percentile}");
        }
        let said = asked("0.5").concat();
        assert!(said.contains("Then write scale_percentile = 50"), "{said}");
        for percentile in ["50", "1.5", "0", "\"none\""] {
            assert!(asked(percentile).is_empty(), "{percentile}");
        }
        let text = "raw_dir = \"raw\"\noutput_dir = \"out\"\n[[override]]\nsample = \"a\"\nparams = { scale_percentile = 0.9 }\n";
        let said =
            on_percentile(&BatchFile::parse(Path::new("/b/batch.toml"), text).expect("good"));
        assert!(
            said.concat().contains("in the override in line 3"),
            "{said:?}"
        );
    }
}
