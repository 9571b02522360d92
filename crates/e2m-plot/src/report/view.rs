//! What the templates are filled with: every figure already in words, every path already a link.

use super::embed::{Embedded, Room, grey_pair, jpeg_size, left_for_comparison};
use super::href::href;
use super::model::{
    Comparison, ReportFile, ReportHead, ReportPicture, ReportRow, ReportStatus, ReportVerdict,
};
use super::pages::Pages;
use super::{TaskSection, text};
use crate::picture::{CLOSE_UPS_GUIDE, COMPARISON_GUIDE, PictureGuide, PictureKind};
use askama::Template;
use rayon::prelude::*;

pub(super) const STYLE: &str = include_str!("../../templates/report/report.css");
const SCRIPT: &str = include_str!("../../templates/report/report.js");
/// Sections beyond this number are folded, but for the first ones with problems.
const OPEN_AT_MOST: usize = 4;

/// The page as far as the first section.
#[derive(Template)]
#[template(path = "report/head.html")]
pub(super) struct HeadView<'a> {
    head: &'a ReportHead,
    style: &'static str,
    took: String,
    problems: Vec<ProblemView<'a>>,
    rows: Vec<RowView<'a>>,
    statuses: Vec<(StatusView, usize)>,
    files: Vec<FileView<'a>>,
    pages: &'a Pages,
}

/// The beginning of a page of sections.
#[derive(Template)]
#[template(path = "report/page.html")]
pub(super) struct PageView<'a> {
    pub(super) head: &'a ReportHead,
    pub(super) style: &'static str,
    pub(super) fingerprint: &'a str,
    pub(super) pages: &'a Pages,
    /// The place of this page, from 0 on.
    pub(super) number: usize,
}

/// What comes after the last section.
#[derive(Template)]
#[template(path = "report/foot.html")]
pub(super) struct FootView<'a> {
    pub(super) head: &'a ReportHead,
    script: &'static str,
}

/// One task with its pictures.
#[derive(Template)]
#[template(path = "report/task.html")]
pub(super) struct SectionView<'a> {
    row: RowView<'a>,
    open: bool,
    facts: Vec<(&'static str, String)>,
    stages: Vec<(&'a str, String)>,
    parameters: &'a [(String, String)],
    /// The difference, which comes first.
    lead: Vec<PictureView<'a>>,
    pictures: Vec<PictureView<'a>>,
    /// Post and aligned pre, whole and close up.
    comparisons: Vec<ComparisonView<'a>>,
}

struct ProblemView<'a> {
    task: &'a str,
    /// The section to go to.
    link: Option<String>,
    class: &'static str,
    what: &'a str,
    to_do: &'a str,
}

struct FileView<'a> {
    label: &'a str,
    href: String,
}

/// A status as a sign, a word, and a place in the order.
#[derive(Clone, Copy)]
struct StatusView {
    status: ReportStatus,
    sign: &'static str,
    word: &'static str,
    class: &'static str,
}

/// One cell: what is read, and what is sorted by.
struct Cell {
    text: String,
    value: Option<String>,
}

/// How much of the planned memory was used.
struct Used {
    /// At most 100.
    percent: f64,
    over: bool,
}

struct RowView<'a> {
    /// The task's place in the batch.
    id: usize,
    /// Its section.
    link: String,
    sample: &'a str,
    dye: &'a str,
    status: StatusView,
    why: Option<&'a str>,
    verdict: Cell,
    median: Cell,
    p90: Option<String>,
    scale: Cell,
    other_scales: Vec<String>,
    time: Cell,
    memory: Cell,
    plan: Option<String>,
    used: Option<Used>,
    files: Vec<FileView<'a>>,
    warnings: &'a [String],
}

struct PictureView<'a> {
    kind: PictureKind,
    guide: &'static PictureGuide,
    variant: &'a str,
    href: String,
    image: Option<Embedded<'a>>,
}

struct ComparisonView<'a> {
    /// Of the two, for names on the page.
    number: usize,
    guide: PictureGuide,
    post: Embedded<'a>,
    aligned: Embedded<'a>,
    factor: Option<String>,
}

