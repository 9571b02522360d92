use super::*;
use e2m_image::Size;

#[test]
fn every_image_is_found_by_its_name_and_by_that_of_its_file() {
    for image in StageImage::ALL {
        assert_eq!(image.name().parse(), Ok(image));
        assert_eq!(
            image.name().to_uppercase().replace('_', "-").parse(),
            Ok(image)
        );
    }
    for (word, image) in [
        ("aligned", StageImage::AlignedPre),
        ("interior", StageImage::InteriorPre),
        ("01_padded_pre", StageImage::Pre),
        ("03_interior_aligned_pre", StageImage::InteriorPre),
        ("04_difference_difference", StageImage::Difference),
        (
            "04_difference_difference_percentile_p50",
            StageImage::PercentileDifference,
        ),
        ("05_significance", StageImage::Significance),
    ] {
        assert_eq!(word.parse(), Ok(image), "{word}");
    }
    for word in ["", "pos", "aligned_post", "registration", "06_x"] {
        let error = word
            .parse::<StageImage>()
            .expect_err("no image")
            .to_string();
        assert!(error.contains("aligned_pre, difference"), "{error}");
    }
}

#[test]
fn boxes_are_clipped_to_the_canvas_or_lie_beyond_it() {
    let canvas = Size::new(100, 60);
    let clipped = |corners| Region::clipped(corners, canvas).map(|r| [r.x, r.y, r.width, r.height]);
    assert_eq!(clipped([10, 20, 30, 50]), Some([10, 20, 20, 30]));
    assert_eq!(clipped([-5, -7, 5, 7]), Some([0, 0, 5, 7]));
    assert_eq!(clipped([90, 50, 130, 90]), Some([90, 50, 10, 10]));
    assert_eq!(clipped([-1000, -1000, 1000, 1000]), Some([0, 0, 100, 60]));
    assert_eq!(clipped([99, 59, 100, 60]), Some([99, 59, 1, 1]));
    for outside in [
        [100, 0, 120, 10],
        [-20, 0, 0, 10],
        [0, 60, 10, 70],
        [0, -9, 10, 0],
        [30, 30, 30, 40],
        [i64::MIN, i64::MIN, i64::MIN, i64::MAX],
    ] {
        assert_eq!(clipped(outside), None, "{outside:?}");
    }
    assert_eq!(Region::square_around([50.4, 30.6], 4), [48, 29, 52, 33]);
    assert_eq!(Region::square_around([50.0, 30.0], 1), [50, 30, 51, 31]);
}

#[test]
fn objects_are_found_by_number_whatever_the_order_of_columns() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("05_microbes.csv");
    let write = |text: &str| std::fs::write(&path, text).expect("written");
    write(
        "# a note, with id\nx_px,id,flux,significance,y_px,flags\n1.5,1,3,7.5,2.5,\n11,3,3,,12,edge\n",
    );
    let found = place::object(&path, 1).expect("there");
    assert_eq!((found.x, found.y, found.significance), (1.5, 2.5, 7.5));
    assert_eq!(place::object(&path, 3).expect("there").y, 12.0);
    let error = place::object(&path, 2).expect_err("none").to_string();
    assert!(
        error.contains("no object 2") && error.contains("from 1 to 3"),
        "{error}"
    );
    write("id,x_px,y_px,significance\n");
    let error = place::object(&path, 1).expect_err("none").to_string();
    assert!(error.contains("none at all"), "{error}");
    for damaged in [
        "a,b\n1,2\n",
        "id,x_px,y_px,significance\n1,,3,4\n",
        "id,x_px,y_px,significance\nx,1,2,3\n",
    ] {
        write(damaged);
        let error = place::object(&path, 1).expect_err("damaged");
        assert!(matches!(error, RegionError::Catalogue { .. }), "{error}");
    }
}
