//! Which formats, compressions and sample types are read: every file that tifffile and imagecodecs write is read as they read it,
//! or refused in words that name the cause. What comes of it is the table in docs/raw-files.md.
//!
//! With `E2M_TEST_WRITE_DOCS=1` the table is written instead of compared.

use e2m_image::{BandSource, PlaneView};
use e2m_io::{ChannelRequest, PageRequest, RawImage};
use ndarray::{Array2, s};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

const BEGIN: &str = "<!-- The table is written by `E2M_TEST_WRITE_DOCS=1 cargo nextest run --workspace -E 'test(kinds::)'`. -->\n";
const END: &str = "<!-- End of the table. -->\n";

/// Rows of the bands that files are read in as well.
const BAND_ROWS: usize = 19;

/// What became of all files of one row and column.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Outcome {
    Read,
    Refused(String),
}

/// One line of the list.
pub(crate) struct Kind<'a> {
    group: &'a str,
    row: &'a str,
    column: &'a str,
    pub(crate) file: &'a str,
    pub(crate) right: Option<(&'a str, [usize; 3], f32)>,
    /// The page and the channel that are asked for.
    pub(crate) asked: [&'a str; 2],
    /// Micrometres of a pixel, where the list has them.
    pub(crate) um: Option<f64>,
}

pub(crate) fn kinds(list: &str) -> Vec<Kind<'_>> {
    list.lines()
        .map(|line| {
            let fields: Vec<&str> = line.split('\t').collect();
            let number = |i: usize| fields[i].parse::<usize>().expect("a number");
            let shape = [number(5), number(6), number(7)];
            Kind {
                group: fields[0],
                row: fields[1],
                column: fields[2],
                file: fields[3],
                right: (fields[4] != "-").then(|| {
                    let tolerance: f32 = fields[8].parse().expect("a number");
                    (fields[4], shape, tolerance)
                }),
                asked: [9, 10].map(|i| fields.get(i).copied().unwrap_or("auto")),
                um: fields.get(11).and_then(|um| um.parse().ok()),
            }
        })
        .collect()
}

/// Reads a file and holds it against what it should be. What is read and wrong fails the test.
pub(crate) fn outcome(folder: &Path, kind: &Kind<'_>) -> Outcome {
    let [page, channel] = kind.asked;
    let page = PageRequest::from_word(page).expect("a page");
    let channel = ChannelRequest::from_word(channel).expect("a channel");
    let opened = RawImage::open_page(&folder.join(kind.file), &page, &channel);
    let loaded = opened.and_then(|mut image| {
        let choice = image.choose_alone()?;
        let (plane, bands) = (image.load_plane(&choice)?, image.bands(&choice)?);
        assert_eq!(image.info().size, plane.size(), "{}", kind.file);
        if let Some(um) = kind.um {
            let found = image.info().pixel_size.map(|size| size.um);
            let near =
                found.is_some_and(|found| found.iter().all(|own| (own / um - 1.0).abs() < 1e-3));
            assert!(near, "{}: {found:?} instead of {um} um", kind.file);
        }
        Ok((plane, choice, bands))
    });
    let (plane, choice, mut bands) = match loaded {
        Ok(loaded) => loaded,
        Err(error) => return Outcome::Refused(error.problem.to_string()),
    };
    let Some((raw, [height, width, channels], tolerance)) = kind.right else {
        panic!(
            "{}: it was read, and nobody knows what it should be",
            kind.file
        );
    };
    let bytes = std::fs::read(folder.join(raw)).expect("expected pixels");
    let right: Vec<f32> = bytes
        .as_chunks()
        .0
        .iter()
        .map(|&b| f32::from_le_bytes(b))
        .collect();
    let found = PlaneView::from(&plane).window(0, 0, plane.size());
    assert_eq!(found.dim(), (height, width), "{}", kind.file);
    let mut streamed = Array2::zeros((height, width));
    for first in (0..height).step_by(BAND_ROWS) {
        let rows = BAND_ROWS.min(height - first);
        let band = streamed.slice_mut(s![first..first + rows, ..]);
        bands.read_band(first, band).expect("a band");
    }
    assert_eq!(streamed, found, "{} in bands", kind.file);
    let tolerance = tolerance * choice.active.len() as f32;
    for ((y, x), &value) in found.indexed_iter() {
        let pixel = &right[(y * width + x) * channels..][..channels];
        let wanted: f32 = choice.active.iter().map(|&channel| pixel[channel]).sum();
        // Sums of floats are rounded.
        let near = tolerance.max(wanted.abs() * 1e-6 * (choice.active.len() - 1) as f32);
        assert!(
            (value - wanted).abs() <= near,
            "{}: {value} at ({x}, {y}) where {wanted} belongs",
            kind.file
        );
    }
    Outcome::Read
}

