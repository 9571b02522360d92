//! What is in the file: order, escaping, sizes, and that it is complete.

use crate::page::{AWKWARD, chart, head, html, section};
use e2m_plot::{
    CLOSE_UPS_GUIDE, COMPARISON_GUIDE, CloseUp, CloseUpsPicture, Comparison, Pages, PictureKind,
    ReportError, ReportHead, ReportPicture, ReportRow, ReportStatus, ReportWriter, TaskSection,
    draw_close_ups, write_report_index, write_report_page,
};

/// Places of the needles in the page, in their order.
fn assert_in_order(page: &str, needles: &[&str]) {
    let mut from = 0;
    for needle in needles {
        let found = page[from..].find(needle);
        from +=
            found.unwrap_or_else(|| panic!("{needle:?} is missing, or not behind those before"));
    }
}

fn row(sample: &str, status: ReportStatus) -> ReportRow {
    ReportRow::new(sample, "DAPI", status)
}

#[test]
fn problems_then_the_table_then_the_sections_each_with_the_worst_first() {
    let page = html(&head());
    assert_in_order(
        &page,
        &[
            "<h1>night &#38; day.toml</h1>",
            "2 complete, 1 suspect, 1 failed",
            "2 h 04 min",
            "id=\"problems\"",
            "What to do:",
            "id=\"tasks\"",
            "<tr data-task=\"3\" data-status=\"0\">",
            "<tr data-task=\"2\" data-status=\"1\">",
            "<tr data-task=\"4\"",
            "<tr data-task=\"5\"",
            "<tr data-task=\"6\"",
            "<tr data-task=\"0\"",
            "<tr data-task=\"1\"",
            "id=\"task-3\"",
            "id=\"task-2\"",
            "id=\"task-4\"",
            "id=\"task-5\"",
            "id=\"task-6\"",
            "id=\"task-0\"",
            "id=\"task-1\"",
            "</html>",
        ],
    );
}

#[test]
fn a_row_has_its_figures_and_what_is_missing_has_no_value() {
    let page = html(&head());
    let line = |from: &str| {
        let start = page.find(from).expect("there");
        &page[start..start + page[start..].find("</tr>").expect("ends")]
    };
    let suspect = line("<tr data-task=\"2\"");
    for text in [
        "<td class=\"figure\" data-value=\"2.34\">2.340 px",
        "90 % below 4.680 px",
        "data-value=\"1.31\">1.3100 ± 0.0021",
        "1 min 42 s",
        "data-value=\"234000000\">234 MB",
        "of 500 MB planned",
        "width:47%",
        "<a href=\"CD063/DAPI/e2m_task.json\">record</a>",
    ] {
        assert!(suspect.contains(text), "{text} in {suspect}");
    }
    assert!(line("<tr data-task=\"3\"").contains("more than planned"));
    assert!(line("<tr data-task=\"1\"").contains("<td class=\"figure\">was there</td>"));
    let left_out = line("<tr data-task=\"5\"");
    assert_eq!(
        left_out.matches("data-value").count(),
        2,
        "name and status: {left_out}"
    );
}

#[test]
fn names_are_escaped_in_text_attributes_and_links() {
    let page = html(&head());
    assert!(!page.contains(AWKWARD));
    for raw in [
        "<img src=x",
        "</details><b>",
        "manual <2>",
        "record <1>",
        "look at <it>",
    ] {
        assert!(!page.contains(raw), "{raw}");
    }
    let text = "&#60;img src=x onerror=alert(1)&#62; &#38; &#34;q&#34; &#39;ä&#39; 5%#?";
    assert!(page.contains(text));
    let link = "href=\"%3Cimg%20src%3Dx%20onerror%3Dalert%281%29%3E%20%26%20%22q%22%20%27%C3%A4%27%205%25%23%3F/DAPI/e2m_task.json\"";
    assert!(page.contains(link));
}

#[test]
fn the_page_holds_all_it_shows() {
    let page = html(&head());
    for outside in [
        "http:",
        "https:",
        "url(",
        "@import",
        "<link rel=\"stylesheet",
        "fetch(",
        "<iframe",
    ] {
        assert!(!page.contains(outside), "{outside}");
    }
    let sources = page.matches(" src=\"").count();
    assert_eq!(sources, page.matches(" src=\"data:image/").count());
    assert_eq!(sources, 5 * 3);
    assert!(page.contains("content=\"default-src 'none'; img-src data:;"));
    assert!(page.contains(
        "<h4>Post − pre, unscaled <span class=\"variant\">manual &#60;2&#62;</span></h4>"
    ));
    for guide in [&COMPARISON_GUIDE, PictureKind::DifferenceHistogram.guide()] {
        assert!(page.contains(guide.good) && page.contains(guide.bad));
    }
    assert_eq!(page, html(&head()), "the same input gives the same bytes");
}

