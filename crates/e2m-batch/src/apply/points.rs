//! Warps the points of a table: CSV with a header.

use super::error::ApplyError;
use super::warp::{Direction, Frame, TaskWarp};
use csv::{ReaderBuilder, StringRecord, WriterBuilder};
use e2m_io::AtomicFile;
use std::fs::File;
use std::io::{self, BufRead as _, BufReader, BufWriter, Write as _};
use std::path::Path;

/// The names that a column of x, or of y, may have.
const COLUMNS: [[&str; 2]; 2] = [["x", "x_px"], ["y", "y_px"]];

/// Warps the columns `x` and `y` (or `x_px` and `y_px`) of a CSV, row by row, and answers with the number of points.
///
/// Lines before the header that begin with `#` and all other columns stay as they are. Coordinates are those of pixel centres, in px
/// of `frame`; they are written with all their digits, so that the way back leads to where a point came from.
///
/// # Errors
/// A table without these columns, a value that is no number, a point beyond the horizon; what cannot be read or written.
pub fn warp_points(
    warp: &TaskWarp,
    (direction, frame): (Direction, Frame),
    from: &Path,
    to: &Path,
) -> Result<usize, ApplyError> {
    let failed = |action: &'static str, path: &Path| {
        let path = path.to_owned();
        move |source| ApplyError::Io {
            action,
            path,
            source,
        }
    };
    let wrong = |why: String| ApplyError::Content {
        path: from.to_owned(),
        why,
    };
    let mut text = BufReader::new(File::open(from).map_err(failed("read", from))?);
    let mut file = BufWriter::new(AtomicFile::create(to)?);
    while text.fill_buf().map_err(failed("read", from))?.first() == Some(&b'#') {
        let mut line = Vec::new();
        text.read_until(b'\n', &mut line)
            .map_err(failed("read", from))?;
        file.write_all(&line).map_err(failed("write", to))?;
    }
    let mut reader = ReaderBuilder::new().from_reader(text);
    let header = reader
        .headers()
        .map_err(|error| wrong(error.to_string()))?
        .clone();
    let columns = COLUMNS.map(|names| column(&header, names));
    let [Some(x), Some(y)] = columns else {
        return Err(wrong(format!(
            "it has no columns x and y (or x_px and y_px); it has {}",
            header.iter().collect::<Vec<_>>().join(", ")
        )));
    };
    let mut writer = WriterBuilder::new().from_writer(&mut file);
    let written = |error: csv::Error| failed("write", to)(io::Error::other(error));
    writer.write_record(&header).map_err(written)?;
    let mut points = 0;
    for (row, record) in (1..).zip(reader.records()) {
        let record = record.map_err(|error| wrong(error.to_string()))?;
        let number = |column: usize| {
            let text = record.get(column).unwrap_or_default();
            let parsed = text.trim().parse::<f64>().ok().filter(|v| v.is_finite());
            parsed
                .ok_or_else(|| wrong(format!("row {row} has {text:?} where a coordinate belongs")))
        };
        let from_point = [number(x)?, number(y)?];
        let to_point =
            warp.point(direction, frame, from_point)
                .ok_or_else(|| ApplyError::Horizon {
                    path: from.to_owned(),
                    x: from_point[0],
                    y: from_point[1],
                })?;
        let cells = record
            .iter()
            .enumerate()
            .map(|(column, cell)| match column {
                column if column == x => to_point[0].to_string(),
                column if column == y => to_point[1].to_string(),
                _ => cell.to_owned(),
            });
        let cells: StringRecord = cells.collect();
        writer.write_record(&cells).map_err(written)?;
        points += 1;
    }
    writer.flush().map_err(failed("write", to))?;
    drop(writer);
    let file = file.into_inner();
    let file = file.map_err(|error| failed("write", to)(error.into_error()))?;
    file.commit()?;
    Ok(points)
}

/// The number of the column of one of these names.
fn column(header: &StringRecord, names: [&str; 2]) -> Option<usize> {
    names.iter().find_map(|name| {
        header
            .iter()
            .position(|cell| cell.trim().eq_ignore_ascii_case(name))
    })
}