pub(crate) type Outcomes = BTreeMap<(String, String, String), BTreeSet<Outcome>>;

/// What becomes of all files of a list.
pub(crate) fn outcomes(folder: &Path, list: &[Kind<'_>]) -> Outcomes {
    let mut outcomes = Outcomes::new();
    for kind in list {
        let key = [kind.group, kind.row, kind.column].map(str::to_owned);
        let found = outcome(folder, kind);
        outcomes.entry(key.into()).or_default().insert(found);
    }
    outcomes
}

/// Holds tables against those in docs/raw-files.md between these marks, or writes them.
pub(crate) fn compare_docs((begin, end): (&str, &str), tables: &str) {
    let text = std::fs::read_to_string(docs()).expect("docs/raw-files.md");
    let (before, rest) = text.split_once(begin).expect("the table's beginning");
    let (there, after) = rest.split_once(end).expect("the table's end");
    if std::env::var_os("E2M_TEST_WRITE_DOCS").is_some() {
        let all = format!("{before}{begin}\n{tables}{end}{after}");
        std::fs::write(docs(), all).expect("docs can be written");
        return;
    }
    assert_eq!(
        there.trim(),
        tables.trim(),
        "docs/raw-files.md says otherwise"
    );
}

/// What became of each row and column of a group, as a table in Markdown. Reasons are numbered below it.
pub(crate) fn table(list: &[Kind<'_>], group: &str, outcomes: &Outcomes) -> String {
    let mut rows: Vec<&str> = Vec::new();
    let mut columns: Vec<&str> = Vec::new();
    for kind in list.iter().filter(|kind| kind.group == group) {
        if !rows.contains(&kind.row) {
            rows.push(kind.row);
        }
        let column = kind
            .column
            .split(',')
            .next()
            .unwrap_or_default()
            .trim_end_matches(" RGB");
        if !columns.contains(&column) {
            columns.push(column);
        }
    }
    let mut reasons: Vec<String> = Vec::new();
    let mut text = format!(
        "| | {} |\n|---|{}\n",
        columns.join(" | "),
        "---|".repeat(columns.len())
    );
    for row in rows {
        let _ = write!(text, "| {row} |");
        for column in &columns {
            let of_column = outcomes.iter().filter(|((a, b, c), _)| {
                let own = c
                    .split(',')
                    .next()
                    .unwrap_or_default()
                    .trim_end_matches(" RGB");
                a == group && b == row && own == *column
            });
            let found: BTreeSet<&Outcome> = of_column.flat_map(|(_, found)| found).collect();
            let words: Vec<String> = found
                .iter()
                .map(|outcome| match outcome {
                    Outcome::Read => "read".to_owned(),
                    Outcome::Refused(why) => {
                        let number = reasons.iter().position(|known| known == why);
                        let number = number.unwrap_or_else(|| {
                            reasons.push(why.clone());
                            reasons.len() - 1
                        });
                        format!("no ({})", number + 1)
                    }
                })
                .collect();
            let _ = write!(text, " {} |", words.join(", "));
        }
        text.push('\n');
    }
    text.push('\n');
    for (number, reason) in reasons.iter().enumerate() {
        let _ = writeln!(text, "{}. {reason}", number + 1);
    }
    text
}

fn docs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/raw-files.md")
}

#[test]
fn every_kind_is_read_rightly_or_refused_as_the_docs_say() {
    let folder = tempfile::tempdir().expect("folder");
    if crate::common::python("write_kinds.py", &[folder.path()]).is_none() {
        return;
    }
    let list = std::fs::read_to_string(folder.path().join("kinds.tsv")).expect("kinds.tsv");
    let list = kinds(&list);
    assert!(list.len() > 500, "only {} files", list.len());
    let outcomes = outcomes(folder.path(), &list);
    let titles = [
        (
            "compression",
            "Compressions and sample types, grey and RGB, in strips and tiles, of both byte orders. Empty: not written by tifffile.",
        ),
        ("bits", "Samples of other than whole bytes."),
        ("tags", "Bit order and orientation."),
    ];
    let mut tables = String::new();
    for (group, title) in titles {
        let _ = write!(tables, "{title}\n\n{}\n", table(&list, group, &outcomes));
    }
    compare_docs((BEGIN, END), &tables);
}
