//! Row bands: how canvas-sized data moves without ever being held.

use crate::plane::{copy_counts, with_plane};
use crate::{PlaneView, Size};
use ndarray::{Array2, ArrayView2, ArrayViewMut2, s};
use std::ops::ControlFlow;

/// What can go wrong while bands flow.
#[derive(Debug, thiserror::Error)]
pub enum BandError {
    /// A band does not fit the image it was asked from or given to.
    #[error(
        "a band of {band_rows} rows of {band_width} px at row {first_row} does not fit an image of {size}"
    )]
    Shape {
        /// First row of the band.
        first_row: usize,
        /// Rows of the band.
        band_rows: usize,
        /// Columns of the band.
        band_width: usize,
        /// The image's size.
        size: Size,
    },
    /// The caller asked to stop between two bands.
    #[error("interrupted")]
    Interrupted,
    /// The error of a source or a sink, with its own facts.
    #[error(transparent)]
    Other(Box<dyn std::error::Error + Send + Sync>),
}

impl BandError {
    /// Wraps the error of a source or a sink.
    pub fn other(error: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self::Other(Box::new(error))
    }
}

/// A float image that can be read by bands of rows, in any order.
pub trait BandSource {
    /// The size of the whole image.
    fn size(&self) -> Size;

    /// Fills `band`, shape `(rows, width)`, with the rows from `first_row` on.
    fn read_band(
        &mut self,
        first_row: usize,
        band: ArrayViewMut2<'_, f32>,
    ) -> Result<(), BandError>;
}

/// A float image that is written band by band, top to bottom, each row once.
pub trait BandSink {
    /// The size of the whole image.
    fn size(&self) -> Size;

    /// Takes the next rows, shape `(rows, width)`.
    fn write_band(&mut self, band: ArrayView2<'_, f32>) -> Result<(), BandError>;
}

/// Fails with [`BandError::Shape`] unless a band of `shape = (rows, width)` at `first_row` lies within `size`: what every
/// source and sink asks first.
pub fn check_band(size: Size, first_row: usize, shape: (usize, usize)) -> Result<(), BandError> {
    let (band_rows, band_width) = shape;
    if band_width == size.width
        && first_row
            .checked_add(band_rows)
            .is_some_and(|end| end <= size.height)
    {
        return Ok(());
    }
    Err(BandError::Shape {
        first_row,
        band_rows,
        band_width,
        size,
    })
}

/// Bytes of float pixels that a band of the default height holds at most.
const DEFAULT_BAND_BYTES: usize = 16 << 20;

/// A band height for images `width` pixels wide: bands of at most 16 MiB of floats, never fewer than one row.
///
/// The height changes speed and memory, never results.
pub fn default_band_rows(width: usize) -> usize {
    (DEFAULT_BAND_BYTES / (4 * width.max(1))).max(1)
}

/// Pumps every row of `source` through `sinks`, `band_rows` at a time.
///
/// After each band `on_band` gets the number of rows done; [`ControlFlow::Break`] stops with
/// [`BandError::Interrupted`]. One band buffer is all the memory it takes.
pub fn stream_bands(
    source: &mut dyn BandSource,
    sinks: &mut [&mut dyn BandSink],
    band_rows: usize,
    mut on_band: impl FnMut(usize) -> ControlFlow<()>,
) -> Result<(), BandError> {
    let size = source.size();
    for sink in sinks.iter() {
        if sink.size() != size {
            return Err(BandError::Shape {
                first_row: 0,
                band_rows: size.height,
                band_width: size.width,
                size: sink.size(),
            });
        }
    }
    let mut buffer = Array2::zeros((band_rows.clamp(1, size.height.max(1)), size.width));
    let mut row = 0;
    while row < size.height {
        let rows = buffer.nrows().min(size.height - row);
        let mut band = buffer.slice_mut(s![..rows, ..]);
        source.read_band(row, band.view_mut())?;
        for sink in sinks.iter_mut() {
            sink.write_band(band.view())?;
        }
        row += rows;
        if on_band(row).is_break() {
            return Err(BandError::Interrupted);
        }
    }
    Ok(())
}

/// Reads a plane as floats.
#[derive(Debug, Clone, Copy)]
pub struct PlaneSource<'a>(PlaneView<'a>);

impl<'a> PlaneSource<'a> {
    /// A source over `plane`, a [`Plane`](crate::Plane) or an array view.
    pub fn new(plane: impl Into<PlaneView<'a>>) -> Self {
        Self(plane.into())
    }
}

