//! Writes the report of a batch that never was, with real pictures of synthetic data beside it, into the folder given.
//!
//! `cargo run -p e2m-plot --example report -- /tmp/report`, then open `/tmp/report/report.html`

#![expect(clippy::print_stdout, reason = "an example tells what it made")]

#[path = "../gallery/counted.rs"]
mod counted;
mod drawn;
#[path = "../gallery/synthetic.rs"]
mod synthetic;

use drawn::{Made, Shelf};
use e2m_plot::{
    ReportFile, ReportHead, ReportProblem, ReportRow, ReportScale, ReportStage, ReportStatus,
    ReportVerdict, ReportWriter,
};
use std::error::Error;
use std::fs::File;
use std::io::BufWriter;
use std::path::PathBuf;

fn main() -> Result<(), Box<dyn Error>> {
    let folder: PathBuf = std::env::args_os().nth(1).ok_or("which folder?")?.into();
    std::fs::create_dir_all(&folder)?;
    let head = head();
    let page = folder.join("report.html");
    let mut out = BufWriter::new(File::create(&page)?);
    let mut report = ReportWriter::new(&mut out, &head)?;
    let shelf = Shelf { folder: &folder };
    for row in head.order() {
        let task = &head.tasks[row];
        let made = match task.status {
            ReportStatus::LeftOut | ReportStatus::NotBegun => continue,
            ReportStatus::Failed => Made::Alignment { shift_px: 400.0 },
            ReportStatus::Interrupted => Made::Alignment { shift_px: 30.0 },
            ReportStatus::Suspect => Made::All { shift_px: 200.0 },
            ReportStatus::Complete => Made::All { shift_px: 0.0 },
        };
        report.task(&shelf.section(row, task, made)?)?;
    }
    report.finish()?;
    println!("{}: {} kB", page.display(), page.metadata()?.len() / 1000);
    Ok(())
}

fn head() -> ReportHead {
    let tasks = vec![
        complete("CD070", "SybrGld", 0.021, 1.31),
        ReportRow {
            seconds: None,
            stages: stages(&[(14.2, true), (9.8, true), (22.4, true), (41.0, true)]),
            ..complete("CD070", "DAPI", 0.034, 1.2764)
        },
        ReportRow {
            status: ReportStatus::Suspect,
            why: Some("suspect: residual 2.34 px where 1 px would be seen; 12 neighbouring tiles are displaced alike".into()),
            verdict: Some(ReportVerdict::Suspect),
            peak_bytes: Some(2_310_000_000),
            warnings: vec![
                "pre has 3 pages; the first one is used".into(),
                "post is saturated at 0.4 % of its pixels".into(),
            ],
            ..complete("CD063", "DAPI", 2.34, 1.1032)
        },
        ReportRow {
            why: Some("error: alignment failed: 9 of 47 tiles agree, hardly more than by chance".into()),
            verdict: Some(ReportVerdict::Fail),
            residual_median_px: Some(412.7),
            residual_p90_px: Some(960.2),
            correlation: Some(0.08),
            overlap_fraction: Some(0.41),
            seconds: Some(31.2),
            stages: stages(&[(8.1, false), (10.6, false), (12.5, false)]),
            peak_bytes: Some(1_420_000_000),
            plan_bytes: Some(2_050_000_000),
            files: files("CD063", "SybrGld", false),
            ..ReportRow::new("CD063", "SybrGld", ReportStatus::Failed)
        },
        ReportRow {
            why: Some("stopped by the user in stage 3; finished stages are kept".into()),
            seconds: Some(19.0),
            stages: stages(&[(8.4, false), (10.2, false)]),
            peak_bytes: Some(1_390_000_000),
            plan_bytes: Some(2_050_000_000),
            ..ReportRow::new("Gestein <7> & \"ä\" 50%", "DAPI", ReportStatus::Interrupted)
        },
        ReportRow {
            why: Some("no pre image".into()),
            ..ReportRow::new("CD071", "DAPI", ReportStatus::LeftOut)
        },
        ReportRow::new("CD072", "DAPI", ReportStatus::NotBegun),
    ];
    let problem = |task: usize, to_do: &str| {
        let task: &ReportRow = &tasks[task];
        ReportProblem {
            task: task.name(),
            what: task.why.clone().unwrap_or_default(),
            to_do: to_do.into(),
        }
    };
    let problems = vec![
        problem(
            3,
            "no difference image was made. Check that both images show the same section and are bright enough: \
                    /data/stained_rock_sections/2026/raw/CD063/CD063_PostStain_SybrGld.tif",
        ),
        problem(
            2,
            "look at its residual displacement and compare the images below before you trust it",
        ),
        problem(4, "run again; finished stages are kept"),
        problem(
            5,
            "add or rename the file, then run again; what is complete is kept",
        ),
    ];
    ReportHead {
        batch: "batch.toml".into(),
        version: format!("e2m {}", env!("CARGO_PKG_VERSION")),
        started: "2026-11-20 22:14".into(),
        seconds: 7421.0,
        tally: "2 complete, 1 suspect, 1 failed, 1 interrupted, 1 left out, 1 not begun".into(),
        problems,
        tasks,
        files: [
            ("table (CSV)", "e2m_batch.csv"),
            ("results (JSON)", "e2m_batch.json"),
        ]
        .map(|(label, path)| ReportFile {
            label: label.into(),
            path: path.into(),
        })
        .into(),
        ..ReportHead::default()
    }
}

fn complete(sample: &str, dye: &str, residual: f64, scale: f64) -> ReportRow {
    ReportRow {
        verdict: Some(ReportVerdict::Pass),
        residual_median_px: Some(residual),
        residual_p90_px: Some(2.2 * residual),
        correlation: Some(0.94),
        overlap_fraction: Some(0.987),
        scales: vec![
            ReportScale {
                method: "Moffat".into(),
                value: scale,
                std_error: Some(0.0021),
            },
            ReportScale {
                method: "percentile p50".into(),
                value: 1.06 * scale,
                std_error: None,
            },
        ],
        seconds: Some(87.4),
        stages: stages(&[(14.2, false), (9.8, false), (22.4, false), (41.0, false)]),
        peak_bytes: Some(1_640_000_000),
        plan_bytes: Some(2_050_000_000),
        files: files(sample, dye, true),
        ..ReportRow::new(sample, dye, ReportStatus::Complete)
    }
}

fn stages(times: &[(f64, bool)]) -> Vec<ReportStage> {
    let names = [
        "1 padding",
        "2 coarse alignment",
        "3 fine alignment",
        "4 difference",
    ];
    names
        .into_iter()
        .zip(times)
        .map(|(name, &(seconds, skipped))| ReportStage {
            name: name.into(),
            seconds,
            skipped,
        })
        .collect()
}

fn files(sample: &str, dye: &str, difference: bool) -> Vec<ReportFile> {
    let folder = PathBuf::from(sample).join(dye);
    let mut files = vec![("record", folder.join("e2m_task.json"))];
    if difference {
        files.push((
            "difference (TIFF)",
            folder.join("tiff/04_difference_difference.tiff"),
        ));
        files.push((
            "difference (FITS)",
            folder.join("fits/04_difference_difference.fits"),
        ));
    }
    files
        .into_iter()
        .map(|(label, path)| ReportFile {
            label: label.into(),
            path,
        })
        .collect()
}
