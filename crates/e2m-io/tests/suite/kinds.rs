//! Which formats, compressions and sample types are read: every file that tifffile and imagecodecs write is read as they read it,
//! or refused in words that name the cause. What comes of it is the table in docs/raw-files.md.
//!
//! With `E2M_TEST_WRITE_DOCS=1` the table is written instead of compared.

use e2m_image::{BandSource, PlaneView};
use e2m_io::RawImage;
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
enum Outcome {
    Read,
    Refused(String),
}

/// One line of the list.
struct Kind<'a> {
    group: &'a str,
    row: &'a str,
    column: &'a str,
    file: &'a str,
    right: Option<(&'a str, [usize; 3], f32)>,
}

fn kinds(list: &str) -> Vec<Kind<'_>> {
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
                right: (fields[4] != "-").then_some((fields[4], shape, number(8) as f32)),
            }
        })
        .collect()
}

/// Reads a file and holds it against what it should be. What is read and wrong fails the test.
fn outcome(folder: &Path, kind: &Kind<'_>) -> Outcome {
    let loaded = RawImage::open(&folder.join(kind.file)).and_then(|mut image| {
        let choice = image.choose_alone()?;
        let (plane, bands) = (image.load_plane(&choice)?, image.bands(&choice)?);
        assert_eq!(image.info().size, plane.size(), "{}", kind.file);
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

type Outcomes = BTreeMap<(String, String, String), BTreeSet<Outcome>>;

/// What became of each row and column of a group, as a table in Markdown. Reasons are numbered below it.
fn table(list: &[Kind<'_>], group: &str, outcomes: &Outcomes) -> String {
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
    let mut outcomes = Outcomes::new();
    for kind in &list {
        let key = (
            kind.group.to_owned(),
            kind.row.to_owned(),
            kind.column.to_owned(),
        );
        let found = outcome(folder.path(), kind);
        outcomes.entry(key).or_default().insert(found);
    }
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
    let text = std::fs::read_to_string(docs()).expect("docs/raw-files.md");
    let (before, rest) = text.split_once(BEGIN).expect("the table's beginning");
    let (there, after) = rest.split_once(END).expect("the table's end");
    if std::env::var_os("E2M_TEST_WRITE_DOCS").is_some() {
        let all = format!("{before}{BEGIN}\n{tables}{END}{after}");
        std::fs::write(docs(), all).expect("docs can be written");
        return;
    }
    assert_eq!(
        there.trim(),
        tables.trim(),
        "docs/raw-files.md says otherwise"
    );
}
