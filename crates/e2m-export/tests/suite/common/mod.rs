//! Images of known pixels, and a reader that knows nothing of the writer: directories by the `tiff` crate, tiles by flate2.

#![allow(dead_code, reason = "each test binary uses its part of this")]

use e2m_export::{Channel, Colour, ExportError, OmeImage, OmeTiff, Pyramid, write_ome_tiff};
use e2m_image::{BandSource, PlaneSource, Size};
use ndarray::{Array2, s};
use std::fs::File;
use std::io::{BufReader, Read as _};
use std::ops::ControlFlow;
use std::path::Path;
use tiff::Directory;
use tiff::decoder::Decoder;
use tiff::tags::Tag;

/// Noise around a slope, with some bright pixels, in steps that 32 bit hold.
pub(crate) fn pixels(size: Size, seed: u64) -> Array2<f32> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    Array2::from_shape_fn(size.shape(), |(y, x)| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        let noise = (state >> 40) as f32 / 1024.0 - 8192.0;
        let bright = if state.is_multiple_of(997) { 1e6 } else { 0.0 };
        noise + bright + x as f32 - 0.5 * y as f32
    })
}

/// An image of these channels.
pub(crate) fn image(size: Size, pyramids: &[Pyramid]) -> OmeImage {
    let mut image = OmeImage::new("é µ & <b>", size);
    for (index, pyramid) in pyramids.iter().enumerate() {
        let name = format!("channel {index}");
        image
            .channels
            .push(Channel::new(name, Colour::CYAN, *pyramid));
    }
    image
}

/// Writes planes.
pub(crate) fn write(
    path: &Path,
    image: &OmeImage,
    planes: &[Array2<f32>],
) -> Result<OmeTiff, ExportError> {
    let mut sources: Vec<PlaneSource<'_>> =
        planes.iter().map(|p| PlaneSource::new(p.view())).collect();
    let mut sources: Vec<&mut dyn BandSource> = sources
        .iter_mut()
        .map(|source| source as &mut dyn BandSource)
        .collect();
    write_ome_tiff(
        path,
        image,
        &mut sources,
        &mut |_| ControlFlow::Continue(()),
    )
}

/// The next level, pixel by pixel as the docs say it.
pub(crate) fn next_level(level: &Array2<f32>, pyramid: Pyramid) -> Array2<f32> {
    let (height, width) = level.dim();
    Array2::from_shape_fn((height.div_ceil(2), width.div_ceil(2)), |(y, x)| {
        let rows = 2 * y..(2 * y + 2).min(height);
        let columns = 2 * x..(2 * x + 2).min(width);
        let block = level.slice(s![rows, columns]);
        let finite: Vec<f64> = block
            .iter()
            .filter(|value| value.is_finite())
            .map(|&value| f64::from(value))
            .collect();
        match pyramid {
            _ if finite.is_empty() => f32::NAN,
            Pyramid::Mean => (finite.iter().sum::<f64>() / finite.len() as f64) as f32,
            Pyramid::Maximum => finite.iter().copied().fold(f64::NEG_INFINITY, f64::max) as f32,
        }
    })
}

/// A directory of a file, and its pixels.
#[derive(Debug)]
pub(crate) struct Read {
    pub(crate) size: Size,
    pub(crate) subfile: u32,
    pub(crate) resolution: Option<[f64; 2]>,
    pub(crate) pixels: Array2<f32>,
}

/// The channels of a file, each with its levels, in the order in which the file has them.
pub(crate) fn read(path: &Path) -> Vec<Vec<Read>> {
    let file = BufReader::new(File::open(path).expect("opens"));
    let mut decoder = Decoder::new(file).expect("a TIFF");
    let mut channels = Vec::new();
    let mut next = decoder.ifd_pointer();
    while let Some(place) = next {
        let directory = decoder.read_directory(place).expect("a directory");
        next = directory.next();
        let mut levels = vec![read_level(&mut decoder, path, &directory)];
        let places = decoder
            .read_directory_tags(&directory)
            .find_tag(Tag::SubIfd)
            .expect("reads");
        for place in places.map_or_else(Vec::new, |value| value.into_u64_vec().expect("places")) {
            let directory = decoder
                .read_directory(tiff::tags::IfdPointer(place))
                .expect("a SubIFD");
            levels.push(read_level(&mut decoder, path, &directory));
        }
        channels.push(levels);
    }
    channels
}

