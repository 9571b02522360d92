//! The sources and sinks of this crate, held to what all of them promise.

mod conformance;

use conformance::{image, sink, source};
use e2m_image::{
    BlockMean, Canvas, MemorySink, Padded, Plane, PlaneSource, Size, Warp, WarpedPlane,
};
use ndarray::{Array2, s};

const SIZE: Size = Size::new(5, 7);
const PAD: usize = 2;

/// The image on its canvas.
fn padded() -> Array2<f32> {
    let size = Canvas::new(SIZE, SIZE, PAD).size();
    let mut canvas = Array2::zeros(size.shape());
    canvas
        .slice_mut(s![PAD..PAD + SIZE.height, PAD..PAD + SIZE.width])
        .assign(&image(SIZE));
    canvas
}

#[test]
fn planes_of_every_type() {
    let expected = image(SIZE);
    let planes = [
        ("u8", Plane::from(expected.mapv(|pixel| pixel as u8))),
        ("u16", Plane::from(expected.mapv(|pixel| pixel as u16))),
        ("f32", Plane::from(expected.clone())),
    ];
    for (name, plane) in &planes {
        source(name, &mut PlaneSource::new(plane), &expected);
    }
}

#[test]
fn a_padded_source() {
    let plane = Plane::from(image(SIZE));
    let canvas = Canvas::new(SIZE, SIZE, PAD);
    let mut on_canvas = Padded::new(PlaneSource::new(&plane), canvas).expect("fits");
    source("padded", &mut on_canvas, &padded());
}

#[test]
fn a_warped_plane() {
    let plane = Plane::from(image(SIZE));
    let canvas = Canvas::new(SIZE, SIZE, PAD);
    let mut as_it_is = WarpedPlane::new(&plane, canvas, Warp::translation(0.0, 0.0));
    source("warped by nothing", &mut as_it_is, &padded());
}

#[test]
fn an_image_in_memory() {
    let make = || MemorySink::new(SIZE);
    sink("memory", SIZE, make, MemorySink::into_image);
}

#[test]
fn a_preview() {
    for factor in [1, 2, 3] {
        let make = || BlockMean::new(SIZE, factor);
        sink("block mean", SIZE, make, BlockMean::into_image);
    }
}