impl<'a> HeadView<'a> {
    /// With the sections on pages of their own, if there are any.
    pub(super) fn new(head: &'a ReportHead, order: &[usize], pages: &'a Pages) -> Self {
        let problems = head.problems.iter().map(|problem| {
            let id = head.tasks.iter().position(|row| row.name() == problem.task);
            ProblemView {
                task: &problem.task,
                link: id.map(|id| pages.link(id)),
                class: id.map_or("doubt", |id| StatusView::of(head.tasks[id].status).class),
                what: &problem.what,
                to_do: &problem.to_do,
            }
        });
        let mut statuses: Vec<(StatusView, usize)> = Vec::new();
        for &row in order {
            let status = StatusView::of(head.tasks[row].status);
            match statuses.last_mut() {
                Some((last, count)) if last.status == status.status => *count += 1,
                _ => statuses.push((status, 1)),
            }
        }
        Self {
            head,
            style: STYLE,
            took: text::time(head.seconds),
            problems: problems.collect(),
            rows: order
                .iter()
                .map(|&row| RowView::new(head, row, pages))
                .collect(),
            pages,
            statuses,
            files: files(&head.files),
        }
    }
}

impl<'a> FootView<'a> {
    pub(super) fn new(head: &'a ReportHead) -> Self {
        Self {
            head,
            script: SCRIPT,
        }
    }
}

impl<'a> SectionView<'a> {
    /// The section of `section.row`; `place` is where it stands among all of them.
    pub(super) fn new(head: &'a ReportHead, section: &'a TaskSection, place: usize) -> Self {
        let task = &head.tasks[section.row];
        let few = head.tasks.len() <= OPEN_AT_MOST;
        let problem = task.status != ReportStatus::Complete && place < OPEN_AT_MOST;
        // Encoding is what a report takes its time for.
        let mut pictures: Vec<PictureView<'a>> =
            section.pictures.par_iter().map(PictureView::new).collect();
        pictures.sort_by_key(|picture| (picture.kind, picture.variant));
        let images = pictures.iter().filter_map(|picture| picture.image.as_ref());
        let taken: usize = images.map(|image| image.bytes.len()).sum();
        let (lead, pictures) = pictures
            .into_iter()
            .partition(|picture| picture.kind == PictureKind::DifferenceImage);
        let stages = task.stages.iter().map(|stage| {
            let time = if stage.skipped {
                "was there".to_owned()
            } else {
                text::time(stage.seconds)
            };
            (stage.name.as_str(), time)
        });
        Self {
            row: RowView::new(head, section.row, &Pages::default()),
            parameters: &task.parameters,
            lead,
            open: few || problem,
            facts: facts(task),
            stages: stages.collect(),
            pictures,
            comparisons: comparisons(section, taken),
        }
    }
}

fn files(files: &[ReportFile]) -> Vec<FileView<'_>> {
    files
        .iter()
        .map(|file| FileView {
            label: &file.label,
            href: href(&file.path),
        })
        .collect()
}

fn facts(task: &ReportRow) -> Vec<(&'static str, String)> {
    let mut facts = Vec::new();
    let mut fact = |name, value: Option<String>| facts.extend(value.map(|value| (name, value)));
    fact(
        "Residual, median",
        task.residual_median_px.map(text::pixels),
    );
    fact(
        "Residual, 90th percentile",
        task.residual_p90_px.map(text::pixels),
    );
    fact(
        "Post covered by pre",
        task.overlap_fraction.map(text::percent),
    );
    fact(
        "Correlation",
        task.correlation.map(|value| format!("{value:.3}")),
    );
    fact("Microbes", task.microbes.clone());
    fact("Channels", task.channels.clone());
    facts.extend(task.raw.iter().map(|(name, value)| (*name, value.clone())));
    facts
}

impl StatusView {
    fn of(status: ReportStatus) -> Self {
        let (sign, word, class) = match status {
            ReportStatus::Failed => ("✕", "failed", "bad"),
            ReportStatus::Suspect => ("?", "suspect", "doubt"),
            ReportStatus::Interrupted => ("‖", "interrupted", "doubt"),
            ReportStatus::LeftOut => ("–", "left out", "doubt"),
            ReportStatus::NotBegun => ("○", "not begun", "none"),
            ReportStatus::Complete => ("✓", "complete", "good"),
        };
        Self {
            status,
            sign,
            word,
            class,
        }
    }

    fn rank(&self) -> u8 {
        self.status as u8
    }
}

impl Cell {
    fn new(value: Option<f64>, text: impl FnOnce(f64) -> String) -> Self {
        Self {
            text: value.map(text).unwrap_or_default(),
            value: text::sortable(value),
        }
    }
}

fn word(verdict: ReportVerdict) -> &'static str {
    match verdict {
        ReportVerdict::Fail => "fail",
        ReportVerdict::Suspect => "suspect",
        ReportVerdict::Pass => "pass",
    }
}