fn read_level(decoder: &mut Decoder<BufReader<File>>, path: &Path, directory: &Directory) -> Read {
    let mut tags = decoder.read_directory_tags(directory);
    let mut numbers = |tag: Tag| -> Vec<u64> {
        let value = tags.find_tag(tag).expect("reads");
        value.map_or_else(Vec::new, |value| value.into_u64_vec().expect("numbers"))
    };
    let one = |numbers: Vec<u64>| -> u64 {
        assert_eq!(numbers.len(), 1);
        numbers[0]
    };
    let size = Size::new(
        one(numbers(Tag::ImageWidth)) as usize,
        one(numbers(Tag::ImageLength)) as usize,
    );
    assert_eq!(one(numbers(Tag::TileWidth)), 512);
    assert_eq!(one(numbers(Tag::TileLength)), 512);
    assert_eq!(one(numbers(Tag::BitsPerSample)), 32);
    assert_eq!(one(numbers(Tag::SampleFormat)), 3);
    assert_eq!(one(numbers(Tag::SamplesPerPixel)), 1);
    assert_eq!(one(numbers(Tag::Predictor)), 1, "no predictor");
    let subfile = one(numbers(Tag::NewSubfileType)) as u32;
    let deflated = match one(numbers(Tag::Compression)) {
        8 => true,
        1 => false,
        other => panic!("compression {other}"),
    };
    let (offsets, lengths) = (numbers(Tag::TileOffsets), numbers(Tag::TileByteCounts));
    let across = size.width.div_ceil(512);
    assert_eq!(offsets.len(), across * size.height.div_ceil(512));
    assert_eq!(offsets.len(), lengths.len());
    let unit = numbers(Tag::ResolutionUnit);
    let mut per_unit = |tag: Tag| -> Option<f64> {
        match tags.find_tag(tag).expect("reads")? {
            tiff::decoder::ifd::Value::Rational(n, d) => Some(f64::from(n) / f64::from(d)),
            other => panic!("{other:?}"),
        }
    };
    let resolution = per_unit(Tag::XResolution).zip(per_unit(Tag::YResolution));
    assert_eq!(unit.is_empty(), resolution.is_none());
    assert!(unit.is_empty() || unit == [3], "centimetres");
    let file = std::fs::read(path).expect("reads");
    let mut pixels = Array2::zeros(size.shape());
    for (index, (&offset, &length)) in offsets.iter().zip(&lengths).enumerate() {
        let bytes = &file[offset as usize..][..length as usize];
        let mut tile = Vec::new();
        if deflated {
            let mut decoder = flate2::read::ZlibDecoder::new(bytes);
            decoder.read_to_end(&mut tile).expect("deflated");
        } else {
            tile.extend_from_slice(bytes);
        }
        assert_eq!(tile.len(), 4 * 512 * 512);
        let (top, left) = (index / across * 512, index % across * 512);
        for (place, value) in tile.chunks(4).enumerate() {
            let (y, x) = (top + place / 512, left + place % 512);
            if y < size.height && x < size.width {
                pixels[(y, x)] = f32::from_ne_bytes(value.try_into().expect("four"));
            }
        }
    }
    Read {
        size,
        subfile,
        resolution: resolution.map(|(x, y)| [x, y]),
        pixels,
    }
}

/// Asserts that two images are the same, bit for bit but for the kind of NaN.
#[track_caller]
pub(crate) fn assert_same(found: &Array2<f32>, expected: &Array2<f32>, what: &str) {
    assert_eq!(found.dim(), expected.dim(), "{what}");
    for ((place, a), b) in found.indexed_iter().zip(expected) {
        let same = a.to_bits() == b.to_bits() || a.is_nan() && b.is_nan();
        assert!(same, "{what}: {a} instead of {b} at {place:?}");
    }
}
