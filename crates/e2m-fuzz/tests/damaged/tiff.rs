//! Builds TIFFs of grey or RGB bytes: little-endian, chunks first, the directory last.

use std::io::Write as _;
use std::ops::Range;

/// How the chunks are packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Packing {
    None,
    Lzw,
    Deflate,
    PackBits,
    Jpeg,
}

/// What is to be built.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Recipe {
    pub(crate) width: usize,
    pub(crate) height: usize,
    /// 1 or 3.
    pub(crate) samples: usize,
    pub(crate) planar: bool,
    /// Side of the tiles, or `None` for strips.
    pub(crate) tile: Option<usize>,
    /// Rows of a strip.
    pub(crate) rows: usize,
    pub(crate) big: bool,
    pub(crate) packing: Packing,
}

/// A grey image in strips of 16 rows.
pub(crate) const GREY: Recipe = Recipe {
    width: 1000,
    height: 1000,
    samples: 1,
    planar: false,
    tile: None,
    rows: 16,
    big: false,
    packing: Packing::None,
};

impl Recipe {
    /// The file, and where its header and directory lie.
    pub(crate) fn build(
        &self,
        pixel: impl Fn(usize, usize, usize) -> u8,
    ) -> (Vec<u8>, Vec<Range<usize>>) {
        self.assemble(&self.chunks(&pixel))
    }

    /// A file of zeros whose chunks are all alike, which saves packing them one by one. The last strip has to be whole.
    pub(crate) fn build_black(&self) -> Vec<u8> {
        let (width, height) = self
            .tile
            .map_or((self.width, self.rows), |side| (side, side));
        let (samples, planes) = if self.planar {
            (1, self.samples)
        } else {
            (self.samples, 1)
        };
        let chunk = self.packed(&vec![0; width * height * samples], width, height);
        let count = self.width.div_ceil(width) * self.height.div_ceil(height) * planes;
        self.assemble(&vec![chunk; count]).0
    }

    fn assemble(&self, chunks: &[Vec<u8>]) -> (Vec<u8>, Vec<Range<usize>>) {
        let mut file = vec![0; 16];
        let (mut offsets, mut lengths) = (Vec::new(), Vec::new());
        for chunk in chunks {
            offsets.push(file.len() as u64);
            lengths.push(chunk.len() as u64);
            file.extend(chunk);
        }
        let directory = file.len().next_multiple_of(8);
        file.resize(directory, 0);
        self.write_header(&mut file, directory as u64);
        self.write_directory(&mut file, &offsets, &lengths);
        let structure = vec![0..16, directory..file.len()];
        (file, structure)
    }

    /// The chunks, packed.
    fn chunks(&self, pixel: &impl Fn(usize, usize, usize) -> u8) -> Vec<Vec<u8>> {
        let (width, height) = self
            .tile
            .map_or((self.width, self.rows), |side| (side, side));
        let planes: Vec<Vec<usize>> = if self.planar {
            (0..self.samples).map(|sample| vec![sample]).collect()
        } else {
            vec![(0..self.samples).collect()]
        };
        let mut chunks = Vec::new();
        for samples in &planes {
            for top in (0..self.height).step_by(height) {
                // Tiles are whole, the last strip is not.
                let bottom = match self.tile {
                    Some(_) => top + height,
                    None => (top + height).min(self.height),
                };
                for left in (0..self.width).step_by(width) {
                    let mut raw = Vec::new();
                    for y in top..bottom {
                        for x in left..left + width {
                            raw.extend(samples.iter().map(|&sample| pixel(x, y, sample)));
                        }
                    }
                    chunks.push(self.packed(&raw, width, bottom - top));
                }
            }
        }
        chunks
    }

