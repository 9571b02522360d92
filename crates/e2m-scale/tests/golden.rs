//! The Moffat fit against the figures of the Python reference.

use e2m_scale::{Histogram, fit_moffat};
use std::path::Path;

#[test]
#[expect(clippy::print_stdout, reason = "a skipped test says why")]
fn moffat_scales_equal_the_reference_to_a_thousandth() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/golden/moffat.json");
    let Ok(text) = std::fs::read_to_string(&path) else {
        assert!(
            std::env::var("CI").as_deref() != Ok("true"),
            "{} is missing",
            path.display()
        );
        println!("skipped: {} is not there", path.display());
        return;
    };
    let cases: serde_json::Map<String, serde_json::Value> =
        serde_json::from_str(&text).expect("golden JSON");
    assert!(cases.len() >= 4);
    for (name, case) in cases {
        let number = |key: &str| case[key].as_f64().expect("a number");
        let counts: Vec<f64> = case["counts"]
            .as_array()
            .expect("counts")
            .iter()
            .map(|c| c.as_f64().expect("a count"))
            .collect();
        let fit = fit_moffat(Histogram {
            low: number("lo"),
            high: number("hi"),
            counts: &counts,
        })
        .expect("a peak");
        let off = fit.scale() / number("scale") - 1.0;
        assert!(
            off.abs() < 1e-3,
            "{name}: scale {} is off by {off:.5}",
            fit.scale()
        );
        assert!(fit.beta >= 1.0 && fit.beta <= 20.0);
    }
}
