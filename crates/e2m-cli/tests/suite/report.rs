//! `report.html` as a run leaves it: what it says of good, failed and missing pairs, and that it stands alone.

use crate::common::{Bench, quick};

/// The parts of the page between two texts.
fn parts<'a>(page: &'a str, from: &str, to: &str) -> Vec<&'a str> {
    page.split(from)
        .skip(1)
        .filter_map(|rest| rest.split(to).next())
        .collect()
}

#[test]
fn the_report_shows_every_task_and_needs_nothing_else() {
    let bench = Bench::with_pairs(&[("CD070", "DAPI"), ("a & <b>", "DAPI"), ("lone", "DAPI")]);
    std::fs::remove_file(bench.path("raw/lone/lone_PreStain_DAPI.tif")).expect("removed");
    bench.write("raw/CD071/CD071_PreStain_DAPI.tif", "no image");
    bench.write("raw/CD071/CD071_PostStain_DAPI.tif", "no image either");
    bench.batch(
        "strict_dyes = false\n\n[params]\npad = 60\nscale_percentile = 50\nmanual_scale = 1.5\n",
    );
    let run = bench.run_batch();
    assert_eq!(run.code, 1, "{}", run.err);
    assert!(
        run.out.contains("the pictures in report.html"),
        "{}",
        run.out
    );
    let page = bench.read("out/report.html");

    // Everything it shows is in it.
    let sources = parts(&page, "src=\"", "\"");
    assert!(sources.len() >= 2 * 13, "{}", sources.len());
    assert!(
        sources
            .iter()
            .all(|source| source.starts_with("data:image/"))
    );
    assert!(!page.contains("http://") && !page.contains("https://"));
    assert!(page.contains("Content-Security-Policy"));

    // Every link leads to a file.
    let links = parts(&page, "href=\"", "\"");
    let files: Vec<&&str> = links
        .iter()
        .filter(|link| !link.starts_with('#') && !link.starts_with("data:"))
        .collect();
    assert!(files.len() >= 3 + 2 * (7 + 11), "{}", files.len());
    for link in files {
        let name = link
            .replace("%20", " ")
            .replace("%26", "&")
            .replace("%3C", "<")
            .replace("%3E", ">");
        assert!(bench.path(&format!("out/{name}")).is_file(), "{link}");
    }

    // Problems first, then all four.
    let place = |text: &str| {
        page.find(text)
            .unwrap_or_else(|| panic!("{text} is not there"))
    };
    assert!(place("not a TIFF") < place("<table"), "problems come first");
    assert!(page.contains("a &amp; &lt;b&gt;") || page.contains("a &#38; &#60;b&#62;"));
    for text in [
        "lone",
        "left out",
        "CD071",
        "failed",
        "1.5000",
        "percentile p50",
    ] {
        assert!(page.contains(text), "{text}");
    }
    // In the table and in the section of either task.
    assert_eq!(page.matches("manual TIFF").count(), 2 * 2);
}

#[test]
fn a_page_that_would_show_the_same_is_left_and_one_that_would_not_is_written() {
    let bench = Bench::new();
    bench.pair(&quick(3), "CD070", "DAPI");
    assert_eq!(bench.run_batch().code, 0);
    let first = bench.read("out/report.html");
    assert_eq!(bench.run_batch().code, 0);
    assert!(
        bench.read("out/report.html") == first,
        "the page was written again"
    );
    bench.pair(&quick(4), "CD071", "DAPI");
    assert_eq!(bench.run_batch().code, 0);
    let second = bench.read("out/report.html");
    let images = |page: &str| -> Vec<String> {
        let sources = parts(page, "src=\"", "\"");
        sources.into_iter().map(str::to_owned).collect()
    };
    assert_eq!(images(&first).len(), 19);
    assert!(images(&first)[..] == images(&second)[..19]);
    assert!(!first.contains("was there") && second.contains("was there"));
}

#[test]
fn what_nothing_has_measured_is_not_shown_as_a_figure() {
    let bench = Bench::new();
    bench.pair(&quick(3), "CD070", "DAPI");
    let run = bench.run(&["--to-stage", "2", "batch.toml"]);
    assert_eq!(run.code, 0, "{}", run.err);
    let all: serde_json::Value =
        serde_json::from_str(&bench.read("out/e2m_batch.json")).expect("JSON");
    let task = &all["tasks"][0];
    for key in [
        "verdict",
        "correlation",
        "overlap_fraction",
        "residual_median_px",
    ] {
        assert!(task[key].is_null(), "{key}: {}", task[key]);
    }
    assert!(task["coarse_method"].is_string());
    let page = bench.read("out/report.html");
    assert!(!page.contains("suspect</") && !page.contains("Correlation"));
}

#[test]
fn a_run_of_a_part_keeps_the_rest_in_the_report() {
    let bench = Bench::with_pairs(&[("A", "DAPI"), ("B", "DAPI"), ("C", "DAPI")]);
    let run = bench.run(&["--samples", "A,C", "batch.toml"]);
    assert_eq!(run.code, 0, "{}", run.err);
    let tasks = || -> Vec<String> { bench.statuses().into_keys().collect() };
    assert_eq!(tasks(), ["A/DAPI", "C/DAPI"], "B has never run");
    let run = bench.run(&["--samples", "B", "batch.toml"]);
    assert_eq!(run.code, 0, "{}", run.err);
    assert!(run.out.contains("1 complete in "), "{}", run.out);
    assert_eq!(tasks(), ["A/DAPI", "B/DAPI", "C/DAPI"]);
    let all: serde_json::Value =
        serde_json::from_str(&bench.read("out/e2m_batch.json")).expect("JSON");
    let names: Vec<&serde_json::Value> = all["tasks"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|task| &task["sample"])
        .collect();
    assert_eq!(names, ["A", "B", "C"], "in the order of the batch");
    let page = bench.read("out/report.html");
    assert!(page.contains("3 complete"));
    assert_eq!(parts(&page, "src=\"", "\"").len(), 3 * 19);
}

#[test]
fn the_pictures_of_many_tasks_stand_on_pages_beside_the_index() {
    let bench = Bench::with_pairs(&[("CD070", "DAPI")]);
    for i in 0..60 {
        let from = bench.path("raw/CD070/CD070_PostStain_DAPI.tif");
        let folder = bench.path(&format!("raw/lone{i:02}"));
        std::fs::create_dir(&folder).expect("a folder");
        let to = folder.join(format!("lone{i:02}_PostStain_DAPI.tif"));
        std::fs::copy(from, to).expect("a copy");
    }
    bench.batch("strict_dyes = false\n\n[params]\npad = 60\n");
    let run = bench.run_batch();
    assert_eq!(run.code, 0, "{}{}", run.err, run.out);
    let index = bench.read("out/report.html");
    assert!(index.contains("report_001.html#task-1\"") && !index.contains("<img"));
    let pages = ["out/report_001.html", "out/report_002.html"].map(|page| bench.read(page));
    let tasks: Vec<usize> = pages
        .iter()
        .map(|page| page.matches("<details class=\"task\"").count())
        .collect();
    assert_eq!(tasks, [50, 11]);
    assert!(pages[1].contains("Post and aligned pre of CD070 DAPI"));
    for i in 0..60 {
        std::fs::remove_dir_all(bench.path(&format!("raw/lone{i:02}"))).expect("removed");
    }
    let run = bench.run_batch();
    assert_eq!(run.code, 0, "{}", run.err);
    assert!(bench.read("out/report.html").contains("<img"));
    assert!(!bench.path("out/report_001.html").exists());
    assert!(!bench.path("out/report_002.html").exists());
}
