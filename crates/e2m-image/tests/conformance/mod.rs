//! What every [`BandSource`] and every [`BandSink`] promises, asked of any of them.
//!
//! Crates that implement the traits include this file in a test of their own (`#[path]`), call [`source`] or [`sink`], and so
//! hold their types to the same contract.
#![allow(dead_code, reason = "a crate may have sources only, or sinks only")]

use e2m_image::{BandError, BandSink, BandSource, Size};
use ndarray::{Array2, Axis, s};
use std::fmt::Debug;

/// An image of `size` whose pixels all differ, in whole counts of 16 bit, so that every type of file can hold them.
pub(crate) fn image(size: Size) -> Array2<f32> {
    Array2::from_shape_fn(size.shape(), |(y, x)| {
        ((y * size.width + x) % 65_000) as f32
    })
}

/// Holds a source to the contract; `expected` is what it has to give.
///
/// The source is read by bands of several heights, downwards and upwards, twice the same rows, into memory with gaps. A band that
/// does not fit is refused, and the source goes on giving what it gave.
pub(crate) fn source(name: &str, source: &mut dyn BandSource, expected: &Array2<f32>) {
    let size = Size::new(expected.ncols(), expected.nrows());
    assert_eq!(source.size(), size, "{name}: its size");
    let height = size.height;
    for rows in [1, 2, 3, height] {
        let firsts: Vec<usize> = (0..height).step_by(rows).collect();
        for &first in &firsts {
            assert_rows(name, source, expected, first, rows.min(height - first));
        }
        for &first in firsts.iter().rev() {
            assert_rows(name, source, expected, first, rows.min(height - first));
        }
    }
    assert_rows(name, source, expected, height / 2, 1);
    assert_rows(name, source, expected, height / 2, 1);
    assert_with_gaps(name, source, expected);
    let misfits = [
        (0, (1, size.width + 1)),
        (0, (1, size.width - 1)),
        (0, (height + 1, size.width)),
        (height, (1, size.width)),
        (usize::MAX, (1, size.width)),
    ];
    for (first, shape) in misfits {
        let mut band = Array2::zeros(shape);
        let read = source.read_band(first, band.view_mut());
        assert!(
            matches!(read, Err(BandError::Shape { .. })),
            "{name}: a band of {shape:?} at row {first} is refused by its shape, not {read:?}"
        );
        assert_eq!(source.size(), size, "{name}: its size afterwards");
        assert_rows(name, source, expected, 0, height);
    }
}

fn assert_rows(
    name: &str,
    source: &mut dyn BandSource,
    expected: &Array2<f32>,
    first: usize,
    rows: usize,
) {
    // What was there before must not shine through.
    let mut band = Array2::from_elem((rows, expected.ncols()), f32::NAN);
    source
        .read_band(first, band.view_mut())
        .unwrap_or_else(|error| panic!("{name}: {rows} rows at {first}: {error}"));
    let wanted = expected.slice(s![first..first + rows, ..]);
    assert_eq!(band, wanted, "{name}: {rows} rows at {first}");
}

/// Reads into every other row and column of a larger array, and nowhere else.
fn assert_with_gaps(name: &str, source: &mut dyn BandSource, expected: &Array2<f32>) {
    let (rows, columns) = expected.dim();
    let mut larger = Array2::from_elem((2 * rows, 2 * columns), -1.0);
    source
        .read_band(0, larger.slice_mut(s![..;2, ..;2]))
        .unwrap_or_else(|error| panic!("{name}: into memory with gaps: {error}"));
    assert_eq!(larger.slice(s![..;2, ..;2]), expected, "{name}: with gaps");
    let untouched = |band: ndarray::ArrayView2<'_, f32>| band.iter().all(|pixel| *pixel == -1.0);
    assert!(untouched(larger.slice(s![1..;2, ..])), "{name}: the gaps");
    assert!(untouched(larger.slice(s![.., 1..;2])), "{name}: the gaps");
}

/// Holds a kind of sink to the contract: `make` makes one of `size`, `result` is what it has made of what was written.
///
/// The result depends on the pixels only, not on the height of the bands or on gaps in their memory. A band that does not fit is
/// refused, and what is written afterwards counts as if it had never come.
pub(crate) fn sink<S: BandSink, R: PartialEq + Debug>(
    name: &str,
    size: Size,
    make: impl Fn() -> S,
    result: impl Fn(S) -> R,
) {
    let pixels = image(size);
    let write = |sink: &mut S, rows: usize| {
        for band in pixels.axis_chunks_iter(Axis(0), rows) {
            sink.write_band(band)
                .unwrap_or_else(|error| panic!("{name}: {rows} rows at a time: {error}"));
        }
    };
    let mut whole = make();
    assert_eq!(whole.size(), size, "{name}: its size");
    write(&mut whole, size.height);
    assert_eq!(whole.size(), size, "{name}: its size when it is full");
    let expected = result(whole);

    for rows in [1, 2, 3] {
        let mut sink = make();
        write(&mut sink, rows);
        assert_eq!(result(sink), expected, "{name}: {rows} rows at a time");
    }

    let mut larger = Array2::from_elem((2 * size.height, 2 * size.width), -1.0);
    larger.slice_mut(s![..;2, ..;2]).assign(&pixels);
    let mut sink = make();
    sink.write_band(larger.slice(s![..;2, ..;2]))
        .unwrap_or_else(|error| panic!("{name}: from memory with gaps: {error}"));
    assert_eq!(result(sink), expected, "{name}: from memory with gaps");

    let mut sink = make();
    let misfits = |sink: &mut S, left: usize| {
        for shape in [
            (1, size.width + 1),
            (1, size.width - 1),
            (left + 1, size.width),
        ] {
            let written = sink.write_band(Array2::zeros(shape).view());
            assert!(
                matches!(written, Err(BandError::Shape { .. })),
                "{name}: a band of {shape:?} with {left} rows left is refused by its shape, not {written:?}"
            );
        }
    };
    misfits(&mut sink, size.height);
    sink.write_band(pixels.slice(s![..2, ..]))
        .unwrap_or_else(|error| panic!("{name}: after misfits: {error}"));
    misfits(&mut sink, size.height - 2);
    sink.write_band(pixels.slice(s![2.., ..]))
        .unwrap_or_else(|error| panic!("{name}: after misfits: {error}"));
    misfits(&mut sink, 0);
    assert_eq!(result(sink), expected, "{name}: after misfits");
}
