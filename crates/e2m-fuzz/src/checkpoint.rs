//! Checkpoints of either format: opened, verified, and read once more in another order.

use crate::{FileInMemory, ReadOutcome};
use e2m_image::BandSource;
use e2m_io::{CheckpointError, CheckpointReader};
use ndarray::Array2;

/// Rows of a band, few enough that small images have several.
const BAND_ROWS: usize = 5;

pub(crate) fn read(file: &FileInMemory) -> ReadOutcome {
    let outcome = ReadOutcome::from(everything(file));
    if let ReadOutcome::Refused(error) = &outcome {
        file.assert_named(error);
    }
    outcome
}

fn everything(file: &FileInMemory) -> Result<(), CheckpointError> {
    let mut reader = CheckpointReader::open(file.path())?;
    let size = reader.size();
    assert!(size.width > 0 && size.height > 0);
    let facts = reader.facts().clone();
    assert!(facts.same_values(&facts));
    let _ = facts.warp();
    let hash = reader.verify()?;
    let rows = BAND_ROWS.min(size.height);
    let mut band = Array2::zeros((rows, size.width));
    for first in [size.height - rows, 0] {
        if let Err(error) = reader.read_band(first, band.view_mut()) {
            panic!("a file that was verified cannot be read: {error}");
        }
    }
    assert_eq!(reader.verify()?, hash, "pixels changed");
    Ok(())
}
