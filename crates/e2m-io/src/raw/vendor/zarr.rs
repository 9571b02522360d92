//! OME-Zarr: a folder of chunks.

use super::contents::Chosen;
use super::guard::guarded;
use super::regions::{Regions, band_rows};
use super::{Store, Stored, size_of};
use crate::tiff::{ChunkLayout, TiffProblem};
use openreadout_core::model::ImageInfo;
use openreadout_core::source::Input;
use openreadout_zarr::{AxisRole, ZarrDataset, ZarrReader};
use std::path::Path;

/// Codecs that are read, by their names in Zarr 2 and 3 and without what a blosc codec holds.
const CODECS: [&str; 11] = [
    "blosc",
    "bytes",
    "crc32c",
    "endian",
    "gzip",
    "lz4",
    "numcodecs.lz4",
    "sharding_indexed",
    "transpose",
    "zlib",
    "zstd",
];

/// A folder whose metadata have been read.
pub(super) struct Opened {
    pub(super) images: Vec<ImageInfo>,
    arrays: Vec<Array>,
    input: Input,
}

/// The array of an image at full resolution.
struct Array {
    /// What is decoded at a time, along every axis.
    chunk: Vec<u64>,
    roles: Vec<AxisRole>,
    codecs: Vec<String>,
    data_type: String,
    is_known: bool,
}

impl Array {
    fn along(&self, role: AxisRole) -> usize {
        let axis = self.roles.iter().position(|own| *own == role);
        let length = axis.and_then(|axis| self.chunk.get(axis).copied());
        length.map_or(1, |n| usize::try_from(n).unwrap_or(usize::MAX))
    }
}

impl Opened {
    pub(super) fn open(path: &Path) -> Result<Self, TiffProblem> {
        let dataset = guarded(|| ZarrDataset::open(path))?;
        // Labels are listed behind the images.
        let images = dataset.images().iter();
        let images = images.filter(|image| !image.info.extra.contains_key("label"));
        let mut opened = Self {
            images: Vec::new(),
            arrays: Vec::new(),
            input: Input::local(path),
        };
        for image in images {
            let Some(array) = image.levels.first() else {
                break;
            };
            opened.images.push(image.info.clone());
            opened.arrays.push(Array {
                chunk: match array.inner_chunks.is_empty() {
                    true => array.chunks.clone(),
                    false => array.inner_chunks.clone(),
                },
                roles: image.roles.clone(),
                codecs: array.codecs.clone(),
                data_type: array.dtype.clone(),
                is_known: array.pixel_type.is_some(),
            });
        }
        Ok(opened)
    }

    pub(super) fn stored(&self, chosen: &Chosen) -> Result<Stored, TiffProblem> {
        let (image, array) = (&self.images[chosen.image], &self.arrays[chosen.image]);
        let size = size_of(image)?;
        if !array.is_known {
            return Err(TiffProblem::Unsupported {
                found: format!("samples of the Zarr type {}", array.data_type),
                advice: "save it as 8 or 16 bit integers or as 32 bit float",
            });
        }
        if array.roles.contains(&AxisRole::Other) {
            return Err(TiffProblem::Unsupported {
                found: "an array with axes other than t, c, z, y and x".to_owned(),
                advice: "save the image with these axes alone",
            });
        }
        let codecs = array.codecs.iter();
        let codecs = codecs.map(|codec| codec.trim_start_matches("sharding_indexed/"));
        for codec in codecs.clone() {
            let name = codec.split('/').next().unwrap_or_default();
            if !CODECS.contains(&name) {
                return Err(TiffProblem::Unsupported {
                    found: format!("the Zarr codec {name}"),
                    advice: "write the array without compression, or with blosc, zstd, gzip or zlib",
                });
            }
        }
        let plain = ["bytes", "endian", "crc32c", "sharding_indexed", "transpose"];
        let coding: Vec<&str> = codecs.filter(|codec| !plain.contains(codec)).collect();
        let sample = image.pixel_type.bytes_per_sample() as u64;
        let height = band_rows(
            size.height,
            array.along(AxisRole::Y),
            size.width as u64 * sample,
        );
        let columns = array.along(AxisRole::X).clamp(1, size.width);
        let chunk = array.chunk.iter().fold(sample, |n, &m| n.saturating_mul(m));
        // A chunk may be higher than a band, and hold other planes; each that is decoded is held as it is stored, and twice more.
        let threads = std::thread::available_parallelism().map_or(1, |n| n.get() as u64);
        let in_row = size.width.div_ceil(columns) as u64;
        let at_once = threads.min(2 * in_row);
        Ok(Stored {
            store: Store::Tiles(Regions {
                reader: &ZarrReader,
                input: self.input.clone(),
                image: chosen.image as u32,
                plane: chosen.plane,
            }),
            chunks: ChunkLayout::Tiles {
                width: columns,
                height,
            },
            decoder_bytes: chunk.saturating_mul(3 * at_once + in_row),
            coding: (!coding.is_empty()).then(|| coding.join(", ")),
            kind: None,
            cut: None,
            remarks: Vec::new(),
        })
    }
}
