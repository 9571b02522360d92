//! The tables of a task: from what the stages have found to CSV files in `pipeline_output`.

#[cfg(test)]
mod tests;

use crate::artifact::{Rows, Table};
use crate::error::PipelineError;
use crate::history::relative_path;
use crate::manifest::TableRecord;
use crate::resume::Results;
use crate::workbench::Workbench;
use e2m_io::{content_hash_of, write_atomic};

/// Where rows come from: at the workbench, from what the stages up to that of the table have found.
type Source = fn(&mut Workbench<'_>, &Results) -> Result<Rows, PipelineError>;

impl Table {
    /// What is in it.
    fn source(self) -> Source {
        match self {
            #[cfg(test)]
            Self::Example => tests::rows,
        }
    }
}

/// Writes a table in one step, and answers with what the manifest says of it.
pub(crate) fn write(
    bench: &mut Workbench<'_>,
    table: Table,
    results: &Results,
) -> Result<TableRecord, PipelineError> {
    let task = bench.task;
    let path = table.path(&task.paths, &task.spec.params);
    let content = csv(table.columns(), &table.source()(bench, results)?);
    let hash = content_hash_of(content.as_bytes())
        .map_err(PipelineError::io(&path, "hashing the table"))?;
    write_atomic(&path, content.as_bytes())?;
    Ok(TableRecord {
        path: relative_path(task.paths.dir(), &path),
        bytes: content.len() as u64,
        hash,
    })
}

/// A line of names, and one for each row.
fn csv(columns: &[&str], rows: &[Vec<String>]) -> String {
    let line = |cells: Vec<String>| cells.join(",") + "\n";
    let names = line(columns.iter().map(|name| quoted(name)).collect());
    let rows = rows
        .iter()
        .map(|row| line(row.iter().map(|cell| quoted(cell)).collect()));
    std::iter::once(names).chain(rows).collect()
}

/// A cell, in quotation marks where it would otherwise end early.
fn quoted(cell: &str) -> String {
    if cell.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", cell.replace('"', "\"\""))
    } else {
        cell.to_owned()
    }
}