#[test]
fn a_few_tasks_are_open_and_of_many_only_the_first_problems() {
    let page = |tasks: Vec<ReportRow>| {
        html(&ReportHead {
            tasks,
            ..ReportHead::default()
        })
    };
    let few = page(vec![row("a", ReportStatus::Complete); 3]);
    assert_eq!(few.matches("<details").count(), 3);
    assert_eq!(few.matches("\" open>").count(), 3);
    let mut tasks = vec![row("a", ReportStatus::Complete); 12];
    tasks.extend(vec![row("b", ReportStatus::Failed); 9]);
    let many = page(tasks);
    assert_eq!(many.matches("<details").count(), 21);
    assert_eq!(many.matches("\" open>").count(), 4);
    assert_in_order(
        &many,
        &[
            "id=\"task-12\" data-task=\"12\" open>",
            "id=\"task-0\" data-task=\"0\">",
        ],
    );
}

#[test]
fn an_empty_batch_is_a_page_too() {
    let page = html(&ReportHead::default());
    assert!(!page.contains("id=\"problems\"") && page.ends_with("</html>"));
}

#[test]
fn a_picture_that_cannot_be_read_is_named_and_does_not_spoil_the_page() {
    let head = ReportHead {
        tasks: vec![row("a", ReportStatus::Complete)],
        ..ReportHead::default()
    };
    let mut broken = section(&head.tasks[0]);
    broken.pictures[0].png.truncate(300);
    broken.comparison = Some(Comparison {
        post: b"nothing".to_vec(),
        aligned: Vec::new(),
        factor: None,
    });
    let page = written(&head, &[broken]).expect("writes");
    assert!(page.contains("could not be read: <a href=\"a/difference_histogram_msc1.42.png\">"));
    assert!(!page.contains("figure class=\"comparison\""));
}

#[test]
fn pictures_of_images_become_small_jpegs_and_charts_stay() {
    let head = ReportHead {
        tasks: vec![row("a", ReportStatus::Complete)],
        ..ReportHead::default()
    };
    let mut state = 7u32;
    let noise = noisy_png((1800, 1500), || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 27) as u8
    });
    assert!(noise.len() > 900_000, "{}", noise.len());
    let picture = |kind, png: &[u8]| ReportPicture {
        kind,
        variant: String::new(),
        png: png.to_vec(),
        path: "a.png".into(),
    };
    let chart = chart();
    let pictures = vec![
        picture(PictureKind::DifferenceImage, &noise),
        picture(PictureKind::RatioHistogram, &chart),
    ];
    let section = TaskSection {
        row: 0,
        pictures,
        comparison: None,
        close_ups: None,
    };
    let page = written(&head, &[section]).expect("writes");
    let images: Vec<&str> = page
        .split(" src=\"")
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
        .collect();
    assert!(
        images[0].starts_with("data:image/jpeg;base64,/9j/"),
        "the difference comes first"
    );
    assert!(images[0].len() < 80_000, "{}", images[0].len());
    assert!(images[1].starts_with("data:image/png;base64,iVBOR"));
    assert!(images[1].len() < chart.len() * 4 / 3 + 30);
}

/// Two pages that leave a JPEG no byte to save.
fn noisy_close_ups() -> Comparison {
    let mut state = 3u32;
    let mut noise = || {
        ndarray::Array2::from_shape_fn((128, 128), |_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as f32
        })
    };
    let places: Vec<CloseUp> = (0..6)
        .map(|_| CloseUp {
            post: noise(),
            aligned: noise(),
            caption: "by chance, x 1, y 2".into(),
        })
        .collect();
    let drawn = draw_close_ups(&CloseUpsPicture {
        places: &places,
        side_px: 128,
        um_per_px: None,
    })
    .expect("draws");
    Comparison {
        post: drawn.post,
        aligned: drawn.aligned,
        factor: None,
    }
}

#[test]
fn close_ups_are_compared_beside_the_whole_and_have_tools_of_their_own() {
    let head = ReportHead {
        tasks: vec![row("a", ReportStatus::Complete)],
        ..ReportHead::default()
    };
    let mut section = section(&head.tasks[0]);
    section.close_ups = Some(noisy_close_ups());
    let page = written(&head, &[section]).expect("writes");
    assert_eq!(page.matches("<figure class=\"comparison\">").count(), 2);
    assert_in_order(
        &page,
        &[
            COMPARISON_GUIDE.title,
            "name=\"mode-0-0\"",
            CLOSE_UPS_GUIDE.title,
            "name=\"mode-0-1\"",
        ],
    );
}

