//! What is chosen from before a run: folders, raw images, what a run is expected to take, and the variants of a comparison.

use crate::common::{Lab, Served, task};
use e2m_batch::compare::{Axis, variants};
use e2m_batch::{BatchEvent, Environment, Interrupt, PlanOptions, run};
use e2m_web::ServeOptions;
use serde_json::{Value, json};
use std::os::unix::fs::symlink;

#[test]
fn folders_are_listed_and_none_that_lies_elsewhere() {
    let lab = Lab::with_pairs(&[("a", "DAPI"), ("b", "DAPI")]);
    let inner = lab.path("raw");
    std::fs::create_dir_all(lab.path("raw/empty/deeper")).expect("made");
    std::fs::create_dir_all(lab.path("raw/.hidden")).expect("made");
    symlink(lab.folder.path(), lab.path("raw/out")).expect("linked");
    symlink(lab.path("raw/a"), lab.path("raw/same")).expect("linked");
    let served = Served::new(&ServeOptions::new(&inner));
    let listed = served.get("/api/folders").json();
    let names: Vec<&str> = listed["folders"]
        .as_array()
        .expect("folders")
        .iter()
        .filter_map(|folder| folder["name"].as_str())
        .collect();
    assert_eq!(names, ["a", "b", "empty", "same"], "{listed}");
    assert_eq!(listed["folders"][0]["images"], 2, "{listed}");
    assert_eq!(listed["folders"][2]["folders"], 1);
    let deeper = served.get("/api/folders?path=empty").json();
    assert_eq!(deeper["folders"][0]["name"], "deeper");
    assert_eq!(served.get("/api/folders?path=a").json()["images"], 2);
    for (path, status) in [
        ("..", 400),
        ("%2Fetc", 400),
        ("a%2F..%2F..", 400),
        ("out", 403),
        ("out%2Fraw", 403),
        ("none", 404),
    ] {
        let answer = served.get(&format!("/api/folders?path={path}"));
        // A link to what holds the folder leads back into it.
        let is_inside = path == "out%2Fraw";
        assert!(
            answer.status == status || is_inside,
            "{path}: {} {}",
            answer.status,
            answer.text()
        );
    }
}

#[test]
fn raw_images_are_told_and_shown_small() {
    let lab = Lab::of_size(1300, 900, &[("a", "DAPI")]);
    let served = lab.serve();
    let this = task("a", "DAPI");
    let told = served.get(&format!("/api/raw?{this}")).json();
    for stain in ["post", "pre"] {
        let image = &told[stain];
        assert_eq!(
            (&image["width"], &image["height"]),
            (&json!(1300), &json!(900)),
            "{told}"
        );
        assert!(image["bits"] == 16 || image["bits"] == 8, "{told}");
        assert!(
            image["channel"].is_string()
                && image["name"].as_str().expect("a name").contains("raw/a/")
        );
        let answer = served.get(&format!("/api/thumbnail?{this}&stain={stain}"));
        assert_eq!(answer.status, 200, "{}", answer.text());
        let decoder = png::Decoder::new(std::io::Cursor::new(&answer.body));
        let mut reader = decoder.read_info().expect("a PNG");
        let mut indices = vec![0; reader.output_buffer_size().expect("a size")];
        let info = reader.next_frame(&mut indices).expect("pixels");
        assert_eq!((info.width, info.height), (217, 150));
        // It shows something: bright section on dark glass.
        let (low, high) = (indices.iter().min(), indices.iter().max());
        assert!(high > Some(&200) && low < Some(&60), "{low:?} {high:?}");
        // The second comes from the first.
        assert_eq!(
            served
                .get(&format!("/api/thumbnail?{this}&stain={stain}"))
                .body,
            answer.body
        );
    }
    let kept = served.get("/api/machine").json()["thumbnail_bytes"].clone();
    assert!(kept.as_u64().expect("bytes") > 1000, "{kept}");
    assert_eq!(
        served.get(&format!("/api/thumbnail?{this}&stain=x")).status,
        400
    );
    assert_eq!(
        served
            .get(&format!("/api/raw?{}", task("b", "DAPI")))
            .status,
        404
    );
    assert!(!lab.path("out").exists());
    // One that is damaged is said, and the other is shown.
    let damaged = lab.path("raw/a/a_PreStain_DAPI.tif");
    assert!(damaged.is_file());
    std::fs::write(&damaged, "no image").expect("written");
    let told = served.get(&format!("/api/raw?{this}")).json();
    assert!(
        told["pre"]["problem"].is_string() && told["post"]["width"] == 1300,
        "{told}"
    );
    assert_eq!(
        served
            .get(&format!("/api/thumbnail?{this}&stain=pre"))
            .status,
        404
    );
    assert_eq!(
        served
            .get(&format!("/api/thumbnail?{this}&stain=post"))
            .status,
        200
    );
    // One that lies elsewhere is not read.
    let elsewhere = tempfile::tempdir().expect("a folder");
    let away = elsewhere.path().join("a.tif");
    std::fs::rename(&damaged, &away).expect("moved");
    symlink(&away, &damaged).expect("linked");
    for path in ["raw", "thumbnail"] {
        let answer = served.get(&format!("/api/{path}?{this}&stain=pre"));
        assert_eq!(answer.status, 403, "{path}: {}", answer.text());
    }
}

