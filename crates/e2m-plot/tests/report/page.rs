//! A report to test with: every status, missing values, awkward names, small pictures.

use e2m_plot::{
    Comparison, ComparisonPicture, DifferenceHistogramPicture, Levels, Outline, PairStatistics,
    PictureKind, Preview, ReportFile, ReportHead, ReportPicture, ReportProblem, ReportRow,
    ReportScale, ReportStage, ReportStatus, ReportVerdict, TaskSection, Title, draw_comparison,
    draw_difference_histogram, write_report,
};
use ndarray::Array2;
use std::path::PathBuf;

/// A name that would break out of text, of an attribute, or of a link, were it not escaped.
pub(crate) const AWKWARD: &str = "<img src=x onerror=alert(1)> & \"q\" 'ä' 5%#?";

/// Tasks in the order of the batch, which is neither that of the page nor that of any column.
pub(crate) fn head() -> ReportHead {
    let tasks = vec![
        done(
            "CD070",
            "SybrGld",
            ReportStatus::Complete,
            0.021,
            Some(87.4),
        ),
        done("CD070", "DAPI", ReportStatus::Complete, 0.134, None),
        done("CD063", "DAPI", ReportStatus::Suspect, 2.34, Some(102.0)),
        done("CD063", "SybrGld", ReportStatus::Failed, 10.5, Some(31.0)),
        ReportRow {
            why: Some("stopped </details><b>by</b> the user".into()),
            warnings: vec!["3 > 2 & 1 < 2".into()],
            files: vec![file("record <1>", &format!("{AWKWARD}/DAPI/e2m_task.json"))],
            ..ReportRow::new(AWKWARD, "DAPI", ReportStatus::Interrupted)
        },
        ReportRow::new("CD071", "DAPI", ReportStatus::LeftOut),
        ReportRow::new("CD072", "DAPI", ReportStatus::NotBegun),
    ];
    let problems = [3, 2, 4, 5].map(|row| ReportProblem {
        task: tasks[row].name(),
        what: tasks[row].why.clone().unwrap_or_default(),
        to_do: "look at <it>".into(),
    });
    ReportHead {
        batch: "night & day.toml".into(),
        version: "e2m 1.2.3".into(),
        started: "2026-11-20 22:14".into(),
        seconds: 7421.0,
        tally: "2 complete, 1 suspect, 1 failed".into(),
        problems: problems.into(),
        tasks,
        files: vec![file("table", "e2m_batch.csv")],
        fingerprint: "0a1b".into(),
    }
}

fn done(
    sample: &str,
    dye: &str,
    status: ReportStatus,
    residual: f64,
    seconds: Option<f64>,
) -> ReportRow {
    ReportRow {
        why: (status != ReportStatus::Complete).then(|| format!("residual {residual} px")),
        verdict: Some(match status {
            ReportStatus::Complete => ReportVerdict::Pass,
            ReportStatus::Failed => ReportVerdict::Fail,
            _ => ReportVerdict::Suspect,
        }),
        residual_median_px: Some(residual),
        residual_p90_px: Some(2.0 * residual),
        correlation: Some(0.9),
        overlap_fraction: Some(0.98),
        scales: vec![ReportScale {
            method: "Moffat".into(),
            value: 1.31,
            std_error: Some(0.0021),
        }],
        seconds,
        stages: vec![ReportStage {
            name: "1 padding".into(),
            seconds: 12.0,
            skipped: seconds.is_none(),
        }],
        peak_bytes: Some((residual * 1e8) as u64),
        plan_bytes: Some(500_000_000),
        files: vec![file("record", &format!("{sample}/{dye}/e2m_task.json"))],
        ..ReportRow::new(sample, dye, status)
    }
}

fn file(label: &str, path: &str) -> ReportFile {
    ReportFile {
        label: label.into(),
        path: path.into(),
    }
}

/// A chart and two images to compare: post white, aligned pre black.
pub(crate) fn section(task: &ReportRow) -> TaskSection {
    let post = Array2::from_elem((240, 320), 90.0f32);
    let black = Array2::zeros((240, 320));
    let preview = |pixels| Preview {
        pixels,
        factor: 8.0,
    };
    let images = draw_comparison(&ComparisonPicture {
        post: preview(post.view()),
        aligned: preview(black.view()),
        um_per_px: None,
    })
    .expect("draws");
    TaskSection {
        row: 0,
        pictures: vec![ReportPicture {
            kind: PictureKind::DifferenceHistogram,
            variant: "manual <2>".into(),
            png: chart(),
            path: PathBuf::from(&task.sample).join("difference_histogram_msc1.42.png"),
        }],
        comparison: Some(Comparison {
            post: images.post,
            aligned: images.aligned,
            factor: Some(images.factor),
        }),
        close_ups: None,
    }
}

pub(crate) fn chart() -> Vec<u8> {
    let post = Array2::from_shape_fn((30, 40), |(y, x)| (x + y) as f32);
    let frame = Outline::upright(0.0, 0.0, 40.0, 30.0);
    let mut statistics = PairStatistics::new(Levels::COUNTS, frame, frame);
    statistics.add_band(0, post.view(), post.mapv(|v| v * 0.5).view());
    let (_, differences, _) = statistics.finish();
    draw_difference_histogram(&DifferenceHistogramPicture {
        title: &Title::default(),
        differences: &differences,
    })
    .expect("draws")
}

/// The whole page; tasks that were left out or not begun have no pictures.
pub(crate) fn html(head: &ReportHead) -> String {
    let mut page = Vec::new();
    write_report(&mut page, head, |row| match head.tasks[row].status {
        ReportStatus::LeftOut | ReportStatus::NotBegun => TaskSection::default(),
        _ => section(&head.tasks[row]),
    })
    .expect("writes");
    String::from_utf8(page).expect("UTF-8")
}