    fn packed(&self, raw: &[u8], width: usize, height: usize) -> Vec<u8> {
        match self.packing {
            Packing::None => raw.to_vec(),
            Packing::Lzw => weezl::encode::Encoder::with_tiff_size_switch(weezl::BitOrder::Msb, 8)
                .encode(raw)
                .expect("encodes"),
            Packing::Deflate => {
                let mut out =
                    flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
                out.write_all(raw).expect("encodes");
                out.finish().expect("encodes")
            }
            Packing::PackBits => {
                // All of it literal but for runs of equal bytes.
                let mut out = Vec::new();
                for run in raw.chunk_by(|a, b| a == b).flat_map(|run| run.chunks(128)) {
                    out.push((1 - run.len() as i16) as u8);
                    out.push(run[0]);
                }
                out
            }
            Packing::Jpeg => {
                let mut out = Vec::new();
                let kind = match self.samples {
                    1 => jpeg_encoder::ColorType::Luma,
                    _ => jpeg_encoder::ColorType::Rgb,
                };
                jpeg_encoder::Encoder::new(&mut out, 95)
                    .encode(raw, width as u16, height as u16, kind)
                    .expect("encodes");
                out
            }
        }
    }

    fn write_header(&self, file: &mut [u8], directory: u64) {
        if self.big {
            file[..8].copy_from_slice(b"II\x2b\0\x08\0\0\0");
            file[8..16].copy_from_slice(&directory.to_le_bytes());
        } else {
            file[..4].copy_from_slice(b"II\x2a\0");
            file[4..8].copy_from_slice(&(directory as u32).to_le_bytes());
        }
    }

    fn tags(&self, offsets: &[u64], lengths: &[u64]) -> Vec<(u16, Vec<u64>)> {
        let compression = match self.packing {
            Packing::None => 1,
            Packing::Lzw => 5,
            Packing::Jpeg => 7,
            Packing::Deflate => 8,
            Packing::PackBits => 32773,
        };
        let photometric = match (self.samples, self.packing) {
            (1, _) => 1,
            (_, Packing::Jpeg) => 6,
            _ => 2,
        };
        let mut tags = vec![
            (256, vec![self.width as u64]),
            (257, vec![self.height as u64]),
            (258, vec![8; self.samples]),
            (259, vec![compression]),
            (262, vec![photometric]),
            (277, vec![self.samples as u64]),
            (284, vec![if self.planar { 2 } else { 1 }]),
        ];
        match self.tile {
            Some(side) => tags.extend([
                (322, vec![side as u64]),
                (323, vec![side as u64]),
                (324, offsets.to_vec()),
                (325, lengths.to_vec()),
            ]),
            None => tags.extend([
                (273, offsets.to_vec()),
                (278, vec![self.rows as u64]),
                (279, lengths.to_vec()),
            ]),
        }
        tags.sort_by_key(|(tag, _)| *tag);
        tags
    }

    /// The directory and behind it the values that have no room in it. All numbers are LONG, or LONG8 in a BigTIFF.
    fn write_directory(&self, file: &mut Vec<u8>, offsets: &[u64], lengths: &[u64]) {
        let tags = self.tags(offsets, lengths);
        let (size, kind) = if self.big { (8, 16_u16) } else { (4, 4) };
        let number = |value: u64| value.to_le_bytes().into_iter().take(size);
        let count_bytes = if self.big { 8 } else { 2 };
        let mut behind = file.len() + count_bytes + tags.len() * (4 + 2 * size) + size;
        let mut longer: Vec<u8> = Vec::new();
        file.extend(
            (tags.len() as u64)
                .to_le_bytes()
                .into_iter()
                .take(count_bytes),
        );
        for (tag, values) in &tags {
            file.extend(tag.to_le_bytes());
            file.extend(kind.to_le_bytes());
            file.extend(number(values.len() as u64));
            if let [value] = values[..] {
                file.extend(number(value));
            } else {
                file.extend(number(behind as u64));
                longer.extend(values.iter().flat_map(|&value| number(value)));
                behind += values.len() * size;
            }
        }
        file.extend(number(0));
        file.extend(longer);
    }
}
