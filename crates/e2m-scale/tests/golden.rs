//! The Moffat fit against the figures of the Python reference.

use e2m_scale::{Histogram, fit_moffat};

#[test]
fn moffat_scales_equal_the_reference_to_a_thousandth() {
    let Some(path) = e2m_testing::shared("golden/moffat.json") else {
        return;
    };
    let text = std::fs::read_to_string(&path).expect("readable");
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
