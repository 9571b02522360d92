//! The catalogue as text reads back.

use crate::pairs::KINDS;
use e2m_detect::{COLUMNS, DetectOptions, Placement, write_csv, write_geojson, write_regions};
use e2m_image::Size;

#[test]
fn tables_hold_every_object() {
    let options = DetectOptions {
        injections: 0,
        ..DetectOptions::default()
    };
    let catalogue = KINDS[0].pair(Size::new(500, 400), 8).search(&options);
    assert!(!catalogue.objects.is_empty());
    let placement = Placement {
        raw_origin_px: [20.0, 10.0],
        um_per_px: Some([0.5, 0.5]),
    };
    let mut csv = Vec::new();
    write_csv(&mut csv, &catalogue, &placement, &["suspect: scale".into()]).expect("written");
    let csv = String::from_utf8(csv).expect("text");
    assert!(csv.starts_with("# suspect: scale\n# "));
    let mut lines = csv.lines().filter(|line| !line.starts_with('#'));
    assert_eq!(
        lines.next(),
        Some(format!("{},flags", COLUMNS.join(",")).as_str())
    );
    for (line, object) in lines.by_ref().zip(&catalogue.objects) {
        let cells: Vec<&str> = line.split(',').collect();
        assert_eq!(cells.len(), COLUMNS.len() + 1);
        let number = |i: usize| cells[i].parse::<f64>().expect("a number");
        assert!((number(3) - (object.x_px - 20.0)).abs() < 1e-3);
        assert!((number(6) - 0.5 * (object.y_px - 10.0)).abs() < 1e-3);
        assert!((number(7) / object.flux - 1.0).abs() < 1e-4);
    }
    assert_eq!(lines.next(), None);

    let mut geojson = Vec::new();
    write_geojson(&mut geojson, &catalogue, &placement).expect("written");
    let geojson: serde_json::Value = serde_json::from_slice(&geojson).expect("JSON");
    let features = geojson["features"].as_array().expect("features");
    assert_eq!(features.len(), catalogue.objects.len());
    assert_eq!(features[0]["properties"]["objectType"], "detection");
    let ring = features[0]["geometry"]["coordinates"][0]
        .as_array()
        .expect("a ring");
    assert_eq!(ring.first(), ring.last());

    let mut regions = Vec::new();
    write_regions(&mut regions, &catalogue).expect("written");
    let ellipses = String::from_utf8(regions)
        .expect("text")
        .matches("ellipse(")
        .count();
    assert_eq!(ellipses, catalogue.objects.len());
}
