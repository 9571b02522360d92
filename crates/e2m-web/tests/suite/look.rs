//! What is shown of a batch that was run elsewhere, and whether it is what lies on the disk.

use crate::common::{Answer, Lab, files, task};
use e2m_image::{BandSource as _, Size};
use e2m_io::CheckpointReader;
use ndarray::Array2;
use serde_json::Value;
use std::io::Cursor;

/// The tile's size, and red, green, blue and alpha of each pixel.
fn decoded(answer: &Answer) -> (usize, usize, Vec<[u8; 4]>) {
    assert_eq!(answer.status, 200, "{}", answer.text());
    let mut decoder = png::Decoder::new(Cursor::new(&answer.body));
    decoder.set_transformations(png::Transformations::EXPAND);
    let mut reader = decoder.read_info().expect("a PNG");
    let mut bytes = vec![0; reader.output_buffer_size().expect("a size")];
    let info = reader.next_frame(&mut bytes).expect("pixels");
    let pixels = bytes
        .chunks_exact(4)
        .map(|four| [four[0], four[1], four[2], four[3]]);
    (info.width as usize, info.height as usize, pixels.collect())
}

fn checkpoint(lab: &Lab, name: &str) -> Array2<f32> {
    let found = files(&lab.path("out"));
    let is_it = |path: &std::path::Path| {
        let file = path.file_name().unwrap_or_default().to_string_lossy();
        file.starts_with(name) && file.ends_with(".tiff")
    };
    let (path, _) = found
        .iter()
        .find(|(path, _)| is_it(path))
        .unwrap_or_else(|| panic!("{name}: {found:?}"));
    let mut reader = CheckpointReader::open(path).expect("a checkpoint");
    let Size { width, height } = reader.size();
    let mut pixels = Array2::zeros((height, width));
    reader.read_band(0, pixels.view_mut()).expect("pixels");
    pixels
}

