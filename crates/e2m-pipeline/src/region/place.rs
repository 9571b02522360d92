//! Places on the canvas.

use super::error::RegionError;
use e2m_image::Size;
use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::Path;

/// A rectangle of the canvas, whole pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Region {
    /// Its first column.
    pub x: usize,
    /// Its first row.
    pub y: usize,
    /// Columns.
    pub width: usize,
    /// Rows.
    pub height: usize,
}

impl Region {
    /// The part of the rectangle from pixel `(x0, y0)` up to but without `(x1, y1)` that lies on a canvas of this size; none where
    /// none does.
    pub fn clipped([x0, y0, x1, y1]: [i64; 4], canvas: Size) -> Option<Self> {
        let span = |from: i64, to: i64, side: usize| {
            let side = i64::try_from(side).unwrap_or(i64::MAX);
            let (from, to) = (from.clamp(0, side), to.clamp(0, side));
            (from < to).then_some((from as usize, (to - from) as usize))
        };
        let (x, width) = span(x0, x1, canvas.width)?;
        let (y, height) = span(y0, y1, canvas.height)?;
        Some(Self {
            x,
            y,
            width,
            height,
        })
    }

    /// The corners of the square of `side` pixels around `(x, y)`, for [`Region::clipped`].
    pub fn square_around([x, y]: [f64; 2], side: usize) -> [i64; 4] {
        let side = i64::try_from(side).unwrap_or(i64::MAX / 4);
        // Of an even number of pixels the point is the first behind the middle.
        let [x, y] = [x, y].map(|v| v.round() as i64 - side / 2);
        [x, y, x.saturating_add(side), y.saturating_add(side)]
    }

    /// Pixels in it.
    pub fn size(self) -> Size {
        Size::new(self.width, self.height)
    }

    pub(super) fn end(self) -> [usize; 2] {
        [self.x + self.width, self.y + self.height]
    }

    /// With `margin` pixels more on every side, as far as the canvas goes.
    pub(super) fn widened(self, margin: usize, canvas: Size) -> Self {
        let (x, y) = (self.x.saturating_sub(margin), self.y.saturating_sub(margin));
        let [right, bottom] = self.end();
        Self {
            x,
            y,
            width: (right + margin).min(canvas.width) - x,
            height: (bottom + margin).min(canvas.height) - y,
        }
    }
}

/// Where an object of a catalogue lies.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ObjectPlace {
    /// Its number in the catalogue.
    pub id: u64,
    /// Its middle, canvas px.
    pub x: f64,
    /// See `x`.
    pub y: f64,
    /// Its significance.
    pub significance: f64,
}

/// The object `id` of the catalogue in a CSV file.
pub(super) fn object(path: &Path, id: u64) -> Result<ObjectPlace, RegionError> {
    let failed = |source| RegionError::Read {
        path: path.to_owned(),
        source,
    };
    let damaged = |what: &str| RegionError::Catalogue {
        path: path.to_owned(),
        what: what.to_owned(),
    };
    let mut columns: Option<[usize; 4]> = None;
    let mut ids: Option<[u64; 2]> = None;
    for line in BufReader::new(File::open(path).map_err(failed)?).lines() {
        let line = line.map_err(failed)?;
        if line.starts_with('#') || line.trim().is_empty() {
            continue;
        }
        let cells: Vec<&str> = line.split(',').collect();
        let Some([id_at, x_at, y_at, significance_at]) = columns else {
            let at = |name: &str| cells.iter().position(|cell| cell.trim() == name);
            let named = ["id", "x_px", "y_px", "significance"].map(at);
            let [Some(a), Some(b), Some(c), Some(d)] = named else {
                return Err(damaged("it has no columns id, x_px, y_px and significance"));
            };
            columns = Some([a, b, c, d]);
            continue;
        };
        let number = |at: usize| {
            cells
                .get(at)
                .and_then(|cell| cell.trim().parse::<f64>().ok())
        };
        let own = cells.get(id_at).and_then(|cell| cell.trim().parse().ok());
        let own: u64 = own.ok_or_else(|| damaged("a row has no number"))?;
        ids = Some(ids.map_or([own; 2], |[low, high]| [low.min(own), high.max(own)]));
        if own == id {
            let (Some(x), Some(y)) = (number(x_at), number(y_at)) else {
                return Err(damaged("the row of the object has no place"));
            };
            return Ok(ObjectPlace {
                id,
                x,
                y,
                significance: number(significance_at).unwrap_or(f64::NAN),
            });
        }
    }
    Err(RegionError::NoObject {
        path: path.to_owned(),
        id,
        ids,
    })
}
