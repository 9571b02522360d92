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

#[cfg(feature = "parquet")]
#[test]
fn parquet_has_the_same_columns_with_all_digits() {
    use parquet::file::reader::{FileReader as _, SerializedFileReader};
    use parquet::record::RowAccessor as _;

    let options = DetectOptions {
        injections: 0,
        ..DetectOptions::default()
    };
    let mut catalogue = KINDS[0].pair(Size::new(500, 400), 9).search(&options);
    assert!(catalogue.objects.len() > 3);
    catalogue.objects[1].nearest_px = f64::INFINITY;
    for um_per_px in [None, Some([0.5, 0.25])] {
        let placement = Placement {
            raw_origin_px: [20.0, 10.0],
            um_per_px,
        };
        let (mut csv, mut file) = (Vec::new(), Vec::new());
        write_csv(&mut csv, &catalogue, &placement, &["a\nb".into()]).expect("written");
        e2m_detect::write_parquet(&mut file, &catalogue, &placement, &["a\nb".into()])
            .expect("written");
        let reader = SerializedFileReader::new(bytes::Bytes::from(file)).expect("Parquet");
        let about = reader.metadata().file_metadata();
        let names: Vec<&str> = about
            .schema()
            .get_fields()
            .iter()
            .map(|f| f.name())
            .collect();
        let mut columns = COLUMNS.to_vec();
        columns.push("flags");
        assert_eq!(names, columns);
        // What the head of the CSV says.
        let csv = String::from_utf8(csv).expect("text");
        let head = csv.lines().filter_map(|line| line.strip_prefix("# "));
        let comments = about.key_value_metadata().expect("comments");
        let comments = comments.iter().find(|pair| pair.key == "comments");
        let comments = comments.and_then(|pair| pair.value.as_deref());
        assert_eq!(
            comments.map(str::lines).expect("lines").collect::<Vec<_>>(),
            head.collect::<Vec<_>>()
        );
        let rows = reader.get_row_iter(None).expect("rows");
        let mut number = 0;
        for (row, object) in rows.map(|row| row.expect("a row")).zip(&catalogue.objects) {
            assert_eq!(row.get_uint(0).expect("id"), object.id);
            assert_eq!(row.get_double(1).expect("x_px"), object.x_px);
            assert_eq!(row.get_double(4).expect("y_raw_px"), object.y_px - 10.0);
            let y_um = row.get_double(6).ok();
            assert_eq!(y_um, um_per_px.map(|um| um[1] * (object.y_px - 10.0)));
            assert_eq!(row.get_double(7).expect("flux"), object.flux);
            assert_eq!(row.get_uint(11).expect("area"), object.area_px);
            let nearest = Some(object.nearest_px).filter(|px| px.is_finite());
            assert_eq!(row.get_double(18).ok(), nearest);
            assert_eq!(
                *row.get_string(19).expect("flags"),
                object.flags.to_string()
            );
            number += 1;
        }
        assert_eq!(number, catalogue.objects.len());
    }
}

/// A disk that is full is an error of the disk, not of the format.
#[cfg(feature = "parquet")]
#[test]
fn parquet_passes_on_what_stops_the_writer() {
    struct Full;
    impl std::io::Write for Full {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(std::io::ErrorKind::StorageFull.into())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let options = DetectOptions {
        injections: 0,
        ..DetectOptions::default()
    };
    let catalogue = KINDS[0].pair(Size::new(300, 300), 9).search(&options);
    let placement = Placement::default();
    let error = e2m_detect::write_parquet(&mut Full, &catalogue, &placement, &[]);
    let error = error.expect_err("a full disk");
    assert_eq!(error.kind(), std::io::ErrorKind::StorageFull, "{error}");
}
