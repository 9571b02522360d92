//! The table of raw images that `[files] table` names: which file is pre or post of which sample and dye, and with which parameters.

mod proposal;

use super::params::accept_text;
use e2m_io::{
    Discovery, MissingPair, MissingReason, RawPair, Selection, Stain, check_name, composed,
    is_raw_name,
};
use e2m_pipeline::{ParamSpec, ParamValue, Params, REGISTRY};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

pub use proposal::{ProposedTable, propose_table};

/// Columns that a table has to have.
pub(crate) const COLUMNS: [&str; 4] = ["sample", "dye", "pre", "post"];
/// No table is longer: a hundred thousand rows take some 10 MB.
const MAX_BYTES: u64 = 32 << 20;
/// Rows that a message names.
const MAX_PROBLEMS: usize = 20;

/// A table of raw images.
#[derive(Debug, Clone, PartialEq)]
pub struct FileTable {
    path: PathBuf,
    rows: Vec<Row>,
}

/// The images of a task.
#[derive(Debug, Clone, PartialEq)]
struct Row {
    line: u64,
    sample: String,
    dye: String,
    pre: Option<PathBuf>,
    post: Option<PathBuf>,
    params: Vec<(&'static str, ParamValue)>,
}

impl FileTable {
    /// Reads a table; its files are relative to its own folder.
    ///
    /// It is CSV with commas, semicolons or tabs, a line of column names first; empty lines and those that begin with `#` are passed
    /// over. Besides the four columns that name the images, every column is a parameter by its name; an empty cell leaves it as it is.
    ///
    /// # Errors
    /// Everything that is wrong with it, a sentence each.
    pub fn read(path: &Path) -> Result<Self, Vec<String>> {
        let mut bytes = Vec::new();
        let shown = path.display();
        let read =
            File::open(path).and_then(|file| file.take(MAX_BYTES + 1).read_to_end(&mut bytes));
        match read {
            Ok(length) if length as u64 > MAX_BYTES => {
                return Err(vec![format!(
                    "{shown} is longer than {MAX_BYTES} bytes: it is no table of files"
                )]);
            }
            Ok(_) => {}
            Err(error) => {
                return Err(vec![format!(
                    "the table {shown} cannot be read: {error}; `e2m init --table` writes one"
                )]);
            }
        }
        let text = String::from_utf8(bytes).map_err(|error| {
            vec![format!(
                "{shown} is not UTF-8 text (byte {}); save it as \"CSV UTF-8\"",
                error.utf8_error().valid_up_to()
            )]
        })?;
        Self::parse(path, text.trim_start_matches('\u{feff}'))
    }

    fn parse(path: &Path, text: &str) -> Result<Self, Vec<String>> {
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let mut reader = csv::ReaderBuilder::new()
            .delimiter(delimiter_of(text))
            .comment(Some(b'#'))
            .flexible(true)
            .trim(csv::Trim::All)
            .from_reader(text.as_bytes());
        let header = reader
            .headers()
            .map_err(|error| vec![format!("{name}: {error}")])?
            .clone();
        let columns = columns(&name, &header)?;
        let folder = path.parent().unwrap_or(Path::new(""));
        let (mut rows, mut problems) = (Vec::new(), Vec::new());
        let mut seen: BTreeMap<(String, String), u64> = BTreeMap::new();
        for record in reader.records() {
            let record = match record {
                Ok(record) => record,
                Err(error) => {
                    problems.push(format!("{name}: {error}"));
                    break;
                }
            };
            if record.iter().all(str::is_empty) {
                continue;
            }
            let line = record.position().map_or(0, csv::Position::line);
            match row(&record, &columns, folder, line) {
                Ok(row) => {
                    let task = (row.sample.clone(), row.dye.clone());
                    match seen.insert(task, line) {
                        Some(first) => problems.push(format!(
                            "{name}, line {line}: {} {} stands in line {first} already",
                            row.sample, row.dye
                        )),
                        None => rows.push(row),
                    }
                }
                Err(why) => problems.push(format!("{name}, line {line}: {why}")),
            }
            if problems.len() >= MAX_PROBLEMS {
                break;
            }
        }
        if rows.is_empty() && problems.is_empty() {
            problems.push(format!("{name} has no row: it names no image"));
        }
        if problems.is_empty() {
            let path = path.to_owned();
            Ok(Self { path, rows })
        } else {
            Err(problems)
        }
    }

