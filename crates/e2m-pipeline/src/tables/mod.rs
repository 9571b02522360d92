//! The tables of a task: from what the stages have found to files in `pipeline_output`. Rows go to the disk as they are
//! made, those of Parquet some ten thousand at a time.

mod hashed;
#[cfg(test)]
mod tests;

use crate::artifact::Table;
use crate::error::PipelineError;
use crate::history::relative_path;
use crate::manifest::TableRecord;
use crate::workbench::Workbench;
use e2m_detect::{write_csv, write_geojson, write_parquet, write_regions};
use e2m_io::AtomicFile;
use hashed::Hashed;
use std::io::{BufWriter, Write};

impl Table {
    /// Writes what is in it.
    fn write_to(self, bench: &Workbench<'_>, out: &mut (dyn Write + Send)) -> std::io::Result<()> {
        let Some(detected) = &bench.detected else {
            return Ok(());
        };
        let (catalogue, placement) = (&detected.catalogue, &detected.placement);
        match self {
            Self::Microbes => write_csv(out, catalogue, placement, &detected.notes),
            Self::MicrobesParquet => write_parquet(out, catalogue, placement, &detected.notes),
            Self::MicrobesGeoJson => write_geojson(out, catalogue, placement),
            Self::MicrobesRegions => write_regions(out, catalogue),
        }
    }
}

/// Writes a table in one step, and answers with what the manifest says of it.
pub(crate) fn write(bench: &Workbench<'_>, table: Table) -> Result<TableRecord, PipelineError> {
    let task = bench.task;
    let path = table.path(&task.paths, &task.spec.params);
    let mut out = BufWriter::new(Hashed::new(AtomicFile::create(&path)?));
    let written = table.write_to(bench, &mut out);
    let failed = || PipelineError::io(&path, "writing the table");
    written.map_err(failed())?;
    let out = out
        .into_inner()
        .map_err(|error| failed()(error.into_error()))?;
    let (file, bytes, hash) = out.finish();
    file.commit()?;
    Ok(TableRecord {
        path: relative_path(task.paths.dir(), &path),
        bytes,
        hash,
    })
}