#[test]
fn what_a_run_will_take_is_known_from_what_earlier_ones_took() {
    let lab = Lab::with_pairs(&[("a", "DAPI"), ("b", "DAPI")]);
    let served = lab.serve();
    let check = || served.get("/api/check?batch=batch.toml").json();
    assert_eq!(check()["expected"], Value::Null);
    let started = served.post(
        "/api/run",
        "{\"batch\": \"batch.toml\", \"samples\": [\"a\"]}",
    );
    assert_eq!(started.status, 200, "{}", started.text());
    served.until("/api/run", |run| run["run"]["ending"].is_string());
    let record = served
        .get(&format!("/api/task?{}", task("a", "DAPI")))
        .json();
    let stages = record["manifest"]["stages"].as_array().expect("stages");
    let took: f64 = stages
        .iter()
        .filter_map(|stage| stage["seconds"].as_f64())
        .sum();
    let found = check();
    let expected = &found["expected"];
    // The other task is as large.
    let seconds = expected["seconds"].as_f64().expect("seconds");
    assert!((seconds / took - 1.0).abs() < 0.01, "{found} {took}");
    assert!(expected["megapixels_per_second"].as_f64().expect("a speed") > 0.0);
    assert_eq!(expected["tasks"], 1);
    assert!(found["workers"].as_u64().expect("workers") >= 1);
    lab.run();
    assert_eq!(check()["expected"], Value::Null, "nothing is left to do");
}

#[test]
fn variants_of_a_comparison_are_listed_and_shown_like_the_task_itself() {
    let lab = Lab::with_pairs(&[("a", "DAPI")]);
    lab.run();
    let served = lab.serve();
    let this = task("a", "DAPI");
    let alone = served.get(&format!("/api/variants?{this}")).json();
    assert_eq!(alone["variants"].as_array().expect("variants").len(), 1);
    let axis = Axis {
        key: "detect_sigma".into(),
        values: vec!["5".into(), "100".into()],
    };
    let planned = variants(
        &lab.path("batch.toml"),
        &[],
        &[axis],
        &PlanOptions::default(),
    );
    for variant in planned.expect("variants") {
        let quiet = &mut |_: &BatchEvent<'_>| {};
        run(
            &variant.plan,
            &Environment::default(),
            &Interrupt::default(),
            quiet,
        )
        .expect("a run");
    }
    let listed = served.get(&format!("/api/variants?{this}")).json();
    let all = listed["variants"].as_array().expect("variants");
    assert!(all.len() >= 2, "{listed}");
    let high = all.iter().find(|one| one["label"] == "detect_sigma = 100");
    let high = high.unwrap_or_else(|| panic!("{listed}"));
    let name = high["name"].as_str().expect("a name");
    assert!(
        high["microbes"].as_u64() < all[0]["microbes"].as_u64(),
        "{listed}"
    );
    // Its own catalogue, the same pixels.
    let rows = |more: &str| {
        let catalogue = served.get(&format!("/api/catalogue?{this}{more}")).json();
        catalogue["columns"]["id"]
            .as_array()
            .expect("objects")
            .len()
    };
    let variant = format!("&variant={name}");
    assert!(rows(&variant) < rows(""));
    let value = |more: &str| {
        let path = format!("/api/values?{this}{more}&images=difference&x=300&y=260");
        served.get(&path).json()["values"]["difference"].clone()
    };
    assert!(value("").is_number());
    assert_eq!(value(""), value(&variant));
    let tile = format!("/api/tile?{this}{variant}&image=difference&level=0&x=0&y=0&low=-9&high=9");
    assert_eq!(served.get(&tile).status, 200);
    // A picture of both: the same as that of two images of one task, but for the lines above it.
    let cutout = |more: &str| {
        let place = "x=300&y=240&width=200&height=200";
        let answer = served.get(&format!("/api/cutout?{this}&{place}{more}"));
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.body
    };
    let both = cutout(&format!("&images=post&with={name}&with_images=difference"));
    assert_eq!(both, cutout("&images=post,difference"));
    let back = cutout(&format!(
        "&variant={name}&images=post&with=batch&with_images=difference"
    ));
    assert_eq!(both, back);
    assert_ne!(
        both,
        cutout("&images=post,difference&line=left%0Aright"),
        "the lines are not drawn"
    );
    for bad in [
        "none.json",
        "..%2Fe2m_batch.json",
        "%2Fetc%2Fpasswd",
        "e2m_task_none.json",
    ] {
        let answer = served.get(&format!("/api/view?{this}&variant={bad}"));
        assert_eq!(answer.status, 404, "{bad}: {}", answer.text());
        let cutout = format!("/api/cutout?{this}&images=post&x=0&y=0&width=60&height=60");
        let answer = served.get(&format!("{cutout}&with={bad}&with_images=post"));
        assert_eq!(answer.status, 404, "{bad}: {}", answer.text());
    }
}