    /// `params` with what the row of a task says.
    pub(crate) fn over(&self, mut params: Params, sample: &str, dye: &str) -> Params {
        let is = |a: &str, b: &str| composed(a) == composed(b);
        let mut rows = self.rows.iter();
        let row = rows.find(|row| is(&row.sample, sample) && is(&row.dye, dye));
        for (name, value) in row.into_iter().flat_map(|row| &row.params) {
            // Each was accepted when it was read.
            if let Err(error) = params.set(name, value.clone()) {
                tracing::error!(%error, "a parameter was accepted first and refused later");
            }
        }
        params
    }

    /// The pairs of the wanted samples and dyes, in the order of the table.
    pub(crate) fn discover(&self, samples: &Selection, dyes: &Selection) -> Discovery {
        let mut discovery = Discovery::default();
        let wanted = |selection: &Selection, name: &str| match selection {
            Selection::All => true,
            Selection::Named(names) => names.iter().any(|n| composed(n) == name),
        };
        for row in &self.rows {
            if !wanted(samples, &row.sample) || !wanted(dyes, &row.dye) {
                continue;
            }
            match row.pair(&self.path) {
                Ok(pair) => discovery.pairs.push(pair),
                Err(reason) => discovery.missing.push(MissingPair {
                    sample: row.sample.clone(),
                    dye: Some(row.dye.clone()),
                    reason,
                }),
            }
        }
        for (selection, of) in [
            (
                samples,
                (|row: &Row| row.sample.clone()) as fn(&Row) -> String,
            ),
            (dyes, |row| row.dye.clone()),
        ] {
            let Selection::Named(names) = selection else {
                continue;
            };
            let unknown = names
                .iter()
                .map(|name| composed(name).into_owned())
                .filter(|name| !self.rows.iter().any(|row| of(row) == *name));
            discovery.missing.extend(unknown.map(|name| MissingPair {
                sample: name,
                dye: None,
                reason: MissingReason::NotListed {
                    table: self.path.clone(),
                },
            }));
        }
        discovery
    }
}

impl Row {
    fn pair(&self, table: &Path) -> Result<RawPair, MissingReason> {
        for name in [&self.sample, &self.dye] {
            check_name(name).map_err(MissingReason::UnsafeName)?;
        }
        let there = |stain, path: &Option<PathBuf>| match path {
            Some(path) if path.is_file() || path.is_dir() && is_raw_name(path, true) => {
                Ok(path.clone())
            }
            path => Err(MissingReason::NotThere {
                stain,
                path: path.clone(),
                said_in: format!("line {} of {}", self.line, table.display()),
            }),
        };
        Ok(RawPair {
            post: there(Stain::Post, &self.post)?,
            pre: there(Stain::Pre, &self.pre)?,
            sample: self.sample.clone(),
            dye: self.dye.clone(),
        })
    }
}

/// What the columns of a table are.
struct Columns {
    named: [usize; 4],
    params: Vec<(usize, &'static ParamSpec)>,
}

fn columns(name: &str, header: &csv::StringRecord) -> Result<Columns, Vec<String>> {
    let mut problems = Vec::new();
    let position = |wanted: &str| header.iter().position(|c| c.eq_ignore_ascii_case(wanted));
    let named = COLUMNS.map(|column| {
        position(column).unwrap_or_else(|| {
            problems.push(format!(
                "{name} has no column {column}; its first line has to name the columns {}",
                COLUMNS.join(", ")
            ));
            0
        })
    });
    let mut params = Vec::new();
    for (index, column) in header.iter().enumerate() {
        let is_named = COLUMNS.iter().any(|c| c.eq_ignore_ascii_case(column));
        if is_named || column.is_empty() {
            continue;
        }
        match REGISTRY.iter().find(|spec| spec.name == column) {
            Some(spec) => params.push((index, spec)),
            None => problems.push(format!(
                "{name} has a column {column:?}, which is no parameter; `e2m params` lists them"
            )),
        }
    }
    if problems.is_empty() {
        Ok(Columns { named, params })
    } else {
        Err(problems)
    }
}

fn row(
    record: &csv::StringRecord,
    columns: &Columns,
    folder: &Path,
    line: u64,
) -> Result<Row, String> {
    let cell = |index: usize| record.get(index).unwrap_or_default();
    let [sample, dye, pre, post] = columns.named.map(cell);
    for (column, text) in COLUMNS.into_iter().zip([sample, dye]) {
        if text.is_empty() {
            return Err(format!("the {column} is left empty"));
        }
    }
    let file = |text: &str| (!text.is_empty()).then(|| folder.join(text));
    let mut params = Vec::new();
    for &(index, spec) in &columns.params {
        let text = cell(index);
        if text.is_empty() {
            continue;
        }
        let value = accept_text(spec, text)
            .ok_or_else(|| format!("{} is {text:?}, it must be {}", spec.name, spec.expected()))?;
        params.push((spec.name, value));
    }
    Ok(Row {
        line,
        sample: composed(sample).into_owned(),
        dye: composed(dye).into_owned(),
        pre: file(pre),
        post: file(post),
        params,
    })
}

/// What separates the names of the columns: programs write what is usual in their country.
fn delimiter_of(text: &str) -> u8 {
    let mut lines = text.lines().map(str::trim);
    let header = lines
        .find(|line| !line.is_empty() && !line.starts_with('#'))
        .unwrap_or_default();
    let number = |delimiter: &u8| header.bytes().filter(|byte| byte == delimiter).count();
    let most = [b',', b';', b'\t'].into_iter().rev().max_by_key(number);
    most.unwrap_or(b',')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<FileTable, Vec<String>> {
        FileTable::parse(Path::new("/b/files.csv"), text)
    }

    #[test]
    fn a_table_in_any_country() {
        for delimiter in [",", ";", "\t"] {
            let text = "# mine\nsample,dye,pre,post,channel,pixel_size_um\n\nS1,DAPI,raw/a.tif,/x/b.tif,2,0.5\nS1,GFP,raw/a.tif,raw/b.tif,,\n"
                .replace(',', delimiter);
            let table = parse(&text).expect("a table");
            assert_eq!(table.rows.len(), 2);
            assert_eq!(table.rows[0].pre, Some("/b/raw/a.tif".into()));
            assert_eq!(table.rows[0].post, Some("/x/b.tif".into()));
            let params = table.over(Params::default(), "S1", "DAPI");
            assert_eq!(params.pixel_size_um, Some(0.5));
            assert_eq!(params.channel, "2".parse_channel());
            assert_eq!(
                table.over(Params::default(), "S1", "GFP"),
                Params::default()
            );
        }
    }

    /// A channel as a batch file has it.
    trait ParseChannel {
        fn parse_channel(&self) -> e2m_io::ChannelRequest;
    }

    impl ParseChannel for str {
        fn parse_channel(&self) -> e2m_io::ChannelRequest {
            e2m_io::ChannelRequest::from_word(self).expect("a channel")
        }
    }

    #[test]
    fn everything_wrong_is_said_at_once() {
        let problems =
            parse("sample,dye,pre,post,pad\nS1,,a,b,3\nS1,D,a,b,x\nS2,D,a,b,5\nS2,D,a,b,5\n")
                .expect_err("wrong");
        assert_eq!(problems.len(), 3, "{problems:?}");
        for (problem, words) in problems.iter().zip([
            "line 2: the dye",
            "line 3: pad",
            "line 5: S2 D stands in line 4",
        ]) {
            assert!(problem.contains(words), "{problem}");
        }
        let problems = parse("sample,dye,pre,chanel\nS1,D,a,1\n").expect_err("wrong");
        assert!(problems[0].contains("no column post"), "{problems:?}");
        assert!(problems[1].contains("\"chanel\""), "{problems:?}");
        assert!(parse("sample,dye,pre,post\n").expect_err("empty")[0].contains("no row"));
    }

    #[test]
    fn what_is_not_there_is_missing() {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("a.tif"), b"x").expect("written");
        let path = folder.path().join("files.csv");
        std::fs::write(
            &path,
            "sample,dye,pre,post\nS1,D,a.tif,a.tif\nS2,D,a.tif,b.tif\nS3,D,,a.tif\n",
        )
        .expect("written");
        let table = FileTable::read(&path).expect("a table");
        let found = table.discover(&Selection::All, &Selection::All);
        assert_eq!(found.pairs.len(), 1);
        let said: Vec<String> = found.missing.iter().map(ToString::to_string).collect();
        assert!(said[0].contains("b.tif is not there (line 3"), "{said:?}");
        assert!(
            said[1].contains("pre image is left empty (line 4"),
            "{said:?}"
        );
        let named = Selection::Named(vec!["S1".into(), "S9".into()]);
        let found = table.discover(&named, &Selection::All);
        assert_eq!((found.pairs.len(), found.missing.len()), (1, 1));
        assert!(found.missing[0].to_string().contains("S9"));
    }
}