#[test]
fn tiles_values_and_numbers_are_those_on_the_disk() {
    let lab = Lab::of_size(1300, 900, &[("a", "DAPI")]);
    lab.run();
    let before = files(lab.folder.path());
    let served = lab.serve();
    let list = served.get("/api/batches").json();
    assert_eq!(list["batches"][0]["name"], "batch.toml");
    assert_eq!(list["batches"][0]["ran"], true);
    let batch = served.get("/api/batch?batch=batch.toml").json();
    let shown = &batch["tasks"][0];
    assert_eq!(
        (&shown["sample"], &shown["finished"]),
        (&Value::from("a"), &Value::from(true))
    );
    let this = task("a", "DAPI");
    let record = served.get(&format!("/api/task?{this}")).json();
    assert_eq!(
        record["manifest"]["scales"]["moffat"]["value"],
        shown["result"]["scale"]
    );

    let view = served.get(&format!("/api/view?{this}")).json();
    let number = |name: &str| view[name].as_u64().expect("a number") as usize;
    let post = checkpoint(&lab, "01_padded_post");
    assert_eq!((number("height"), number("width")), post.dim());
    assert!(number("levels") == 3, "{view}");

    // Overlays lie on the canvas.
    let inside = |x: f64, y: f64| (0.0..1420.0).contains(&x) && (0.0..1020.0).contains(&y);
    let tiles = view["checked_tiles"].as_array().expect("tiles");
    let at = |tile: &Value, name: &str| tile[name].as_f64().expect("a place");
    assert!(
        !tiles.is_empty()
            && tiles
                .iter()
                .all(|tile| inside(at(tile, "x"), at(tile, "y"))),
        "{view}"
    );
    let shifts = tiles.iter().filter(|tile| tile["shift"].is_array()).count();
    assert_eq!(
        record["manifest"]["alignment"]["residual"]["measured"],
        shifts
    );
    let outline = view["section_outline"].as_array().expect("an outline");
    let points = outline
        .iter()
        .flat_map(|border| border.as_array().expect("a border"));
    let points: Vec<(f64, f64)> = points
        .map(|at| (at[0].as_f64().expect("x"), at[1].as_f64().expect("y")))
        .collect();
    assert!(
        points.len() <= 300 && points.iter().all(|(x, y)| inside(*x, *y)),
        "{points:?}"
    );

    // Values are those of the files, and a task that is looked at by hand is made again where it was not kept.
    let aligned = checkpoint(&lab, "03_interior_aligned_pre");
    let difference = checkpoint(&lab, "04_difference_difference");
    for (x, y) in [(700, 500), (333, 777), (0, 0), (1419, 1019)] {
        let values = served
            .get(&format!(
                "/api/values?{this}&images=post,aligned_pre,difference&x={x}&y={y}"
            ))
            .json();
        for (name, pixels) in [
            ("post", &post),
            ("aligned_pre", &aligned),
            ("difference", &difference),
        ] {
            let expected = pixels[(y, x)];
            let value = values["values"][name].as_f64().map(|value| value as f32);
            assert!(
                value == Some(expected) || (expected.is_nan() && value.is_none()),
                "{name} at {x}, {y}: {values}"
            );
        }
    }
    assert_eq!(
        served
            .get(&format!("/api/values?{this}&images=post&x=1420&y=0"))
            .status,
        404
    );

    // A tile at full resolution is its pixels in 255 shades.
    let tile = |level: u32, x: usize, y: usize, more: &str| {
        served.get(&format!(
            "/api/tile?{this}&image=post&level={level}&x={x}&y={y}&low=0&high=254{more}"
        ))
    };
    let (width, height, pixels) = decoded(&tile(0, 1, 1, ""));
    assert_eq!((width, height), (512, 508));
    for (y, x) in [(0, 0), (17, 400), (507, 511)] {
        let share = f64::from(post[(512 + y, 512 + x)]) / 254.0;
        let shade = (share.clamp(0.0, 1.0) * 254.0).round() / 254.0 * 255.0;
        let [red, green, blue, alpha] = pixels[y * width + x];
        assert!(red == green && green == blue && alpha == 255);
        assert!((f64::from(red) - shade).abs() < 1.0, "{red} {shade}");
    }
    // The last level is one tile of means of 4 x 4 px, and smooth where it is blurred.
    let (width, height, pixels) = decoded(&tile(2, 0, 0, ""));
    assert_eq!((width, height), (355, 255));
    let mean = |y: usize, x: usize| {
        post.slice(ndarray::s![4 * y..4 * y + 4, 4 * x..4 * x + 4])
            .mean()
            .expect("pixels")
    };
    for (y, x) in [(100, 100), (200, 300)] {
        let shade = f64::from(mean(y, x)) / 254.0 * 255.0;
        assert!((f64::from(pixels[y * width + x][0]) - shade.min(255.0)).abs() < 2.0);
    }
    let (.., blurred) = decoded(&tile(2, 0, 0, "&blur=8"));
    let roughness = |pixels: &[[u8; 4]]| -> u64 {
        pixels
            .windows(2)
            .map(|two| u64::from(two[0][0].abs_diff(two[1][0])))
            .sum()
    };
    assert!(roughness(&blurred) * 2 < roughness(&pixels));
    for bad in [
        tile(3, 0, 0, ""),
        tile(0, 3, 0, ""),
        tile(0, 0, 99_999_999, ""),
        tile(9999, 0, 0, ""),
    ] {
        assert_eq!(bad.status, 404, "{}", bad.text());
    }
    for bad in [
        "&blur=51",
        "&blur=-1",
        "&blur=NaN",
        "&knee=0",
        "&palette=none",
    ] {
        assert_eq!(tile(0, 0, 0, bad).status, 400, "{bad}");
    }
    for image in ["significance", "mask", "difference", "aligned_pre"] {
        let range = served
            .get(&format!("/api/range?{this}&image={image}&stretch=asinh"))
            .json();
        let (low, high) = (
            range["low"].as_f64().expect("low"),
            range["high"].as_f64().expect("high"),
        );
        assert!(
            low < high && !range["text"].as_str().expect("text").is_empty(),
            "{range}"
        );
        let (.., pixels) = decoded(&served.get(&format!(
            "/api/tile?{this}&image={image}&level=1&x=0&y=0&low={low}&high={high}"
        )));
        assert!(!pixels.is_empty());
    }

    // Pictures of the record, the catalogue, a cut-out.
    let pictures = record["manifest"]["pictures"].as_array().expect("pictures");
    let path = pictures[0]["path"].as_str().expect("a path");
    let picture = served.get(&format!(
        "/api/picture?{this}&path={}",
        path.replace('/', "%2F")
    ));
    let on_disk = std::fs::read(lab.path("out/a/DAPI").join(path)).expect("a picture");
    assert!(picture.status == 200 && picture.body == on_disk);
    for other in [
        "e2m_task.json",
        "..%2F..%2Fe2m_batch.json",
        "%2Fetc%2Fpasswd",
    ] {
        assert_eq!(
            served
                .get(&format!("/api/picture?{this}&path={other}"))
                .status,
            404,
            "{other}"
        );
    }
    let catalogue = served.get(&format!("/api/catalogue?{this}")).json();
    let objects = catalogue["columns"]["id"]
        .as_array()
        .expect("objects")
        .len();
    assert_eq!(record["manifest"]["detection"]["objects"], objects);
    let cutout = served.get(&format!(
        "/api/cutout?{this}&images=post,difference&x=600&y=400&width=60&height=60"
    ));
    assert!(cutout.status == 200 && cutout.body.starts_with(b"\x89PNG"));
    let whole = format!(
        "/api/cutout?{this}&images=post,pre,mask,aligned_pre,difference&x=0&y=0&width=9999&height=9999"
    );
    assert_eq!(served.get(&whole).status, 400);
    // Looking changes nothing.
    assert_eq!(files(lab.folder.path()), before);
}