impl BandSource for PlaneSource<'_> {
    fn size(&self) -> Size {
        self.0.size()
    }

    fn read_band(
        &mut self,
        first_row: usize,
        band: ArrayViewMut2<'_, f32>,
    ) -> Result<(), BandError> {
        check_band(self.size(), first_row, band.dim())?;
        let rows = s![first_row..first_row + band.nrows(), ..];
        with_plane!(PlaneView, &self.0, a => copy_counts(a.slice(rows), band));
        Ok(())
    }
}

/// Passes on what it reads from `source`, and shows it to `sink` on the way: one pass for two purposes.
///
/// The rows have to be read top to bottom, each once, as [`stream_bands`] does.
pub struct Tap<'a, S> {
    source: S,
    sink: &'a mut dyn BandSink,
}

impl<'a, S: BandSource> Tap<'a, S> {
    /// `source`, seen by `sink`.
    pub fn new(source: S, sink: &'a mut dyn BandSink) -> Self {
        Self { source, sink }
    }
}

impl<S: BandSource> BandSource for Tap<'_, S> {
    fn size(&self) -> Size {
        self.source.size()
    }

    fn read_band(
        &mut self,
        first_row: usize,
        mut band: ArrayViewMut2<'_, f32>,
    ) -> Result<(), BandError> {
        self.source.read_band(first_row, band.view_mut())?;
        self.sink.write_band(band.view())
    }
}

/// Collects the bands into an array. For previews, tests and small images: it holds every pixel.
#[derive(Debug, Clone)]
pub struct MemorySink {
    image: Array2<f32>,
    rows_written: usize,
}

impl MemorySink {
    /// An empty image of `size`.
    pub fn new(size: Size) -> Self {
        Self {
            image: Array2::zeros(size.shape()),
            rows_written: 0,
        }
    }

    /// What was written; rows never written are zero.
    pub fn into_image(self) -> Array2<f32> {
        self.image
    }
}

impl BandSink for MemorySink {
    fn size(&self) -> Size {
        let (height, width) = self.image.dim();
        Size::new(width, height)
    }

    fn write_band(&mut self, band: ArrayView2<'_, f32>) -> Result<(), BandError> {
        check_band(self.size(), self.rows_written, band.dim())?;
        let end = self.rows_written + band.nrows();
        self.image
            .slice_mut(s![self.rows_written..end, ..])
            .assign(&band);
        self.rows_written = end;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Plane;

    fn ramp(size: Size) -> Plane {
        Plane::from(Array2::from_shape_fn(size.shape(), |(y, x)| {
            (y * size.width + x) as f32
        }))
    }

    #[test]
    fn streaming_copies_every_row_whatever_the_band_height() {
        let plane = ramp(Size::new(7, 11));
        for band_rows in [1, 3, 11, 100] {
            let mut sink = MemorySink::new(plane.size());
            let mut seen = Vec::new();
            stream_bands(
                &mut PlaneSource::new(&plane),
                &mut [&mut sink],
                band_rows,
                |done| {
                    seen.push(done);
                    ControlFlow::Continue(())
                },
            )
            .expect("streams");
            assert_eq!(Plane::from(sink.into_image()), plane);
            assert_eq!(seen.last(), Some(&11));
        }
    }

    #[test]
    fn streaming_stops_between_bands() {
        let plane = ramp(Size::new(2, 10));
        let mut rows_done = 0;
        let result = stream_bands(&mut PlaneSource::new(&plane), &mut [], 3, |done| {
            rows_done = done;
            if done >= 6 {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        });
        assert!(matches!(result, Err(BandError::Interrupted)));
        assert_eq!(rows_done, 6);
    }

    #[test]
    fn a_sink_of_another_size_is_refused_before_anything_is_read() {
        let plane = ramp(Size::new(4, 4));
        let mut sink = MemorySink::new(Size::new(4, 5));
        let result = stream_bands(&mut PlaneSource::new(&plane), &mut [&mut sink], 2, |_| {
            ControlFlow::Continue(())
        });
        assert!(matches!(result, Err(BandError::Shape { .. })));
    }

    #[test]
    fn a_band_beyond_the_image_is_refused() {
        let plane = ramp(Size::new(4, 4));
        let mut band = Array2::zeros((2, 4));
        assert!(
            PlaneSource::new(&plane)
                .read_band(3, band.view_mut())
                .is_err()
        );
        assert!(
            PlaneSource::new(&plane)
                .read_band(usize::MAX, band.view_mut())
                .is_err()
        );
    }
}