#[test]
fn a_task_with_all_pictures_takes_no_more_than_seven_tenths_of_a_megabyte() {
    let head = ReportHead {
        tasks: vec![row("a", ReportStatus::Complete)],
        ..ReportHead::default()
    };
    // Smooth structure with noise, as images of sections have.
    let mut state = 7u32;
    let mut next = move |at: u32| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let slow = 90.0
            + 60.0 * (f64::from(at % 5400) / 400.0).sin()
            + 40.0 * (f64::from(at / 5400) / 90.0).cos();
        (slow as u32 + (state >> 28)) as u8
    };
    let mut at = 0;
    let image = noisy_png((1800, 1500), || {
        at += 1;
        next(at)
    });
    let kinds = [
        PictureKind::Registration,
        PictureKind::FineAlignment,
        PictureKind::RegistrationResidual,
        PictureKind::DifferenceImage,
        PictureKind::Microbes,
        PictureKind::MicrobeGallery,
    ];
    let charts = [
        PictureKind::PrePostHeatmap,
        PictureKind::ExcessHeatmap,
        PictureKind::PrePostHistograms,
        PictureKind::RatioHistogram,
        PictureKind::DifferenceHistogram,
        PictureKind::MicrobeDensity,
        PictureKind::MicrobeFluxes,
        PictureKind::MicrobeSizes,
        PictureKind::SignificanceHistogram,
    ];
    let chart = chart();
    let images = kinds.map(|kind| (kind, &image));
    let charts = charts.map(|kind| (kind, &chart));
    let pictures = images.into_iter().chain(charts);
    let section = TaskSection {
        row: 0,
        pictures: pictures
            .map(|(kind, png)| ReportPicture {
                kind,
                variant: String::new(),
                png: png.clone(),
                path: "a.png".into(),
            })
            .collect(),
        comparison: section(&head.tasks[0]).comparison,
        close_ups: Some(noisy_close_ups()),
    };
    let page = written(&head, &[section]).expect("writes");
    let bare = written(&head, &[]).expect("writes").len();
    let task = page.len() - bare;
    assert!(task <= 700_000, "{task}");
}

#[test]
fn many_tasks_have_an_index_and_pages_of_fifty() {
    let tasks: Vec<ReportRow> = (0..120)
        .map(|i| row(&format!("s{i}"), ReportStatus::Complete))
        .collect();
    let head = ReportHead {
        batch: "b.toml".into(),
        tasks,
        ..ReportHead::default()
    };
    let pages = Pages::of(&head, "report");
    let mut index = Vec::new();
    write_report_index(&mut index, &head, &pages).expect("writes");
    let index = String::from_utf8(index).expect("UTF-8");
    assert_eq!(index.matches("<tr data-task=").count(), 120);
    assert!(!index.contains("<details"));
    for link in [
        "href=\"report_001.html#task-0\"",
        "href=\"report_003.html#task-119\"",
        "<a href=\"report_002.html\">s50/DAPI to s99/DAPI</a>",
    ] {
        assert!(index.contains(link), "{link}");
    }
    let page = |number| {
        let mut page = Vec::new();
        let none = |_| TaskSection::default();
        write_report_page(&mut page, &head, (&pages, number), "mark", none)?;
        Ok::<_, ReportError>(String::from_utf8(page).expect("UTF-8"))
    };
    let second = page(1).expect("writes");
    assert_eq!(second.matches("<details class=\"task\"").count(), 50);
    assert_in_order(
        &second,
        &[
            "content=\"mark\"",
            "<a href=\"report.html\">all tasks</a>",
            "<a href=\"report_001.html\">previous page</a>",
            "<a href=\"report_003.html\">next page</a>",
            "page 2 of 3",
            "id=\"task-50\"",
            "id=\"task-99\"",
            "</html>",
        ],
    );
    assert!(matches!(
        page(3),
        Err(ReportError::NoSuchPage {
            number: 3,
            count: 3
        })
    ));
}

#[test]
fn sections_must_belong_to_the_batch_and_those_not_given_are_added() {
    let head = ReportHead {
        tasks: vec![
            row("a", ReportStatus::Complete),
            row("b", ReportStatus::Failed),
        ],
        ..ReportHead::default()
    };
    let of = |row| TaskSection {
        row,
        ..TaskSection::default()
    };
    assert!(matches!(
        written(&head, &[of(2)]),
        Err(ReportError::NoSuchTask { row: 2, rows: 2 })
    ));
    assert!(matches!(
        written(&head, &[of(1), of(1)]),
        Err(ReportError::Twice { row: 1 })
    ));
    let page = written(&head, &[of(0)]).expect("writes");
    assert_in_order(
        &page,
        &["id=\"task-0\"", "id=\"task-1\"", "There are no pictures."],
    );
}

fn written(head: &ReportHead, sections: &[TaskSection]) -> Result<String, ReportError> {
    let mut page = Vec::new();
    let mut report = ReportWriter::new(&mut page, head)?;
    for section in sections {
        report.task(section)?;
    }
    report.finish()?;
    Ok(String::from_utf8(page).expect("UTF-8"))
}

fn noisy_png((width, height): (u32, u32), mut next: impl FnMut() -> u8) -> Vec<u8> {
    let mut png = Vec::new();
    let mut encoder = png::Encoder::new(&mut png, width, height);
    encoder.set_color(png::ColorType::Rgb);
    let mut writer = encoder.write_header().expect("begins");
    let pixels: Vec<u8> = (0..width * height * 3).map(|_| next()).collect();
    writer.write_image_data(&pixels).expect("writes");
    writer.finish().expect("ends");
    png
}