#[test]
fn what_was_not_kept_is_made_again_and_what_is_not_there_is_said() {
    let lab = Lab::with_pairs(&[("a", "DAPI")]);
    lab.write(
        "batch.toml",
        "raw_dir = \"raw\"\noutput_dir = \"out\"\ncheckpoints = \"none\"\n[params]\npad = 60\n",
    );
    let this = task("a", "DAPI");
    let served = lab.serve();
    let not_run = served.get(&format!("/api/view?{this}"));
    assert_eq!(not_run.status, 404);
    assert!(
        not_run.error().contains("run it first"),
        "{}",
        not_run.error()
    );
    lab.run();
    let view = served.until(&format!("/api/view?{this}"), |view| {
        view["images"].is_array()
    });
    let why = |name: &str| {
        let images = view["images"].as_array().expect("images");
        let image = images
            .iter()
            .find(|image| image["name"] == name)
            .expect("the image");
        image["why_not"].as_str().map(str::to_owned)
    };
    assert_eq!((why("aligned_pre"), why("post")), (None, None));
    assert!(why("significance").is_some_and(|why| why.contains("not kept")));
    let (width, height, _) = decoded(&served.get(&format!(
        "/api/tile?{this}&image=aligned_pre&level=1&x=0&y=0&low=0&high=4000"
    )));
    assert_eq!((width, height), (340, 300));
    let gone = served.get(&format!(
        "/api/tile?{this}&image=significance&level=1&x=0&y=0&low=0&high=4000"
    ));
    assert_eq!(gone.status, 404, "{}", gone.text());
    assert_eq!(
        served
            .get(&format!("/api/view?{}", task("b", "DAPI")))
            .status,
        404
    );
}

#[test]
fn what_is_seen_first_of_a_large_image_is_made_of_few_rows_and_is_like_what_comes_after() {
    let lab = Lab::of_size(2300, 700, &[("a", "DAPI")]);
    lab.run();
    let served = lab.serve();
    let this = task("a", "DAPI");
    let view = served.get(&format!("/api/view?{this}")).json();
    assert_eq!(view["levels"], 4, "{view}");
    let tile = |image: &str, more: &str| {
        served.get(&format!(
            "/api/tile?{this}&image={image}&level=3&x=0&y=0&low=0&high=254{more}"
        ))
    };
    let kept = || served.get("/api/machine").json()["overview_bytes"].clone();
    for image in ["post", "aligned_pre"] {
        let before = kept();
        let (width, height, hasty) = decoded(&tile(image, "&quick=true"));
        assert_eq!(kept(), before, "an overview was made");
        let made = served.get(&format!("/api/overview?{this}&image={image}"));
        assert_eq!(made.status, 200, "{}", made.text());
        assert_eq!(made.json()["width"], width);
        let (own_width, own_height, whole) = decoded(&tile(image, ""));
        assert_eq!((width, height), (own_width, own_height));
        let apart = hasty.iter().zip(&whole);
        let apart: u64 = apart.map(|(a, b)| u64::from(a[0].abs_diff(b[0]))).sum();
        let mean = apart as f64 / whole.len() as f64;
        assert!(mean > 0.0 && mean < 16.0, "{image}: {mean} of 255");
        // What is there is taken.
        assert_eq!(tile(image, "&quick=true").body, tile(image, "").body);
    }
    assert!(kept().as_u64().expect("bytes") > 0);
}