impl<'a> RowView<'a> {
    fn new(head: &'a ReportHead, id: usize, pages: &Pages) -> Self {
        let row = &head.tasks[id];
        let verdict = row.verdict.map(|verdict| (word(verdict), verdict));
        let doubt = row
            .scale_verdict
            .filter(|verdict| *verdict != ReportVerdict::Pass)
            .map(|verdict| format!(" {}", word(verdict)))
            .unwrap_or_default();
        let black = row.black_levels.filter(|levels| *levels != (0.0, 0.0));
        let black = black.map(|(post, pre)| format!("black levels {post:.2}, {pre:.2} counts"));
        let first = row.scales.first();
        let others = row.scales.iter().skip(1);
        Self {
            id,
            link: pages.link(id),
            sample: &row.sample,
            dye: &row.dye,
            status: StatusView::of(row.status),
            why: row.why.as_deref(),
            verdict: Cell {
                text: verdict.map(|(word, _)| word.into()).unwrap_or_default(),
                value: verdict.map(|(_, verdict)| (verdict as u8).to_string()),
            },
            median: Cell::new(row.residual_median_px, text::pixels),
            p90: row.residual_p90_px.map(text::pixels),
            scale: Cell {
                text: first
                    .map(|scale| text::with_error(scale.value, scale.std_error) + &doubt)
                    .unwrap_or_default(),
                value: text::sortable(first.map(|scale| scale.value)),
            },
            other_scales: others
                .map(|scale| {
                    let value = text::with_error(scale.value, scale.std_error);
                    format!("{} {value}", scale.method)
                })
                .chain(black)
                .chain(row.channels.clone())
                .collect(),
            time: Cell {
                text: time(row),
                value: text::sortable(row.seconds),
            },
            memory: Cell {
                text: row.peak_bytes.map(text::bytes).unwrap_or_default(),
                value: text::sortable(row.peak_bytes.map(|bytes| bytes as f64)),
            },
            plan: row.plan_bytes.map(text::bytes),
            used: used(row),
            files: files(&row.files),
            warnings: &row.warnings,
        }
    }
}

fn time(row: &ReportRow) -> String {
    match (row.seconds, row.status) {
        (Some(seconds), _) => text::time(seconds),
        (None, ReportStatus::Complete | ReportStatus::Suspect) => "was there".into(),
        (None, _) => String::new(),
    }
}

fn used(row: &ReportRow) -> Option<Used> {
    let (peak, plan) = (row.peak_bytes?, row.plan_bytes.filter(|plan| *plan > 0)?);
    let share = peak as f64 / plan as f64;
    Some(Used {
        percent: (share * 100.0).min(100.0).round(),
        over: peak > plan,
    })
}

impl<'a> PictureView<'a> {
    fn new(picture: &'a ReportPicture) -> Self {
        Self {
            kind: picture.kind,
            guide: picture.kind.guide(),
            variant: &picture.variant,
            href: href(&picture.path),
            image: Embedded::png(&picture.png, Room::of(picture.kind)),
        }
    }
}

/// Those that a section has, given the bytes that its pictures have taken.
fn comparisons(section: &TaskSection, taken: usize) -> Vec<ComparisonView<'_>> {
    let both = [
        (COMPARISON_GUIDE, &section.comparison),
        (CLOSE_UPS_GUIDE, &section.close_ups),
    ];
    let there: Vec<(PictureGuide, &Comparison)> = both
        .into_iter()
        .filter_map(|(guide, comparison)| Some((guide, comparison.as_ref()?)))
        .collect();
    let each = left_for_comparison(taken) / there.len().max(1);
    let views = there
        .into_iter()
        .enumerate()
        .filter_map(|(number, (guide, comparison))| {
            ComparisonView::new(number, guide, comparison, each)
        });
    views.collect()
}

impl<'a> ComparisonView<'a> {
    /// None where one of the two cannot be read, or where they are not of the same size. They have `enough` bytes together.
    fn new(
        number: usize,
        guide: PictureGuide,
        comparison: &'a Comparison,
        enough: usize,
    ) -> Option<Self> {
        let whole = [&comparison.post[..], &comparison.aligned[..]];
        let original = jpeg_size(whole[0])?;
        let [post, aligned] = grey_pair(whole, enough)?;
        let narrowed = original.0 as f64 / post.width as f64;
        let factor = comparison
            .factor
            .map(|factor| factor * narrowed)
            .filter(|factor| factor.is_finite() && *factor > 1.0)
            .map(|factor| format!("{factor:.1}"));
        Some(Self {
            number,
            guide,
            post,
            aligned,
            factor,
        })
    }
}
